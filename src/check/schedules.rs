//! Schedules: scalars that change while training.

use super::checker::{Checked, Checker};
use crate::catalog::{Config, Entry, Kind, Param, ParamType, Ramp, Schedule, Unit};
use crate::diag::{Code, Diagnostic};

const TIME: ParamType = ParamType::Number { min: 0.0, max: 1e12 };
const ANY: ParamType = ParamType::Number { min: f64::NEG_INFINITY, max: f64::INFINITY };

const WARMUP: Param =
    Param::optional("warmup", TIME, "0", "epochs (steps, if `steps` is given) of a straight rise before it");
const WARMUP_FROM: Param = Param::optional("warmup_from", ANY, "0", "where the rise starts");
const EPOCHS: Param =
    Param::optional("epochs", TIME, "none", "when it ends, warm-up included; the whole training if left out");
const STEPS: Param = Param::optional("steps", TIME, "none", "when it ends, counted in steps instead of epochs");

/// Every schedule.
pub(super) static SCHEDULES: &[Entry] = &[
    Entry {
        name: "cosine",
        kind: Kind::Schedule,
        params: &[Param::required("ramp", ParamType::Ramp, "first and last value"), WARMUP, WARMUP_FROM, EPOCHS, STEPS],
        formula: "b + (a - b) (1 + cos(pi t)) / 2",
        doc: "Half a cosine from the first to the last value (Loshchilov & Hutter 2017, without restarts).",
    },
    Entry {
        name: "linear",
        kind: Kind::Schedule,
        params: &[Param::required("ramp", ParamType::Ramp, "first and last value"), WARMUP, WARMUP_FROM, EPOCHS, STEPS],
        formula: "a + (b - a) t",
        doc: "A straight line from the first to the last value, which then stays.",
    },
    Entry {
        name: "step",
        kind: Kind::Schedule,
        params: &[
            Param::required("value", ANY, "the first value"),
            Param::required("at", ParamType::Numbers, "the epochs at which it is multiplied"),
            Param::optional("factor", ParamType::Number { min: 0.0, max: 1e6 }, "0.1", "by what it is multiplied"),
            WARMUP,
            WARMUP_FROM,
        ],
        formula: "value * factor^(times passed)",
        doc: "Multiplied by a factor at the given epochs.",
    },
    Entry {
        name: "during",
        kind: Kind::Schedule,
        params: &[
            Param::required("epochs", ParamType::Range { min: 0.0, max: 1e12 }, "from when to when, as in `2..8`"),
            Param::optional("value", ANY, "1", "the value between these epochs"),
            Param::optional("otherwise", ANY, "0", "the value before and after"),
        ],
        formula: "value if start <= t < end else otherwise",
        doc: "One value between two epochs and another outside of them: as a factor, a loss term of one phase of the \
              training. Parameters that only such a term trains are to be `frozen` meanwhile (see `rule`), as weight \
              decay and momentum do not stop where a gradient is 0.",
    },
    Entry {
        name: "constant",
        kind: Kind::Schedule,
        params: &[Param::required("value", ANY, "the value"), WARMUP, WARMUP_FROM],
        formula: "value",
        doc: "One value, after a warm-up.",
    },
];

impl Checker<'_> {
    /// The schedule of a checked call.
    pub(super) fn schedule(&mut self, config: &Config) -> Checked<Schedule> {
        let (from, to) = config.range("ramp").unwrap_or_else(|| (config.number("value"), config.number("value")));
        let steps = config.maybe_number("steps");
        let epochs = config.maybe_number("epochs");
        if steps.is_some() && epochs.is_some() {
            return self.error(
                Code::INVALID_VALUE,
                config.span,
                "a schedule ends after `epochs` or after `steps`, not both",
            );
        }
        let warmup = config.number("warmup");
        if let Some(early) = config.numbers("at").into_iter().find(|&at| at < warmup || at < 0.0) {
            let message =
                format!("the value is to be multiplied at epoch {early}, before the warm-up of {warmup} is over");
            return self.error(Code::INVALID_VALUE, config.span, message);
        }
        let ramp = match config.name.as_str() {
            "cosine" => Ramp::Cosine,
            "linear" => Ramp::Linear,
            "step" => Ramp::Step { factor: config.number("factor"), at: config.numbers("at") },
            "during" => {
                let (start, end) = config.range("epochs").unwrap_or_default();
                let ramp = Ramp::Window { start, end };
                let (from, to) = (config.number("value"), config.number("otherwise"));
                return Ok(Schedule { from, to, ramp, ..Schedule::constant(0.0) });
            }
            _ => Ramp::Constant,
        };
        let unit = if steps.is_some() { Unit::Steps } else { Unit::Epochs };
        let warmup_from = config.number("warmup_from");
        let schedule = Schedule { from, to, ramp, warmup, warmup_from, length: steps.or(epochs), unit };
        self.schedules.push((schedule.clone(), config.span));
        Ok(schedule)
    }
}

/// Warns of warm-ups that outlast their ramps, or the training.
pub(super) fn report(checker: &mut Checker, epochs: f64) {
    for (schedule, span) in checker.schedules.clone() {
        let (warmup, counted) = (schedule.warmup, if schedule.unit == Unit::Steps { "steps" } else { "epochs" });
        let message = match schedule.length {
            _ if warmup <= 0.0 => continue,
            Some(length) if warmup >= length => {
                format!("the warm-up of {warmup} {counted} outlasts its ramp, which is over after {length}")
            }
            _ if schedule.unit == Unit::Epochs && epochs > 0.0 && warmup >= epochs => {
                format!("the warm-up of {warmup} epochs outlasts the training of {epochs}")
            }
            _ => continue,
        };
        let help = "make `warmup` shorter: the first value of the schedule is never reached";
        checker.report(Diagnostic::warning(Code::WARM_UP, span, message).help(help));
    }
}
