//! Several runs side by side: a table for people, a table for programs, and curves.

use super::chart::{Chart, Line, svg};
use super::metric::Metric;
use super::numbers::{count, duration};
use super::record::{JudgedOn, Outcome, RunRecord};
use super::spread::spread_row;
use super::table::Table;

/// A run of a comparison.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contestant {
    /// What it is called in the comparison; no other is called so.
    pub name: String,
    /// What it shares with runs that differ from it in their seed alone; nothing where there is none.
    pub group: String,
    /// Its record, if it has come to one.
    pub record: Option<RunRecord>,
    /// Why it came to nothing.
    pub failure: Option<String>,
    /// The loss over the seconds of training.
    pub losses: Vec<(f64, f64)>,
}

impl Contestant {
    /// What it is called together with those that differ in their seed alone.
    pub fn group(&self) -> &str {
        if self.group.is_empty() { &self.name } else { &self.group }
    }
}

/// The size of a single chart, and of one of several.
const LARGE: (f64, f64) = (760.0, 420.0);
const SMALL: (f64, f64) = (380.0, 240.0);
const COLUMNS: usize = 3;
/// What the accuracy by k-NN is called.
const KNN: &str = "k-NN";

/// A row a run: what it cost, and what the encoder is worth, with the untrained one in brackets; then raw pixels. Where runs differ
/// in their seed alone, a row for them together.
pub fn comparison_table(runs: &[Contestant]) -> Table {
    let names = metric_names(runs);
    let groups: Vec<&[Contestant]> = runs.chunk_by(|a, b| a.group() == b.group()).collect();
    let together = groups.iter().any(|group| group.len() > 1);
    let fixed: &[&str] = match together {
        true => &["recipe", "runs", "parameters", "samples", "time"],
        false => &["recipe", "parameters", "samples", "time"],
    };
    let header: Vec<String> = fixed.iter().map(|title| (*title).to_owned()).chain(names.iter().cloned()).collect();
    let mut rows: Vec<Vec<String>> = match together {
        true => groups.iter().map(|group| spread_row(group[0].group(), group, &names)).collect(),
        false => runs.iter().map(|run| row(run, &names)).collect(),
    };
    if let Some(raw) = runs.iter().find_map(|r| r.record.as_ref().map(|r| &r.raw).filter(|m| !m.is_empty())) {
        let values = names.iter().map(|name| find(raw, name).map_or_else(dash, Metric::text));
        let nothing = fixed.iter().skip(1).map(|_| dash());
        rows.push(std::iter::once("raw pixels".to_owned()).chain(nothing).chain(values).collect());
    }
    Table { header, rows }
}

/// A run by itself.
fn row(run: &Contestant, names: &[String]) -> Vec<String> {
    let record = run.record.as_ref();
    let size = record.map_or_else(dash, |r| count(r.parameters));
    let samples = record.map_or_else(dash, |r| count(r.images));
    let values = names.iter().map(|name| record.map_or_else(dash, |r| beside(r, name)));
    [run.name.clone(), size, samples, time(run)].into_iter().chain(values).collect()
}

/// The same for programs: plain numbers, a column for each, nothing where there is none.
pub fn comparison_csv(runs: &[Contestant]) -> String {
    let names = metric_names(runs);
    let fixed = ["recipe", "title", "outcome", "seconds", "samples", "parameters", "seed", "data"].map(str::to_owned);
    let header = fixed.into_iter().chain(names.iter().flat_map(|n| [n.clone(), format!("{n}, untrained")])).collect();
    let row = |run: &Contestant| {
        let Some(r) = &run.record else { return vec![run.name.clone(), String::new(), "Failed".to_owned()] };
        let (outcome, seconds) = (format!("{:?}", r.outcome), format!("{:.1}", r.seconds));
        let numbers = [r.images, r.parameters, r.seed].map(|n| n.to_string());
        let words = [run.name.clone(), r.title.clone(), outcome, seconds].into_iter().chain(numbers);
        let value =
            |metrics: &[Metric], name: &str| find(metrics, name).map_or_else(String::new, |m| m.value.to_string());
        let values = names.iter().flat_map(|n| [value(&r.trained, n), value(&r.untrained, n)]);
        words.chain([r.data.clone()]).chain(values).collect()
    };
    Table { header, rows: runs.iter().map(row).collect() }.csv()
}

