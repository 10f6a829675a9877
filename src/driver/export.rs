//! What a run has trained as a folder for PyTorch: weights by another package's names, how they are built and checked, and how pictures
//! are prepared.

mod python;
mod tensors;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::trained::kept;
use super::{Checked, Failure, RunFolder, check_run, hash_of};
use crate::check::Encoder;
use crate::compile::Program;
use crate::data::{PREPROCESS, Prepared};
use crate::exec::{EngineKind, Feed, Store, engine};
use crate::report::{Contents, RunRecord, write_through};
use crate::source::{LONGEST_RECIPE, read_text};
use crate::train::{Texts, TrainError, Which};

/// What is written down of an exported encoder.
#[derive(Serialize)]
struct Description<'a> {
    /// The package that builds it.
    package: &'a str,
    /// The statements that build it.
    build: Vec<String>,
    /// Channels, height and width of what it takes.
    input_size: [usize; 3],
    /// Features that it gives.
    features: usize,
    /// How a picture of any size is prepared, in the language.
    view: &'a str,
    interpolation: &'a str,
    mean: &'a [f32],
    std: &'a [f32],
    /// Its path in the recipe.
    encoder: &'a str,
    recipe_hash: &'a str,
    recipe: &'a str,
}

/// The recipe of a run, with another branch to be exported where one is named.
pub fn check_export(run: &Path, branch: Option<&str>) -> Result<Checked, Failure> {
    let checked = check_run(run, &[])?;
    let (Some(branch), Some(recipe)) = (branch, &checked.recipe) else { return Ok(checked) };
    let encoder = recipe.evaluate.encoder.as_ref().ok_or_else(nothing)?;
    let stage = encoder.path.split_once('.').map_or(String::new(), |(_, stage)| format!(".{stage}"));
    check_run(run, &[format!("evaluate.on={branch}{stage}")])
}

/// Writes the encoder of a run into a folder, which must not exist or be empty; answers the package that builds it.
pub fn export(run: &Path, checked: &Checked, which: Which, out: &Path) -> Result<&'static str, Failure> {
    let recipe = checked.recipe.as_ref().ok_or_else(|| Failure::usage("the recipe has errors"))?;
    let encoder = recipe.evaluate.encoder.as_ref().ok_or_else(nothing)?;
    let explain = |error: TrainError| Failure::of_training(&error, &checked.sources);
    let store = trained(run, which, encoder).map_err(explain)?;
    let peer = encoder.peer.as_ref().ok_or_else(|| no_peer(encoder))?;
    let (pictures, features) = check(encoder, &store).map_err(explain)?;
    let tensors = tensors::of(peer, encoder, store).map_err(Failure::run)?;
    let python = python::of(peer, encoder.size, encoder.channels, &tensors);
    let prepared = encoder.preprocess().map_err(|e| Failure::run(e.to_string()))?.stored();
    let (text, hash) = text_and_hash(run)?;
    let description = Description {
        package: python.package,
        build: python.build.clone(),
        input_size: [encoder.channels, encoder.size.0, encoder.size.1],
        features: features.shape[1],
        view: &prepared.view,
        interpolation: &prepared.interpolation,
        mean: &prepared.mean,
        std: &prepared.std,
        encoder: &encoder.path,
        recipe_hash: &hash,
        recipe: &text,
    };
    let json = serde_json::to_string_pretty(&description).map_err(|e| Failure::run(e.to_string()))? + "\n";
    let checked = [pictures, features];
    let model = tensors::file(&tensors, &said(&prepared)?).map_err(Failure::run)?;
    let check = tensors::file(&checked, &BTreeMap::new()).map_err(Failure::run)?;
    let script = python.script();
    let files: [(&str, &Contents); 4] = [
        ("model.safetensors", &|out| model.write(out)),
        ("check.safetensors", &|out| check.write(out)),
        ("config.json", &|out| out.write_all(json.as_bytes())),
        ("load.py", &|out| out.write_all(script.as_bytes())),
    ];
    write(out, &files).map(|()| python.package)
}

