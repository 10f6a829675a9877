//! A call of a word with every argument spelled out: what the checker hands to the rooms that act on it.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "an argument is asked whether it is of the kind that its entry declares"
)]

use super::Entry;
use crate::source::Span;
use crate::syntax::ast::{self, BinaryOp, Expr, ExprKind, Name, UnaryOp};
use crate::syntax::print;
use std::fmt;

/// A configured word: which one, and every argument, defaults included.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The word. Whoever acts on the call finds what to do by it (see [`Config::is`]), not by its name.
    pub entry: &'static Entry,
    /// Every argument by name, in the order of the entry's parameters.
    pub args: Vec<(String, Arg)>,
    /// Where the call stands; `None` for a default that nobody has written.
    pub span: Option<Span>,
}

/// The value of an argument.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    /// Left out.
    None,
    /// A number.
    Number(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A string or a choice.
    Text(String),
    /// `a..b`
    Range(f64, f64),
    /// Several values.
    List(Vec<Arg>),
    /// A number that may change while training.
    Schedule(Schedule),
    /// Another configured word.
    Config(Config),
}

/// In what a schedule counts time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Passes over the data set; fractions allowed.
    Epochs,
    /// Optimizer steps.
    Steps,
}

/// How a schedule moves from its first to its last value.
#[derive(Clone, Debug, PartialEq)]
pub enum Ramp {
    /// Stays at `to`.
    Constant,
    /// Half a cosine.
    Cosine,
    /// A straight line.
    Linear,
    /// `from` between two times, `to` before and after.
    Window {
        /// When it begins.
        start: f64,
        /// When it is over.
        end: f64,
    },
    /// Multiplied by `factor` at each time of `at`.
    Step {
        /// By what it is multiplied.
        factor: f64,
        /// When.
        at: Vec<f64>,
    },
}

/// A scalar as a function of training time.
///
/// During `warmup` it rises in a straight line from `warmup_from` to `from`; then it follows `ramp` from `from` to `to`
/// until `length` has passed in all (`None`: the whole training), and stays at `to`.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The value after warm-up.
    pub from: f64,
    /// The last value.
    pub to: f64,
    /// The shape between them.
    pub ramp: Ramp,
    /// How long the warm-up lasts.
    pub warmup: f64,
    /// The value at the first step of the warm-up.
    pub warmup_from: f64,
    /// Where the ramp ends, the warm-up included.
    pub length: Option<f64>,
    /// The unit of `warmup`, `length` and `at`.
    pub unit: Unit,
}

impl Schedule {
    /// The same value at all times.
    pub fn constant(value: f64) -> Self {
        Self {
            from: value,
            to: value,
            ramp: Ramp::Constant,
            warmup: 0.0,
            warmup_from: 0.0,
            length: None,
            unit: Unit::Epochs,
        }
    }

    /// Its value, where that never changes.
    pub fn fixed(&self) -> Option<f64> {
        (self.ramp == Ramp::Constant && self.warmup == 0.0).then_some(self.to)
    }

    /// The smallest and the largest value it can have, however long the training is.
    pub fn bounds(&self) -> (f64, f64) {
        let mut points = match &self.ramp {
            Ramp::Constant => vec![self.to],
            // It only grows or only shrinks.
            Ramp::Step { factor, at } => vec![self.from, self.from * factor.powi(at.len() as i32)],
            Ramp::Cosine | Ramp::Linear | Ramp::Window { .. } => vec![self.from, self.to],
        };
        points.extend((self.warmup > 0.0).then_some(self.warmup_from));
        let fold = |f: fn(f64, f64) -> f64| points.iter().copied().reduce(f).unwrap_or_default();
        (fold(f64::min), fold(f64::max))
    }

    /// How long its warm-up lasts, in epochs.
    pub fn warm_up(&self, steps_per_epoch: usize) -> f64 {
        match self.unit {
            Unit::Epochs => self.warmup,
            Unit::Steps => self.warmup / steps_per_epoch.max(1) as f64,
        }
    }

    /// The value at `step` of `steps` in all, with `steps_per_epoch` steps an epoch.
    pub fn at(&self, step: usize, steps: usize, steps_per_epoch: usize) -> f64 {
        let scale = match self.unit {
            Unit::Epochs => steps_per_epoch.max(1) as f64,
            Unit::Steps => 1.0,
        };
        let (now, warmup) = (step as f64, self.warmup * scale);
        if now < warmup {
            return self.warmup_from + (self.from - self.warmup_from) * now / warmup;
        }
        let end = self.length.map_or(steps as f64, |l| l * scale);
        let progress = if end > warmup { ((now - warmup) / (end - warmup)).clamp(0.0, 1.0) } else { 1.0 };
        match &self.ramp {
            Ramp::Constant => self.to,
            Ramp::Linear => self.from + (self.to - self.from) * progress,
            Ramp::Cosine => self.to + (self.from - self.to) * (1.0 + (std::f64::consts::PI * progress).cos()) / 2.0,
            Ramp::Window { start, end } => {
                if (start * scale..end * scale).contains(&now) {
                    self.from
                } else {
                    self.to
                }
            }
            Ramp::Step { factor, at } => {
                self.from * factor.powi(at.iter().filter(|&&t| now >= t * scale).count() as i32)
            }
        }
    }
}

/// As it would be written in a recipe, every argument by its name.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print::expression(&self.expr()))
    }
}

