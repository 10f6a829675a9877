//! What the commands that apply a run's encoder share: the run, its data, pictures by name, and what is said of those left out.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::EncoderArgs;
use super::{interrupt, output, run};
use crate::data::{Access, DataSet, Image, Loose, Opened, Splits, joined, loose, picture_sheet};
use crate::driver::{self, Checked, Failure, Trained};
use crate::train::Rows;

/// The most bytes of a picture on standard input.
const LONGEST: u64 = 1 << 30;
/// The longest side of a picture on a sheet.
const SIDE: usize = 96;

/// The recipe of a run, which is told of; nothing where it has errors.
pub fn checked(args: &EncoderArgs) -> Result<Option<Checked>, Failure> {
    run::start_threads(args.threads)?;
    let checked = driver::check_run(&args.run, &args.change.sets)?;
    output::diagnostics(&checked.diagnostics, &checked.sources);
    Ok(checked.recipe.is_some().then_some(checked))
}

/// Both splits of the data set that is meant, with what there is to say of it.
pub fn data(trained: &Trained, args: &EncoderArgs) -> Result<Splits, Failure> {
    let Opened { splits, notes, .. } = trained.data(args.change.data.as_deref(), &args.change.access())?;
    notes.iter().for_each(|note| output::message(&format!("warning: {note}")));
    Ok(splits)
}

/// All pictures of the data set that is meant, by their parts.
pub fn parts(trained: &Trained, args: &EncoderArgs) -> Result<Splits, Failure> {
    let parts = trained.pictures(args.change.data.as_deref(), &args.change.access())?;
    parts.train.notes().iter().for_each(|note| output::message(&format!("warning: {note}")));
    Ok(parts)
}

/// All pictures of the data set that is meant.
pub fn all(trained: &Trained, args: &EncoderArgs) -> Result<Arc<dyn DataSet>, Failure> {
    let Splits { train, test } = parts(trained, args)?;
    Ok(joined(train, test))
}

/// Pictures named one by one; those of a folder that cannot be used are left out.
pub fn pictures(trained: &Trained, paths: &[PathBuf], access: &Access) -> Result<Arc<dyn DataSet>, Failure> {
    let one = |path: &PathBuf| match path == Path::new("-") {
        true => {
            let mut bytes = Vec::new();
            let read = std::io::stdin().lock().take(LONGEST).read_to_end(&mut bytes);
            read.map_err(|e| Failure::usage(format!("cannot read standard input: {e}")))?;
            Ok(Loose::Bytes(bytes))
        }
        false => Ok(Loose::Path(path.clone())),
    };
    let named: Vec<Loose> = paths.iter().map(one).collect::<Result<_, Failure>>()?;
    let folders = paths.iter().any(|path| path.is_dir());
    let access = Access { strict: access.strict || !folders, ..*access };
    loose(&named, trained.channels(), &access).map_err(|e| Failure::of_data(e).as_usage())
}

/// The features of pictures that can be used; an error if there is none.
pub fn features(trained: &mut Trained, data: &Arc<dyn DataSet>) -> Result<Rows, Failure> {
    let rows = trained.features(data, &interrupt::control())?;
    match (rows.index.is_empty(), data.spoilt().first()) {
        (true, Some(first)) => Err(Failure::run(format!("no picture can be used: {first}"))),
        _ => Ok(rows),
    }
}

/// Tells of pictures that could not be used.
pub fn tell_left_out(data: &[&dyn DataSet]) {
    let spoilt: Vec<_> = data.iter().flat_map(|data| data.spoilt()).collect();
    if let Some(first) = spoilt.first() {
        let all: usize = data.iter().map(|data| data.len()).sum();
        output::message(&format!("warning: {} of {all} pictures were left out, as {first}", spoilt.len()));
    }
}

/// What a picture is called.
pub fn name(data: &dyn DataSet, index: usize) -> String {
    data.name(index).unwrap_or_else(|| format!("picture {index}"))
}

/// The class of a picture in words; nothing where it has none.
pub fn class(data: &dyn DataSet, index: usize) -> String {
    let label = data.label(index).map(|label| label as usize);
    label.and_then(|label| data.classes().get(label)).cloned().unwrap_or_default()
}

/// Draws a sheet with a row for each list of pictures.
pub fn sheet(path: &Path, rows: &[Vec<(&dyn DataSet, usize)>]) -> Result<(), Failure> {
    let failed = Failure::of_data;
    let image = |&(data, index): &(&'_ dyn DataSet, usize)| -> Result<Image<'static>, Failure> {
        let image = data.image(index).map_err(failed)?;
        Ok(image.into_owned())
    };
    let images = rows.iter().map(|row| row.iter().map(image).collect::<Result<Vec<_>, _>>());
    let images = images.collect::<Result<Vec<_>, Failure>>()?;
    let sheet = picture_sheet(&images, SIDE);
    output::file(path, &sheet.encode(path).map_err(failed)?)
}
