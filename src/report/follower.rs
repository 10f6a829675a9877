//! Files that say what the metrics say, for other programs: a table, or an event file for TensorBoard.

use serde_json::{Map, Value};

use super::csv::csv_rows;
use super::event_file::{Event, EventFile, Picture};

/// A line of the metrics as it is read again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoggedStep {
    /// The step, from 1.
    pub step: usize,
    /// Seconds spent on training until then.
    pub seconds: f64,
    /// Numbers of the step itself, in the order in which they are shown: `epoch`, `seconds`, `loss`, `lr`, ...
    pub own: Vec<(String, f64)>,
    /// The terms of the loss.
    pub terms: Vec<(String, f64)>,
    /// What else was measured.
    pub measures: Vec<(String, f64)>,
}

/// Numbers of a step besides its number.
const OWN: [&str; 6] = ["epoch", "seconds", "loss", "lr", "skipped", "images_per_second"];

impl LoggedStep {
    /// Reads a line; nothing where it is none. What is not finite is not a number.
    pub fn read(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        let object = value.as_object()?;
        let named = |key: &str| object.get(key).and_then(Value::as_object).map(numbers).unwrap_or_default();
        let own = OWN.iter().filter_map(|name| Some(((*name).to_owned(), number(object.get(*name)?))));
        Some(Self {
            step: usize::try_from(object.get("step")?.as_u64()?).ok()?,
            seconds: number(object.get("seconds")?),
            own: own.collect(),
            terms: named("terms"),
            measures: named("measures"),
        })
    }
}

fn numbers(object: &Map<String, Value>) -> Vec<(String, f64)> {
    object.iter().map(|(name, value)| (name.clone(), number(value))).collect()
}

fn number(value: &Value) -> f64 {
    let truth = value.as_bool().map(|yes| f64::from(u8::from(yes)));
    truth.or_else(|| value.as_f64()).unwrap_or(f64::NAN)
}

/// A file that says the same as the metrics.
#[derive(Clone, Debug)]
pub enum Follower {
    /// A table with a row a line.
    Table {
        /// Its columns: those known from the beginning, `loss.NAME` for terms, measures by their names.
        columns: Vec<String>,
    },
    /// An event file for TensorBoard.
    Events {
        /// When the run began, in seconds since 1970: an event happened so many seconds of training later.
        started: f64,
        /// The views of some samples, if there are any.
        views: Option<Picture>,
    },
}

impl Follower {
    /// A table of steps with these terms and measures; other measures that lines have get columns, too.
    pub fn table(terms: &[String], measures: Vec<String>) -> Self {
        let own = OWN.iter().map(|name| (*name).to_owned());
        let terms = terms.iter().map(|name| format!("loss.{name}"));
        Self::Table { columns: std::iter::once("step".to_owned()).chain(own).chain(terms).chain(measures).collect() }
    }

    /// What stands before the first of these lines.
    pub fn head(&mut self, lines: &[LoggedStep]) -> Vec<u8> {
        match self {
            Self::Table { columns } => {
                for (name, _) in lines.iter().flat_map(|line| &line.measures) {
                    if !columns.contains(name) {
                        columns.push(name.clone());
                    }
                }
                csv_rows([columns]).into_bytes()
            }
            Self::Events { started, views } => {
                let mut head = EventFile::head(*started, env!("CARGO_PKG_NAME"));
                if let Some(picture) = views {
                    head.extend(EventFile::event(*started, 0, &Event::Picture { tag: "views", picture }));
                }
                head
            }
        }
    }

    /// What a line adds.
    pub fn piece(&self, line: &LoggedStep) -> Vec<u8> {
        match self {
            Self::Table { columns } => {
                let terms = line.terms.iter().map(|(name, value)| (format!("loss.{name}"), *value));
                let known: Vec<(String, f64)> = line.own.iter().chain(&line.measures).cloned().chain(terms).collect();
                let cell = |column: &String| match known.iter().find(|(name, _)| name == column) {
                    _ if column == "step" => line.step.to_string(),
                    Some((_, value)) if value.is_finite() => value.to_string(),
                    _ => String::new(),
                };
                let cells: Vec<String> = columns.iter().map(cell).collect();
                csv_rows([cells]).into_bytes()
            }
            Self::Events { started, .. } => {
                let time = started + line.seconds;
                let own = line.own.iter().map(|(name, value)| (format!("train/{name}"), *value));
                let terms = line.terms.iter().map(|(name, value)| (format!("terms/{name}"), *value));
                // A measure on another data set has its name before it: a group of its own.
                let measures = line.measures.iter().map(|(name, value)| match name.split_once('.') {
                    Some((set, measure)) => (format!("{set}/{measure}"), *value),
                    None => (format!("features/{name}"), *value),
                });
                let scalar = |(tag, value): (String, f64)| {
                    EventFile::event(time, line.step, &Event::Scalar { tag: &tag, value: value as f32 })
                };
                own.chain(terms).chain(measures).flat_map(scalar).collect()
            }
        }
    }
}
