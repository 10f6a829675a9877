//! Several runs of one recipe as one row: means, and how far the runs lie apart.

use super::comparison::Contestant;
use super::metric::{Metric, Unit};
use super::numbers::{count, duration};
use super::record::RunRecord;

/// A row of runs that differ in their seeds alone: how many have come to results, what one costs, and each measure as its mean and,
/// behind `±`, its sample deviation; the mean of the untrained encoders in brackets.
pub(super) fn spread_row(name: &str, runs: &[Contestant], measures: &[String]) -> Vec<String> {
    let records: Vec<&RunRecord> = runs.iter().filter_map(|run| run.record.as_ref()).collect();
    let judged: Vec<&RunRecord> = records.iter().copied().filter(|record| !record.trained.is_empty()).collect();
    let of = if judged.len() == runs.len() { String::new() } else { format!(" of {}", runs.len()) };
    let mean_of = |value: fn(&RunRecord) -> f64| mean(&judged.iter().map(|r| value(r)).collect::<Vec<_>>());
    let cost = [
        mean_of(|r| r.parameters as f64).map(|n| count(n.round() as u64)),
        mean_of(|r| r.images as f64).map(|n| count(n.round() as u64)),
        mean_of(|r| r.seconds).map(duration),
    ];
    let measured = measures.iter().map(|measure| cell(&judged, measure));
    let head = [name.to_owned(), format!("{}{of}", judged.len())];
    head.into_iter().chain(cost.into_iter().map(|cell| cell.unwrap_or_else(dash))).chain(measured).collect()
}

fn cell(records: &[&RunRecord], measure: &str) -> String {
    let values = |of: fn(&RunRecord) -> &Vec<Metric>| {
        let found = records.iter().filter_map(|record| of(record).iter().find(|m| m.name == measure).cloned());
        found.collect::<Vec<Metric>>()
    };
    let (trained, untrained) = (values(|r| &r.trained), values(|r| &r.untrained));
    let Some(unit) = trained.first().map(|metric| metric.unit) else { return dash() };
    let plain = |metrics: &[Metric]| metrics.iter().map(|metric| metric.value).collect::<Vec<f64>>();
    let text = spread(&plain(&trained), unit);
    match mean(&plain(&untrained)) {
        Some(value) => format!("{text} ({})", shown(value, unit)),
        None => text,
    }
}

/// Mean and sample deviation of some values; a single one as it is.
fn spread(values: &[f64], unit: Unit) -> String {
    let middle = mean(values).unwrap_or(f64::NAN);
    if values.len() < 2 {
        return shown(middle, unit);
    }
    let squares: f64 = values.iter().map(|x| (x - middle).powi(2)).sum();
    let deviation = (squares / (values.len() - 1) as f64).sqrt();
    Metric { name: String::new(), value: middle, unit, deviation: Some(deviation) }.text()
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

fn shown(value: f64, unit: Unit) -> String {
    Metric { name: String::new(), value, unit, deviation: None }.text()
}

fn dash() -> String {
    "–".to_owned()
}
