//! `start`: what begins with weights from a file instead of random ones.

use super::branches::Derived;
use super::checker::{Checked, Checker};
use super::definitions::StartItem;
use super::recipe::Started;
use super::scope::{Env, Home};
use crate::catalog::{Arg, Config, Entry, Kind, Param, ParamType};
use crate::data::absolute;
use crate::data::augment::PixelNorm;
use crate::diag::{Code, Diagnostic, suggest};
use crate::source::Sources;
use crate::syntax::ast::{Expr, ExprKind, ItemKind, Name};
use crate::syntax::print;
use crate::weights::{KnownNorm, known_norm};
use std::path::Path;

/// `weights("x.pth")`
pub(super) static WEIGHTS: Entry = Entry {
    name: "weights",
    kind: Kind::Weights,
    params: &[
        Param::required("path", ParamType::Path, "a safetensors file, or a state dict that `torch.save` has written"),
        Param::optional(
            "at",
            ParamType::Text,
            "none",
            "what stands before the names there, as in `module.encoder_q`; left out, it is found by what fits",
        ),
        Param::optional(
            "strict",
            ParamType::Bool,
            "true",
            "whether it is an error that a weight is missing there or has another shape; if not, it starts as it would without the file",
        ),
        Param::optional(
            "mean",
            ParamType::Numbers,
            "none",
            "what pixels were normalised by for these weights, where the file does not tell",
        ),
        Param::optional("std", ParamType::Numbers, "none", "the deviations that belong to `mean`"),
    ],
    formula: "",
    doc: "The weights of a file, by torchvision's, timm's, lightly's or Hugging Face's names. Nothing in a pickle is executed.",
};

impl<'a> Checker<'a> {
    /// What starts with weights from files. How pixels were normalised for them holds for all views that do not say otherwise.
    pub(super) fn starts(&mut self) -> Checked<Vec<Started>> {
        let definitions = self.definitions;
        let mut starts: Vec<Started> = Vec::new();
        for item in &definitions.starts {
            let config = self.word(&item.value, Kind::Weights, &Env::new(Home::Recipe))?;
            let said = self.said_norm(&config)?;
            // That of other channels says nothing of these.
            let channels = self.views.frame().channels;
            let known = said.or_else(|| known_norm(Path::new(config.text("path"))));
            let known = known.filter(|known| known.norm.mean.len() == channels);
            let path = item.path.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().join(".");
            let others =
                starts.iter().find(|other| other.norm.is_some() && known.is_some() && !same(&other.norm, &known));
            if let Some(other) = others {
                let message = format!(
                    "the weights of `{path}` and those of `{}` were trained on differently normalised pixels",
                    other.path
                );
                let help = "give both the same normalisation, as in `weights(.., mean: [..], std: [..])`";
                let diagnostic = Diagnostic::error(Code::UNSUPPORTED, item.span, message);
                return Err(self.report(diagnostic.also(other.span, "the other is here").help(help)));
            }
            starts.push(Started { path, config, norm: known, span: item.span });
        }
        if let (Some(known), Some(facts)) =
            (starts.iter().find_map(|start| start.norm.as_ref()), self.views.facts.as_mut())
        {
            facts.norm = known.norm.clone();
        }
        Ok(starts)
    }

    /// The mean and deviation that a call names.
    fn said_norm(&mut self, config: &Config) -> Checked<Option<KnownNorm>> {
        let (mean, std) = (config.arg("mean"), config.arg("std"));
        if (mean, std) == (&Arg::None, &Arg::None) {
            return Ok(None);
        }
        let args = [("mean", mean), ("std", std)].map(|(name, arg)| (name.to_owned(), arg.clone())).to_vec();
        let none = PixelNorm { mean: Vec::new(), std: Vec::new() };
        let call = Config { args, ..none.to_config(config.span) };
        let channels = self.views.frame().channels;
        match PixelNorm::from_config(&call).and_then(|norm| norm.of(channels)) {
            Ok(norm) => Ok(Some(KnownNorm { norm, by: "as the recipe says".to_owned() })),
            Err(error) => {
                let message = format!("`mean` and `std` belong together, a number for each channel: {}", error.reason);
                Err(self.report(Diagnostic::error(Code::INVALID_VALUE, config.span, message)))
            }
        }
    }

