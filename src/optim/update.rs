//! What an optimizer is, and the parallel walk over a parameter that all of them share.

use crate::graph::ParamKind;
use crate::kernels::Elem;

/// An update rule for one parameter at a time, of numbers of one type.
pub trait Optimizer<T: Elem>: Send + Sync {
    /// How many vectors of the parameter's length the rule keeps between steps; all start at zero.
    fn state_slots(&self) -> usize;

    /// Updates `param` in place from its gradient; `state` holds exactly [`Optimizer::state_slots`] slices,
    /// and all slices have the same length.
    fn update(&self, step: StepInfo, info: ParamInfo, param: &mut [T], grad: &[T], state: &mut [&mut [T]]);
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

/// Applies `body` to matching stretches of a parameter, its gradient and its state, in parallel where they are long.
pub(super) fn by_chunks<T: Elem, const S: usize>(
    param: &mut [T],
    grad: &[T],
    mut state: [&mut [T]; S],
    body: &(impl Fn(&mut [T], &[T], [&mut [T]; S]) + Sync),
) {
    if param.len() <= CHUNK {
        return body(param, grad, state);
    }
    let half = (param.len() / 2).next_multiple_of(64);
    let (param_a, param_b) = param.split_at_mut(half);
    let (grad_a, grad_b) = grad.split_at(half);
    let state_a = state.each_mut().map(|whole| {
        let (a, b) = std::mem::take(whole).split_at_mut(half);
        *whole = b;
        a
    });
    rayon::join(|| by_chunks(param_a, grad_a, state_a, body), || by_chunks(param_b, grad_b, state, body));
}

/// The state slices as an array of the number the optimizer asked for.
pub(super) fn slots<'a, T, const S: usize>(state: &'a mut [&mut [T]]) -> [&'a mut [T]; S] {
    let state: &mut [&mut [T]; S] = state.try_into().expect("a caller gives as many slices as state_slots says");
    state.each_mut().map(|s| &mut **s)
}
