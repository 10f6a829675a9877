//! The number types the kernels work on: f32 for training, f64 for checking gradients.
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

use super::math;

/// A floating-point type: arithmetic, conversion, and functions written so that loops over them vectorise.
pub trait Elem:
    Copy
    + Default
    + PartialOrd
    + Send
    + Sync
    + std::fmt::Debug
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + Sum
    + 'static
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// Not a number.
    const NAN: Self;
    /// Positive infinity.
    const INFINITY: Self;

    /// The nearest value to `x`.
    fn from_f64(x: f64) -> Self;
    /// This value as f64.
    fn to_f64(self) -> f64;
    /// These values as f32, where that is what they are.
    fn as_f32(x: &[Self]) -> Option<&[f32]>;
    /// These values as f32 to write to, where that is what they are.
    fn as_f32_mut(x: &mut [Self]) -> Option<&mut [f32]>;

    /// `self * b + c`, in one rounding where `FMA`.
    fn fma<const FMA: bool>(self, b: Self, c: Self) -> Self;
    /// e to the power of this.
    fn exp<const FMA: bool>(self) -> Self;
    /// The natural logarithm.
    fn log<const FMA: bool>(self) -> Self;
    /// log(1 + x) of a finite number.
    fn log1p<const FMA: bool>(self) -> Self;
    /// The hyperbolic tangent.
    fn tanh<const FMA: bool>(self) -> Self;
    /// The error function.
    fn erf<const FMA: bool>(self) -> Self;
    /// The standard normal distribution function, and e^(-x²/2).
    fn normal<const FMA: bool>(self) -> [Self; 2];
    /// The square root.
    fn sqrt(self) -> Self;
    /// The absolute value.
    fn abs(self) -> Self;
    /// The largest whole number not above this.
    fn floor(self) -> Self;
    /// The sine.
    fn sin(self) -> Self;
    /// The cosine.
    fn cos(self) -> Self;
    /// This to the power of `e`.
    fn pow(self, e: Self) -> Self;
}

macro_rules! elem {
    ($t:ident, $as:expr, $as_mut:expr, $exp:path, $log:path, $log1p:path, $tanh:path, $erf:path, $normal:path) => {
        impl Elem for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const NAN: Self = $t::NAN;
            const INFINITY: Self = $t::INFINITY;

            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            fn as_f32(x: &[Self]) -> Option<&[f32]> {
                $as(x)
            }
            fn as_f32_mut(x: &mut [Self]) -> Option<&mut [f32]> {
                $as_mut(x)
            }
            #[inline(always)]
            fn fma<const FMA: bool>(self, b: Self, c: Self) -> Self {
                if FMA { self.mul_add(b, c) } else { self * b + c }
            }
            #[inline(always)]
            fn exp<const FMA: bool>(self) -> Self {
                $exp(self)
            }
            #[inline(always)]
            fn log<const FMA: bool>(self) -> Self {
                $log(self)
            }
            #[inline(always)]
            fn log1p<const FMA: bool>(self) -> Self {
                $log1p(self)
            }
            #[inline(always)]
            fn tanh<const FMA: bool>(self) -> Self {
                $tanh(self)
            }
            #[inline(always)]
            fn erf<const FMA: bool>(self) -> Self {
                $erf(self)
            }
            #[inline(always)]
            fn normal<const FMA: bool>(self) -> [Self; 2] {
                $normal(self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $t::sqrt(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $t::abs(self)
            }
            #[inline(always)]
            fn floor(self) -> Self {
                $t::floor(self)
            }
            fn sin(self) -> Self {
                $t::sin(self)
            }
            fn cos(self) -> Self {
                $t::cos(self)
            }
            fn pow(self, e: Self) -> Self {
                $t::powf(self, e)
            }
        }
    };
}

elem!(
    f32,
    Some,
    Some,
    math::exp::<FMA>,
    math::log::<FMA>,
    math::log1p::<FMA>,
    math::tanh::<FMA>,
    math::erf::<FMA>,
    math::normal::<FMA>
);
elem!(f64, |_| None, |_| None, f64::exp, f64::ln, f64::ln_1p, f64::tanh, libm::erf, normal);

/// [`math::normal`] of f64.
fn normal(x: f64) -> [f64; 2] {
    [0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2), (-0.5 * x * x).exp()]
}
