//! The optimizer's part of a step: clipping, parameter rules, and one update for each trained parameter.

use super::{Clock, TrainError};
use crate::check::Train;
use crate::exec::{Engine, Memory};
use crate::graph::{Graph, ParamId};
use crate::optim::{self, Clip, GroupSettings, Optimizer, ParamInfo, Rule};

/// Updates parameters from their gradients.
pub struct Descent {
    optimizer: Box<dyn Optimizer>,
    base: GroupSettings,
    clip: Option<Clip>,
    trained: Vec<Trained>,
}

/// A trained parameter: which one, how, and what the optimizer keeps of it between steps.
struct Trained {
    id: ParamId,
    name: String,
    info: ParamInfo,
    settings: GroupSettings,
    slots: Vec<Vec<f32>>,
}

impl Descent {
    /// The recipe's optimizer and rules for the parameters whose gradients a program computes, in their order.
    pub fn new(train: &Train, graph: &Graph, trained: &[ParamId]) -> Result<Self, TrainError> {
        let config = &train.optimizer;
        let optimizer = optim::build(config).map_err(|message| TrainError::Recipe { message, span: config.span })?;
        let base = GroupSettings::base(config);
        let rules: Vec<Rule> = train.rules.iter().map(Rule::from_config).collect();
        let slots = optimizer.state_slots();
        let enter = |&id: &ParamId| {
            let parameter = &graph.params[id.index()];
            Trained {
                id,
                name: parameter.name.clone(),
                info: ParamInfo { kind: parameter.kind, ndim: parameter.shape.len() },
                settings: base.resolve(&rules, &parameter.name, parameter.kind),
                slots: vec![vec![0.0; parameter.shape.iter().product()]; slots],
            }
        };
        let trained = trained.iter().map(enter).collect();
        Ok(Self { optimizer, base, clip: train.clip.as_ref().and_then(Clip::from_config), trained })
    }

    /// The learning rate of parameters that no rule speaks of.
    pub fn lr(&self, step: usize, clock: Clock) -> f64 {
        self.base.lr.at(step, clock.steps, clock.per_epoch)
    }

    /// Updates every parameter that is not frozen at `step`, which counts from 0.
    pub fn apply(&mut self, engine: &dyn Engine, memory: &mut Memory, step: usize, clock: Clock) {
        let scales = self.scales(engine, step, clock);
        for (i, parameter) in self.trained.iter_mut().enumerate() {
            let Some(mut info) = parameter.settings.at(step, clock.steps, clock.per_epoch) else { continue };
            info.grad_scale = scales.as_ref().map_or(1.0, |s| s[i]);
            let mut slots: Vec<&mut [f32]> = parameter.slots.iter_mut().map(Vec::as_mut_slice).collect();
            let (optimizer, gradient) = (&self.optimizer, engine.gradient(i));
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

    /// What the optimizer keeps between steps: the parameter's name, the number of the slot, its values.
    pub fn slots(&self) -> impl Iterator<Item = (&str, usize, &[f32])> {
        self.trained.iter().flat_map(|p| {
            let name = p.name.as_str();
            p.slots.iter().enumerate().map(move |(slot, values)| (name, slot, values.as_slice()))
        })
    }

    /// The same, to be filled from a checkpoint.
    pub fn slots_mut(&mut self) -> impl Iterator<Item = (&str, usize, &mut [f32])> {
        self.trained.iter_mut().flat_map(|p| {
            let name = p.name.as_str();
            p.slots.iter_mut().enumerate().map(move |(slot, values)| (name, slot, values.as_mut_slice()))
        })
    }
}
