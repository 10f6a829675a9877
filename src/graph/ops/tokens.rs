//! Images as rows of patches, and the rows of each sample chosen, placed and averaged.

use super::params::function;
use super::rules::Grads;
use super::{bounds, samples};
use crate::catalog::{Param, ParamType};
use crate::graph::{
    Attrs, Backward, Cost, Dim, Function, GradRule, Graph, Linear, NodeId, Operation, Shape, ShapeError, TensorType,
    Values, Zero,
};

/// Every operation of this family.
pub const OPERATIONS: &[&Operation] = &[&TAKE, &PLACE];

/// Every function of this family.
pub const FUNCTIONS: &[Function] = &[
    function(
        "patches",
        &[
            Param::required("x", ParamType::Tensor, "images, `[N, H, W, C]`"),
            SIDE,
            Param::optional(
                "normalize",
                ParamType::Bool,
                "false",
                "whether each patch is brought to mean 0, variance 1",
            ),
        ],
        "[N, H, W, C] -> [N, T, size size C]; normalized: (p - mean p) / sqrt(var p + 1e-6)",
        "Cuts images into square patches, row by row; within a patch the pixels row by row, the channels of a pixel together. \
         Normalized by the unbiased variance of the patch (He et al. 2022, section 3).",
        |g, c| {
            let patches = g.patches(c.tensor("x")?, c.number("size").unwrap_or(4.0) as usize)?;
            if c.bool("normalize") { g.unit_patches(patches) } else { Ok(patches) }
        },
    ),
    function(
        "unpatches",
        &[
            Param::required("x", ParamType::Tensor, "patches, `[N, T, size size C]`"),
            SIDE,
            Param::optional(
                "grid",
                ParamType::Dims,
                "none",
                "rows and columns of patches; as many of both when left out",
            ),
        ],
        "[N, T, size size C] -> [N, H, W, C]",
        "Puts patches together again: undoes `patches`. What is also called pixel shuffle.",
        |g, c| g.unpatches(c.tensor("x")?, c.number("size").unwrap_or(4.0) as usize, c.dims("grid")),
    ),
    function(
        "masked_mean",
        &[
            Param::required("x", ParamType::Tensor, "`[N, T]` or `[N, T, D]`"),
            Param::required("mask", ParamType::Tensor, "1 where an element counts and 0 where not, `[N, T]`"),
            Param::optional(
                "per",
                ParamType::Choice(&["batch", "sample"]),
                "batch",
                "whether all elements that count have one mean, or those of each sample, and the samples a mean of these",
            ),
        ],
        "sum(x mask) / max(sum(mask), 1); per sample: mean_n(sum_t(x mask) / max(sum_t(mask), 1))",
        "The mean of what the mask keeps, after that over the last dimension of `[N, T, D]` (He et al. 2022: of the batch; \
         Zhou et al. 2022: of each sample, one without any counting as 0).",
        |g, c| g.masked_mean(c.tensor("x")?, c.tensor("mask")?, c.text("per") == "sample"),
    ),
    function(
        "take",
        &[
            Param::required("x", ParamType::Tensor, "rows of each sample, `[N, T, ..]`"),
            Param::required("indices", ParamType::Tensor, "which of them, whole numbers `[N, M]`"),
        ],
        "[N, T, ..], [N, M] -> [N, M, ..]: y[n][m] = x[n][indices[n][m]]",
        "Chooses rows of each sample, such as the tokens at `m.visible` or `m.hidden`.",
        |g, c| g.take(c.tensor("x")?, c.tensor("indices")?),
    ),
    function(
        "place",
        &[
            Param::required("x", ParamType::Tensor, "rows of each sample, `[N, M, ..]`"),
            Param::required("indices", ParamType::Tensor, "where they go, whole numbers `[N, M]`"),
            Param::required("length", ParamType::Dims, "how many rows each sample then has"),
        ],
        "[N, M, ..], [N, M] -> [N, length, ..]: y[n][indices[n][m]] += x[n][m]",
        "Puts rows of each sample at their places among zeros: undoes `take`. Rows of one place are added.",
        |g, c| {
            let length = c.size("length")?;
            g.place(c.tensor("x")?, c.tensor("indices")?, &length)
        },
    ),
];

