//! Where in a tensor the samples lie, and where a formula brings different samples together.
//!
//! A term that treats each sample by itself has a constant solution as good as any other: the best sample's values for
//! all of them. So only a formula that brings samples together can push them apart.

use super::region::{Reach, Region};
use crate::graph::{Graph, Linear, Mixed, Mixing as Together, Node, NodeId, TensorType, Undefined, ValueKind, Zero};
use std::collections::BTreeMap;

/// What is known of a tensor's samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// The dimension along which the samples lie.
    axis: Option<usize>,
    /// Whether an element is a plain sum over samples.
    summed: bool,
    /// Whether an element depends on several samples in a way that is no plain sum.
    mixed: bool,
    /// Whether the rows are probabilities.
    probabilities: bool,
    /// Whether it depends on embeddings of this step or an earlier one, not on what is given alone.
    embedded: bool,
}

/// How a formula brings samples together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mixing {
    /// Each sample is compared with each other one, or with a queue of earlier ones.
    Pairs,
    /// Features are compared with features over the batch.
    Products,
    /// The mean assignment of the batch enters a formula.
    MeanAssignment,
    /// Samples are divided by sums over the batch.
    Share,
    /// A statistic of the batch enters a formula.
    Statistic,
    /// An average over earlier steps is subtracted or added.
    RunningAverage,
    /// Anything else.
    Other,
}

/// A node at which samples are brought together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site {
    pub node: NodeId,
    pub mixing: Mixing,
    pub reach: Reach,
}

/// Every node of the formula at which samples are brought together, in order.
pub(super) fn sites(region: &Region) -> Vec<Site> {
    let mut layouts: BTreeMap<NodeId, Layout> = BTreeMap::new();
    let mut sites = Vec::new();
    for (&id, &reach) in region.nodes.iter().filter(|(_, r)| **r != Reach::Past) {
        let layout = if region.embeddings.contains_key(&id) {
            Layout { axis: Some(0), embedded: true, ..Layout::default() }
        } else {
            let node = region.graph.node(id);
            let inputs: Vec<Layout> = node.inputs.iter().map(|i| layouts.get(i).copied().unwrap_or_default()).collect();
            let (layout, mixing) = Step { graph: region.graph, node, inputs: &inputs }.layout();
            sites.extend(mixing.map(|mixing| Site { node: id, mixing, reach }));
            layout
        };
        layouts.insert(id, layout);
    }
    sites
}

/// One node with what is known of its inputs.
struct Step<'a> {
    graph: &'a Graph,
    node: &'a Node,
    inputs: &'a [Layout],
}

