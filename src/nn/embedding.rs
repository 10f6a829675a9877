//! A vector for each number: tokens of a text, classes.

use super::{Build, Layer, Module, Output};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::graph::{DType, Dim, Init, NodeId, ParamKind, ShapeError};

const COUNT: ParamType = ParamType::Int { min: 1, max: 1 << 24 };

/// `embedding(dim)`
pub static LAYER: Layer = Layer {
    entry: Entry {
        name: "embedding",
        kind: Kind::Layer,
        params: &[
            Param::required("dim", ParamType::Int { min: 1, max: 1 << 16 }, "the length of a vector"),
            Param::optional(
                "vocabulary",
                COUNT,
                "none",
                "how many numbers there are, from 0; left out, as many as the column it is applied to can have",
            ),
            Param::optional(
                "padding",
                ParamType::Int { min: 0, max: 1 << 24 },
                "none",
                "the number that stands for nothing: its vector is 0; in text of a data set this is 0",
            ),
            Param::optional(
                "std",
                ParamType::Number { min: 0.0, max: 1e3 },
                "1",
                "vectors start normal with this deviation",
            ),
        ],
        formula: "[N] -> [N, dim], [N, T] -> [N, T, dim]: weight[x]; tap `there`: 1 where x is not the padding, else 0",
        doc: "A trained vector for each of some whole numbers, as PyTorch's `nn.Embedding`. A bag of words is \
              `embedding(64, padding: 0) | average`, of `let average(x) = mean(x, dim: 1)`.",
    },
    build: |config| {
        let whole = |name: &str| config.maybe_number(name).map(|n| n as usize);
        Ok(Box::new(Embedding {
            dim: config.int("dim"),
            vocabulary: whole("vocabulary"),
            padding: whole("padding"),
            std: config.number("std"),
        }))
    },
};

/// A table of vectors.
#[derive(Clone, Copy, Debug)]
pub struct Embedding {
    /// The length of a vector.
    pub dim: usize,
    /// How many there are, if that is said.
    pub vocabulary: Option<usize>,
    /// The number whose vector is 0.
    pub padding: Option<usize>,
    /// The deviation of their first values.
    pub std: f64,
}

impl Embedding {
    /// How many vectors there must be for `x`.
    fn count(&self, cx: &Build, x: NodeId) -> Result<usize, ShapeError> {
        let known = cx.graph.classes_of(x).and_then(|count| count.constant()).map(|count| count as usize);
        match (self.vocabulary, known) {
            (Some(own), Some(known)) if own < known => {
                Err(ShapeError::new(format!("an embedding of {own} numbers is applied to such as reach {}", known - 1))
                    .help(format!("give it `vocabulary: {known}`, or leave `vocabulary` out")))
            }
            (Some(count), _) | (None, Some(count)) => Ok(count),
            (None, None) => Err(ShapeError::new("embedding needs to know how many numbers there are")
                .help("say it by `vocabulary`; of a column of the data it is known")),
        }
    }
}

impl Module for Embedding {
    fn apply(&self, cx: &mut Build, x: NodeId) -> Result<Output, ShapeError> {
        let ty = cx.graph.ty(x).clone();
        if ty.dtype != DType::Int || ty.shape.rank() > 2 || ty.shape.rank() == 0 {
            let found = if ty.dtype == DType::Int { ty.shape.to_string() } else { format!("real, {}", ty.shape) };
            return Err(ShapeError::new(format!("embedding needs whole numbers [N] or [N, T], this is {found}"))
                .help("apply it to a column of classes or text, such as `batch.caption`"));
        }
        let count = self.count(cx, x)?;
        let weight = cx.weight("weight", &[count, self.dim], Init::Normal(self.std), ParamKind::Weight)?;
        let g = &mut *cx.graph;
        let line = g.reshape(x, &[Dim::product(&ty.shape.0)])?;
        let line = g.class_label(line, &Dim::from(count))?;
        let chosen = g.index_select(weight, line, 0)?;
        let dims = |last: usize| ty.shape.0.iter().cloned().chain([Dim::from(last)]).collect::<Vec<_>>();
        let vectors = g.reshape(chosen, &dims(self.dim))?;
        let Some(padding) = self.padding else { return Ok(vectors.into()) };
        let (zero, one, nothing) = (g.constant(0.0), g.constant(1.0), g.constant(padding as f64));
        let same = g.equal(x, nothing)?;
        let there = g.select(same, zero, one)?;
        let column = g.reshape(there, &dims(1))?;
        let vectors = g.mul(vectors, column)?;
        Ok(Output { value: vectors, taps: vec![("there".to_owned(), there)] })
    }
}