const SIDE: Param = Param::optional("size", ParamType::Int { min: 1, max: 1024 }, "4", "the side of a patch in pixels");

/// Of `x [N, T, ..]` and `indices [N, M]`: the rows of each sample that its indices name, `[N, M, ..]`.
pub static TAKE: Operation = Operation {
    name: "take",
    infer: infer_take,
    grad: GradRule::Rule(take_grad),
    cost: Cost::Free,
    samples: samples::rows,
    values: Values::MOVED.zero(Zero::WithFirst),
    in_place: false,
};
/// Of `x [N, M, ..]` and `indices [N, M]`: zeros with `length[0]` rows a sample, to which each row is added where its index
/// says.
pub static PLACE: Operation = Operation {
    name: "place",
    infer: infer_place,
    grad: GradRule::Rule(place_grad),
    cost: Cost::PerInput(1),
    samples: samples::rows,
    values: Values::UNKNOWN.bounds(bounds::some_sum).zero(Zero::WithFirst).linear(Linear::Jointly),
    in_place: false,
};

fn infer_take(_: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let (x, indices) = (&inputs[0].shape, &inputs[1].shape);
    match (&x.0[..], &indices.0[..]) {
        ([samples, _, rest @ ..], [n, count]) if samples == n => {
            let shape = Shape([&[n.clone(), count.clone()], rest].concat());
            Ok(TensorType { dtype: inputs[0].dtype, shape })
        }
        _ => Err(ShapeError::new(format!("cannot take rows of {x} by indices {indices}"))
            .help("`take` needs rows [N, T, ..] and indices [N, M] of the same samples")),
    }
}

fn infer_place(attrs: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let (x, indices) = (&inputs[0].shape, &inputs[1].shape);
    let length = attrs.get_dims("length")[0].clone();
    match (&x.0[..], &indices.0[..]) {
        ([n, m, rest @ ..], [samples, count]) if n == samples && m == count => {
            Ok(TensorType::float(Shape([&[n.clone(), length], rest].concat())))
        }
        _ => Err(ShapeError::new(format!("cannot place {x} by indices {indices}"))
            .help("`place` needs an index for each row: [N, M, ..] and [N, M]")),
    }
}

fn take_grad(b: &mut Backward) -> Grads {
    let length = b.graph.shape(b.inputs[0]).0[1].clone();
    Ok(vec![Some(b.graph.place(b.grad, b.inputs[1], &length)?), None])
}

fn place_grad(b: &mut Backward) -> Grads {
    Ok(vec![Some(b.graph.take(b.grad, b.inputs[1])?), None])
}

impl Graph {
    /// The rows of each sample of `x [N, T, ..]` that `indices [N, M]` name.
    pub fn take(&mut self, x: NodeId, indices: NodeId) -> Result<NodeId, ShapeError> {
        self.apply(&TAKE, Attrs::new(), &[x, indices])
    }

    /// The rows of each sample of `x [N, M, ..]` at the places `indices [N, M]` of `length` rows, zeros elsewhere.
    pub fn place(&mut self, x: NodeId, indices: NodeId, length: &Dim) -> Result<NodeId, ShapeError> {
        self.apply(&PLACE, Attrs::new().dims("length", std::slice::from_ref(length)), &[x, indices])
    }

