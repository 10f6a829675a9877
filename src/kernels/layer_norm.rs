//! Layer normalisation over the last dimension (Ba, Kiros & Hinton 2016). Gradients measure each row anew: it is read anyway.
use super::columns::{self, Rows, sum_rows};
use super::elem::Elem;
use super::parallel;
use super::path::{Path, multiversion};

/// y = (x - mean) / sqrt(var + eps) * gamma + beta of each row of `c`.
pub fn layer_norm_forward<T: Elem>(x: &[T], c: usize, affine: Option<[&[T]; 2]>, eps: f64, y: &mut [T]) {
    assert_eq!(x.len(), y.len(), "normalising keeps the size");
    let [gamma, beta] = affine.map_or_else(|| [vec![T::ONE; c], vec![T::ZERO; c]], |both| both.map(<[T]>::to_vec));
    parallel::rows(y, c, |first, y| {
        forward_rows(Path::current(), &x[first * c..][..y.len()], &gamma, &beta, eps, y);
    });
}

/// dx, given dy.
pub fn layer_norm_input_grad<T: Elem>(x: &[T], c: usize, gamma: Option<&[T]>, eps: f64, dy: &[T], dx: &mut [T]) {
    assert!(x.len() == dx.len() && dy.len() == dx.len(), "a gradient has the size of its input");
    let gamma = gamma.map_or_else(|| vec![T::ONE; c], <[T]>::to_vec);
    parallel::rows(dx, c, |first, dx| {
        let piece = first * c..first * c + dx.len();
        input_grad_rows(Path::current(), &x[piece.clone()], &gamma, eps, &dy[piece], dx);
    });
}

/// The gradients of gamma and beta, given dy.
pub fn layer_norm_param_grad<T: Elem>(x: &[T], eps: f64, dy: &[T], dgamma: &mut [T], dbeta: &mut [T]) {
    let c = dgamma.len();
    let rows = x.len() / c.max(1);
    let per = parallel::rows_per_chunk(c);
    let parts = parallel::map(rows.div_ceil(per), |i| {
        let piece = i * per * c..rows.min((i + 1) * per) * c;
        let (x, dy) = (&x[piece.clone()], &dy[piece]);
        let mut measures = vec![[T::ZERO; 2]; x.len() / c];
        measure_rows(Path::current(), x, eps, &mut measures);
        columns::sums(&Rows { x, measures: &measures, dy }, c, 0, measures.len())
    });
    for i in 0..c {
        dbeta[i] = T::from_f64(parts.iter().map(|p| p.0[i]).sum());
        dgamma[i] = T::from_f64(parts.iter().map(|p| p.1[i]).sum());
    }
}

/// Mean and 1 / sqrt(var + eps) of a row.
#[inline(always)]
fn measure<T: Elem>(x: &[T], eps: f64) -> [T; 2] {
    let count = x.len() as f64;
    let mean = T::from_f64(sum_rows([x, x], |[v, _]| v) / count);
    let var = sum_rows([x, x], |[v, _]| (v - mean) * (v - mean)) / count;
    [mean, T::from_f64(1.0 / (var + eps).sqrt())]
}

multiversion! {
    fn measure_rows<const FMA: bool, T: Elem>(x: &[T], eps: f64, measures: &mut [[T; 2]]) {
        let c = x.len() / measures.len().max(1);
        for (x, measures) in x.chunks_exact(c).zip(measures) {
            *measures = measure(x, eps);
        }
    }
}

multiversion! {
    fn forward_rows<const FMA: bool, T: Elem>(x: &[T], gamma: &[T], beta: &[T], eps: f64, y: &mut [T]) {
        for (x, y) in x.chunks_exact(gamma.len()).zip(y.chunks_exact_mut(gamma.len())) {
            let [mean, inverse] = measure(x, eps);
            for (((y, &x), &g), &b) in y.iter_mut().zip(x).zip(gamma).zip(beta) {
                *y = ((x - mean) * inverse).fma::<FMA>(g, b);
            }
        }
    }
}

multiversion! {
    fn input_grad_rows<const FMA: bool, T: Elem>(x: &[T], gamma: &[T], eps: f64, dy: &[T], dx: &mut [T]) {
        let c = gamma.len();
        for ((x, dy), dx) in x.chunks_exact(c).zip(dy.chunks_exact(c)).zip(dx.chunks_exact_mut(c)) {
            let [mean, inverse] = measure(x, eps);
            for ((dx, &dy), &g) in dx.iter_mut().zip(dy).zip(gamma) {
                *dx = dy * g;
            }
            let level = T::from_f64(sum_rows([dx, x], |[d, _]| d) / c as f64);
            let slope = T::from_f64(sum_rows([dx, x], |[d, x]| d * ((x - mean) * inverse)) / c as f64);
            for (dx, &x) in dx.iter_mut().zip(x) {
                *dx = (*dx - ((x - mean) * inverse).fma::<FMA>(slope, level)) * inverse;
            }
        }
    }
}
