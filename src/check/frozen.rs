//! Branches whose weights come from elsewhere and stay: from a file, or from what another recipe trains.

use super::branches::{Branches, Derived};
use super::builtin::built_in;
use super::checker::{Checked, Checker, Failed};
use super::definitions::Definitions;
use super::recipe::{Frozen, Weights};
use super::resolve::{Key, Slot};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::data::absolute;
use crate::data::augment::PixelNorm;
use crate::diag::{Code, Diagnostic, suggest};
use crate::graph::{Graph, NodeId, ShapeError};
use crate::nn::Mode;
use crate::source::{Sources, Span};
use crate::syntax::ast::{Expr, ExprKind, Name, Stage};
use crate::weights::{KnownNorm, known_norm};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// `frozen("other.ssl")`
pub(super) static FROZEN: Entry = Entry {
    name: "frozen",
    kind: Kind::Branch,
    params: &[
        Param::required(
            "from",
            ParamType::Text,
            "a file of weights, `\"x.safetensors\"`, or a recipe, `\"other.ssl\"` or a built-in one by its name",
        ),
        Param::optional(
            "of",
            ParamType::Selector,
            "none",
            "the branch that has its stages: of this recipe for a file; of the other recipe, whose first it is if left out",
        ),
    ],
    formula: "f(x), by weights from elsewhere",
    doc: "A branch that nothing trains, as it is in evaluation. What another recipe trains is trained first, unless it has been.",
};

/// Another recipe that a branch takes its stages and weights from.
#[derive(Clone, Debug)]
pub(super) struct Import {
    /// The branch of this recipe.
    pub branch: String,
    /// The file of the other recipe.
    pub path: PathBuf,
    pub definitions: Definitions,
}

impl Import {
    /// What its text is called beside the recipe in the folder of a run: by the branches that lead to it, `within` and its own, so that
    /// no two have one name.
    pub fn file(&self, within: &str) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let place = format!("frozen-{within}{}-", self.branch);
        // In the folder of a run it is called so already.
        format!("{place}{}", name.strip_prefix(&place).unwrap_or(&name))
    }

    /// The branches that lead to what it imports itself.
    pub fn inner(&self, within: &str) -> String {
        format!("{within}{}.", self.branch)
    }
}

/// Where the weights of a frozen branch come from.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// A file, for the stages of a branch of this recipe, and how pixels were normalised for its weights, where it says so.
    File { of: usize, path: PathBuf, norm: Option<KnownNorm> },
    /// What another recipe trains: the import, the branch there whose stages it has, and how pixels are normalised there.
    Recipe { import: usize, root: usize, theirs: String, norm: Option<PixelNorm> },
}

/// What is known of an imported recipe.
#[derive(Debug, Default)]
pub(super) struct Imported {
    branches: Branches,
    known: BTreeMap<Key, Slot>,
}

impl<'a> Checker<'a> {
    /// `frozen(...)`; `None` while the branch whose stages it has is still to be settled.
    pub(super) fn derive_frozen(&mut self, name: &Name, config: &Config, span: Span) -> Checked<Option<Derived>> {
        let (from, of) = (config.text("from"), config.text("of"));
        if is_recipe(from) {
            return self.of_recipe(name, of, span).map(Some);
        }
        if of.is_empty() {
            let message = "a file of weights does not say which stages they belong to";
            let help = format!("name the branch whose stages they are: `frozen(\"{from}\", of: f)`");
            return Err(self.report(Diagnostic::error(Code::MISSING_ARGUMENT, span, message).help(help)));
        }
        let Some(branch) = self.settled_branch(of, span)? else { return Ok(None) };
        let path = folder(self.sources, span).join(from);
        let norm = known_norm(&path);
        Ok(Some(Derived::Frozen(Origin::File { of: branch, path, norm })))
    }

