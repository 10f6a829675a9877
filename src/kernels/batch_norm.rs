//! Batch normalisation over all but the last dimension (Ioffe & Szegedy 2015), with an optional addition and ReLU after it.
use super::columns::{self, Deviations, Gradients, Passed};
use super::elem::Elem;
use super::parallel;
use super::path::{Path, multiversion};

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

    /// The shift that goes with the scale: what a channel's x is 0 becomes.
    fn level(&self, c: usize) -> f64 {
        self.beta.map_or(0.0, |b| b[c].to_f64()) - self.mean[c].to_f64() * self.scale(c)
    }

    /// A number a channel, for as many rows as make a period.
    fn channels(&self, f: impl Fn(usize) -> f64) -> Vec<T> {
        let row: Vec<T> = (0..self.mean.len()).map(|c| T::from_f64(f(c))).collect();
        row.repeat(PERIOD.div_ceil(row.len().max(1)))
    }

    /// Runs `f(first element, piece)` on pieces of whole rows.
    fn pieces(&self, out: &mut [T], f: impl Fn(usize, &mut [T]) + Sync) {
        let width = self.mean.len();
        parallel::rows(out, width, |first, piece| f(first * width, piece));
    }
}

/// Elements that a loop over channels should have at least.
const PERIOD: usize = 64;

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
        (last - first, shift, columns::sums(&Deviations { x, shift }, c, first, last))
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
    assert_eq!(x.len(), y.len(), "normalising keeps the size");
    let (scale, level) = (bn.channels(|c| bn.scale(c)), bn.channels(|c| bn.level(c)));
    bn.pieces(y, |at, y| rows(Path::current(), &scale, &level, &x[at..at + y.len()], y));
}

/// max(., 0) of [`batch_norm_forward`], plus `residual` if given.
pub fn batch_norm_relu_forward<T: Elem>(bn: &BatchNorm<T>, x: &[T], residual: Option<&[T]>, y: &mut [T]) {
    assert_eq!(x.len(), y.len(), "normalising keeps the size");
    let (scale, level) = (bn.channels(|c| bn.scale(c)), bn.channels(|c| bn.level(c)));
    bn.pieces(y, |at, y| {
        let piece = at..at + y.len();
        match residual {
            Some(r) => add_relu_rows(Path::current(), &scale, &level, &x[piece.clone()], &r[piece], y),
            None => relu_rows(Path::current(), &scale, &level, &x[piece], y),
        }
    });
}

/// The gradients of gamma and beta, given dy.
pub fn batch_norm_param_grad<T: Elem>(bn: &BatchNorm<T>, x: &[T], dy: &[T], dgamma: &mut [T], dbeta: &mut [T]) {
    assert_eq!(x.len(), dy.len(), "a gradient has the size of its output");
    let sums = columns::all_sums(&Gradients { x, shift: bn.mean, dy }, bn.mean.len(), x.len());
    write_param_grad(bn, sums, dgamma, dbeta);
}

/// [`batch_norm_param_grad`] where dy is the gradient of max(., 0) of the normalised x.
pub fn batch_norm_relu_param_grad<T: Elem>(bn: &BatchNorm<T>, x: &[T], dy: &[T], dgamma: &mut [T], dbeta: &mut [T]) {
    assert_eq!(x.len(), dy.len(), "a gradient has the size of its output");
    let (scale, level) = (bn.channels(|c| bn.scale(c)), bn.channels(|c| bn.level(c)));
    let passed = Passed { x, shift: bn.mean, dy, scale: &scale, level: &level };
    write_param_grad(bn, columns::all_sums(&passed, bn.mean.len(), x.len()), dgamma, dbeta);
}

/// Of the sums of dy and of dy (x - mean).
fn write_param_grad<T: Elem>(bn: &BatchNorm<T>, sums: (Vec<f64>, Vec<f64>), dgamma: &mut [T], dbeta: &mut [T]) {
    for c in 0..bn.mean.len() {
        dbeta[c] = T::from_f64(sums.0[c]);
        dgamma[c] = T::from_f64(sums.1[c] * bn.inverse(c));
    }
}

/// The gradient of x where the statistics are those of `count` rows, x among them, given dy and the gradients of gamma and beta by all.
pub fn batch_norm_input_grad<T: Elem>(
    bn: &BatchNorm<T>,
    count: usize,
    x: &[T],
    dy: &[T],
    [dgamma, dbeta]: [&[T]; 2],
    dx: &mut [T],
) {
    assert_eq!(x.len(), dx.len(), "a gradient has the size of its input");
    let line = line(bn, count, dgamma, dbeta);
    bn.pieces(dx, |at, dx| {
        let piece = at..at + dx.len();
        input_grad_rows(Path::current(), &line, &x[piece.clone()], &dy[piece], dx);
    });
}

