//! One step of a plan, ready to run: where its inputs and its result lie, and the kernel between them.

use super::lowering::{self, Kernel, Moment, Pointwise, Site};
use crate::compile::{Loc, Operand, Step};
use crate::exec::Real;
use crate::graph::{InputId, NodeId, Operation};
use rayon::prelude::*;
use std::ops::Range;
use std::time::Duration;

/// A node's computation.
pub struct Call<T: Real> {
    /// The node.
    pub node: NodeId,
    /// Its operation.
    pub operation: &'static Operation,
    /// How long its measured runs took.
    pub spent: Duration,
    /// How many they were.
    pub runs: u64,
    inputs: Vec<Source>,
    output: Range<usize>,
    kernel: Kernel<T>,
    /// What the result's memory held before the run, for kernels that cannot work in place.
    before: Option<Vec<T>>,
}

/// Where numbers lie.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// In the arena.
    Arena(Range<usize>),
    /// A parameter.
    Param(usize),
    /// A state as it stood before the step.
    State(usize),
    /// An input, by its place among those that are read.
    Input(usize),
    /// A scheduled scalar.
    Scalar(usize),
    /// A constant, by its place in the list of constants.
    Constant(usize),
}

/// What calls read besides the arena.
pub struct Outside<'a, T> {
    /// The parameters of the graph.
    pub params: Vec<&'a [T]>,
    /// The states of the graph.
    pub states: Vec<&'a [T]>,
    /// The inputs that are read.
    pub inputs: &'a [(InputId, Vec<T>)],
    /// The scheduled scalars of the graph.
    pub scalars: &'a [T],
    /// The numbers known before any step.
    pub constants: &'a [T],
}

impl<'a, T> Outside<'a, T> {
    /// The numbers of a source outside the arena; `None` for one inside.
    pub fn numbers(&self, source: &Source) -> Option<&'a [T]> {
        match source {
            Source::Arena(_) => None,
            Source::Param(i) => Some(self.params[*i]),
            Source::State(i) => Some(self.states[*i]),
            Source::Input(i) => Some(&self.inputs[*i].1),
            Source::Scalar(i) => Some(std::slice::from_ref(&self.scalars[*i])),
            Source::Constant(i) => Some(std::slice::from_ref(&self.constants[*i])),
        }
    }
}

/// Collects the inputs and constants that a plan reads.
#[derive(Default)]
pub struct Sources {
    inputs: Vec<(InputId, usize)>,
    constants: Vec<f64>,
}

impl Sources {
    /// Where an operand lies.
    pub fn of(&mut self, operand: &Operand) -> Source {
        match operand.loc {
            Loc::Arena { offset, .. } => Source::Arena(offset..offset + operand.len()),
            Loc::Param(id) => Source::Param(id.index()),
            Loc::State(id) => Source::State(id.index()),
            Loc::Scalar(id) => Source::Scalar(id.index()),
            Loc::Input(id) => Source::Input(place(&mut self.inputs, |i| i.0 == id, (id, operand.len()))),
            Loc::Constant(x) => Source::Constant(place(&mut self.constants, |y| y.to_bits() == x.to_bits(), x)),
        }
    }

    /// Room for the inputs, and the constants.
    pub fn finish<T: Real>(self) -> (Vec<(InputId, Vec<T>)>, Vec<T>) {
        let inputs = self.inputs.into_iter().map(|(id, len)| (id, vec![T::ZERO; len])).collect();
        (inputs, self.constants.into_iter().map(T::from_f64).collect())
    }
}

/// The place of an item in a list, to which it is added if it is not there.
fn place<X>(list: &mut Vec<X>, is: impl Fn(&X) -> bool, item: X) -> usize {
    list.iter().position(is).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}

impl<T: Real> Call<T> {
    /// Resolves a step.
    pub fn new(step: &Step, sources: &mut Sources, fast_convolution: bool) -> Result<Self, String> {
        let lower = lowering::find::<T>(step.op).ok_or("the planned engine cannot compute this")?;
        let inputs = step.inputs.iter().map(|i| i.shape.as_slice()).collect();
        let kernel = lower(&Site { attrs: &step.attrs, inputs, output: &step.output.shape, fast_convolution });
        let Source::Arena(output) = sources.of(&step.output) else {
            return Err("the result has no memory".into());
        };
        let inputs: Vec<Source> = step.inputs.iter().map(|operand| sources.of(operand)).collect();
        let takes_over = inputs.contains(&Source::Arena(output.clone())) && !output.is_empty();
        let before = (takes_over && matches!(kernel, Kernel::Whole(_))).then(|| vec![T::ZERO; output.len()]);
        let (spent, runs) = (Duration::ZERO, 0);
        Ok(Call { node: step.node, operation: step.op, spent, runs, inputs, output, kernel, before })
    }

