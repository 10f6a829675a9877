//! Linear algebra with gradients: Cholesky factors, triangular systems, determinants, singular values.

use super::params::function;
use super::{bounds, samples};
use crate::catalog::{Param, ParamType};
use crate::graph::{
    Attrs, Backward, Call, Cost, Dim, Function, GradRule, Graph, Linear, NodeId, Operation, Shape, ShapeError,
    TensorType, Values, Zero,
};

/// Every operation of this family.
pub const OPERATIONS: &[&Operation] =
    &[&CHOLESKY, &TRIANGULAR_SOLVE, &TRIANGLE, &SINGULAR_VALUES, &SINGULAR_VALUES_GRAD, &NUCLEAR_NORM, &POLAR];

/// `a [.., n, n] -> l [.., n, n]`, lower, with `l @ l.T = a`; only the lower triangle of `a` is read.
pub static CHOLESKY: Operation = Operation {
    name: "cholesky",
    infer: infer_square,
    grad: GradRule::Rule(cholesky_gradient),
    cost: Cost::Rule(cubic),
    samples: samples::by_matrix,
    values: Values::UNKNOWN,
    in_place: false,
};

/// `a [.., n, n], b [.., n, m] -> x [.., n, m]` with `a @ x = b`, or `a.T @ x = b` with `transpose`; `a` is lower
/// triangular, or upper with `upper`; its other triangle is not read.
pub static TRIANGULAR_SOLVE: Operation = Operation {
    name: "triangular_solve",
    infer: infer_solve,
    grad: GradRule::Rule(solve_gradient),
    cost: Cost::Rule(solve_flops),
    samples: samples::by_matrix,
    values: Values::UNKNOWN,
    in_place: false,
};

/// `a [.., n, n] -> a`: the lower triangle, or the upper with `upper`, its diagonal multiplied by `diagonal`, zeros elsewhere.
pub static TRIANGLE: Operation = Operation {
    name: "triangle",
    infer: infer_square,
    grad: GradRule::Rule(triangle_gradient),
    cost: Cost::PerElement(1),
    samples: samples::by_matrix,
    values: Values::UNKNOWN.zero(Zero::WithFirst).linear(Linear::Jointly),
    in_place: false,
};

/// `a [.., m, n] -> [.., min(m, n)]`, in descending order.
pub static SINGULAR_VALUES: Operation = Operation {
    name: "singular_values",
    infer: infer_values,
    grad: GradRule::Rule(values_gradient),
    cost: Cost::Rule(svd_flops),
    samples: samples::by_matrix,
    values: Values::UNKNOWN.bounds(bounds::from_zero).zero(Zero::WithFirst),
    in_place: false,
};

/// `a [.., m, n], ds [.., min(m, n)] -> a`: `u @ diag(ds) @ v.T` with the singular vectors of `a`.
pub static SINGULAR_VALUES_GRAD: Operation = Operation {
    name: "singular_values_grad",
    infer: |_, inputs| Ok(inputs[0].clone()),
    grad: GradRule::Stops,
    cost: Cost::Rule(svd_flops),
    samples: samples::unasked,
    values: Values::UNKNOWN,
    in_place: false,
};

/// `a [.., m, n] -> [..]`: the sum of the singular values.
pub static NUCLEAR_NORM: Operation = Operation {
    name: "nuclear_norm",
    infer: infer_norm,
    grad: GradRule::Rule(norm_gradient),
    cost: Cost::Rule(svd_flops),
    samples: samples::by_matrix,
    values: Values::UNKNOWN.bounds(bounds::from_zero).zero(Zero::AsFirst),
    in_place: false,
};

/// `a [.., m, n] -> a`: `u @ v.T` with the singular vectors of `a`, the orthogonal factor of its polar decomposition.
pub static POLAR: Operation = Operation {
    name: "polar",
    infer: |_, inputs| Ok(inputs[0].clone()),
    grad: GradRule::Stops,
    cost: Cost::Rule(svd_flops),
    samples: samples::unasked,
    values: Values::UNKNOWN,
    in_place: false,
};

const MATRIX: Param = Param::required("a", ParamType::Tensor, "matrices [.., n, n], symmetric and positive definite");
const ANY_MATRIX: Param = Param::required("a", ParamType::Tensor, "matrices [.., m, n]");

