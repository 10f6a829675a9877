//! Symbolic dimensions: polynomials with whole coefficients over named sizes, such as `2N + 4096`.
//!
//! Coefficients beyond 64 bits stay at the largest: what is that large is refused, whatever it is exactly.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Add, Mul, Sub};

/// The most summands a size may have, and the most sizes that may be multiplied in one of them.
pub const MAX_SUMMANDS: usize = 256;
/// See [`MAX_SUMMANDS`].
pub const MAX_DEGREE: usize = 64;

/// A dimension: a whole number, a symbol such as the batch size `N`, or sums and products of these.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Dim {
    /// Products of symbols (sorted) to their coefficients; zero coefficients are left out.
    terms: BTreeMap<Vec<String>, i64>,
}

impl Dim {
    /// The number of samples in the training split.
    pub fn samples() -> Dim {
        Dim::symbol("samples")
    }

    /// The batch size.
    pub fn batch() -> Dim {
        Dim::symbol("N")
    }

    /// A named size.
    pub fn symbol(name: &str) -> Dim {
        Dim { terms: BTreeMap::from([(vec![name.to_owned()], 1)]) }
    }

    /// The number, if no symbol is left.
    pub fn constant(&self) -> Option<i64> {
        match self.terms.len() {
            0 => Some(0),
            1 => self.terms.get(&Vec::new()).copied(),
            _ => None,
        }
    }

    /// Whether it is the number `n`.
    pub fn is(&self, n: i64) -> bool {
        self.constant() == Some(n)
    }

    /// How many summands it has, 0 being one.
    pub fn summands(&self) -> usize {
        self.terms.len().max(1)
    }

    /// The most symbols that are multiplied in one of them.
    pub fn degree(&self) -> usize {
        self.terms.keys().map(Vec::len).max().unwrap_or(0)
    }

    /// Whether its product with another is small enough to be worked with.
    pub fn may_times(&self, other: &Dim) -> bool {
        self.summands() * other.summands() <= MAX_SUMMANDS && self.degree() + other.degree() <= MAX_DEGREE
    }

    /// The symbols that occur.
    pub fn symbols(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.terms.keys().flatten().map(String::as_str).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The number when each symbol has the value `size` gives it; `None` where it gives none.
    pub fn eval(&self, size: &dyn Fn(&str) -> Option<i64>) -> Option<i64> {
        self.terms.iter().try_fold(0i64, |sum, (symbols, coefficient)| {
            let product = symbols.iter().try_fold(*coefficient, |p, s| Some(p.saturating_mul(size(s)?)))?;
            Some(sum.saturating_add(product))
        })
    }

    /// Whether it is known to be no less than 0, as sizes are.
    pub fn is_never_negative(&self) -> bool {
        self.terms.values().all(|coefficient| *coefficient >= 0)
    }

    /// The quotient, if it is exact for every value of the symbols: long division of polynomials.
    pub fn divide(&self, by: &Dim) -> Option<Dim> {
        let (symbols, coefficient) = by.leading()?;
        let (mut rest, mut quotient) = (self.clone(), Dim::default());
        while let Some((of, times)) = rest.leading() {
            let mut factor = of.clone();
            for s in symbols {
                factor.remove(factor.iter().position(|f| f == s)?);
            }
            let share = times.checked_div(*coefficient).filter(|share| share * coefficient == *times)?;
            let part = Dim { terms: BTreeMap::from([(factor, share)]) };
            rest = &rest - &(&part * by);
            quotient = &quotient + &part;
        }
        Some(quotient)
    }

    /// The term that is divided first: of the most symbols, and among these the last by name. In this order the leading term of a
    /// product is the product of the leading terms.
    fn leading(&self) -> Option<(&Vec<String>, &i64)> {
        self.terms.iter().max_by_key(|(symbols, _)| (symbols.len(), *symbols))
    }

    /// The product of several dimensions.
    pub fn product<'a>(dims: impl IntoIterator<Item = &'a Dim>) -> Dim {
        dims.into_iter().fold(Dim::from(1i64), |p, d| &p * d)
    }

    fn combine(&self, other: &Dim, sign: i64) -> Dim {
        let mut terms = self.terms.clone();
        for (symbols, coefficient) in &other.terms {
            let sum = terms.entry(symbols.clone()).or_insert(0);
            *sum = sum.saturating_add(sign.saturating_mul(*coefficient));
        }
        terms.retain(|_, c| *c != 0);
        Dim { terms }
    }
}

impl From<i64> for Dim {
    fn from(n: i64) -> Dim {
        Dim { terms: if n == 0 { BTreeMap::new() } else { BTreeMap::from([(Vec::new(), n)]) } }
    }
}

impl From<usize> for Dim {
    fn from(n: usize) -> Dim {
        Dim::from(n as i64)
    }
}

impl Add for &Dim {
    type Output = Dim;
    fn add(self, other: &Dim) -> Dim {
        self.combine(other, 1)
    }
}

impl Sub for &Dim {
    type Output = Dim;
    fn sub(self, other: &Dim) -> Dim {
        self.combine(other, -1)
    }
}

impl Mul for &Dim {
    type Output = Dim;
    fn mul(self, other: &Dim) -> Dim {
        let mut product = Dim::default();
        for (a, x) in &self.terms {
            for (b, y) in &other.terms {
                let mut symbols = [a.as_slice(), b.as_slice()].concat();
                symbols.sort_unstable();
                let sum = product.terms.entry(symbols).or_insert(0);
                *sum = sum.saturating_add(x.saturating_mul(*y));
            }
        }
        product.terms.retain(|_, c| *c != 0);
        product
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.terms.is_empty() {
            return write!(f, "0");
        }
        // Longest products first, the plain number last: `2N + 4096`.
        for (i, (symbols, &c)) in self.terms.iter().rev().enumerate() {
            let sign = if c < 0 { "-" } else { "+" };
            match (i, c < 0) {
                (0, true) => write!(f, "-")?,
                (0, false) => {}
                _ => write!(f, " {sign} ")?,
            }
            match (symbols.is_empty(), c.unsigned_abs()) {
                (true, n) => write!(f, "{n}")?,
                (false, 1) => write!(f, "{}", symbols.join("*"))?,
                (false, n) => write!(f, "{n}{}", symbols.join("*"))?,
            }
        }
        Ok(())
    }
}
