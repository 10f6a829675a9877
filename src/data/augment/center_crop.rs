//! `center_crop`: the middle of the picture (torchvision's `CenterCrop`).

use super::{Augment, Augmentation, Scratch, Step, pad_crop::cut, side};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::data::{Image, Pixels};
use crate::random::Rng;

/// The word `center_crop`.
pub static WORD: Augmentation = Augmentation {
    entry: Entry {
        name: "center_crop",
        kind: Kind::Augmentation,
        params: &[Param::required("size", ParamType::Int { min: 1, max: 4096 }, "Height and width of the result.")],
        formula: "[H, W, C] -> [size, size, C]",
        doc: "The middle of the picture; black is added around a smaller one (torchvision CenterCrop).",
    },
    random: false,
    build: |config| {
        side(config, "center_crop").map(|side| Box::new(CenterCrop { size: (side, side) }) as Box<dyn Step>)
    },
};

/// The central rectangle.
#[derive(Clone, Debug)]
pub struct CenterCrop {
    /// Height and width of the result.
    pub size: (usize, usize),
}

impl Augment for CenterCrop {
    type Draw = ();

    fn draw(&self, _: (usize, usize), _: &mut Rng) {}

    fn apply(&self, (): &(), pixels: &mut Pixels, scratch: &mut Scratch) {
        let (top, left) = (start(pixels.height, self.size.0), start(pixels.width, self.size.1));
        cut(pixels, scratch, top, left, self.size);
    }

    fn apply_to(&self, (): &(), image: &Image, out: &mut Pixels, scratch: &mut Scratch) {
        let (rows, columns) = self.size;
        if image.height < rows || image.width < columns {
            out.load(image);
            return self.apply(&(), out, scratch);
        }
        // No more of a large picture than is asked for becomes numbers.
        let (top, left) = (start(image.height, rows) as usize, start(image.width, columns) as usize);
        let channels = image.channels;
        out.resize(self.size, channels);
        for (y, line) in out.data.chunks_exact_mut(columns * channels).enumerate() {
            let from = ((top + y) * image.width + left) * channels;
            let bytes = &image.data[from..from + columns * channels];
            line.iter_mut().zip(bytes).for_each(|(x, &byte)| *x = f32::from(byte) / 255.0);
        }
    }

    fn output_size(&self, _: (usize, usize)) -> (usize, usize) {
        self.size
    }

    fn settles(&self) -> bool {
        true
    }
}

/// Where the middle `size` of `extent` starts: torchvision rounds half to even when it cuts, and down when it pads.
fn start(extent: usize, size: usize) -> isize {
    if extent >= size {
        ((extent - size) as f64 / 2.0).round_ties_even() as isize
    } else {
        -(((size - extent) / 2) as isize)
    }
}
