//! The blocks `train`, `evaluate`, `loss` and `expect`.

use super::budget::MAX_TERMS;
use super::checker::{Checked, Checker};
use super::kept::{OTHERS, others_by_name, wanted_best};
use super::recipe::{Evaluate, Expectation, Loss, Term, Train};
use super::resolve::Key;
use super::scope::{Env, Home};
use super::value::Value;
use crate::catalog::{Arg, Config, Entry, Kind, Param, ParamType};
use crate::compile::Wishes;
use crate::diag::{Code, Diagnostic, suggest};
use crate::graph::{DType, NodeId};
use crate::optim;
use crate::source::Span;
use crate::syntax::ast::{self, EntryValue, Name};

const EPOCHS: ParamType = ParamType::Number { min: 0.0, max: 1e9 };
const COUNT: ParamType = ParamType::Int { min: 1, max: 1 << 40 };

/// The blocks whose entries are settings.
pub(super) static BLOCKS: &[&Entry] = &[&TRAIN, &EVALUATE];

/// `train { ... }`
static TRAIN: Entry = Entry {
    name: "train",
    kind: Kind::Block,
    params: &[
        Param::optional("epochs", EPOCHS, "100", "passes over the data set; fractions allowed"),
        Param::optional(
            "batch",
            ParamType::Int { min: 1, max: 1 << 20 },
            "256",
            "samples a step; the last partial batch is dropped",
        ),
        Param::optional(
            "optimizer",
            ParamType::Word(Kind::Optimizer),
            "sgd(lr: 0.06, momentum: 0.9, weight_decay: 5e-4)",
            "what updates parameters: one optimizer, or a list of several that share them out by `on`",
        ),
        Param::optional(
            "rules",
            ParamType::Word(Kind::Rule),
            "none",
            "settings for groups of parameters; later ones win",
        ),
        Param::optional("clip", ParamType::Word(Kind::Rule), "none", "how gradients are clipped"),
        Param::optional(
            "views",
            ParamType::Choice(&["apart", "together"]),
            "apart",
            "whether the views of one size pass a branch one by one or as one batch, which batch norm can tell",
        ),
        Param::optional(
            "convolution",
            ParamType::Choice(&["fast", "exact"]),
            "fast",
            "fast: 3 x 3 convolutions by Winograd's F(4 x 4, 3 x 3) where that pays (relative error about 8e-7 instead of 4e-7)",
        ),
        Param::optional(
            "recompute",
            ParamType::Choice(&["none", "blocks"]),
            "none",
            "blocks: keeps what comes out of the blocks of ViTs and ResNets and computes the rest again, for less memory",
        ),
        Param::optional(
            "not_finite",
            ParamType::Choice(&["stop", "skip"]),
            "stop",
            "what is done where a loss, a gradient or a state is not finite: the training stops before the update, or leaves that update out",
        ),
        Param::optional(
            "seed",
            ParamType::Int { min: 0, max: 1 << 53 },
            "0",
            "from which everything random is derived",
        ),
        Param::optional("checkpoint", ParamType::Number { min: 0.001, max: 1e9 }, "1", "epochs between checkpoints"),
        Param::optional(
            "keep",
            ParamType::Int { min: 1, max: 1000 },
            "1",
            "how many checkpoints stay: 1 is the last alone; of more each has a file of its own, and older ones are removed",
        ),
        Param::optional(
            "best",
            ParamType::Selector,
            "none",
            "by which measure of the looks at the features the best checkpoint is kept, too: `knn`, `linear`, `rank`, `std`, \
             `alignment`, `uniformity`, or one on another data set, as `flowers.knn`",
        ),
    ],
    formula: "",
    doc: "How a recipe is trained.",
};

/// `evaluate { ... }`
static EVALUATE: Entry = Entry {
    name: "evaluate",
    kind: Kind::Block,
    params: &[
        Param::optional(
            "on",
            ParamType::Selector,
            "none",
            "the stage or tap that is judged; the first stage of the first branch that is shown a view if left out",
        ),
        Param::optional("probes", ParamType::Word(Kind::Probe), "[knn(), linear()]", "the judgements at the end"),
        Param::optional(
            "view",
            ParamType::Pipeline,
            "none",
            "how a picture is prepared to be judged, nothing random in it; left out, it is resized and cut from the middle to the \
             largest view of the branch, and normalised as that is",
        ),
        Param::optional(
            "every",
            ParamType::Number { min: 0.001, max: 1e9 },
            "1",
            "epochs between looks at the features while training",
        ),
        Param::optional("train_samples", COUNT, "1000000", "samples of the train split a probe learns from, at most"),
        Param::optional(
            OTHERS,
            ParamType::Word(Kind::DataSet),
            "none",
            "another data set to be judged on besides the training's; several by name in a block, `data { flowers: folder(\"flowers\") }`",
        ),
        Param::optional("test_samples", COUNT, "1000000", "samples of the test split that are judged, at most"),
    ],
    formula: "",
    doc: "What is judged, with which probes, how often.",
};

