//! The whole pipeline once, straight down: read, check, open the data, compile, train, judge, report.

mod beginning;
mod bench;
mod checked;
mod compare;
mod explain;
mod export;
mod failure;
mod frozen;
mod held;
mod log;
mod logs;
mod named;
mod need;
mod others;
mod pure;
mod rescue;
mod run_folder;
mod runs;
mod sameness;
mod shipped;
mod start;
mod tensors;
mod tokens;
mod trained;

use std::path::{Path, PathBuf};

pub use bench::{HeldUpBy, Measured, Part, Trial, bench, median};
pub use checked::{Checked, check, read};
use checked::{check_among, hash, hash_of, named};
pub use compare::{Comparison, Contest, Moment, Terms, compare};
pub use explain::{explain, explain_in_latex};
pub use export::{check_export, export};
pub use failure::{Failure, FailureKind};
pub use held::Held;
use log::RunLog;
pub use log::engine_name;
pub use logs::LogKind;
pub use named::{Found, find_recipe};
pub use need::too_large_here;
pub use others::absent_others;
pub use pure::{Computed, loss_of};
pub use run_folder::RunFolder;
pub use runs::{Runs, runs_below};
pub use shipped::{Shipped, describe, shipped};
pub use tensors::read_tensors;
pub use trained::{Trained, check_run};

use beginning::{Beginning, Continued, judged_otherwise, other_path};

use crate::check::{self, Recipe};
use crate::data::{self, Access, DataError, Opened, Splits};
use crate::exec::{EngineKind, Spent};
use crate::random::derive;
use crate::report::{self, RunRecord};
use crate::source::Sources;
use crate::train::{Baselines, Control, Ending, Event, Setup, Taken, TrainError, Training, Verdict, Which};

/// What is asked for besides the recipe itself.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The recipe; where it is left out, that of the run to go on with.
    pub recipe: Option<PathBuf>,
    /// The folder of a run to go on with.
    pub resume: Option<PathBuf>,
    /// The folder of a run to begin from, in a new folder: where it stands, or with its weights where a recipe is named, too.
    pub from: Option<PathBuf>,
    /// Which checkpoint of that run to begin from.
    pub checkpoint: Which,
    /// Whether a run may only be gone on with by the vector instructions that it was begun by.
    pub same_path: bool,
    /// Overrides, each `PATH=VALUE`.
    pub sets: Vec<String>,
    /// The data set instead of the recipe's: `NAME:PATH,ARGUMENT=VALUE`.
    pub data: Option<String>,
    /// How files of pictures are read.
    pub access: Access,
    /// The engine; where it is left out, the planned one, or that of the run to go on with.
    pub engine: Option<EngineKind>,
    /// The folder of the new run; numbered by itself where it is left out.
    pub out: Option<PathBuf>,
    /// Threads that make batches; as many as there are cores where left out.
    pub threads: Option<usize>,
    /// The logs that the run keeps besides its metrics; one that is gone on with keeps those that it had, too.
    pub logs: Vec<LogKind>,
    /// Whether to measure where the time goes.
    pub profile: bool,
    /// What is known of raw pixels from runs before.
    pub baselines: Baselines,
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

impl Request {
    /// The file the recipe is read from.
    pub fn source(&self) -> Result<PathBuf, Failure> {
        match (&self.recipe, &self.resume, &self.from) {
            (Some(recipe), Some(run), _) => {
                let (recipe, run) = (recipe.display(), run.display());
                let message = "`--resume` goes on with the recipe of the run, not with another";
                Err(Failure::usage(message).help(format!(
                    "`sslrun --from {run} {recipe}` trains that recipe from the weights of the run, in a folder of its own"
                )))
            }
            (Some(recipe), None, _) => Ok(recipe.clone()),
            (None, Some(run), _) | (None, None, Some(run)) => Ok(RunFolder::open(run)?.recipe()),
            (None, None, None) => Err(Failure::usage("a recipe is needed, or `--resume RUN`")),
        }
    }

    /// Reads and checks the recipe.
    pub fn check(&self) -> Result<Checked, Failure> {
        check(&self.source()?, &self.sets, self.data.as_deref())
    }
}

