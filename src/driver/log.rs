//! Keeps what a training says in the folder of its run: metrics as JSON lines, and the record.

use super::beginning::Beginning;
use super::held::Held;
use super::{Failure, LogKind, RunFolder, hash, logs, now};
use crate::check::Recipe;
use crate::data::DataSet;
use crate::exec::EngineKind;
use crate::kernels;
use crate::report::{BestRecord, JudgedOn, Metric, MetricsLog, Outcome, Point, RunRecord, StepLine, write_atomically};
use crate::train::{
    Clock, Control, DEVIATION, Ending, Event, Journal, Look, Measures, Step, TrainError, Training, Verdict, patiently,
};

/// Steps between two lines of the metrics.
const EVERY: usize = 10;

/// What a run is, for its record.
pub(super) struct Terms<'a> {
    pub recipe: &'a Recipe,
    pub data: &'a dyn DataSet,
    pub engine: EngineKind,
    pub fingerprint: Option<u64>,
    /// The other data sets that it is judged on.
    pub judged: Vec<JudgedOn>,
    /// What is changed of it from now on.
    pub changes: Vec<String>,
    /// The logs that are asked for.
    pub logs: &'a [LogKind],
}

/// A subscriber that writes everything down.
pub(super) struct RunLog {
    metrics: MetricsLog,
    record: RunRecord,
    /// The step told of last, until it is written or the next one comes.
    last: Option<StepLine>,
    folder: RunFolder,
}

impl RunLog {
    /// Begins the log of a run, or goes on with an earlier one's.
    pub(super) fn new(folder: &RunFolder, terms: Terms, beginning: &Beginning) -> Result<Self, Failure> {
        let path = folder.metrics();
        let (record, metrics) = match beginning {
            Beginning::Resume(earlier) => {
                (earlier.record.clone(), MetricsLog::resume(&path, earlier.checkpoint.progress.step))
            }
            Beginning::Branch { from, goes_on } => {
                let step = from.checkpoint.progress.step;
                let origin = format!("{} at step {step}", from.folder.path().display());
                let metrics = match goes_on {
                    true => MetricsLog::branch(&from.folder.metrics(), &path, step),
                    false => MetricsLog::create(&path),
                };
                (RunRecord { from: Some(origin), ..blank(terms.recipe) }, metrics)
            }
            Beginning::Anew | Beginning::Again(_) => (blank(terms.recipe), MetricsLog::create(&path)),
        };
        let Terms { recipe, data, engine, fingerprint, judged, changes, logs } = terms;
        let logs = logs::kept(logs, &record).into_iter().map(|kind| kind.name().to_owned()).collect();
        let record = RunRecord {
            judged,
            logs,
            recipe_hash: hash(recipe),
            data: data.describe(),
            fingerprint,
            engine: engine_name(engine).to_owned(),
            kernels: kernels::Path::current().name().to_owned(),
            threads: rayon::current_num_threads(),
            outcome: Outcome::Running,
            changes: record.changes.iter().cloned().chain(changes).collect(),
            ..record
        };
        let mut metrics = metrics.map_err(Failure::run)?;
        logs::follow(&mut metrics, folder, &record, recipe, data)?;
        let log = Self { metrics, record, last: None, folder: folder.clone() };
        log.begin(folder, recipe)?;
        Ok(log)
    }

    /// Makes a folder that of the run; the recipe comes last, by which it is known.
    fn begin(&self, folder: &RunFolder, recipe: &Recipe) -> Result<(), Failure> {
        self.record.write(&folder.record()).map_err(Failure::run)?;
        for (file, text) in recipe.parts.iter() {
            write_atomically(&folder.path().join(file), text.as_bytes()).map_err(Failure::run)?;
        }
        write_atomically(&folder.recipe(), recipe.text.as_bytes()).map_err(Failure::run)
    }

    /// Writes all that it has to another folder.
    pub(super) fn copy_to(&mut self, folder: &RunFolder, training: &Training) -> Result<(), Failure> {
        let lines = self.metrics.lines().unwrap_or_default();
        write_atomically(&folder.metrics(), lines.as_bytes()).map_err(Failure::run)?;
        self.came(training);
        self.record.outcome = Outcome::Interrupted;
        self.begin(folder, training.recipe())
    }

