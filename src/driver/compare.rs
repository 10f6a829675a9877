//! Several recipes on the same data with the same budget, one after the other, and the report that sets them side by side.

mod entrants;
mod terms;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Checked, Failure, FailureKind, Held, Request, RunFolder, check, hash, need, open, run};
use crate::check::Recipe;
use crate::data::Access;
use crate::exec::EngineKind;
use crate::report::{
    Contestant, Outcome, RunRecord, comparison_csv, comparison_table, duration, escaped_markdown, knn_chart,
    loss_charts, loss_over_time, write_atomically,
};
use crate::train::{self, Baselines, Control, Event, Setup};

use entrants::Entrant;
pub use terms::Terms;

/// What is to be compared, and under which terms.
#[derive(Clone, Debug, Default)]
pub struct Contest {
    /// Recipes, which are trained, and folders of runs, which are taken as they are.
    pub recipes: Vec<PathBuf>,
    /// What holds for all of them.
    pub terms: Terms,
    /// How files of pictures are read.
    pub access: Access,
    /// How often each recipe is trained: with the seeds 0, 1, ..; once, with its own, where left out.
    pub seeds: Option<u32>,
    /// Values that each recipe is tried with, each `PATH=VALUE,VALUE,..`: all choices of one of each.
    pub grid: Vec<String>,
    /// The engine; the planned one where it is left out.
    pub engine: Option<EngineKind>,
    /// The folder of the comparison; an earlier one of the same terms is gone on with. Numbered by itself where left out.
    pub out: Option<PathBuf>,
    /// Threads that make batches; as many as there are cores where left out.
    pub threads: Option<usize>,
}

