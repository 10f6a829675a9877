//! The weights of frozen branches: read from files, or from what other recipes train, which are trained first.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Tensor};

use super::{Checked, Failure, Held, Request, failure, hash, read_tensors, run_in};
use crate::catalog::Config;
use crate::check::{self, Frozen, Recipe, Weights};
use crate::diag::Severity;
use crate::exec::Memory;
use crate::lint::lint;
use crate::report::{Outcome, RunRecord};
use crate::source::{Sources, Span};
use crate::train::{Control, Ending, Event, last_checkpoint};

/// How many tensors a complaint names.
const NAMED: usize = 6;

/// For whom, and where, weights are looked for.
pub(super) struct Search<'a> {
    /// What was asked for.
    pub request: &'a Request,
    /// The recipe that needs them.
    pub checked: &'a Checked,
    /// The folder in which runs lie side by side.
    pub beside: &'a Path,
    /// Ends a training early.
    pub control: &'a Control,
}

impl Search<'_> {
    /// Fills the frozen branches of a memory.
    pub fn fill(&self, recipe: &Recipe, memory: &mut Memory, on_event: &mut dyn FnMut(&Event)) -> Result<(), Failure> {
        for frozen in &recipe.frozen {
            let path = match &frozen.weights {
                Weights::File(path) => path.clone(),
                Weights::Recipe(path) => self.trained(path, recipe, frozen, on_event)?,
            };
            let given = read_tensors(&path).map_err(|message| self.failed(frozen, message))?;
            let branch = recipe.branches.iter().find(|b| b.name == frozen.branch);
            let first = branch.and_then(|b| b.stages.first()).map_or("", String::as_str);
            load(memory, frozen, first, &given).map_err(|problems| {
                let head = format!("{} does not hold the weights of `{}`:", path.display(), frozen.branch);
                self.failed(frozen, head + &problems)
            })?;
        }
        Ok(())
    }

    /// The checkpoint of another recipe, which is trained on the same data unless that has been done. Runs that share it take turns:
    /// the first trains it, and the others wait for that.
    fn trained(
        &self,
        path: &Path,
        recipe: &Recipe,
        frozen: &Frozen,
        on_event: &mut dyn FnMut(&Event),
    ) -> Result<PathBuf, Failure> {
        let mut sources = Sources::default();
        let root = super::read(&mut sources, path)?;
        let data = moved(&recipe.data, &self.checked.sources, &mut sources);
        let options = check::Options { sets: Vec::new(), data: Some(data) };
        let outcome = check::check(&mut sources, root, &options);
        let mut diagnostics = outcome.diagnostics;
        diagnostics.extend(outcome.recipe.iter().flat_map(lint));
        let sound = diagnostics.iter().all(|d| d.severity < Severity::Error);
        let Some(other) = outcome.recipe.filter(|_| sound) else {
            return Err(self.failed(frozen, format!("{} has errors: see `sslrun check {0}`", path.display())));
        };
        let folder = self.beside.join(format!("frozen-{}", hash(&other)));
        let (branch, place) = (&frozen.branch, folder.display());
        let mut prepare = |what: &str| {
            let message = format!("`{branch}` needs what {} trains: {what}, in {place}", path.display());
            on_event(&Event::Preparing { message });
        };
        let held = Held::shared(&folder, self.control, || prepare("another process trains it, and is waited for"))?;
        let Some(held) = held else { return Err(stopped(path)) };
        let record = RunRecord::read(&held.record()).ok();
        if record.is_some_and(|r| r.outcome == Outcome::Finished) && last_checkpoint(&folder).is_file() {
            return Ok(last_checkpoint(&folder));
        }
        let begun = held.is_begun();
        prepare("it is trained first");
        let inner = Request {
            recipe: (!begun).then(|| path.to_owned()),
            resume: begun.then(|| folder.clone()),
            access: self.request.access,
            engine: self.request.engine,
            threads: self.request.threads,
            baselines: self.request.baselines.clone(),
            ..Request::default()
        };
        let checked = if begun { inner.check()? } else { Checked { sources, recipe: Some(other), diagnostics } };
        let mut tell = |event: &Event| {
            on_event(&Event::Beforehand { recipe: path.to_owned(), event: Box::new(event.clone()) });
        };
        match run_in(Some(held), &inner, &checked, self.control, &mut tell)?.ending {
            Ending::Finished => Ok(last_checkpoint(&folder)),
            Ending::Interrupted => Err(stopped(path)),
        }
    }

    fn failed(&self, frozen: &Frozen, message: String) -> Failure {
        Failure::Run(message + &failure::point(&self.checked.sources, frozen.span))
    }
}

