//! The weights of frozen branches: read from files, or from what other recipes train, which are trained first.

use std::path::{Path, PathBuf};

use super::{Checked, Failure, Held, Request, hash, run_in, start};
use crate::catalog::Config;
use crate::check::{self, Frozen, Recipe, Weights};
use crate::diag::Severity;
use crate::exec::{Buffer, PlannedEvaluator, Store};
use crate::lint::lint;
use crate::report::{Outcome, RunRecord};
use crate::source::{Sources, Span};
use crate::train::{Control, Ending, Event, last_checkpoint};
use crate::weights::{Taking, Wanted, WeightsFile, take};

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
    /// Fills the frozen branches of a store.
    pub fn fill(&self, recipe: &Recipe, store: &mut Store, on_event: &mut dyn FnMut(&Event)) -> Result<(), Failure> {
        for frozen in &recipe.frozen {
            let path = match &frozen.weights {
                Weights::File(path) => path.clone(),
                Weights::Recipe(path) => self.trained(path, recipe, frozen, on_event)?,
            };
            let given = WeightsFile::open(&path).map_err(|message| self.failed(frozen, message))?;
            let branch = recipe.branches.iter().find(|b| b.name == frozen.branch);
            let first = branch.and_then(|b| b.stages.first()).map_or("", String::as_str);
            let taking = load(store, frozen, first, &given).map_err(|problems| {
                let head = format!("{} does not hold the weights of `{}`:", path.display(), frozen.branch);
                self.failed(frozen, head + &problems)
            })?;
            if let Weights::File(_) = &frozen.weights {
                let message =
                    start::told(&format!("`{}` is frozen", frozen.branch), &given, &taking, frozen.norm.as_ref());
                on_event(&Event::Preparing { message });
            }
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
        diagnostics.extend(outcome.recipe.iter().flat_map(|recipe| lint(recipe, &PlannedEvaluator)));
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
        Failure::run(message).at(frozen.span, &self.checked.sources)
    }
}

/// That the files of weights are still there: what else they say of how they were made is needed for as long as they are used.
pub(super) fn present(recipe: &Recipe, checked: &Checked) -> Result<(), Failure> {
    let missing = recipe.frozen.iter().find_map(|frozen| match &frozen.weights {
        Weights::File(path) if !path.is_file() => Some((path, frozen.span)),
        Weights::File(_) | Weights::Recipe(_) => None,
    });
    missing.map_or(Ok(()), |(path, span)| {
        let message = format!("{} is not there any more", path.display());
        Err(Failure::run(message).at(span, &checked.sources))
    })
}

fn stopped(path: &Path) -> Failure {
    let path = path.display();
    Failure::stopped(format!("stopped while {path} was being trained, and saved; the same command goes on"))
}

/// The data set of a recipe for another one, with the place where it is named.
fn moved(data: &Config, from: &Sources, to: &mut Sources) -> Config {
    let span = data.span.map(|span| Span { file: to.add(from.get(span.file).clone()), ..span });
    Config { span, ..data.clone() }
}

/// Takes the tensors of a branch, whose first stage is named, from those of a file: by the other branch's name, or wherever else they
/// fit, whole or, as in the file of an encoder alone, the first stage. Otherwise says which are missing or have another shape.
fn load(store: &mut Store, frozen: &Frozen, first: &str, file: &WeightsFile) -> Result<Taking, String> {
    let whole = start::wanted(store, &frozen.branch);
    let mut best = (frozen.branch.clone(), take(file, &whole, Some(&frozen.theirs))?);
    if !best.1.problems.is_empty() {
        // The numbers of one way are held at a time, and those of the best one so far.
        best = better(best, (frozen.branch.clone(), take(file, &whole, None)?));
        let stage = format!("{}.{first}", frozen.branch);
        let mut alone = take(file, &start::wanted(store, &stage), None)?;
        let others = whole.iter().filter(|tensor| tensor.name.split('.').next() != Some(first));
        let missing =
            |tensor: &Wanted| format!("there is no `{}.{}`, which is {:?}", frozen.theirs, tensor.name, tensor.shape);
        alone.problems.extend(others.map(missing));
        best = better(best, (stage, alone));
    }
    let (path, mut taking) = best;
    let shared = shared(store, frozen, file)?;
    let missing = shared.iter().filter(|(.., found)| found.is_none());
    taking.problems.extend(missing.map(|(_, name, _)| format!("there is no `{name}`")));
    if !taking.problems.is_empty() {
        return Err(start::problems(&taking.problems));
    }
    start::put(store, &path, &taking);
    for (mine, _, found) in shared {
        store.named_mut(&mine).zip(found).into_iter().for_each(|(mine, numbers)| mine.copy_from_slice(&numbers));
    }
    Ok(taking)
}

/// The way with fewer problems; the first if they have as many.
fn better(one: (String, Taking), other: (String, Taking)) -> (String, Taking) {
    if other.1.problems.len() < one.1.problems.len() { other } else { one }
}

/// A tensor by our name and by theirs, and its numbers where they are there.
type Shared = (String, String, Option<Vec<f32>>);

/// What a frozen branch has that no branch owns, what it is called where it comes from, and its numbers if they are there.
fn shared(store: &Store, frozen: &Frozen, file: &WeightsFile) -> Result<Vec<Shared>, String> {
    let own = store.iter().filter_map(|Buffer { name, shape, .. }| {
        let theirs = name.strip_prefix(frozen.branch.as_str())?.strip_prefix('/')?;
        Some((name.to_owned(), theirs.to_owned(), shape.to_vec()))
    });
    let found = |(mine, theirs, shape): (String, String, Vec<usize>)| {
        let there = file.get(&theirs).is_some_and(|stored| stored.shape == shape);
        let numbers = there.then(|| file.numbers(&theirs)).transpose()?;
        Ok((mine, theirs, numbers))
    };
    own.map(found).collect()
}