    /// Complains of what is to start and has no weights of its own.
    pub(super) fn starts_have_weights(&mut self, starts: &[Started]) {
        for start in starts {
            let below = |name: &str| name.strip_prefix(&start.path).is_some_and(|rest| rest.starts_with('.'));
            let follows = self.branches.find(start.path.split('.').next().unwrap_or_default());
            let derived = follows.and_then(|branch| self.branches.all[branch].derived.clone());
            let help = match derived {
                Some(Derived::Ema { of, .. } | Derived::Snapshot { of, .. } | Derived::Stopgrad { of }) => {
                    Some(format!(
                        "its weights are those of `{0}`, or follow them: start `{0}` instead",
                        self.branches.name(of)
                    ))
                }
                Some(Derived::Frozen(_)) => {
                    Some("it is frozen: `frozen(..)` says where its weights come from".to_owned())
                }
                None if self.graph.params.iter().any(|p| below(&p.name)) => continue,
                None => {
                    let stages = self.branches.declared_stages();
                    suggest(&start.path, stages.iter().map(|(path, _)| path.as_str()))
                }
            };
            let message = format!("`{}` names nothing that has weights of its own", start.path);
            self.report(Diagnostic::error(Code::UNKNOWN_NAME, start.span, message).maybe_help(help));
        }
    }
}

fn same(a: &Option<KnownNorm>, b: &Option<KnownNorm>) -> bool {
    a.as_ref().map(|known| &known.norm) == b.as_ref().map(|known| &known.norm)
}

impl Started {
    /// The statement as it holds from wherever it is read, and when the file is gone.
    pub(super) fn statement(&self) -> ItemKind {
        let mut config = self.config.clone();
        if let Some(known) = &self.norm {
            for (name, value) in known.norm.to_config(Some(self.span)).args {
                if let Some(slot) = config.args.iter_mut().find(|(own, _)| *own == name) {
                    slot.1 = value;
                }
            }
        }
        config.args.retain(|(name, value)| {
            !(name == "strict" && *value == Arg::Bool(true) || *value == Arg::Text(String::new()))
        });
        let path = self.path.split('.').map(|part| Name { text: part.to_owned(), span: self.span }).collect();
        ItemKind::Start { path, value: config.expr() }
    }
}

/// The file that a `weights(...)` names, made a path that leads there from everywhere.
pub(super) fn anchor(value: &mut Expr, sources: &Sources) {
    let folder = super::frozen::folder(sources, value.span);
    let ExprKind::Call(_, args) = &mut value.kind else { return };
    let path = args.iter_mut().find(|arg| arg.name.as_ref().is_none_or(|name| name.text == "path"));
    if let Some(ExprKind::Text(text)) = path.map(|arg| &mut arg.value.kind) {
        *text = absolute(&folder.join(&*text));
    }
}

/// `--start PATH=FILE`, as `--set` says it: `start.PATH=weights("FILE")`.
pub fn start_override(text: &str) -> Option<String> {
    let (path, file) = text.split_once('=')?;
    let (path, file) = (path.trim(), file.trim());
    let written = file.starts_with("weights(");
    let call = if written { file.to_owned() } else { format!("weights({})", print::quoted(file)) };
    (!path.is_empty() && !file.is_empty()).then(|| format!("start.{path}={call}"))
}

/// A statement in place of that of the same path, or besides the others.
pub(super) fn put(starts: &mut Vec<StartItem>, new: StartItem) {
    let path = |item: &StartItem| item.path.iter().map(|name| name.text.clone()).collect::<Vec<_>>();
    match starts.iter_mut().find(|old| path(old) == path(&new)) {
        Some(old) => *old = new,
        None => starts.push(new),
    }
}
