//! The exponential moving average that lets one branch's parameters follow another's.

use super::update::by_chunks;
use crate::kernels::Elem;

/// `target = decay * target + (1 - decay) * source`, for one parameter.
pub fn ema_update<T: Elem>(target: &mut [T], source: &[T], decay: f64) {
    let [old, new] = [decay, 1.0 - decay].map(T::from_f64);
    by_chunks(target, source, [], &|t, s, []| {
        t.iter_mut().zip(s).for_each(|(t, s)| *t = old * *t + new * *s);
    });
}
