//! Functions of one tensor, element by element.
use super::elem::Elem;
use super::parallel::{self, CHUNK};
use super::path::{Path, multiversion};

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unary {
    /// -x.
    Neg,
    /// e^x.
    Exp,
    /// The natural logarithm.
    Log,
    /// The square root.
    Sqrt,
    /// x².
    Square,
    /// |x|.
    Abs,
    /// -1, 0 or 1; 0 at 0.
    Sign,
    /// The sine.
    Sin,
    /// The cosine.
    Cos,
    /// The hyperbolic tangent.
    Tanh,
    /// 1 / (1 + e^-x).
    Sigmoid,
    /// log(1 + e^x).
    Softplus,
    /// max(x, 0).
    Relu,
    /// x Φ(x), with the exact normal distribution function Φ.
    Gelu,
    /// The error function.
    Erf,
    /// The inverse of the error function: infinite at -1 and 1, not a number beyond.
    InverseErf,
    /// 1 / x.
    Recip,
}

/// `out = op(x)`.
pub fn unary<T: Elem>(op: Unary, x: &[T], out: &mut [T]) {
    unary_on(Path::current(), op, x, out);
}

/// [`unary`] by a given path.
pub fn unary_on<T: Elem>(path: Path, op: Unary, x: &[T], out: &mut [T]) {
    assert_eq!(x.len(), out.len(), "an element-wise function keeps the size");
    parallel::chunks(out, CHUNK, |start, out| {
        let x = &x[start..start + out.len()];
        apply(path, op, x, out);
    });
}

/// The gradient of x Φ(x): `dx = (Φ(x) + x φ(x)) dy`, φ being the normal density.
pub fn gelu_grad<T: Elem>(x: &[T], dy: &[T], dx: &mut [T]) {
    gelu_grad_on(Path::current(), x, dy, dx);
}

/// [`gelu_grad`] by a given path.
pub fn gelu_grad_on<T: Elem>(path: Path, x: &[T], dy: &[T], dx: &mut [T]) {
    assert!(x.len() == dx.len() && dy.len() == dx.len(), "a gradient has the size of its input");
    parallel::chunks(dx, CHUNK, |start, dx| gelu_slope(path, &x[start..][..dx.len()], &dy[start..][..dx.len()], dx));
}

fn apply<T: Elem>(path: Path, op: Unary, x: &[T], out: &mut [T]) {
    match op {
        Unary::Neg => each(x, out, |v| -v),
        Unary::Sqrt => each(x, out, T::sqrt),
        Unary::Square => each(x, out, |v| v * v),
        Unary::Abs => each(x, out, T::abs),
        Unary::Sign => each(x, out, sign),
        Unary::Sin => each(x, out, T::sin),
        Unary::Cos => each(x, out, T::cos),
        Unary::Relu => each(x, out, relu),
        Unary::Recip => each(x, out, |v| T::ONE / v),
        Unary::Exp => exp(path, x, out),
        Unary::Log => log(path, x, out),
        Unary::Tanh => tanh(path, x, out),
        Unary::Sigmoid => sigmoid(path, x, out),
        Unary::Softplus => softplus(path, x, out),
        Unary::Gelu => gelus(path, x, out),
        Unary::Erf => erf(path, x, out),
        Unary::InverseErf => each(x, out, |v| T::from_f64(inverse_erf(v.to_f64()))),
    }
}

#[inline(always)]
fn each<T: Elem>(x: &[T], out: &mut [T], f: impl Fn(T) -> T) {
    for (o, &v) in out.iter_mut().zip(x) {
        *o = f(v);
    }
}

/// -1, 1, or the zero or NaN itself.
#[inline(always)]
fn sign<T: Elem>(v: T) -> T {
    let below = if v < T::ZERO { -T::ONE } else { v };
    if v > T::ZERO { T::ONE } else { below }
}

/// max(x, 0), or the NaN itself.
#[inline(always)]
pub(super) fn relu<T: Elem>(v: T) -> T {
    if v < T::ZERO { T::ZERO } else { v }
}

/// x Φ(x).
#[inline(always)]
pub(super) fn gelu<const FMA: bool, T: Elem>(v: T) -> T {
    v * v.normal::<FMA>()[0]
}

/// Winitzki's approximation (2008), made exact by three of Halley's steps.
fn inverse_erf(x: f64) -> f64 {
    if x.is_nan() || x.abs() >= 1.0 {
        return if x.abs() == 1.0 { x * f64::INFINITY } else { f64::NAN };
    }
    let log = ((1.0 - x) * (1.0 + x)).ln();
    let half = 2.0 / (std::f64::consts::PI * WINITZKI) + log / 2.0;
    let start = ((half * half - log / WINITZKI).sqrt() - half).max(0.0).sqrt().copysign(x);
    (0..3).fold(start, |y, _| {
        let step = (libm::erf(y) - x) * (y * y).exp() * std::f64::consts::PI.sqrt() / 2.0;
        y - step / (1.0 + y * step)
    })
}

/// The constant of Winitzki's approximation.
const WINITZKI: f64 = 0.147;

multiversion! {
    fn exp<const FMA: bool, T: Elem>(x: &[T], out: &mut [T]) {
        each(x, out, |v| v.exp::<FMA>());
    }
}
multiversion! {
    fn log<const FMA: bool, T: Elem>(x: &[T], out: &mut [T]) {
        each(x, out, |v| v.log::<FMA>());
    }
}
multiversion! {
    fn tanh<const FMA: bool, T: Elem>(x: &[T], out: &mut [T]) {
        each(x, out, |v| v.tanh::<FMA>());
    }
}
multiversion! {
    fn erf<const FMA: bool, T: Elem>(x: &[T], out: &mut [T]) {
        each(x, out, |v| v.erf::<FMA>());
    }
}
multiversion! {
    fn sigmoid<const FMA: bool, T: Elem>(x: &[T], out: &mut [T]) {
        each(x, out, |v| T::ONE / (T::ONE + (-v).exp::<FMA>()));
    }
}
multiversion! {
    fn softplus<const FMA: bool, T: Elem>(x: &[T], out: &mut [T]) {
        each(x, out, |v| {
            let tail = (-v.abs()).exp::<FMA>().log1p::<FMA>();
            if v > T::ZERO { v + tail } else { tail }
        });
    }
}
multiversion! {
    fn gelus<const FMA: bool, T: Elem>(x: &[T], out: &mut [T]) {
        each(x, out, gelu::<FMA, T>);
    }
}
multiversion! {
    fn gelu_slope<const FMA: bool, T: Elem>(x: &[T], dy: &[T], dx: &mut [T]) {
        let scale = T::from_f64((0.5 / std::f64::consts::PI).sqrt());
        for ((dx, &x), &dy) in dx.iter_mut().zip(x).zip(dy) {
            let [cdf, bell] = x.normal::<FMA>();
            *dx = x.fma::<FMA>(scale * bell, cdf) * dy;
        }
    }
}
