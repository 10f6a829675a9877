//! What the lowerings of both engines are told of a node and of a step.

use crate::graph::Attrs;
use crate::random::derive;

/// What a lowering is told of a node: all sizes are known.
pub struct Site<'a> {
    /// The node's attributes; dimensions are whole numbers.
    pub attrs: &'a Attrs,
    /// The dimensions of its inputs.
    pub inputs: Vec<&'a [usize]>,
    /// The dimensions of its result.
    pub output: &'a [usize],
    /// Whether convolutions may be computed by fewer products, which round about twice as coarsely.
    pub fast_convolution: bool,
}

impl Site<'_> {
    /// The attribute of that name as one size.
    pub fn dim(&self, name: &str) -> usize {
        self.attrs.get_axes(name).first().copied().unwrap_or(0)
    }

    /// The dimensions of an input, to be kept by a call.
    pub fn input(&self, i: usize) -> Vec<usize> {
        self.inputs[i].to_vec()
    }

    /// Whether there are extremes of the first input over `axes`: of no elements there are none.
    pub fn extreme(&self, axes: &[usize]) -> Result<(), String> {
        let nothing = axes.iter().any(|&axis| self.inputs[0][axis] == 0);
        if nothing && !self.output.contains(&0) {
            return Err(format!("there is no largest and no smallest of no elements, as in {:?}", self.inputs[0]));
        }
        Ok(())
    }

    /// How many numbers an input holds.
    pub fn count(&self, i: usize) -> usize {
        self.inputs[i].iter().product()
    }
}

/// The step that is being computed.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The seed of the run.
    pub seed: u64,
    /// The number of the step.
    pub step: u64,
}

impl Moment {
    /// The seed of a random stream in this step.
    pub fn stream(&self, stream: u64) -> u64 {
        derive(&[self.seed, self.step, stream])
    }
}