    /// Images `[N, H, W, C]` as patches `[N, T, size size C]`.
    pub fn patches(&mut self, x: NodeId, size: usize) -> Result<NodeId, ShapeError> {
        let shape = self.shape(x).clone();
        let [n, height, width, channels] = &shape.0[..] else {
            return Err(ShapeError::new(format!("`patches` takes images [N, H, W, C], not {shape}")));
        };
        let side = Dim::from(size);
        let (Some(rows), Some(columns)) = (height.divide(&side), width.divide(&side)) else {
            return Err(ShapeError::new(format!("cannot cut {shape} into patches of {size}x{size}"))
                .help("the side of a patch must divide height and width"));
        };
        let count = &rows * &columns;
        let apart = [n, &rows, &side, &columns, &side, channels].map(Dim::clone);
        let apart = self.reshape(x, &apart)?;
        let ordered = self.permute(apart, &[0, 1, 3, 2, 4, 5])?;
        self.reshape(ordered, &[n.clone(), count, &Dim::from(size * size) * channels])
    }

    /// Patches brought to mean 0 and variance 1, each by itself.
    fn unit_patches(&mut self, x: NodeId) -> Result<NodeId, ShapeError> {
        let mean = self.mean(x, &[2], true)?;
        let variance = self.variance(x, &[2], true, true)?;
        let eps = self.constant(1e-6);
        let variance = self.add(variance, eps)?;
        let (deviation, centred) = (self.sqrt(variance)?, self.sub(x, mean)?);
        self.div(centred, deviation)
    }

    /// Patches `[N, T, size size C]` as images; `grid` is rows and columns of patches, a square where it is empty.
    pub fn unpatches(&mut self, x: NodeId, size: usize, grid: &[Dim]) -> Result<NodeId, ShapeError> {
        let shape = self.shape(x).clone();
        let [n, count, width] = &shape.0[..] else {
            return Err(ShapeError::new(format!("`unpatches` takes patches [N, T, D], not {shape}")));
        };
        let (rows, columns) = match grid {
            [rows, columns] => (rows.clone(), columns.clone()),
            _ => {
                let side = count.constant().map_or(0, |t| t.isqrt());
                (Dim::from(side), Dim::from(side))
            }
        };
        if &rows * &columns != *count {
            let message = format!("{count} patches do not fill {rows} rows of {columns}");
            return Err(ShapeError::new(message).help("`grid` takes rows and columns of patches, as in `grid: m.grid`"));
        }
        let Some(channels) = width.divide(&Dim::from(size * size)) else {
            return Err(ShapeError::new(format!("{width} numbers are no patch of {size}x{size} pixels")));
        };
        let side = Dim::from(size);
        let apart = [n, &rows, &columns, &side, &side, &channels].map(Dim::clone);
        let apart = self.reshape(x, &apart)?;
        let ordered = self.permute(apart, &[0, 1, 3, 2, 4, 5])?;
        self.reshape(ordered, &[n.clone(), &rows * &side, &columns * &side, channels])
    }

    /// The mean of `x [N, T]` or `[N, T, D]` where `mask [N, T]` is 1, of all samples together or of each by itself.
    pub fn masked_mean(&mut self, x: NodeId, mask: NodeId, per_sample: bool) -> Result<NodeId, ShapeError> {
        let (shape, rows) = (self.shape(x).clone(), self.shape(mask).clone());
        if rows.rank() != 2 || !matches!(shape.rank(), 2 | 3) || shape.0[..2] != rows.0[..] {
            let message = format!("`masked_mean` takes [N, T] or [N, T, D] and a mask [N, T], not {shape} and {rows}");
            return Err(ShapeError::new(message));
        }
        let x = if shape.rank() == 3 { self.mean(x, &[2], false)? } else { x };
        let kept = self.mul(x, mask)?;
        let axes: &[usize] = if per_sample { &[1] } else { &[0, 1] };
        let (total, count) = (self.sum(kept, axes, false)?, self.sum(mask, axes, false)?);
        let least = self.constant(1.0);
        let count = self.maximum(count, least)?;
        let mean = self.div(total, count)?;
        self.mean_all(mean)
    }
}
