//! The exponential moving average that lets one branch's parameters follow another's.

use super::update::by_chunks;

/// `target = decay * target + (1 - decay) * source`, for one parameter.
pub fn ema_update(target: &mut [f32], source: &[f32], decay: f64) {
    let (old, new) = (decay as f32, (1.0 - decay) as f32);
    by_chunks(target, source, [], &|t, s, []| {
        t.iter_mut().zip(s).for_each(|(t, s)| *t = old * *t + new * s);
    });
}
