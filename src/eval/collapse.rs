//! Whether features have collapsed: to a point (standard deviation) or to few dimensions (effective rank).

use super::features::{moments, normalized, sampled};
use super::uniformity::uniformity;
use crate::kernels::{Gram, Matrix, symmetric_eigenvalues};

/// How spread out features are.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Spread {
    /// See [`feature_std`].
    pub std: f64,
    /// See [`effective_rank`].
    pub effective_rank: f64,
    /// See [`uniformity()`].
    pub uniformity: f64,
}

/// All measures that need features alone, `[rows, dim]`.
pub fn spread(values: &[f32], dim: usize) -> Spread {
    Spread {
        std: feature_std(values, dim),
        effective_rank: effective_rank(values, dim),
        uniformity: uniformity(values, dim),
    }
}

/// The standard deviation of each dimension of l2-normalised features `[rows, dim]`, averaged: 0 where all are one point,
/// 1 / sqrt(dim) where they fill the sphere (Chen & He 2021, arXiv:2011.10566, section 4.1). Unbiased, as `torch.std`.
pub fn feature_std(values: &[f32], dim: usize) -> f64 {
    let rows = values.len() / dim.max(1);
    let (_, variance) = moments(&normalized(values, dim), dim);
    let unbias = rows as f64 / rows.saturating_sub(1).max(1) as f64;
    variance.iter().map(|v| (v * unbias).sqrt()).sum::<f64>() / dim.max(1) as f64
}

/// The largest matrix whose eigenvalues are taken, and the most rows that enter it.
const LARGEST: usize = 512;
const MOST_ROWS: usize = 2048;

/// The number of dimensions features `[rows, dim]` use: exp of the entropy of their singular values, scaled to sum to one
/// (RankMe, Garrido et al. 2023, arXiv:2210.02885). NaN where a feature is not finite.
///
/// Of more than 2048 rows, evenly spread ones are taken; of features longer than 512, only 512 rows, which bounds the result.
pub fn effective_rank(values: &[f32], dim: usize) -> f64 {
    let rows = sampled(values, dim, if dim > LARGEST { LARGEST } else { MOST_ROWS });
    let count = rows.len() / dim.max(1);
    if rows.is_empty() || rows.iter().any(|x| !x.is_finite()) {
        return f64::NAN;
    }
    let rows: Vec<f64> = rows.iter().map(|&x| f64::from(x)).collect();
    let (x, side) = (Matrix::new(&rows, count, dim), count.min(dim));
    let mut gram = Gram::new(side);
    gram.add(if count <= dim { x.t() } else { x });
    let singular: Vec<f64> =
        symmetric_eigenvalues(&mut gram.over(1.0), side).iter().map(|l| l.max(0.0).sqrt()).collect();
    let total: f64 = singular.iter().sum();
    let entropy: f64 = singular.iter().map(|s| s / total).filter(|p| *p > 0.0).map(|p| -p * p.ln()).sum();
    if total > 0.0 { entropy.exp() } else { 0.0 }
}
