//! Keeps what a training says in the folder of its run: metrics as JSON lines, and the record.

use super::{Failure, RunFolder, hash, now};
use crate::check::Recipe;
use crate::data::DataSet;
use crate::exec::EngineKind;
use crate::report::{Metric, MetricsLog, Outcome, Point, RunRecord, StepLine, write_atomically};
use crate::train::{Ending, Event, Measures, Step, TrainError, Training, Verdict};

/// Steps between two lines of the metrics.
const EVERY: usize = 10;

/// A subscriber that writes everything down.
pub(super) struct RunLog {
    metrics: MetricsLog,
    record: RunRecord,
    /// The step told of last, until it is written or the next one comes.
    last: Option<StepLine>,
    /// The losses since the last point of the record.
    losses: (f64, usize),
    /// The first thing that could not be written.
    error: Option<String>,
}

impl RunLog {
    /// Begins the log of a run, or goes on with an earlier one's record from the given step.
    pub(super) fn new(
        folder: &RunFolder,
        recipe: &Recipe,
        data: &dyn DataSet,
        engine: EngineKind,
        earlier: Option<(RunRecord, usize)>,
    ) -> Result<Self, Failure> {
        let (record, metrics) = match earlier {
            Some((mut record, step)) => {
                let per_epoch = data.len() / recipe.train.batch.max(1);
                let epochs = step as f64 / per_epoch.max(1) as f64;
                // A point is judged after its step, so one of the step itself is kept.
                record.history.retain(|p| p.epoch <= epochs + 1e-9);
                (record, MetricsLog::resume(&folder.metrics(), step))
            }
            None => (blank(recipe), MetricsLog::create(&folder.metrics())),
        };
        let record = RunRecord {
            recipe_hash: hash(recipe),
            data: data.describe(),
            engine: engine_name(engine).to_owned(),
            threads: rayon::current_num_threads(),
            outcome: Outcome::Running,
            ..record
        };
        write_atomically(&folder.recipe(), recipe.text.as_bytes()).map_err(Failure::Run)?;
        for (file, text) in &recipe.parts {
            write_atomically(&folder.path().join(file), text.as_bytes()).map_err(Failure::Run)?;
        }
        record.write(&folder.record()).map_err(Failure::Run)?;
        Ok(Self { metrics: metrics.map_err(Failure::Run)?, record, last: None, losses: (0.0, 0), error: None })
    }

    /// Notes what happened.
    pub(super) fn note(&mut self, event: &Event) {
        match event {
            Event::Step(step) => self.step(step),
            Event::Evaluated { epoch, seconds, measures, .. } => self.point(*epoch, *seconds, measures),
            Event::Started { parameters, .. } => self.record.parameters = *parameters,
            Event::Interrupted { .. } | Event::Finished { .. } => self.flush(),
            Event::Warning { message, .. } => self.record.warnings.push(message.clone()),
            Event::Preparing { .. }
            | Event::Beforehand { .. }
            | Event::Refreshing { .. }
            | Event::Refreshed { .. }
            | Event::Checkpoint { .. }
            | Event::Judging { .. } => {}
        }
    }

    fn step(&mut self, step: &Step) {
        if self.last.as_ref().is_some_and(|l| l.step == 1 || l.step.is_multiple_of(EVERY)) {
            self.flush();
        }
        self.losses = (self.losses.0 + step.loss, self.losses.1 + 1);
        self.last = Some(StepLine {
            step: step.step,
            epoch: step.epoch,
            seconds: step.seconds,
            loss: step.loss,
            terms: step.terms.clone(),
            lr: step.lr,
            images_per_second: step.images_per_second,
            measures: Vec::new(),
        });
    }

    fn point(&mut self, epoch: f64, seconds: f64, measures: &Measures) {
        let (sum, count) = std::mem::take(&mut self.losses);
        let loss = if count > 0 { sum / count as f64 } else { f64::NAN };
        self.record.history.push(Point { epoch, seconds, loss, metrics: metrics(measures) });
        if let Some(line) = &mut self.last {
            line.measures.clone_from(&measures.0);
        }
        self.flush();
    }

    fn flush(&mut self) {
        if let Some(line) = self.last.take()
            && let Err(error) = self.metrics.write(&line)
        {
            self.error.get_or_insert(error);
        }
    }

    /// Writes the record of a run that has ended, and gives it.
    pub(super) fn finish(
        mut self,
        folder: &RunFolder,
        training: &Training,
        result: &Result<(Ending, Verdict), TrainError>,
    ) -> Result<RunRecord, Failure> {
        self.flush();
        self.record.outcome = match result {
            Ok((Ending::Finished, _)) => Outcome::Finished,
            Ok((Ending::Interrupted, _)) => Outcome::Interrupted,
            Err(TrainError::NotFinite(_)) => Outcome::Diverged,
            Err(_) => Outcome::Interrupted,
        };
        (self.record.seconds, self.record.images) = (training.seconds(), training.images());
        if let Ok((_, verdict)) = result {
            self.record.trained = metrics(&verdict.trained);
            self.record.untrained = metrics(&verdict.untrained);
            self.record.raw = metrics(&verdict.raw);
        }
        self.record.write(&folder.record()).map_err(Failure::Run)?;
        self.error.map_or(Ok(self.record), |error| Err(Failure::Run(error)))
    }
}

/// The record of a run that has not begun.
fn blank(recipe: &Recipe) -> RunRecord {
    RunRecord {
        title: recipe.title.clone(),
        paper: recipe.paper.clone(),
        recipe_hash: String::new(),
        seed: recipe.train.seed,
        data: String::new(),
        engine: String::new(),
        threads: 0,
        versions: [("sslrun".to_owned(), env!("CARGO_PKG_VERSION").to_owned())].into(),
        started: now(),
        outcome: Outcome::Running,
        seconds: 0.0,
        images: 0,
        parameters: 0,
        trained: Vec::new(),
        untrained: Vec::new(),
        raw: Vec::new(),
        history: Vec::new(),
        warnings: Vec::new(),
    }
}

/// Measures under the titles of a table's columns.
pub(super) fn metrics(measures: &Measures) -> Vec<Metric> {
    let metric = |(name, value): &(String, f64)| match name.split(' ').next() {
        Some("knn") => Metric::share(name.replacen("knn", "k-NN", 1), *value),
        Some("linear") => Metric::share(name.replacen("linear", "linear probe", 1), *value),
        Some("finetune") => Metric::share(name.replacen("finetune", "fine-tuned", 1), *value),
        _ => Metric::plain(name.replace('_', " "), *value),
    };
    measures.0.iter().map(metric).collect()
}

/// What an engine is called on the command line and in records.
pub(super) fn engine_name(kind: EngineKind) -> &'static str {
    match kind {
        EngineKind::Planned => "planned",
        EngineKind::Candle => "candle",
    }
}
