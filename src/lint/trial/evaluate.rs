//! The values of a formula's nodes for made-up embeddings.

use super::embedding::{Cloud, normal};
use super::operations;
use super::tensor::Tensor;
use crate::graph::{DType, Dim, Init, InputKind, MaskPart, Node, NodeId, StateId};
use crate::lint::region::Region;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The most elements a tensor may have: beyond, a trial would cost more than it tells.
const LARGEST: usize = 1 << 23;
/// Batches of earlier samples that stand for all that a queue holds.
const PAST_BATCHES: usize = 4;
/// How many states may stand behind one another.
const DEPTH: usize = 3;

/// One computation of a formula.
#[derive(Clone)]
pub(super) struct Trial<'a> {
    region: &'a Region<'a>,
    apart: f64,
    /// How many samples a batch has.
    samples: usize,
    /// The number of the first sample of the batch.
    first: usize,
    /// States whose value is given.
    given: BTreeMap<NodeId, Tensor>,
    depth: usize,
    clouds: Clouds,
}

/// The embeddings that were drawn, by node and first sample; trials of one formula share them.
pub(super) type Clouds = Rc<RefCell<BTreeMap<(NodeId, usize), Cloud>>>;

impl<'a> Trial<'a> {
    /// A trial with so many samples, their embeddings that far apart.
    pub fn new(region: &'a Region<'a>, samples: usize, apart: f64, clouds: &Clouds) -> Self {
        let (given, clouds) = (BTreeMap::new(), clouds.clone());
        Trial { region, apart, samples, first: 0, given, depth: 0, clouds }
    }

    /// A trial with so many samples, the first of them of that number, which are spread out.
    pub fn of_samples(region: &'a Region<'a>, samples: usize, first: usize) -> Self {
        Trial { first, ..Trial::new(region, samples, 1.0, &Clouds::default()) }
    }

    /// The value of the term, if it can be computed and is finite.
    pub fn term(&self) -> Option<f64> {
        let value = self.value(self.region.term.node)?.data.first().copied()?;
        value.is_finite().then_some(value)
    }

