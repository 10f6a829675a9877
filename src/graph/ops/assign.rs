//! Assignment of samples to prototypes: balanced, by clusters, by the nearest row.

use super::params::{POSITIVE, function};
use super::samples;
use crate::catalog::{Param, ParamType};
use crate::graph::{
    Attrs, Call, Cost, Dim, Function, GradRule, Graph, NodeId, Operation, Range, Shape, ShapeError, TensorType,
    ValueKind, Values,
};

/// Every operation of this family.
pub const OPERATIONS: &[&Operation] = &[&SINKHORN, &KMEANS];

/// `x [.., N, K] -> x`: `exp(x / epsilon)` with its columns and rows scaled in turn, `iterations` times or until the rows
/// change by less than `tolerance` (none where it is negative); `x ^ (1 / epsilon)` with `probabilities`; `count[0]` is the
/// number of rows over which columns share.
pub static SINKHORN: Operation = Operation {
    name: "sinkhorn",
    infer: |_, inputs| match inputs[0].shape.rank() {
        0 | 1 => Err(ShapeError::new(format!("sinkhorn needs scores [N, K], this is {}", inputs[0].shape))),
        _ => Ok(TensorType::float(inputs[0].shape.clone())),
    },
    grad: GradRule::Stops,
    cost: Cost::Rule(|attrs, _, out| &Dim::from(16 * attrs.get_usize("iterations")) * &out.shape.count()),
    samples: samples::balances,
    values: Values::UNKNOWN.bounds(|_| Range::within(0.0, 1.0, true)).kind(ValueKind::Balanced),
    in_place: false,
};

/// `x [N, D] -> [clusters, D]`: centres of unit length after `iterations`, from rows of `x`, `count[0]` in all, drawn by `stream`.
pub static KMEANS: Operation = Operation {
    name: "kmeans",
    infer: infer_kmeans,
    grad: GradRule::Stops,
    cost: Cost::Rule(|attrs, inputs, _| {
        &Dim::from(2 * attrs.get_usize("iterations") * attrs.get_usize("clusters")) * &inputs[0].shape.count()
    }),
    samples: samples::groups,
    values: Values::UNKNOWN,
    in_place: false,
};

/// Every function of this family.
pub const FUNCTIONS: &[Function] = &[
    function(
        "sinkhorn",
        &[
            Param::required("scores", ParamType::Tensor, "`[N, K]`, or `[N, T, K]` with `T` positions a sample"),
            Param::optional("epsilon", TEMPERATURE, "1", "what the scores are divided by: small for sharp assignments"),
            Param::optional(
                "iterations",
                ParamType::Int { min: 1, max: 1 << 20 },
                "none",
                "how often columns and rows are scaled: 3, or with a `tolerance` at most 1000",
            ),
            Param::optional(
                "tolerance",
                POSITIVE,
                "none",
                "ends it when the scales of all rows together change by less than this part, looked at every ten iterations",
            ),
            Param::optional(
                "per",
                ParamType::Choice(&["batch", "position"]),
                "batch",
                "whether all positions of all samples are balanced together, or the samples at each position",
            ),
            Param::optional(
                "of",
                ParamType::Choice(&["logits", "probabilities"]),
                "logits",
                "whether the scores are exponents, or already the (unnormalised) probabilities themselves",
            ),
        ],
        "diag(u) exp(scores / epsilon) diag(v), rows sum to 1, columns to N / K",
        "Assignments that use all prototypes equally; no gradient flows through them (Cuturi 2013; Caron et al. 2020). \
         Computed in logarithms and f64, so no score is too large.",
        build_sinkhorn,
    ),
    function(
        "kmeans",
        &[
            Param::required("x", ParamType::Tensor, "vectors `[N, D]`, which are scaled to length 1"),
            Param::required("k", ParamType::Int { min: 1, max: 1 << 24 }, "how many clusters"),
            Param::optional("iterations", ParamType::Int { min: 1, max: 1 << 20 }, "10", "how often centres move"),
        ],
        "[N, D] -> [k, D]: c_j <- normalize(sum of the rows whose nearest centre is c_j)",
        "The centres of clusters on the unit sphere, from random rows; an empty cluster stays where it is. `nearest` tells \
         the cluster of a row. No gradient flows through it (Caron et al. 2020).",
        |g, c| {
            let x = c.tensor("x")?;
            g.kmeans(x, c.number("k").unwrap_or(1.0), c.number("iterations").unwrap_or(10.0), c.stream)
        },
    ),
    function(
        "nearest",
        &[
            Param::required("x", ParamType::Tensor, "`[N, D]`"),
            Param::required("bank", ParamType::Tensor, "`[M, D]`: the rows to choose from"),
            Param::optional(
                "exclude",
                ParamType::Choice(&["none", "self"]),
                "none",
                "whether row `i` may not choose row `i` of the bank, which then is `x` itself or starts with it",
            ),
        ],
        "[N, D], [M, D] -> [N]: argmax_j cos(x_i, bank_j)",
        "The number of the row of a bank whose direction is closest; `index_select(bank, ...)` fetches the rows.",
        |g, c| g.nearest(c.tensor("x")?, c.tensor("bank")?, c.text("exclude") == "self"),
    ),
];

