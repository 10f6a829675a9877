//! Sums down the columns of a row-major matrix, a row at a time.
use super::elem::Elem;
use super::parallel;
use super::path::{Path, multiversion};

/// How many rows are summed in the tensors' own type before f64 takes over.
const SHORT: usize = 64;

/// What is summed down the columns: a and a b.
pub trait Summand<T>: Sync {
    /// Adds a and a b of a row to the running sums of every column.
    fn add_row<const FMA: bool>(&self, row: usize, a: &mut [T], ab: &mut [T]);
}

/// a = b = x - shift.
pub struct Deviations<'a, T> {
    /// Rows of `shift.len()` elements.
    pub x: &'a [T],
    /// What is taken off every row of x.
    pub shift: &'a [T],
}

/// a = dy, b = x - shift.
pub struct Gradients<'a, T> {
    /// Rows of `shift.len()` elements.
    pub x: &'a [T],
    /// What is taken off every row of x.
    pub shift: &'a [T],
    /// As many elements as x.
    pub dy: &'a [T],
}

/// a = dy where x scale + level > 0, else 0; b = x - shift.
pub struct Passed<'a, T> {
    /// Rows of `shift.len()` elements.
    pub x: &'a [T],
    /// What is taken off every row of x.
    pub shift: &'a [T],
    /// As many elements as x.
    pub dy: &'a [T],
    /// At least one number a column.
    pub scale: &'a [T],
    /// At least one number a column.
    pub level: &'a [T],
}

impl<T: Elem> Summand<T> for Deviations<'_, T> {
    #[inline(always)]
    fn add_row<const FMA: bool>(&self, row: usize, a: &mut [T], ab: &mut [T]) {
        let x = &self.x[row * a.len()..];
        for (((a, ab), &x), &shift) in a.iter_mut().zip(ab).zip(x).zip(self.shift) {
            let off = x - shift;
            *a += off;
            *ab = off.fma::<FMA>(off, *ab);
        }
    }
}

impl<T: Elem> Summand<T> for Gradients<'_, T> {
    #[inline(always)]
    fn add_row<const FMA: bool>(&self, row: usize, a: &mut [T], ab: &mut [T]) {
        let (x, dy) = (&self.x[row * a.len()..], &self.dy[row * a.len()..]);
        for ((((a, ab), &x), &dy), &shift) in a.iter_mut().zip(ab).zip(x).zip(dy).zip(self.shift) {
            *a += dy;
            *ab = dy.fma::<FMA>(x - shift, *ab);
        }
    }
}

impl<T: Elem> Summand<T> for Passed<'_, T> {
    #[inline(always)]
    fn add_row<const FMA: bool>(&self, row: usize, a: &mut [T], ab: &mut [T]) {
        let (x, dy) = (&self.x[row * a.len()..], &self.dy[row * a.len()..]);
        let columns = self.shift.iter().zip(self.scale).zip(self.level);
        for ((((a, ab), &x), &dy), ((&shift, &scale), &level)) in a.iter_mut().zip(ab).zip(x).zip(dy).zip(columns) {
            let dy = if x.fma::<FMA>(scale, level) > T::ZERO { dy } else { T::ZERO };
            *a += dy;
            *ab = dy.fma::<FMA>(x - shift, *ab);
        }
    }
}

/// a = dy, b = (x - mean) inverse, where each row has its own mean and inverse deviation.
pub struct Rows<'a, T> {
    /// Rows of elements.
    pub x: &'a [T],
    /// The mean and the inverse deviation of each row.
    pub measures: &'a [[T; 2]],
    /// As many elements as x.
    pub dy: &'a [T],
}

impl<T: Elem> Summand<T> for Rows<'_, T> {
    #[inline(always)]
    fn add_row<const FMA: bool>(&self, row: usize, a: &mut [T], ab: &mut [T]) {
        let (x, dy) = (&self.x[row * a.len()..], &self.dy[row * a.len()..]);
        let [mean, inverse] = self.measures[row];
        for (((a, ab), &x), &dy) in a.iter_mut().zip(ab).zip(x).zip(dy) {
            *a += dy;
            *ab = dy.fma::<FMA>((x - mean) * inverse, *ab);
        }
    }
}

/// For each of `c` columns, the sums of a and of a b over the rows from `first` to `last`.
pub fn sums<T: Elem, S: Summand<T>>(summand: &S, c: usize, first: usize, last: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut plain, mut product) = (vec![0.0; c], vec![0.0; c]);
    let mut short = vec![T::ZERO; 2 * c];
    for row in (first..last).step_by(SHORT) {
        short.fill(T::ZERO);
        let end = last.min(row + SHORT);
        let (a, ab) = short.split_at_mut(c);
        add_rows(Path::current(), summand, row, end, a, ab);
        plain.iter_mut().zip(a).for_each(|(total, a)| *total += a.to_f64());
        product.iter_mut().zip(ab).for_each(|(total, ab)| *total += ab.to_f64());
    }
    (plain, product)
}

/// The sums over all `len / c` rows, in fixed pieces combined in order.
pub fn all_sums<T: Elem, S: Summand<T>>(summand: &S, c: usize, len: usize) -> (Vec<f64>, Vec<f64>) {
    let rows = len / c.max(1);
    let per = parallel::rows_per_chunk(c);
    let parts = parallel::map(rows.div_ceil(per).max(1), |i| sums(summand, c, i * per, rows.min((i + 1) * per)));
    let mut total = (vec![0.0; c], vec![0.0; c]);
    for (plain, product) in parts {
        total.0.iter_mut().zip(plain).for_each(|(t, p)| *t += p);
        total.1.iter_mut().zip(product).for_each(|(t, p)| *t += p);
    }
    total
}

multiversion! {
    fn add_rows<const FMA: bool, T: Elem, S: Summand<T>>(summand: &S, first: usize, last: usize, a: &mut [T], ab: &mut [T]) {
        for row in first..last {
            summand.add_row::<FMA>(row, a, ab);
        }
    }
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
    // In halves, not one after the other: each addition waits for the last.
    let eight: [f64; 8] =
        std::array::from_fn(|i| ((lanes[i] + lanes[i + 8]) + (lanes[i + 16] + lanes[i + 24])).to_f64());
    let four: [f64; 4] = std::array::from_fn(|i| eight[i] + eight[i + 4]);
    rest + ((four[0] + four[2]) + (four[1] + four[3]))
}
