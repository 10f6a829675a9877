//! `sslrun eval`: the probes on a run's encoder again.

use super::args::EvalArgs;
use super::progress::Progress;
use super::{Exit, applied, interrupt, output};
use crate::driver::{Failure, Trained};

/// Judges what a run has left, and shows the table.
pub fn eval(args: &EvalArgs) -> Result<Exit, Failure> {
    let EvalArgs { encoder, quiet } = args;
    let Some(checked) = applied::checked(encoder)? else { return Ok(Exit::RecipeErrors) };
    let control = interrupt::control();
    let mut progress = Progress::new(*quiet);
    let access = encoder.change.access();
    let mut trained = Trained::load(&encoder.run, &checked, encoder.checkpoint, encoder.engine.into())?;
    let splits = applied::data(&trained, encoder)?;
    let table =
        trained.judge(&splits, encoder.change.data.is_none(), &access, &control, &mut |event| progress.note(event));
    progress.clear();
    applied::tell_left_out(&[&*splits.train, &*splits.test]);
    output::result(&table?.render(100))?;
    Ok(Exit::Fine)
}