/// Trains and judges a checked recipe; `control` ends it early, with everything saved.
pub fn run(
    request: &Request,
    checked: &Checked,
    control: &Control,
    on_event: &mut dyn FnMut(&Event),
) -> Result<Report, Failure> {
    let held = request.resume.as_deref().map(Held::open).transpose()?;
    run_in(held, request, checked, control, on_event)
}

/// The same in a folder that is held already: that of the run to go on with, or one for a new run, which makes its own otherwise.
fn run_in(
    held: Option<Held>,
    request: &Request,
    checked: &Checked,
    control: &Control,
    on_event: &mut dyn FnMut(&Event),
) -> Result<Report, Failure> {
    let explain = |error: TrainError| Failure::of_training(&error, &checked.sources);
    let recipe = checked.recipe.as_ref().ok_or_else(|| Failure::usage("the recipe has errors"))?;
    let beginning = Beginning::read(request)?;
    let engine = request.engine.or(beginning.engine()).unwrap_or_default();
    let Opened { splits, mut notes, fingerprint } = open(recipe, &request.access).map_err(explain)?;
    if data::has_path(&recipe.data) {
        let message = format!("{}; {} to be judged on", splits.train.describe(), splits.test.len());
        on_event(&Event::Preparing { message });
    }
    let others = others::open_others(recipe, &request.access).map_err(explain)?;
    others.iter().for_each(|other| on_event(&Event::Preparing { message: other.describe() }));
    notes.extend(others.iter().flat_map(others::Other::notes));
    let mut changes = Vec::new();
    if let Beginning::Resume(earlier) = &beginning {
        changes = Continued::of(checked, recipe, engine, fingerprint).judged_on(&others).held_against(earlier)?;
        notes.extend(other_path(earlier, request.same_path)?);
        frozen::present(recipe, checked)?;
    }
    need::fits(recipe)?;
    let setup = Setup { recipe, data: splits, engine, threads: request.threads };
    let data = setup.data.clone();
    let (mut training, taken) = Training::new(setup, beginning.start()).map_err(explain)?;
    notes.extend(training.judge_on(&others::splits(&others)).map_err(explain)?);
    notes.extend(judged_otherwise(&changes).then(|| training.forget_best()).flatten());
    training.learner().engine().measure(request.profile);
    let resumed = matches!(beginning, Beginning::Resume(_));
    let held = held.map_or_else(|| Held::create(request.out.as_deref(), &name(request)), Ok)?;
    rescue::room(&held, &mut training, resumed)?;
    if matches!(beginning, Beginning::Anew | Beginning::Again(_) | Beginning::Branch { goes_on: false, .. }) {
        start::start(recipe, checked, &mut training.learner().store, on_event)?;
    }
    if !resumed {
        let beside = held.path().parent().unwrap_or(Path::new(".")).to_owned();
        let search = frozen::Search { request, checked, beside: &beside, control };
        search.fill(recipe, &mut training.learner().store, on_event)?;
    }
    let judged = others.iter().map(others::Other::judged_on).collect();
    let terms = log::Terms { recipe, data: &*data.train, engine, fingerprint, judged, changes, logs: &request.logs };
    let mut log = RunLog::new(&held, terms, &beginning)?;
    let mut tell = |event: &Event| on_event(&placed(event, &checked.sources));
    notes.extend(words(&taken));
    notes.into_iter().for_each(|note| training.warn(note, None, &mut tell));
    let result = train(&mut training, &held, &request.baselines, control, &mut log, &mut tell);
    if let Err(TrainError::File(message)) = &result
        && !training.is_kept()
        && training.done() > 0
    {
        return Err(rescue::rescue(message, &held, &mut training, &mut log, &mut tell));
    }
    let all = others.iter().map(|other| &other.opened.splits).chain([&data]);
    log.left_out(all.flat_map(|splits| [&*splits.train, &*splits.test]), &mut training, &mut tell);
    let record = log.finish(&held, &training, &result, control, &mut tell).map_err(explain)?;
    let ending = result.map_err(|error| explain(error).keeping(held.path()))?.0;
    let profile = if request.profile { training.learner().engine().profile() } else { Vec::new() };
    Ok(Report { folder: held.path().to_owned(), ending, record, profile })
}

