//! The one-dimensional transforms of Winograd's F(4, 3): four outputs of a filter of three taps by six products, those of two polynomials'
//! values at 0, ±3/4, ±3/2 and infinity (Winograd 1980; Lavin & Gray 2016; the points after Barabasz et al. 2020: half the rounding error
//! of 0, ±1, ±2).
use crate::kernels::tile::Vector;

/// The points other than 0 and infinity are ±P and ±Q.
const P: f32 = 0.75;
const Q: f32 = 1.5;
const P2: f32 = P * P;
const Q2: f32 = Q * Q;
/// Lagrange's denominators at ±P and ±Q.
const NP: f32 = 2.0 * P2 * (P2 - Q2);
const NQ: f32 = 2.0 * Q2 * (Q2 - P2);

/// a + k b.
///
/// # Safety
/// The processor has the instructions of `V` (as in all that follows).
#[inline(always)]
unsafe fn plus<V: Vector>(a: V, k: f32, b: V) -> V {
    // SAFETY: the caller's promise.
    unsafe { a.add_product(V::splat(k), b) }
}

/// k b.
///
/// # Safety
/// As [`plus`].
#[inline(always)]
unsafe fn times<V: Vector>(k: f32, b: V) -> V {
    // SAFETY: the caller's promise.
    unsafe { plus(V::splat(0.0), k, b) }
}

/// Six inputs to the six points.
///
/// # Safety
/// As [`plus`].
#[inline(always)]
pub unsafe fn input<V: Vector>(d: [V; 6]) -> [V; 6] {
    // SAFETY: the caller's promise.
    unsafe {
        let (even, odd) = (plus(d[4], -Q2, d[2]), plus(d[3], -Q2, d[1]));
        let (even2, odd2) = (plus(d[4], -P2, d[2]), plus(d[3], -P2, d[1]));
        [
            plus(plus(d[4], -P2 - Q2, d[2]), P2 * Q2, d[0]),
            plus(even, P, odd),
            plus(even, -P, odd),
            plus(even2, Q, odd2),
            plus(even2, -Q, odd2),
            plus(plus(d[5], -P2 - Q2, d[3]), P2 * Q2, d[1]),
        ]
    }
}

/// Products at the six points to four outputs.
///
/// # Safety
/// As [`plus`].
#[inline(always)]
pub unsafe fn output<V: Vector>(m: [V; 6]) -> [V; 4] {
    // SAFETY: the caller's promise.
    unsafe {
        let (even, odd) = (m[1].add(m[2]), times(P, m[1].sub(m[2])));
        let (even2, odd2) = (m[3].add(m[4]), times(Q, m[3].sub(m[4])));
        [
            m[0].add(even).add(even2),
            odd.add(odd2),
            plus(times(P2, even), Q2, even2),
            plus(plus(m[5], P2, odd), Q2, odd2),
        ]
    }
}

/// Three taps to the six points.
///
/// # Safety
/// As [`plus`].
#[inline(always)]
pub unsafe fn weight<V: Vector>(w: [V; 3]) -> [V; 6] {
    // SAFETY: the caller's promise.
    unsafe {
        let even = plus(times(1.0 / NP, w[0]), P2 / NP, w[2]);
        let even2 = plus(times(1.0 / NQ, w[0]), Q2 / NQ, w[2]);
        [
            times(1.0 / (P2 * Q2), w[0]),
            plus(even, P / NP, w[1]),
            plus(even, -P / NP, w[1]),
            plus(even2, Q / NQ, w[1]),
            plus(even2, -Q / NQ, w[1]),
            w[2],
        ]
    }
}

/// Gradients of four outputs to the six points: the transpose of [`output`].
///
/// # Safety
/// As [`plus`].
#[inline(always)]
pub unsafe fn output_grad<V: Vector>(y: [V; 4]) -> [V; 6] {
    // SAFETY: the caller's promise.
    unsafe {
        let (even, odd) = (plus(y[0], P2, y[2]), plus(y[1], P2, y[3]));
        let (even2, odd2) = (plus(y[0], Q2, y[2]), plus(y[1], Q2, y[3]));
        [y[0], plus(even, P, odd), plus(even, -P, odd), plus(even2, Q, odd2), plus(even2, -Q, odd2), y[3]]
    }
}

/// Sums at the six points to gradients of three taps: the transpose of [`weight`].
///
/// # Safety
/// As [`plus`].
#[inline(always)]
pub unsafe fn weight_grad<V: Vector>(u: [V; 6]) -> [V; 3] {
    // SAFETY: the caller's promise.
    unsafe {
        let (even, odd) = (u[1].add(u[2]), u[1].sub(u[2]));
        let (even2, odd2) = (u[3].add(u[4]), u[3].sub(u[4]));
        [
            plus(plus(times(1.0 / (P2 * Q2), u[0]), 1.0 / NP, even), 1.0 / NQ, even2),
            plus(times(P / NP, odd), Q / NQ, odd2),
            plus(plus(u[5], P2 / NP, even), Q2 / NQ, even2),
        ]
    }
}