/// Every function of this family.
pub const FUNCTIONS: &[Function] = &[
    function(
        "cholesky",
        &[MATRIX],
        "a = l @ l.T, l lower triangular",
        "The Cholesky factor of positive definite matrices; only the lower triangle is read.",
        |g, call| g.cholesky(call.tensor("a")?),
    ),
    function(
        "triangular_solve",
        &[
            Param::required("l", ParamType::Tensor, "triangular matrices [.., n, n]"),
            Param::required("b", ParamType::Tensor, "right sides [.., n, m]"),
            Param::optional("transpose", ParamType::Bool, "false", "whether to solve with the transpose of `l`"),
            Param::optional("upper", ParamType::Bool, "false", "whether `l` is upper triangular instead of lower"),
        ],
        "l @ x = b",
        "Solves triangular systems of equations; the other triangle of `l` is not read.",
        |g, call| g.triangular_solve(call.tensor("l")?, call.tensor("b")?, call.bool("transpose"), call.bool("upper")),
    ),
    function(
        "logdet",
        &[MATRIX],
        "[.., n, n] -> [..]: log(det(a)) = 2 * sum(log(diagonal(cholesky(a))))",
        "The logarithm of the determinant of positive definite matrices.",
        build_logdet,
    ),
    function(
        "singular_values",
        &[ANY_MATRIX],
        "[.., m, n] -> [.., min(m, n)]: a = u @ diag(s) @ v.T",
        "The singular values of matrices in descending order.",
        |g, call| g.singular_values(call.tensor("a")?),
    ),
    function(
        "nuclear_norm",
        &[ANY_MATRIX],
        "[.., m, n] -> [..]: sum(singular_values(a), dim: -1)",
        "The sum of the singular values of matrices.",
        |g, call| g.nuclear_norm(call.tensor("a")?),
    ),
];

impl Graph {
    /// The lower Cholesky factor of positive definite matrices `[.., n, n]`.
    pub fn cholesky(&mut self, a: NodeId) -> Result<NodeId, ShapeError> {
        self.apply(&CHOLESKY, Attrs::new(), &[a])
    }

    /// `x` with `a @ x = b` (`a.T @ x = b` with `transpose`) for lower (`upper`: upper) triangular `a`.
    pub fn triangular_solve(
        &mut self,
        a: NodeId,
        b: NodeId,
        transpose: bool,
        upper: bool,
    ) -> Result<NodeId, ShapeError> {
        self.apply(&TRIANGULAR_SOLVE, Attrs::new().bool("transpose", transpose).bool("upper", upper), &[a, b])
    }

    /// The lower or upper triangle of matrices, the diagonal multiplied by a number.
    pub fn triangle(&mut self, a: NodeId, upper: bool, diagonal: f64) -> Result<NodeId, ShapeError> {
        self.apply(&TRIANGLE, Attrs::new().bool("upper", upper).float("diagonal", diagonal), &[a])
    }

    /// The singular values of matrices `[.., m, n]` in descending order.
    pub fn singular_values(&mut self, a: NodeId) -> Result<NodeId, ShapeError> {
        self.apply(&SINGULAR_VALUES, Attrs::new(), &[a])
    }

    /// The sums of the singular values of matrices `[.., m, n]`.
    pub fn nuclear_norm(&mut self, a: NodeId) -> Result<NodeId, ShapeError> {
        self.apply(&NUCLEAR_NORM, Attrs::new(), &[a])
    }
}

/// Rows and columns of matrices, and the dimensions before them.
fn matrix<'a>(op: &str, shape: &'a Shape) -> Result<(&'a [Dim], &'a Dim, &'a Dim), ShapeError> {
    match &shape.0[..] {
        [batch @ .., rows, columns] => Ok((batch, rows, columns)),
        _ => Err(ShapeError::new(format!("{op} needs a matrix, this is {shape}"))),
    }
}

fn square(op: &str, shape: &Shape) -> Result<(), ShapeError> {
    let (_, rows, columns) = matrix(op, shape)?;
    if rows == columns { Ok(()) } else { Err(ShapeError::new(format!("{op} needs a square matrix, this is {shape}"))) }
}

fn infer_square(_: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    square("cholesky", &inputs[0].shape)?;
    Ok(inputs[0].clone())
}

fn infer_solve(_: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let [a, b] = [&inputs[0].shape, &inputs[1].shape];
    square("triangular_solve", a)?;
    let ((batch, n, _), (b_batch, rows, _)) = (matrix("triangular_solve", a)?, matrix("triangular_solve", b)?);
    if n != rows || batch != b_batch {
        let message = format!("triangular_solve: right sides {b} do not fit the matrix {a}");
        return Err(ShapeError::new(message).help("the right sides are columns: [n, m] for a matrix [n, n]"));
    }
    Ok(inputs[1].clone())
}

fn infer_values(_: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let (batch, rows, columns) = matrix("singular_values", &inputs[0].shape)?;
    let smaller = match (rows.constant(), columns.constant()) {
        (Some(r), Some(c)) => Dim::from(r.min(c)),
        _ if rows == columns => rows.clone(),
        _ => return Err(undecided(&inputs[0].shape)),
    };
    Ok(TensorType::float(Shape(batch.iter().cloned().chain([smaller]).collect())))
}

