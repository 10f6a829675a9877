//! What is known of the branches of a recipe: their stages, and from what they are derived.

use super::frozen::Origin;
use super::module::Tapped;
use super::recipe::Derivation;
use crate::catalog::Schedule;
use crate::graph::NodeId;
use crate::nn::EmaOf;
use crate::source::Span;
use crate::syntax::ast::Stage;
use std::collections::BTreeMap;

/// All branches in order of declaration.
#[derive(Debug, Default)]
pub(super) struct Branches {
    pub all: Vec<BranchInfo>,
    /// Stages that have been applied: (owner, stage, input of the branch and its mask) to result.
    pub outputs: BTreeMap<(usize, usize, NodeId, Option<NodeId>), Tapped>,
    /// The results and taps of every stage that has been applied.
    pub embeddings: Vec<NodeId>,
    /// Which views each branch is applied to, in order of the first time.
    pub applied_to: BTreeMap<usize, Vec<usize>>,
    /// With `views: together`: what `applied_to` was after a first pass.
    pub together: Option<BTreeMap<usize, Vec<usize>>>,
    /// Whether derived branches are trained by themselves, as when a copy of an encoder is tuned: none follows another,
    /// and gradients pass.
    pub apart: bool,
    /// In an imported recipe: the branch that is frozen, and what it is called where it is imported.
    pub scope: Option<(usize, String)>,
}

/// A branch and where it comes from.
#[derive(Debug)]
pub(super) struct BranchInfo {
    pub name: String,
    pub span: Span,
    /// Its stages as declared; none where they are those of another branch.
    pub stages: Vec<Stage>,
    pub derived: Option<Derived>,
    /// The average, copy or frozen branch whose stages apply it, if it was declared for that.
    pub within: Option<usize>,
    /// Whether it is known what it is: stages of its own, or from what it is derived.
    pub settled: bool,
    /// Whether that could not be settled, which has been reported.
    pub failed: bool,
}

/// What a branch is derived from.
#[derive(Clone, Debug)]
pub(super) enum Derived {
    Ema { of: usize, decay: Schedule, before: bool },
    Snapshot { of: usize, every: f64 },
    Stopgrad { of: usize },
    Frozen(Origin),
}

impl Branches {
    pub fn find(&self, name: &str) -> Option<usize> {
        self.all.iter().position(|b| b.name == name)
    }

    pub fn name(&self, branch: usize) -> &str {
        &self.all[branch].name
    }

    /// The branch whose stages this one has.
    pub fn root(&self, branch: usize) -> usize {
        match self.all[branch].derived {
            Some(Derived::Ema { of, .. } | Derived::Snapshot { of, .. } | Derived::Stopgrad { of }) => self.root(of),
            Some(Derived::Frozen(Origin::File { of, .. })) => self.root(of),
            Some(Derived::Frozen(Origin::Recipe { .. })) | None => branch,
        }
    }

    /// The branch whose weights this one has.
    pub fn owner(&self, branch: usize) -> usize {
        match self.all[branch].derived {
            Some(Derived::Stopgrad { of }) => self.owner(of),
            _ => branch,
        }
    }

    /// Whose weights those of a branch follow, and how.
    pub fn follows(&self, branch: usize) -> Option<EmaOf> {
        let info = &self.all[branch];
        let (of, decay, before, every) = match &info.derived {
            Some(Derived::Ema { of, decay, before }) => (*of, decay.clone(), *before, None),
            Some(Derived::Snapshot { of, every }) => (*of, Schedule::constant(0.0), true, Some(*every)),
            _ => return None,
        };
        let (copy, source) = (self.weights_name(branch), self.weights_name(of));
        Some(EmaOf { copy, source, decay, before, every, then: self.follows(of).map(Box::new) })
    }

    /// What the paths of a branch's weights begin with.
    pub fn weights_name(&self, branch: usize) -> String {
        match &self.scope {
            Some((frozen, name)) if *frozen == branch => name.clone(),
            Some((_, name)) => format!("{name}/{}", self.name(branch)),
            None => self.name(branch).to_owned(),
        }
    }

    /// What a weight of the recipe itself is called.
    pub fn shared_name(&self, weight: &str) -> String {
        self.scope.as_ref().map_or_else(|| weight.to_owned(), |(_, name)| format!("{name}/{weight}"))
    }

    pub fn stage(&self, branch: usize, name: &str) -> Option<usize> {
        self.all[self.root(branch)].stages.iter().position(|s| s.name.text == name)
    }

    pub fn stages(&self, branch: usize) -> Vec<String> {
        self.all[self.root(branch)].stages.iter().map(|s| s.name.text.clone()).collect()
    }

    /// `branch.stage`, by the branch that declares the stage.
    pub fn path(&self, branch: usize, stage: usize) -> String {
        let root = &self.all[self.root(branch)];
        format!("{}.{}", root.name, root.stages[stage].name.text)
    }

    /// Every stage as `branch.stage` with its place.
    pub fn declared_stages(&self) -> Vec<(String, Span)> {
        let stages = |b: &BranchInfo| -> Vec<(String, Span)> {
            b.stages.iter().map(|s| (format!("{}.{}", b.name, s.name.text), s.name.span)).collect()
        };
        self.all.iter().flat_map(stages).collect()
    }

    /// The first branch that is not derived.
    pub fn first_own(&self) -> Option<usize> {
        self.all.iter().position(|b| b.settled && b.derived.is_none())
    }

    /// What reports say of each branch.
    pub fn summary(&self) -> Vec<super::recipe::Branch> {
        let derived = |b: &BranchInfo| match &b.derived {
            Some(Derived::Ema { of, .. }) => Some(Derivation::Ema(self.name(*of).to_owned())),
            Some(Derived::Snapshot { of, .. }) => Some(Derivation::Snapshot(self.name(*of).to_owned())),
            Some(Derived::Stopgrad { of }) => Some(Derivation::StopGradient(self.name(*of).to_owned())),
            Some(Derived::Frozen(Origin::File { path, .. })) => Some(Derivation::Frozen(path.display().to_string())),
            Some(Derived::Frozen(Origin::Recipe { theirs, .. })) => Some(Derivation::Frozen(theirs.clone())),
            None => None,
        };
        let written = self.all.iter().enumerate().filter(|(_, b)| b.within.is_none());
        written
            .map(|(i, b)| super::recipe::Branch {
                name: b.name.clone(),
                stages: self.stages(i),
                derived: derived(b),
                span: b.span,
            })
            .collect()
    }
}
