//! What a step does to the variables of a store: averages, rows of length 1, optimizers with clipping.

use super::store::Binding;
use super::{ExecError, Real, Store};
use crate::compile::{Amount, Assignment, Descend, Program};
use crate::graph::ParamId;
use crate::kernels;
use crate::optim::{self, Clip, Optimizer, ParamInfo, StepInfo};

/// The assignments of a program, ready to be carried out.
pub(super) struct Assignments<T: Real> {
    before: Vec<Change<T>>,
    after: Vec<Change<T>>,
    clip: Option<Clip>,
}

/// One of them.
enum Change<T: Real> {
    Descend(Box<Descent<T>>),
    Follow {
        parameter: ParamId,
        of: ParamId,
        /// The place of the descent of what it follows, if it moves together with that whenever that is due.
        along: Option<usize>,
    },
    UnitRows(ParamId, usize),
}

/// The descent of one parameter.
struct Descent<T: Real> {
    what: Descend,
    rule: Box<dyn Optimizer<T>>,
    /// The averages that move along, while the parameter's numbers are near: their places among what comes after, and which they are.
    followers: Vec<(usize, ParamId)>,
}

impl<T: Real> Assignments<T> {
    /// Readies the assignments of a program.
    pub fn new(program: &Program) -> Result<Self, ExecError> {
        let changes = |all: &[Assignment]| all.iter().map(|one| change(program, one)).collect::<Result<Vec<_>, _>>();
        let (before, mut after) = (changes(&program.before)?, changes(&program.after)?);
        move_along(&program.after, &mut after);
        Ok(Self { before, after, clip: program.clip.as_ref().and_then(Clip::from_config) })
    }

    /// What comes at the beginning of a step; `amounts` has the numbers of each that is due.
    pub fn begin(&self, store: &mut Store<T>, binding: &Binding, amounts: &[Option<Amount>]) {
        for (change, amount) in self.before.iter().zip(amounts) {
            self.carry_out(change, *amount, store, binding);
        }
    }

    /// What comes at its end, given the gradients and their norms.
    pub fn end<'g>(
        &self,
        store: &mut Store<T>,
        binding: &Binding,
        amounts: &[Option<Amount>],
        gradient: &dyn Fn(usize) -> &'g [T],
        norms: &[f64],
    ) {
        let scales = self.clip.map(|clip| clip.scales(&self.counted(amounts, norms)));
        for (change, amount) in self.after.iter().zip(amounts) {
            match (change, amount) {
                (Change::Descend(descent), Some(Amount::Descend { lr, weight_decay, update })) => {
                    let (lr, weight_decay, step) = (*lr, *weight_decay, *update);
                    let grad_scale = scales.as_ref().map_or(1.0, |scales| scales[descent.what.gradient]);
                    let info = StepInfo { lr, weight_decay, step, grad_scale, trust: 1.0 };
                    descent.carry_out(info, store, binding, gradient(descent.what.gradient), amounts);
                }
                (Change::Follow { along: Some(place), .. }, _) if amounts[*place].is_some() => {}
                _ => self.carry_out(change, *amount, store, binding),
            }
        }
    }

    /// The first parameter with an optimizer that holds a number that is not finite.
    pub fn not_finite(&self, store: &Store<T>, binding: &Binding) -> Option<ParamId> {
        let moved = self.after.iter().filter_map(|change| match change {
            Change::Descend(descent) => Some(descent.what.parameter),
            Change::Follow { .. } | Change::UnitRows(..) => None,
        });
        moved.into_iter().find(|id| !kernels::finite(store.get(binding.param(*id))))
    }

    /// The norms of the gradients that count: not of those whose parameter rests.
    fn counted(&self, amounts: &[Option<Amount>], norms: &[f64]) -> Vec<f64> {
        let mut counted = vec![0.0; norms.len()];
        for (change, amount) in self.after.iter().zip(amounts) {
            if let (Change::Descend(descent), Some(_)) = (change, amount) {
                counted[descent.what.gradient] = norms[descent.what.gradient];
            }
        }
        counted
    }

    fn carry_out(&self, change: &Change<T>, amount: Option<Amount>, store: &mut Store<T>, binding: &Binding) {
        match (change, amount) {
            (Change::Follow { parameter, of, .. }, Some(Amount::Follow { decay })) => {
                let [mine, other] = store.disjoint([binding.param(*parameter), binding.param(*of)]);
                optim::by_stretches(vec![mine], other, |mine, other| {
                    mine.into_iter().for_each(|mine| optim::ema_update(mine, other, decay));
                });
            }
            (Change::UnitRows(parameter, width), Some(Amount::UnitRows)) => {
                store.get_mut(binding.param(*parameter)).chunks_mut(*width).for_each(to_unit_length);
            }
            _ => {}
        }
    }
}