/// As it would be written in a recipe; a schedule, of which the words are not kept, as `none`.
impl fmt::Display for Arg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print::expression(&self.expr(Span::ALONE)))
    }
}

impl Arg {
    /// The expression that would be written for it at `place`; for a schedule, of which the words are not kept, `none`.
    pub fn expr(&self, place: Span) -> Expr {
        let of = |kind| Expr { kind, span: place };
        let number = |x: f64| match x < 0.0 {
            true => of(ExprKind::Unary(UnaryOp::Negate, Box::new(of(ExprKind::Number(-x))))),
            false => of(ExprKind::Number(x)),
        };
        match self {
            Arg::Number(x) => number(*x),
            Arg::Bool(yes) => of(ExprKind::Bool(*yes)),
            Arg::Text(text) => of(ExprKind::Text(text.clone())),
            Arg::Range(a, b) => of(ExprKind::Binary(BinaryOp::Range, Box::new(number(*a)), Box::new(number(*b)))),
            Arg::List(items) => of(ExprKind::List(items.iter().map(|item| item.expr(place)).collect())),
            Arg::Config(config) => config.expr(),
            Arg::None | Arg::Schedule(_) => of(ExprKind::Name("none".to_owned())),
        }
    }
}

impl Config {
    /// The call that would be written for it, every argument by its name.
    pub fn expr(&self) -> Expr {
        let place = self.span.unwrap_or(Span::ALONE);
        let written = self.args.iter().filter(|(_, value)| *value != Arg::None);
        let named = |(name, value): &(String, Arg)| ast::Arg {
            name: Some(Name { text: name.clone(), span: place }),
            value: value.expr(place),
        };
        let callee = Expr { kind: ExprKind::Name(self.name().to_owned()), span: place };
        Expr { kind: ExprKind::Call(Box::new(callee), written.map(named).collect()), span: place }
    }

    /// The word's name, for messages and for what is written.
    pub fn name(&self) -> &'static str {
        self.entry.name
    }

    /// Whether it is a call of that very word.
    pub fn is(&self, entry: &'static Entry) -> bool {
        self.entry == entry
    }

    /// Whether the word has a parameter of that name, for what acts on several words.
    pub fn declares(&self, name: &str) -> bool {
        self.entry.declares(name)
    }

    /// The argument of that name, [`Arg::None`] where it was left out.
    ///
    /// # Panics
    /// If the word declares no parameter of that name: whoever asks for it has the wrong word, or the wrong name.
    pub fn arg(&self, name: &str) -> &Arg {
        assert!(self.entry.declares(name), "`{}` declares no parameter `{name}`", self.name());
        self.args.iter().find(|(n, _)| n == name).map_or(&Arg::None, |(_, a)| a)
    }

    /// A numeric argument; `None` where it was left out.
    pub fn maybe_number(&self, name: &str) -> Option<f64> {
        match self.arg(name) {
            Arg::Number(x) => Some(*x),
            Arg::Schedule(s) => s.fixed(),
            _ => None,
        }
    }

    /// A numeric argument, 0 where it was left out.
    pub fn number(&self, name: &str) -> f64 {
        self.maybe_number(name).unwrap_or(0.0)
    }

    /// A whole-number argument, 0 where it was left out.
    pub fn int(&self, name: &str) -> usize {
        self.number(name).max(0.0) as usize
    }

    /// A truth value, false where it was left out.
    pub fn bool(&self, name: &str) -> bool {
        matches!(self.arg(name), Arg::Bool(true))
    }

    /// A string or choice, empty where it was left out.
    pub fn text(&self, name: &str) -> &str {
        match self.arg(name) {
            Arg::Text(t) => t,
            _ => "",
        }
    }

    /// The ends of a range; a single number is a range of one point.
    pub fn range(&self, name: &str) -> Option<(f64, f64)> {
        match self.arg(name) {
            Arg::Range(a, b) => Some((*a, *b)),
            Arg::Number(x) => Some((*x, *x)),
            _ => None,
        }
    }

    /// A scalar that may change while training.
    pub fn schedule(&self, name: &str) -> Schedule {
        match self.arg(name) {
            Arg::Schedule(s) => s.clone(),
            _ => Schedule::constant(self.number(name)),
        }
    }

    /// The configured words of a list; a single one is a list of one.
    pub fn configs(&self, name: &str) -> Vec<Config> {
        let config = |arg: &Arg| if let Arg::Config(config) = arg { Some(config.clone()) } else { None };
        match self.arg(name) {
            Arg::List(items) => items.iter().filter_map(config).collect(),
            other => config(other).into_iter().collect(),
        }
    }

    /// The strings of a list; a single one is a list of one.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let text = |arg: &Arg| if let Arg::Text(text) = arg { Some(text.clone()) } else { None };
        match self.arg(name) {
            Arg::List(items) => items.iter().filter_map(text).collect(),
            other => text(other).into_iter().collect(),
        }
    }

    /// The numbers of a list; a single number is a list of one.
    pub fn numbers(&self, name: &str) -> Vec<f64> {
        match self.arg(name) {
            Arg::List(items) => {
                items.iter().filter_map(|a| if let Arg::Number(x) = a { Some(*x) } else { None }).collect()
            }
            Arg::Number(x) => vec![*x],
            _ => Vec::new(),
        }
    }
}
