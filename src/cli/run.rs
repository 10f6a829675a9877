//! `sslrun RECIPE`: trains an encoder and judges it.

use super::args::{Engine, FindingFormat, LogName, RunArgs};
use super::findings::Findings;
use super::progress::Progress;
use super::{Exit, interrupt, output, recipe};
use crate::check::start_override;
use crate::driver::{self, Failure, LogKind, Report, Request};
use crate::exec::{EngineKind, Spent};
use crate::report::{Table, duration};
use crate::threads;
use crate::train::Ending;

/// Runs a recipe from text to table.
pub fn run(args: &RunArgs) -> Result<Exit, Failure> {
    let mut findings = Findings::new(args.format);
    let result = train(args, &mut findings);
    findings.close(result)
}

fn train(args: &RunArgs, findings: &mut Findings) -> Result<Exit, Failure> {
    // A check may measure pictures.
    start_threads(args.threads)?;
    let request = request(args)?;
    let checked = request.check()?;
    findings.tell(&checked.diagnostics, &checked.sources);
    if checked.recipe.is_none() {
        return Ok(Exit::RecipeErrors);
    }
    let control = interrupt::control();
    let mut progress = Progress::new(args.quiet);
    let result = driver::run(&request, &checked, &control, &mut |event| progress.note(event));
    progress.clear();
    let report = result?;
    if !report.profile.is_empty() {
        output::message(&profile(&report.profile));
    }
    close(&report, args.format)
}

/// Lets all computation use so many threads; as many as there are cores where not given. Says where they are fewer than asked for.
pub(super) fn start_threads(asked: Option<u16>) -> Result<(), Failure> {
    let started = threads::start(asked.map(usize::from)).map_err(Failure::run)?;
    let most = threads::most();
    match asked.map(usize::from) {
        Some(asked) if asked > most => {
            output::message(&format!(
                "note: {started} threads are used, not {asked}: more than four for each core gain nothing"
            ));
        }
        Some(asked) if asked > started => {
            output::message(&format!("note: {started} of {asked} threads could be started"));
        }
        _ => {}
    }
    Ok(())
}

/// How many of the threads asked for are used.
pub(super) fn threads_used(asked: Option<u16>) -> Option<usize> {
    asked.map(|asked| usize::from(asked).min(threads::most()))
}

/// What `--start PATH=FILE` says, as `--set` would.
pub(super) fn starts(given: &[String]) -> Result<Vec<String>, Failure> {
    let wrong = |text: &str| {
        Failure::usage(format!("`--start {text}` is not of the form PATH=FILE, as in `--start f.encoder=x.pth`"))
    };
    given.iter().map(|text| start_override(text).ok_or_else(|| wrong(text))).collect()
}

fn request(args: &RunArgs) -> Result<Request, Failure> {
    let starts = starts(&args.starts)?;
    let seed = args.seed.map(|seed| format!("train.seed={seed}"));
    Ok(Request {
        recipe: args.recipe.as_deref().map(recipe::find_or_command).transpose()?,
        resume: args.resume.clone(),
        from: args.from.clone(),
        checkpoint: args.checkpoint,
        same_path: args.same_path,
        sets: args.change.sets.iter().cloned().chain(starts).chain(seed).collect(),
        data: args.change.data.clone(),
        access: args.change.access(),
        engine: args.engine.map(EngineKind::from),
        out: args.out.clone(),
        threads: threads_used(args.threads),
        logs: args.logs.iter().copied().map(LogKind::from).collect(),
        profile: args.profile,
        ..Request::default()
    })
}

impl From<LogName> for LogKind {
    fn from(name: LogName) -> Self {
        match name {
            LogName::Tensorboard => LogKind::Tensorboard,
            LogName::Csv => LogKind::Csv,
        }
    }
}

impl From<Engine> for EngineKind {
    fn from(engine: Engine) -> Self {
        match engine {
            Engine::Planned => EngineKind::Planned,
            Engine::Candle => EngineKind::Candle,
        }
    }
}

/// The closing words: the table, or how to go on.
fn close(report: &Report, format: FindingFormat) -> Result<Exit, Failure> {
    let folder = report.folder.display();
    match report.ending {
        Ending::Interrupted => {
            output::message(&format!("stopped and saved; go on with\n\n    sslrun --resume {folder}\n"));
            Ok(Exit::Interrupted)
        }
        Ending::Finished => {
            let table = report.record.table().render(100);
            match format {
                FindingFormat::Text => output::result(&table)?,
                // What is found stands alone on standard output.
                FindingFormat::Json => output::message(table.trim_end()),
            }
            output::message(&format!("trained in {}; everything is in {folder}", duration(report.record.seconds)));
            Ok(Exit::Fine)
        }
    }
}

/// Where the time of the steps went, most first.
fn profile(spent: &[Spent]) -> String {
    let total: f64 = spent.iter().map(|s| s.seconds).sum();
    let row = |s: &Spent| {
        let share = format!("{:.1} %", 100.0 * s.seconds / total.max(1e-9));
        vec![s.operation.to_string(), s.count.to_string(), format!("{:.2} s", s.seconds), share]
    };
    let header = ["operation", "calls", "time", "share"].map(str::to_owned).to_vec();
    Table { header, rows: spent.iter().map(row).collect() }.render(100)
}