/// A fingerprint that changes with the columns that are read, too; the same as it was where none is.
fn of_columns(recipe: &Recipe, splits: &Splits, whole: u64) -> u64 {
    let read = recipe.graph.columns().map(|(place, _)| place);
    let mut read: Vec<usize> = read.chain(recipe.views.iter().filter_map(|view| view.column)).collect();
    read.sort_unstable();
    read.dedup();
    let of = |place: usize| [&splits.train, &splits.test].map(|split| split.column_fingerprint(place));
    let columns = read.into_iter().flat_map(of).flatten();
    columns.fold(whole, |whole, column| derive(&[whole, column]))
}

/// Both splits of the recipe's data, which have no more classes than the recipe has room for.
fn open(recipe: &Recipe, access: &Access) -> Result<Opened, TrainError> {
    let mut opened = Splits::open(&recipe.data, access)?;
    opened.fingerprint = opened.fingerprint.map(|whole| of_columns(recipe, &opened.splits, whole));
    let classes = opened.splits.train.classes().len();
    match recipe.graph.too_few_classes(classes) {
        None => Ok(opened),
        Some((id, room)) => {
            let message = format!("the data set has {classes} classes, but this has outputs for {room} only");
            Err(DataError::new(message).at(recipe.graph.node(id).span).into())
        }
    }
}

/// What a branch of a run has not found there.
fn words(taken: &Taken) -> Vec<String> {
    let told = |what: &str, names: &[String]| {
        let first: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
        let more = if names.len() > 3 { format!(" and {} more", names.len() - 3) } else { String::new() };
        (!names.is_empty()).then(|| format!("{what}: {}{more}", first.join(", ")))
    };
    let fresh = told("started anew, as that run has nothing of that name and shape", &taken.fresh);
    let optimizers = told("the optimizer starts anew for", &taken.optimizers);
    fresh.into_iter().chain(optimizers).collect()
}

/// A warning with the place in the recipe that it speaks of.
fn placed<'e>(event: &'e Event, sources: &Sources) -> std::borrow::Cow<'e, Event> {
    let Event::Warning { message, span: Some(span) } = event else { return std::borrow::Cow::Borrowed(event) };
    let message = format!("{message} ({})", sources.locate(*span));
    std::borrow::Cow::Owned(Event::Warning { message, span: Some(*span) })
}

/// Trains, and judges what was trained unless somebody stopped it.
fn train(
    training: &mut Training,
    held: &Held,
    baselines: &Baselines,
    control: &Control,
    log: &mut RunLog,
    on_event: &mut dyn FnMut(&Event),
) -> Result<(Ending, Verdict), TrainError> {
    let mut tell = |event: &Event| {
        log.note(event);
        on_event(event);
    };
    match training.run(held, control, &mut tell)? {
        Ending::Interrupted => Ok((Ending::Interrupted, Verdict::default())),
        Ending::Finished => match training.verdict(held, baselines, control, &mut tell) {
            Ok(verdict) => Ok((Ending::Finished, verdict)),
            Err(TrainError::Stopped) => Ok((Ending::Interrupted, Verdict::default())),
            Err(error) => Err(error),
        },
    }
}

/// What a new run is called: as its recipe's file, or as the run that it is a branch of.
fn name(request: &Request) -> String {
    let word = |path: Option<&std::ffi::OsStr>| path.map(|word| word.to_string_lossy().into_owned());
    let stem = match (&request.recipe, &request.from) {
        (None, Some(from)) => {
            word(from.file_name()).map(|n| n.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned())
        }
        (recipe, _) => word(recipe.as_deref().and_then(Path::file_stem)),
    };
    let stem = stem.map(|stem| stem.trim_end_matches('-').to_owned());
    stem.filter(|stem| !stem.is_empty()).unwrap_or_else(|| "run".to_owned())
}

/// The moment, in UTC.
fn now() -> String {
    report::timestamp(std::time::SystemTime::now())
}
