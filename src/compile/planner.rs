//! How a plan is made: order, lifetimes, work in place, and places in the arena.

use super::arena::least;
use super::{Buffer, Loc, Operand, Plan, PlanError, Program, Step, flops, lay_out};
use crate::graph::ops::elementwise::STOPGRAD;
use crate::graph::ops::movement::{CONCAT, RESHAPE, SLICE};
use crate::graph::{Attr, Attrs, Dim, Graph, Leaf, Node, NodeId, NodeKind, Shape};

/// Where a node's value lies before buffers have offsets.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Nowhere,
    Leaf(Loc),
    Buffer(usize),
}

/// A plan in the making.
pub(super) struct Planner<'a> {
    program: &'a Program,
    sizes: &'a dyn Fn(&str) -> Option<i64>,
    /// The shape of each live node.
    shapes: Vec<Vec<usize>>,
    /// The node each node's value is the same memory as: itself but for views.
    roots: Vec<NodeId>,
    /// The nodes that are computed, in order.
    order: Vec<NodeId>,
    /// The last step that reads each root.
    last_use: Vec<usize>,
    places: Vec<Place>,
    buffers: Vec<Buffer>,
    in_place: Vec<Option<usize>>,
}

impl<'a> Planner<'a> {
    /// Notes shapes, views, the order of computation and last uses.
    pub(super) fn new(program: &'a Program, sizes: &'a dyn Fn(&str) -> Option<i64>) -> Result<Self, PlanError> {
        let nodes = program.graph.len();
        let mut planner = Planner {
            program,
            sizes,
            shapes: vec![Vec::new(); nodes],
            roots: (0..nodes).map(|i| NodeId(i as u32)).collect(),
            order: Vec::new(),
            last_use: vec![0; nodes],
            places: vec![Place::Nowhere; nodes],
            buffers: Vec::new(),
            in_place: Vec::new(),
        };
        for id in program.live() {
            planner.enter(id).map_err(|message| PlanError { message, node: id })?;
        }
        let end = planner.order.len();
        for id in program.results() {
            let root = planner.roots[id.index()];
            planner.last_use[root.index()] = end;
        }
        Ok(planner)
    }

    /// Notes a live node: its shape, what it is a view of, and that it reads its inputs.
    fn enter(&mut self, id: NodeId) -> Result<(), String> {
        let node = self.program.graph.node(id);
        self.shapes[id.index()] = self.sized(&node.ty.shape)?;
        self.check(id, node)?;
        if let Some(loc) = self.leaf(node)? {
            self.places[id.index()] = Place::Leaf(loc);
        } else if is_view(node) {
            self.roots[id.index()] = self.roots[node.inputs[0].index()];
        } else {
            let step = self.order.len();
            for input in &node.inputs {
                self.last_use[self.roots[input.index()].index()] = step;
            }
            self.last_use[id.index()] = step;
            self.order.push(id);
        }
        Ok(())
    }

    fn sized(&self, shape: &Shape) -> Result<Vec<usize>, String> {
        let dim = |d: &Dim| {
            let n = self.number(d)?;
            usize::try_from(n).map_err(|_| format!("dimension {d} of {shape} would be {n}"))
        };
        shape.0.iter().map(dim).collect()
    }

    fn number(&self, dim: &Dim) -> Result<i64, String> {
        dim.eval(self.sizes).ok_or_else(|| format!("the size of dimension {dim} is not known"))
    }

    /// What shape rules could not know of symbols.
    fn check(&self, id: NodeId, node: &Node) -> Result<(), String> {
        let empty = |input: &&NodeId| self.shapes[input.index()].contains(&0);
        if let Some(input) = node.inputs.iter().find(empty).filter(|_| !node.is(&CONCAT)) {
            let shape = self.program.graph.shape(*input);
            return Err(format!(
                "is computed of a tensor {shape} that has no element: {:?}",
                self.shapes[input.index()]
            ));
        }
        if !node.is(&SLICE) {
            return Ok(());
        }
        let axis = node.attrs().get_usize("axis");
        let start = self.sized(&Shape(vec![node.attrs().get_dim("start").clone()]))?[0];
        let (length, size) = (self.shapes[id.index()][axis], self.shapes[node.inputs[0].index()][axis]);
        if start + length <= size {
            return Ok(());
        }
        let shape = self.program.graph.shape(node.inputs[0]);
        Err(format!("cannot take {start}..{} of dimension {axis} of {shape}: it has {size}", start + length))
    }

