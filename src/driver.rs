//! The whole pipeline once, straight down: read, check, open the data, compile, train, judge, report.

mod bench;
mod compare;
mod explain;
mod failure;
mod frozen;
mod log;
mod pure;
mod run_folder;
mod trained;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use bench::{Measured, Part, Trial, bench, median};
pub use compare::{Comparison, Contest, Moment, Terms, compare};
pub use explain::{explain, explain_in_latex};
pub use failure::Failure;
use log::RunLog;
pub use pure::{Computed, loss_of};
pub use run_folder::RunFolder;
pub use trained::{Trained, check_run};

use crate::catalog::Config;
use crate::check::{self, Recipe};
use crate::data::{self, Split};
use crate::diag::{Diagnostic, Severity};
use crate::exec::{EngineKind, Spent};
use crate::lint::lint;
use crate::report::{self, RunRecord};
use crate::source::{FileId, Source, Sources, Span};
use crate::train::{
    Baselines, Checkpoint, Ending, Event, Setup, Splits, TrainError, Training, Verdict, last_checkpoint,
};

/// What is asked for besides the recipe itself.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The recipe; where it is left out, that of the run to go on with.
    pub recipe: Option<PathBuf>,
    /// The folder of a run to go on with.
    pub resume: Option<PathBuf>,
    /// Overrides, each `PATH=VALUE`.
    pub sets: Vec<String>,
    /// The data set instead of the recipe's: `NAME:PATH,ARGUMENT=VALUE`.
    pub data: Option<String>,
    /// The engine; where it is left out, the planned one, or that of the run to go on with.
    pub engine: Option<EngineKind>,
    /// The folder of the new run; numbered by itself where it is left out.
    pub out: Option<PathBuf>,
    /// Threads that make batches; as many as there are cores where left out.
    pub threads: Option<usize>,
    /// Whether to measure where the time goes.
    pub profile: bool,
    /// What is known of raw pixels from runs before.
    pub baselines: Baselines,
}

/// A file that has been read and checked.
pub struct Checked {
    /// All text that was read.
    pub sources: Sources,
    /// The recipe, if it has no error.
    pub recipe: Option<Recipe>,
    /// Errors and warnings.
    pub diagnostics: Vec<Diagnostic>,
}

/// What a run has come to.
pub struct Report {
    /// Its folder.
    pub folder: PathBuf,
    /// How it ended.
    pub ending: Ending,
    /// Its record, as it is kept in the folder.
    pub record: RunRecord,
    /// Where the time of the steps went, if that was asked for.
    pub profile: Vec<Spent>,
}

/// Reads and checks a recipe; `-` is standard input. An unreadable file is a mistake in how the program was called.
pub fn check(path: &Path, sets: &[String], data: Option<&str>) -> Result<Checked, Failure> {
    let mut sources = Sources::default();
    let root = read(&mut sources, path)?;
    let data = data.map(|spec| named(&mut sources, spec)).transpose()?;
    let outcome = check::check(&mut sources, root, &check::Options { sets: sets.to_vec(), data });
    let mut diagnostics = outcome.diagnostics;
    diagnostics.extend(outcome.recipe.iter().flat_map(lint));
    let sound = diagnostics.iter().all(|d| d.severity < Severity::Error);
    Ok(Checked { sources, recipe: outcome.recipe.filter(|_| sound), diagnostics })
}

/// The data set that `--data` names; what is wrong with it is said of that option.
fn named(sources: &mut Sources, spec: &str) -> Result<Config, Failure> {
    let config = data::parse_spec(spec).map_err(|e| Failure::Usage(e.to_string()))?;
    let option = sources.add(Source::new("--data", None, spec));
    Ok(Config { span: Span::new(option, 0..spec.len()), ..config })
}

/// Reads one file; `-` is standard input.
pub fn read(sources: &mut Sources, path: &Path) -> Result<FileId, Failure> {
    if path == Path::new("-") {
        let text = std::io::read_to_string(std::io::stdin());
        let text = text.map_err(|e| Failure::Usage(format!("cannot read standard input: {e}")))?;
        return Ok(sources.add(Source::new("standard input", None, text)));
    }
    sources.read(path).map_err(|e| Failure::Usage(format!("cannot read {}: {e}", path.display())))
}

impl Request {
    /// The file the recipe is read from.
    pub fn source(&self) -> Result<PathBuf, Failure> {
        match (&self.recipe, &self.resume) {
            (Some(recipe), _) => Ok(recipe.clone()),
            (None, Some(run)) => Ok(RunFolder::open(run)?.recipe()),
            (None, None) => Err(Failure::Usage("a recipe is needed, or `--resume RUN`".to_owned())),
        }
    }

    /// Reads and checks the recipe.
    pub fn check(&self) -> Result<Checked, Failure> {
        check(&self.source()?, &self.sets, self.data.as_deref())
    }
}

