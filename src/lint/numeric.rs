//! Numeric traps: divisions by what can be 0, logarithms and roots at the edge of where they are defined.

use super::flow::ancestors;
use super::range::ranges;
use crate::catalog::Schedule;
use crate::check::Recipe;
use crate::diag::{Code, Diagnostic};
use crate::graph::{Graph, Leaf, Node, NodeId, Operation, Range, Undefined, ValueKind, Zero};
use std::collections::BTreeSet;

/// A warning for every trap in what the loss is computed from, each place once.
pub(super) fn judge(recipe: &Recipe) -> Vec<Diagnostic> {
    let eye = Eye::of(recipe);
    let mut found: Vec<(NodeId, Diagnostic)> = Vec::new();
    let mut places = BTreeSet::new();
    // From the term down, so that a trap explains those it is made of.
    for &id in eye.live.iter().rev() {
        let node = recipe.graph.node(id);
        let explained = found.iter().any(|(outer, _)| recipe.graph.node(*outer).inputs.contains(&id));
        let trap = match undefined(node) {
            Undefined::Nowhere => None,
            _ if eye.hidden.contains(&id) => eye.gradient.contains(&id).then_some(HIDDEN),
            Undefined::AtZero(divisor) => eye.division(node.inputs[divisor]),
            Undefined::UpToZero => eye.logarithm(node),
            Undefined::BelowZero if explained => None,
            Undefined::BelowZero => eye.root(id, node),
        };
        if let (Some(trap), Some(span)) = (trap, node.span)
            && places.insert((span, trap.message))
        {
            found.push((id, Diagnostic::warning(Code::NUMERIC_TRAP, span, trap.message).help(trap.help)));
        }
    }
    found.into_iter().map(|(_, diagnostic)| diagnostic).collect()
}

/// Where a node is not defined.
fn undefined(node: &Node) -> Undefined {
    node.op().map_or(Undefined::Nowhere, |op| op.values.undefined)
}

/// What can go wrong, and what to write instead.
struct Trap {
    message: &'static str,
    help: &'static str,
}

/// A value that a choice leaves out where it is not defined.
const HIDDEN: Trap = Trap {
    message: "`where` leaves this value out where it is not defined, but not its gradient, which is no number there",
    help: "choose what goes in, too, as in `where(z > 0, sqrt(where(z > 0, z, 1)), 0)`",
};

/// What is known of the nodes that the loss is computed from.
struct Eye<'a> {
    graph: &'a Graph,
    ranges: Vec<Range>,
    /// Every node the loss is computed from.
    live: BTreeSet<NodeId>,
    /// Those of them that gradients pass.
    gradient: BTreeSet<NodeId>,
    /// Those whose values a choice leaves out by what they are computed from.
    hidden: BTreeSet<NodeId>,
}

