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
pub(super) static SCHEDULES: &[&Entry] = &[&COSINE, &LINEAR, &STEP, &DURING, &CONSTANT];

/// `cosine(a -> b)`
static COSINE: Entry = Entry {
    name: "cosine",
    kind: Kind::Schedule,
    params: &[Param::required("ramp", ParamType::Ramp, "first and last value"), WARMUP, WARMUP_FROM, EPOCHS, STEPS],
    formula: "b + (a - b) (1 + cos(pi t)) / 2",
    doc: "Half a cosine from the first to the last value (Loshchilov & Hutter 2017, without restarts).",
};

/// `linear(a -> b)`
static LINEAR: Entry = Entry {
    name: "linear",
    kind: Kind::Schedule,
    params: &[Param::required("ramp", ParamType::Ramp, "first and last value"), WARMUP, WARMUP_FROM, EPOCHS, STEPS],
    formula: "a + (b - a) t",
    doc: "A straight line from the first to the last value, which then stays.",
};

/// `step(a, at: [10, 20])`
static STEP: Entry = Entry {
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
};

/// `during(2..8)`
static DURING: Entry = Entry {
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
};

/// `constant(a)`
static CONSTANT: Entry = Entry {
    name: "constant",
    kind: Kind::Schedule,
    params: &[Param::required("value", ANY, "the value"), WARMUP, WARMUP_FROM],
    formula: "value",
    doc: "One value, after a warm-up.",
};

impl Checker<'_> {
    /// The schedule of a checked call.
    pub(super) fn schedule(&mut self, config: &Config) -> Checked<Schedule> {
        if config.is(&DURING) {
            let (start, end) = config.range("epochs").unwrap_or_default();
            let (from, to) = (config.number("value"), config.number("otherwise"));
            return Ok(Schedule { from, to, ramp: Ramp::Window { start, end }, ..Schedule::constant(0.0) });
        }
        let (warmup, warmup_from) = (config.number("warmup"), config.number("warmup_from"));
        let always = Schedule { warmup, warmup_from, ..Schedule::constant(0.0) };
        let schedule = match config.is(&COSINE) || config.is(&LINEAR) {
            true => self.ramp(config, always)?,
            false => self.steps_down(config, always)?,
        };
        let span = config.span;
        self.schedules.extend(span.map(|span| (schedule.clone(), span)));
        Ok(schedule)
    }

    /// A schedule that goes from one value to another.
    fn ramp(&mut self, config: &Config, always: Schedule) -> Checked<Schedule> {
        let (steps, epochs) = (config.maybe_number("steps"), config.maybe_number("epochs"));
        if steps.is_some() && epochs.is_some() {
            let message = "a schedule ends after `epochs` or after `steps`, not both";
            return self.error(Code::INVALID_VALUE, config.span, message);
        }
        let (from, to) = config.range("ramp").unwrap_or_default();
        let ramp = if config.is(&COSINE) { Ramp::Cosine } else { Ramp::Linear };
        let unit = if steps.is_some() { Unit::Steps } else { Unit::Epochs };
        Ok(Schedule { from, to, ramp, length: steps.or(epochs), unit, ..always })
    }

    /// A schedule of one value, which may be multiplied at some epochs.
    fn steps_down(&mut self, config: &Config, always: Schedule) -> Checked<Schedule> {
        let value = config.number("value");
        let always = Schedule { from: value, to: value, ..always };
        if !config.is(&STEP) {
            return Ok(always);
        }
        let (at, warmup) = (config.numbers("at"), always.warmup);
        if let Some(early) = at.iter().find(|&&at| at < warmup || at < 0.0) {
            let message =
                format!("the schedule takes a step at epoch {early}, before its warm-up of {warmup} epochs is over");
            return self.error(Code::INVALID_VALUE, config.span, message);
        }
        Ok(Schedule { ramp: Ramp::Step { factor: config.number("factor"), at }, ..always })
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
