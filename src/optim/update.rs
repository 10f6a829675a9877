//! What an optimizer is, and the parallel walk over a parameter that all of them share.

use crate::graph::ParamKind;
use crate::kernels::Elem;
use rayon::prelude::*;

/// An update rule for one parameter at a time, of numbers of one type.
pub trait Optimizer<T: Elem>: Send + Sync {
    /// How many vectors of the parameter's length the rule keeps between steps; all start at zero.
    fn state_slots(&self) -> usize;

    /// What the rule makes of the scalars of an update once it has seen the whole parameter and its gradient.
    fn adapt(&self, step: StepInfo, _info: ParamInfo, _param: &[T], _grad: &[T]) -> StepInfo {
        step
    }

    /// Updates a stretch of a parameter in place from its gradient, element by element; `state` holds exactly
    /// [`Optimizer::state_slots`] slices, and all slices have the same length.
    fn update(&self, step: StepInfo, param: &mut [T], grad: &[T], state: &mut [&mut [T]]);
}

/// The scalars of one update of one parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepInfo {
    /// The learning rate.
    pub lr: f64,
    /// The weight decay.
    pub weight_decay: f64,
    /// The number of this update of the parameter, from 1.
    pub step: usize,
    /// What the gradient is multiplied by first; 1 unless clipped.
    pub grad_scale: f64,
    /// What the decayed gradient is multiplied by for the parameter's own rate; 1 unless the rule adapts it.
    pub trust: f64,
}

/// What an optimizer may know of a parameter besides its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParamInfo {
    /// Its role.
    pub kind: ParamKind,
    /// Its number of dimensions.
    pub ndim: usize,
}

impl ParamInfo {
    /// Biases, scales and shifts of normalisations, and other vectors and scalars: what "no decay for bias and norm" means.
    pub fn is_bias_or_norm(self) -> bool {
        matches!(self.kind, ParamKind::Bias | ParamKind::Norm) || self.ndim <= 1
    }
}

/// The longest stretch one task works on, and the length of the partial sums of norms.
pub(super) const CHUNK: usize = 1 << 14;

/// Applies `body` to stretches of slices that have one length, those that lie beside each other at a time, and in parallel where there are
/// several: what works element by element passes memory once.
pub fn by_stretches<T: Elem>(changed: Vec<&mut [T]>, read: &[T], body: impl Fn(Vec<&mut [T]>, &[T]) + Sync) {
    if read.len() <= CHUNK {
        return body(changed, read);
    }
    let mut stretches: Vec<Vec<&mut [T]>> =
        (0..read.len().div_ceil(CHUNK)).map(|_| Vec::with_capacity(changed.len())).collect();
    for slice in changed {
        stretches.iter_mut().zip(slice.chunks_mut(CHUNK)).for_each(|(stretch, part)| stretch.push(part));
    }
    stretches.into_par_iter().zip(read.par_chunks(CHUNK)).for_each(|(stretch, read)| body(stretch, read));
}

/// The state slices as an array of the number the optimizer asked for.
pub(super) fn slots<'a, T, const S: usize>(state: &'a mut [&mut [T]]) -> [&'a mut [T]; S] {
    let state: &mut [&mut [T]; S] = state.try_into().expect("a caller gives as many slices as state_slots says");
    state.each_mut().map(|s| &mut **s)
}
