//! `sslrun runs`: all runs below a folder, and what came of them.

use super::args::{ListFormat, RunsArgs};
use super::{Exit, output, run};
use crate::driver::{self, Failure, Runs};
use crate::report::{list_csv, list_json, list_sorted, list_table, list_where};

/// How many folders are named that are no runs, or no whole ones.
const NAMED: usize = 8;

/// Lists the runs that are wanted, in the order that is asked for; says what else lies there.
pub fn runs(args: &RunsArgs) -> Result<Exit, Failure> {
    run::start_threads(None)?;
    let found = driver::runs_below(&args.folder)?;
    let all = found.runs.len();
    let mut wanted = found.runs.clone();
    for condition in &args.filters {
        wanted = list_where(wanted, condition).map_err(Failure::usage)?;
    }
    if let Some(by) = &args.sort {
        wanted = list_sorted(wanted, by).map_err(Failure::usage)?;
    }
    match args.format {
        ListFormat::Json => output::verbatim(&format!("{:#}\n", list_json(&wanted)))?,
        ListFormat::Csv => output::verbatim(&list_csv(&wanted))?,
        ListFormat::Table if wanted.is_empty() => {}
        // One line a run, however wide: lines can be cut off, a list of thousands cannot be read.
        ListFormat::Table => output::result(&list_table(&wanted).render(usize::MAX))?,
    }
    if args.format == ListFormat::Table {
        output::message(&format!("{} of {all} runs below {}", wanted.len(), args.folder.display()));
        if wanted.iter().any(|run| run.record.trained.is_empty() && !run.record.history.is_empty()) {
            output::message("~ as last seen on the way, on a part of the data");
        }
    }
    beside(&found);
    Ok(Exit::Fine)
}

/// Says what lies among the runs and is none.
fn beside(found: &Runs) {
    let say = |what: &str, names: Vec<String>| {
        let named: String = names.iter().take(NAMED).map(|name| format!("\n  {name}")).collect();
        let more = names.len().saturating_sub(NAMED);
        let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
        if !names.is_empty() {
            output::message(&format!("{}{what}{named}{more}", names.len()));
        }
    };
    say(" broken, left out:", found.broken.clone());
    say(" without a run, left out:", found.foreign.iter().map(|path| path.display().to_string()).collect());
}