    /// Where a leaf lies; `None` for what is computed.
    fn leaf(&self, node: &Node) -> Result<Option<Loc>, String> {
        let NodeKind::Leaf(leaf) = &node.kind else { return Ok(None) };
        Ok(Some(match leaf {
            Leaf::Parameter(id) => Loc::Param(*id),
            Leaf::Input(id) => Loc::Input(*id),
            Leaf::State(id) => Loc::State(*id),
            Leaf::Scalar(id) => Loc::Scalar(*id),
            Leaf::Constant { value, .. } => Loc::Constant(value.0),
            Leaf::Dimension { size, .. } => Loc::Constant(self.number(size)? as f64),
        }))
    }

    fn graph(&self) -> &'a Graph {
        &self.program.graph
    }

    /// A buffer for each computed node: that of a dying input where the operation can work in place, or a new one.
    pub(super) fn assign_buffers(&mut self) {
        for step in 0..self.order.len() {
            let id = self.order[step];
            let (in_place, buffer) = match self.reusable(step) {
                Some((input, buffer)) => (Some(input), buffer),
                None => {
                    let len = self.shapes[id.index()].iter().product();
                    self.buffers.push(Buffer { len, birth: step, death: step });
                    (None, self.buffers.len() - 1)
                }
            };
            self.buffers[buffer].death = self.last_use[id.index()];
            self.places[id.index()] = Place::Buffer(buffer);
            self.in_place.push(in_place);
        }
    }

    /// The first input of a step whose buffer the output can take over, and that buffer.
    fn reusable(&self, step: usize) -> Option<(usize, usize)> {
        let node = self.graph().node(self.order[step]);
        if !node.op().is_some_and(|op| op.in_place) {
            return None;
        }
        let shape = &self.shapes[self.order[step].index()];
        let root = |input: &NodeId| self.roots[input.index()];
        let fits = |input: &NodeId| {
            let dies = self.last_use[root(input).index()] == step;
            let same = node.inputs.iter().all(|i| root(i) != root(input) || self.shapes[i.index()] == *shape);
            dies && same
        };
        node.inputs.iter().enumerate().filter(|(_, input)| fits(input)).find_map(|(i, input)| {
            match self.places[root(input).index()] {
                Place::Buffer(buffer) => Some((i, buffer)),
                Place::Nowhere | Place::Leaf(_) => None,
            }
        })
    }

    /// The fewest floats that all buffers take, and the value that the largest of them is made for.
    pub(super) fn least(&self) -> (usize, Option<NodeId>) {
        let largest = self.buffers.iter().max_by_key(|buffer| buffer.len).map(|buffer| self.order[buffer.birth]);
        (least(&self.buffers), largest)
    }

    /// Places for all buffers, and the steps with their operands.
    pub(super) fn finish(self) -> Plan {
        let (offsets, arena_len) = lay_out(&self.buffers);
        let operand = |id: NodeId| {
            let shape = self.shapes[id.index()].clone();
            let loc = match self.places[self.roots[id.index()].index()] {
                Place::Leaf(loc) => loc,
                Place::Buffer(buffer) => Loc::Arena { offset: offsets[buffer], len: shape.iter().product() },
                Place::Nowhere => unreachable!("every live node is a leaf, a view or computed"),
            };
            Operand { loc, shape }
        };
        let step = |(&id, &in_place): (&NodeId, &Option<usize>)| {
            let node = self.graph().node(id);
            let NodeKind::Computed(op, attrs) = &node.kind else { unreachable!("a leaf is read, not computed") };
            let inputs = node.inputs.iter().map(|&i| operand(i)).collect();
            let flops = flops(self.graph(), id).eval(self.sizes).unwrap_or(0).max(0) as u64;
            Step { node: id, op, attrs: self.numbers(attrs), inputs, output: operand(id), in_place, flops }
        };
        let program = self.program;
        Plan {
            steps: self.order.iter().zip(&self.in_place).map(step).collect(),
            arena_len,
            outputs: program.outputs.iter().map(|&n| operand(n)).collect(),
            loss: program.loss.map(operand),
            grads: program.grads.iter().map(|&(id, n)| (id, operand(n))).collect(),
            input_grads: program.input_grads.iter().map(|(name, n)| (name.clone(), operand(*n))).collect(),
            updates: program.graph.updates.iter().map(|u| (u.state, operand(u.value))).collect(),
        }
    }

    /// Attributes with every dimension a number.
    fn numbers(&self, attrs: &Attrs) -> Attrs {
        attrs.iter().fold(Attrs::new(), |known, (name, attr)| match attr {
            Attr::Dims(dims) => {
                known.with(name, Attr::Ints(dims.iter().map(|d| d.eval(self.sizes).unwrap_or(0)).collect()))
            }
            Attr::Int(_) | Attr::Float(_) | Attr::Bool(_) | Attr::Text(_) | Attr::Ints(_) => {
                known.with(name, attr.clone())
            }
        })
    }
}

/// Whether a node is its first input's memory under another shape.
pub fn is_view(node: &Node) -> bool {
    node.is(&RESHAPE) || node.is(&STOPGRAD)
}
