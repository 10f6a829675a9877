//! `sslrun embed`: features of pictures by a run's encoder.

use std::path::Path;
use std::sync::Arc;

use super::args::{EmbedArgs, SplitName};
use super::{Exit, applied, output};
use crate::data::{DataSet, Splits};
use crate::driver::{Failure, Trained};
use crate::report::{FeatureRow, FeatureTable, UNLABELLED};

/// Writes features, with what is known of each picture, in the format of the file's ending.
pub fn embed(args: &EmbedArgs) -> Result<Exit, Failure> {
    output::ending(&args.output, &["npy", "parquet", "safetensors"])?;
    let Some(checked) = applied::checked(&args.encoder)? else { return Ok(Exit::RecipeErrors) };
    let mut trained = Trained::load(&args.encoder.run, &checked, args.encoder.checkpoint, args.encoder.engine.into())?;
    let mut table = FeatureTable::default();
    let mut classes = Vec::new();
    let parts = parts(args, &trained)?;
    for (split, data) in &parts {
        let rows = applied::features(&mut trained, data)?;
        table.dim = rows.dim;
        table.values.extend(&rows.values);
        table.rows.extend(rows.index.iter().map(|&index| row(&**data, split, index)));
        classes = data.classes().to_vec();
    }
    applied::tell_left_out(&parts.iter().map(|(_, data)| &**data).collect::<Vec<_>>());
    write(&args.output, &table, &classes)?;
    let unlabelled = table.unlabelled();
    let without = if unlabelled > 0 { format!("; {unlabelled} have no label ({UNLABELLED})") } else { String::new() };
    let (count, dim) = (table.rows.len(), table.dim);
    output::message(&format!("{count} rows of {dim} features in {}{without}", args.output.display()));
    Ok(Exit::Fine)
}

/// A part of a data set, and its name.
type Part = (&'static str, Arc<dyn DataSet>);

/// What is to be embedded.
fn parts(args: &EmbedArgs, trained: &Trained) -> Result<Vec<Part>, Failure> {
    let change = &args.encoder.change;
    if !args.pictures.is_empty() {
        return Ok(vec![("", applied::pictures(trained, &args.pictures, &change.access())?)]);
    }
    let Splits { train, test } = applied::parts(trained, &args.encoder)?;
    let usual = if change.data.is_some() { SplitName::All } else { SplitName::Test };
    Ok(match args.split.unwrap_or(usual) {
        SplitName::Train => vec![("train", train)],
        SplitName::Test => vec![("test", test)],
        SplitName::All => vec![("train", train), ("test", test)],
    })
}

fn row(data: &dyn DataSet, split: &str, index: usize) -> FeatureRow {
    let label = data.label(index);
    let class = label.and_then(|label| data.classes().get(label as usize)).cloned();
    FeatureRow { split: split.to_owned(), index, name: data.name(index), label, class }
}

fn write(path: &Path, table: &FeatureTable, classes: &[String]) -> Result<(), Failure> {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "parquet" => output::file(path, &table.parquet().map_err(Failure::run)?),
        "safetensors" => table.write_safetensors(path, classes).map_err(Failure::run),
        _ => {
            let (features, labels) = table.npy();
            output::file(path, &features)?;
            output::file(&path.with_extension("labels.npy"), &labels)?;
            output::file(&path.with_extension("rows.csv"), table.csv().as_bytes())
        }
    }
}