fn change<T: Real>(program: &Program, one: &Assignment) -> Result<Change<T>, ExecError> {
    Ok(match one {
        Assignment::Descend(what) => Change::Descend(Box::new(Descent {
            what: what.clone(),
            rule: optim::build(&what.by).map_err(ExecError::new)?,
            followers: Vec::new(),
        })),
        Assignment::Follow { parameter, of } => Change::Follow { parameter: *parameter, of: *of, along: None },
        Assignment::UnitRows(parameter) => {
            let shape = &program.graph.params[parameter.index()].shape;
            Change::UnitRows(*parameter, shape.last().copied().unwrap_or(1).max(1))
        }
    })
}

/// Lets averages move together with the descent of what they follow, so that memory is walked through once. Not those that others follow
/// in turn: these would see them before their time.
fn move_along<T: Real>(all: &[Assignment], changes: &mut [Change<T>]) {
    let followed = |id: ParamId| all.iter().any(|a| matches!(a, Assignment::Follow { of, .. } if *of == id));
    let mut along = Vec::new();
    for (place, change) in changes.iter_mut().enumerate() {
        if let Change::Follow { parameter, of, along: moves } = change {
            *moves = descent_of(&all[..place], *of).filter(|_| !followed(*parameter));
            along.extend(moves.map(|_| (*of, place, *parameter)));
        }
    }
    for change in changes {
        if let Change::Descend(descent) = change {
            let mine = along.iter().filter(|(of, ..)| *of == descent.what.parameter);
            descent.followers = mine.map(|(_, place, parameter)| (*place, *parameter)).collect();
        }
    }
}

fn descent_of(all: &[Assignment], id: ParamId) -> Option<usize> {
    all.iter().position(|a| matches!(a, Assignment::Descend(descend) if descend.parameter == id))
}

impl<T: Real> Descent<T> {
    fn carry_out(
        &self,
        info: StepInfo,
        store: &mut Store<T>,
        binding: &Binding,
        gradient: &[T],
        amounts: &[Option<Amount>],
    ) {
        let param = ParamInfo { kind: self.what.kind, ndim: self.what.ndim };
        let info = self.rule.adapt(info, param, store.get(binding.param(self.what.parameter)), gradient);
        let due = |(place, id): &(usize, ParamId)| match amounts[*place] {
            Some(Amount::Follow { decay }) => Some((binding.param(*id), decay)),
            _ => None,
        };
        let (followers, decays): (Vec<_>, Vec<f64>) = self.followers.iter().filter_map(due).unzip();
        let slots = self.what.slots.iter().map(|slot| binding.state(*slot));
        let all: Vec<_> = std::iter::once(binding.param(self.what.parameter)).chain(slots).chain(followers).collect();
        let kept = self.what.slots.len();
        optim::by_stretches(store.several(&all), gradient, |stretch, gradient| {
            let mut stretch = stretch.into_iter();
            let Some(values) = stretch.next() else { return };
            let mut slots: Vec<&mut [T]> = stretch.by_ref().take(kept).collect();
            self.rule.update(info, values, gradient, &mut slots);
            stretch.zip(&decays).for_each(|(average, decay)| optim::ema_update(average, values, *decay));
        });
    }
}

fn to_unit_length<T: Real>(row: &mut [T]) {
    let length = row.iter().map(|x| x.to_f64().powi(2)).sum::<f64>().sqrt().max(1e-12);
    row.iter_mut().for_each(|x| *x = T::from_f64(x.to_f64() / length));
}
