//! Batches of views in a seeded order, made ahead of time on worker threads.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use super::mask::MaskRows;
use super::prefetch::Prefetch;
use super::views::Workshop;
use super::{DataError, DataSet, Pictures, ViewSpec, Views};
use crate::random::Rng;

/// Some samples, every view of each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// The views, each `[batch, height, width, channels]`, normalised; empty where a view shows the pixels of another.
    pub views: Vec<Vec<f32>>,
    /// The masks of each view; empty where it has none.
    pub masks: Vec<MaskRows>,
    /// The class of each sample; `None` where it has none.
    pub labels: Vec<Option<u32>>,
    /// The place of each sample in the data set.
    pub index: Vec<usize>,
    /// The numbers of each column that is read, by its place in the data set; empty for the others.
    pub columns: Vec<Vec<f32>>,
}

/// A column that is read for every sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// Its place in the data set.
    pub place: usize,
    /// What it is called.
    pub name: String,
    /// How many numbers a value is.
    pub width: usize,
}

/// Makes the batches of any epoch; the same numbers for the same seed, whatever the number of threads.
#[derive(Clone)]
pub struct Loader {
    source: Arc<Source>,
    threads: usize,
}

/// What a worker needs to make any batch.
struct Source {
    dataset: Arc<dyn DataSet>,
    views: Views,
    columns: Vec<Read>,
    batch: usize,
    seed: u64,
    used: Mutex<Vec<Batch>>,
}

/// Batches that wait to be taken beyond those being made.
const AHEAD: usize = 2;

impl Loader {
    /// A loader of full batches; fails where a view is wrong or the data set is smaller than one batch.
    pub fn new(dataset: Arc<dyn DataSet>, views: &[ViewSpec], batch: usize, seed: u64) -> Result<Self, DataError> {
        Self::reading(dataset, views, Vec::new(), batch, seed)
    }

    /// The same of views and columns; fails where the data set has no such column.
    pub fn reading(
        dataset: Arc<dyn DataSet>,
        views: &[ViewSpec],
        columns: Vec<Read>,
        batch: usize,
        seed: u64,
    ) -> Result<Self, DataError> {
        if batch == 0 || batch > dataset.len() {
            return Err(DataError::new(format!(
                "a batch of {batch} cannot be made from {} ({} samples)",
                dataset.describe(),
                dataset.len()
            ))
            .help("set train.batch to at least 1 and at most the number of samples"));
        }
        columns.iter().try_for_each(|read| readable(&*dataset, read))?;
        let views = Views::new(views, &*dataset)?;
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
        let source = Source { dataset, views, columns, batch, seed, used: Mutex::default() };
        Ok(Self { source: Arc::new(source), threads })
    }

    /// The same batches, made on this many threads.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Full batches an epoch; what is left over is another each epoch.
    pub fn batches_per_epoch(&self) -> usize {
        self.source.per_epoch()
    }

    /// Height and width of each view.
    pub fn view_sizes(&self) -> Vec<(usize, usize)> {
        self.source.views.sizes()
    }

    /// The views that have pixels of their own.
    pub fn crops(&self) -> Vec<usize> {
        let views = &self.source.views;
        (0..views.count()).filter(|&v| views.shows(v) == v).collect()
    }

    /// The batches of one epoch.
    pub fn epoch(&self, epoch: usize) -> Epoch {
        let per_epoch = self.batches_per_epoch();
        self.steps(epoch * per_epoch..(epoch + 1) * per_epoch)
    }

    /// The batches of a range of steps counted from the start of training: it may begin anywhere in an epoch, as a
    /// resumed run does, and go on over the ends of epochs without a pause.
    pub fn steps(&self, steps: Range<usize>) -> Epoch {
        let source = self.source.clone();
        let threads = self.threads;
        Epoch {
            batches: Prefetch::start(steps, threads, threads + AHEAD, move || {
                let mut maker = Maker { source: source.clone(), shop: Workshop::default(), order: None };
                move |step| maker.make(step)
            }),
        }
    }

    /// How many samples the data set has.
    pub fn samples(&self) -> usize {
        self.source.dataset.len()
    }

    /// Every sample once in the order of the data set, in full batches: the last is filled up from the beginning. Each `pass`
    /// has its own augmentations, which no epoch has.
    pub fn sweep(&self, pass: usize) -> Epoch {
        let (source, threads) = (self.source.clone(), self.threads);
        let batches = source.dataset.len().div_ceil(source.batch);
        Epoch {
            batches: Prefetch::start(0..batches, threads, threads + AHEAD, move || {
                let (source, mut shop) = (source.clone(), Workshop::default());
                move |number| {
                    let mut batch = source.used.lock().ok().and_then(|mut used| used.pop()).unwrap_or_default();
                    let first = number * source.batch;
                    let index: Vec<usize> = (first..first + source.batch).map(|i| i % source.dataset.len()).collect();
                    source.fill(&mut batch, (usize::MAX - number, usize::MAX - pass), &index, &mut shop)?;
                    Ok(batch)
                }
            }),
        }
    }

    /// Gives a used batch's memory back for another to be made in.
    pub fn recycle(&self, batch: Batch) {
        if let Ok(mut used) = self.source.used.lock()
            && used.len() < self.threads + AHEAD
        {
            used.push(batch);
        }
    }
}

