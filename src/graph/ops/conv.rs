//! Convolution of channels-last images with filters in PyTorch's layout, and its gradients.

use super::window::Window;
use super::{bounds, samples};
use crate::graph::{
    Attr, Attrs, Backward, Cost, Dim, GradRule, Graph, Linear, NodeId, Operation, Shape, ShapeError, TensorType,
    Values, Zero,
};

/// Every operation of this family.
pub const OPERATIONS: &[&Operation] = &[&CONV2D, &CONV2D_INPUT_GRAD, &CONV2D_WEIGHT_GRAD];

/// `x [N, H, W, C], w [O, C/groups, k, k] -> [N, H', W', O]`; `stride`, `padding`, `groups`.
pub static CONV2D: Operation = Operation {
    name: "conv2d",
    infer,
    grad: GradRule::Rule(gradient),
    cost: Cost::Rule(flops),
    samples: samples::by_first,
    values: Values::UNKNOWN.bounds(bounds::inner_product).zero(Zero::Product).linear(Linear::Each),
    in_place: false,
};

/// `dy [N, H', W', O], w -> input`: the gradient by the image, whose dimensions `input` gives.
pub static CONV2D_INPUT_GRAD: Operation = Operation {
    name: "conv2d_input_grad",
    infer: infer_input,
    grad: GradRule::Stops,
    cost: Cost::Rule(input_flops),
    samples: samples::unasked,
    values: Values::UNKNOWN,
    in_place: false,
};

/// `x [N, H, W, C], dy [N, H', W', O] -> [O, C/groups, k, k]`: the gradient by the filters; `kernel` gives `[k, k]`.
pub static CONV2D_WEIGHT_GRAD: Operation = Operation {
    name: "conv2d_weight_grad",
    infer: infer_weight,
    grad: GradRule::Stops,
    cost: Cost::Rule(weight_flops),
    samples: samples::unasked,
    values: Values::UNKNOWN,
    in_place: false,
};

/// How a filter moves over an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Pixels from one position to the next.
    pub stride: usize,
    /// Pixels of zeros added on each side.
    pub padding: usize,
    /// Groups of channels that are convolved apart.
    pub groups: usize,
}

impl Conv {
    /// As attributes of a node.
    fn attrs(self) -> Attrs {
        Attrs::new()
            .int("stride", self.stride as i64)
            .int("padding", self.padding as i64)
            .int("groups", self.groups as i64)
    }

    /// As a node's attributes have it.
    pub fn of(attrs: &Attrs) -> Conv {
        let get = |name| attrs.get_usize(name);
        Conv { stride: get("stride"), padding: get("padding"), groups: get("groups") }
    }
}

impl Graph {
    /// The convolution of images `[N, H, W, C]` with filters `[O, C/groups, k, k]`.
    pub fn conv2d(&mut self, x: NodeId, weight: NodeId, conv: Conv) -> Result<NodeId, ShapeError> {
        self.apply(&CONV2D, conv.attrs(), &[x, weight])
    }
}

fn infer(attrs: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let conv = Conv::of(attrs);
    let [x, w] = [&inputs[0].shape, &inputs[1].shape];
    let [n, height, width, channels] = super::window::image("conv2d", x)?;
    let [out, per_group, kh, kw] = &w.0[..] else {
        return Err(ShapeError::new(format!("conv2d needs filters [O, C, k, k], these are {w}")));
    };
    let groups = Dim::from(conv.groups);
    if conv.groups == 0 || out.divide(&groups).is_none() || channels.divide(&groups).is_none() {
        let message = format!("{channels} channels in and {out} out do not divide into {} groups", conv.groups);
        return Err(ShapeError::new(message));
    }
    if &groups * per_group != *channels {
        let message = format!("these filters take {} channels, the image {x} has {channels}", &groups * per_group);
        return Err(ShapeError::new(message));
    }
    let along = |size: &Dim, kernel: &Dim| {
        let kernel = kernel.constant().unwrap_or(1) as usize;
        Window { kernel, stride: conv.stride, padding: conv.padding }.positions("conv2d", size, x)
    };
    let dims = vec![n.clone(), along(height, kh)?, along(width, kw)?, out.clone()];
    Ok(TensorType::float(Shape(dims)))
}

fn infer_input(attrs: &Attrs, _: &[&TensorType]) -> Result<TensorType, ShapeError> {
    Ok(TensorType::float(Shape(attrs.get_dims("input").to_vec())))
}

fn infer_weight(attrs: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let groups = Dim::from(attrs.get_usize("groups"));
    let per_group = inputs[0].shape.0[3].divide(&groups).ok_or_else(|| ShapeError::new("uneven groups"))?;
    let kernel = attrs.get_axes("kernel").into_iter().map(Dim::from);
    let dims = [inputs[1].shape.0[3].clone(), per_group].into_iter().chain(kernel).collect();
    Ok(TensorType::float(Shape(dims)))
}

fn gradient(b: &mut Backward) -> Result<Vec<Option<NodeId>>, ShapeError> {
    let (x, w) = (b.inputs[0], b.inputs[1]);
    let attrs = Conv::of(b.attrs).attrs();
    let dx = if b.needs[0] {
        let attrs = attrs.clone().dims("input", &b.graph.shape(x).0.clone());
        Some(b.graph.apply(&CONV2D_INPUT_GRAD, attrs, &[b.grad, w])?)
    } else {
        None
    };
    let dw = if b.needs[1] {
        let kernel = b.graph.shape(w).0[2..].iter().filter_map(Dim::constant).collect();
        Some(b.graph.apply(&CONV2D_WEIGHT_GRAD, attrs.with("kernel", Attr::Ints(kernel)), &[x, b.grad])?)
    } else {
        None
    };
    Ok(vec![dx, dw])
}

/// Two operations for each output pixel and each weight of its group's filters.
fn work(pixels: &Shape, filters: &Shape) -> Dim {
    let products = &Dim::product(&pixels.0[..3]) * &filters.count();
    &Dim::from(2i64) * &products
}

fn flops(_: &Attrs, inputs: &[&TensorType], out: &TensorType) -> Dim {
    work(&out.shape, &inputs[1].shape)
}

fn input_flops(_: &Attrs, inputs: &[&TensorType], _: &TensorType) -> Dim {
    work(&inputs[0].shape, &inputs[1].shape)
}

fn weight_flops(_: &Attrs, inputs: &[&TensorType], out: &TensorType) -> Dim {
    work(&inputs[1].shape, &out.shape)
}