    /// The numbers of an input that lies outside of the arena, after a run.
    pub fn outside<'a>(&self, input: usize, outside: &Outside<'a, T>) -> Option<&'a [T]> {
        outside.numbers(self.inputs.get(input)?)
    }

    /// The numbers of its result, right after its run.
    pub fn result<'a>(&self, arena: &'a [T]) -> &'a [T] {
        &arena[self.output.clone()]
    }

    /// Forgets what was measured.
    pub fn forget(&mut self) {
        (self.spent, self.runs) = (Duration::ZERO, 0);
    }

    /// Computes the result from what lies in the arena and outside.
    pub fn run(&mut self, arena: &mut [T], outside: &Outside<T>, moment: Moment) -> Result<(), String> {
        let (head, rest) = arena.split_at_mut(self.output.start);
        let (out, tail) = rest.split_at_mut(self.output.len());
        if let Some(before) = &mut self.before {
            before.copy_from_slice(out);
        }
        let (own, before) = (&self.output, self.before.as_deref());
        let numbers = |source: &Source| match source {
            Source::Arena(range) if range == own => before.unwrap_or(&[]),
            Source::Arena(range) if range.start >= own.end => &tail[range.start - own.end..range.end - own.end],
            Source::Arena(range) => &head[range.clone()],
            Source::Param(_) | Source::State(_) | Source::Input(_) | Source::Scalar(_) | Source::Constant(_) => {
                outside.numbers(source).unwrap_or(&[])
            }
        };
        let mut few: [&[T]; FEW] = [&[]; FEW];
        let many: Vec<&[T]>;
        let inputs = if self.inputs.len() <= FEW {
            few.iter_mut().zip(&self.inputs).for_each(|(slot, source)| *slot = numbers(source));
            &few[..self.inputs.len()]
        } else {
            many = self.inputs.iter().map(numbers).collect();
            &many
        };
        match &mut self.kernel {
            Kernel::Whole(compute) => compute(inputs, out, moment),
            Kernel::Pointwise(compute) => {
                let takes_over = |i: usize| self.inputs[i] == Source::Arena(own.clone());
                match (0..inputs.len()).any(takes_over) && !out.is_empty() {
                    true => over_itself(compute, inputs, out),
                    false => compute(inputs, out),
                }
                Ok(())
            }
        }
    }
}

/// How many inputs a call may have without a list being made at each run.
const FEW: usize = 8;

/// Elements that one thread takes at a time, and of these those that are copied at a time.
const CHUNK: usize = 1 << 14;
const TILE: usize = 1 << 11;

/// Computes place by place into the memory of those inputs that are given as empty.
fn over_itself<T: Real>(compute: &Pointwise<T>, inputs: &[&[T]], out: &mut [T]) {
    let all = out.len();
    let is_row = |input: &&[T]| 1 < input.len() && input.len() < all;
    // A row is repeated so that every tile finds its part of it in one piece.
    let repeated = |row: &[T]| row.iter().copied().cycle().take(row.len() + TILE).collect::<Vec<T>>();
    let rows: [Vec<T>; FEW] =
        std::array::from_fn(|i| inputs.get(i).copied().filter(is_row).map(repeated).unwrap_or_default());
    let piece = |start: usize, out: &mut [T]| {
        let mut before = [T::ZERO; TILE];
        for (i, out) in out.chunks_mut(TILE).enumerate() {
            let (from, before) = (start + i * TILE, &mut before[..out.len()]);
            before.copy_from_slice(out);
            let mut parts: [&[T]; FEW] = [before; FEW];
            for ((part, input), row) in parts.iter_mut().zip(inputs).zip(&rows) {
                match input.len() {
                    0 => {}
                    1 => *part = input,
                    n if n < all => *part = &row[from % n..][..out.len()],
                    _ => *part = &input[from..from + out.len()],
                }
            }
            compute(&parts[..inputs.len()], out);
        }
    };
    if out.len() <= CHUNK {
        return piece(0, out);
    }
    out.par_chunks_mut(CHUNK).enumerate().for_each(|(i, out)| piece(i * CHUNK, out));
}
