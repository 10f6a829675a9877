//! Matrix products, batched over leading dimensions.

use super::movement::PERMUTE;
use super::rules::{Grads, broadcast};
use super::{bounds, samples};
use crate::catalog::{Entry, Kind, Param, ParamType};
use crate::graph::{
    Attrs, Backward, Cost, Dim, Function, GradRule, Graph, Linear, NodeId, Operation, Shape, ShapeError, TensorType,
    Values, Zero,
};

/// Every operation of this family.
pub const OPERATIONS: &[&Operation] = &[&MATMUL];

/// Every function of this family.
pub const FUNCTIONS: &[Function] = &[Function {
    entry: Entry {
        name: "matmul",
        kind: Kind::Operation,
        params: &[
            Param::required("x", ParamType::Tensor, "`[.., M, K]`, or a vector `[K]`"),
            Param::required("y", ParamType::Tensor, "`[.., K, L]`, or a vector `[K]`"),
        ],
        formula: "[.., M, K] @ [.., K, L] -> [.., M, L]",
        doc: "The matrix product, also written `x @ y`; leading dimensions broadcast.",
    },
    build: |g, c| g.matmul(c.tensor("x")?, c.tensor("y")?),
}];

/// `[.., M, K] @ [.., K, L]`; `ta` says that the first input is stored as `[.., K, M]`, `tb` the second as `[.., L, K]`.
pub static MATMUL: Operation = Operation {
    name: "matmul",
    infer,
    grad: GradRule::Rule(grad),
    cost: Cost::Rule(flops),
    samples: samples::matmul,
    values: Values::UNKNOWN.bounds(bounds::inner_product).zero(Zero::Product).linear(Linear::Each),
    in_place: false,
};

/// Leading dimensions, rows and columns of an operand as it enters the product.
fn split(shape: &Shape, transposed: bool) -> Option<(Shape, Dim, Dim)> {
    let (leading, last) = shape.0.split_at_checked(shape.rank().checked_sub(2)?)?;
    let (rows, columns) = if transposed { (&last[1], &last[0]) } else { (&last[0], &last[1]) };
    Some((Shape(leading.to_vec()), rows.clone(), columns.clone()))
}

fn infer(attrs: &Attrs, inputs: &[&TensorType]) -> Result<TensorType, ShapeError> {
    let (a, b) = (&inputs[0].shape, &inputs[1].shape);
    let product = split(a, attrs.get_bool("ta")).zip(split(b, attrs.get_bool("tb")));
    let ((leading_a, m, k), (leading_b, k2, n)) =
        product.ok_or_else(|| ShapeError::new(format!("cannot multiply {a} @ {b}: both need two dimensions")))?;
    let shown =
        |leading: &Shape, rows: &Dim, columns: &Dim| Shape(leading.0.iter().chain([rows, columns]).cloned().collect());
    let (x, y) = (shown(&leading_a, &m, &k), shown(&leading_b, &k2, &n));
    if k != k2 {
        let error = ShapeError::new(format!("cannot multiply {x} @ {y}: {k} columns meet {k2} rows"));
        return Err(match () {
            () if k == n => error.help("did you mean to transpose the second, as in `x @ y.T`?"),
            () if m == k2 => error.help("did you mean to transpose the first, as in `x.T @ y`?"),
            () => error,
        });
    }
    let leading = broadcast(&leading_a, &leading_b)
        .map_err(|_| ShapeError::new(format!("cannot multiply {x} @ {y}: the leading dimensions differ")))?;
    Ok(TensorType::float(shown(&leading, &m, &n)))
}

/// Two operations for each multiplication.
pub(super) fn flops(attrs: &Attrs, inputs: &[&TensorType], output: &TensorType) -> Dim {
    let inner = split(&inputs[0].shape, attrs.get_bool("ta")).map_or(Dim::default(), |(_, _, k)| k);
    &(&output.shape.count() * &inner) * &Dim::from(2i64)
}

fn grad(b: &mut Backward) -> Grads {
    let (ta, tb) = (b.attrs.get_bool("ta"), b.attrs.get_bool("tb"));
    let (x, y, dy) = (b.inputs[0], b.inputs[1], b.grad);
    let mut grads = vec![None, None];
    if b.needs[0] {
        let dx = if ta { b.graph.product(y, dy, tb, true)? } else { b.graph.product(dy, y, false, !tb)? };
        let shape = b.graph.shape(x).clone();
        grads[0] = Some(b.graph.sum_to(dx, &shape)?);
    }
    if b.needs[1] {
        let grad = if tb { b.graph.product(dy, x, true, ta)? } else { b.graph.product(x, dy, !ta, false)? };
        let shape = b.graph.shape(y).clone();
        grads[1] = Some(b.graph.sum_to(grad, &shape)?);
    }
    Ok(grads)
}

impl Graph {
    /// `a @ b`; a vector is a row on the left and a column on the right.
    pub fn matmul(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, ShapeError> {
        let (row, column) = (self.shape(a).rank() == 1, self.shape(b).rank() == 1);
        let (one, x, y) = (Dim::from(1i64), self.shape(a).clone(), self.shape(b).clone());
        let a = if row { self.reshape(a, &[one.clone(), x.0[0].clone()])? } else { a };
        let b = if column { self.reshape(b, &[y.0[0].clone(), one])? } else { b };
        let product = self.product(a, b, false, false)?;
        let mut dims = self.shape(product).0.clone();
        if column {
            dims.pop();
        }
        if row {
            let at = if column { dims.len() - 1 } else { dims.len() - 2 };
            dims.remove(at);
        }
        self.reshape(product, &dims)
    }

    /// `a @ b`, each taken transposed if so told; transpositions of the inputs are taken into the product.
    pub fn product(&mut self, a: NodeId, b: NodeId, ta: bool, tb: bool) -> Result<NodeId, ShapeError> {
        let (a, ta) = self.transposed(a, ta);
        let (b, tb) = self.transposed(b, tb);
        let (x, y) = (self.shape(a).clone(), self.shape(b));
        // Many small products with one matrix are one large product.
        if x.rank() > 2 && y.rank() == 2 && !ta && x.0.last() == y.0.get(usize::from(tb)) {
            let rows = Dim::product(&x.0[..x.rank() - 1]);
            let flat = self.reshape(a, &[rows, x.0[x.rank() - 1].clone()])?;
            let product = self.product(flat, b, false, tb)?;
            let mut dims = x.0;
            let last = dims.len() - 1;
            dims[last] = self.shape(product).0[1].clone();
            return self.reshape(product, &dims);
        }
        self.apply(&MATMUL, Attrs::new().bool("ta", ta).bool("tb", tb), &[a, b])
    }

    /// What a transposition of the last two dimensions was made of, and whether it is now to be taken transposed.
    fn transposed(&self, x: NodeId, t: bool) -> (NodeId, bool) {
        let node = self.node(x);
        let rank = node.ty.shape.rank();
        let mut swapped: Vec<usize> = (0..rank).collect();
        if rank >= 2 {
            swapped.swap(rank - 2, rank - 1);
        }
        if node.is(&PERMUTE) && node.attrs().get_axes("axes") == swapped {
            return (node.inputs[0], !t);
        }
        (x, t)
    }
}
