//! Many standard normal numbers at a time (Box & Muller 1958). The logarithm, sine and cosine are those of fdlibm (Sun Microsystems
//! 1993), without branches and in lanes: right to about one unit in the last place.

use crate::simd::multiversion;

/// Pairs made at a time.
pub const PAIRS: usize = 16;

multiversion! {
    /// Normal pairs from numbers uniform in `[0, 1)`: `first` makes their radii, `second` their angles; the results take the
    /// places of both.
    pub fn normal_pairs<const FMA: bool>(first: &mut [f64; PAIRS], second: &mut [f64; PAIRS]) {
        for i in 0..PAIRS {
            let radius = (-2.0 * ln(1.0 - first[i])).sqrt();
            let (sin, cos) = sin_cos_turn(second[i]);
            (first[i], second[i]) = (radius * cos, radius * sin);
        }
    }
}

/// The natural logarithm of a normal number in `(0, 1]`.
#[inline(always)]
fn ln(x: f64) -> f64 {
    const HALF_ROOT: u64 = 0x3fe6_a09e_0000_0000;
    // x = 2^k (1 + f) with 1 + f between the roots of 1/2 and 2.
    let shifted = x.to_bits().wrapping_add(0x3ff0_0000_0000_0000 - HALF_ROOT);
    let f = f64::from_bits((shifted & 0x000f_ffff_ffff_ffff) + HALF_ROOT) - 1.0;
    let k = f64::from_bits(shifted >> 52 | 0x4330_0000_0000_0000) - (4_503_599_627_370_496.0 + 1023.0);
    let s = f / (2.0 + f);
    let (z, w) = (s * s, s * s * (s * s));
    let even = w * (3.999999999940941908e-1 + w * (2.222219843214978396e-1 + w * 1.531383769920937332e-1));
    let odd = 2.857142874366239149e-1 + w * (1.818357216161805012e-1 + w * 1.479819860511658591e-1);
    let r = even + z * (6.666666666666735130e-1 + w * odd);
    let square = 0.5 * f * f;
    k * 6.93147180369123816490e-1 - ((square - (s * (square + r) + k * 1.90821492927058770002e-10)) - f)
}

/// Sine and cosine of a part, in `[0, 1)`, of a whole turn.
#[inline(always)]
fn sin_cos_turn(part: f64) -> (f64, f64) {
    let quarter = (4.0 * part + 0.5) as i32;
    let x = std::f64::consts::TAU * (part - 0.25 * f64::from(quarter));
    let z = x * x;
    let tail = -1.98412698298579493134e-4
        + z * (2.75573137070700676789e-6 + z * (-2.50507602534068634195e-8 + z * 1.58969099521155010221e-10));
    let sin = x + x * z * (-1.66666666666666324348e-1 + z * (8.33333333332248946124e-3 + z * tail));
    let tail = 2.48015872894767294178e-5
        + z * (-2.75573143513906633035e-7 + z * (2.08757232129817482790e-9 + z * -1.13596475577881948265e-11));
    let cos = 1.0 - (0.5 * z - z * z * (4.16666666666666019037e-2 + z * (-1.38888888888741095749e-3 + z * tail)));
    let (s, c) = if quarter & 1 == 0 { (sin, cos) } else { (cos, sin) };
    let s = if quarter & 2 == 0 { s } else { -s };
    let c = if (quarter + 1) & 2 == 0 { c } else { -c };
    (s, c)
}