/// What happens while recipes are compared.
pub enum Moment<'a> {
    /// A recipe has been read and checked.
    Checked(&'a Checked),
    /// It is a recipe's turn.
    Begins {
        /// What it is called.
        name: &'a str,
        /// Its place, from 1.
        number: usize,
        /// How many there are.
        of: usize,
    },
    /// It was trained before.
    Known,
    /// So many epochs fit into the budget.
    Fits {
        /// Epochs.
        epochs: f64,
        /// Seconds a step takes.
        step: f64,
    },
    /// A warm-up is not over before the budget is.
    WarmUp {
        /// How many epochs it takes.
        epochs: f64,
    },
    /// Something happened in its training.
    Training(&'a Event),
    /// It came to nothing.
    Failed(&'a Failure),
}

/// What a comparison has come to.
pub struct Comparison {
    /// Its folder.
    pub folder: PathBuf,
    /// The runs, in the order in which they were named.
    pub runs: Vec<Contestant>,
    /// What missed its budget, and by how much.
    pub missed: Vec<String>,
    /// Whether somebody stopped it before its end.
    pub stopped: bool,
}

/// The file that makes a folder one of a comparison.
const TERMS: &str = "compare.ron";
/// The most seconds steps are timed for, and the share of the budget.
const TIMED: f64 = 10.0;
const SHARE: f64 = 0.05;
/// The share of a budget that a run may be off without being told of.
const MISSED: f64 = 0.1;

/// Trains and judges each recipe in a folder of its own inside the comparison's; one that fails does not end the rest,
/// one that has ended there before is not done again. The report is written anew after each.
pub fn compare(contest: &Contest, control: &Control, tell: &mut dyn FnMut(Moment)) -> Result<Comparison, Failure> {
    let entrants = entrants::entrants(contest)?;
    let held = claim(contest)?;
    let folder = held.path().to_owned();
    let baselines = Baselines::default();
    let mut comparison = Comparison { folder, runs: Vec::new(), missed: Vec::new(), stopped: false };
    for (i, entrant) in entrants.iter().enumerate() {
        if control.stops() {
            comparison.stopped = true;
            break;
        }
        tell(Moment::Begins { name: &entrant.name, number: i + 1, of: entrants.len() });
        let done = entrant.path.is_dir();
        let place = if done { entrant.path.clone() } else { comparison.folder.join(&entrant.name) };
        let failure = match done {
            true => RunFolder::open(&place).err(),
            false => Turn { contest, entrant, place: &place, baselines: &baselines, control }.take(tell).err(),
        };
        comparison.stopped |= failure.as_ref().is_some_and(|f| f.kind == FailureKind::Stopped);
        let failure = failure.filter(|f| f.kind != FailureKind::Stopped);
        failure.iter().for_each(|failure| tell(Moment::Failed(failure)));
        let run = contestant(entrant, &place, failure.map(|f| f.diagnostic.message));
        comparison.missed.extend(contest.terms.budget.filter(|_| !done).and_then(|budget| missed(&run, budget)));
        comparison.runs.push(run);
        comparison.write(&contest.terms)?;
    }
    comparison.stopped |= comparison.runs.iter().any(|r| r.failure.is_none() && unfinished(r)) && control.stops();
    Ok(comparison)
}

fn unfinished(run: &Contestant) -> bool {
    run.record.as_ref().is_some_and(|r| matches!(r.outcome, Outcome::Interrupted | Outcome::Running))
}

/// What lies in the folder of a run, as far as it came.
fn contestant(entrant: &Entrant, place: &Path, failure: Option<String>) -> Contestant {
    let folder = RunFolder::open(place);
    let record = folder.as_ref().map_err(Failure::to_string).and_then(|f| RunRecord::read(&f.record()));
    let losses = folder.map(|f| loss_over_time(&f.metrics())).unwrap_or_default();
    let (record, unread) = match record {
        Ok(record) => (Some(record), None),
        Err(message) => (None, Some(message)),
    };
    let (name, group) = (entrant.name.clone(), entrant.group.clone());
    Contestant { name, group, record, failure: failure.or(unread), losses }
}

/// What is to be said of a run that trained much longer than its budget, or much shorter.
fn missed(run: &Contestant, budget: f64) -> Option<String> {
    let record = run.record.as_ref().filter(|record| record.outcome == Outcome::Finished)?;
    let off = record.seconds / budget - 1.0;
    let words = format!("{} missed its budget of {}: it trained for", run.name, duration(budget));
    (off.abs() > MISSED).then(|| format!("{words} {}, {:+.0} %", duration(record.seconds), 100.0 * off))
}

/// The folder of the comparison: a new one, or an earlier one of the same terms.
fn claim(contest: &Contest) -> Result<Held, Failure> {
    if let Some(out) = &contest.out
        && let Some(earlier) = Terms::read(&out.join(TERMS))?
    {
        if earlier == contest.terms {
            return Held::again(out);
        }
        let message = format!("{} is a comparison under other terms: {}", out.display(), earlier.words());
        return Err(Failure::run(message).help("choose another `-o`, or go on under the same terms"));
    }
    let held = Held::create(contest.out.as_deref(), "compare")?;
    let terms = ron::ser::to_string_pretty(&contest.terms, ron::ser::PrettyConfig::new())
        .map_err(|e| Failure::run(format!("cannot write the terms of the comparison: {e}")))?;
    write_atomically(&held.path().join(TERMS), format!("{terms}\n").as_bytes()).map_err(Failure::run)?;
    Ok(held)
}

/// A recipe's turn.
struct Turn<'a> {
    contest: &'a Contest,
    entrant: &'a Entrant,
    place: &'a Path,
    baselines: &'a Baselines,
    control: &'a Control,
}

impl Turn<'_> {
    /// Trains the recipe in its place, goes on with it, or finds that it has been done.
    fn take(&self, tell: &mut dyn FnMut(Moment)) -> Result<(), Failure> {
        let terms = &self.contest.terms;
        let path = self.entrant.path.as_path();
        let mut sets = [terms.sets.as_slice(), &self.entrant.sets].concat();
        let mut checked = check(path, &sets, terms.data.as_deref())?;
        tell(Moment::Checked(&checked));
        sound(&checked)?;
        let earlier = self.earlier()?;
        let epochs = match (terms.budget, &earlier) {
            (None, _) => None,
            (Some(_), Some((_, epochs))) => Some(*epochs),
            (Some(budget), None) => Some(self.fitting(&checked, budget, tell)?),
        };
        if let Some(epochs) = epochs {
            sets.push(format!("train.epochs={epochs}"));
            checked = check(path, &sets, terms.data.as_deref())?;
        }
        let common = Request {
            access: self.contest.access,
            engine: self.contest.engine,
            threads: self.contest.threads,
            baselines: self.baselines.clone(),
            ..Request::default()
        };
        let request = if let Some((record, _)) = earlier {
            if record.recipe_hash != hash(sound(&checked)?) {
                return Err(self.taken("the run of another recipe"));
            }
            if matches!(record.outcome, Outcome::Finished | Outcome::Diverged) {
                tell(Moment::Known);
                return Ok(());
            }
            let request = Request { resume: Some(self.place.to_owned()), ..common };
            checked = request.check()?;
            request
        } else {
            let (recipe, out) = (Some(path.to_owned()), Some(self.place.to_owned()));
            Request { recipe, out, sets, data: terms.data.clone(), ..common }
        };
        run(&request, &checked, self.control, &mut |event| tell(Moment::Training(event))).map(|_| ())
    }

    /// The record of an earlier run in this place, and how many epochs it was to have.
    fn earlier(&self) -> Result<Option<(RunRecord, f64)>, Failure> {
        if Held::is_free(self.place) {
            return Ok(None);
        }
        let folder = RunFolder::open(self.place).map_err(|_| self.taken("something else"))?;
        let record = RunRecord::read(&folder.record()).map_err(Failure::run)?;
        let written = check(&folder.recipe(), &[], None)?;
        Ok(Some((record, sound(&written)?.train.epochs)))
    }

    fn taken(&self, by: &str) -> Failure {
        let place = self.place.display();
        Failure::run(format!("{place} holds {by}")).help("nothing is overwritten: move it away, or choose another `-o`")
    }

    /// How many epochs fit into the budget, by the time of some steps.
    fn fitting(&self, checked: &Checked, budget: f64, tell: &mut dyn FnMut(Moment)) -> Result<f64, Failure> {
        let recipe = sound(checked)?;
        let failed = |e: train::TrainError| Failure::of_training(&e, &checked.sources);
        let data = open(recipe, &self.contest.access).map_err(failed)?.splits;
        need::fits(recipe)?;
        let engine = self.contest.engine.unwrap_or_default();
        let setup = Setup { recipe, data, engine, threads: self.contest.threads };
        let timed = Duration::from_secs_f64((SHARE * budget).min(TIMED));
        let (step, clock) = train::seconds_a_step(&setup, timed).map_err(failed)?;
        let steps = (budget / step).floor().max(1.0);
        // Few digits, but enough for the very number of steps.
        let precision = 10f64.powf((clock.per_epoch as f64 * 10.0).log10().ceil());
        let epochs = (steps / clock.per_epoch as f64 * precision).round() / precision;
        tell(Moment::Fits { epochs, step });
        let warm_ups = recipe.schedules.iter().map(|(schedule, _)| schedule.warm_up(clock.per_epoch));
        let longest = warm_ups.fold(0.0, f64::max);
        if longest >= epochs {
            tell(Moment::WarmUp { epochs: longest });
        }
        Ok(epochs)
    }
}