impl Checker<'_> {
    /// `train { ... }`
    pub(super) fn train(&mut self) -> Checked<Train> {
        let definitions = self.definitions;
        let config = self.block(&TRAIN, &definitions.train)?;
        let optimizers = configs(config.arg("optimizer"));
        if optimizers.is_empty() {
            return self.error(Code::MISSING_ARGUMENT, config.span, "`train` needs an optimizer");
        }
        for optimizer in &optimizers {
            if let Err(message) = optim::build::<f32>(optimizer) {
                return self.error(Code::INVALID_VALUE, optimizer.span, message);
            }
        }
        let clip = match config.arg("clip") {
            Arg::Config(clip) if !clip.is(&optim::RULE) => Some(clip.clone()),
            Arg::Config(rule) => {
                return self.error(Code::WRONG_TYPE, rule.span, "`clip` takes `clip_norm(...)` or `clip_each(...)`");
            }
            _ => None,
        };
        let rules = configs(config.arg("rules"));
        for rule in rules.iter().filter(|r| !r.is(&optim::RULE)) {
            self.report(Diagnostic::error(
                Code::WRONG_TYPE,
                rule.span,
                "`rules` takes `rule(...)`; clipping is set by `clip:`",
            ));
        }
        Ok(Train {
            epochs: config.number("epochs"),
            batch: config.int("batch"),
            seed: config.number("seed") as u64,
            optimizers,
            rules,
            clip,
            together: config.text("views") == "together",
            wishes: Wishes {
                fast_convolution: config.text("convolution") == "fast",
                recompute: config.text("recompute") == "blocks",
            },
            skips: config.text("not_finite") == "skip",
            checkpoint: config.number("checkpoint"),
            keep: config.int("keep"),
            best: wanted_best(&config, &definitions.train),
        })
    }

    /// `evaluate { ... }`, and the path of what is judged if it is said.
    pub(super) fn evaluate(&mut self) -> Checked<(Evaluate, Option<(String, Span)>)> {
        let definitions = self.definitions;
        let (settings, named) = others_by_name(&definitions.evaluate);
        let config = self.block(&EVALUATE, &settings)?;
        let judged = self.judged_sets(named, config.arg(OTHERS))?;
        let written = settings.iter().find(|entry| entry.name.text == "on");
        let on = match (config.arg("on"), written) {
            (Arg::Text(path), Some(entry)) => Some((path.clone(), entry.span)),
            _ => None,
        };
        let evaluate = Evaluate {
            encoder: None,
            probes: configs(config.arg("probes")),
            judged,
            pairs: Vec::new(),
            view: configs(config.arg("view")),
            every: config.number("every"),
            train_samples: config.int("train_samples"),
            test_samples: config.int("test_samples"),
        };
        Ok((evaluate, on))
    }

    /// A block's entries read as the named arguments of a call.
    fn block(&mut self, entry: &'static Entry, entries: &[ast::Entry]) -> Checked<Config> {
        let mut args = Vec::new();
        for item in entries {
            match &item.value {
                EntryValue::Expr(value) => args.push(ast::Arg { name: Some(item.name.clone()), value: value.clone() }),
                EntryValue::Block(_) => {
                    let message = format!("`{}` has no nested block `{}`", entry.name, item.name.text);
                    return self.error(Code::UNSUPPORTED, item.span, message);
                }
            }
        }
        let Some(span) = entries.first().map(|e| e.span).or(self.definitions.span) else {
            return Err(self.failed_before(&format!("`{}`", entry.name), None));
        };
        self.configure(entry, &args, span, &Env::new(Home::Recipe))
    }

    /// `loss { ... }`: the terms and their sum. Every term is checked, also after one has failed.
    pub(super) fn loss(&mut self) -> Loss {
        let definitions = self.definitions;
        let mut loss = Loss::default();
        if let Some(beyond) = definitions.loss.get(MAX_TERMS) {
            let message = format!("a loss has at most {MAX_TERMS} terms, this one has {}", definitions.loss.len());
            self.report(Diagnostic::error(Code::TOO_LARGE, beyond.span, message).help("add them up in a loop"));
            return loss;
        }
        for entry in &definitions.loss {
            let Ok(node) = self.loss_term(entry, entry.span) else { continue };
            loss.terms.push(Term { name: entry.name.text.clone(), node, span: entry.span });
        }
        if definitions.loss.is_empty()
            && let Some(span) = definitions.span
        {
            let help = "add a block such as `loss { align: mean((f(a) - f(b)) ^ 2) }`";
            self.report(Diagnostic::error(Code::NO_LOSS, span, "the recipe has no loss").help(help));
        }
        for term in &loss.terms {
            let sum = loss.total;
            let with = self.built(term.span, |g| sum.map_or(Ok(term.node), |sum| g.add(sum, term.node)));
            loss.total = with.ok();
        }
        loss
    }

    /// The value of a term, worked out once: who reads it as `loss.NAME` reads what is trained.
    fn loss_term(&mut self, entry: &ast::Entry, span: Span) -> Checked<NodeId> {
        let key = Key::Term(entry.name.text.clone());
        let found = self.resolve(key, span, |checker| Some(checker.evaluate_term(entry).map(Value::Tensor)));
        match found {
            Some(Ok(Value::Tensor(node))) => Ok(node),
            Some(Err(failed)) => Err(failed),
            _ => Err(self.failed_before(&format!("the loss term `{}`", entry.name.text), span)),
        }
    }

    fn evaluate_term(&mut self, entry: &ast::Entry) -> Checked<NodeId> {
        let EntryValue::Expr(expr) = &entry.value else {
            return self.error(Code::WRONG_TYPE, entry.span, "a loss term is an expression");
        };
        let value = self.eval(expr, &Env::new(Home::Recipe))?;
        let node = self.tensor(&value, expr.span)?;
        let ty = self.graph.ty(node).clone();
        if ty.shape.rank() != 0 || ty.dtype != DType::Float {
            let message = format!("the loss term `{}` must be a scalar, found {ty}", entry.name.text);
            let diagnostic = Diagnostic::error(Code::LOSS_NOT_SCALAR, expr.span, message);
            return Err(self.report(diagnostic.help("reduce it with `mean(...)` or `sum(...)`")));
        }
        Ok(node)
    }

    /// `loss.NAME`, in conditions.
    pub(super) fn term_named(&mut self, name: &Name) -> Checked<Value> {
        let definitions = self.definitions;
        match definitions.loss.iter().find(|e| e.name.text == name.text) {
            Some(entry) => self.loss_term(entry, name.span).map(Value::Tensor),
            None => {
                let help = suggest(&name.text, definitions.loss.iter().map(|e| e.name.text.as_str()));
                let message = format!("there is no loss term `{}`", name.text);
                Err(self.report(Diagnostic::error(Code::UNKNOWN_NAME, name.span, message).maybe_help(help)))
            }
        }
    }

    /// `expect { ... }`
    pub(super) fn expectations(&mut self) -> Vec<Expectation> {
        let definitions = self.definitions;
        let mut all = Vec::new();
        for condition in &definitions.expect {
            let value = self.eval(condition, &Env::new(Home::Recipe));
            let Ok(node) = value.and_then(|v| self.tensor(&v, condition.span)) else { continue };
            if self.graph.shape(node).rank() != 0 || self.graph.ty(node).dtype != DType::Bool {
                let message = format!("an expectation is a scalar condition, found {}", self.graph.ty(node));
                self.report(
                    Diagnostic::error(Code::WRONG_TYPE, condition.span, message).help("as in `loss.align < 0.5`"),
                );
                continue;
            }
            let text = self.sources.text(condition.span).to_owned();
            all.push(Expectation { text, node, span: condition.span });
        }
        all
    }
}

/// The configured words of a list, or the one there is.
fn configs(arg: &Arg) -> Vec<Config> {
    match arg {
        Arg::Config(config) => vec![config.clone()],
        Arg::List(items) => items.iter().flat_map(configs).collect(),
        _ => Vec::new(),
    }
}
