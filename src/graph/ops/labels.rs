//! Labels: whole numbers that each name one of several classes.

use super::samples;
use crate::graph::ops::{bounds, create, index, movement, reduce, select};
use crate::graph::{
    Attrs, Cost, Dim, GradRule, Graph, InputKind, Leaf, Node, NodeId, NodeKind, Operation, ShapeError, StateId,
    TensorType, ValueKind, Values,
};

/// Every operation of this family.
pub const OPERATIONS: &[&Operation] = &[&CLASS_LABEL];

/// `labels -> labels`, each a whole number from 0 up to but without `classes[0]`; any other is an error when it is computed.
pub static CLASS_LABEL: Operation = Operation {
    name: "class_label",
    infer: |_, inputs| Ok(TensorType::int(inputs[0].shape.clone())),
    grad: GradRule::Stops,
    cost: Cost::Free,
    samples: samples::each,
    values: Values::MOVED.bounds(bounds::from_zero),
    in_place: false,
};

impl Graph {
    /// Labels that are sure to be numbers of `classes`: what cannot be known before is seen to when it is computed.
    pub fn class_label(&mut self, labels: NodeId, classes: &Dim) -> Result<NodeId, ShapeError> {
        match self.classes_of(labels) {
            Some(known) if covers(classes, &known) => Ok(labels),
            Some(known) if covers(&known, classes) && known != *classes => {
                Err(ShapeError::new(format!("the labels number {known} classes, but there are {classes} here"))
                    .help("let both be of the same number of classes"))
            }
            _ => self.apply(&CLASS_LABEL, Attrs::new().dims("classes", std::slice::from_ref(classes)), &[labels]),
        }
    }

    /// Below which number the whole numbers of a node are known to lie, from 0 on.
    pub fn classes_of(&self, id: NodeId) -> Option<Dim> {
        let node = self.node(id);
        let input = |i: usize| self.classes_of(*node.inputs.get(i)?);
        let (op, attrs) = match &node.kind {
            NodeKind::Leaf(leaf) => return self.classes_of_leaf(leaf),
            NodeKind::Computed(op, attrs) => (*op, attrs),
        };
        if op == &create::ARANGE {
            return attrs.get_dims("length").first().cloned();
        }
        if op == &reduce::ARGMAX || op == &index::ARGSORT {
            return self.shape(node.inputs[0]).0.get(attrs.get_usize("axis")).cloned();
        }
        if op == &CLASS_LABEL {
            return attrs.get_dims("classes").first().cloned();
        }
        if op == &movement::CONCAT {
            return (0..node.inputs.len()).map(input).reduce(|a, b| larger(a?, b?)).flatten();
        }
        if op == &select::SELECT {
            return larger(input(1)?, input(2)?);
        }
        if op.values.kind == ValueKind::Moved { input(0) } else { self.classes_of_sum(node) }
    }

    /// Of a number that is known before anything is computed, and of what is given.
    fn classes_of_leaf(&self, leaf: &Leaf) -> Option<Dim> {
        match leaf {
            Leaf::Input(id) => match self.inputs[id.index()].kind {
                InputKind::Index | InputKind::Rows => Some(Dim::samples()),
                InputKind::Column { below, .. } => below.map(Dim::from),
                InputKind::View(_)
                | InputKind::Mask(..)
                | InputKind::Label
                | InputKind::Table(_)
                | InputKind::Given => None,
            },
            Leaf::State(id) => self.classes_of_state(*id),
            Leaf::Dimension { size, .. } => Some(size + &Dim::from(1i64)),
            Leaf::Constant { value, .. } => {
                let whole = value.0 >= 0.0 && value.0.fract() == 0.0 && value.0 < 9e15;
                whole.then(|| Dim::from(value.0 as i64 + 1))
            }
            Leaf::Parameter(_) | Leaf::Scalar(_) => None,
        }
    }

    /// Of a state that is recomputed now and then.
    fn classes_of_state(&self, state: StateId) -> Option<Dim> {
        let refresh = self.refreshes.iter().find(|r| r.state == state)?;
        self.classes_of(refresh.value)
    }

    /// Of a sum or product of such: the largest of it, and one more.
    fn classes_of_sum(&self, node: &Node) -> Option<Dim> {
        let one = Dim::from(1i64);
        let largest = |i: usize| Some(&self.classes_of(node.inputs[i])? - &one);
        if node.is(&super::binary::ADD) {
            return Some(&(&largest(0)? + &largest(1)?) + &one);
        }
        node.is(&super::binary::MUL).then_some(())?;
        Some(&(&largest(0)? * &largest(1)?) + &one)
    }

    /// Whether a node is labels of the data set itself, moved about at most.
    pub fn is_label_of_data(&self, id: NodeId) -> bool {
        let node = self.node(id);
        match &node.kind {
            NodeKind::Leaf(_) => node.input().is_some_and(|id| self.inputs[id.index()].kind == InputKind::Label),
            NodeKind::Computed(op, _) => {
                let moved = op.values.kind == ValueKind::Moved && *op != &CLASS_LABEL;
                // What chooses among the elements is no label for that.
                let sources = if *op == &movement::CONCAT { &node.inputs[..] } else { &node.inputs[..1] };
                moved && sources.iter().any(|i| self.is_label_of_data(*i))
            }
        }
    }
}

impl Graph {
    /// The first place at which labels of the data set are held to fewer classes than it has, and to how many.
    pub fn too_few_classes(&self, classes: usize) -> Option<(NodeId, i64)> {
        let held = self.nodes().filter(|(_, n)| n.is(&CLASS_LABEL) && self.is_label_of_data(n.inputs[0]));
        let room = held.filter_map(|(id, n)| Some((id, n.attrs().get_dim("classes").constant()?)));
        room.into_iter().find(|(_, room)| *room < classes as i64)
    }
}

/// Whether `a` is at least `b`, whatever the sizes are.
fn covers(a: &Dim, b: &Dim) -> bool {
    (a - b).is_never_negative()
}

fn larger(a: Dim, b: Dim) -> Option<Dim> {
    if covers(&a, &b) { Some(a) } else { covers(&b, &a).then_some(b) }
}
