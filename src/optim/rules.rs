//! Settings that differ between groups of parameters: what a rule says and what a parameter gets.

use super::depth::blocks_before;
use super::update::StepInfo;
use crate::catalog::{Arg, Config, Entry, Kind, Param, ParamType, Schedule};
use crate::graph::ParamKind;

const POSITIVE: ParamType = ParamType::Scalar { min: 0.0, max: f64::MAX };

/// The word `rule`.
pub static RULE: Entry = Entry {
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
        Param::optional(
            "layer_decay",
            ParamType::Number { min: 1e-6, max: 1.0 },
            "none",
            "Multiplies the learning rate once for each block of a transformer, or stage of a ResNet, behind a parameter.",
        ),
        Param::optional("weight_decay", POSITIVE, "none", "Replaces the weight decay."),
        Param::optional(
            "frozen",
            ParamType::Range { min: 0.0, max: f64::MAX },
            "none",
            "While these parameters are not updated at all, no decay, no momentum: for so many epochs from the start, \
             or from one epoch to another (`2..8`).",
        ),
    ],
    formula: "",
    doc: "Settings of the optimizer for some of the parameters; where two rules speak of the same, the later one holds.",
};

/// Names parameters by kind or by where they belong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// All parameters of that kind; the weights of a recipe that belong to no branch are weights, too.
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

    /// Reads one selector or a list of them; none where the argument is left out.
    pub fn list(arg: &Arg) -> Vec<Self> {
        match arg {
            Arg::List(items) => items.iter().flat_map(Self::list).collect(),
            Arg::Text(text) => vec![Self::parse(text)],
            Arg::None | Arg::Number(_) | Arg::Bool(_) | Arg::Range(..) | Arg::Schedule(_) | Arg::Config(_) => {
                Vec::new()
            }
        }
    }

    /// Whether a parameter of that path and kind is meant; a path matches whole segments only.
    pub fn matches(&self, path: &str, kind: ParamKind) -> bool {
        match self {
            Self::Kind(ParamKind::Weight) => matches!(kind, ParamKind::Weight | ParamKind::Free),
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
    /// Multiplies the learning rate once for each block behind a parameter.
    pub layer_decay: Option<f64>,
    /// How many blocks there are among these parameters, once that has been counted.
    blocks: usize,
    /// Replaces the weight decay.
    pub weight_decay: Option<Schedule>,
    /// From which epoch to which the parameters are left alone.
    pub frozen: Option<(f64, f64)>,
}

impl Rule {
    /// Reads a checked call of `rule`.
    pub fn from_config(config: &Config) -> Self {
        let schedule = |name| (*config.arg(name) != Arg::None).then(|| config.schedule(name));
        // A single number is a range of one point for the checker; here it is the end.
        let frozen = config.range("frozen").map(|(from, to)| if from == to { (0.0, to) } else { (from, to) });
        Self {
            on: Selector::list(config.arg("on")),
            lr: schedule("lr"),
            lr_factor: schedule("lr_factor"),
            layer_decay: config.maybe_number("layer_decay"),
            blocks: 0,
            weight_decay: schedule("weight_decay"),
            frozen,
        }
    }

    /// The same rule, which knows how many blocks the parameters have that it speaks of, among all of these.
    pub fn counting<'p>(self, parameters: impl Iterator<Item = (&'p str, ParamKind)>) -> Self {
        let mine = parameters.filter(|(path, kind)| self.matches(path, *kind));
        let blocks = mine.filter_map(|(path, _)| blocks_before(path)).max().map_or(0, |last| last + 1);
        Self { blocks, ..self }
    }

    /// How many blocks or stages the parameters have that it speaks of, once that has been counted.
    pub fn blocks(&self) -> usize {
        self.blocks
    }

    /// What the rule multiplies a learning rate by for the depth of a parameter.
    fn by_depth(&self, path: &str) -> Option<f64> {
        let before = blocks_before(path).unwrap_or(self.blocks);
        self.layer_decay.map(|decay| decay.powi(self.blocks.saturating_sub(before) as i32))
    }

    /// Whether the rule speaks of a parameter of that path and kind.
    pub fn matches(&self, path: &str, kind: ParamKind) -> bool {
        self.on.iter().any(|s| s.matches(path, kind))
    }
}

/// The settings of one parameter over the whole training.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupSettings {
    /// The learning rate.
    pub lr: Schedule,
    /// What multiplies it.
    pub lr_factor: Schedule,
    /// What multiplies it for the depth at which the parameter lies.
    pub by_depth: f64,
    /// The weight decay.
    pub weight_decay: Schedule,
    /// From which epoch to which the parameter is left alone.
    pub frozen: (f64, f64),
}

impl GroupSettings {
    /// The settings an optimizer's call gives to every parameter.
    pub fn base(optimizer: &Config) -> Self {
        Self {
            lr: optimizer.schedule("lr"),
            lr_factor: Schedule::constant(1.0),
            by_depth: 1.0,
            weight_decay: optimizer.schedule("weight_decay"),
            frozen: (0.0, 0.0),
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
            settings.by_depth = rule.by_depth(path).unwrap_or(settings.by_depth);
            settings.frozen = rule.frozen.unwrap_or(settings.frozen);
        }
        settings
    }

    /// The scalars of the update at `step` (from 0) of `steps` in all; `None` while the parameter is frozen.
    ///
    /// Only its own updates count, as for an optimizer that is not shown a gradient in the meantime.
    pub fn at(&self, step: usize, steps: usize, steps_per_epoch: usize) -> Option<StepInfo> {
        let step_of = |epoch: f64| (epoch * steps_per_epoch.max(1) as f64).ceil() as usize;
        let frozen = step_of(self.frozen.0)..step_of(self.frozen.1);
        let missed = step.min(frozen.end).saturating_sub(frozen.start);
        let value = |schedule: &Schedule| schedule.at(step, steps, steps_per_epoch);
        (!frozen.contains(&step)).then(|| StepInfo {
            lr: value(&self.lr) * value(&self.lr_factor) * self.by_depth,
            weight_decay: value(&self.weight_decay),
            step: step - missed + 1,
            grad_scale: 1.0,
            trust: 1.0,
        })
    }
}
