//! Features of pictures by an encoder as it stands.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Control, TrainError};
use crate::check::Encoder;
use crate::compile::Program;
use crate::data::{DataSet, Preprocess, plain_batches};
use crate::eval::Features;
use crate::exec::{self, Engine, EngineKind, Feed, Phase, Store};
use crate::random::Digest;

/// Pictures that go through an encoder at a time; the last are those that are left.
const BATCH: usize = 100;

/// Runs an encoder in its evaluation form.
pub struct Extractor {
    program: Program,
    kind: EngineKind,
    /// An engine for each number of pictures there has been.
    engines: BTreeMap<usize, Box<dyn Engine>>,
    input: String,
    preprocess: Arc<Preprocess>,
    draws: bool,
}

/// The features of some samples, and their labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// One row a sample: `[rows, dim]`.
    pub values: Vec<f32>,
    /// The class of each row; `None` where its sample has none.
    pub labels: Vec<Option<u32>>,
    /// The place of each row's sample in its data set.
    pub index: Vec<usize>,
    /// The length of a row.
    pub dim: usize,
}

/// Rows that have a label each.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    values: Vec<f32>,
    labels: Vec<u32>,
    dim: usize,
}

impl Labelled {
    /// The same as the probes want it.
    pub fn features(&self) -> Features<'_> {
        Features::new(&self.values, &self.labels, self.dim)
    }
}

impl Rows {
    /// The rows that have a label; nothing where none has.
    pub fn labelled(&self) -> Option<Labelled> {
        let kept = self.values.chunks(self.dim.max(1)).zip(&self.labels).filter(|(_, label)| label.is_some());
        let values = kept.flat_map(|(row, _)| row).copied().collect();
        let labels: Vec<u32> = self.labels.iter().flatten().copied().collect();
        (!labels.is_empty()).then_some(Labelled { values, labels, dim: self.dim })
    }

    /// Whether every feature is finite.
    pub fn finite(&self) -> bool {
        self.values.iter().all(|x| x.is_finite())
    }
}

impl Extractor {
    /// For the encoder on any store that was made for the recipe's graph.
    pub fn new(encoder: &Encoder, kind: EngineKind) -> Result<Self, TrainError> {
        let program = Program::forward(encoder.graph.clone(), vec![encoder.features]).wishing(encoder.wishes);
        let input = encoder.graph.inputs.first().map_or_else(String::new, |i| i.name.clone());
        let draws = encoder.graph.drawing(encoder.features).is_some();
        let preprocess = Arc::new(encoder.preprocess()?);
        Ok(Self { program, kind, engines: BTreeMap::new(), input, preprocess, draws })
    }

    /// The features of all samples of a data set, each prepared as the encoder takes it.
    pub fn rows(&mut self, store: &mut Store, data: &Arc<dyn DataSet>, control: &Control) -> Result<Rows, TrainError> {
        let mut rows = Rows::default();
        for batch in plain_batches(data.clone(), self.preprocess.clone(), BATCH) {
            control.proceed()?;
            let batch = batch?;
            self.encode(store, &batch.views[0], &mut rows)?;
            rows.labels.extend(batch.labels);
            rows.index.extend(batch.index);
        }
        Ok(rows)
    }

    /// The features of pictures that are prepared, `[any, height, width, channels]`.
    pub fn features(&mut self, store: &mut Store, pictures: &[f32]) -> Result<Rows, TrainError> {
        let mut rows = Rows::default();
        for some in pictures.chunks(BATCH * self.preprocess.length()) {
            self.encode(store, some, &mut rows)?;
        }
        Ok(rows)
    }

    /// How pictures are prepared.
    pub fn preprocess(&self) -> &Arc<Preprocess> {
        &self.preprocess
    }

    /// Appends the features of at most one batch.
    fn encode(&mut self, store: &mut Store, pictures: &[f32], rows: &mut Rows) -> Result<(), TrainError> {
        let picture = self.preprocess.length();
        let count = pictures.len() / picture;
        // What is drawn for a picture depends on the picture alone.
        let seed = |picture: &[f32]| {
            let mut digest = Digest::new();
            picture.iter().for_each(|x| digest.word(u64::from(x.to_bits())));
            digest.finish()
        };
        let seeds: Vec<u64> = if self.draws { pictures.chunks(picture).map(seed).collect() } else { Vec::new() };
        let inputs = vec![(self.input.as_str(), pictures)];
        let feed = Feed { inputs, phase: Phase::Judging, samples: &seeds, ..Feed::default() };
        if !self.engines.contains_key(&count) {
            let size = |symbol: &str| (symbol == "N").then_some(count as i64);
            self.engines.insert(count, exec::engine(self.kind, &self.program, &size)?);
        }
        let Some(engine) = self.engines.get_mut(&count) else { return Ok(()) };
        engine.run(store, &feed)?;
        let out = engine.output(0);
        rows.dim = out.len() / count;
        rows.values.extend_from_slice(out);
        Ok(())
    }
}

/// The longest side of a picture whose pixels are features as they are: more numbers than these would be a probe of hours.
const SIDE: usize = 32;

/// The pictures themselves as features: what an encoder has to beat. Pixels of larger pictures are averaged to at most 32 x 32.
pub fn raw_pixels(
    data: &Arc<dyn DataSet>,
    preprocess: &Arc<Preprocess>,
    control: &Control,
) -> Result<Rows, TrainError> {
    let size = preprocess.size();
    let mut rows = Rows::default();
    for batch in plain_batches(data.clone(), preprocess.clone(), BATCH) {
        control.proceed()?;
        let batch = batch?;
        for picture in batch.views[0].chunks(preprocess.length()) {
            let averaged = averaged(picture, size, preprocess.channels(), SIDE);
            rows.dim = averaged.len();
            rows.values.extend_from_slice(&averaged);
        }
        rows.labels.extend(batch.labels);
        rows.index.extend(batch.index);
    }
    Ok(rows)
}

/// Pixels `[height, width, channels]` averaged over squares of equal size, those at the edges being what is left, so that no side is longer.
fn averaged(pixels: &[f32], (height, width): (usize, usize), channels: usize, longest: usize) -> Cow<'_, [f32]> {
    let square = height.max(width).div_ceil(longest).max(1);
    if square == 1 {
        return Cow::Borrowed(pixels);
    }
    let (rows, columns) = (height.div_ceil(square), width.div_ceil(square));
    let mut sums = vec![0.0; rows * columns * channels];
    let mut counts = vec![0.0; rows * columns];
    for (place, pixel) in pixels.chunks(channels).enumerate() {
        let at = place / width / square * columns + place % width / square;
        counts[at] += 1.0;
        sums[at * channels..][..channels].iter_mut().zip(pixel).for_each(|(sum, x)| *sum += x);
    }
    sums.chunks_mut(channels).zip(counts).for_each(|(sum, count)| sum.iter_mut().for_each(|x| *x /= count));
    Cow::Owned(sums)
}
