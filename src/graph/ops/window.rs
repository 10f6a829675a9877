//! Windows that move over images: how many positions they have.

use crate::graph::{Attrs, Dim, Shape, ShapeError};

/// A square window that moves over an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its side in pixels.
    pub kernel: usize,
    /// Pixels from one position to the next.
    pub stride: usize,
    /// Pixels added on each side of the image.
    pub padding: usize,
}

impl Window {
    /// As attributes of a node.
    pub fn attrs(self) -> Attrs {
        Attrs::new()
            .int("kernel", self.kernel as i64)
            .int("stride", self.stride as i64)
            .int("padding", self.padding as i64)
    }

    /// As a node's attributes have it.
    pub fn of(attrs: &Attrs) -> Window {
        let get = |name| attrs.get_usize(name);
        Window { kernel: get("kernel"), stride: get("stride"), padding: get("padding") }
    }

    /// How many positions it has along a side of `size` pixels; `op` and `image` are for the error.
    pub fn positions(self, op: &str, size: &Dim, image: &Shape) -> Result<Dim, ShapeError> {
        let Window { kernel, stride, padding } = self;
        if kernel == 0 || stride == 0 {
            return Err(ShapeError::new(format!("{op} needs a kernel and a stride of at least 1")));
        }
        let room = &(size + &Dim::from(2 * padding)) - &Dim::from(kernel);
        let steps = match room.constant() {
            Some(n) if n < 0 => return Err(too_small(op, kernel, padding, image)),
            Some(n) => Some(Dim::from(n / stride as i64)),
            None => room.divide(&Dim::from(stride)),
        };
        let steps = steps.ok_or_else(|| {
            ShapeError::new(format!("{op} with stride {stride} needs to know the size of the image, which is {image}"))
        })?;
        Ok(&steps + &Dim::from(1i64))
    }
}

fn too_small(op: &str, kernel: usize, padding: usize, image: &Shape) -> ShapeError {
    ShapeError::new(format!(
        "{op}: a {kernel} x {kernel} window with padding {padding} is larger than the image {image}"
    ))
    .help("use a smaller kernel, more padding, fewer strided layers before it, or larger views")
}

/// The dimensions of a batch of images, or an error in words.
pub fn image<'a>(op: &str, shape: &'a Shape) -> Result<[&'a Dim; 4], ShapeError> {
    match &shape.0[..] {
        [n, height, width, channels] => Ok([n, height, width, channels]),
        _ => Err(ShapeError::new(format!("{op} needs images [N, H, W, C], this is {shape}"))
            .help("flatten, global pooling and the encoders leave no image: put it before them")),
    }
}