    fn of_recipe(&mut self, name: &Name, of: &str, span: Span) -> Checked<Derived> {
        // An import that is not there could not be read, which has been reported.
        let import = self.definitions.imports.iter().position(|i| i.branch == name.text);
        let import = import.ok_or_else(|| self.failed_before(&format!("the branch `{}`", name.text), span))?;
        let found = self.within(import, |inner| {
            let found = if of.is_empty() { inner.branches.first_own() } else { inner.branches.find(of) };
            let names: Vec<String> = inner.branches.all.iter().map(|b| b.name.clone()).collect();
            let Some(branch) = found else { return Err(names) };
            let root = inner.branches.root(branch);
            inner.branches.scope = Some((root, name.text.clone()));
            Ok((root, inner.branches.name(branch).to_owned()))
        });
        let (root, theirs) = found.map_err(|names| self.no_branch(of, names.iter().map(String::as_str), span))?;
        if self.within(import, |inner| matches!(inner.branches.all[root].derived, Some(Derived::Frozen(_)))) {
            let message = format!("`{theirs}` is itself frozen in that recipe");
            let help = "take its weights from where that recipe takes them";
            return Err(self.report(Diagnostic::error(Code::UNSUPPORTED, span, message).help(help)));
        }
        let norm = self.norm_within(import, span)?;
        Ok(Derived::Frozen(Origin::Recipe { import, root, theirs, norm }))
    }

    /// How an imported recipe normalises pixels, which is trained on the data of this one; nothing where it sees none.
    fn norm_within(&mut self, import: usize, span: Span) -> Checked<Option<PixelNorm>> {
        let facts = self.views.facts.clone();
        let found = self.within(import, |inner| {
            inner.views.facts = facts;
            inner.prepare_views();
            let (evaluate, _) = inner.evaluate()?;
            let said = evaluate.view.last().and_then(|last| PixelNorm::from_config(last).ok());
            let mut norms: Vec<Option<PixelNorm>> = Vec::new();
            for norm in (0..inner.views.all.len()).map(|view| inner.views.norm_of(view)) {
                if !norms.contains(&norm) {
                    norms.push(norm);
                }
            }
            Ok(said.map_or(norms, |said| vec![Some(said)]))
        });
        match found?.as_slice() {
            [] => Ok(None),
            [norm] => Ok(norm.clone()),
            _ => {
                let message = "the views of that recipe are normalised in different ways: it is not clear which of them its weights expect";
                let help = "choose one there, as in `evaluate { view: resize(32) | center_crop(32) | pixel_norm([..], [..]) }`";
                Err(self.report(Diagnostic::error(Code::UNSUPPORTED, span, message).help(help)))
            }
        }
    }

    /// The pixels of a view as a branch takes them: normalised as they were where its weights come from.
    pub(super) fn pixels_for(&mut self, branch: usize, view: usize, at: Span) -> Checked<NodeId> {
        let pixels = self.view_node(view);
        let theirs = match &self.branches.all[branch].derived {
            Some(Derived::Frozen(Origin::Recipe { norm, .. })) => norm.clone(),
            Some(Derived::Frozen(Origin::File { norm, .. })) => norm.as_ref().map(|known| known.norm.clone()),
            _ => None,
        };
        match (self.views.norm_of(view), theirs) {
            (Some(ours), Some(theirs)) if ours != theirs && ours.mean.len() == theirs.mean.len() => {
                self.built(at, |g| renormalised(g, pixels, &ours, &theirs))
            }
            _ => Ok(pixels),
        }
    }

    fn no_branch<'n>(&mut self, of: &str, names: impl Iterator<Item = &'n str>, span: Span) -> Failed {
        let message =
            if of.is_empty() { "that recipe has no branch".to_owned() } else { format!("there is no branch `{of}`") };
        let help = suggest(of, names);
        self.report(Diagnostic::error(Code::UNKNOWN_NAME, span, message).maybe_help(help))
    }

    /// The stages of a frozen branch by name; those of a file are found at their branch.
    pub(super) fn frozen_stages(&mut self, derived: &Derived) -> Vec<Stage> {
        let Derived::Frozen(Origin::Recipe { import, root, .. }) = derived else { return Vec::new() };
        self.within(*import, |inner| inner.branches.all[*root].stages.clone())
    }

    /// Does something as in an imported recipe, with what is known of it, on the graph of this one.
    pub(super) fn within<T>(&mut self, import: usize, body: impl FnOnce(&mut Self) -> T) -> T {
        let definitions: &'a Definitions = &self.definitions.imports[import].definitions;
        let mut inner = self.beside(definitions, Mode::Eval);
        std::mem::swap(&mut inner.graph, &mut self.graph);
        inner.streams = self.streams;
        match self.imported.remove(&import) {
            Some(known) => (inner.branches, inner.known) = (known.branches, known.known),
            None => inner.prepare_branches(),
        }
        let result = body(&mut inner);
        std::mem::swap(&mut inner.graph, &mut self.graph);
        (self.streams, self.spent, self.failures) = (inner.streams, inner.spent, inner.failures);
        self.imported.insert(import, Imported { branches: inner.branches, known: inner.known });
        for diagnostic in inner.diagnostics {
            if !self.diagnostics.contains(&diagnostic) {
                self.diagnostics.push(diagnostic);
            }
        }
        result
    }

    /// What must be read before the recipe can run.
    pub(super) fn frozen(&self) -> Vec<Frozen> {
        let frozen = self.branches.all.iter().filter_map(|info| {
            let Some(Derived::Frozen(origin)) = &info.derived else { return None };
            let norm = if let Origin::File { norm, .. } = origin { norm.clone() } else { None };
            let (weights, theirs) = match origin {
                Origin::File { of, path, .. } => (Weights::File(path.clone()), self.branches.name(*of).to_owned()),
                Origin::Recipe { import, theirs, .. } => {
                    (Weights::Recipe(self.definitions.imports[*import].path.clone()), theirs.clone())
                }
            };
            Some(Frozen { branch: info.name.clone(), weights, theirs, norm, span: info.span })
        });
        frozen.collect()
    }
}

