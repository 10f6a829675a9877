//! How many samples a trial takes: a formula may name rows that a small batch does not have.

use super::SAMPLES;
use super::evaluate::concrete;
use crate::graph::{Dim, Node};
use crate::lint::region::Region;

/// The most samples that a trial is made with.
const MOST: usize = 512;

/// The fewest samples, eight or more, with which every part that a formula takes of a dimension lies within it. No more than a batch
/// has, nor than a trial can do with; `None` where that is too few.
pub(super) fn enough(region: &Region, batch: usize) -> Option<usize> {
    let most = batch.clamp(SAMPLES, MOST);
    let doubled = std::iter::successors(Some(SAMPLES), |n| Some(2 * n)).take_while(|n| *n < most);
    doubled.chain([most]).find(|&samples| region.nodes.keys().all(|id| fits(region, region.graph.node(*id), samples)))
}

/// Whether a node has a shape with so many samples, and takes no more of a dimension than there is.
fn fits(region: &Region, node: &Node, samples: usize) -> bool {
    let number = |dim: Option<&Dim>| concrete(std::slice::from_ref(dim?), samples)?.first().copied();
    if concrete(&node.ty.shape.0, samples).is_none() {
        return false;
    }
    if node.op.name != "slice" {
        return true;
    }
    let (axis, first) = (node.attrs.get_usize("axis"), |name: &str| number(node.attrs.get_dims(name).first()));
    let length = node.inputs.first().and_then(|&input| number(region.graph.shape(input).0.get(axis)));
    let end = first("start").zip(first("length")).and_then(|(start, length)| start.checked_add(length));
    end.zip(length).is_some_and(|(end, length)| end <= length)
}
