//! `sslrun embed`: features of a data set by a run's encoder.

use super::args::{EmbedArgs, SplitName};
use super::{Exit, output, run};
use crate::data::Split;
use crate::driver::{self, Failure, Trained};
use crate::report::{npy_f32, npy_i64};

/// Writes features and labels as NumPy arrays.
pub fn embed(args: &EmbedArgs) -> Result<Exit, Failure> {
    run::limit_threads(args.threads)?;
    let checked = driver::check_run(&args.run, &args.change.sets, args.change.data.as_deref())?;
    output::diagnostics(&checked.diagnostics, &checked.sources);
    if checked.recipe.is_none() {
        return Ok(Exit::RecipeErrors);
    }
    let rows = Trained::load(&args.run, &checked, args.engine.into())?.embed(args.split.into())?;
    let labels = args.output.with_extension("labels.npy");
    output::file(&args.output, &npy_f32(&rows.values, &[rows.labels.len(), rows.dim]))?;
    output::file(&labels, &npy_i64(&rows.labels, &[rows.labels.len()]))?;
    let (count, dim, features) = (rows.labels.len(), rows.dim, args.output.display());
    output::message(&format!("{count} rows of {dim} features in {features}, their labels in {}", labels.display()));
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