    /// The value of a node of the formula.
    pub fn value(&self, wanted: NodeId) -> Option<Tensor> {
        let graph = self.region.graph;
        let order = self.needed(wanted);
        let mut uses: BTreeMap<NodeId, usize> = BTreeMap::new();
        for &id in order.iter().filter(|id| !self.is_leaf(**id)) {
            graph.node(id).inputs.iter().for_each(|&input| *uses.entry(input).or_default() += 1);
        }
        let mut values: BTreeMap<NodeId, Tensor> = BTreeMap::new();
        for id in order {
            let node = graph.node(id);
            let shape = concrete(&node.ty.shape.0, self.samples)?;
            if shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).is_none_or(|n| n > LARGEST) {
                return None;
            }
            let value = if self.is_leaf(id) {
                self.leaf(id, node, &shape)?
            } else {
                let inputs: Vec<&Tensor> = node.inputs.iter().map(|i| values.get(i)).collect::<Option<_>>()?;
                operations::apply(node, &inputs, &shape, self.samples)?
            };
            if !self.is_leaf(id) {
                forget(&mut uses, &mut values, node);
            }
            values.insert(id, value);
        }
        values.remove(&wanted)
    }

    /// The nodes that `wanted` is computed from, down to leaves.
    fn needed(&self, wanted: NodeId) -> BTreeSet<NodeId> {
        let mut found = BTreeSet::new();
        let mut open = vec![wanted];
        while let Some(id) = open.pop() {
            if found.insert(id) && !self.is_leaf(id) {
                open.extend(&self.region.graph.node(id).inputs);
            }
        }
        found
    }

    fn is_leaf(&self, id: NodeId) -> bool {
        self.region.embeddings.contains_key(&id) || self.region.graph.node(id).inputs.is_empty()
    }

    /// The value of an embedding or of a leaf of the graph.
    fn leaf(&self, id: NodeId, node: &Node, shape: &[usize]) -> Option<Tensor> {
        if let Some(value) = self.given.get(&id) {
            return Some(value.clone());
        }
        if let Some(embedding) = self.region.embeddings.get(&id) {
            let apart = if embedding.fixed { 1.0 } else { self.apart };
            let mut clouds = self.clouds.borrow_mut();
            let draw = || Cloud::new(shape, self.samples, self.first, u64::from(id.0));
            return Some(clouds.entry((id, self.first)).or_insert_with(draw).apart(apart));
        }
        let index = node.attrs.get_usize("id");
        match node.op.name {
            "state" => self.state(id, StateId(index as u32), shape),
            "scalar" => Some(Tensor::scalar(self.region.graph.scalars[index].schedule.at(500, 1000, 10))),
            "parameter" => Some(initial(self.region.graph.params[index].init, shape, index as u64)),
            "input" => Some(self.input(node, index, shape)),
            _ => operations::leaf(node, shape, self.samples),
        }
    }

    fn input(&self, node: &Node, index: usize, shape: &[usize]) -> Tensor {
        let count = shape.iter().product();
        let numbers = |offset: usize| (0..count).map(|i| (i + offset) as f64).collect();
        let data = match (self.region.graph.inputs[index].kind, node.ty.dtype) {
            // Every other patch is hidden; the numbers of patches are those from 0.
            (InputKind::Mask(_, MaskPart::Hides), _) => (0..count).map(|i| (i % 2) as f64).collect(),
            (InputKind::Mask(..), _) => (0..count).map(|i| (i % shape.last().copied().unwrap_or(1)) as f64).collect(),
            // Of tokens, some are nothing.
            (InputKind::Column { below: Some(below), .. }, _) => {
                (0..count).map(|i| ((i + self.first) % below) as f64).collect()
            }
            (InputKind::Label | InputKind::Index | InputKind::Rows, _) | (_, DType::Int) => numbers(self.first),
            (_, DType::Bool) => (0..count).map(|i| (i % 2) as f64).collect(),
            _ => normal(&[3, index as u64, self.first as u64], count),
        };
        Tensor { shape: shape.to_vec(), data }
    }

    /// What a state holds after many steps with embeddings that far apart.
    fn state(&self, read: NodeId, id: StateId, shape: &[usize]) -> Option<Tensor> {
        let graph = self.region.graph;
        let Some(update) = graph.updates.iter().find(|u| u.state == id) else {
            return Some(initial(graph.states[id.index()].init, shape, id.0.into()));
        };
        if self.depth >= DEPTH {
            return None;
        }
        let last = graph.node(update.value);
        match (last.op.name, last.inputs.last()) {
            ("concat", Some(&entering)) => self.queue(entering, shape),
            _ => self.settled(read, update.value, shape),
        }
    }

    /// Rows of earlier batches, repeated until the queue is full.
    fn queue(&self, entering: NodeId, shape: &[usize]) -> Option<Tensor> {
        let mut rows = Vec::new();
        for batch in 1..=PAST_BATCHES {
            let past = Trial { first: self.first + batch * self.samples, depth: self.depth + 1, ..self.clone() };
            rows.extend(past.value(entering)?.data);
        }
        if rows.is_empty() {
            return None;
        }
        let count = shape.iter().product();
        Tensor::new(shape, rows.iter().copied().cycle().take(count).collect())
    }

    /// Where a running average comes to rest: the `s` with `s = u(s)`, for an update `u` that is a line in each element.
    fn settled(&self, read: NodeId, update: NodeId, shape: &[usize]) -> Option<Tensor> {
        let at = |value: f64| {
            let mut trial = Trial { depth: self.depth + 1, ..self.clone() };
            trial.given.insert(read, Tensor::full(shape, value));
            trial.value(update)
        };
        let (offset, line) = (at(0.0)?, at(1.0)?);
        let rest = |(b, l): (&f64, &f64)| if (l - b) < 1.0 { b / (1.0 - (l - b)) } else { *b };
        Tensor::new(shape, offset.data.iter().zip(&line.data).map(rest).collect())
    }
}

/// Drops the inputs that no later node needs.
fn forget(uses: &mut BTreeMap<NodeId, usize>, values: &mut BTreeMap<NodeId, Tensor>, node: &Node) {
    for input in &node.inputs {
        if let Some(left) = uses.get_mut(input) {
            *left -= 1;
            if *left == 0 {
                values.remove(input);
            }
        }
    }
}

/// The first value of a weight or state, by its rule; what is random is drawn from a normal distribution.
fn initial(init: Init, shape: &[usize], seed: u64) -> Tensor {
    let count = shape.iter().product();
    let width = shape.last().copied().unwrap_or(1) as f64;
    let (scale, shift) = match init {
        Init::Constant(value) => (0.0, value),
        Init::Normal(std) | Init::TruncatedNormal(std) => (std, 0.0),
        Init::Uniform(bound) => (bound / 3f64.sqrt(), 0.0),
        Init::KaimingNormal(_) => ((2.0 / width).sqrt(), 0.0),
        Init::Sphere => (1.0 / width.sqrt(), 0.0),
    };
    let data = normal(&[4, seed], count).into_iter().map(|x| shift + scale * x).collect();
    Tensor { shape: shape.to_vec(), data }
}

/// The plain sizes for so many samples.
pub(super) fn concrete(dims: &[Dim], samples: usize) -> Option<Vec<usize>> {
    dims.iter().map(|d| usize::try_from(d.eval(&|_| Some(samples as i64))?).ok()).collect()
}
