//! Limited-memory BFGS, for the smooth convex objective of the linear probe.

use std::collections::VecDeque;

/// How many past steps shape the metric.
const MEMORY: usize = 10;

/// A place, and the objective there.
struct Point {
    x: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

/// A step and the change of the gradient along it.
struct Pair {
    step: Vec<f64>,
    change: Vec<f64>,
    /// 1 / (step . change)
    rho: f64,
}

/// Minimises `objective`, which gives value and gradient, from `x` on; stops where the gradient is shorter than `tolerance` times
/// that at the start (or than 1e-12), after `iterations`, or where no step lowers the value any more.
pub(super) fn minimize(
    objective: impl Fn(&[f64]) -> (f64, Vec<f64>),
    x: Vec<f64>,
    iterations: usize,
    tolerance: f64,
) -> Vec<f64> {
    let evaluate = |x: Vec<f64>| {
        let (value, gradient) = objective(&x);
        Point { x, value, gradient }
    };
    let mut now = evaluate(x);
    let enough = (tolerance * norm(&now.gradient)).max(1e-12);
    let mut memory = VecDeque::with_capacity(MEMORY + 1);
    for _ in 0..iterations {
        if norm(&now.gradient) <= enough {
            break;
        }
        let direction = direction(&memory, &now.gradient);
        let first = if memory.is_empty() { (1.0 / norm(&now.gradient)).min(1.0) } else { 1.0 };
        match search(evaluate, &now, &direction, first) {
            Some(next) => {
                remember(&mut memory, subtract(&next.x, &now.x), subtract(&next.gradient, &now.gradient));
                now = next;
            }
            None if memory.is_empty() => break,
            // Once more, straight down.
            None => memory.clear(),
        }
    }
    now.x
}

/// The conditions of Wolfe: how much of the fall that the slope promises, and how flat it must have become.
const FALL: f64 = 1e-4;
const FLAT: f64 = 0.9;

/// The most points that are looked at along a direction.
const LOOKS: usize = 30;

/// A point along `direction` where the strong Wolfe conditions hold. The slope of a convex objective only grows: a point where it
/// still falls steeply is too near, any other too far. `None` where nothing lower was found, or where the slope is no descent.
fn search(evaluate: impl Fn(Vec<f64>) -> Point, from: &Point, direction: &[f64], first: f64) -> Option<Point> {
    let slope = dot(direction, &from.gradient);
    if slope.is_nan() || slope >= 0.0 {
        return None;
    }
    let (mut near, mut far) = (Place { length: 0.0, slope }, None);
    let (mut length, mut best) = (first, None);
    for _ in 0..LOOKS {
        let point = evaluate(from.x.iter().zip(direction).map(|(x, d)| x + length * d).collect());
        let here = Place { length, slope: dot(direction, &point.gradient) };
        // What rounding does to a value is no rise.
        let lower = point.value <= from.value + FALL * length * slope + 1e-15 * from.value.abs();
        if lower && here.slope.abs() <= -FLAT * slope {
            return Some(point);
        }
        if lower && here.slope < 0.0 {
            length = far.map_or_else(|| beyond(near, here), |far| between(here, far));
            (near, best) = (here, Some(point));
        } else {
            length = between(near, here);
            far = Some(here);
        }
    }
    best
}

/// How far along a direction, and how steep it is there.
#[derive(Clone, Copy)]
struct Place {
    length: f64,
    slope: f64,
}

/// Where the slope would end if it went on growing as from `before` to `near`, twice to ten times as far.
fn beyond(before: Place, near: Place) -> f64 {
    let growth = (near.slope - before.slope) / (near.length - before.length);
    let end = near.length - near.slope / growth;
    if end > 2.0 * near.length { end.min(10.0 * near.length) } else { 2.0 * near.length }
}

/// Where the slope would end if it grew evenly, or halfway where that is unknown or at the edge.
fn between(near: Place, far: Place) -> f64 {
    let width = far.length - near.length;
    let share = near.slope / (near.slope - far.slope);
    near.length + width * if (0.1..0.9).contains(&share) { share } else { 0.5 }
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

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

fn subtract(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn add(a: &mut [f64], factor: f64, b: &[f64]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += factor * b);
}
