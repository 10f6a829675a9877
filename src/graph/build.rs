//! The graph itself: nodes, each once, and the leaves they stand on.

use super::dim::{MAX_DEGREE, MAX_SUMMANDS};
use super::ops::movement::CONCAT;
use super::{
    Attr, Attrs, Dim, Input, InputId, InputKind, Leaf, Node, NodeId, NodeKind, Number, Operation, ParamId, Parameter,
    Refresh, Scalar, ScalarId, Shape, ShapeError, State, StateId, TensorType, Update,
};
use crate::catalog::Schedule;
use crate::source::Span;
use std::collections::HashMap;
use std::ops::Range;

/// The most that a graph may hold.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    /// Operations and leaves.
    pub nodes: usize,
    /// Parameters.
    pub parameters: usize,
}

/// A graph of tensor operations in topological order.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    known: HashMap<(NodeKind, Vec<NodeId>), NodeId>,
    /// Trained and averaged tensors.
    pub params: Vec<Parameter>,
    /// Tensors given for each step.
    pub inputs: Vec<Input>,
    /// Tensors that live between steps.
    pub states: Vec<State>,
    /// Scalars that follow schedules.
    pub scalars: Vec<Scalar>,
    /// What states become after a step, in order.
    pub updates: Vec<Update>,
    /// What states become now and then, in order.
    pub refreshes: Vec<Refresh>,
    /// Whether its convolutions may be computed by fewer products, which round about twice as coarsely.
    pub fast_convolution: bool,
    /// The nodes of each block that layers have built, such as those of a transformer: their numbers, in order and apart.
    pub blocks: Vec<Range<usize>>,
    /// Whether what is inside of blocks is computed again for the gradients, and not kept.
    pub recompute: bool,
    /// The source that new nodes come from, within [`Graph::at`].
    place: Option<Span>,
    /// The most it may hold; as much as one likes where nothing is said.
    pub room: Option<Room>,
}

impl Graph {
    /// An empty graph that may hold so much.
    pub fn within(room: Room) -> Graph {
        Graph { room: Some(room), ..Graph::default() }
    }

    /// What `add` adds comes from that source; what is added before and after does not.
    pub fn at<R>(&mut self, span: Option<Span>, add: impl FnOnce(&mut Graph) -> R) -> R {
        let outer = std::mem::replace(&mut self.place, span);
        let made = add(self);
        self.place = outer;
        made
    }

