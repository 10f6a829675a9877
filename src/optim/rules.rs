//! Settings that differ between groups of parameters: what a rule says and what a parameter gets.

use super::update::StepInfo;
use crate::catalog::{Arg, Config, Entry, Kind, Param, ParamType, Schedule};
use crate::graph::ParamKind;

const POSITIVE: ParamType = ParamType::Scalar { min: 0.0, max: f64::MAX };

/// The word `rule`.
pub const RULE: Entry = Entry {
    name: "rule",
    kind: Kind::Rule,
    params: &[
        Param::required(
            "on",
            ParamType::Selector,
            "Which parameters: `bias`, `norm`, `weight`, `token`, a branch, a stage, or a list.",
        ),
        Param::optional("lr", POSITIVE, "none", "Replaces the learning rate."),
        Param::optional("lr_factor", POSITIVE, "none", "Multiplies the learning rate."),
        Param::optional("weight_decay", POSITIVE, "none", "Replaces the weight decay."),
        Param::optional(
            "frozen",
            ParamType::Number { min: 0.0, max: f64::MAX },
            "none",
            "For how many epochs from the start these parameters are not updated at all: no decay, no momentum.",
        ),
    ],
    formula: "",
    doc: "Settings of the optimizer for some of the parameters; where two rules speak of the same, the later one holds.",
};

/// Names parameters by kind or by where they belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// All parameters of that kind.
    Kind(ParamKind),
    /// All parameters of a branch, stage or layer, named by the start of their path (`f.predictor`).
    Path(String),
}

impl Selector {
    /// Reads `bias`, `norm`, `weight`, `token` or a path.
    pub fn parse(text: &str) -> Self {
        match text {
            "bias" => Self::Kind(ParamKind::Bias),
            "norm" => Self::Kind(ParamKind::Norm),
            "weight" => Self::Kind(ParamKind::Weight),
            "token" => Self::Kind(ParamKind::Token),
            path => Self::Path(path.to_owned()),
        }
    }

    /// Whether a parameter of that path and kind is meant; a path matches whole segments only.
    pub fn matches(&self, path: &str, kind: ParamKind) -> bool {
        match self {
            Self::Kind(k) => *k == kind,
            Self::Path(prefix) => {
                path.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            }
        }
    }
}

/// What a recipe says about a group of parameters; `None` leaves a setting as it was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// Which parameters: those that any of these names.
    pub on: Vec<Selector>,
    /// Replaces the learning rate.
    pub lr: Option<Schedule>,
    /// Multiplies the learning rate.
    pub lr_factor: Option<Schedule>,
    /// Replaces the weight decay.
    pub weight_decay: Option<Schedule>,
    /// Up to which epoch the parameters are left alone.
    pub frozen_until: Option<f64>,
}

impl Rule {
    /// Reads a checked call of `rule`.
    pub fn from_config(config: &Config) -> Self {
        let schedule = |name| (*config.arg(name) != Arg::None).then(|| config.schedule(name));
        let on = match config.arg("on") {
            Arg::List(items) => items.iter().filter_map(text).map(Selector::parse).collect(),
            item => text(item).map(Selector::parse).into_iter().collect(),
        };
        Self {
            on,
            lr: schedule("lr"),
            lr_factor: schedule("lr_factor"),
            weight_decay: schedule("weight_decay"),
            frozen_until: config.maybe_number("frozen"),
        }
    }

    /// Whether the rule speaks of a parameter of that path and kind.
    pub fn matches(&self, path: &str, kind: ParamKind) -> bool {
        self.on.iter().any(|s| s.matches(path, kind))
    }
}

fn text(arg: &Arg) -> Option<&str> {
    if let Arg::Text(t) = arg { Some(t) } else { None }
}

/// The settings of one parameter over the whole training.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupSettings {
    /// The learning rate.
    pub lr: Schedule,
    /// What multiplies it.
    pub lr_factor: Schedule,
    /// The weight decay.
    pub weight_decay: Schedule,
    /// Up to which epoch the parameter is left alone.
    pub frozen_until: f64,
}

impl GroupSettings {
    /// The settings an optimizer's call gives to every parameter.
    pub fn base(optimizer: &Config) -> Self {
        Self {
            lr: optimizer.schedule("lr"),
            lr_factor: Schedule::constant(1.0),
            weight_decay: optimizer.schedule("weight_decay"),
            frozen_until: 0.0,
        }
    }

    /// The settings of the parameter of that path (`f.encoder.layer1.0.conv1.weight`) and kind; later rules win, field by field.
    pub fn resolve(&self, rules: &[Rule], path: &str, kind: ParamKind) -> Self {
        let mut settings = self.clone();
        for rule in rules.iter().filter(|r| r.matches(path, kind)) {
            let replace = |old: &mut Schedule, new: &Option<Schedule>| {
                if let Some(new) = new {
                    *old = new.clone();
                }
            };
            replace(&mut settings.lr, &rule.lr);
            replace(&mut settings.lr_factor, &rule.lr_factor);
            replace(&mut settings.weight_decay, &rule.weight_decay);
            settings.frozen_until = rule.frozen_until.unwrap_or(settings.frozen_until);
        }
        settings
    }

    /// The scalars of the update at `step` (from 0) of `steps` in all; `None` while the parameter is frozen.
    ///
    /// Updates are counted from the thaw, as an optimizer that has never seen the parameter would.
    pub fn at(&self, step: usize, steps: usize, steps_per_epoch: usize) -> Option<StepInfo> {
        let thaw = (self.frozen_until * steps_per_epoch.max(1) as f64).ceil() as usize;
        let value = |schedule: &Schedule| schedule.at(step, steps, steps_per_epoch);
        (step >= thaw).then(|| StepInfo {
            lr: value(&self.lr) * value(&self.lr_factor),
            weight_decay: value(&self.weight_decay),
            step: step - thaw + 1,
            grad_scale: 1.0,
        })
    }
}
