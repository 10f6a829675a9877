//! The optimizer's part of a step: clipping, parameter rules, and one update for each trained parameter.

use std::collections::BTreeMap;

use super::{Clock, TrainError};
use crate::catalog::Config;
use crate::check::Train;
use crate::exec::{BufferId, Engine, Store, claim};
use crate::graph::{Graph, ParamId};
use crate::kernels;
use crate::optim::{self, Clip, GroupSettings, Optimizer, Owner, ParamInfo, Rule};
use crate::source::{FileId, Span};

/// Updates parameters from their gradients.
pub struct Descent {
    optimizers: Vec<(Box<dyn Optimizer<f32>>, GroupSettings)>,
    clip: Option<Clip>,
    trained: Vec<Trained>,
}

/// A trained parameter: which one, and how.
struct Trained {
    name: String,
    info: ParamInfo,
    by: usize,
    settings: GroupSettings,
    /// The step at which its optimizer began, later than the training where that is a branch of another run.
    since: usize,
    /// It, and then what its optimizer keeps of it.
    buffers: Vec<BufferId>,
}

impl Descent {
    /// The recipe's optimizers and rules for the parameters of a store whose gradients a program computes, in their order. What optimizers
    /// keep between steps becomes buffers of the store, with the names it has in checkpoints.
    pub fn new(train: &Train, graph: &Graph, trained: &[ParamId], store: &mut Store) -> Result<Self, TrainError> {
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
        let mut enter = |&id: &ParamId| {
            let parameter = &graph.params[id.index()];
            let Owner::One(by) = optim::owner(&train.optimizers, &parameter.name, parameter.kind) else {
                let message = format!("`{}` needs one optimizer that updates it", parameter.name);
                let span = train.optimizers.first().map_or(Span::new(FileId(0), 0..0), |o| o.span);
                return Err(TrainError::Recipe { message, span });
            };
            let (optimizer, base) = &optimizers[by];
            let mut buffers = vec![store.param(id)];
            for number in 0..optimizer.state_slots() {
                let name = format!("{}.{number}/{}", train.optimizers[by].name, parameter.name);
                buffers.push(store.add(&name, &[parameter.shape.iter().product()])?);
            }
            Ok(Trained {
                name: parameter.name.clone(),
                info: ParamInfo { kind: parameter.kind, ndim: parameter.shape.len() },
                by,
                settings: base.resolve(&rules, &parameter.name, parameter.kind),
                since: 0,
                buffers,
            })
        };
        let trained = trained.iter().map(&mut enter).collect::<Result<_, _>>()?;
        Ok(Self { optimizers, clip: train.clip.as_ref().and_then(Clip::from_config), trained })
    }

    /// The learning rate of parameters that no rule speaks of, by the first optimizer.
    pub fn lr(&self, step: usize, clock: Clock) -> f64 {
        self.optimizers.first().map_or(0.0, |(_, base)| base.lr.at(step, clock.steps, clock.per_epoch))
    }

    /// Updates every parameter that is not frozen at `step`, which counts from 0.
    pub fn apply(&self, engine: &dyn Engine, store: &mut Store, step: usize, clock: Clock) {
        let scales = self.scales(engine, step, clock);
        for (i, parameter) in self.trained.iter().enumerate() {
            let Some(mut info) = parameter.settings.at(step, clock.steps, clock.per_epoch) else { continue };
            info.step = info.step.saturating_sub(parameter.since).max(1);
            info.grad_scale = scales.as_ref().map_or(1.0, |s| s[i]);
            let (optimizer, gradient) = (&self.optimizers[parameter.by].0, engine.gradient(i));
            if let [values, slots @ ..] = store.ascending(&parameter.buffers).as_mut_slice() {
                optimizer.update(info, parameter.info, values, gradient, slots);
            }
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

    /// What the optimizers keep between steps: the name of the parameter, and the buffer.
    pub fn slots(&self) -> impl Iterator<Item = (&str, BufferId)> {
        self.trained.iter().flat_map(|p| p.buffers.iter().skip(1).map(|slot| (p.name.as_str(), *slot)))
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
    pub fn not_finite(&self, store: &Store) -> Option<&str> {
        let bad = |p: &&Trained| p.buffers.first().is_some_and(|values| !kernels::finite(store.get(*values)));
        self.trained.iter().find(bad).map(|p| p.name.as_str())
    }
}
