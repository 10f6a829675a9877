//! Many runs as one list: what is known of each, as a table, as JSON and as comma-separated values.

use serde_json::{Map, Value, json};

use super::metric::{Metric, Unit};
use super::numbers::{count, duration, number};
use super::record::{Outcome, RunRecord};
use super::table::Table;

/// A run of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed {
    /// Its folder.
    pub run: String,
    /// Its record.
    pub record: RunRecord,
    /// Whether a process works in it now.
    pub held: bool,
}

/// What is known of a run in one respect.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing.
    Unknown,
    /// Words.
    Text(String),
    /// A number, in the unit in which people read it, and how they do.
    Number {
        /// The number; accuracies in percent.
        value: f64,
        /// As it stands in a table.
        shown: String,
    },
}

/// A column that every list has.
struct Field {
    title: &'static str,
    /// Whether it stands in the table for people, which has no room for all.
    shown: bool,
    of: fn(&Listed) -> Cell,
}

const fn field(title: &'static str, shown: bool, of: fn(&Listed) -> Cell) -> Field {
    Field { title, shown, of }
}

/// The columns before the measures, and those behind them.
const BEFORE: [Field; 10] = [
    field("run", true, |l| text(&l.run)),
    field("recipe", true, |l| text(&l.record.title)),
    field("outcome", true, |l| text(l.outcome())),
    field("seed", true, |l| plain(l.record.seed as f64, l.record.seed.to_string())),
    field("epochs", true, |l| known(l.epochs(), number)),
    field("steps", true, |l| known(l.record.steps as f64, |_| l.record.steps.to_string())),
    field("samples", false, |l| plain(l.record.images as f64, count(l.record.images))),
    field("parameters", false, |l| plain(l.record.parameters as f64, count(l.record.parameters))),
    field("seconds", true, |l| plain(l.record.seconds, duration(l.record.seconds))),
    field("started", true, |l| text(&l.record.started)),
];
const BEHIND: [Field; 3] = [
    field("data", true, |l| text(&l.record.data)),
    field("from", false, |l| l.record.from.as_deref().map_or(Cell::Unknown, text)),
    field("hash", false, |l| text(&l.record.recipe_hash)),
];

fn text(text: &str) -> Cell {
    if text.is_empty() { Cell::Unknown } else { Cell::Text(text.to_owned()) }
}

fn plain(value: f64, shown: String) -> Cell {
    Cell::Number { value, shown }
}

/// A number that old records do not have.
fn known(value: f64, shown: impl Fn(f64) -> String) -> Cell {
    if value > 0.0 { plain(value, shown(value)) } else { Cell::Unknown }
}

impl Listed {
    /// How it ended, in a word.
    pub fn outcome(&self) -> &'static str {
        match self.record.outcome {
            Outcome::Finished => "finished",
            Outcome::Interrupted => "interrupted",
            Outcome::Diverged => "diverged",
            Outcome::Running if self.held => "running",
            Outcome::Running => "killed",
        }
    }

    /// How far it came; of a record that does not say, as far as it was looked at.
    fn epochs(&self) -> f64 {
        if self.record.steps > 0 { self.record.epochs } else { self.record.history.last().map_or(0.0, |p| p.epoch) }
    }

    /// A measure of what it has trained; until it is judged, what was last seen on the way, which is marked.
    fn measure(&self, name: &str) -> Cell {
        let find = |metrics: &[Metric]| metrics.iter().find(|m| m.name == name).cloned();
        let seen = || self.record.history.last().and_then(|point| find(&point.metrics));
        let (metric, mark) = match find(&self.record.trained) {
            Some(metric) => (Some(metric), ""),
            None if self.record.trained.is_empty() => (seen(), "~"),
            None => (None, ""),
        };
        metric.map_or(Cell::Unknown, |m| {
            let value = if m.unit == Unit::Percent { 100.0 * m.value } else { m.value };
            Cell::Number { value, shown: format!("{mark}{}", m.text()) }
        })
    }
}