/// Pixels normalised by one mean and deviation as they are by another.
fn renormalised(g: &mut Graph, pixels: NodeId, from: &PixelNorm, to: &PixelNorm) -> Result<NodeId, ShapeError> {
    let channel = |f: &dyn Fn(usize) -> f64| (0..from.mean.len()).map(f).collect::<Vec<f64>>();
    let [mean, std] = [&from.mean, &from.std].map(|v| v.iter().copied().map(f64::from).collect::<Vec<f64>>());
    let scale = channel(&|c| std[c] / f64::from(to.std[c]));
    let shift = channel(&|c| (mean[c] - f64::from(to.mean[c])) / f64::from(to.std[c]));
    let mut row = |values: Vec<f64>| {
        let numbers: Vec<NodeId> = values.into_iter().map(|x| g.constant(x)).collect();
        g.stack(&numbers, 0)
    };
    let (scale, shift) = (row(scale)?, row(shift)?);
    let scaled = g.mul(pixels, scale)?;
    g.add(scaled, shift)
}

/// The recipe that a derived branch is frozen from: the call's text, and where it stands.
pub(super) fn imported_recipe(value: &Expr) -> Option<(&str, Span)> {
    let ExprKind::Call(callee, args) = &value.kind else { return None };
    let frozen = matches!(&callee.kind, ExprKind::Name(word) if word == FROZEN.name);
    let text = args.iter().filter(|_| frozen).find_map(|arg| match &arg.value.kind {
        ExprKind::Text(text) if is_recipe(text) => Some(text.as_str()),
        _ => None,
    });
    text.map(|text| (text, value.span))
}

/// The same call with another file in its place.
pub(super) fn renamed(value: &Expr, file: &str) -> Expr {
    let mut value = value.clone();
    if let Some(text) = file_of(&mut value) {
        file.clone_into(text);
    }
    value
}

/// Lets a branch that is frozen from a file of weights name it wherever the recipe may be written again.
pub(super) fn anchor(value: &mut Expr, sources: &Sources) {
    let folder = folder(sources, value.span);
    if let Some(text) = file_of(value).filter(|text| !is_recipe(text)) {
        *text = absolute(&folder.join(&*text));
    }
}

/// The file that a `frozen(...)` names.
fn file_of(value: &mut Expr) -> Option<&mut String> {
    let ExprKind::Call(callee, args) = &mut value.kind else { return None };
    let frozen = matches!(&callee.kind, ExprKind::Name(word) if word == FROZEN.name);
    args.iter_mut().filter(|_| frozen).find_map(|arg| match &mut arg.value.kind {
        ExprKind::Text(text) => Some(text),
        _ => None,
    })
}

fn is_recipe(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|e| e == "ssl") || built_in(path).is_some()
}

/// The file of a recipe that is named at `span`: a built-in one by its name, any other by its path.
pub(super) fn named(sources: &Sources, span: Span, name: &str) -> PathBuf {
    built_in(name).unwrap_or_else(|| folder(sources, span).join(name))
}

/// The folder that paths written at `span` are relative to.
pub(super) fn folder(sources: &Sources, span: Span) -> PathBuf {
    sources.get(span.file).path().and_then(Path::parent).unwrap_or(Path::new(".")).to_owned()
}
