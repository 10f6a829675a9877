//! What stays readable after a run.

use super::call::{Outside, Source, Sources};
use crate::compile::{Loc, Operand, Plan};
use crate::exec::Real;

/// A result: in the arena, or copied out of where it would not stay or would be shared.
pub struct Kept<T> {
    /// Its dimensions.
    pub shape: Vec<usize>,
    source: Source,
    copy: Option<Vec<T>>,
}

/// Decides which results must be copied.
pub struct Results<'a> {
    all: Vec<&'a Operand>,
}

impl<'a> Results<'a> {
    /// The results of a plan.
    pub fn new(plan: &'a Plan) -> Self {
        let grads = plan.grads.iter().map(|(_, g)| g).chain(plan.input_grads.iter().map(|(_, g)| g));
        Results { all: plan.outputs.iter().chain(grads).chain(plan.updates.iter().map(|(_, u)| u)).collect() }
    }

    /// Where a result can be read after a run.
    pub fn keep<T: Real>(&mut self, operand: &Operand, sources: &mut Sources) -> Kept<T> {
        let shared = self.all.iter().filter(|other| meet(operand, other)).count() > 1;
        let stays = matches!(operand.loc, Loc::Arena { .. }) && !shared;
        let copy = (!stays).then(|| vec![T::ZERO; operand.len()]);
        Kept { shape: operand.shape.clone(), source: sources.of(operand), copy }
    }
}

/// Whether two results lie in the same memory of the arena.
fn meet(a: &Operand, b: &Operand) -> bool {
    match (a.loc, b.loc) {
        (Loc::Arena { offset: a, len: m }, Loc::Arena { offset: b, len: n }) => a < b + n && b < a + m,
        _ => false,
    }
}

impl<T: Real> Kept<T> {
    /// Copies the result if it would not stay.
    pub fn keep(&mut self, arena: &[T], outside: &Outside<T>) {
        if let Some(copy) = &mut self.copy {
            match &self.source {
                Source::Arena(range) => copy.copy_from_slice(&arena[range.clone()]),
                other => copy.copy_from_slice(outside.numbers(other).unwrap_or(&[])),
            }
        }
    }

    /// Its numbers after a run.
    pub fn numbers<'a>(&'a self, arena: &'a [T]) -> &'a [T] {
        match (&self.copy, &self.source) {
            (Some(copy), _) => copy,
            (None, Source::Arena(range)) => &arena[range.clone()],
            (None, _) => &[],
        }
    }
}
