//! The optimizer's part of a step: clipping, parameter rules, and one update for each trained parameter.

use std::collections::BTreeMap;

use super::{Clock, TrainError};
use crate::catalog::Config;
use crate::check::Train;
use crate::exec::{Engine, Memory, claim};
use crate::graph::{Graph, ParamId};
use crate::kernels;
use crate::optim::{self, Clip, GroupSettings, Optimizer, Owner, ParamInfo, Rule};
use crate::source::{FileId, Span};

/// Updates parameters from their gradients.
pub struct Descent {
    optimizers: Vec<(Box<dyn Optimizer<f32>>, GroupSettings)>,
    words: Vec<String>,
    clip: Option<Clip>,
    trained: Vec<Trained>,
}

/// A trained parameter: which one, how, and what the optimizer keeps of it between steps.
struct Trained {
    id: ParamId,
    name: String,
    info: ParamInfo,
    by: usize,
    settings: GroupSettings,
    /// The step at which its optimizer began, later than the training where that is a branch of another run.
    since: usize,
    slots: Vec<Vec<f32>>,
}

/// What the optimizer of a parameter keeps between steps.
pub struct Slot<V> {
    /// The parameter.
    pub name: String,
    /// The word of the optimizer.
    optimizer: String,
    /// Which of the vectors it keeps.
    number: usize,
    /// The numbers.
    pub values: V,
}

impl<V> Slot<V> {
    /// What it is called in a checkpoint.
    pub fn key(&self) -> String {
        format!("{}.{}/{}", self.optimizer, self.number, self.name)
    }
}

impl Descent {
    /// The recipe's optimizers and rules for the parameters whose gradients a program computes, in their order.
    pub fn new(train: &Train, graph: &Graph, trained: &[ParamId]) -> Result<Self, TrainError> {
        let build = |config: &Config| match optim::build(config) {
            Ok(optimizer) => Ok((optimizer, GroupSettings::base(config))),
            Err(message) => Err(TrainError::Recipe { message, span: config.span }),
        };
        let optimizers = train.optimizers.iter().map(build).collect::<Result<Vec<_>, _>>()?;
        let count = |id: &ParamId| graph.params[id.index()].shape.iter().product::<usize>();
        let slots = optimizers.iter().map(|(optimizer, _)| optimizer.state_slots()).max().unwrap_or(0);
        claim("what the optimizer keeps", trained.iter().map(count).sum::<usize>() * slots * size_of::<f32>())?;
        let all = || graph.params.iter().map(|p| (p.name.as_str(), p.kind));
        let rules: Vec<Rule> = train.rules.iter().map(Rule::from_config).map(|rule| rule.counting(all())).collect();
        let enter = |&id: &ParamId| {
            let parameter = &graph.params[id.index()];
            let Owner::One(by) = optim::owner(&train.optimizers, &parameter.name, parameter.kind) else {
                let message = format!("`{}` needs one optimizer that updates it", parameter.name);
                let span = train.optimizers.first().map_or(Span::new(FileId(0), 0..0), |o| o.span);
                return Err(TrainError::Recipe { message, span });
            };
            let (optimizer, base) = &optimizers[by];
            Ok(Trained {
                id,
                name: parameter.name.clone(),
                info: ParamInfo { kind: parameter.kind, ndim: parameter.shape.len() },
                by,
                settings: base.resolve(&rules, &parameter.name, parameter.kind),
                since: 0,
                slots: vec![vec![0.0; parameter.shape.iter().product()]; optimizer.state_slots()],
            })
        };
        let trained = trained.iter().map(enter).collect::<Result<_, _>>()?;
        let words = train.optimizers.iter().map(|o| o.name.clone()).collect();
        Ok(Self { optimizers, words, clip: train.clip.as_ref().and_then(Clip::from_config), trained })
    }

    /// The learning rate of parameters that no rule speaks of, by the first optimizer.
    pub fn lr(&self, step: usize, clock: Clock) -> f64 {
        self.optimizers.first().map_or(0.0, |(_, base)| base.lr.at(step, clock.steps, clock.per_epoch))
    }

    /// Updates every parameter that is not frozen at `step`, which counts from 0.
    pub fn apply(&mut self, engine: &dyn Engine, memory: &mut Memory, step: usize, clock: Clock) {
        let scales = self.scales(engine, step, clock);
        for (i, parameter) in self.trained.iter_mut().enumerate() {
            let Some(mut info) = parameter.settings.at(step, clock.steps, clock.per_epoch) else { continue };
            info.step = info.step.saturating_sub(parameter.since).max(1);
            info.grad_scale = scales.as_ref().map_or(1.0, |s| s[i]);
            let mut slots: Vec<&mut [f32]> = parameter.slots.iter_mut().map(Vec::as_mut_slice).collect();
            let (optimizer, gradient) = (&self.optimizers[parameter.by].0, engine.gradient(i));
            memory.with_param_mut(parameter.id, |values| {
                optimizer.update(info, parameter.info, values, gradient, &mut slots);
            });
        }
    }

    /// What each gradient is multiplied by; a frozen parameter's gradient counts for nothing.
    fn scales(&self, engine: &dyn Engine, step: usize, clock: Clock) -> Option<Vec<f64>> {
        let clip = self.clip?;
        let norm = |(i, p): (usize, &Trained)| match p.settings.at(step, clock.steps, clock.per_epoch) {
            Some(_) => optim::norm(engine.gradient(i)),
            None => 0.0,
        };
        Some(clip.scales(&self.trained.iter().enumerate().map(norm).collect::<Vec<_>>()))
    }

    /// What the optimizers keep between steps.
    pub fn slots(&self) -> impl Iterator<Item = Slot<&[f32]>> {
        self.trained.iter().flat_map(|p| {
            let slot =
                |(number, values)| Slot { name: p.name.clone(), optimizer: self.words[p.by].clone(), number, values };
            p.slots.iter().map(Vec::as_slice).enumerate().map(slot)
        })
    }

    /// The same, to be filled from a checkpoint.
    pub fn slots_mut(&mut self) -> impl Iterator<Item = Slot<&mut [f32]>> {
        let words = &self.words;
        self.trained.iter_mut().flat_map(move |p| {
            let (name, optimizer) = (&p.name, &words[p.by]);
            let slot = |(number, values)| Slot { name: name.clone(), optimizer: optimizer.clone(), number, values };
            p.slots.iter_mut().map(Vec::as_mut_slice).enumerate().map(slot)
        })
    }

    /// Says at which step the optimizers of some parameters began.
    pub fn began(&mut self, since: &BTreeMap<String, usize>) {
        self.trained.iter_mut().for_each(|p| p.since = since.get(&p.name).copied().unwrap_or(0));
    }

    /// The parameters whose optimizer began later than the training, and at which step.
    pub fn since(&self) -> BTreeMap<String, usize> {
        self.trained.iter().filter(|p| p.since > 0).map(|p| (p.name.clone(), p.since)).collect()
    }

    /// The names of the trained parameters, in the order of their gradients.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.trained.iter().map(|p| p.name.as_str())
    }

    /// The first trained parameter that holds a number that is not finite.
    pub fn not_finite(&self, memory: &Memory) -> Option<&str> {
        let bad = |p: &&Trained| !memory.with_param(p.id, kernels::finite);
        self.trained.iter().find(bad).map(|p| p.name.as_str())
    }
}
