//! `sslrun embed`: features of a data set by a run's encoder.

use super::args::{EmbedArgs, SplitName};
use super::{Exit, output, run};
use crate::data::Split;
use crate::driver::{self, Failure, Trained};
use crate::report::{npy_f32, npy_i64};

/// What stands for the label of a sample that has none, as scikit-learn has it.
const UNLABELLED: i64 = -1;

/// Writes features and labels as NumPy arrays.
pub fn embed(args: &EmbedArgs) -> Result<Exit, Failure> {
    output::ending(&args.output, &["npy"])?;
    run::start_threads(args.threads)?;
    let checked = driver::check_run(&args.run, &args.change.sets)?;
    output::diagnostics(&checked.diagnostics, &checked.sources);
    if checked.recipe.is_none() {
        return Ok(Exit::RecipeErrors);
    }
    let mut trained =
        Trained::load(&args.run, &checked, (args.change.data.as_deref(), &args.change.access()), args.engine.into())?;
    trained.notes.iter().for_each(|note| output::message(&format!("warning: {note}")));
    let rows = trained.embed(args.split.into())?;
    let labels: Vec<i64> = rows.labels.iter().map(|label| label.map_or(UNLABELLED, i64::from)).collect();
    let beside = args.output.with_extension("labels.npy");
    output::file(&args.output, &npy_f32(&rows.values, &[rows.labels.len(), rows.dim]))?;
    output::file(&beside, &npy_i64(&labels, &[labels.len()]))?;
    let (count, dim, features) = (rows.labels.len(), rows.dim, args.output.display());
    let unlabelled = labels.iter().filter(|label| **label == UNLABELLED).count();
    let without = if unlabelled > 0 { format!("; {unlabelled} have none: {UNLABELLED}") } else { String::new() };
    output::message(&format!(
        "{count} rows of {dim} features in {features}, their labels in {}{without}",
        beside.display()
    ));
    Ok(Exit::Fine)
}

impl From<SplitName> for Split {
    fn from(name: SplitName) -> Self {
        match name {
            SplitName::Train => Split::Train,
            SplitName::Test => Split::Test,
        }
    }
}
