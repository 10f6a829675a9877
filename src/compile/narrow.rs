//! What nobody reads is not computed: where of a tensor only a part is read, such as the class token behind a transformer's last
//! block, what can be computed row by row is computed for that part alone, back to where rows meet.

use crate::graph::ops::attention::{ATTENTION, Attended};
use crate::graph::ops::matmul::MATMUL;
use crate::graph::ops::movement::{RESHAPE, SLICE};
use crate::graph::ops::norm::LAYER_NORM;
use crate::graph::{Dim, Graph, Node, NodeId, NodeKind, Shape, ShapeError, Update};

/// A graph that computes `results` and the updates of states without what they do not read; the results in it, in order.
/// Refreshes are programs of their own and left out; the tables they read are still those of nodes of `graph`.
pub(super) fn narrow(graph: &Graph, results: &[NodeId]) -> (Graph, Vec<NodeId>) {
    let wanted = wanted(graph, results.iter().copied().chain(graph.updates.iter().map(|u| u.value)));
    let mut narrow = graph.without_nodes();
    let mut now = Vec::with_capacity(graph.len());
    let mut blocks = graph.blocks.iter().peekable();
    let mut first = None;
    for (id, node) in graph.nodes() {
        if blocks.peek().is_some_and(|block| block.start == id.index()) {
            first = Some(narrow.len());
        }
        let before = Before { graph, wanted: &wanted, now: &now };
        now.push(match &wanted[id.index()] {
            Wanted::Nothing if node.leaf().is_some() => Some(narrow.copy(node, Vec::new())),
            Wanted::Nothing => None,
            Wanted::Part(part) => {
                let part = narrow.at(node.span, |narrow| before.part(narrow, node, part));
                Some(part.expect("a part has a shape as the whole has"))
            }
            Wanted::Whole => Some(before.whole(&mut narrow, node)),
        });
        if blocks.next_if(|block| block.end == id.index() + 1).is_some() {
            let first = first.take().filter(|&first| first < narrow.len());
            narrow.blocks.extend(first.map(|first| first..narrow.len()));
        }
    }
    let now = |id: NodeId| now[id.index()].expect("results are wanted");
    narrow.updates = graph.updates.iter().map(|u| Update { value: now(u.value), ..*u }).collect();
    (narrow, results.iter().map(|&id| now(id)).collect())
}

/// A part of a tensor's elements as they lie in memory, `[outer, size, inner]`: `length` of `size` from `start` on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    outer: Dim,
    size: Dim,
    inner: Dim,
    start: Dim,
    length: Dim,
}

/// What is read of a node's result.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Nothing,
    Part(Part),
    Whole,
}

impl Wanted {
    /// Adds a reader; two that read different parts are given the whole.
    fn join(&mut self, other: Wanted) {
        if *self == Wanted::Nothing {
            *self = other;
        } else if *self != other {
            *self = Wanted::Whole;
        }
    }
}

/// What is read of each node, given those that are read whole.
fn wanted(graph: &Graph, results: impl Iterator<Item = NodeId>) -> Vec<Wanted> {
    let mut wanted = vec![Wanted::Nothing; graph.len()];
    results.for_each(|id| wanted[id.index()] = Wanted::Whole);
    for i in (0..graph.len()).rev() {
        let node = graph.node(NodeId(i as u32));
        let needs = match &wanted[i] {
            Wanted::Nothing => continue,
            Wanted::Part(part) => needs(graph, node, part),
            Wanted::Whole if node.is(&SLICE) => sliced(graph, node).map(|part| vec![Some(part)]),
            Wanted::Whole => None,
        };
        if needs.is_none() {
            wanted[i] = Wanted::Whole;
        }
        for (place, input) in node.inputs.iter().enumerate() {
            let part = needs.as_ref().and_then(|needs| needs[place].clone());
            wanted[input.index()].join(part.map_or(Wanted::Whole, Wanted::Part));
        }
    }
    wanted
}

/// The part that a slice is of its input, if it is at most half: for more the whole is as good.
fn sliced(graph: &Graph, node: &Node) -> Option<Part> {
    let (axis, shape) = (node.attrs().get_usize("axis"), graph.shape(node.inputs[0]));
    let [start, length] = ["start", "length"].map(|name| node.attrs().get_dims(name)[0].clone());
    let part = Part::of(shape, axis, start, length);
    let rest = &part.size - &(&part.length + &part.length);
    rest.constant().is_some_and(|rest| rest >= 0).then_some(part)
}

