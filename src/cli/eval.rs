//! `sslrun eval`: the probes on a run's encoder again.

use super::args::EvalArgs;
use super::progress::Progress;
use super::{Exit, interrupt, output, run};
use crate::driver::{self, Failure, Trained};

/// Judges what a run has left, and shows the table.
pub fn eval(args: &EvalArgs) -> Result<Exit, Failure> {
    run::start_threads(args.threads)?;
    let checked = driver::check_run(&args.run, &args.change.sets)?;
    output::diagnostics(&checked.diagnostics, &checked.sources);
    if checked.recipe.is_none() {
        return Ok(Exit::RecipeErrors);
    }
    let control = interrupt::control();
    let mut progress = Progress::new(args.quiet);
    let mut trained =
        Trained::load(&args.run, &checked, (args.change.data.as_deref(), &args.change.access()), args.engine.into())?;
    trained.notes.iter().for_each(|note| output::message(&format!("warning: {note}")));
    let table = trained.judge(&control, &mut |event| progress.note(event));
    progress.clear();
    output::result(&table?.render(100))?;
    Ok(Exit::Fine)
}
