//! Functions of f32 without branches, so that loops over them vectorise. Errors in units of the last place (ulp) are those measured
//! by the tests with and without fused multiply-add.

/// `a * b + c`, in one rounding where `FMA`.
#[inline(always)]
fn fma<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// The polynomial whose coefficients are given from the highest power down.
#[inline(always)]
fn polynomial<const FMA: bool, const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = coefficients[0];
    for &c in &coefficients[1..] {
        sum = fma::<FMA>(sum, x, c);
    }
    sum
}

/// e to the power of `x`, within 2 ulp (Cephes' `expf` polynomial on [-ln 2 / 2, ln 2 / 2]).
#[inline(always)]
pub fn exp<const FMA: bool>(x: f32) -> f32 {
    // 1.5 * 2^23: adding it rounds to a whole number, which then stands in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    let x = if x > 89.0 { 89.0 } else { x };
    let x = if x < -104.0 { -104.0 } else { x };
    let rounded = fma::<FMA>(x, std::f32::consts::LOG2_E, ROUND);
    let n = rounded - ROUND;
    let r = fma::<FMA>(n, -0.693_359_4, x);
    let r = fma::<FMA>(n, 2.121_944_4e-4, r);
    let p = polynomial::<FMA, 6>(
        r,
        [1.987_569_1e-4, 1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5.000_000_1e-1],
    );
    let p = fma::<FMA>(p * r, r, r) + 1.0;
    // 2^n in two halves, since n reaches beyond the exponents of normal numbers.
    let n = (rounded.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
    let half = n >> 1;
    p * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// 2 to a power within the normal exponents.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// The natural logarithm, within 1 ulp (FreeBSD's `logf`).
#[inline(always)]
pub fn log<const FMA: bool>(x: f32) -> f32 {
    let subnormal = x < f32::MIN_POSITIVE;
    let scaled = if subnormal { x * 33_554_432.0 } else { x };
    // Mantissa in [sqrt(1/2), sqrt(2)) and the exponent that goes with it.
    let bits = scaled.to_bits().wrapping_add(0x3f80_0000 - 0x3f35_04f3);
    let k = (bits >> 23) as i32 - 127 - if subnormal { 25 } else { 0 };
    let f = f32::from_bits((bits & 0x007f_ffff) + 0x3f35_04f3) - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let r = z * polynomial::<FMA, 4>(z, [0.242_790_79, 0.284_987_87, 0.400_009_72, 0.666_666_6]);
    let (half, k) = (0.5 * f * f, k as f32);
    let y = s * (half + r) + k * 9.058_000_6e-6 - half + f + k * 0.693_138_1;
    let y = if x == 0.0 { f32::NEG_INFINITY } else { y };
    let y = if x == f32::INFINITY { x } else { y };
    if x >= 0.0 { y } else { f32::NAN }
}

/// log(1 + x) of a finite number, within 3 ulp (Kahan's correction of the rounding of 1 + x).
#[inline(always)]
pub fn log1p<const FMA: bool>(x: f32) -> f32 {
    let u = 1.0 + x;
    let y = log::<FMA>(u) * (x / (u - 1.0));
    if u == 1.0 { x } else { y }
}

/// The hyperbolic tangent, within 2 ulp (Cephes' `tanhf`).
#[inline(always)]
pub fn tanh<const FMA: bool>(x: f32) -> f32 {
    let (a, z) = (x.abs(), x * x);
    let p = polynomial::<FMA, 5>(z, [-5.704_988_7e-3, 2.063_908_9e-2, -5.373_971_6e-2, 1.333_144_2e-1, -3.333_328e-1]);
    let near = fma::<FMA>(p * z, x, x);
    let far = (1.0 - 2.0 / (exp::<FMA>(2.0 * a) + 1.0)).copysign(x);
    if a < 0.625 { near } else { far }
}

/// The error function, within 2 ulp (N. Juffa's minimax polynomials).
#[inline(always)]
pub fn erf<const FMA: bool>(x: f32) -> f32 {
    let (t, s) = (x.abs(), x * x);
    let high = fma::<FMA>(-1.728_534_7e-5, t, 3.831_971_3e-4);
    let low = fma::<FMA>(-3.883_964_4e-3, t, 2.425_462_2e-2);
    let p = fma::<FMA>(high, s, low);
    let p = fma::<FMA>(p, t, -1.067_778_8e-1);
    let p = fma::<FMA>(p, t, -6.348_466_9e-1);
    let p = fma::<FMA>(p, t, -1.287_175_1e-1);
    let far = (1.0 - exp::<FMA>(fma::<FMA>(p, t, -t))).copysign(x);
    let q = polynomial::<FMA, 6>(
        s,
        [-5.967_617e-4, 4.991_194_2e-3, -2.676_813_5e-2, 1.128_199_3e-1, -3.761_253_4e-1, 1.283_791_7e-1],
    );
    let near = fma::<FMA>(q, x, x);
    if t > 0.927_734_4 { far } else { near }
}

/// Φ(x), the standard normal distribution function, and e^(-x²/2); both within 2e-7, and within (4 + x²) 1e-7 of themselves. For x < 0
/// Φ is that bell times a polynomial of 1 / (1 + 19/64 |x|), fitted to Mills' ratio for the least relative error on [0, 13.5].
#[inline(always)]
pub fn normal<const FMA: bool>(x: f32) -> [f32; 2] {
    let bell = exp::<FMA>(-0.5 * x * x);
    let u = 1.0 / fma::<FMA>(x.abs(), 0.296_875, 1.0);
    let ratio = polynomial::<FMA, 9>(
        u,
        [
            3.922_409_6e-2,
            -1.788_197_8e-1,
            2.561_625_5e-1,
            -1.025_716_9e-1,
            1.576_778_4e-1,
            8.841_334e-2,
            1.217_859_5e-1,
            1.181_144_4e-1,
            1.322_042_8e-5,
        ],
    );
    let tail = bell * ratio;
    [if x > 0.0 { 1.0 - tail } else { tail }, bell]
}