/// What a part of a node's result takes of each input, a part or the whole; `None` where it takes the whole result.
fn needs(graph: &Graph, node: &Node, part: &Part) -> Option<Vec<Option<Part>>> {
    let shape = &node.ty.shape;
    let (axis, _) = part.place(shape)?;
    let NodeKind::Computed(op, attrs) = &node.kind else { return None };
    match *op {
        op if op == &RESHAPE => part.place(graph.shape(node.inputs[0])).map(|_| vec![Some(part.clone())]),
        op if op == &LAYER_NORM && axis + 1 < shape.rank() => {
            Some((0..node.inputs.len()).map(|i| (i == 0).then(|| part.clone())).collect())
        }
        op if op == &MATMUL && axis + 1 < shape.rank() && !attrs.get_bool("ta") => {
            let [left, right] = [0, 1].map(|i| graph.shape(node.inputs[i]));
            let rows = left.0[..left.rank() - 1] == shape.0[..shape.rank() - 1] && right.rank() == 2;
            rows.then(|| vec![Some(Part { inner: Dim::product(&left.0[axis + 1..]), ..part.clone() }), None])
        }
        op if op == &ATTENTION && axis == 1 => {
            let plain = if attrs.get_bool("packed") { 1 } else { 3 };
            let bias = |input: &NodeId| Part::of(graph.shape(*input), 1, part.start.clone(), part.length.clone());
            let parts = node.inputs.iter().enumerate().map(|(i, input)| match i {
                0 if plain == 3 => Some(part.clone()),
                i if i == plain => Some(bias(input)),
                _ => None,
            });
            Some(parts.collect())
        }
        op if op.in_place => {
            Some(node.inputs.iter().map(|&input| part.broadcast_from(shape, graph.shape(input))).collect())
        }
        _ => None,
    }
}

/// The graph as it was, and what has become of its first nodes.
struct Before<'a> {
    graph: &'a Graph,
    wanted: &'a [Wanted],
    /// The nodes of the narrow graph: whole, or the part that is wanted.
    now: &'a [Option<NodeId>],
}

impl Before<'_> {
    fn now(&self, id: NodeId) -> NodeId {
        self.now[id.index()].expect("what is read has been computed")
    }

    /// The next node in the narrow graph.
    fn whole(&self, narrow: &mut Graph, node: &Node) -> NodeId {
        match node.inputs[..] {
            // What a slice reads has become the slice.
            [input] if node.is(&SLICE) && matches!(self.wanted[input.index()], Wanted::Part(_)) => self.now(input),
            _ => narrow.copy(node, node.inputs.iter().map(|&input| self.now(input)).collect()),
        }
    }

    /// A part of the next node.
    fn part(&self, narrow: &mut Graph, node: &Node, part: &Part) -> Result<NodeId, ShapeError> {
        let needs = needs(self.graph, node, part).unwrap_or_default();
        let mut inputs = Vec::with_capacity(needs.len());
        for (&input, need) in node.inputs.iter().zip(needs) {
            inputs.push(match need {
                Some(part) if self.wanted[input.index()] == Wanted::Whole => part.cut(narrow, self.now(input))?,
                _ => self.now(input),
            });
        }
        let NodeKind::Computed(op, attrs) = &node.kind else { unreachable!("no part of a leaf is wanted") };
        match *op {
            op if op == &RESHAPE => narrow.reshape(inputs[0], &part.shape(&node.ty.shape).0),
            op if op == &ATTENTION && attrs.get_bool("packed") => {
                let width = node.ty.shape.0[2].clone();
                let [q, k, v] = [0i64, 1, 2].map(|i| narrow.slice(inputs[0], 2, &(&width * &Dim::from(i)), &width));
                let q = narrow.slice(q?, 1, &part.start, &part.length)?;
                let heads = attrs.get_usize("heads");
                narrow.attention(Attended::Apart([q, k?, v?]), heads, inputs.get(1).copied())
            }
            op => narrow.apply(op, attrs.clone(), &inputs),
        }
    }
}

impl Part {
    /// `length` from `start` on along a dimension of a shape.
    fn of(shape: &Shape, axis: usize, start: Dim, length: Dim) -> Part {
        let (before, after) = (&shape.0[..axis], &shape.0[axis + 1..]);
        Part { outer: Dim::product(before), size: shape.0[axis].clone(), inner: Dim::product(after), start, length }
    }

    /// The dimension of a shape that the part is along, and how many times `size` it is long; `None` if no dimension is.
    fn place(&self, shape: &Shape) -> Option<(usize, Dim)> {
        let fits = |&axis: &usize| {
            Dim::product(&shape.0[axis + 1..]) == self.inner
                && Dim::product(&shape.0[..=axis]) == &self.outer * &self.size
        };
        let axis = (0..shape.rank()).find(fits)?;
        Some((axis, self.outer.divide(&Dim::product(&shape.0[..axis]))?))
    }

    /// The shape of the part of a tensor of that shape.
    fn shape(&self, shape: &Shape) -> Shape {
        let (axis, times) = self.place(shape).expect("only shapes along which the part lies are asked for");
        let mut dims = shape.0.clone();
        dims[axis] = &times * &self.length;
        Shape(dims)
    }

    /// The part of a whole tensor.
    fn cut(&self, graph: &mut Graph, x: NodeId) -> Result<NodeId, ShapeError> {
        let shape = self.shape(graph.shape(x));
        let lines = graph.reshape(x, &[self.outer.clone(), self.size.clone(), self.inner.clone()])?;
        let lines = graph.slice(lines, 1, &self.start, &self.length)?;
        graph.reshape(lines, &shape.0)
    }

    /// The part of an input of shape `from` that this part of a result of shape `to` is computed from, if it is not all of it.
    fn broadcast_from(&self, to: &Shape, from: &Shape) -> Option<Part> {
        let (axis, times) = self.place(to)?;
        let axis = (axis + from.rank()).checked_sub(to.rank())?;
        let stretched = from.0[axis] != &times * &self.size;
        (!stretched).then(|| Part {
            outer: &Dim::product(&from.0[..axis]) * &times,
            inner: Dim::product(&from.0[axis + 1..]),
            ..self.clone()
        })
    }
}
