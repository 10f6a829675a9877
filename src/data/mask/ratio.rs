//! A share of patches: one number, drawn from a range, or chosen from a list of these.

use crate::catalog::Arg;
use crate::random::Rng;

/// Ranges, one of which is chosen, from which then a number is drawn; a single number is a range of one point.
#[derive(Clone, Debug, PartialEq)]
pub struct Ratio(Vec<(f64, f64)>);

impl Ratio {
    /// The ratio an argument gives; `None` where it was left out.
    pub fn from_arg(arg: &Arg) -> Option<Self> {
        let range = |arg: &Arg| match arg {
            Arg::Number(x) => Some((*x, *x)),
            Arg::Range(a, b) => Some((*a, *b)),
            _ => None,
        };
        let ranges: Option<Vec<_>> = match arg {
            Arg::List(items) => items.iter().map(range).collect(),
            one => range(one).map(|r| vec![r]),
        };
        ranges.filter(|r| !r.is_empty()).map(Ratio)
    }

    /// The smallest and the largest that can be drawn.
    pub fn bounds(&self) -> (f64, f64) {
        self.0.iter().fold((1.0, 0.0), |(low, high), (a, b)| (low.min(*a), high.max(*b)))
    }

    /// Draws one.
    pub fn draw(&self, rng: &mut Rng) -> f64 {
        let (low, high) = if self.0.len() == 1 { self.0[0] } else { self.0[rng.below(self.0.len())] };
        if low == high { low } else { rng.range(low, high) }
    }
}