    /// Tells of pictures that could not be used, and names them in the record.
    pub(super) fn left_out<'d>(
        &mut self,
        data: impl Iterator<Item = &'d dyn DataSet>,
        training: &mut Training,
        tell: &mut dyn FnMut(&Event),
    ) {
        let all: Vec<String> = data.flat_map(|d| d.spoilt()).map(|e| e.to_string()).collect();
        if let Some(first) = all.first() {
            let count = all.len();
            let pictures = if count == 1 { "1 picture was".to_owned() } else { format!("{count} pictures were") };
            let message =
                format!("{pictures} left out, as {first}; `run.ron` names them, `--strict` stops at the first");
            training.warn(message, None, tell);
        }
        self.record.left_out = all;
    }

    /// Notes what happened.
    pub(super) fn note(&mut self, event: &Event) {
        match event {
            Event::Step(step) => self.step(step),
            Event::Evaluated { measures, .. } => self.measured(measures),
            Event::Started { parameters, .. } => self.record.parameters = *parameters,
            // What a training that nobody stops would not write, this one does not leave either.
            Event::Saving { planned, .. } if *planned || self.is_regular() => self.flush(),
            Event::Interrupted { .. } => self.last = None,
            Event::Finished { .. } => self.flush(),
            Event::Checkpoint { progress, .. } => {
                self.reached(progress.clock, progress.step);
                self.learnt(progress.seconds, progress.images, &progress.journal);
                // The one of the next checkpoint says what this one cannot; the last is told of.
                let _ = self.record.write(&self.folder.record());
            }
            Event::Preparing { .. }
            | Event::Beforehand { .. }
            | Event::Refreshing { .. }
            | Event::Refreshed { .. }
            | Event::Saving { .. }
            | Event::Waiting { .. }
            | Event::Warning { .. }
            | Event::Judging { .. } => {}
        }
    }

    /// Whether the step told of last has a line whatever comes next.
    fn is_regular(&self) -> bool {
        self.last.as_ref().is_some_and(|l| l.step == 1 || l.step.is_multiple_of(EVERY))
    }

    fn step(&mut self, step: &Step) {
        if self.is_regular() {
            self.flush();
        }
        self.last = Some(StepLine {
            step: step.step,
            epoch: step.epoch,
            seconds: step.seconds,
            loss: step.loss,
            terms: step.terms.clone(),
            lr: step.lr,
            skipped: step.skipped,
            images_per_second: step.images_per_second,
            measures: Vec::new(),
        });
    }

    fn measured(&mut self, measures: &Measures) {
        if let Some(line) = &mut self.last {
            line.measures.clone_from(&measures.0);
        }
        self.flush();
    }

    fn flush(&mut self) {
        // What cannot be written is kept for the next time, and told of at the end.
        if let Some(line) = self.last.take() {
            let _ = self.metrics.write(&line);
        }
    }

    /// How far a training has come, and what it has learnt of itself.
    fn came(&mut self, training: &Training) {
        self.reached(training.clock(), training.done());
        self.learnt(training.seconds(), training.images(), training.journal());
    }

    fn reached(&mut self, clock: Clock, steps: usize) {
        (self.record.steps, self.record.epochs) = (steps as u64, clock.epochs(steps));
    }

    fn learnt(&mut self, seconds: f64, images: u64, journal: &Journal) {
        (self.record.seconds, self.record.images) = (seconds, images);
        self.record.history = journal.looks.iter().map(point).collect();
        self.record.warnings.clone_from(&journal.warnings);
        self.record.best = journal.best.as_ref().map(|best| BestRecord {
            measure: best.measure.clone(),
            value: best.value,
            step: best.step as u64,
            epoch: best.epoch,
            metrics: Vec::new(),
        });
    }

    /// Writes the record of a run that has ended, and gives it.
    pub(super) fn finish(
        mut self,
        held: &Held,
        training: &Training,
        result: &Result<(Ending, Verdict), TrainError>,
        control: &Control,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<RunRecord, TrainError> {
        self.flush();
        self.record.outcome = match result {
            Ok((Ending::Finished, _)) => Outcome::Finished,
            Ok((Ending::Interrupted, _)) => Outcome::Interrupted,
            Err(TrainError::NotFinite(_)) => Outcome::Diverged,
            Err(_) => Outcome::Interrupted,
        };
        self.came(training);
        if let Ok((_, verdict)) = result {
            self.record.trained = metrics(&verdict.trained);
            self.record.untrained = metrics(&verdict.untrained);
            self.record.raw = metrics(&verdict.raw);
            if let Some(best) = &mut self.record.best {
                best.metrics = metrics(&verdict.best);
            }
        }
        patiently(held, control, on_event, |_| {
            self.metrics.flush().and_then(|()| self.record.write(&self.folder.record())).map_err(TrainError::File)
        })?;
        Ok(self.record)
    }
}

fn point(look: &Look) -> Point {
    Point { epoch: look.epoch, seconds: look.seconds, loss: look.loss, metrics: metrics(&look.measures) }
}

/// The record of a run that has not begun.
fn blank(recipe: &Recipe) -> RunRecord {
    RunRecord {
        title: recipe.title.clone(),
        paper: recipe.paper.clone(),
        seed: recipe.train.seed,
        versions: [("sslrun".to_owned(), env!("CARGO_PKG_VERSION").to_owned())].into(),
        started: now(),
        ..RunRecord::default()
    }
}

/// Measures under the titles of a table's columns.
pub(super) fn metrics(measures: &Measures) -> Vec<Metric> {
    let mut all: Vec<Metric> = Vec::new();
    for (name, value) in &measures.0 {
        match (name.strip_suffix(DEVIATION), all.last_mut()) {
            (Some(of), Some(last)) if last.name == metric(of, 0.0).name => last.deviation = Some(*value),
            _ => all.push(metric(name, *value)),
        }
    }
    all
}

/// A measure under the title of its column; what stands before a point is a data set.
fn metric(name: &str, value: f64) -> Metric {
    if let Some((set, measure)) = name.split_once('.')
        && set.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !set.is_empty()
    {
        let metric = metric(measure, value);
        return Metric { name: JudgedOn::measure(set, &metric.name), ..metric };
    }
    let titled = |word: &str, title: &str| Metric::share(name.replacen(word, title, 1), value);
    match name.split(' ').next() {
        Some("knn") => titled("knn", "k-NN"),
        Some("linear") => titled("linear", "linear probe"),
        Some("few_shot") => titled("few_shot", "few-shot"),
        Some("zero_shot") => titled("zero_shot", "zero-shot"),
        Some("retrieval") => titled("retrieval ", ""),
        Some("finetune") => titled("finetune", "fine-tuned"),
        _ => Metric::plain(name.replace('_', " "), value),
    }
}

/// What an engine is called on the command line and in records.
pub fn engine_name(kind: EngineKind) -> &'static str {
    match kind {
        EngineKind::Planned => "planned",
        EngineKind::Candle => "candle",
    }
}