/// [`batch_norm_input_grad`] where dy is the gradient of max(., 0) of the normalised x.
pub fn batch_norm_relu_input_grad<T: Elem>(
    bn: &BatchNorm<T>,
    count: usize,
    x: &[T],
    dy: &[T],
    [dgamma, dbeta]: [&[T]; 2],
    dx: &mut [T],
) {
    assert_eq!(x.len(), dx.len(), "a gradient has the size of its input");
    let (line, level) = (line(bn, count, dgamma, dbeta), bn.channels(|c| bn.level(c)));
    bn.pieces(dx, |at, dx| {
        let piece = at..at + dx.len();
        relu_input_grad_rows(Path::current(), &line, &level, &x[piece.clone()], &dy[piece], dx);
    });
}

/// What makes the gradient of a channel's x: dy scale + (x - mean) slope + offset.
struct Line<T> {
    mean: Vec<T>,
    scale: Vec<T>,
    slope: Vec<T>,
    offset: Vec<T>,
}

fn line<T: Elem>(bn: &BatchNorm<T>, count: usize, dgamma: &[T], dbeta: &[T]) -> Line<T> {
    let rows = count as f64;
    Line {
        mean: bn.channels(|c| bn.mean[c].to_f64()),
        scale: bn.channels(|c| bn.scale(c)),
        slope: bn.channels(|c| -bn.scale(c) * bn.inverse(c) * dgamma[c].to_f64() / rows),
        offset: bn.channels(|c| -bn.scale(c) * dbeta[c].to_f64() / rows),
    }
}

multiversion! {
    fn rows<const FMA: bool, T: Elem>(scale: &[T], level: &[T], x: &[T], y: &mut [T]) {
        for (x, y) in x.chunks(scale.len()).zip(y.chunks_mut(scale.len())) {
            for (((y, &x), &s), &l) in y.iter_mut().zip(x).zip(scale).zip(level) {
                *y = x.fma::<FMA>(s, l);
            }
        }
    }
}

multiversion! {
    fn relu_rows<const FMA: bool, T: Elem>(scale: &[T], level: &[T], x: &[T], y: &mut [T]) {
        for (x, y) in x.chunks(scale.len()).zip(y.chunks_mut(scale.len())) {
            for (((y, &x), &s), &l) in y.iter_mut().zip(x).zip(scale).zip(level) {
                *y = relu(x.fma::<FMA>(s, l));
            }
        }
    }
}

multiversion! {
    fn add_relu_rows<const FMA: bool, T: Elem>(scale: &[T], level: &[T], x: &[T], r: &[T], y: &mut [T]) {
        let rows = x.chunks(scale.len()).zip(r.chunks(scale.len()));
        for ((x, r), y) in rows.zip(y.chunks_mut(scale.len())) {
            for ((((y, &x), &r), &s), &l) in y.iter_mut().zip(x).zip(r).zip(scale).zip(level) {
                *y = relu(x.fma::<FMA>(s, l) + r);
            }
        }
    }
}

multiversion! {
    fn input_grad_rows<const FMA: bool, T: Elem>(line: &Line<T>, x: &[T], dy: &[T], dx: &mut [T]) {
        let period = line.mean.len();
        for ((x, dy), dx) in x.chunks(period).zip(dy.chunks(period)).zip(dx.chunks_mut(period)) {
            let channels = line.mean.iter().zip(&line.scale).zip(line.slope.iter().zip(&line.offset));
            for (((dx, &x), &dy), ((&mean, &scale), (&slope, &offset))) in dx.iter_mut().zip(x).zip(dy).zip(channels) {
                *dx = dy.fma::<FMA>(scale, (x - mean).fma::<FMA>(slope, offset));
            }
        }
    }
}

multiversion! {
    fn relu_input_grad_rows<const FMA: bool, T: Elem>(line: &Line<T>, level: &[T], x: &[T], dy: &[T], dx: &mut [T]) {
        let period = level.len();
        for ((x, dy), dx) in x.chunks(period).zip(dy.chunks(period)).zip(dx.chunks_mut(period)) {
            let channels = line.mean.iter().zip(&line.scale).zip(line.slope.iter().zip(&line.offset)).zip(level);
            let places = dx.iter_mut().zip(x).zip(dy).zip(channels);
            for (((dx, &x), &dy), (((&mean, &scale), (&slope, &offset)), &level)) in places {
                // As the forward pass rounds it, so that the same values are cut off.
                let dy = if x.fma::<FMA>(scale, level) > T::ZERO { dy } else { T::ZERO };
                *dx = dy.fma::<FMA>(scale, (x - mean).fma::<FMA>(slope, offset));
            }
        }
    }
}

#[inline(always)]
fn relu<T: Elem>(v: T) -> T {
    if v < T::ZERO { T::ZERO } else { v }
}
