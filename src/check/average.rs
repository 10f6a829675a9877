//! What the stages of a branch with weights of its own read besides these: another branch's, or a `weight` of the recipe. An average, a
//! copy and a branch with weights of a file have that of them, too, and never what is being trained.

use super::branches::{BranchInfo, Derived};
use super::checker::{Checked, Checker, Failed};
use super::frozen::Origin;
use super::module::Tapped;
use crate::diag::{Code, Diagnostic};
use crate::graph::{Graph, NodeId, ParamKind, Parameter};
use crate::nn::{Build, Owner};
use crate::source::Span;
use std::collections::{BTreeMap, BTreeSet};

impl Checker<'_> {
    /// Does something as within a stage of a branch.
    pub(super) fn averaging<T>(&mut self, owner: usize, work: impl FnOnce(&mut Self) -> T) -> T {
        let info = &self.branches.all[owner];
        let average = info.derived.is_some().then(|| info.within.unwrap_or(owner));
        let outer = std::mem::replace(&mut self.averaging, average);
        let result = work(self);
        self.averaging = outer;
        result
    }

    /// The branch that stands for another one where a stage of an average, a copy or a frozen branch applies it.
    pub(super) fn counterpart(&mut self, branch: usize) -> usize {
        let other = self.branches.owner(branch);
        match self.averaging {
            Some(average) if self.branches.all[other].derived.is_none() => self.of_average(average, other),
            _ => branch,
        }
    }

    /// The branch that has of another one what an average has of its own: found by `average/other`, or declared now.
    fn of_average(&mut self, average: usize, other: usize) -> usize {
        if self.branches.root(average) == other {
            return average;
        }
        let name = format!("{}/{}", self.branches.name(average), self.branches.name(other));
        if let Some(known) = self.branches.find(&name) {
            return known;
        }
        let derived = match self.branches.all[average].derived.clone() {
            Some(Derived::Ema { decay, before, .. }) => Derived::Ema { of: other, decay, before },
            Some(Derived::Snapshot { of, every }) => {
                let trained = self.branches.all[of].derived.is_none();
                Derived::Snapshot { of: if trained { other } else { self.of_average(of, other) }, every }
            }
            Some(Derived::Frozen(Origin::File { path, norm, .. })) => {
                Derived::Frozen(Origin::File { of: other, path, norm })
            }
            Some(Derived::Stopgrad { .. } | Derived::Frozen(Origin::Recipe { .. })) | None => return other,
        };
        let (span, within) = (self.branches.all[average].span, Some(average));
        let derived = Some(derived);
        self.branches.all.push(BranchInfo {
            name,
            span,
            stages: Vec::new(),
            derived,
            within,
            settled: true,
            failed: false,
        });
        self.branches.all.len() - 1
    }

    /// The result of a stage, applied to the values `given`, with each `weight` it reads as the branch has it, if it has weights of its own.
    pub(super) fn with_own_weights(&mut self, made: Tapped, given: &[NodeId], at: Span) -> Checked<Tapped> {
        let Some(owner) = self.averaging else { return Ok(made) };
        let name = self.branches.weights_name(owner);
        let (node, taps) = made;
        let ends: Vec<NodeId> = taps.iter().map(|(_, tap)| *tap).chain([node]).collect();
        let read = reads(&self.graph, &ends, given);
        let mut replaced: BTreeMap<NodeId, NodeId> = BTreeMap::new();
        for id in &read {
            let Some(param) = self.graph.parameter_read(*id) else { continue };
            if !self.is_live(&self.graph.params[param.index()], &name) {
                continue;
            }
            let Parameter { name: of, kind, shape, init, .. } = self.graph.params[param.index()].clone();
            if kind != ParamKind::Free {
                return Err(self.reads_trained(owner, &of, at));
            }
            let ema = if self.branches.apart { None } else { self.branches.follows(owner) };
            let (mode, owner, copy) = (self.mode, Owner { ema, span: Some(at) }, format!("{name}/{of}"));
            let copy = self.built(at, |graph| Build::new(graph, "", mode, owner).weight(&copy, &shape, init, kind))?;
            replaced.insert(*id, copy);
        }
        if replaced.is_empty() {
            return Ok((node, taps));
        }
        for id in read {
            let node = self.graph.node(id).clone();
            if node.inputs.iter().any(|input| replaced.contains_key(input)) {
                let inputs = node.inputs.iter().map(|input| replaced.get(input).copied().unwrap_or(*input)).collect();
                replaced.insert(id, self.graph.copy(&node, inputs));
            }
        }
        let now = |id: NodeId| replaced.get(&id).copied().unwrap_or(id);
        Ok((now(node), taps.into_iter().map(|(name, tap)| (name, now(tap))).collect()))
    }

    /// Whether a parameter is trained, and not one of the branch of that name.
    fn is_live(&self, parameter: &Parameter, own: &str) -> bool {
        let own = parameter.name.strip_prefix(own).is_some_and(|rest| rest.starts_with(['.', '/']));
        let of = |branch: &usize| {
            let rest = parameter.name.strip_prefix(&self.branches.weights_name(*branch));
            rest.is_some_and(|rest| rest.starts_with(['.', '/']))
        };
        let derived = |branch: &usize| self.branches.all[*branch].derived.is_some();
        !own && parameter.ema.is_none() && !(0..self.branches.all.len()).filter(derived).any(|branch| of(&branch))
    }

    fn reads_trained(&mut self, owner: usize, weight: &str, at: Span) -> Failed {
        let branch = self.branches.name(owner);
        let message =
            format!("`{branch}` has weights of its own, but this stage reads `{weight}`, which is being trained");
        let help = "it belongs to a value that is computed outside of the stage: apply that branch inside the stage, to the input of the stage";
        self.report(Diagnostic::error(Code::UNSUPPORTED, at, message).help(help))
    }
}

/// The nodes that some are computed from, as far as the values `given`, in topological order.
fn reads(graph: &Graph, ends: &[NodeId], given: &[NodeId]) -> BTreeSet<NodeId> {
    let mut found = BTreeSet::new();
    let mut open = ends.to_vec();
    while let Some(id) = open.pop() {
        if !given.contains(&id) && found.insert(id) {
            open.extend(&graph.node(id).inputs);
        }
    }
    found
}
