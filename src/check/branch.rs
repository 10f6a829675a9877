//! What branches and their stages return when they are applied.

use super::branches::Derived;
use super::checker::{Checked, Checker};
use super::frozen::Origin;
use super::masks::Place;
use super::module::{Fed, Module, Tapped};
use super::resolve::Key;
use super::scope::{Env, Home};
use super::value::Value;
use crate::diag::{Code, Diagnostic};
use crate::graph::{Dim, NodeId};
use crate::nn::{Mode, Owner};
use crate::source::Span;
use crate::syntax::ast::{Expr, ExprKind};
use std::rc::Rc;

/// A branch applied to something; stages are worked out when they are asked for.
#[derive(Debug)]
pub(super) struct Applied {
    /// The branch.
    pub branch: usize,
    input: Fed,
    /// Where this view's rows lie in a batch of several views that go through together.
    part: Option<usize>,
}

impl Checker<'_> {
    /// `branch(input)`; `of` is the view whose mask counts, where that is not the input itself.
    pub(super) fn apply_branch(&mut self, branch: usize, value: &Value, of: Option<usize>, at: Span) -> Checked<Value> {
        self.must_be_settled(branch, at)?;
        let branch = self.counterpart(branch);
        if let Value::View(view) = value {
            let seen = self.branches.applied_to.entry(branch).or_default();
            if !seen.contains(view) {
                seen.push(*view);
            }
            if let Some((group, part)) = self.companions(branch, *view) {
                let nodes = group.iter().map(|&v| self.pixels_for(branch, v, at)).collect::<Checked<Vec<_>>>()?;
                let x = self.built(at, |g| g.concat(&nodes, 0))?;
                let input = Fed { x, mask: self.joined_masks(&group, at)? };
                self.takes_its_mask(branch, &input, Place::First, at)?;
                return Ok(Value::Applied(Rc::new(Applied { branch, input, part: Some(part) })));
            }
        }
        let own = if let Value::View(view) = value { Some(*view) } else { None };
        let mask = of.or(own).and_then(|view| self.mask_input(view));
        let x = match own {
            Some(view) => self.pixels_for(branch, view, at)?,
            None => self.tensor(value, at)?,
        };
        let input = Fed { x, mask };
        self.takes_its_mask(branch, &input, if of.is_some() { Place::Anywhere } else { Place::First }, at)?;
        Ok(Value::Applied(Rc::new(Applied { branch, input, part: None })))
    }

    /// Complains where a branch is asked for before it is known what it is.
    pub(super) fn must_be_settled(&mut self, branch: usize, at: Span) -> Checked<()> {
        if self.branches.all[branch].failed {
            let name = format!("the branch `{}`", self.branches.name(branch));
            return Err(self.failed_before(&name, at));
        }
        if !self.branches.all[branch].settled {
            let message = format!(
                "the branch `{}` cannot be used here: the settings of branches are still being read",
                self.branches.name(branch)
            );
            let help = "settings of branches and of the data set cannot depend on what a branch computes";
            return Err(self.report(Diagnostic::error(Code::UNSUPPORTED, at, message).help(help)));
        }
        Ok(())
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
        let cut = |checker: &mut Self, node: NodeId| checker.built(span, |g| g.slice(node, 0, &start, &Dim::batch()));
        let node = cut(self, node)?;
        let taps = taps.into_iter().map(|(name, tap)| Ok((name, cut(self, tap)?))).collect::<Checked<_>>()?;
        Ok((node, taps))
    }

    /// The output of a stage when the branch is applied to `input`.
    fn stage_output(&mut self, branch: usize, stage: usize, input: &Fed, span: Span) -> Checked<Tapped> {
        self.deeper(span, |checker| checker.output_of(branch, stage, input, span))
    }

    fn output_of(&mut self, branch: usize, stage: usize, input: &Fed, span: Span) -> Checked<Tapped> {
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
        let stop = |checker: &mut Self, node: NodeId| checker.built(span, |g| g.stopgrad(node));
        let node = stop(self, node)?;
        let taps = taps.into_iter().map(|(name, tap)| Ok((name, stop(self, tap)?))).collect::<Checked<_>>()?;
        Ok((node, taps))
    }

    /// What a stage takes: the stage before it, what stands behind `on`, or the input of the branch.
    fn stage_input(&mut self, owner: usize, stage: usize, input: &Fed, span: Span) -> Checked<NodeId> {
        let root = self.branches.root(owner);
        let on = self.branches.all[root].stages[stage].on.clone();
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
                if let Some(Derived::Frozen(Origin::Recipe { import, .. })) = self.branches.all[owner].derived {
                    return self.within(import, |inner| {
                        let value = inner.eval(&on, &env)?;
                        inner.tensor(&value, on.span)
                    });
                }
                self.averaging(owner, |checker| {
                    let value = checker.eval(&on, &env)?;
                    let made = (checker.tensor(&value, on.span)?, Vec::new());
                    checker.with_own_weights(made, &[input.x], on.span).map(|(node, _)| node)
                })
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
        let branch = self.counterpart(branch);
        let (node, taps) = self.run_stage(self.branches.owner(branch), stage, fed)?;
        if self.branches.all[branch].derived.is_none() { Ok((node, taps)) } else { self.detach(node, taps, span) }
    }

    fn run_stage(&mut self, owner: usize, stage: usize, fed: &Fed) -> Checked<Tapped> {
        let root = self.branches.root(owner);
        let path = self.branches.path(owner, stage);
        self.used.insert(path);
        if let Some(Derived::Frozen(Origin::Recipe { import, root, .. })) = self.branches.all[owner].derived {
            let (node, taps) = self.within(import, |inner| inner.run_stage(root, stage, fed))?;
            self.branches.embeddings.extend(taps.iter().map(|(_, tap)| *tap).chain([node]));
            return Ok((node, taps));
        }
        let module = self.stage_module(root, stage)?;
        let info = &self.branches.all[owner];
        let ema = if self.branches.apart { None } else { self.branches.follows(owner) };
        let span = info.span;
        let (name, at) =
            (&self.branches.all[root].stages[stage].name.text, self.branches.all[root].stages[stage].name.span);
        let path = format!("{}.{name}", self.branches.weights_name(owner));
        let frozen = matches!(info.derived, Some(Derived::Frozen(_)));
        // A shared stage keeps its own branch's weights; in an average, the average's copy of them.
        if let Module::Shared(other, shared, _) = *module {
            return self.averaging(owner, |checker| {
                let other = checker.counterpart(other);
                checker.run_stage(checker.branches.owner(other), shared, fed)
            });
        }
        // What is frozen is as in evaluation.
        let mode = if frozen { std::mem::replace(&mut self.mode, Mode::Eval) } else { self.mode };
        let made = self.averaging(owner, |checker| {
            let made = checker.apply_module(&module, &path, &Owner { ema, span: Some(span) }, fed)?;
            checker.with_own_weights(made, &[fed.x], at)
        });
        self.mode = mode;
        let (node, taps) = made?;
        self.branches.embeddings.push(node);
        self.branches.embeddings.extend(taps.iter().map(|(_, tap)| *tap));
        Ok((node, taps))
    }

    /// The module that a branch declares for a stage. Stages that it shares are worked out too, so that no ring is left.
    fn stage_module(&mut self, root: usize, stage: usize) -> Checked<Rc<Module>> {
        let expr = self.branches.all[root].stages[stage].module.clone();
        let found = self.resolve(Key::Stage(root, stage), expr.span, |checker| {
            let module = checker.module(&expr, &Env::new(Home::Recipe));
            Some(module.and_then(|module| {
                checker.shared_by(&module)?;
                Ok(Value::Module(module))
            }))
        });
        match found {
            Some(Ok(Value::Module(module))) => Ok(module),
            Some(Err(failed)) => Err(failed),
            _ => Err(self.failed_before(&format!("the stage `{}`", self.branches.path(root, stage)), expr.span)),
        }
    }

    /// Works out the stages of branches that a module shares.
    fn shared_by(&mut self, module: &Module) -> Checked<()> {
        match module {
            Module::Shared(branch, stage, _) => self.stage_of(*branch, *stage).map(|_| ()),
            Module::Chain(parts) => parts.iter().try_for_each(|part| self.shared_by(part)),
            Module::Residual(body, shortcut, _) => {
                self.shared_by(body)?;
                shortcut.as_ref().map_or(Ok(()), |shortcut| self.shared_by(shortcut))
            }
            Module::Layer(..) | Module::Function(..) | Module::Operation(..) => Ok(()),
        }
    }
}
