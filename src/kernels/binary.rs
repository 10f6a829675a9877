//! Functions of two or three tensors, element by element, with broadcasting.
use super::elem::Elem;
use super::strided::{Run, Walk, broadcast, count};

/// A function of two numbers; comparisons give 1 or 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    /// a + b.
    Add,
    /// a - b.
    Sub,
    /// a b.
    Mul,
    /// a / b.
    Div,
    /// a to the power of b.
    Pow,
    /// The smaller; NaN if either is.
    Min,
    /// The larger; NaN if either is.
    Max,
    /// a = b.
    Eq,
    /// a ≠ b.
    Ne,
    /// a < b.
    Lt,
    /// a ≤ b.
    Le,
}

/// `out = op(a, b)` over `out_dims`; a and b (contiguous) repeat along dimensions of size 1 and missing leading ones.
pub fn binary<T: Elem>(
    op: Binary,
    a: &[T],
    a_dims: &[usize],
    b: &[T],
    b_dims: &[usize],
    out: &mut [T],
    out_dims: &[usize],
) {
    check(a, a_dims);
    check(b, b_dims);
    check(out, out_dims);
    let walk = Walk::new(out_dims, [broadcast(a_dims, out_dims), broadcast(b_dims, out_dims)]);
    match op {
        Binary::Add => zip(&walk, a, b, out, |a, b| a + b),
        Binary::Sub => zip(&walk, a, b, out, |a, b| a - b),
        Binary::Mul => zip(&walk, a, b, out, |a, b| a * b),
        Binary::Div => zip(&walk, a, b, out, |a, b| a / b),
        Binary::Pow => zip(&walk, a, b, out, T::pow),
        Binary::Min => zip(&walk, a, b, out, min),
        Binary::Max => zip(&walk, a, b, out, max),
        Binary::Eq => zip(&walk, a, b, out, |a, b| truth(a == b)),
        Binary::Ne => zip(&walk, a, b, out, |a, b| truth(a != b)),
        Binary::Lt => zip(&walk, a, b, out, |a, b| truth(a < b)),
        Binary::Le => zip(&walk, a, b, out, |a, b| truth(a <= b)),
    }
}

/// `out = a where the condition is not 0, else b`; each given with its dimensions and broadcast to `out_dims`.
pub fn select<T: Elem>(
    condition: (&[T], &[usize]),
    a: (&[T], &[usize]),
    b: (&[T], &[usize]),
    out: &mut [T],
    out_dims: &[usize],
) {
    for (x, dims) in [condition, a, b] {
        check(x, dims);
    }
    check(out, out_dims);
    let walk = Walk::new(out_dims, [condition, a, b].map(|(_, dims)| broadcast(dims, out_dims)));
    walk.fill(out, |Run { at, step }, out| {
        let x: [&[T]; 3] = [&condition.0[at[0]..], &a.0[at[1]..], &b.0[at[2]..]];
        let pick = |c: T, a: T, b: T| if c != T::ZERO { a } else { b };
        if step == [1, 1, 1] {
            for (((o, &c), &a), &b) in out.iter_mut().zip(x[0]).zip(x[1]).zip(x[2]) {
                *o = pick(c, a, b);
            }
        } else {
            for (i, o) in out.iter_mut().enumerate() {
                *o = pick(x[0][i * step[0]], x[1][i * step[1]], x[2][i * step[2]]);
            }
        }
    });
}

/// `out = a + b where y > 0, else 0`, all of one size.
pub fn sum_relu_grad<T: Elem>(y: &[T], a: &[T], b: &[T], out: &mut [T]) {
    assert!([y, a, b].iter().all(|x| x.len() == out.len()), "a gradient has the size of its output");
    super::parallel::chunks(out, super::parallel::CHUNK, |start, out| {
        for (((o, &y), &a), &b) in out.iter_mut().zip(&y[start..]).zip(&a[start..]).zip(&b[start..]) {
            *o = if y > T::ZERO { a + b } else { T::ZERO };
        }
    });
}

fn check<T>(x: &[T], dims: &[usize]) {
    assert_eq!(x.len(), count(dims), "a tensor of {dims:?} has as many elements");
}

fn zip<T: Elem>(walk: &Walk<2>, a: &[T], b: &[T], out: &mut [T], f: impl Fn(T, T) -> T + Sync) {
    walk.fill(out, |Run { at, step }, out| {
        let (a, b) = (&a[at[0]..], &b[at[1]..]);
        match step {
            [1, 1] => out.iter_mut().zip(a).zip(b).for_each(|((o, &a), &b)| *o = f(a, b)),
            [1, 0] => out.iter_mut().zip(a).for_each(|(o, &a)| *o = f(a, b[0])),
            [0, 1] => out.iter_mut().zip(b).for_each(|(o, &b)| *o = f(a[0], b)),
            [s, t] => out.iter_mut().enumerate().for_each(|(i, o)| *o = f(a[i * s], b[i * t])),
        }
    });
}

#[inline(always)]
fn truth<T: Elem>(b: bool) -> T {
    if b { T::ONE } else { T::ZERO }
}

/// The smaller of two, or NaN.
#[inline(always)]
pub(super) fn min<T: Elem>(a: T, b: T) -> T {
    let m = if a < b { a } else { b };
    if is_nan(a) { a } else { m }
}

/// The larger of two, or NaN.
#[inline(always)]
pub(super) fn max<T: Elem>(a: T, b: T) -> T {
    let m = if a > b { a } else { b };
    if is_nan(a) { a } else { m }
}

#[inline(always)]
fn is_nan<T: Elem>(a: T) -> bool {
    a.partial_cmp(&a).is_none()
}
