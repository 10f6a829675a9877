//! Branches: chains of stages, those derived from others, and what they return when they are applied.

use super::checker::{Checked, Checker};
use super::masks::Place;
use super::module::{Fed, Module, Tapped};
use super::scope::{Env, Home};
use super::value::Value;
use crate::catalog::Schedule;
use crate::diag::Code;
use crate::graph::{Dim, NodeId};
use crate::nn::{EmaOf, Owner};
use crate::source::Span;
use crate::syntax::ast::{Expr, ExprKind, Stage};
use std::collections::BTreeMap;
use std::rc::Rc;

/// All branches in order of declaration.
#[derive(Debug, Default)]
pub(super) struct Branches {
    pub all: Vec<BranchInfo>,
    /// Stages that have been applied: (owner, stage, input of the branch and its mask) to result.
    outputs: BTreeMap<(usize, usize, NodeId, Option<NodeId>), Tapped>,
    /// The results and taps of every stage that has been applied.
    pub embeddings: Vec<NodeId>,
    /// Which views each branch is applied to, in order of the first time.
    pub applied_to: BTreeMap<usize, Vec<usize>>,
    /// With `views: together`: what `applied_to` was after a first pass.
    pub together: Option<BTreeMap<usize, Vec<usize>>>,
    /// Whether derived branches are trained by themselves, as when a copy of an encoder is tuned: none follows another,
    /// and gradients pass.
    pub apart: bool,
}

/// A branch and where it comes from.
#[derive(Debug)]
pub(super) struct BranchInfo {
    pub name: String,
    pub span: Span,
    pub stages: Vec<StageInfo>,
    pub derived: Option<Derived>,
}

/// A stage as declared.
#[derive(Debug)]
pub(super) struct StageInfo {
    pub source: Stage,
    /// The module, once it has been worked out.
    pub module: Option<Rc<Module>>,
}

/// What a branch is derived from.
#[derive(Clone, Debug)]
pub(super) enum Derived {
    Ema { of: usize, decay: Schedule, before: bool },
    Snapshot { of: usize, every: f64 },
    Stopgrad { of: usize },
}

/// A branch applied to something; stages are worked out when they are asked for.
#[derive(Debug)]
pub(super) struct Applied {
    /// The branch.
    pub branch: usize,
    input: Fed,
    /// Where this view's rows lie in a batch of several views that go through together.
    part: Option<usize>,
}

impl Branches {
    pub fn find(&self, name: &str) -> Option<usize> {
        self.all.iter().position(|b| b.name == name)
    }

    pub fn name(&self, branch: usize) -> &str {
        &self.all[branch].name
    }

