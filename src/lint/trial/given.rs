//! What a formula is given: embeddings, weights, pictures and labels that are made up, and states after many steps.

use super::Trial;
use super::embedding::{Cloud, normal};
use super::formula::GivenLeaf;
use crate::graph::{DType, Init, InputId, InputKind, Leaf, MaskPart, Node, NodeId, NodeKind, StateId};

/// Batches of earlier samples that stand for all that a queue holds.
const PAST_BATCHES: usize = 4;
/// How many states may stand behind one another.
const DEPTH: usize = 3;

/// What one computation of a formula is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given {
    /// How far the embeddings are from one constant: 1 where all samples differ, 0 where they are one.
    pub apart: f64,
    /// The number of the first sample of the batch.
    pub first: usize,
    /// A state that holds one number everywhere.
    pub state: Option<(NodeId, f32)>,
    /// How many states stand before.
    pub depth: usize,
}

impl Given {
    /// The first samples, all different.
    pub const SPREAD: Given = Given { apart: 1.0, first: 0, state: None, depth: 0 };
}

impl Trial<'_> {
    /// The value of an embedding or of a leaf of the graph.
    pub(super) fn leaf(&self, leaf: &GivenLeaf, given: Given) -> Option<Vec<f32>> {
        let (id, shape) = (leaf.node, leaf.shape.as_slice());
        if let Some((_, value)) = given.state.filter(|(state, _)| *state == id) {
            return Some(vec![value; shape.iter().product()]);
        }
        if let Some(embedding) = self.region.embeddings.get(&id) {
            let apart = if embedding.fixed { 1.0 } else { given.apart };
            let mut clouds = self.clouds.borrow_mut();
            let draw = || Cloud::new(shape, self.samples, given.first, u64::from(id.0));
            return Some(clouds.entry((id, given.first)).or_insert_with(draw).apart(apart));
        }
        let node = self.region.graph.node(id);
        match &node.kind {
            NodeKind::Leaf(Leaf::State(state)) => self.state(id, *state, shape, given),
            NodeKind::Leaf(Leaf::Parameter(parameter)) => {
                Some(initial(self.region.graph.params[parameter.index()].init, shape, u64::from(parameter.0)))
            }
            NodeKind::Leaf(Leaf::Input(input)) => Some(self.input(node, *input, shape, given.first)),
            NodeKind::Leaf(Leaf::Scalar(_) | Leaf::Constant { .. } | Leaf::Dimension { .. })
            | NodeKind::Computed(..) => None,
        }
    }

    fn input(&self, node: &Node, input: InputId, shape: &[usize], first: usize) -> Vec<f32> {
        let count = shape.iter().product();
        let numbers = |offset: usize| (0..count).map(|i| (i + offset) as f32).collect();
        match (self.region.graph.inputs[input.index()].kind, node.ty.dtype) {
            // Every other patch is hidden; the numbers of patches are those from 0.
            (InputKind::Mask(_, MaskPart::Hides), _) => (0..count).map(|i| (i % 2) as f32).collect(),
            (InputKind::Mask(..), _) => (0..count).map(|i| (i % shape.last().copied().unwrap_or(1)) as f32).collect(),
            // Of tokens, some are nothing.
            (InputKind::Column { below: Some(below), .. }, _) => {
                (0..count).map(|i| ((i + first) % below) as f32).collect()
            }
            (InputKind::Label | InputKind::Index | InputKind::Rows, _) | (_, DType::Int) => numbers(first),
            (_, DType::Bool) => (0..count).map(|i| (i % 2) as f32).collect(),
            _ => normal(&[3, u64::from(input.0), first as u64], count).into_iter().map(|x| x as f32).collect(),
        }
    }

    /// What a state holds after many steps with embeddings that far apart.
    fn state(&self, read: NodeId, id: StateId, shape: &[usize], given: Given) -> Option<Vec<f32>> {
        let graph = self.region.graph;
        let Some(update) = graph.updates.iter().find(|u| u.state == id) else {
            return Some(initial(graph.states[id.index()].init, shape, id.0.into()));
        };
        let given = Given { depth: given.depth + 1, ..given };
        if given.depth > DEPTH {
            return None;
        }
        match graph.entering(id) {
            Some(entering) => self.queue(entering, shape, given),
            None => self.settled(read, update.value, given),
        }
    }

    /// Rows of earlier batches, repeated until the queue is full.
    fn queue(&self, entering: NodeId, shape: &[usize], given: Given) -> Option<Vec<f32>> {
        let mut rows = Vec::new();
        for batch in 1..=PAST_BATCHES {
            let past = Given { first: given.first + batch * self.samples, ..given };
            rows.extend(self.value(entering, past)?);
        }
        let count = shape.iter().product();
        let full: Vec<f32> = rows.iter().cycle().take(count).map(|&x| x as f32).collect();
        (full.len() == count).then_some(full)
    }

    /// Where a running average comes to rest: the `s` with `s = u(s)`, for an update `u` that is a line in each element.
    fn settled(&self, read: NodeId, update: NodeId, given: Given) -> Option<Vec<f32>> {
        let at = |value: f32| self.value(update, Given { state: Some((read, value)), ..given });
        let (offset, line) = (at(0.0)?, at(1.0)?);
        let rest = |(b, l): (&f64, &f64)| if (l - b) < 1.0 { b / (1.0 - (l - b)) } else { *b };
        Some(offset.iter().zip(&line).map(rest).map(|x| x as f32).collect())
    }
}

/// The first value of a weight or state, by its rule; what is random is drawn from a normal distribution.
fn initial(init: Init, shape: &[usize], seed: u64) -> Vec<f32> {
    let count = shape.iter().product();
    let width = shape.last().copied().unwrap_or(1) as f64;
    let (scale, shift) = match init {
        Init::Constant(value) => (0.0, value),
        Init::Normal(std) | Init::TruncatedNormal(std) => (std, 0.0),
        Init::Uniform(bound) => (bound / 3f64.sqrt(), 0.0),
        Init::KaimingNormal(_) => ((2.0 / width).sqrt(), 0.0),
        Init::Sphere => (1.0 / width.sqrt(), 0.0),
    };
    normal(&[4, seed], count).into_iter().map(|x| (shift + scale * x) as f32).collect()
}
