//! Functions of each element, arithmetic, comparison and choice.

use super::lowering::{Lower, mask};
use candle_core::{Result, Tensor};

/// Every operation of this family.
pub const LOWERINGS: &[(&str, Lower)] = &[
    ("neg", |_, x, _| x[0].neg()),
    ("exp", |_, x, _| x[0].exp()),
    ("log", |_, x, _| x[0].log()),
    ("sqrt", |_, x, _| x[0].sqrt()),
    ("square", |_, x, _| x[0].sqr()),
    ("recip", |_, x, _| x[0].recip()),
    ("abs", |_, x, _| abs(&x[0])),
    ("sign", |_, x, _| x[0].detach().sign()),
    ("sin", |_, x, _| x[0].sin()),
    ("cos", |_, x, _| x[0].cos()),
    ("tanh", |_, x, _| x[0].tanh()),
    ("sigmoid", |_, x, _| (x[0].affine(0.5, 0.0)?.tanh()? + 1.0)? * 0.5),
    // (x + |x|) / 2 + log(1 + e^-|x|), whose gradient at 0 is 1/2.
    ("softplus", |_, x, _| {
        let size = abs(&x[0])?;
        ((&x[0] + &size)? * 0.5)? + (size.neg()?.exp()? + 1.0)?.log()?
    }),
    // Candle's own relu has the gradient 1 at 0.
    ("relu", |_, x, _| &x[0] * mask(&x[0].detach().gt(0.0)?, &x[0])?),
    ("gelu", |_, x, _| {
        let cdf = ((&x[0] * std::f64::consts::FRAC_1_SQRT_2)?.erf()? + 1.0)? * 0.5;
        &x[0] * cdf?
    }),
    ("erf", |_, x, _| x[0].erf()),
    ("inverse_erf", |_, x, _| inverse_erf(&x[0])),
    ("clamp", |site, x, _| {
        let (min, max) = (site.attrs.get_float("min"), site.attrs.get_float("max"));
        let fixed = x[0].detach();
        let inside = (fixed.ge(min)? * fixed.le(max)?)?;
        inside.where_cond(&x[0], &fixed.clamp(min, max)?)
    }),
    ("stopgrad", |_, x, _| Ok(x[0].detach())),
    ("add", |_, x, _| x[0].broadcast_add(&x[1])),
    ("sub", |_, x, _| x[0].broadcast_sub(&x[1])),
    ("mul", |_, x, _| x[0].broadcast_mul(&x[1])),
    ("div", |_, x, _| x[0].broadcast_div(&x[1])),
    ("pow", |_, x, _| pow(&x[0], &x[1])),
    ("maximum", |_, x, _| x[0].broadcast_maximum(&x[1])),
    ("minimum", |_, x, _| x[0].broadcast_minimum(&x[1])),
    ("less", |_, x, _| mask(&x[0].detach().broadcast_lt(&x[1].detach())?, &x[0])),
    ("less_equal", |_, x, _| mask(&x[0].detach().broadcast_le(&x[1].detach())?, &x[0])),
    ("equal", |_, x, _| mask(&x[0].detach().broadcast_eq(&x[1].detach())?, &x[0])),
    ("not_equal", |_, x, _| mask(&x[0].detach().broadcast_ne(&x[1].detach())?, &x[0])),
    ("select", |site, x, _| {
        let wide = |x: &Tensor| x.broadcast_as(site.output)?.contiguous();
        wide(&x[0].detach())?.ne(0.0)?.where_cond(&wide(&x[1])?, &wide(&x[2])?)
    }),
];

/// |x| with the gradient 0 at 0; candle's own has 1.
fn abs(x: &Tensor) -> Result<Tensor> {
    x * x.detach().sign()?
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
    &y - ((y.erf()? - x)? * slope(&y)?)?
}

/// A number as exponent allows negative bases; candle's general power does not.
fn pow(base: &Tensor, exponent: &Tensor) -> Result<Tensor> {
    if exponent.elem_count() == 1 && !exponent.track_op() && exponent.rank() <= base.rank() {
        let exponent = exponent.flatten_all()?.to_dtype(candle_core::DType::F64)?.to_vec1::<f64>()?;
        return base.powf(exponent[0]);
    }
    base.broadcast_pow(exponent)
}