fn infer_norm(_: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let (batch, _, _) = matrix("nuclear_norm", &inputs[0].shape)?;
    Ok(TensorType::float(Shape(batch.to_vec())))
}

fn undecided(shape: &Shape) -> ShapeError {
    ShapeError::new(format!("singular_values: which side of {shape} is smaller depends on the batch size"))
        .help("take them of the square matrix x.T @ x (their squares), or use nuclear_norm, whose shape does not depend on it")
}

fn cholesky_gradient(b: &mut Backward) -> Result<Vec<Option<NodeId>>, ShapeError> {
    // Murray 2016, "Differentiation of the Cholesky decomposition": with P the lower triangle of l.T @ dl, its
    // diagonal halved, S = inv(l).T @ P @ inv(l), the gradient is the symmetric part of S.
    let (g, l) = (&mut *b.graph, b.output);
    let lower = g.triangle(b.grad, false, 1.0)?;
    let l_transposed = g.transpose_last(l)?;
    let product = g.matmul(l_transposed, lower)?;
    let p = g.triangle(product, false, 0.5)?;
    let p = g.transpose_last(p)?;
    let half = g.triangular_solve(l, p, true, false)?;
    let half = g.transpose_last(half)?;
    let s = g.triangular_solve(l, half, true, false)?;
    let s_transposed = g.transpose_last(s)?;
    let sum = g.add(s, s_transposed)?;
    Ok(vec![Some(g.scale(sum, 0.5)?)])
}

fn solve_gradient(b: &mut Backward) -> Result<Vec<Option<NodeId>>, ShapeError> {
    let (transpose, upper) = (b.attrs.get_bool("transpose"), b.attrs.get_bool("upper"));
    let (g, a, x) = (&mut *b.graph, b.inputs[0], b.output);
    let db = g.triangular_solve(a, b.grad, !transpose, upper)?;
    if !b.needs[0] {
        return Ok(vec![None, Some(db)]);
    }
    let (left, right) = if transpose { (x, db) } else { (db, x) };
    let right = g.transpose_last(right)?;
    let outer = g.matmul(left, right)?;
    let outer = g.neg(outer)?;
    Ok(vec![Some(g.triangle(outer, upper, 1.0)?), Some(db)])
}

fn triangle_gradient(b: &mut Backward) -> Result<Vec<Option<NodeId>>, ShapeError> {
    let (upper, diagonal) = (b.attrs.get_bool("upper"), b.attrs.get_float("diagonal"));
    Ok(vec![Some(b.graph.triangle(b.grad, upper, diagonal)?)])
}

fn values_gradient(b: &mut Backward) -> Result<Vec<Option<NodeId>>, ShapeError> {
    Ok(vec![Some(b.graph.apply(&SINGULAR_VALUES_GRAD, Attrs::new(), &[b.inputs[0], b.grad])?)])
}

fn norm_gradient(b: &mut Backward) -> Result<Vec<Option<NodeId>>, ShapeError> {
    let polar = b.graph.apply(&POLAR, Attrs::new(), &[b.inputs[0]])?;
    let mut dims = b.graph.shape(b.grad).0.clone();
    dims.extend([Dim::from(1i64), Dim::from(1i64)]);
    let grad = b.graph.reshape(b.grad, &dims)?;
    Ok(vec![Some(b.graph.mul(polar, grad)?)])
}

fn build_logdet(g: &mut Graph, call: &Call) -> Result<NodeId, ShapeError> {
    let l = g.cholesky(call.tensor("a")?)?;
    let rank = g.shape(l).rank();
    let identity = g.shape(l).0[rank - 1].clone();
    let identity = g.eye(&identity)?;
    let on_diagonal = g.mul(l, identity)?;
    let diagonal = g.sum(on_diagonal, &[rank - 1], false)?;
    let logs = g.log(diagonal)?;
    let sum = g.sum(logs, &[rank - 2], false)?;
    g.scale(sum, 2.0)
}

/// About `n^3 / 3`.
fn cubic(_: &Attrs, inputs: &[&TensorType], _: &TensorType) -> Dim {
    let shape = &inputs[0].shape;
    let all = &shape.count() * &shape.0[shape.rank() - 1];
    all.divide(&Dim::from(3i64)).unwrap_or(all)
}

/// `n^2` for each column of the right sides.
fn solve_flops(_: &Attrs, inputs: &[&TensorType], out: &TensorType) -> Dim {
    let a = &inputs[0].shape;
    &out.shape.count() * &a.0[a.rank() - 1]
}

/// About `8 m n^2`.
fn svd_flops(_: &Attrs, inputs: &[&TensorType], _: &TensorType) -> Dim {
    let shape = &inputs[0].shape;
    let all = &shape.count() * &shape.0[shape.rank() - 1];
    &Dim::from(8i64) * &all
}
