//! What a training assigns to its variables in each step, and the numbers of it that follow schedules: optimizers by their rules, moving
//! averages, rows of length 1.

use std::collections::BTreeMap;

use super::{Clock, TrainError};
use crate::catalog::{Config, Schedule};
use crate::check::Train;
use crate::compile::{Amount, Assignment, Descend, Program};
use crate::graph::{Init, ParamId, Shape, State, StateId};
use crate::optim::{self, GroupSettings, Optimizer, Owner, Rule};

/// The assignments of a program in the course of a training.
pub struct Descent {
    /// The first optimizer's settings, where no rule speaks of a parameter.
    base: Option<GroupSettings>,
    trained: Vec<Trained>,
    before: Vec<Due>,
    after: Vec<Due>,
}

/// A trained parameter.
struct Trained {
    name: String,
    settings: GroupSettings,
    /// The step at which its optimizer began, later than the training where that is a branch of another run.
    since: usize,
    /// The names of what its optimizer keeps of it.
    slots: Vec<String>,
}

/// When an assignment is due, and with which numbers.
enum Due {
    /// The descent of the trained parameter of that place.
    Descend(usize),
    /// A moving average, every so many epochs or at each step.
    Follow { decay: Schedule, every: Option<f64> },
    /// Rows of length 1, always.
    UnitRows,
}

impl Descent {
    /// Gives a program what its training assigns: optimizers and rules for the parameters whose gradients it computes, in their order,
    /// with what they keep as states by the names these have in checkpoints; and the averages of its graph.
    pub fn new(train: &Train, program: &mut Program) -> Result<Self, TrainError> {
        let build = |config: &Config| match optim::build::<f32>(config) {
            Ok(optimizer) => Ok((optimizer, GroupSettings::base(config))),
            Err(message) => Err(TrainError::Recipe { message, span: config.span }),
        };
        let optimizers = train.optimizers.iter().map(build).collect::<Result<Vec<_>, _>>()?;
        let base = optimizers.first().map(|(_, base)| base.clone());
        let mut descent = Self { base, trained: Vec::new(), before: Vec::new(), after: Vec::new() };
        descent.follow(program, true);
        descent.keep_unit_rows(program);
        descent.descend(train, &optimizers, program)?;
        descent.follow(program, false);
        program.clip = train.clip.clone();
        Ok(descent)
    }

    /// The optimizer's assignment for each trained parameter.
    fn descend(
        &mut self,
        train: &Train,
        optimizers: &[(Box<dyn Optimizer<f32>>, GroupSettings)],
        program: &mut Program,
    ) -> Result<(), TrainError> {
        let all = || program.graph.params.iter().map(|p| (p.name.as_str(), p.kind));
        let rules: Vec<Rule> = train.rules.iter().map(Rule::from_config).map(|rule| rule.counting(all())).collect();
        for (gradient, (id, _)) in program.grads.clone().into_iter().enumerate() {
            let parameter = program.graph.params[id.index()].clone();
            let Owner::One(by) = optim::owner(&train.optimizers, &parameter.name, parameter.kind) else {
                let message = format!("`{}` needs one optimizer that updates it", parameter.name);
                let span = train.optimizers.first().and_then(|o| o.span);
                return Err(TrainError::Recipe { message, span });
            };
            let (word, (optimizer, base)) = (&train.optimizers[by], &optimizers[by]);
            let shape = Shape::of(&[parameter.shape.iter().product()]);
            let names =
                (0..optimizer.state_slots()).map(|number| format!("{}.{number}/{}", word.name(), parameter.name));
            let slots: Vec<String> = names.collect();
            let first = program.graph.states.len() as u32;
            program.graph.states.extend(slots.iter().map(|name| State {
                name: name.clone(),
                shape: shape.clone(),
                init: Init::Constant(0.0),
                span: parameter.span,
            }));
            program.after.push(Assignment::Descend(Descend {
                by: word.clone(),
                parameter: id,
                kind: parameter.kind,
                ndim: parameter.shape.len(),
                gradient,
                slots: (first..program.graph.states.len() as u32).map(StateId).collect(),
            }));
            self.after.push(Due::Descend(self.trained.len()));
            let settings = base.resolve(&rules, &parameter.name, parameter.kind);
            self.trained.push(Trained { name: parameter.name, settings, since: 0, slots });
        }
        Ok(())
    }

