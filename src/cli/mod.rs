//! The command line: arguments in one file, then a file a subcommand.
//!
//! Exit status: 0 fine, 1 errors in the recipe, 2 wrong usage, 3 failure while running, 130 stopped by Ctrl-C or another signal.

mod applied;
mod args;
mod bench;
mod check;
mod compare;
mod completions;
mod doctor;
mod duplicates;
mod embed;
mod eval;
mod explain;
mod export;
mod findings;
mod fmt;
mod graph;
mod interrupt;
mod loss;
mod man;
mod neighbors;
mod new;
mod outliers;
mod output;
mod predict;
mod progress;
mod recipe;
mod run;
mod runs;
mod show;
mod units;
mod views;

use std::process::ExitCode;

use args::{Args, Command};
use clap::Parser;

use crate::data::sets::READER_THREAD;
use crate::driver::{Failure, FailureKind};
use crate::kernels::Path;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    Fine = 0,
    RecipeErrors = 1,
    Usage = 2,
    Failed = 3,
    Interrupted = 130,
}

impl Exit {
    fn of(failure: &Failure) -> Self {
        match failure.kind {
            FailureKind::Usage => Exit::Usage,
            FailureKind::Run => Exit::Failed,
            FailureKind::Stopped => Exit::Interrupted,
        }
    }
}

impl From<Failure> for Exit {
    /// Says what went wrong.
    fn from(failure: Failure) -> Self {
        output::failure(&failure);
        Exit::of(&failure)
    }
}

/// A panic at a damaged file is told as an error of that file, and not by itself.
fn hide_readers_panics() {
    let show = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().name() != Some(READER_THREAD) {
            show(info);
        }
    }));
}

/// Runs the program with the arguments it was given.
pub fn main() -> ExitCode {
    let args = Args::parse();
    hide_readers_panics();
    crate::system::survive_file_limits();
    if let Err(message) = Path::wanted() {
        return ExitCode::from(Exit::from(Failure::usage(message)) as u8);
    }
    let result = match args.command {
        None => run::run(&args.run),
        Some(Command::Check(args)) => check::check(&args),
        Some(Command::Compare(args)) => compare::compare(&args),
        Some(Command::Bench(args)) => bench::bench(&args),
        Some(Command::Eval(args)) => eval::eval(&args),
        Some(Command::Embed(args)) => embed::embed(&args),
        Some(Command::Predict(args)) => predict::predict(&args),
        Some(Command::Neighbors(args)) => neighbors::neighbors(&args),
        Some(Command::Duplicates(args)) => duplicates::duplicates(&args),
        Some(Command::Outliers(args)) => outliers::outliers(&args),
        Some(Command::Export(args)) => export::export(&args),
        Some(Command::Fmt(args)) => fmt::fmt(&args),
        Some(Command::Show(args)) => show::show(&args),
        Some(Command::Explain(args)) => explain::explain(&args),
        Some(Command::Graph(args)) => graph::graph(&args),
        Some(Command::Views(args)) => views::views(&args),
        Some(Command::Loss(args)) => loss::loss(&args),
        Some(Command::New(args)) => new::new(&args),
        Some(Command::Runs(args)) => runs::runs(&args),
        Some(Command::Doctor) => doctor::doctor(),
        Some(Command::Completions(args)) => completions::completions(&args),
        Some(Command::Man(args)) => man::man(&args),
    };
    ExitCode::from(result.unwrap_or_else(Exit::from) as u8)
}
