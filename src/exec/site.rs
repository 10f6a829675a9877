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

    /// How many numbers an input holds.
    pub fn count(&self, i: usize) -> usize {
        self.inputs[i].iter().product()
    }
}

/// For what something is computed: random operations draw apart for each, so that none repeats what another has drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// A step of the training.
    #[default]
    Training,
    /// A pass over the data set before a step.
    Refresh {
        /// The batch of the pass, from 1; 0 is what is computed of all of them.
        batch: u64,
    },
    /// A step of a probe that trains the encoder.
    Tuning,
    /// Features that are judged or kept.
    Judging,
}

/// The step that is being computed.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// The seed of the run.
    pub seed: u64,
    /// The number of the step.
    pub step: u64,
    /// For what it is computed.
    pub phase: Phase,
    /// A seed for each sample of the batch, where each is to have draws of its own; empty where the batch is drawn as a whole.
    pub samples: &'a [u64],
    /// The place in the whole batch of the first sample that is computed here: 0 unless it is a part of one.
    pub first: u64,
}

impl Moment<'_> {
    /// The seed of a random stream in this step.
    pub fn stream(&self, stream: u64) -> u64 {
        match self.phase {
            Phase::Training => derive(&[self.seed, self.step, stream]),
            Phase::Refresh { batch } => derive(&[self.seed, self.step, stream, 1, batch]),
            Phase::Tuning => derive(&[self.seed, self.step, stream, 2]),
            Phase::Judging => derive(&[self.seed, self.step, stream, 3]),
        }
    }

    /// Draws numbers of a stream into `out`, for each sample by itself where it is told to and samples have seeds. `draw` is given a seed
    /// and a first position. Of a part of a batch, whose samples lie along the first dimension, these are the numbers that it has in the
    /// whole.
    pub fn draw<T>(&self, stream: u64, rows: Option<usize>, out: &mut [T], draw: impl Fn(u64, u64, &mut [T])) {
        let seed = self.stream(stream);
        let Some(rows) = rows else { return draw(seed, 0, out) };
        if self.samples.is_empty() {
            let each = out.len() / rows.max(1);
            return draw(seed, self.first * each as u64, out);
        }
        let each = (out.len() / self.samples.len()).max(1);
        for (sample, out) in self.samples.iter().zip(out.chunks_mut(each)) {
            draw(derive(&[seed, *sample]), 0, out);
        }
    }
}