/// The accuracy by k-NN over the time of training, all runs in one chart, as SVG.
pub fn knn_chart(runs: &[Contestant]) -> String {
    let unit = TimeUnit::of(runs);
    let line = |(colour, run): (usize, &Contestant)| {
        let history = run.record.iter().flat_map(|r| &r.history);
        let point = |p: &super::Point| Some((unit.of_seconds(p.seconds), 100.0 * knn(&p.metrics)?.value));
        Line { name: run.name.clone(), colour, points: history.filter_map(point).collect() }
    };
    let lines = runs.iter().enumerate().map(line).filter(|l| !l.points.is_empty()).collect();
    let chart = Chart { title: "k-NN on a part of the data".into(), x: unit.title(), y: "accuracy, %".into(), lines };
    svg(&[chart], 1, LARGE)
}

/// The loss over the time of training, a chart a run as losses of different recipes have no common scale, as SVG.
pub fn loss_charts(runs: &[Contestant]) -> String {
    let unit = TimeUnit::of(runs);
    let chart = |(colour, run): (usize, &Contestant)| {
        let points = run.losses.iter().map(|&(seconds, loss)| (unit.of_seconds(seconds), loss)).collect();
        let line = Line { name: run.name.clone(), colour, points };
        Chart { title: run.name.clone(), x: unit.title(), y: "loss".into(), lines: vec![line] }
    };
    let known = runs.iter().enumerate().filter(|(_, run)| !run.losses.is_empty());
    svg(&known.map(chart).collect::<Vec<_>>(), COLUMNS, SMALL)
}

/// Every metric of the trained encoders, in the order in which they first occur.
fn metric_names(runs: &[Contestant]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for metric in runs.iter().filter_map(|r| r.record.as_ref()).flat_map(|r| &r.trained) {
        if !names.contains(&metric.name) {
            names.push(metric.name.clone());
        }
    }
    names
}

fn find<'a>(metrics: &'a [Metric], name: &str) -> Option<&'a Metric> {
    metrics.iter().find(|m| m.name == name)
}

/// The accuracy by k-NN on the own data set, or else on the first other one that has labels.
fn knn(metrics: &[Metric]) -> Option<&Metric> {
    let of_other = || metrics.iter().find(|m| m.name.ends_with(&JudgedOn::measure("", KNN)));
    find(metrics, KNN).or_else(of_other)
}

/// A metric of the trained encoder, and of the untrained one in brackets.
fn beside(record: &RunRecord, name: &str) -> String {
    match (find(&record.trained, name), find(&record.untrained, name)) {
        (Some(trained), Some(untrained)) => format!("{} ({})", trained.text(), untrained.text()),
        (Some(trained), None) => trained.text(),
        (None, _) => dash(),
    }
}

/// How long training took, and how it ended where it did not end well.
fn time(run: &Contestant) -> String {
    let Some(record) = &run.record else { return "failed".to_owned() };
    let ending = match record.outcome {
        Outcome::Finished => "",
        Outcome::Diverged => ", diverged",
        Outcome::Interrupted | Outcome::Running => ", unfinished",
    };
    format!("{}{ending}", duration(record.seconds))
}

fn dash() -> String {
    "–".to_owned()
}

/// In what the time of a chart is counted.
#[derive(Clone, Copy)]
enum TimeUnit {
    Seconds,
    Minutes,
    Hours,
}

impl TimeUnit {
    /// The unit in which the longest of the runs is a number people like to read.
    fn of(runs: &[Contestant]) -> Self {
        let longest = runs.iter().filter_map(|r| r.record.as_ref()).map(|r| r.seconds).fold(0.0, f64::max);
        match longest {
            ..180.0 => Self::Seconds,
            ..10_800.0 => Self::Minutes,
            _ => Self::Hours,
        }
    }

    fn of_seconds(self, seconds: f64) -> f64 {
        match self {
            Self::Seconds => seconds,
            Self::Minutes => seconds / 60.0,
            Self::Hours => seconds / 3600.0,
        }
    }

    fn title(self) -> String {
        let unit = match self {
            Self::Seconds => "seconds",
            Self::Minutes => "minutes",
            Self::Hours => "hours",
        };
        format!("{unit} of training")
    }
}
