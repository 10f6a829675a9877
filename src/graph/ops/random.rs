//! Random tensors, drawn anew at each step from the seed, the step and the stream of the call.

use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::graph::{
    Attrs, Call, Cost, Dim, Function, GradRule, Graph, NodeId, Operation, Shape, ShapeError, TensorType,
};

/// Every operation of this family.
pub const OPERATIONS: &[&Operation] = &[&RANDN, &RAND, &DROPOUT_MASK];

/// `-> dims`: independent standard normal numbers of `stream`.
pub static RANDN: Operation = random("randn");
/// `-> dims`: independent numbers of `stream`, uniform in [0, 1).
pub static RAND: Operation = random("rand");
/// `-> dims`: 0 with probability `p`, `1 / (1 - p)` otherwise, independently, of `stream`.
pub static DROPOUT_MASK: Operation = random("dropout_mask");

const fn random(name: &'static str) -> Operation {
    Operation { name, infer, grad: GradRule::Stops, cost: Cost::PerElement(8) }
}

/// Every function of this family.
pub const FUNCTIONS: &[Function] = &[
    Function {
        entry: Entry {
            name: "randn",
            kind: Kind::Operation,
            params: &[Param::required("shape", ParamType::Dims, "the dimensions, as in [N, D]")],
            formula: "x ~ normal(0, 1)",
            doc: "Standard normal numbers, drawn anew at each step; each call written draws its own.",
        },
        build: |g, call| g.random(&RANDN, call.dims("shape"), call.stream),
    },
    Function {
        entry: Entry {
            name: "rand",
            kind: Kind::Operation,
            params: &[Param::required("shape", ParamType::Dims, "the dimensions, as in [N, D]")],
            formula: "x ~ uniform(0, 1)",
            doc: "Uniform numbers in [0, 1), drawn anew at each step; each call written draws its own.",
        },
        build: |g, call| g.random(&RAND, call.dims("shape"), call.stream),
    },
    Function {
        entry: Entry {
            name: "random_directions",
            kind: Kind::Operation,
            params: &[
                Param::required("d", ParamType::Dims, "the length of a direction"),
                Param::required("n", ParamType::Dims, "how many directions"),
            ],
            formula: "-> [n, d]: g / |g|, g ~ normal(0, 1)",
            doc: "Directions uniform on the unit sphere, one a row, drawn anew at each step.",
        },
        build: build_directions,
    },
];

impl Graph {
    /// A random tensor of `stream`, by one of the operations without further attributes.
    pub fn random(&mut self, op: &'static Operation, dims: &[Dim], stream: u64) -> Result<NodeId, ShapeError> {
        self.apply(op, attrs(dims, stream), &[])
    }

    /// A mask that drops elements with probability `p` and scales up the others, of the dimensions of `x`.
    pub fn dropout_mask(&mut self, x: NodeId, p: f64, stream: u64) -> Result<NodeId, ShapeError> {
        let dims = self.shape(x).0.clone();
        self.apply(&DROPOUT_MASK, attrs(&dims, stream).float("p", p), &[])
    }
}

fn attrs(dims: &[Dim], stream: u64) -> Attrs {
    Attrs::new().dims("dims", dims).int("stream", stream as i64)
}

fn infer(attrs: &Attrs, _: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let dims = attrs.get_dims("dims");
    match dims.iter().find(|d| d.constant().is_some_and(|n| n < 1)) {
        Some(d) => Err(ShapeError::new(format!("a random tensor cannot have a dimension of {d}"))),
        None => Ok(TensorType::float(Shape(dims.to_vec()))),
    }
}

fn build_directions(g: &mut Graph, call: &Call) -> Result<NodeId, ShapeError> {
    let ([n], [d]) = (call.dims("n"), call.dims("d")) else {
        return Err(ShapeError::new("random_directions takes two sizes: the length and the number of directions"));
    };
    let normal = g.random(&RANDN, &[n.clone(), d.clone()], call.stream)?;
    let squares = g.mul(normal, normal)?;
    let squared_norm = g.sum(squares, &[1], true)?;
    let norm = g.sqrt(squared_norm)?;
    g.div(normal, norm)
}