/// Trains and judges a checked recipe; `stop` ends it early, with everything saved.
pub fn run(
    request: &Request,
    checked: &Checked,
    stop: &AtomicBool,
    on_event: &mut dyn FnMut(&Event),
) -> Result<Report, Failure> {
    let explain = |error: TrainError| Failure::of_training(error, &checked.sources);
    let recipe = checked.recipe.as_ref().ok_or_else(|| Failure::Usage("the recipe has errors".to_owned()))?;
    let old = request.resume.as_deref().map(Resumed::read).transpose()?;
    let engine = request.engine.or(old.as_ref().and_then(Resumed::engine)).unwrap_or_default();
    let data = open(recipe).map_err(explain)?;
    let setup = Setup { recipe, data: data.clone(), engine, threads: request.threads };
    let mut training = Training::new(setup, old.as_ref().map(|o| &o.checkpoint)).map_err(explain)?;
    training.learner().engine().measure(request.profile);
    let (folder, record) = match old {
        Some(old) => (old.folder, Some((old.record, old.checkpoint.step))),
        None => (RunFolder::create(request.out.as_deref(), &name(request))?, None),
    };
    if record.is_none() {
        let beside = folder.path().parent().unwrap_or(Path::new(".")).to_owned();
        let search = frozen::Search { request, checked, beside: &beside, stop };
        search.fill(recipe, &mut training.learner().memory, on_event)?;
    }
    let mut log = RunLog::new(&folder, recipe, &*data.train, engine, record)?;
    let mut tell = |event: &Event| on_event(&placed(event, &checked.sources));
    let result = train(&mut training, &folder, &request.baselines, stop, &mut log, &mut tell);
    let record = log.finish(&folder, &training, &result)?;
    let ending = result.map_err(|error| Failure::of_training(error, &checked.sources).keeping(folder.path()))?.0;
    let profile = if request.profile { training.learner().engine().profile() } else { Vec::new() };
    Ok(Report { folder: folder.path().to_owned(), ending, record, profile })
}

/// A run that is gone on with.
struct Resumed {
    folder: RunFolder,
    record: RunRecord,
    checkpoint: Checkpoint,
}

impl Resumed {
    fn read(run: &Path) -> Result<Self, Failure> {
        let folder = RunFolder::open(run)?;
        let record = RunRecord::read(&folder.record()).map_err(Failure::Run)?;
        let checkpoint = Checkpoint::read(&last_checkpoint(folder.path())).map_err(|e| Failure::Run(e.to_string()))?;
        Ok(Self { folder, record, checkpoint })
    }

    fn engine(&self) -> Option<EngineKind> {
        [EngineKind::Planned, EngineKind::Candle].into_iter().find(|kind| log::engine_name(*kind) == self.record.engine)
    }
}

fn open(recipe: &Recipe) -> Result<Splits, TrainError> {
    let train = Arc::from(data::open(&recipe.data, Split::Train)?);
    Ok(Splits { train, test: Arc::from(data::open(&recipe.data, Split::Test)?) })
}

/// A warning with the place in the recipe that it speaks of.
fn placed<'e>(event: &'e Event, sources: &Sources) -> std::borrow::Cow<'e, Event> {
    match event {
        Event::Warning { message, span: Some(span) } => {
            let message = format!("{message}{}", failure::point(sources, *span));
            std::borrow::Cow::Owned(Event::Warning { message, span: Some(*span) })
        }
        event => std::borrow::Cow::Borrowed(event),
    }
}

/// Trains, and judges what was trained unless somebody stopped it.
fn train(
    training: &mut Training,
    folder: &RunFolder,
    baselines: &Baselines,
    stop: &AtomicBool,
    log: &mut RunLog,
    on_event: &mut dyn FnMut(&Event),
) -> Result<(Ending, Verdict), TrainError> {
    let mut tell = |event: &Event| {
        log.note(event);
        on_event(event);
    };
    let ending = training.run(folder.path(), stop, &mut tell)?;
    if ending == Ending::Interrupted || stop.load(Ordering::Relaxed) {
        return Ok((Ending::Interrupted, Verdict::default()));
    }
    Ok(match training.verdict(folder.path(), baselines, stop, &mut tell)? {
        Some(verdict) => (ending, verdict),
        None => (Ending::Interrupted, Verdict::default()),
    })
}

/// What a new run is called: as its recipe's file.
fn name(request: &Request) -> String {
    let stem = request.recipe.as_deref().and_then(Path::file_stem).map(|s| s.to_string_lossy().into_owned());
    stem.filter(|s| s != "-").unwrap_or_else(|| "run".to_owned())
}

/// The hash of a recipe's whole text and of the texts of those it takes frozen weights from.
fn hash(recipe: &Recipe) -> String {
    let parts = recipe.parts.iter().map(|(_, text)| text);
    let bytes: Vec<u64> = std::iter::once(&recipe.text).chain(parts).flat_map(|t| t.bytes()).map(u64::from).collect();
    format!("{:016x}", crate::random::derive(&bytes))
}

/// The moment, in UTC.
fn now() -> String {
    report::timestamp(std::time::SystemTime::now())
}
