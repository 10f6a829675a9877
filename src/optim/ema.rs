//! The exponential moving average that lets one branch's parameters follow another's.

use crate::kernels::Elem;

/// `target = decay * target + (1 - decay) * source`, for a stretch of one parameter.
pub fn ema_update<T: Elem>(target: &mut [T], source: &[T], decay: f64) {
    let [old, new] = [decay, 1.0 - decay].map(T::from_f64);
    target.iter_mut().zip(source).for_each(|(t, s)| *t = old * *t + new * *s);
}
