//! Where in a tensor the samples lie, and where a formula brings different samples together.
//!
//! A term that treats each sample by itself has a constant solution as good as any other: the best sample's values for
//! all of them. So only a formula that brings samples together can push them apart.

use super::region::{Reach, Region};
use crate::graph::{Dim, Graph, Node, NodeId};
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
        let first = self.inputs.first().copied().unwrap_or_default();
        match self.node.op.name {
            "input" => (Layout { axis: self.first_is_batch(), ..Layout::default() }, None),
            "state" => {
                let axis = self.is_queue().then_some(0);
                (Layout { axis, mixed: true, embedded: true, ..Layout::default() }, None)
            }
            "reduce_sum" => self.sum(first),
            "reduce_max" | "reduce_min" => self.reduce(first, &self.node.attrs.get_axes("axes")),
            "argmax" => self.reduce(first, &[self.node.attrs.get_usize("axis")]),
            "reshape" => (self.reshape(first), None),
            "permute" => {
                let axes = self.node.attrs.get_axes("axes");
                let axis = first.axis.and_then(|a| axes.iter().position(|&from| from == a));
                (Layout { axis, ..first }, None)
            }
            "softmax" => {
                let (layout, mixing) = self.along(first, self.rank() - 1);
                (Layout { probabilities: true, ..layout }, mixing)
            }
            "sinkhorn" => self.mix(Layout { probabilities: true, ..first }, Mixing::Share),
            "log_softmax" | "logsumexp" | "layer_norm" => self.along(first, self.shape(0).len() - 1),
            "argsort" | "cumsum" | "gather" | "scatter_add" => {
                let (layout, mixing) = self.along(first, self.node.attrs.get_usize("axis"));
                let other = self.inputs.get(1).is_some_and(|i| i.mixed);
                (Layout { mixed: layout.mixed || other, ..layout }, mixing)
            }
            "take" | "place" => self.along(first, 1),
            "slice" | "concat" | "pad" | "stopgrad" | "neg" => (self.join(), None),
            "batch_norm" | "channel_stats" => self.mix(self.join(), Mixing::Statistic),
            "matmul" => self.matmul(),
            "cholesky" | "triangular_solve" | "triangle" | "singular_values" | "nuclear_norm" | "kmeans" => {
                self.mix(self.join(), Mixing::Products)
            }
            _ => self.elementwise(),
        }
    }

    fn shape(&self, input: usize) -> &[Dim] {
        &self.graph.shape(self.node.inputs[input]).0
    }

    fn rank(&self) -> usize {
        self.node.ty.shape.rank()
    }

    fn first_is_batch(&self) -> Option<usize> {
        self.node.ty.shape.0.first().is_some_and(|d| d.symbols().contains(&"N")).then_some(0)
    }

    /// Whether the state that is read holds rows of earlier steps.
    fn is_queue(&self) -> bool {
        let state = self.node.attrs.get_usize("id");
        let update = self.graph.updates.iter().find(|u| u.state.index() == state);
        update.is_some_and(|u| self.graph.node(u.value).op.name == "concat")
    }

    /// The result brings samples together, if there are samples in the inputs.
    fn mix(&self, layout: Layout, mixing: Mixing) -> (Layout, Option<Mixing>) {
        let any = self.inputs.iter().any(|i| i.axis.is_some() || i.summed || i.mixed);
        (Layout { mixed: any || layout.mixed, summed: false, ..layout }, any.then_some(mixing))
    }

    /// All inputs together, the samples where the first input with samples has them (dimensions counted from the end).
    fn join(&self) -> Layout {
        let mut joined = Layout::default();
        for (i, layout) in self.inputs.iter().enumerate() {
            let from_end = layout.axis.map(|a| self.shape(i).len() - a);
            joined.axis = joined.axis.or(from_end.and_then(|e| self.rank().checked_sub(e)));
            joined.summed |= layout.summed;
            joined.mixed |= layout.mixed;
            joined.probabilities |= layout.probabilities;
            joined.embedded |= layout.embedded;
        }
        joined
    }

    fn elementwise(&self) -> (Layout, Option<Mixing>) {
        let joined = self.join();
        let linear = matches!(self.node.op.name, "add" | "sub");
        let scaled = matches!(self.node.op.name, "mul" | "div")
            && self.inputs.iter().filter(|i| i.any() && i.embedded).count() < 2;
        let axes: Vec<usize> = self.aligned().collect();
        let pairs = axes.windows(2).any(|pair| pair[0] != pair[1]);
        if pairs {
            return self.mix(joined, Mixing::Pairs);
        }
        let with_past = self.inputs.iter().any(|i| i.mixed) && self.reads_state();
        if with_past {
            return self.mix(joined, Mixing::RunningAverage);
        }
        // A sum of samples meets samples, or a curve is laid over a sum. A sum of what is given, such as a mask, tells nothing.
        let summed = self.inputs.iter().any(|i| i.summed && i.embedded);
        let meets = summed && joined.axis.is_some();
        let bends = summed && !linear && !scaled;
        match meets || bends {
            false => (joined, None),
            true if joined.probabilities => self.mix(joined, Mixing::MeanAssignment),
            true if matches!(self.node.op.name, "mul" | "div" | "recip") => self.mix(joined, Mixing::Share),
            true => self.mix(joined, Mixing::Statistic),
        }
    }

    /// Where the samples of each input lie in the result.
    fn aligned(&self) -> impl Iterator<Item = usize> {
        let rank = self.rank();
        self.inputs.iter().enumerate().filter_map(move |(i, l)| (l.axis? + rank).checked_sub(self.shape(i).len()))
    }

    fn reads_state(&self) -> bool {
        let is_state = |id: &NodeId| {
            let mut node = self.graph.node(*id);
            while matches!(node.op.name, "reshape" | "broadcast_to" | "mul" | "neg" | "stopgrad" | "permute") {
                node = self.graph.node(node.inputs[0]);
            }
            node.op.name == "state"
        };
        self.node.inputs.iter().any(is_state) && self.inputs.iter().filter(|i| i.any()).count() > 1
    }

    fn sum(&self, first: Layout) -> (Layout, Option<Mixing>) {
        let axes = self.node.attrs.get_axes("axes");
        let probabilities = first.probabilities && !axes.contains(&(self.shape(0).len() - 1));
        let first = Layout { probabilities, ..first };
        match first.axis {
            Some(axis) if axes.contains(&axis) => (Layout { axis: None, summed: true, ..first }, None),
            _ => (self.without(first, &axes), None),
        }
    }

    /// An extreme over dimensions.
    fn reduce(&self, first: Layout, axes: &[usize]) -> (Layout, Option<Mixing>) {
        match first.axis {
            Some(axis) if axes.contains(&axis) => self.mix(Layout { axis: None, ..first }, Mixing::Other),
            _ => (self.without(first, axes), None),
        }
    }

    /// The samples' place once `axes`, which do not hold them, are gone.
    fn without(&self, first: Layout, axes: &[usize]) -> Layout {
        let gone = |axis: usize| axes.iter().filter(|&&a| a < axis).count();
        let kept = self.node.attrs.get_bool("keepdim");
        Layout { axis: first.axis.map(|a| if kept { a } else { a - gone(a) }), ..first }
    }

    /// An operation that works along one dimension.
    fn along(&self, first: Layout, dim: usize) -> (Layout, Option<Mixing>) {
        let axis = first.axis.filter(|&a| a < self.rank());
        match first.axis {
            Some(axis) if axis == dim => self.mix(first, Mixing::Other),
            _ => (Layout { axis, ..first }, None),
        }
    }

    /// The dimension of the result that holds what the samples' dimension held, alone or merged with others.
    fn reshape(&self, first: Layout) -> Layout {
        let (from, to) = (self.shape(0), &self.node.ty.shape.0);
        let axis = first.axis.and_then(|axis| {
            let before = Dim::product(&from[..axis]);
            let same = |&i: &usize| Dim::product(&to[..i]) == before && !to[i].is(1);
            let batch = |&i: &usize| to[i].symbols().contains(&"N");
            (0..to.len()).find(same).or_else(|| (0..to.len()).find(batch))
        });
        Layout { axis, ..first }
    }

    fn matmul(&self) -> (Layout, Option<Mixing>) {
        let (a, b) = (self.inputs[0], self.inputs[1]);
        let (ranks, attrs) = ([self.shape(0).len(), self.shape(1).len()], &self.node.attrs);
        let inner = [
            if attrs.get_bool("ta") { ranks[0] - 2 } else { ranks[0] - 1 },
            if attrs.get_bool("tb") { ranks[1] - 1 } else { ranks[1] - 2 },
        ];
        let contracts = [a.axis == Some(inner[0]), b.axis == Some(inner[1])];
        let joined = Layout { axis: None, ..self.join() };
        match (a.any(), b.any()) {
            (true, true) if contracts == [true, true] => self.mix(joined, Mixing::Products),
            (true, true) if a.axis.is_some() && b.axis.is_some() && ranks == [2, 2] => {
                self.mix(Layout { axis: Some(0), ..joined }, Mixing::Pairs)
            }
            (true, true) if a.axis != Some(0) || b.axis != Some(0) => self.mix(joined, Mixing::Other),
            _ if contracts.contains(&true) => (Layout { summed: true, ..joined }, None),
            (true, _) => (Layout { axis: a.axis.map(|_| 0), ..joined }, None),
            (_, true) => {
                let axis = b.axis.map(|x| if x < ranks[1] - 2 { x } else { self.rank() - 1 });
                (Layout { axis, ..joined }, None)
            }
            _ => (joined, None),
        }
    }
}

impl Layout {
    /// Whether it depends on samples at all.
    fn any(&self) -> bool {
        self.axis.is_some() || self.summed || self.mixed
    }
}
