//! Functions of each element, arithmetic, comparison and choice.

use super::lowering::{Lower, mask};
use crate::exec::site::Site;
use crate::graph::Operation;
use crate::graph::ops::{activation, binary, elementwise, select};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor, bail};

/// Every operation of this family.
pub const LOWERINGS: &[(&Operation, Lower)] = &[
    (&elementwise::NEG, |_, x, _| x[0].neg()),
    (&elementwise::EXP, |_, x, _| x[0].exp()),
    (&elementwise::LOG, |_, x, _| x[0].log()),
    (&elementwise::SQRT, |_, x, _| x[0].sqrt()),
    (&elementwise::SQUARE, |_, x, _| x[0].sqr()),
    (&elementwise::RECIP, |_, x, _| x[0].recip()),
    (&elementwise::ABS, |_, x, _| abs(&x[0])),
    (&elementwise::SIGN, |_, x, _| x[0].detach().sign()),
    (&elementwise::SIN, |_, x, _| x[0].sin()),
    (&elementwise::COS, |_, x, _| x[0].cos()),
    (&activation::TANH, |_, x, _| x[0].tanh()),
    (&activation::SIGMOID, |_, x, _| (x[0].affine(0.5, 0.0)?.tanh()? + 1.0)? * 0.5),
    // max(x, 0) + log(1 + e^-|x|); at 0, where both have a kink, the maximum passes on half of the gradient.
    (&activation::SOFTPLUS, |_, x, _| x[0].maximum(0.0)? + log1p(&abs(&x[0])?.neg()?.exp()?)?),
    // Candle's own relu has the gradient 1 at 0.
    (&activation::RELU, |_, x, _| x[0].detach().le(0.0)?.where_cond(&x[0].zeros_like()?, &x[0])),
    (&activation::GELU, |_, x, _| {
        let cdf = ((&x[0] * std::f64::consts::FRAC_1_SQRT_2)?.erf()? + 1.0)? * 0.5;
        &x[0] * cdf?
    }),
    (&elementwise::ERF, |_, x, _| x[0].erf()),
    (&elementwise::INVERSE_ERF, |_, x, _| inverse_erf(&x[0])),
    (&elementwise::CLAMP, |site, x, _| {
        let (min, max) = (site.attrs.get_float("min"), site.attrs.get_float("max"));
        let fixed = x[0].detach();
        let inside = (fixed.ge(min)? * fixed.le(max)?)?;
        inside.where_cond(&x[0], &fixed.clamp(min, max)?)
    }),
    (&elementwise::STOPGRAD, |_, x, _| Ok(x[0].detach())),
    (&binary::ADD, |_, x, _| x[0].broadcast_add(&x[1])),
    (&binary::SUB, |_, x, _| x[0].broadcast_sub(&x[1])),
    (&binary::MUL, |_, x, _| x[0].broadcast_mul(&x[1])),
    (&binary::DIV, |_, x, _| x[0].broadcast_div(&x[1])),
    (&binary::POW, |site, x, _| wide(site, &x[0])?.apply_op2(&wide(site, &x[1])?, Pow)),
    (&binary::MAXIMUM, |site, x, _| unless_nan(&wide(site, &x[1])?, x[0].broadcast_maximum(&x[1])?)),
    (&binary::MINIMUM, |site, x, _| unless_nan(&wide(site, &x[1])?, x[0].broadcast_minimum(&x[1])?)),
    (&binary::LESS, |_, x, _| mask(&x[0].detach().broadcast_lt(&x[1].detach())?, &x[0])),
    (&binary::LESS_EQUAL, |_, x, _| mask(&x[0].detach().broadcast_le(&x[1].detach())?, &x[0])),
    (&binary::EQUAL, |_, x, _| mask(&x[0].detach().broadcast_eq(&x[1].detach())?, &x[0])),
    (&binary::NOT_EQUAL, |_, x, _| mask(&x[0].detach().broadcast_ne(&x[1].detach())?, &x[0])),
    (&select::SELECT, |site, x, _| {
        wide(site, &x[0].detach())?.ne(0.0)?.where_cond(&wide(site, &x[1])?, &wide(site, &x[2])?)
    }),
];

