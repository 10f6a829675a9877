//! Named results, and the table that sets them side by side.

use serde::{Deserialize, Serialize};

use super::numbers::{number, percent};
use super::record::JudgedOn;
use super::table::Table;

/// How a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// As it is.
    Plain,
    /// A share of one, in percent.
    Percent,
}

/// A named result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// What was measured, as a column's title: `k-NN`.
    pub name: String,
    /// The result.
    pub value: f64,
    /// How it is written.
    pub unit: Unit,
    /// The sample deviation of the results that it is the mean of, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deviation: Option<f64>,
}

impl Metric {
    /// A share of one, such as an accuracy.
    pub fn share(name: impl Into<String>, value: f64) -> Self {
        Self { name: name.into(), value, unit: Unit::Percent, deviation: None }
    }

    /// A plain number.
    pub fn plain(name: impl Into<String>, value: f64) -> Self {
        Self { name: name.into(), value, unit: Unit::Plain, deviation: None }
    }

    /// The result as people read it.
    pub fn text(&self) -> String {
        match (self.unit, self.deviation) {
            (Unit::Plain, None) => number(self.value),
            (Unit::Percent, None) => percent(self.value),
            (Unit::Plain, Some(deviation)) => format!("{} ± {}", number(self.value), number(deviation)),
            (Unit::Percent, Some(deviation)) => format!("{:.1} ± {}", 100.0 * self.value, percent(deviation)),
        }
    }
}

/// A row for each judged encoder, a column for each metric in the order they first occur; a dash where one was not measured.
pub fn summary_table(title: &str, rows: &[(&str, &[Metric])]) -> Table {
    let mut names: Vec<&str> = Vec::new();
    for metric in rows.iter().flat_map(|(_, metrics)| *metrics) {
        if !names.contains(&metric.name.as_str()) {
            names.push(&metric.name);
        }
    }
    let value = |metrics: &[Metric], name: &str| {
        metrics.iter().find(|m| m.name == name).map_or_else(|| "–".to_owned(), Metric::text)
    };
    let row = |(label, metrics): &(&str, &[Metric])| {
        let values = names.iter().map(|name| value(metrics, name));
        std::iter::once((*label).to_owned()).chain(values).collect()
    };
    let header = std::iter::once(title).chain(names.iter().copied()).map(str::to_owned).collect();
    Table { header, rows: rows.iter().map(row).collect() }
}

/// The same for encoders that were judged on several data sets: the rows on the own one, then those on each of the named ones, whose
/// metrics are called `NAME: k-NN`. Rows without metrics are left out.
pub fn sectioned_table(title: &str, rows: &[(String, &Vec<Metric>)], sets: &[&str]) -> Table {
    let of = |metric: &Metric, set: Option<&str>| match set {
        Some(set) => metric.name.strip_prefix(&JudgedOn::measure(set, "")).map(str::to_owned),
        None => {
            let own = !sets.iter().any(|set| metric.name.starts_with(&JudgedOn::measure(set, "")));
            own.then(|| metric.name.clone())
        }
    };
    let mut all: Vec<(String, Vec<Metric>)> = Vec::new();
    for set in std::iter::once(None).chain(sets.iter().copied().map(Some)) {
        for (label, metrics) in rows {
            let named = |m: &Metric| of(m, set).map(|name| Metric { name, ..m.clone() });
            let metrics: Vec<Metric> = metrics.iter().filter_map(named).collect();
            if !metrics.is_empty() {
                all.push((set.map_or_else(|| label.clone(), |set| JudgedOn::measure(set, label)), metrics));
            }
        }
    }
    let all: Vec<(&str, &[Metric])> = all.iter().map(|(label, metrics)| (label.as_str(), metrics.as_slice())).collect();
    summary_table(title, &all)
}
