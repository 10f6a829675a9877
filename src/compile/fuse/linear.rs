//! What follows a product of matrices and is done while its rows are near: a bias, a residual, an activation.

use super::{Fused, Uses};
use crate::graph::ops::activation::{GELU, RELU};
use crate::graph::ops::binary::ADD;
use crate::graph::ops::fused::LINEAR;
use crate::graph::ops::matmul::MATMUL;
use crate::graph::ops::movement::RESHAPE;
use crate::graph::{Attr, Attrs, Node, NodeId};

/// `matmul(a, b) + bias`, the product perhaps under another shape.
pub(super) fn bias_after_product(uses: &Uses, id: NodeId) -> Option<Fused> {
    let node = uses.of(id, &ADD)?;
    let product = |id: NodeId| {
        let flat = uses.passing(id, &RESHAPE).map_or(id, |view| view.inputs[0]);
        uses.passing(flat, &MATMUL).filter(|p| p.ty.shape.rank() == 2 && p.ty.shape.0.last() == node.ty.shape.0.last())
    };
    let [a, b] = node.inputs[..] else { return None };
    let (product, bias) = product(a).map(|p| (p, b)).or_else(|| product(b).map(|p| (p, a)))?;
    let row = uses.node(bias).ty.shape.0 == product.ty.shape.0[1..];
    let attrs = |node: &Node| {
        let [ta, tb] = ["ta", "tb"].map(|name| product.attrs().get_bool(name));
        let attrs = Attrs::new().bool("ta", ta).bool("tb", tb).dims("shape", &node.ty.shape.0);
        attrs.bool("residual", false).with("activation", Attr::Text("none".into()))
    };
    let inputs = || product.inputs.iter().copied().chain([bias]).collect();
    (row && product.ty.shape.count() == node.ty.shape.count()).then(|| Fused {
        op: &LINEAR,
        attrs: attrs(node),
        inputs: inputs(),
    })
}

/// `linear(a, b, bias) + residual`
pub(super) fn residual_after_linear(uses: &Uses, id: NodeId) -> Option<Fused> {
    let [a, b] = uses.of(id, &ADD)?.inputs[..] else { return None };
    let plain = |id: NodeId| uses.passing(id, &LINEAR).filter(|linear| is_plain(linear));
    let (linear, residual) = plain(a).map(|l| (l, b)).or_else(|| plain(b).map(|l| (l, a)))?;
    let same = uses.node(residual).ty.shape == linear.ty.shape;
    same.then(|| with(linear, "residual", Attr::Bool(true), Some(residual)))
}

/// `relu(linear(..))`, or `gelu(linear(..))` where nothing else needs what stands before it.
pub(super) fn activation_after_linear(uses: &Uses, id: NodeId) -> Option<Fused> {
    let node = uses.node(id);
    let activation = match () {
        () if node.is(&RELU) => "relu",
        () if node.is(&GELU) => "gelu",
        () => return None,
    };
    let linear = uses.passing(node.inputs[0], &LINEAR)?;
    is_plain(linear).then(|| with(linear, "activation", Attr::Text(activation.into()), None))
}

/// Whether nothing follows the bias yet.
fn is_plain(linear: &Node) -> bool {
    !linear.attrs().get_bool("residual") && linear.attrs().get("activation") == Some(&Attr::Text("none".into()))
}

/// The same product with another attribute, and one more input.
fn with(linear: &Node, name: &str, value: Attr, input: Option<NodeId>) -> Fused {
    let changed = linear.attrs().iter().fold(Attrs::new(), |attrs, (known, old)| {
        attrs.with(known, if known == name { value.clone() } else { old.clone() })
    });
    Fused { op: &LINEAR, attrs: changed, inputs: linear.inputs.iter().copied().chain(input).collect() }
}
