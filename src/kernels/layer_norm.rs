//! Layer normalisation over the last dimension (Ba, Kiros & Hinton 2016).
use super::columns::sum_rows;
use super::elem::Elem;
use super::parallel;
use super::path::{Path, multiversion};

/// y = (x - mean) rstd gamma + beta; mean and rstd = 1 / sqrt(var + eps) are kept, one a row.
pub fn layer_norm_forward<T: Elem>(
    x: &[T],
    gamma: Option<&[T]>,
    beta: Option<&[T]>,
    eps: f64,
    y: &mut [T],
    mean: &mut [T],
    rstd: &mut [T],
) {
    let c = width(x, mean);
    let (gamma, beta) = (or(gamma, c, T::ONE), or(beta, c, T::ZERO));
    let per = parallel::rows_per_chunk(c);
    let pieces = y.chunks_mut(per * c).zip(mean.chunks_mut(per)).zip(rstd.chunks_mut(per));
    parallel::each(x.chunks(per * c).zip(pieces), |(x, ((y, mean), rstd))| {
        forward_rows(Path::current(), x, (&gamma, &beta, eps), y, mean, rstd);
    });
}

/// dx, given dy.
pub fn layer_norm_input_grad<T: Elem>(x: &[T], mean: &[T], rstd: &[T], gamma: Option<&[T]>, dy: &[T], dx: &mut [T]) {
    let c = width(x, mean);
    let gamma = or(gamma, c, T::ONE);
    parallel::rows(dx, c, |first, dx| {
        let rows = dx.len() / c;
        let (x, dy) = (&x[first * c..][..dx.len()], &dy[first * c..][..dx.len()]);
        input_grad_rows(Path::current(), x, (&mean[first..][..rows], &rstd[first..][..rows]), &gamma, dy, dx);
    });
}

/// The gradients of gamma and beta, given dy.
pub fn layer_norm_param_grad<T: Elem>(x: &[T], mean: &[T], rstd: &[T], dy: &[T], dgamma: &mut [T], dbeta: &mut [T]) {
    let c = width(x, mean);
    let rows = mean.len();
    let per = parallel::rows_per_chunk(c);
    let parts = parallel::map(rows.div_ceil(per), |i| {
        let mut total = (vec![0.0; c], vec![0.0; c]);
        for first in (i * per..rows.min((i + 1) * per)).step_by(SHORT) {
            let last = rows.min((i + 1) * per).min(first + SHORT);
            let (mut g, mut b) = (vec![T::ZERO; c], vec![T::ZERO; c]);
            let block = (&x[first * c..last * c], &dy[first * c..last * c]);
            param_grad_rows(Path::current(), block, (&mean[first..last], &rstd[first..last]), &mut g, &mut b);
            total.0.iter_mut().zip(g).for_each(|(t, g)| *t += g.to_f64());
            total.1.iter_mut().zip(b).for_each(|(t, b)| *t += b.to_f64());
        }
        total
    });
    for i in 0..c {
        dgamma[i] = T::from_f64(parts.iter().map(|p| p.0[i]).sum());
        dbeta[i] = T::from_f64(parts.iter().map(|p| p.1[i]).sum());
    }
}

/// How many rows are summed in the tensors' own type before f64 takes over.
const SHORT: usize = 64;

fn width<T>(x: &[T], mean: &[T]) -> usize {
    let c = x.len() / mean.len().max(1);
    assert_eq!(x.len(), c * mean.len(), "one mean for each row");
    c
}

fn or<T: Elem>(x: Option<&[T]>, c: usize, value: T) -> Vec<T> {
    x.map_or_else(|| vec![value; c], <[T]>::to_vec)
}

multiversion! {
    fn forward_rows<const FMA: bool, T: Elem>(x: &[T], affine: (&[T], &[T], f64), y: &mut [T], mean: &mut [T], rstd: &mut [T]) {
        let (gamma, beta, eps) = affine;
        let c = gamma.len();
        for (((x, y), mean), rstd) in x.chunks_exact(c).zip(y.chunks_exact_mut(c)).zip(mean).zip(rstd) {
            let m = T::from_f64(sum_rows([x, x], |[v, _]| v) / c as f64);
            let var = sum_rows([x, x], |[v, _]| (v - m) * (v - m)) / c as f64;
            let r = T::from_f64(1.0 / (var + eps).sqrt());
            (*mean, *rstd) = (m, r);
            for (((y, &x), &g), &b) in y.iter_mut().zip(x).zip(gamma).zip(beta) {
                *y = ((x - m) * r).fma::<FMA>(g, b);
            }
        }
    }
}

multiversion! {
    fn input_grad_rows<const FMA: bool, T: Elem>(x: &[T], stats: (&[T], &[T]), gamma: &[T], dy: &[T], dx: &mut [T]) {
        let c = gamma.len();
        let rows = x.chunks_exact(c).zip(dy.chunks_exact(c)).zip(dx.chunks_exact_mut(c));
        for (((x, dy), dx), (&m, &r)) in rows.zip(stats.0.iter().zip(stats.1)) {
            let level = T::from_f64(sum_rows([dy, gamma], |[d, g]| d * g) / c as f64);
            for ((o, &d), &g) in dx.iter_mut().zip(dy).zip(gamma) {
                *o = d * g - level;
            }
            let slope = T::from_f64(sum_rows([dx, x], |[d, x]| d * ((x - m) * r)) / c as f64);
            for (o, &x) in dx.iter_mut().zip(x) {
                *o = (*o - (x - m) * r * slope) * r;
            }
        }
    }
}

multiversion! {
    fn param_grad_rows<const FMA: bool, T: Elem>(block: (&[T], &[T]), stats: (&[T], &[T]), g: &mut [T], b: &mut [T]) {
        let c = g.len();
        let rows = block.0.chunks_exact(c).zip(block.1.chunks_exact(c));
        for ((x, dy), (&m, &r)) in rows.zip(stats.0.iter().zip(stats.1)) {
            for (((g, b), &x), &d) in g.iter_mut().zip(b.iter_mut()).zip(x).zip(dy) {
                *g = d.fma::<FMA>((x - m) * r, *g);
                *b += d;
            }
        }
    }
}