/// The recipe that an encoder was trained by, as one text, and its hash.
fn text_and_hash(run: &Path) -> Result<(String, String), Failure> {
    if run.is_file() {
        let Texts { recipe, frozen } = Texts::read(run).map_err(|e| Failure::usage(e.to_string()))?;
        let hash = hash_of(&recipe, &frozen);
        return Ok((recipe, hash));
    }
    let folder = RunFolder::open(run)?;
    let text = read_text(&folder.recipe(), LONGEST_RECIPE);
    let text = text.map_err(|e| Failure::run(format!("cannot read the recipe of {}: {e}", run.display())))?;
    Ok((text, RunRecord::read(&folder.record()).map_err(Failure::run)?.recipe_hash))
}

/// The trained weights of an encoder.
fn trained(run: &Path, which: Which, encoder: &Encoder) -> Result<Store, TrainError> {
    let kept = kept(run, which)?;
    let mut store = Store::new(&encoder.graph, &size, kept.seed)?;
    kept.restore(&mut store, encoder)?;
    Ok(store)
}

/// How many pictures there are to check features by.
const PICTURES: usize = 2;

fn size(symbol: &str) -> Option<i64> {
    (symbol == "N").then_some(PICTURES as i64)
}

/// Two pictures that are nobody's, as the encoder takes them in PyTorch, and their features.
fn check(encoder: &Encoder, store: &Store) -> Result<(tensors::Named, tensors::Named), TrainError> {
    let (height, width) = encoder.size;
    let (pixels, channels) = (height * width, encoder.channels);
    // Waves of several lengths, other ones in each channel.
    let value = |picture: usize, channel: usize, y: usize, x: usize| {
        let (y, x) = (y as f32 / height as f32, x as f32 / width as f32);
        ((7.0 + channel as f32) * x + 3.0 * y).sin() + (11.0 * x * y + picture as f32 + 2.0 * channel as f32).cos()
    };
    let mut ours = vec![0.0; PICTURES * pixels * channels];
    let mut theirs = ours.clone();
    for i in 0..ours.len() {
        let (picture, at, channel) = (i / (pixels * channels), i / channels % pixels, i % channels);
        ours[i] = value(picture, channel, at / width, at % width);
        theirs[(picture * channels + channel) * pixels + at] = ours[i];
    }
    let program = Program::forward(encoder.graph.clone(), vec![encoder.features]).wishing(encoder.wishes);
    let mut engine = engine::<f32>(EngineKind::Planned, &program, &size)?;
    engine.compute(store, &Feed { inputs: vec![("image", &ours)], ..Feed::default() })?;
    let features = tensors::Named::new("features", engine.output_shape(0).to_vec(), engine.output(0).to_vec());
    Ok((tensors::Named::new("pictures", vec![PICTURES, channels, height, width], theirs), features))
}

/// What the header of the weights says.
fn said(prepared: &Prepared) -> Result<BTreeMap<&'static str, String>, Failure> {
    let prepared = serde_json::to_string(prepared).map_err(|e| Failure::run(e.to_string()))?;
    Ok(BTreeMap::from([("format", "pt".to_owned()), (PREPROCESS, prepared)]))
}

/// Writes files into a folder in which there are none.
fn write(out: &Path, files: &[(&str, &Contents)]) -> Result<(), Failure> {
    let cannot = |e: std::io::Error| Failure::run(format!("cannot make {}: {e}", out.display()));
    std::fs::create_dir_all(out).map_err(cannot)?;
    if std::fs::read_dir(out).map_err(cannot)?.next().is_some() {
        let message = format!("{} is there already and not empty: nothing is written over", out.display());
        return Err(Failure::run(message).help("choose another `-o`"));
    }
    files.iter().try_for_each(|(name, contents)| write_through(&out.join(name), contents).map_err(Failure::run))
}

fn nothing() -> Failure {
    Failure::run("the recipe has no encoder to export".to_owned())
}

fn no_peer(encoder: &Encoder) -> Failure {
    let path = &encoder.path;
    let message = format!("`{path}` is no model that torchvision, timm or a row of PyTorch's layers can be");
    Failure::run(message).help(
        "what can be exported is a stage \
         that takes the picture itself: a ResNet, a ViT without relative positions, or layers composed by `|`; the weights alone are in \
         checkpoints/encoder.safetensors of the run",
    )
}