/// That the files of weights are still there: what else they say of how they were made is needed for as long as they are used.
pub(super) fn present(recipe: &Recipe, checked: &Checked) -> Result<(), Failure> {
    let missing = recipe.frozen.iter().find_map(|frozen| match &frozen.weights {
        Weights::File(path) if !path.is_file() => Some((path, frozen.span)),
        _ => None,
    });
    missing.map_or(Ok(()), |(path, span)| {
        let message = format!("{} is not there any more", path.display());
        Err(Failure::Run(message + &failure::point(&checked.sources, span)))
    })
}

fn stopped(path: &Path) -> Failure {
    let path = path.display();
    Failure::Stopped(format!("stopped while {path} was being trained, and saved; the same command goes on"))
}

/// The data set of a recipe for another one, with the place where it is named.
fn moved(data: &Config, from: &Sources, to: &mut Sources) -> Config {
    let file = to.add(from.get(data.span.file).clone());
    Config { span: Span { file, ..data.span }, ..data.clone() }
}

/// Takes the tensors of a branch, whose first stage is named, from those of a file; otherwise says which are missing or have another shape.
fn load(memory: &mut Memory, frozen: &Frozen, first: &str, given: &HashMap<String, Tensor>) -> Result<(), String> {
    let mine: Vec<(String, Vec<usize>)> =
        memory.iter().map(|(name, tensor)| (name.to_owned(), tensor.dims().to_vec())).collect();
    let (mut problems, mut taken) = (Vec::new(), Vec::new());
    for (name, shape) in mine {
        let Some(names) = theirs(frozen, first, &name) else { continue };
        match names.iter().find_map(|n| Some((n, given.get(n)?))) {
            None => problems.push(format!("there is no `{}`, which is {shape:?}", names[0])),
            Some((found, tensor)) if tensor.dims() != shape => {
                problems.push(format!("`{found}` is {:?} instead of {shape:?}", tensor.dims()));
            }
            Some((found, tensor)) => {
                let flat = tensor.to_dtype(DType::F32).and_then(|t| t.flatten_all()).and_then(|t| t.to_vec1::<f32>());
                match flat {
                    Ok(values) => taken.push((name, values)),
                    Err(error) => problems.push(format!("`{found}` cannot be read: {error}")),
                }
            }
        }
    }
    if !problems.is_empty() {
        let more = problems.len().saturating_sub(NAMED);
        problems.truncate(NAMED);
        let rest = if more > 0 { format!("\n  - and {more} more") } else { String::new() };
        return Err(problems.iter().map(|p| format!("\n  - {p}")).collect::<String>() + &rest);
    }
    for (name, values) in taken {
        memory.with_mut(&name, |mine| mine.copy_from_slice(&values));
    }
    Ok(())
}

/// What a tensor of a frozen branch may be called in the file: by the other branch's name, without it, or within the first stage,
/// as in the file of an encoder alone. `None` for what does not belong to the branch.
fn theirs(frozen: &Frozen, first: &str, name: &str) -> Option<Vec<String>> {
    let rest = name.strip_prefix(frozen.branch.as_str())?;
    if let Some(shared) = rest.strip_prefix('/') {
        return Some(vec![shared.to_owned()]);
    }
    let rest = rest.strip_prefix('.')?;
    let within = rest.strip_prefix(first).and_then(|inner| inner.strip_prefix('.'));
    let names = [format!("{}.{rest}", frozen.theirs), rest.to_owned()];
    Some(names.into_iter().chain(within.map(str::to_owned)).collect())
}
