//! Features of pictures by an encoder as it stands.

use std::sync::Arc;

use super::TrainError;
use crate::check::Encoder;
use crate::compile::Program;
use crate::data::{CHANNELS, DataError, DataSet, Image, plain_batches};
use crate::eval::Features;
use crate::exec::{self, Engine, EngineKind, Feed, Memory};
use crate::random::Rng;

/// Pictures that go through an encoder at a time.
const BATCH: usize = 100;

/// Runs an encoder in its evaluation form.
pub struct Extractor {
    engine: Box<dyn Engine>,
    input: String,
    size: (usize, usize),
}

/// The features of some samples, and their labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// One row a sample: `[rows, dim]`.
    pub values: Vec<f32>,
    /// The class of each row.
    pub labels: Vec<u32>,
    /// The length of a row.
    pub dim: usize,
}

impl Rows {
    /// The same as the probes want it.
    pub fn features(&self) -> Features<'_> {
        Features::new(&self.values, &self.labels, self.dim)
    }

    /// Whether every feature is finite.
    pub fn finite(&self) -> bool {
        self.values.iter().all(|x| x.is_finite())
    }
}

impl Extractor {
    /// An engine for the encoder on any memory that was made for the recipe's graph.
    pub fn new(encoder: &Encoder, kind: EngineKind) -> Result<Self, TrainError> {
        let program = Program::forward(encoder.graph.clone(), vec![encoder.features]);
        let size = |symbol: &str| (symbol == "N").then_some(BATCH as i64);
        let input = encoder.graph.inputs.first().map_or_else(String::new, |i| i.name.clone());
        Ok(Self { engine: exec::engine(kind, &program, &size)?, input, size: encoder.size })
    }

    /// The features of all samples of a data set, resized to what the encoder takes.
    pub fn rows(&mut self, memory: &mut Memory, data: &Arc<dyn DataSet>) -> Result<Rows, TrainError> {
        let mut rows = Rows::default();
        for batch in plain_batches(data.clone(), self.size, BATCH) {
            let batch = batch?;
            self.encode(memory, &batch.views[0], &mut rows)?;
            rows.labels.extend(batch.labels);
        }
        Ok(rows)
    }

    /// The features of pictures of the encoder's size, normalised, `[any, height, width, 3]`.
    pub fn features(&mut self, memory: &mut Memory, pictures: &[f32]) -> Result<Rows, TrainError> {
        let mut rows = Rows::default();
        for some in pictures.chunks(BATCH * self.picture()) {
            self.encode(memory, some, &mut rows)?;
        }
        Ok(rows)
    }

    /// Height and width the encoder takes.
    pub fn size(&self) -> (usize, usize) {
        self.size
    }

    fn picture(&self) -> usize {
        self.size.0 * self.size.1 * CHANNELS
    }

    /// Appends the features of at most one batch; a short one is filled up, as the plan has one size.
    fn encode(&mut self, memory: &mut Memory, pictures: &[f32], rows: &mut Rows) -> Result<(), TrainError> {
        let count = pictures.len() / self.picture();
        let mut filled = Vec::new();
        let whole = if count == BATCH {
            pictures
        } else {
            filled.extend_from_slice(pictures);
            filled.resize(BATCH * self.picture(), 0.0);
            &filled
        };
        let feed = Feed { inputs: vec![(self.input.as_str(), whole)], ..Feed::default() };
        self.engine.run(memory, &feed)?;
        let out = self.engine.output(0);
        rows.dim = out.len() / BATCH;
        rows.values.extend_from_slice(&out[..count * rows.dim]);
        Ok(())
    }
}

/// The pictures themselves as features: what an encoder has to beat.
pub fn raw_pixels(data: &Arc<dyn DataSet>, size: (usize, usize)) -> Result<Rows, TrainError> {
    let mut rows = Rows { dim: size.0 * size.1 * CHANNELS, ..Rows::default() };
    for batch in plain_batches(data.clone(), size, BATCH) {
        let batch = batch?;
        rows.values.extend_from_slice(&batch.views[0]);
        rows.labels.extend(batch.labels);
    }
    Ok(rows)
}

/// At most `most` samples of a data set, drawn once and for all; the set itself where it has no more.
pub fn subset(data: &Arc<dyn DataSet>, most: usize) -> Arc<dyn DataSet> {
    if data.len() <= most {
        return data.clone();
    }
    let mut chosen = Rng::new(&[data.len() as u64]).permutation(data.len());
    chosen.truncate(most);
    chosen.sort_unstable();
    Arc::new(Subset { data: data.clone(), chosen })
}

/// Some samples of a data set.
struct Subset {
    data: Arc<dyn DataSet>,
    chosen: Vec<usize>,
}

impl DataSet for Subset {
    fn len(&self) -> usize {
        self.chosen.len()
    }

    fn classes(&self) -> &[String] {
        self.data.classes()
    }

    fn label(&self, index: usize) -> Option<u32> {
        self.chosen.get(index).and_then(|&i| self.data.label(i))
    }

    fn image(&self, index: usize) -> Result<Image<'_>, DataError> {
        let place = self.chosen.get(index).copied();
        self.data.image(place.ok_or_else(|| DataError::new("no such sample").at_row(index))?)
    }

    fn size(&self) -> Option<(usize, usize)> {
        self.data.size()
    }

    fn mean_std(&self) -> ([f32; CHANNELS], [f32; CHANNELS]) {
        self.data.mean_std()
    }

    fn describe(&self) -> String {
        format!("{} of {}", self.len(), self.data.describe())
    }
}
