//! What each fuzz target does with what it is given: whatever that is, there is a message or a harmless result, and no panic. The tests of
//! the crate do the same with seeded damage (`tests/suite/damage.rs`, `tests/suite/fuzz.rs`).

use std::path::Path;

use sslrun::check::Options;
use sslrun::data::{Access, Image, MOST_PIXELS, Split, open, parse_spec};
use sslrun::driver::read_tensors;
use sslrun::report::{RunRecord, loss_over_time};
use sslrun::source::{FileId, Origin, Source, Sources};
use sslrun::syntax::{format, parse, parse_expr, same};
use sslrun::train::{Checkpoint, last_checkpoint};
use sslrun::weights::{WeightsFile, known_norm};

/// The parser and the formatter: places lie within the text, and the layout keeps the meaning of what parses.
pub fn layout(text: &str) {
    let (file, diagnostics) = parse(FileId::ALONE, text);
    for label in diagnostics.iter().flat_map(|d| &d.labels) {
        assert!(text.get(label.span.range()).is_some(), "{text:?}\n{diagnostics:?}");
    }
    if diagnostics.is_empty() {
        let once = format(&file, text);
        let (again, diagnostics) = parse(FileId::ALONE, &once);
        assert!(diagnostics.is_empty() && same(&file, &again), "{text:?}\nbecame\n{once:?}\n{diagnostics:?}");
        assert_eq!(format(&again, &once), once, "{text:?}");
    }
    _ = parse_expr(FileId::ALONE, text);
}

/// The check of a recipe and all judgements of it; whether it has passed.
pub fn check(text: &str) -> bool {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("fuzz.ssl", Origin::Input, text));
    let outcome = sslrun::check::check(&mut sources, id, &Options::default());
    let mut diagnostics = outcome.diagnostics;
    diagnostics
        .extend(outcome.recipe.iter().flat_map(|recipe| sslrun::lint::lint(recipe, &sslrun::exec::PlannedEvaluator)));
    _ = sslrun::diag::render(&diagnostics, &sources);
    _ = sslrun::diag::json(&diagnostics, &sources);
    outcome.recipe.is_some()
}

/// Every reader of data, on a file of these bytes in a folder of the target's own; what was said.
pub fn read_data(folder: &Path, bytes: &[u8]) -> Vec<String> {
    std::fs::create_dir_all(folder).expect("a folder of the target's own");
    let mut said = Vec::new();
    said.extend(Image::decode(bytes, MOST_PIXELS).err().map(|e| e.to_string()));
    for channels in [1, 2, 4, 5] {
        said.extend(Image::decode_as(bytes, MOST_PIXELS, channels).err().map(|e| e.to_string()));
    }
    let tensors = folder.join("tensors.safetensors");
    put(&tensors, bytes);
    said.extend(read_tensors(&tensors).err());
    said.extend(set(&folder.join("parquet"), "train.parquet", bytes).err());
    said.extend(set(&folder.join("binary"), "test_batch.bin", bytes).err());
    said
}

/// Reads a data set whose only file is this one.
fn set(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), String> {
    std::fs::create_dir_all(folder).expect("a folder of the target's own");
    put(&folder.join(name), bytes);
    let split = if name.starts_with("train") { Split::Train } else { Split::Test };
    let config = parse_spec(&format!("cifar10:{}", folder.display())).map_err(|e| e.to_string())?;
    let set = open(&config, split, &Access::default()).map_err(|e| e.to_string())?;
    (0..set.len()).try_for_each(|i| set.image(i).map(|_| _ = set.label(i))).map_err(|e| e.to_string())
}

/// Every reader of what a run leaves, on files of these bytes; what was said.
pub fn checkpoint(run: &Path, bytes: &[u8]) -> Vec<String> {
    let path = last_checkpoint(run);
    std::fs::create_dir_all(path.parent().unwrap_or(run)).expect("a folder of the target's own");
    put(&path, bytes);
    let mut said: Vec<String> = Checkpoint::read(&path).err().map(|e| e.to_string()).into_iter().collect();
    said.extend(weights(&path).err());
    let record = run.join("run.ron");
    put(&record, bytes);
    said.extend(RunRecord::read(&record).map(|record| _ = record.table().render(100)).err());
    _ = loss_over_time(&record);
    said
}

/// Reads all that a file of weights holds.
fn weights(path: &Path) -> Result<(), String> {
    _ = known_norm(path);
    let file = WeightsFile::open(path)?;
    file.names().try_for_each(|name| file.numbers(name).map(|_| ()))
}

fn put(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).expect("a file of the target's own");
}
