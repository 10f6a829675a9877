//! First values of parameters and states.

use super::Real;
use crate::graph::{Fan, Init};
use crate::random::Rng;

/// The first values of the tensor of that name: a function of the seed, the name, the shape and the rule.
pub fn values<T: Real>(init: Init, shape: &[usize], seed: u64, name: &str) -> Vec<T> {
    let seeds: Vec<u64> = std::iter::once(seed).chain(name.bytes().map(u64::from)).collect();
    let mut rng = Rng::new(&seeds);
    let count = shape.iter().product();
    let mut fill = |draw: &dyn Fn(&mut Rng) -> f64| (0..count).map(|_| T::from_f64(draw(&mut rng))).collect();
    match init {
        Init::Constant(value) => vec![T::from_f64(value); count],
        Init::Normal(std) => fill(&|rng| std * rng.normal()),
        Init::TruncatedNormal(std) => fill(&|rng| std * truncated(rng)),
        Init::Uniform(bound) => fill(&|rng| rng.range(-bound, bound)),
        Init::KaimingNormal(fan) => {
            let std = (2.0 / fan_of(shape, fan).max(1) as f64).sqrt();
            fill(&|rng| std * rng.normal())
        }
        Init::Sphere => {
            let mut values = Vec::with_capacity(count);
            while values.len() < count {
                let width = shape.last().copied().unwrap_or(1).max(1).min(count - values.len());
                let mut row: Vec<f64> = (0..width).map(|_| rng.normal()).collect();
                to_unit_length(&mut row);
                values.extend(row.into_iter().map(T::from_f64));
            }
            values
        }
    }
}

/// Connections into an output or out of an input of a weight `[out, in, ...]`, as PyTorch counts them.
fn fan_of(shape: &[usize], fan: Fan) -> usize {
    let window: usize = shape.iter().skip(2).product();
    let side = match fan {
        Fan::In => shape.get(1),
        Fan::Out => shape.first(),
    };
    side.or(shape.first()).copied().unwrap_or(1) * window
}

/// A standard normal number of at most two standard deviations.
fn truncated(rng: &mut Rng) -> f64 {
    loop {
        let x = rng.normal();
        if x.abs() <= 2.0 {
            return x;
        }
    }
}

fn to_unit_length(row: &mut [f64]) {
    let length = row.iter().map(|x| x * x).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    row.iter_mut().for_each(|x| *x /= length);
}