    /// The averages of the graph that move before the forward pass, or those that move after the optimizer.
    fn follow(&mut self, program: &mut Program, before: bool) {
        for (i, parameter) in program.graph.params.iter().enumerate() {
            let Some(ema) = parameter.ema.clone().filter(|ema| ema.before == before) else { continue };
            let (all, due) =
                if before { (&mut program.before, &mut self.before) } else { (&mut program.after, &mut self.after) };
            all.push(Assignment::Follow { parameter: ParamId(i as u32), of: ema.of });
            due.push(Due::Follow { decay: ema.decay, every: ema.every });
        }
    }

    fn keep_unit_rows(&mut self, program: &mut Program) {
        let unit = program.graph.params.iter().enumerate().filter(|(_, parameter)| parameter.unit_rows);
        for (i, _) in unit {
            program.before.push(Assignment::UnitRows(ParamId(i as u32)));
            self.before.push(Due::UnitRows);
        }
    }

    /// The learning rate of parameters that no rule speaks of, by the first optimizer.
    pub fn lr(&self, step: usize, clock: Clock) -> f64 {
        self.base.as_ref().map_or(0.0, |base| base.lr.at(step, clock.steps, clock.per_epoch))
    }

    /// The numbers of what is due at the beginning of a step, which counts from 0.
    pub fn before(&self, step: usize, clock: Clock) -> Vec<Option<Amount>> {
        self.before.iter().map(|due| self.amount(due, step, clock)).collect()
    }

    /// The same for its end.
    pub fn after(&self, step: usize, clock: Clock) -> Vec<Option<Amount>> {
        self.after.iter().map(|due| self.amount(due, step, clock)).collect()
    }

    /// Nothing while a parameter is frozen, and between two moves of an average.
    fn amount(&self, due: &Due, step: usize, clock: Clock) -> Option<Amount> {
        match due {
            Due::Descend(trained) => {
                let trained = &self.trained[*trained];
                let info = trained.settings.at(step, clock.steps, clock.per_epoch)?;
                let update = info.step.saturating_sub(trained.since).max(1);
                Some(Amount::Descend { lr: info.lr, weight_decay: info.weight_decay, update })
            }
            Due::Follow { decay, every } => {
                let now = every.is_none_or(|epochs| clock.due(step, epochs));
                now.then(|| Amount::Follow { decay: decay.at(step, clock.steps, clock.per_epoch) })
            }
            Due::UnitRows => Some(Amount::UnitRows),
        }
    }

    /// What the optimizers keep between steps: the name of the parameter, and that of the state.
    pub fn slots(&self) -> impl Iterator<Item = (&str, &str)> {
        self.trained.iter().flat_map(|p| p.slots.iter().map(|slot| (p.name.as_str(), slot.as_str())))
    }

    /// Says at which step the optimizers of some parameters began.
    pub fn began(&mut self, since: &BTreeMap<String, usize>) {
        self.trained.iter_mut().for_each(|p| p.since = since.get(&p.name).copied().unwrap_or(0));
    }

    /// The parameters whose optimizer began later than the training, and at which step.
    pub fn since(&self) -> BTreeMap<String, usize> {
        self.trained.iter().filter(|p| p.since > 0).map(|p| (p.name.clone(), p.since)).collect()
    }

    /// The name of the parameter of the gradient of that place in the program.
    pub fn name(&self, gradient: usize) -> &str {
        self.trained.get(gradient).map_or("", |p| p.name.as_str())
    }
}
