//! `sslrun compare`: several recipes on the same data with the same budget.

use super::args::CompareArgs;
use super::progress::Progress;
use super::{Exit, interrupt, output, recipe, run};
use crate::driver::{self, Contest, Failure, Moment, Terms};
use crate::exec::EngineKind;
use crate::report::{comparison_table, duration, number};

/// Trains and judges one recipe after the other, and shows the table.
pub fn compare(args: &CompareArgs) -> Result<Exit, Failure> {
    let contest = contest(args)?;
    run::start_threads(args.threads)?;
    let control = interrupt::control();
    let mut progress = Progress::new(args.quiet);
    let result = driver::compare(&contest, &control, &mut |moment| show(moment, &mut progress, args.quiet));
    let comparison = result?;
    // Means with deviations take more room.
    let width = if args.seeds.is_some() { 180 } else { 120 };
    output::result(&comparison_table(&comparison.runs).render(width))?;
    comparison.notes().iter().for_each(|note| output::message(note));
    let folder = comparison.folder.display();
    if comparison.stopped {
        output::message(&format!("stopped and saved; the same command with `-o {folder}` goes on"));
        return Ok(Exit::Interrupted);
    }
    output::message(&format!("tables, curves and runs are in {folder}"));
    Ok(if comparison.runs.iter().any(|r| r.failure.is_some()) { Exit::Failed } else { Exit::Fine })
}

fn contest(args: &CompareArgs) -> Result<Contest, Failure> {
    let starts = run::starts(&args.starts)?;
    let epochs = args.epochs.map(|n| format!("train.epochs={n}"));
    let seed = args.seed.map(|seed| format!("train.seed={seed}"));
    Ok(Contest {
        recipes: args.recipes.iter().map(|path| recipe::find_or_run(path)).collect::<Result<_, _>>()?,
        terms: Terms {
            budget: args.budget,
            data: args.change.data.clone(),
            sets: args.change.sets.iter().cloned().chain(starts).chain(epochs).chain(seed).collect(),
        },
        access: args.change.access(),
        seeds: args.seeds,
        grid: args.grid.clone(),
        engine: args.engine.map(EngineKind::from),
        out: args.output.clone(),
        threads: run::threads_used(args.threads),
    })
}

fn show(moment: Moment, progress: &mut Progress, quiet: bool) {
    let say = |text: &str| {
        if !quiet {
            output::message(text);
        }
    };
    match moment {
        Moment::Checked(checked) => drop(output::diagnostics(&checked.diagnostics, &checked.sources)),
        Moment::Begins { name, number, of } => {
            progress.clear();
            *progress = Progress::new(quiet);
            say(&format!("\n{name} ({number} of {of})"));
        }
        Moment::Known => say("has been trained before"),
        Moment::Fits { epochs, step } => {
            say(&format!("a step takes {}: {} epochs fit into the budget", duration_of_step(step), number(epochs)));
        }
        Moment::WarmUp { epochs } => output::message(&format!(
            "warning: its warm-up of {} epochs is longer than that; shorten it by `--set`",
            number(epochs)
        )),
        Moment::Training(event) => progress.note(event),
        Moment::Failed(failure) => {
            progress.clear();
            output::failure(failure);
        }
    }
}

fn duration_of_step(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.0} ms", 1000.0 * seconds) } else { duration(seconds) }
}