/// Repeated to the shape of the result.
fn wide(site: &Site, x: &Tensor) -> Result<Tensor> {
    x.broadcast_as(site.output)?.contiguous()
}

/// `y`, or the NaN in its place in `x`, which candle's comparisons pass over.
fn unless_nan(x: &Tensor, y: Tensor) -> Result<Tensor> {
    x.detach().ne(&x.detach())?.where_cond(x, &y)
}

/// |x| with the gradient 0 at 0; candle's own has 1.
fn abs(x: &Tensor) -> Result<Tensor> {
    x * x.detach().sign()?
}

/// log(1 + x) of numbers from 0 to 1: where the sum has lost digits of `x`, the logarithm is corrected by as much (Kahan).
fn log1p(x: &Tensor) -> Result<Tensor> {
    let (sum, fixed) = ((x + 1.0)?, x.detach());
    let (log, added) = (sum.log()?, (sum.detach() - 1.0)?);
    let value = added.eq(0.0)?.where_cond(&fixed, &(log.detach() * (&fixed / &added)?)?)?;
    value + (&log - log.detach())?
}

/// Winitzki's approximation and Newton's steps on it; the last step has the gradient.
fn inverse_erf(x: &Tensor) -> Result<Tensor> {
    let (fixed, a) = (x.detach(), 0.147);
    let log = (1.0 - fixed.sqr()?)?.log()?;
    let half = ((&log / 2.0)? + 2.0 / (std::f64::consts::PI * a))?;
    let root = ((half.sqr()? - (log / a)?)?.sqrt()? - half)?.maximum(0.0)?.sqrt()?;
    let slope = |y: &Tensor| y.sqr()?.exp()? * (std::f64::consts::PI.sqrt() / 2.0);
    let mut y = (root * fixed.sign()?)?;
    for _ in 0..5 {
        y = (&y - ((y.erf()? - &fixed)? * slope(&y)?)?)?;
    }
    let inside = (&y - ((y.erf()? - x)? * slope(&y)?)?)?;
    fixed.abs()?.eq(1.0)?.where_cond(&(fixed * f64::INFINITY)?, &inside)
}

/// `a ^ b` of one shape. Candle's own goes by the logarithm of `a`, which must then be positive.
struct Pow;

impl CustomOp2 for Pow {
    fn name(&self) -> &'static str {
        "pow"
    }

    fn cpu_fwd(&self, a: &CpuStorage, at: &Layout, b: &CpuStorage, bt: &Layout) -> Result<(CpuStorage, Shape)> {
        let (Some((i, j)), Some((k, l))) = (at.contiguous_offsets(), bt.contiguous_offsets()) else {
            bail!("powers are of tensors that lie in one piece");
        };
        let powers = match (a, b) {
            (CpuStorage::F32(a), CpuStorage::F32(b)) => {
                CpuStorage::F32(a[i..j].iter().zip(&b[k..l]).map(|(a, b)| a.powf(*b)).collect())
            }
            (CpuStorage::F64(a), CpuStorage::F64(b)) => {
                CpuStorage::F64(a[i..j].iter().zip(&b[k..l]).map(|(a, b)| a.powf(*b)).collect())
            }
            _ => bail!("powers are of real numbers of one type"),
        };
        Ok((powers, at.shape().clone()))
    }

    /// `dy b a^(b - 1)`, 0 where `b` is 0, and `dy a^b ln a`, 0 where `a` is 0.
    fn bwd(&self, a: &Tensor, b: &Tensor, y: &Tensor, dy: &Tensor) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let (a, b, y) = (a.detach(), b.detach(), y.detach());
        let zero = y.zeros_like()?;
        let slope = b.eq(0.0)?.where_cond(&zero, &(&b * a.apply_op2(&(&b - 1.0)?, Pow)?)?)?;
        let growth = a.eq(0.0)?.where_cond(&zero, &(&y * a.log()?)?)?;
        Ok((Some((dy * slope)?), Some((dy * growth)?)))
    }
}