/// The batches of an epoch or of a range of steps, in order.
pub struct Epoch {
    batches: Prefetch<Result<Batch, DataError>>,
}

impl Iterator for Epoch {
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let made = self.batches.next()?;
        Some(made.unwrap_or_else(|panic| Err(DataError::new(format!("making a batch failed: {panic}")))))
    }
}

impl Source {
    fn per_epoch(&self) -> usize {
        self.dataset.len() / self.batch
    }
}

/// One worker: its memory, and the order of the epoch it is in.
struct Maker {
    source: Arc<Source>,
    shop: Workshop,
    order: Option<(usize, Vec<usize>)>,
}

impl Maker {
    fn make(&mut self, step: usize) -> Result<Batch, DataError> {
        let per_epoch = self.source.per_epoch();
        let (epoch, place) = (step / per_epoch, step % per_epoch * self.source.batch);
        self.enter(epoch);
        let mut batch = self.source.used.lock().ok().and_then(|mut used| used.pop()).unwrap_or_default();
        let order = self.order.as_ref().map_or(&[][..], |(_, order)| order);
        let index = &order[place..place + self.source.batch];
        self.source.fill(&mut batch, (step, epoch), index, &mut self.shop)?;
        Ok(batch)
    }

    fn enter(&mut self, epoch: usize) {
        if self.order.as_ref().is_none_or(|(at, _)| *at != epoch) {
            let mut rng = Rng::new(&[self.source.seed, epoch as u64]);
            self.order = Some((epoch, rng.permutation(self.source.dataset.len())));
        }
    }
}

impl Source {
    /// The pictures of a sample and its place; those of the next one that can be used, where its own cannot.
    fn usable(&self, sample: usize, sources: &[Option<usize>]) -> Result<(Pictures<'_>, usize), DataError> {
        let count = self.dataset.len();
        for place in (sample..sample + count).map(|i| i % count) {
            match Pictures::read(&*self.dataset, place, sources) {
                Ok(pictures) => return Ok((pictures, place)),
                Err(error) if error.spoilt => {}
                Err(error) => return Err(error.of_row(place)),
            }
        }
        Err(nothing(&*self.dataset))
    }

    fn fill(
        &self,
        batch: &mut Batch,
        (step, epoch): (usize, usize),
        index: &[usize],
        shop: &mut Workshop,
    ) -> Result<(), DataError> {
        let views = &self.views;
        batch.index.clear();
        batch.index.extend_from_slice(index);
        batch.labels.clear();
        let length = |(v, (height, width))| if views.shows(v) == v { height * width * views.channels() } else { 0 };
        let lengths: Vec<usize> = views.sizes().into_iter().enumerate().map(length).collect();
        batch.views.resize(lengths.len(), Vec::new());
        for (view, length) in batch.views.iter_mut().zip(&lengths) {
            view.resize(length * index.len(), 0.0);
        }
        batch.masks.resize(lengths.len(), MaskRows::default());
        batch.masks.iter_mut().for_each(MaskRows::clear);
        let (shared, sources) = (views.shared_masks(self.seed, step), views.sources());
        batch.columns.resize(self.columns.iter().map(|c| c.place + 1).max().unwrap_or(0), Vec::new());
        batch.columns.iter_mut().for_each(Vec::clear);
        for (row, &sample) in index.iter().enumerate() {
            let (pictures, place) = self.usable(sample, &sources)?;
            batch.labels.push(self.dataset.label(place));
            for column in &self.columns {
                batch.columns[column.place].extend(self.dataset.cell(column.place, place)?);
            }
            let seeds = [self.seed, epoch as u64, sample as u64];
            let made = views.make(&pictures, seeds, &shared, shop).map_err(|e| e.at_row(sample))?;
            for (v, &length) in lengths.iter().enumerate() {
                if length > 0 {
                    views.write(v, made.pixels(v), &mut batch.views[v][row * length..(row + 1) * length]);
                }
                if let Some((drawn, layout)) = made.mask(v) {
                    batch.masks[v].push(drawn, layout);
                }
            }
        }
        Ok(())
    }
}

/// Whether a data set has a column as it is to be read.
fn readable(dataset: &dyn DataSet, read: &Read) -> Result<(), DataError> {
    let column = dataset.columns().get(read.place).filter(|c| c.name == read.name && c.kind.width() == read.width);
    let Some(column) = column else {
        let there: Vec<String> = dataset.columns().iter().map(|c| format!("`{}`, {}", c.name, c.kind)).collect();
        let there = if there.is_empty() { "it has none".to_owned() } else { there.join("; ") };
        let what = format!("{} has no column `{}` as the recipe reads it", dataset.describe(), read.name);
        return Err(DataError::new(what).help(format!("its columns: {there}")));
    };
    match &column.gap {
        None => Ok(()),
        Some((row, _)) => Err(DataError::new(format!("{row} has nothing in the column `{}`", read.name))),
    }
}

/// What is said where no picture can be used.
fn nothing(dataset: &dyn DataSet) -> DataError {
    let first = dataset.spoilt().into_iter().next().map_or_else(String::new, |error| format!(", such as {error}"));
    DataError::new(format!("none of the {} pictures can be used{first}", dataset.len()))
}
