//! Batch normalisation over all but the last dimension (Ioffe & Szegedy 2015), with an optional addition and ReLU after it.
use super::columns::{self, Pairs};
use super::elem::Elem;
use super::parallel;

/// What one batch normalisation is given: statistics, scale, shift; all of one value a channel.
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm<'a, T> {
    /// The mean of each channel.
    pub mean: &'a [T],
    /// The biased variance of each channel.
    pub var: &'a [T],
    /// The scale (absent: 1).
    pub gamma: Option<&'a [T]>,
    /// The shift (absent: 0).
    pub beta: Option<&'a [T]>,
    /// Added to the variance.
    pub eps: f64,
}

impl<T: Elem> BatchNorm<'_, T> {
    /// 1 / sqrt(var + eps) of a channel.
    fn inverse(&self, c: usize) -> f64 {
        1.0 / (self.var[c].to_f64() + self.eps).sqrt()
    }

    /// What x - mean of a channel is multiplied with.
    fn scale(&self, c: usize) -> f64 {
        self.inverse(c) * self.gamma.map_or(1.0, |g| g[c].to_f64())
    }

    /// A number a channel.
    fn channels(&self, f: impl Fn(usize) -> f64) -> Vec<T> {
        (0..self.mean.len()).map(|c| T::from_f64(f(c))).collect()
    }
}

/// The mean and biased variance of each channel (the last dimension, of `mean.len()`).
pub fn channel_stats<T: Elem>(x: &[T], mean: &mut [T], var: &mut [T]) {
    let c = mean.len();
    let rows = x.len() / c.max(1);
    assert_eq!(x.len(), rows * c, "whole rows of channels");
    let per = parallel::rows_per_chunk(c);
    let parts = parallel::map(rows.div_ceil(per), |i| {
        let (first, last) = (i * per, rows.min((i + 1) * per));
        // Deviations from a row of the piece itself do not cancel.
        let shift = &x[first * c..][..c];
        (last - first, shift, columns::sums(&Pairs { x, shift, dy: None, mask: None }, first, last))
    });
    let (mut count, mut means, mut squares) = (0.0, vec![0.0; c], vec![0.0; c]);
    for (rows, shift, (sum, square)) in parts {
        // Chan, Golub & LeVeque 1979.
        let rows = rows as f64;
        for i in 0..c {
            let delta = shift[i].to_f64() + sum[i] / rows - means[i];
            means[i] += delta * rows / (count + rows);
            squares[i] += square[i] - sum[i] * sum[i] / rows + delta * delta * count * rows / (count + rows);
        }
        count += rows;
    }
    for i in 0..c {
        mean[i] = T::from_f64(means[i]);
        var[i] = T::from_f64((squares[i] / count).max(0.0));
    }
}

/// y = (x - mean) / sqrt(var + eps) * gamma + beta.
pub fn batch_norm_forward<T: Elem>(bn: &BatchNorm<T>, x: &[T], y: &mut [T]) {
    batch_norm_relu_forward(bn, x, None, false, y);
}

/// [`batch_norm_forward`], plus `residual` if given, then max(., 0) if `relu`.
pub fn batch_norm_relu_forward<T: Elem>(bn: &BatchNorm<T>, x: &[T], residual: Option<&[T]>, relu: bool, y: &mut [T]) {
    assert_eq!(x.len(), y.len(), "normalising keeps the size");
    let scale = bn.channels(|c| bn.scale(c));
    let shift = bn.channels(|c| bn.beta.map_or(0.0, |b| b[c].to_f64()) - bn.mean[c].to_f64() * bn.scale(c));
    let floor = if relu { T::ZERO } else { -T::INFINITY };
    each_row(bn.mean.len(), y, |at, y| {
        let x = &x[at..][..y.len()];
        match residual {
            None => {
                for i in 0..y.len() {
                    let v = x[i] * scale[i] + shift[i];
                    y[i] = if v < floor { floor } else { v };
                }
            }
            Some(r) => {
                let r = &r[at..][..y.len()];
                for i in 0..y.len() {
                    let v = x[i] * scale[i] + shift[i] + r[i];
                    y[i] = if v < floor { floor } else { v };
                }
            }
        }
    });
}

/// The gradients of gamma and beta, given dy.
pub fn batch_norm_param_grad<T: Elem>(bn: &BatchNorm<T>, x: &[T], dy: &[T], dgamma: &mut [T], dbeta: &mut [T]) {
    batch_norm_relu_param_grad(bn, x, dy, None, dgamma, dbeta);
}

/// [`batch_norm_param_grad`] where dy counts only at positive values of `relu_output`.
pub fn batch_norm_relu_param_grad<T: Elem>(
    bn: &BatchNorm<T>,
    x: &[T],
    dy: &[T],
    relu_output: Option<&[T]>,
    dgamma: &mut [T],
    dbeta: &mut [T],
) {
    assert_eq!(x.len(), dy.len(), "a gradient has the size of its output");
    let (sum, product) = columns::all_sums(&Pairs { x, shift: bn.mean, dy: Some(dy), mask: relu_output });
    for c in 0..bn.mean.len() {
        dbeta[c] = T::from_f64(sum[c]);
        dgamma[c] = T::from_f64(product[c] * bn.inverse(c));
    }
}

/// The gradient of x where the statistics are those of this x, given dy and the gradients of gamma and beta.
pub fn batch_norm_input_grad<T: Elem>(bn: &BatchNorm<T>, x: &[T], dy: &[T], dgamma: &[T], dbeta: &[T], dx: &mut [T]) {
    batch_norm_relu_input_grad(bn, x, dy, None, (dgamma, dbeta), dx);
}

/// [`batch_norm_input_grad`] where dy counts only at positive values of `relu_output`; `sums` are the gradients of gamma and beta.
pub fn batch_norm_relu_input_grad<T: Elem>(
    bn: &BatchNorm<T>,
    x: &[T],
    dy: &[T],
    relu_output: Option<&[T]>,
    sums: (&[T], &[T]),
    dx: &mut [T],
) {
    assert_eq!(x.len(), dx.len(), "a gradient has the size of its input");
    let rows = (x.len() / bn.mean.len().max(1)) as f64;
    let (dgamma, dbeta) = sums;
    let scale = bn.channels(|c| bn.scale(c));
    let slope = bn.channels(|c| -bn.scale(c) * bn.inverse(c) * dgamma[c].to_f64() / rows);
    let level = bn.channels(|c| -bn.scale(c) * dbeta[c].to_f64() / rows);
    each_row(bn.mean.len(), dx, |at, dx| {
        let (x, dy) = (&x[at..][..dx.len()], &dy[at..][..dx.len()]);
        let rest = |i: usize| (x[i] - bn.mean[i]) * slope[i] + level[i];
        match relu_output {
            None => (0..dx.len()).for_each(|i| dx[i] = dy[i] * scale[i] + rest(i)),
            Some(y) => {
                let y = &y[at..][..dx.len()];
                (0..dx.len()).for_each(|i| dx[i] = if y[i] > T::ZERO { dy[i] * scale[i] } else { T::ZERO } + rest(i));
            }
        }
    });
}

/// Calls `f(first element, row)` on every row.
fn each_row<T: Elem>(c: usize, out: &mut [T], f: impl Fn(usize, &mut [T]) + Sync) {
    parallel::rows(out, c, |first, out| {
        out.chunks_exact_mut(c).enumerate().for_each(|(i, row)| f((first + i) * c, row));
    });
}