    /// The node of that number.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// All nodes; inputs come before what uses them.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(i, n)| (NodeId(i as u32), n))
    }

    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is no node.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The type of a node's result.
    pub fn ty(&self, id: NodeId) -> &TensorType {
        &self.node(id).ty
    }

    /// The shape of a node's result.
    pub fn shape(&self, id: NodeId) -> &Shape {
        &self.node(id).ty.shape
    }

    /// The node of `op` on `inputs`: the one there is, or a new one, if its shape rule allows it.
    pub fn apply(&mut self, op: &'static Operation, attrs: Attrs, inputs: &[NodeId]) -> Result<NodeId, ShapeError> {
        let key = (NodeKind::Computed(op, attrs.clone()), inputs.to_vec());
        if let Some(&node) = self.known.get(&key) {
            return Ok(node);
        }
        self.has_room()?;
        for dims in attrs.iter().filter_map(|(_, attr)| if let Attr::Dims(dims) = attr { Some(dims) } else { None }) {
            manageable(dims)?;
        }
        let types: Vec<&TensorType> = inputs.iter().map(|&i| self.ty(i)).collect();
        let ty = (op.infer)(&attrs, &types)?;
        manageable(&ty.shape.0)?;
        Ok(self.insert(key, ty))
    }

    fn has_room(&self) -> Result<(), ShapeError> {
        let Some(room) = self.room else { return Ok(()) };
        let full = |most: usize, what: &str| ShapeError::too_large(format!("this unfolds to more than {most} {what}"));
        match () {
            () if self.nodes.len() >= room.nodes => Err(full(room.nodes, "operations")),
            () if self.params.len() > room.parameters => Err(full(room.parameters, "weights")),
            () => Ok(()),
        }
    }

    /// A node that computes anew what another computes, from these inputs; nobody finds it by what it computes.
    pub fn again(&mut self, id: NodeId, inputs: Vec<NodeId>) -> NodeId {
        let node = Node { inputs, ..self.node(id).clone() };
        self.nodes.push(node);
        NodeId(self.nodes.len() as u32 - 1)
    }

    /// The same parameters, inputs, states and scalars, and nothing that is computed of them.
    pub fn without_nodes(&self) -> Graph {
        Graph {
            params: self.params.clone(),
            inputs: self.inputs.clone(),
            states: self.states.clone(),
            scalars: self.scalars.clone(),
            fast_convolution: self.fast_convolution,
            recompute: self.recompute,
            ..Graph::default()
        }
    }

    /// The node of another graph on `inputs` of this one, which are like its own.
    pub fn copy(&mut self, node: &Node, inputs: Vec<NodeId>) -> NodeId {
        let key = (node.kind.clone(), inputs);
        if let Some(&known) = self.known.get(&key) {
            return known;
        }
        self.at(node.span, |graph| graph.insert(key, node.ty.clone()))
    }

    /// Replaces the operation and the inputs of a node. Its number, its type and its users are unchanged.
    pub fn replace(&mut self, id: NodeId, op: &'static Operation, attrs: Attrs, inputs: Vec<NodeId>) {
        debug_assert!(inputs.iter().all(|input| *input < id), "inputs come before what uses them");
        let node = &mut self.nodes[id.index()];
        let kind = NodeKind::Computed(op, attrs);
        let before =
            (std::mem::replace(&mut node.kind, kind.clone()), std::mem::replace(&mut node.inputs, inputs.clone()));
        self.known.remove(&before);
        self.known.insert((kind, inputs), id);
    }

    /// The node that reads a leaf.
    fn leaf(&mut self, leaf: Leaf, ty: TensorType) -> NodeId {
        let key = (NodeKind::Leaf(leaf), Vec::new());
        match self.known.get(&key) {
            Some(&node) => node,
            None => self.insert(key, ty),
        }
    }

    /// The scalar `value`.
    pub fn constant(&mut self, value: f64) -> NodeId {
        self.leaf(Leaf::Constant { value: Number(value), whole: false }, TensorType::float(Shape::scalar()))
    }

    /// A dimension as a scalar.
    pub fn dimension(&mut self, size: &Dim) -> NodeId {
        match size.constant() {
            Some(n) => self.constant(n as f64),
            None => self.leaf(Leaf::Dimension { size: size.clone(), whole: false }, TensorType::float(Shape::scalar())),
        }
    }

    /// A constant or dimension as a whole number, if it is one; so that labels plus a number are labels still.
    pub(super) fn whole(&mut self, x: NodeId) -> Option<NodeId> {
        let leaf = match self.node(x).leaf()? {
            Leaf::Constant { value, .. } if value.0.fract() == 0.0 => Leaf::Constant { value: *value, whole: true },
            Leaf::Dimension { size, .. } => Leaf::Dimension { size: size.clone(), whole: true },
            Leaf::Parameter(_) | Leaf::Input(_) | Leaf::State(_) | Leaf::Scalar(_) | Leaf::Constant { .. } => {
                return None;
            }
        };
        Some(self.leaf(leaf, TensorType::int(Shape::scalar())))
    }

    fn insert(&mut self, key: (NodeKind, Vec<NodeId>), ty: TensorType) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        self.nodes.push(Node { kind: key.0.clone(), inputs: key.1.clone(), ty, span: self.place });
        self.known.insert(key, id);
        id
    }

    /// The parameter of that path, made if it is new. A path names one parameter: a second use shares it.
    pub fn parameter(&mut self, parameter: Parameter) -> NodeId {
        let found = self.params.iter().position(|p| p.name == parameter.name);
        let id = found.unwrap_or_else(|| {
            self.params.push(parameter);
            self.params.len() - 1
        });
        self.parameter_node(ParamId(id as u32))
    }

    /// The node that reads a parameter.
    pub fn parameter_node(&mut self, id: ParamId) -> NodeId {
        let ty = TensorType::float(Shape::of(&self.params[id.index()].shape));
        self.leaf(Leaf::Parameter(id), ty)
    }

    /// The parameter of that path.
    pub fn find_parameter(&self, name: &str) -> Option<ParamId> {
        self.params.iter().position(|p| p.name == name).map(|i| ParamId(i as u32))
    }

    /// The node that reads an input, declared if it is new.
    pub fn input(&mut self, name: &str, ty: TensorType, kind: InputKind) -> NodeId {
        let found = self.inputs.iter().position(|i| i.name == name);
        let id = found.unwrap_or_else(|| {
            self.inputs.push(Input { name: name.to_owned(), ty: ty.clone(), kind });
            self.inputs.len() - 1
        });
        self.leaf(Leaf::Input(InputId(id as u32)), ty)
    }

    /// The columns of the data set that are read: the place of each there, and its input.
    pub fn columns(&self) -> impl Iterator<Item = (usize, &Input)> {
        let place = |input: &Input| if let InputKind::Column { place, .. } = input.kind { Some(place) } else { None };
        self.inputs.iter().filter_map(move |input| Some((place(input)?, input)))
    }

    /// The node that reads a state as it stood before this step; the state is declared if it is new.
    pub fn state(&mut self, state: State) -> (StateId, NodeId) {
        let found = self.states.iter().position(|s| s.name == state.name);
        let ty = TensorType::float(state.shape.clone());
        let id = found.unwrap_or_else(|| {
            self.states.push(state);
            self.states.len() - 1
        });
        let id = StateId(id as u32);
        (id, self.leaf(Leaf::State(id), ty))
    }

    /// Says what a state becomes after each step. A second update of the same state replaces the first.
    pub fn update(&mut self, state: StateId, value: NodeId) {
        match self.updates.iter_mut().find(|u| u.state == state) {
            Some(update) => update.value = value,
            None => self.updates.push(Update { state, value }),
        }
    }

    /// The rows that enter a state in a step, if it is a queue: what it becomes is rows it held, and these behind them.
    pub fn entering(&self, state: StateId) -> Option<NodeId> {
        let update = self.node(self.updates.iter().find(|u| u.state == state)?.value);
        update.is(&CONCAT).then(|| update.inputs.last().copied())?
    }

    /// The value a state has so far in this step: after the updates already said, or as it stood before.
    pub fn state_so_far(&self, state: StateId, read: NodeId) -> NodeId {
        self.updates.iter().find(|u| u.state == state).map_or(read, |u| u.value)
    }

    /// A scalar that follows a schedule.
    pub fn scheduled(&mut self, schedule: Schedule) -> NodeId {
        let found = self.scalars.iter().position(|s| s.schedule == schedule);
        let id = found.unwrap_or_else(|| {
            self.scalars.push(Scalar { schedule });
            self.scalars.len() - 1
        });
        self.leaf(Leaf::Scalar(ScalarId(id as u32)), TensorType::float(Shape::scalar()))
    }
}

/// Sizes can be worked with while their product has few summands.
fn manageable(dims: &[Dim]) -> Result<(), ShapeError> {
    let summands = dims.iter().fold(1usize, |product, d| product.saturating_mul(d.summands()));
    let degree = dims.iter().fold(0usize, |sum, d| sum.saturating_add(d.degree()));
    if summands <= MAX_SUMMANDS && degree <= MAX_DEGREE {
        return Ok(());
    }
    Err(ShapeError::too_large(format!(
        "this size is a product of {degree} sizes in {summands} summands; the most are {MAX_DEGREE} in {MAX_SUMMANDS}"
    )))
}