const TEMPERATURE: ParamType = ParamType::Number { min: 1e-6, max: 1e6 };

fn infer_kmeans(attrs: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let clusters = attrs.get_usize("clusters");
    let [rows, size] = &inputs[0].shape.0[..] else {
        return Err(ShapeError::new(format!("kmeans needs vectors [N, D], this is {}", inputs[0].shape)));
    };
    if rows.constant().is_some_and(|n| n < clusters as i64) {
        return Err(ShapeError::new(format!("{rows} rows cannot make {clusters} clusters")));
    }
    Ok(TensorType::float(Shape(vec![Dim::from(clusters), size.clone()])))
}

fn build_sinkhorn(g: &mut Graph, call: &Call) -> Result<NodeId, ShapeError> {
    let scores = call.tensor("scores")?;
    let tolerance = call.number("tolerance");
    let most = call.number("iterations").unwrap_or(if tolerance.is_some() { 1000.0 } else { 3.0 });
    let attrs = Attrs::new().float("epsilon", call.number("epsilon").unwrap_or(1.0));
    let attrs = attrs.int("iterations", most as i64).float("tolerance", tolerance.unwrap_or(-1.0));
    let attrs = attrs.bool("probabilities", call.text("of") == "probabilities");
    let shape = g.shape(scores).clone();
    let balanced = |g: &mut Graph, scores: NodeId| {
        let rows = g.shape(scores).0.iter().rev().nth(1).cloned().unwrap_or_default();
        g.apply(&SINKHORN, attrs.dims("count", &[rows]), &[scores])
    };
    match (&shape.0[..], call.text("per")) {
        (_, "position") if shape.rank() != 3 => {
            Err(ShapeError::new(format!("balancing per position needs scores [N, T, K], these are {shape}")))
        }
        (_, "position") => {
            let positions = g.permute(scores, &[1, 0, 2])?;
            let balanced = balanced(g, positions)?;
            g.permute(balanced, &[1, 0, 2])
        }
        ([rows @ .., columns], _) if shape.rank() > 2 => {
            let flat = g.reshape(scores, &[Dim::product(rows), columns.clone()])?;
            let balanced = balanced(g, flat)?;
            g.reshape(balanced, &shape.0)
        }
        _ => balanced(g, scores),
    }
}

impl Graph {
    /// The centres of spherical k-means over the directions of the rows of `x`.
    pub fn kmeans(&mut self, x: NodeId, k: f64, iterations: f64, stream: u64) -> Result<NodeId, ShapeError> {
        let last = self.shape(x).rank().saturating_sub(1);
        let x = if last == 1 { self.normalize(x, last, 1e-12)? } else { x };
        let attrs = Attrs::new().int("clusters", k as i64).int("iterations", iterations as i64);
        let count: Vec<Dim> = self.shape(x).0.first().cloned().into_iter().collect();
        self.apply(&KMEANS, attrs.int("stream", stream as i64).dims("count", &count), &[x])
    }

    /// For each row of `x`, which row of `bank` has the largest cosine with it; row `i` not itself if `exclude_self`.
    pub fn nearest(&mut self, x: NodeId, bank: NodeId, exclude_self: bool) -> Result<NodeId, ShapeError> {
        let (a, b) = (self.shape(x).clone(), self.shape(bank).clone());
        if a.rank() != 2 || b.rank() != 2 || a.0[1] != b.0[1] {
            return Err(ShapeError::new(format!("`nearest` needs vectors [N, D] and a bank [M, D], not {a} and {b}")));
        }
        let (x, bank) = (self.normalize(x, 1, 1e-12)?, self.normalize(bank, 1, 1e-12)?);
        let mut cosine = self.product(x, bank, false, true)?;
        if exclude_self {
            let rows = self.arange(&a.0[0]);
            let own = self.ones_at(rows, &b.0[0])?;
            // Below any cosine.
            let below = self.constant(-2.0);
            cosine = self.select(own, below, cosine)?;
        }
        self.argmax(cosine, 1, false)
    }
}