    /// The branch whose stages this one has.
    fn root(&self, branch: usize) -> usize {
        match self.all[branch].derived {
            Some(Derived::Ema { of, .. } | Derived::Snapshot { of, .. } | Derived::Stopgrad { of }) => self.root(of),
            None => branch,
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
    fn follows(&self, branch: usize) -> Option<EmaOf> {
        let info = &self.all[branch];
        let (of, decay, before, every) = match &info.derived {
            Some(Derived::Ema { of, decay, before }) => (*of, decay.clone(), *before, None),
            Some(Derived::Snapshot { of, every }) => (*of, Schedule::constant(0.0), true, Some(*every)),
            _ => return None,
        };
        let (copy, source) = (info.name.clone(), self.name(of).to_owned());
        Some(EmaOf { copy, source, decay, before, every, then: self.follows(of).map(Box::new) })
    }

    pub fn stage(&self, branch: usize, name: &str) -> Option<usize> {
        self.all[self.root(branch)].stages.iter().position(|s| s.source.name.text == name)
    }

    pub fn stages(&self, branch: usize) -> Vec<String> {
        self.all[self.root(branch)].stages.iter().map(|s| s.source.name.text.clone()).collect()
    }

    /// `branch.stage`, by the branch that declares the stage.
    pub fn path(&self, branch: usize, stage: usize) -> String {
        let root = &self.all[self.root(branch)];
        format!("{}.{}", root.name, root.stages[stage].source.name.text)
    }

    /// Every stage as `branch.stage` with its place.
    pub fn declared_stages(&self) -> Vec<(String, Span)> {
        let stages = |b: &BranchInfo| -> Vec<(String, Span)> {
            b.stages.iter().map(|s| (format!("{}.{}", b.name, s.source.name.text), s.source.name.span)).collect()
        };
        self.all.iter().flat_map(stages).collect()
    }

    /// The first branch that is not derived.
    pub fn first_own(&self) -> Option<usize> {
        self.all.iter().position(|b| b.derived.is_none())
    }

    /// What reports say of each branch.
    pub fn summary(&self) -> Vec<super::recipe::Branch> {
        let derived = |b: &BranchInfo| match &b.derived {
            Some(Derived::Ema { of, .. }) => Some(("ema".to_owned(), self.name(*of).to_owned())),
            Some(Derived::Snapshot { of, .. }) => Some(("snapshot".to_owned(), self.name(*of).to_owned())),
            Some(Derived::Stopgrad { of }) => Some(("stopgrad".to_owned(), self.name(*of).to_owned())),
            None => None,
        };
        let all = self.all.iter().enumerate();
        all.map(|(i, b)| super::recipe::Branch {
            name: b.name.clone(),
            stages: self.stages(i),
            derived: derived(b),
            span: b.span,
        })
        .collect()
    }
}

impl Checker<'_> {
    /// `branch(input)`; `of` is the view whose mask counts, where that is not the input itself.
    pub(super) fn apply_branch(&mut self, branch: usize, value: &Value, of: Option<usize>, at: Span) -> Checked<Value> {
        if let Value::View(view) = value {
            let seen = self.branches.applied_to.entry(branch).or_default();
            if !seen.contains(view) {
                seen.push(*view);
            }
            if let Some((group, part)) = self.companions(branch, *view) {
                let nodes: Vec<NodeId> = group.iter().map(|&v| self.view_node(v)).collect();
                let joined = self.graph.concat(&nodes, 0);
                let input = Fed { x: self.shaped(joined, at)?, mask: self.joined_masks(&group, at)? };
                self.takes_its_mask(branch, &input, Place::First, at)?;
                return Ok(Value::Applied(Rc::new(Applied { branch, input, part: Some(part) })));
            }
        }
        let own = if let Value::View(view) = value { Some(*view) } else { None };
        let mask = of.or(own).and_then(|view| self.mask_input(view));
        let input = Fed { x: self.tensor(value, at)?, mask };
        self.takes_its_mask(branch, &input, if of.is_some() { Place::Anywhere } else { Place::First }, at)?;
        Ok(Value::Applied(Rc::new(Applied { branch, input, part: None })))
    }

    /// Complains where a branch is applied to something masked and would overlook that.
    fn takes_its_mask(&mut self, branch: usize, input: &Fed, place: Place, at: Span) -> Checked<()> {
        if input.mask.is_none() {
            return Ok(());
        }
        let stages = 0..self.branches.stages(branch).len();
        let modules = stages.map(|stage| self.stage_of(branch, stage)).collect::<Checked<Vec<_>>>()?;
        self.must_take_mask(&modules, place, at)
    }

    /// The module of a branch's stage.
    pub(super) fn stage_of(&mut self, branch: usize, stage: usize) -> Checked<Rc<Module>> {
        self.stage_module(self.branches.root(branch), stage)
    }

    /// With `views: together`: the views of one size, masked alike, that go through a branch as one batch, and this one's
    /// place.
    fn companions(&self, branch: usize, view: usize) -> Option<(Vec<usize>, usize)> {
        let applied = self.branches.together.as_ref()?.get(&branch)?;
        let kind = |view: usize| (self.views.all[view].size, &self.views.all[view].mask);
        let mut group: Vec<usize> = applied.iter().copied().filter(|&v| kind(v) == kind(view)).collect();
        // In one order for all branches: those that see the same pixels then read the same node.
        group.sort_unstable();
        let part = group.iter().position(|&v| v == view)?;
        (group.len() > 1).then_some((group, part))
    }

    /// The output of a branch's last stage.
    pub(super) fn applied_output(&mut self, applied: &Applied, span: Span) -> Checked<Tapped> {
        match self.branches.stages(applied.branch).len() {
            0 => {
                let message = format!("the branch `{}` has no stage", self.branches.name(applied.branch));
                self.error(Code::INVALID_VALUE, span, message)
            }
            n => self.applied_stage(applied, n - 1, span),
        }
    }

    /// The output of one stage of a branch, for one view where several go through together.
    pub(super) fn applied_stage(&mut self, applied: &Applied, stage: usize, span: Span) -> Checked<Tapped> {
        let (node, taps) = self.stage_output(applied.branch, stage, &applied.input, span)?;
        let Some(part) = applied.part else { return Ok((node, taps)) };
        let start = &Dim::from(part) * &Dim::batch();
        let cut = |checker: &mut Self, node: NodeId| {
            let sliced = checker.graph.slice(node, 0, &start, &Dim::batch());
            checker.shaped(sliced, span)
        };
        let node = cut(self, node)?;
        let taps = taps.into_iter().map(|(name, tap)| Ok((name, cut(self, tap)?))).collect::<Checked<_>>()?;
        Ok((node, taps))
    }

    /// The output of a stage when the branch is applied to `input`.
    fn stage_output(&mut self, branch: usize, stage: usize, input: &Fed, span: Span) -> Checked<Tapped> {
        let owner = self.branches.owner(branch);
        let key = (owner, stage, input.x, input.mask.as_ref().map(|m| m.hides));
        let (node, taps) = match self.branches.outputs.get(&key) {
            Some(known) => known.clone(),
            None => {
                let x = self.stage_input(owner, stage, input, span)?;
                let made = self.run_stage(owner, stage, &Fed { x, mask: input.mask.clone() })?;
                self.branches.outputs.insert(key, made.clone());
                made
            }
        };
        if self.branches.all[branch].derived.is_none() || self.branches.apart {
            return Ok((node, taps));
        }
        self.detach(node, taps, span)
    }

    /// Derived branches pass no gradient on.
    fn detach(&mut self, node: NodeId, taps: Vec<(String, NodeId)>, span: Span) -> Checked<Tapped> {
        self.at(span);
        let stop = |checker: &mut Self, node: NodeId| {
            let stopped = checker.graph.stopgrad(node);
            checker.shaped(stopped, span)
        };
        let node = stop(self, node)?;
        let taps = taps.into_iter().map(|(name, tap)| Ok((name, stop(self, tap)?))).collect::<Checked<_>>()?;
        Ok((node, taps))
    }

    /// What a stage takes: the stage before it, what stands behind `on`, or the input of the branch.
    fn stage_input(&mut self, owner: usize, stage: usize, input: &Fed, span: Span) -> Checked<NodeId> {
        let root = self.branches.root(owner);
        let on = self.branches.all[root].stages[stage].source.on.clone();
        match on {
            None if stage == 0 => Ok(input.x),
            None => self.stage_output(owner, stage - 1, input, span).map(|(node, _)| node),
            Some(on) => {
                let mut env = Env::new(Home::Recipe);
                for name in self.stages_in(&on) {
                    if let Some(other) = self.branches.stage(root, &name).filter(|&s| s < stage) {
                        let (node, taps) = self.stage_output(owner, other, input, span)?;
                        env = env.bind(&name, Value::Tapped(node, taps));
                    }
                }
                let value = self.eval(&on, &env)?;
                self.tensor(&value, on.span)
            }
        }
    }

    /// The names an `on` expression starts from.
    fn stages_in(&self, on: &Expr) -> Vec<String> {
        match &on.kind {
            ExprKind::Name(name) => vec![name.clone()],
            ExprKind::Field(base, _) | ExprKind::Index(base, _) => self.stages_in(base),
            ExprKind::Call(_, args) => args.iter().flat_map(|a| self.stages_in(&a.value)).collect(),
            ExprKind::Binary(_, a, b) => [self.stages_in(a), self.stages_in(b)].concat(),
            _ => Vec::new(),
        }
    }

    /// `branch.stage(x)`: a stage as a function.
    pub(super) fn apply_stage(&mut self, branch: usize, stage: usize, fed: &Fed, span: Span) -> Checked<Tapped> {
        let (node, taps) = self.run_stage(self.branches.owner(branch), stage, fed)?;
        if self.branches.all[branch].derived.is_none() { Ok((node, taps)) } else { self.detach(node, taps, span) }
    }

    fn run_stage(&mut self, owner: usize, stage: usize, fed: &Fed) -> Checked<Tapped> {
        let root = self.branches.root(owner);
        let path = self.branches.path(owner, stage);
        self.used.insert(path);
        let module = self.stage_module(root, stage)?;
        let info = &self.branches.all[owner];
        let ema = if self.branches.apart { None } else { self.branches.follows(owner) };
        let span = info.span;
        let name = &self.branches.all[root].stages[stage].source.name.text;
        let path = format!("{}.{name}", info.name);
        // A shared stage keeps its own branch's weights; in an average, the average's copy of them.
        if let Module::Shared(other, shared, _) = *module {
            let same_root = self.branches.root(other) == root;
            return self.run_stage(if same_root { owner } else { self.branches.owner(other) }, shared, fed);
        }
        let (node, taps) = self.apply_module(&module, &path, &Owner { ema, span: Some(span) }, fed)?;
        self.branches.embeddings.push(node);
        self.branches.embeddings.extend(taps.iter().map(|(_, tap)| *tap));
        Ok((node, taps))
    }

    fn stage_module(&mut self, root: usize, stage: usize) -> Checked<Rc<Module>> {
        if let Some(module) = &self.branches.all[root].stages[stage].module {
            return Ok(Rc::clone(module));
        }
        let expr = self.branches.all[root].stages[stage].source.module.clone();
        let module = self.module(&expr, &Env::new(Home::Recipe))?;
        self.branches.all[root].stages[stage].module = Some(Rc::clone(&module));
        Ok(module)
    }
}