impl<'a> Eye<'a> {
    fn of(recipe: &'a Recipe) -> Eye<'a> {
        let graph = &recipe.graph;
        let terms = || recipe.loss.terms.iter().map(|t| t.node);
        let live = terms().flat_map(|t| ancestors(graph, t)).collect();
        let (ranges, gradient) = (ranges(graph), on_gradient(graph, terms()));
        let mut eye = Eye { graph, ranges, live, gradient, hidden: BTreeSet::new() };
        let choices = eye.live.iter().filter(|id| graph.is_of_kind(**id, ValueKind::Chosen));
        eye.hidden = choices.flat_map(|id| eye.hidden_by(graph.node(*id))).collect();
        eye
    }

    /// What a choice leaves out by comparing what it is computed from, and what has no finite gradient there.
    fn hidden_by(&self, choice: &Node) -> Vec<NodeId> {
        let compared = &self.graph.node(choice.inputs[0]).inputs;
        let mut found = Vec::new();
        let mut open = choice.inputs[1..].to_vec();
        while let Some(id) = open.pop() {
            let node = self.graph.node(id);
            let given = match undefined(node) {
                Undefined::AtZero(divisor) => node.inputs[divisor],
                Undefined::UpToZero | Undefined::BelowZero => node.inputs[0],
                Undefined::Nowhere => {
                    // On the way to what is left out there is only what works element by element.
                    let by_element = |op: &Operation| op.in_place || op.values.zero == Zero::AsFirst;
                    open.extend(node.inputs.iter().filter(|_| node.op().is_some_and(by_element)));
                    continue;
                }
            };
            let range = self.ranges[given.index()];
            let undefined = range.zero || undefined(node) == Undefined::BelowZero && range.low < 0.0;
            let peeled = self.peeled(given);
            if undefined && (compared.contains(&given) || compared.contains(&peeled)) {
                found.push(id);
            }
        }
        found
    }

    fn division(&self, by: NodeId) -> Option<Trap> {
        let range = self.ranges[by.index()];
        if !range.zero {
            return None;
        }
        if self.graph.constant_value(by) == Some(0.0) {
            return Some(Trap { message: "this divides by 0", help: "give it another value" });
        }
        let leaves = self.leaves(by);
        let known =
            |n: &&Node| matches!(n.leaf(), Some(Leaf::Constant { .. } | Leaf::Dimension { .. } | Leaf::Scalar(_)));
        if leaves.iter().all(known) {
            let schedules = leaves.iter().filter_map(|n| Some(&self.graph.scalars[n.scalar()?.index()].schedule));
            return schedules.filter(|s| Range::of_schedule(s).zero).map(reaches_zero).next();
        }
        (range.low >= 0.0 && self.varies(by)).then_some(Trap {
            message: "this divides by something that can be exactly 0",
            help: "add a small number below the line, as in `x / (y + 1e-6)`; `normalize(x)` scales vectors to length 1 safely",
        })
    }

    fn logarithm(&self, node: &Node) -> Option<Trap> {
        let x = node.inputs[0];
        let range = self.ranges[x.index()];
        let inner = self.peeled(x);
        if range.high <= 0.0 {
            return Some(Trap {
                message: "this takes the logarithm of something that is never above 0",
                help: "a logarithm is defined above 0: look at the sign of its argument",
            });
        }
        if !self.varies(x) {
            return None;
        }
        if range.both {
            return Some(Trap {
                message: "this takes the logarithm of something that can be negative",
                help: "keep it above 0, as in `log(softplus(x))` or `log(clamp(x, min: 1e-6))`",
            });
        }
        if self.graph.is_of_kind(inner, ValueKind::Probabilities) {
            return Some(Trap {
                message: "the logarithm of a softmax is minus infinity where a probability underflows",
                help: "write `log_softmax(x)`, which never underflows",
            });
        }
        let difference = self.graph.node(inner).op().is_some_and(|op| op.values.zero == Zero::Difference);
        if difference && range.low <= 0.0 {
            return Some(Trap {
                message: "the logarithm of a difference is not defined where the difference is not above 0",
                help: "keep it above 0, as in `log(clamp(a - b, min: 1e-6))`; for log(1 - sigmoid(x)) write `-softplus(x)`",
            });
        }
        (range.low >= 0.0 && range.zero).then_some(Trap {
            message: "this takes the logarithm of something that can be exactly 0",
            help: "add a small number first, as in `log(x + 1e-6)`",
        })
    }

    fn root(&self, id: NodeId, node: &Node) -> Option<Trap> {
        let x = node.inputs[0];
        let range = self.ranges[x.index()];
        if range.high < 0.0 || range.both {
            return Some(Trap {
                message: "this takes the root of something that can be negative",
                help: "keep it above 0, as in `sqrt(relu(x) + 1e-6)`",
            });
        }
        let trap = self.gradient.contains(&id) && range.low >= 0.0 && range.zero && self.varies(x);
        trap.then_some(Trap {
            message: "the gradient of this root is infinite where its argument is 0",
            help: "add a small number under the root, as in `sqrt(var(z, dim: 0) + 1e-4)`",
        })
    }

    /// Without the operations that do not change the sign of a value: what moves it about, and factors above 0.
    fn peeled(&self, x: NodeId) -> NodeId {
        let mut x = self.graph.unmoved(x);
        loop {
            let node = self.graph.node(x);
            let product = node.op().is_some_and(|op| op.values.zero == Zero::Product && op.in_place);
            if !product || self.graph.constant_value(node.inputs[1]).is_none_or(|c| c <= 0.0) {
                return x;
            }
            x = self.graph.unmoved(node.inputs[0]);
        }
    }

    fn leaves(&self, id: NodeId) -> Vec<&'a Node> {
        let all = ancestors(self.graph, id).into_iter().map(|id| self.graph.node(id));
        all.filter(|n| n.inputs.is_empty()).collect()
    }

    fn varies(&self, id: NodeId) -> bool {
        let vary = |n: &&Node| matches!(n.leaf(), Some(Leaf::Parameter(_) | Leaf::Input(_) | Leaf::State(_)));
        self.leaves(id).iter().any(vary)
    }
}

/// The nodes that gradients of the terms pass on their way to trained weights or given inputs.
fn on_gradient(graph: &Graph, terms: impl Iterator<Item = NodeId>) -> BTreeSet<NodeId> {
    let mut found = BTreeSet::new();
    let mut open: Vec<NodeId> = terms.collect();
    while let Some(id) = open.pop() {
        let node = graph.node(id);
        if node.passes_gradient() && found.insert(id) {
            open.extend(&node.inputs);
        }
    }
    found
}

/// When a schedule that is divided by is 0.
fn reaches_zero(schedule: &Schedule) -> Trap {
    let message = if schedule.warmup > 0.0 && schedule.warmup_from == 0.0 {
        "this divides by a schedule whose warm-up starts at 0"
    } else if schedule.from == 0.0 {
        "this divides by a schedule that starts at 0"
    } else if schedule.to == 0.0 {
        "this divides by a schedule that reaches 0 at its end"
    } else {
        "this divides by a schedule that passes through 0"
    };
    Trap { message, help: "let it start and end above 0; a warm-up takes its first value as `warmup_from`" }
}
