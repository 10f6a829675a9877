//! Reverse-mode differentiation on the graph: gradients are nodes like any other.

use super::narrow::narrow;
use super::recompute::Values;
use super::{Program, Wishes};
use crate::graph::{Backward, GradRule, Graph, Leaf, NodeId, NodeKind, ParamId, ShapeError};
use std::collections::BTreeSet;

impl Program {
    /// A program that computes `terms`, the scalar `loss` and its gradients by every trained parameter it depends on and by
    /// the inputs of the given names. Nothing is added for what needs no gradient.
    pub fn training(
        graph: Graph,
        terms: &[NodeId],
        loss: NodeId,
        inputs: &[&str],
        wishes: Wishes,
    ) -> Result<Program, ShapeError> {
        if graph.shape(loss).rank() != 0 {
            return Err(ShapeError::new(format!("the loss must be a scalar, it has the shape {}", graph.shape(loss)))
                .help("`mean` or `sum` reduce a tensor to a scalar"));
        }
        let results: Vec<NodeId> = terms.iter().copied().chain([loss]).collect();
        let (mut graph, results) = narrow(&graph, &results);
        let (loss, terms) = (results[terms.len()], &results[..terms.len()]);
        let leaves = Leaves::of(&graph, inputs);
        let wanted = leaves.wanted(graph.len());
        let grads = backward(&mut graph, loss, &wanted, wishes.recompute)?;
        let by_param = leaves.params.iter().filter_map(|(id, node)| Some((*id, grads[node.index()]?))).collect();
        let mut input_grads = Vec::new();
        for (name, node) in leaves.inputs {
            let grad = match grads[node.index()] {
                Some(grad) => grad,
                None => graph.zeros_like(node)?,
            };
            input_grads.push((name, grad));
        }
        let outputs = terms.to_vec();
        Ok(Program { loss: Some(loss), outputs, grads: by_param, input_grads, wishes, ..Program::of(graph) })
    }
}

/// The nodes by which the loss is differentiated.
struct Leaves {
    params: Vec<(ParamId, NodeId)>,
    inputs: Vec<(String, NodeId)>,
}

impl Leaves {
    fn of(graph: &Graph, names: &[&str]) -> Leaves {
        let mut leaves = Leaves { params: Vec::new(), inputs: Vec::new() };
        for (node, it) in graph.nodes() {
            match it.leaf() {
                Some(Leaf::Parameter(id)) if graph.params[id.index()].ema.is_none() => leaves.params.push((*id, node)),
                Some(Leaf::Input(id)) if names.contains(&graph.inputs[id.index()].name.as_str()) => {
                    leaves.inputs.push((graph.inputs[id.index()].name.clone(), node));
                }
                _ => {}
            }
        }
        leaves.params.sort_unstable();
        leaves
    }

    fn wanted(&self, nodes: usize) -> Vec<bool> {
        let mut wanted = vec![false; nodes];
        self.params.iter().for_each(|(_, n)| wanted[n.index()] = true);
        self.inputs.iter().for_each(|(_, n)| wanted[n.index()] = true);
        wanted
    }
}

/// Adds the gradient of `loss` by every node between it and a wanted leaf; the gradients by node.
fn backward(
    graph: &mut Graph,
    loss: NodeId,
    wanted: &[bool],
    recompute: bool,
) -> Result<Vec<Option<NodeId>>, ShapeError> {
    let needs = depends(graph, wanted);
    let mut grads: Vec<Option<NodeId>> = vec![None; graph.len()];
    if needs[loss.index()] {
        grads[loss.index()] = Some(graph.constant(1.0));
    }
    let mut values = Values::new(graph, loss, recompute);
    for i in (0..=loss.index()).rev() {
        let Some(grad) = grads[i] else { continue };
        let output = NodeId(i as u32);
        let node = graph.node(output).clone();
        values.at(graph, output);
        let NodeKind::Computed(op, attrs) = &node.kind else { continue };
        let GradRule::Rule(rule) = op.grad else { continue };
        let wants: Vec<bool> = node.inputs.iter().map(|n| needs[n.index()]).collect();
        let inputs: Vec<NodeId> = node.inputs.iter().map(|&input| values.of(graph, input)).collect();
        let output = values.of(graph, output);
        graph.at(node.span, |graph| {
            let parts = rule(&mut Backward { graph, attrs, inputs: &inputs, output, grad, needs: &wants })?;
            for ((&input, part), want) in node.inputs.iter().zip(parts).zip(wants) {
                if let (Some(part), true) = (part, want) {
                    debug_assert_eq!(graph.shape(part), graph.shape(input), "the gradient of {op}");
                    grads[input.index()] = Some(match grads[input.index()] {
                        Some(sum) => graph.add(sum, part)?,
                        None => part,
                    });
                }
            }
            Ok(())
        })?;
    }
    Ok(grads)
}

/// Which nodes a gradient may flow through to a wanted leaf.
fn depends(graph: &Graph, wanted: &[bool]) -> Vec<bool> {
    let mut depends = wanted.to_vec();
    for (id, node) in graph.nodes() {
        if node.passes_gradient() {
            depends[id.index()] |= node.inputs.iter().any(|i| depends[i.index()]);
        }
    }
    depends
}

/// The parameters to which a gradient flows from a node, averaged ones included.
pub fn reaches(graph: &Graph, from: NodeId) -> BTreeSet<ParamId> {
    let mut seen = vec![false; graph.len()];
    let mut open = vec![from];
    let mut found = BTreeSet::new();
    while let Some(id) = open.pop() {
        if std::mem::replace(&mut seen[id.index()], true) {
            continue;
        }
        let node = graph.node(id);
        found.extend(node.parameter());
        if node.passes_gradient() {
            open.extend(&node.inputs);
        }
    }
    found
}