fn sound(checked: &Checked) -> Result<&Recipe, Failure> {
    checked.recipe.as_ref().ok_or_else(|| Failure::run("the recipe has errors".to_owned()))
}

impl Comparison {
    /// Everything in the comparison that is not a run: tables and curves.
    fn write(&self, terms: &Terms) -> Result<(), Failure> {
        let files = [
            ("compare.md", self.markdown(terms)),
            ("compare.csv", comparison_csv(&self.runs)),
            ("knn.svg", knn_chart(&self.runs)),
            ("loss.svg", loss_charts(&self.runs)),
        ];
        files.iter().try_for_each(|(name, text)| {
            write_atomically(&self.folder.join(name), text.as_bytes()).map_err(Failure::run)
        })
    }

    fn markdown(&self, terms: &Terms) -> String {
        let mut names: Vec<String> = self.runs.iter().map(|r| escaped_markdown(r.group())).collect();
        names.dedup();
        let (words, table) = (escaped_markdown(&terms.words()), comparison_table(&self.runs).markdown());
        let notes: String = self.notes().iter().map(|note| format!("- {}\n", escaped_markdown(note))).collect();
        let notes = if notes.is_empty() { notes } else { format!("\n{notes}") };
        format!(
            "# {}\n\nTerms: {words}.\n\n{table}{notes}\n![k-NN over the time of training](knn.svg)\n\n\
             ![Loss over the time of training](loss.svg)\n",
            names.join(", ")
        )
    }

    /// What a reader of the table must know besides: data that differ, budgets that were missed, and failures.
    pub fn notes(&self) -> Vec<String> {
        let data = |run: &Contestant| run.record.as_ref().map(|r| r.data.clone());
        let first = self.runs.iter().find_map(data);
        let other = self.runs.iter().filter(|r| data(r).is_some() && data(r) != first);
        let other = other.map(|r| format!("{} is of other data: {}", r.name, data(r).unwrap_or_default()));
        let failures = self.runs.iter().filter_map(|r| {
            let message = r.failure.as_ref()?.lines().next().unwrap_or_default().to_owned();
            Some(format!("{}: {message}", r.name))
        });
        let brackets = "in brackets: the same encoder untrained".to_owned();
        let data = first.iter().flat_map(|d| [format!("data: {d}"), brackets.clone()]);
        data.chain(other).chain(self.missed.iter().cloned()).chain(failures).collect()
    }
}