impl Step<'_> {
    /// What is known of the result, and how this node brings samples together, if it does.
    fn layout(&self) -> (Layout, Option<Mixing>) {
        if let Some(state) = self.node.state() {
            let axis = self.graph.entering(state).is_some().then_some(0);
            return (Layout { axis, mixed: true, embedded: true, ..Layout::default() }, None);
        }
        let axes: Vec<Option<usize>> = self.inputs.iter().map(|layout| layout.axis).collect();
        let types: Vec<&TensorType> = self.node.inputs.iter().map(|input| self.graph.ty(*input)).collect();
        match self.node.samples(&types, &axes) {
            Ok(axis) => self.each(axis),
            Err(Mixed { how, axis }) => self.together(how, axis),
        }
    }

    /// What the inputs have in common, the samples along that dimension.
    fn join(&self, axis: Option<usize>) -> Layout {
        let any = |of: fn(&Layout) -> bool| self.inputs.iter().any(of);
        let kind = self.node.op().map(|op| op.values.kind);
        let made = matches!(kind, Some(ValueKind::Probabilities | ValueKind::Balanced));
        // What a sum over the classes leaves are no probabilities any more.
        let last =
            self.node.inputs.first().is_some_and(|&x| self.graph.shape(x).0.last() != self.node.ty.shape.0.last());
        let kept = any(|l| l.probabilities) && !(last && kind == Some(ValueKind::Computed));
        Layout {
            axis,
            summed: any(|l| l.summed),
            mixed: any(|l| l.mixed),
            probabilities: made || kept,
            embedded: any(|l| l.embedded),
        }
    }

    /// Samples are brought together so.
    fn together(&self, how: Together, axis: Option<usize>) -> (Layout, Option<Mixing>) {
        let joined = self.join(axis);
        let mixing = match how {
            Together::Place => return (joined, None),
            Together::Sum => return (Layout { summed: true, ..joined }, None),
            Together::Pairs => Mixing::Pairs,
            Together::Products => Mixing::Products,
            Together::Share => Mixing::Share,
            Together::Statistic => Mixing::Statistic,
            Together::Other => Mixing::Other,
        };
        self.mix(joined, mixing)
    }

    /// The result brings samples together, if there are samples in the inputs.
    fn mix(&self, layout: Layout, mixing: Mixing) -> (Layout, Option<Mixing>) {
        let any = self.inputs.iter().any(Layout::any);
        (Layout { mixed: any || layout.mixed, summed: false, ..layout }, any.then_some(mixing))
    }

    /// Each sample is by itself, but it may meet what was made of several before.
    fn each(&self, axis: Option<usize>) -> (Layout, Option<Mixing>) {
        let joined = self.join(axis);
        if self.inputs.iter().any(|i| i.mixed) && self.reads_state() {
            return self.mix(joined, Mixing::RunningAverage);
        }
        if self.multiplies_made_of_several() {
            return self.mix(joined, Mixing::Other);
        }
        // A sum of samples meets samples, or a curve is laid over a sum. A sum of what is given, such as a mask, tells nothing.
        let summed = |layout: &Layout| layout.summed && layout.embedded;
        let meets = self.inputs.iter().any(summed) && axis.is_some();
        let bends = self.bends(summed);
        let divides = self.node.op().is_some_and(|op| matches!(op.values.linear, Linear::Each | Linear::First));
        match meets || bends {
            false => (joined, None),
            true if joined.probabilities => self.mix(joined, Mixing::MeanAssignment),
            true if divides || self.node.inputs.len() == 1 && self.inverts() => self.mix(joined, Mixing::Share),
            true => self.mix(joined, Mixing::Statistic),
        }
    }

    /// Whether a curve is laid over an input of that kind: the operation is not linear in it, or multiplies it with another embedding.
    fn bends(&self, of: impl Fn(&Layout) -> bool) -> bool {
        let Some(op) = self.node.op() else { return false };
        let embedded = self.inputs.iter().filter(|i| i.any() && i.embedded).count();
        match op.values.linear {
            Linear::Jointly => false,
            Linear::Each | Linear::First => embedded > 1 && self.inputs.iter().any(of),
            Linear::No => self.inputs.iter().any(of),
        }
    }

    /// Whether samples are multiplied, as rows by a matrix, with what was made of several before.
    fn multiplies_made_of_several(&self) -> bool {
        let by_matrix = self.node.op().is_some_and(|op| op.values.linear == Linear::Each && !op.in_place);
        let several = |layout: &Layout| layout.mixed && layout.axis.is_none();
        by_matrix && self.inputs.iter().all(Layout::any) && self.inputs.iter().any(several)
    }

    /// Whether the node is one over something.
    fn inverts(&self) -> bool {
        self.node.op().is_some_and(|op| op.values.undefined == Undefined::AtZero(0))
    }

    /// Whether an input is a state, moved about or scaled at most, beside another that depends on samples.
    fn reads_state(&self) -> bool {
        let is_state = |id: &NodeId| {
            let mut node = self.graph.node(*id);
            while node.op().is_some_and(|op| matches!(op.values.zero, Zero::AsFirst | Zero::Product)) {
                node = self.graph.node(node.inputs[0]);
            }
            node.state().is_some()
        };
        self.node.inputs.iter().any(is_state) && self.inputs.iter().filter(|i| i.any()).count() > 1
    }
}

impl Layout {
    /// Whether it depends on samples at all.
    fn any(&self) -> bool {
        self.axis.is_some() || self.summed || self.mixed
    }
}