/// The names of all columns of a list: those of every list, and the measures of its runs.
pub fn list_columns(runs: &[Listed]) -> Vec<String> {
    let titles = |fields: &[Field]| fields.iter().map(|f| f.title.to_owned()).collect::<Vec<_>>();
    [titles(&BEFORE), measures(runs), titles(&BEHIND)].concat()
}

/// What is known of a run in the respect of a column.
pub fn list_cell(run: &Listed, column: &str) -> Cell {
    let field = BEFORE.iter().chain(&BEHIND).find(|f| f.title == column);
    field.map_or_else(|| run.measure(column), |f| (f.of)(run))
}

/// Every measure of the runs, in the order in which they first occur; those of judged encoders go before those seen on the way.
fn measures(runs: &[Listed]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let judged = runs.iter().flat_map(|r| &r.record.trained);
    let unjudged = runs.iter().filter(|r| r.record.trained.is_empty());
    let seen = unjudged.filter_map(|r| r.record.history.last()).flat_map(|point| &point.metrics);
    for metric in judged.chain(seen) {
        if !names.contains(&metric.name) {
            names.push(metric.name.clone());
        }
    }
    names
}

/// A row a run, for people.
pub fn list_table(runs: &[Listed]) -> Table {
    let hidden = |title: &String| BEFORE.iter().chain(&BEHIND).any(|f| f.title == title && !f.shown);
    let header: Vec<String> = list_columns(runs).into_iter().filter(|title| !hidden(title)).collect();
    let shown = |cell: Cell| match cell {
        Cell::Unknown => "–".to_owned(),
        Cell::Text(text) => text,
        Cell::Number { shown, .. } => shown,
    };
    let row = |run: &Listed| header.iter().map(|column| shown(list_cell(run, column))).collect();
    Table { rows: runs.iter().map(row).collect(), header }
}

/// A row a run and every column, for programs: plain numbers, accuracies as shares of one, nothing where nothing is known for good.
pub fn list_csv(runs: &[Listed]) -> String {
    let header = list_columns(runs);
    let metric = |run: &Listed, name: &str| run.record.trained.iter().find(|m| m.name == name).map(|m| m.value);
    let cell = |run: &Listed, column: &String| match BEFORE.iter().chain(&BEHIND).find(|f| f.title == column) {
        None => metric(run, column).map_or_else(String::new, |value| value.to_string()),
        Some(field) => match (field.of)(run) {
            Cell::Unknown => String::new(),
            Cell::Text(text) => text,
            Cell::Number { value, .. } => value.to_string(),
        },
    };
    let row = |run: &Listed| header.iter().map(|column| cell(run, column)).collect();
    Table { rows: runs.iter().map(row).collect(), header }.csv()
}

/// An object a run. Measures have the names of the table and are shares of one where that shows percents.
pub fn list_json(runs: &[Listed]) -> Value {
    runs.iter().map(object).collect()
}

fn object(run: &Listed) -> Value {
    let measures = |metrics: &[Metric]| {
        let own = |m: &Metric| (m.name.clone(), json!(m.value));
        let deviation = |m: &Metric| Some((format!("{} deviation", m.name), json!(m.deviation?)));
        metrics.iter().flat_map(|m| [Some(own(m)), deviation(m)]).flatten().collect::<Map<_, _>>()
    };
    let r = &run.record;
    let best = r.best.as_ref().map(|b| {
        let what = (b.measure.as_str(), b.value);
        json!({"measure": what.0, "value": what.1, "step": b.step, "epoch": b.epoch, "measures": measures(&b.metrics)})
    });
    let seen = r.history.last().map(|p| json!({"epoch": p.epoch, "loss": p.loss, "measures": measures(&p.metrics)}));
    json!({
        "run": run.run, "recipe": r.title, "paper": r.paper, "outcome": run.outcome(), "data": r.data, "seed": r.seed,
        "epochs": run.epochs(), "steps": r.steps, "samples": r.images, "parameters": r.parameters, "seconds": r.seconds,
        "started": r.started, "engine": r.engine, "kernels": r.kernels, "hash": r.recipe_hash, "from": r.from,
        "measures": measures(&r.trained), "untrained": measures(&r.untrained), "raw_pixels": measures(&r.raw),
        "last_look": seen, "warnings": r.warnings, "best": best,
    })
}
