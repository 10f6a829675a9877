//! Sums down the columns of a row-major matrix, a few columns at a time in registers.
use super::elem::Elem;
use super::parallel;
use super::path::{Path, multiversion};

/// How many rows are summed in the tensors' own type before f64 takes over.
const SHORT: usize = 64;

/// For every column, the sums of `f(row)` and `g(row)`, where both are products of what `Pairs` names.
pub fn sums<T: Elem>(pairs: &Pairs<T>, first: usize, last: usize) -> (Vec<f64>, Vec<f64>) {
    let c = pairs.shift.len();
    let (mut plain, mut product) = (vec![0.0; c], vec![0.0; c]);
    for row in (first..last).step_by(SHORT) {
        let end = last.min(row + SHORT);
        add_block(Path::current(), pairs, row, end, &mut plain, &mut product);
    }
    (plain, product)
}

/// The sums over all rows, in fixed pieces combined in order.
pub fn all_sums<T: Elem>(pairs: &Pairs<T>) -> (Vec<f64>, Vec<f64>) {
    let c = pairs.shift.len();
    let rows = pairs.x.len() / c.max(1);
    let per = parallel::rows_per_chunk(c);
    let parts = parallel::map(rows.div_ceil(per).max(1), |i| sums(pairs, i * per, rows.min((i + 1) * per)));
    let mut total = (vec![0.0; c], vec![0.0; c]);
    for (plain, product) in parts {
        total.0.iter_mut().zip(plain).for_each(|(t, p)| *t += p);
        total.1.iter_mut().zip(product).for_each(|(t, p)| *t += p);
    }
    total
}

/// The columns' sums of `a` and of `a * (x - shift)`, where `a` is `dy`, or `x - shift` itself if there is none.
pub struct Pairs<'a, T> {
    /// Rows of `shift.len()` elements.
    pub x: &'a [T],
    /// What is taken off every row of x.
    pub shift: &'a [T],
    /// As many elements as x.
    pub dy: Option<&'a [T]>,
    /// dy counts only where this is above 0.
    pub mask: Option<&'a [T]>,
}

multiversion! {
    fn add_block<const FMA: bool, T: Elem>(pairs: &Pairs<T>, first: usize, last: usize, plain: &mut [f64], product: &mut [f64]) {
        let c = pairs.shift.len();
        let mut at = 0;
        while at + 32 <= c {
            add_tile::<FMA, T, 32>(pairs, first, last, at, plain, product);
            at += 32;
        }
        while at + 8 <= c {
            add_tile::<FMA, T, 8>(pairs, first, last, at, plain, product);
            at += 8;
        }
        while at < c {
            add_tile::<FMA, T, 1>(pairs, first, last, at, plain, product);
            at += 1;
        }
    }
}

#[inline(always)]
fn add_tile<const FMA: bool, T: Elem, const W: usize>(
    pairs: &Pairs<T>,
    first: usize,
    last: usize,
    at: usize,
    plain: &mut [f64],
    product: &mut [f64],
) {
    let c = pairs.shift.len();
    let shift: [T; W] = tile(pairs.shift, at);
    let (mut s, mut q) = ([T::ZERO; W], [T::ZERO; W]);
    for row in first..last {
        let x: [T; W] = tile(pairs.x, row * c + at);
        let off: [T; W] = std::array::from_fn(|i| x[i] - shift[i]);
        let a = match (pairs.dy, pairs.mask) {
            (None, _) => off,
            (Some(dy), None) => tile(dy, row * c + at),
            (Some(dy), Some(mask)) => masked(tile(dy, row * c + at), tile(mask, row * c + at)),
        };
        for i in 0..W {
            s[i] += a[i];
            q[i] = a[i].fma::<FMA>(off[i], q[i]);
        }
    }
    for i in 0..W {
        plain[at + i] += s[i].to_f64();
        product[at + i] += q[i].to_f64();
    }
}

#[inline(always)]
fn tile<T: Elem, const W: usize>(x: &[T], at: usize) -> [T; W] {
    *x[at..].first_chunk().expect("a tile lies within the row")
}

#[inline(always)]
fn masked<T: Elem, const W: usize>(dy: [T; W], mask: [T; W]) -> [T; W] {
    std::array::from_fn(|i| if mask[i] > T::ZERO { dy[i] } else { T::ZERO })
}

/// The sum over one row (or the pair of two equally long ones) of `f`, by 32 running sums.
#[inline(always)]
pub fn sum_rows<T: Elem>(rows: [&[T]; 2], f: impl Fn([T; 2]) -> T) -> f64 {
    let (groups, rest) = rows[0].as_chunks::<32>();
    let (others, other_rest) = rows[1].as_chunks::<32>();
    let mut lanes = [T::ZERO; 32];
    for (a, b) in groups.iter().zip(others) {
        for i in 0..32 {
            lanes[i] += f([a[i], b[i]]);
        }
    }
    let rest: f64 = rest.iter().zip(other_rest).map(|(&a, &b)| f([a, b]).to_f64()).sum();
    rest + lanes.iter().map(|v| v.to_f64()).sum::<f64>()
}
