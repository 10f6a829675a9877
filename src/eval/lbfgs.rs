//! Limited-memory BFGS, for the smooth convex objective of the linear probe.

use std::collections::VecDeque;

/// How many past steps shape the metric.
const MEMORY: usize = 10;

/// A step and the change of the gradient along it.
struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    /// 1 / (step . change)
    rho: f64,
}

/// Minimises `objective`, which gives value and gradient, from `x` on; stops after `iterations`, where the largest
/// component of the gradient is below `tolerance`, or where no step lowers the value.
pub(super) fn minimize(
    objective: impl Fn(&[f64]) -> (f64, Vec<f64>),
    mut x: Vec<f64>,
    iterations: usize,
    tolerance: f64,
) -> Vec<f64> {
    let (mut value, mut gradient) = objective(&x);
    let mut memory = VecDeque::with_capacity(MEMORY + 1);
    for _ in 0..iterations {
        if gradient.iter().all(|g| g.abs() < tolerance) {
            break;
        }
        let direction = direction(&memory, &gradient);
        let slope = dot(&direction, &gradient);
        let first = if memory.is_empty() { (1.0 / dot(&gradient, &gradient).sqrt()).min(1.0) } else { 1.0 };
        let Some((next, next_value, next_gradient)) = search(&objective, &x, value, &direction, slope, first) else {
            break;
        };
        remember(&mut memory, subtract(&next, &x), subtract(&next_gradient, &gradient));
        (x, value, gradient) = (next, next_value, next_gradient);
    }
    x
}

/// Halves the step until the value falls enough (Armijo); `None` where it never does, or where the slope is no descent.
fn search(
    objective: impl Fn(&[f64]) -> (f64, Vec<f64>),
    x: &[f64],
    value: f64,
    direction: &[f64],
    slope: f64,
    first: f64,
) -> Option<(Vec<f64>, f64, Vec<f64>)> {
    if slope.is_nan() || slope >= 0.0 {
        return None;
    }
    (0..20).map(|halvings| first * 0.5f64.powi(halvings)).find_map(|length| {
        let next: Vec<f64> = x.iter().zip(direction).map(|(x, d)| x + length * d).collect();
        let (next_value, gradient) = objective(&next);
        (next_value <= value + 1e-4 * length * slope).then_some((next, next_value, gradient))
    })
}

/// Minus the gradient in the metric of the memory (the two-loop recursion, Nocedal & Wright 2006, algorithm 7.4).
fn direction(memory: &VecDeque<Pair>, gradient: &[f64]) -> Vec<f64> {
    let mut q = gradient.to_vec();
    let mut alphas = Vec::with_capacity(memory.len());
    for pair in memory.iter().rev() {
        let alpha = pair.rho * dot(&pair.step, &q);
        add(&mut q, -alpha, &pair.change);
        alphas.push(alpha);
    }
    if let Some(last) = memory.back() {
        let scale = 1.0 / (last.rho * dot(&last.change, &last.change));
        q.iter_mut().for_each(|q| *q *= scale);
    }
    for (pair, alpha) in memory.iter().zip(alphas.iter().rev()) {
        let beta = pair.rho * dot(&pair.change, &q);
        add(&mut q, alpha - beta, &pair.step);
    }
    q.iter_mut().for_each(|q| *q = -*q);
    q
}

/// Keeps a step along which the gradient grew; the oldest goes.
fn remember(memory: &mut VecDeque<Pair>, step: Vec<f64>, change: Vec<f64>) {
    let curvature = dot(&step, &change);
    if curvature > 1e-10 * dot(&change, &change) {
        memory.push_back(Pair { step, change, rho: 1.0 / curvature });
        if memory.len() > MEMORY {
            memory.pop_front();
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn subtract(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn add(a: &mut [f64], factor: f64, b: &[f64]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += factor * b);
}
