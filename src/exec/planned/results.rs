//! What stays readable after a run.

use super::call::{Outside, Source, Sources};
use crate::compile::{Loc, Operand};
use crate::exec::Real;

/// A result: in the arena, or copied out of where it would not stay.
pub struct Kept<T> {
    /// Its dimensions.
    pub shape: Vec<usize>,
    source: Source,
    copy: Option<Vec<T>>,
}

impl<T: Real> Kept<T> {
    /// Where a result can be read after a run.
    pub fn new(operand: &Operand, sources: &mut Sources) -> Self {
        let stays = matches!(operand.loc, Loc::Arena { .. });
        let copy = (!stays).then(|| vec![T::ZERO; operand.len()]);
        Kept { shape: operand.shape.clone(), source: sources.of(operand), copy }
    }

    /// Copies the result if it would not stay.
    pub fn keep(&mut self, outside: &Outside<T>) {
        if let Some(copy) = &mut self.copy {
            copy.copy_from_slice(outside.numbers(&self.source).unwrap_or(&[]));
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
