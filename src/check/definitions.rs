//! What a recipe defines once its imports are merged: items by kind, a later definition in place of an earlier one.

use super::budget::MAX_SAID;
use super::frozen::Import;
use super::start;
use crate::diag::{Code, Diagnostic, suggest};
use crate::source::{FileId, Span};
use crate::syntax::ast::{self, Entry, Expr, Item, ItemKind, Let, Name, Stage, Text, ViewEntry};
use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;
use std::sync::Arc;

/// The items of a recipe and of everything it extends.
#[derive(Clone, Debug, Default)]
pub(super) struct Definitions {
    pub header: Option<(Text, Option<Text>)>,
    pub params: Vec<(Name, Expr)>,
    pub data: Option<Expr>,
    pub inputs: Vec<(Name, Vec<Expr>)>,
    pub views: Vec<ViewEntry>,
    pub branches: Vec<BranchItem>,
    /// The recipes that frozen branches come from.
    pub imports: Vec<Import>,
    pub states: Vec<(Name, Expr)>,
    pub weights: Vec<WeightItem>,
    pub starts: Vec<StartItem>,
    pub lets: Vec<Arc<Let>>,
    pub loss: Vec<Entry>,
    pub train: Vec<Entry>,
    pub evaluate: Vec<Entry>,
    pub expect: Vec<Expr>,
    /// Where the blocks `loss`, `train` and so on stand, for messages about the whole.
    pub span: Option<Span>,
}

/// A `branch` item.
#[derive(Clone, Debug)]
pub(super) struct BranchItem {
    pub name: Name,
    pub body: BranchBody,
    pub span: Span,
}

/// A branch of its own stages, or one derived from another.
#[derive(Clone, Debug)]
pub(super) enum BranchBody {
    Stages(Vec<Stage>),
    Derived(Expr),
}

/// A `weight` item.
#[derive(Clone, Debug)]
pub(super) struct WeightItem {
    pub name: Name,
    pub shape: Option<Vec<Expr>>,
    pub value: Option<Expr>,
}

/// A `start` item.
#[derive(Clone, Debug)]
pub(super) struct StartItem {
    pub path: Vec<Name>,
    pub value: Expr,
    pub span: Span,
}

impl Definitions {
    /// Adds the items of one file on top of what it extends. A name defined twice in the same file is an error.
    pub fn add_file(&mut self, file: &ast::File, diagnostics: &mut Vec<Diagnostic>) {
        let id = file.span.file;
        self.span.get_or_insert(file.span);
        only_once(file, diagnostics);
        for item in &file.items {
            self.add(item, id, diagnostics);
        }
        self.omit(file, diagnostics);
    }

    fn add(&mut self, item: &Item, file: FileId, out: &mut Vec<Diagnostic>) {
        match item.kind.clone() {
            ItemKind::Recipe { title, paper } => self.header = Some((title, paper)),
            ItemKind::Extends { .. } | ItemKind::Omit { .. } => {}
            ItemKind::Param { name, value } => put(&mut self.params, (name, value), |p| &p.0, file, out),
            ItemKind::Data { value } => self.data = Some(value),
            ItemKind::Input { name, shape } => put(&mut self.inputs, (name, shape), |i| &i.0, file, out),
            ItemKind::Views { entries } => self.add_views(entries, file, out),
            ItemKind::Branch { name, stages } => {
                self.add_branch(BranchItem { name, body: BranchBody::Stages(stages), span: item.span }, file, out);
            }
            ItemKind::DerivedBranch { name, value } => {
                self.add_branch(BranchItem { name, body: BranchBody::Derived(value), span: item.span }, file, out);
            }
            ItemKind::State { name, value } => put(&mut self.states, (name, value), |s| &s.0, file, out),
            ItemKind::Weight { name, shape, value } => {
                put(&mut self.weights, WeightItem { name, shape, value }, |w| &w.name, file, out);
            }
            ItemKind::Start { path, value } => start::put(&mut self.starts, StartItem { path, value, span: item.span }),
            ItemKind::Let(definition) => put(&mut self.lets, Arc::new(definition), |l| &l.name, file, out),
            ItemKind::Loss { entries } => merge(&mut self.loss, entries, file, out),
            ItemKind::Train { entries } => merge(&mut self.train, entries, file, out),
            ItemKind::Evaluate { entries } => merge(&mut self.evaluate, entries, file, out),
            ItemKind::Expect { conditions } => self.expect.extend(conditions),
        }
    }

    fn add_branch(&mut self, branch: BranchItem, file: FileId, out: &mut Vec<Diagnostic>) {
        put(&mut self.branches, branch, |b| &b.name, file, out);
    }

    /// A view declared again leaves the line it stood on, and its new line takes the place of the first such line, so that
    /// views that start from it still stand below; a line left without names goes.
    fn add_views(&mut self, entries: Vec<ViewEntry>, file: FileId, out: &mut Vec<Diagnostic>) {
        for entry in entries {
            let mut place = self.views.len();
            for new in &entry.names {
                for (line, old) in self.views.iter_mut().enumerate() {
                    if let Some(i) = old.names.iter().position(|n| n.name.text == new.name.text) {
                        if old.names[i].name.span.file == file {
                            out.push(twice(&new.name, &old.names[i].name));
                        }
                        old.names.remove(i);
                        place = place.min(line);
                    }
                }
            }
            self.views.insert(place, entry);
            self.views.retain(|v| !v.names.is_empty());
        }
    }

    fn omit(&mut self, file: &ast::File, out: &mut Vec<Diagnostic>) {
        for item in &file.items {
            let ItemKind::Omit { path } = &item.kind else { continue };
            if out.len() > MAX_SAID {
                return;
            }
            let words: Vec<&str> = path.iter().map(|n| n.text.as_str()).collect();
            if !self.remove(&words) {
                let known = self.paths();
                let help = suggest(&words.join("."), known.iter().map(String::as_str));
                let message = format!("there is no `{}` to omit", words.join("."));
                out.push(Diagnostic::error(Code::UNKNOWN_OMIT, item.span, message).maybe_help(help));
            }
        }
    }

    fn remove(&mut self, path: &[&str]) -> bool {
        match path {
            ["loss", name] => take(&mut self.loss, |e| e.name.text == *name),
            ["train", name] => take(&mut self.train, |e| e.name.text == *name),
            ["evaluate", name] => take(&mut self.evaluate, |e| e.name.text == *name),
            ["start", path @ ..] if !path.is_empty() => {
                let is = |item: &StartItem| item.path.iter().map(|n| n.text.as_str()).eq(path.iter().copied());
                take(&mut self.starts, is)
            }
            ["data"] if self.data.is_some() => self.data.take().is_some(),
            [name] => {
                let in_views = self.views.iter_mut().any(|v| take(&mut v.names, |n| n.name.text == *name));
                self.views.retain(|v| !v.names.is_empty());
                in_views
                    || take(&mut self.lets, |l| l.name.text == *name)
                    || take(&mut self.branches, |b| b.name.text == *name)
                    || take(&mut self.states, |s| s.0.text == *name)
                    || take(&mut self.weights, |w| w.name.text == *name)
                    || take(&mut self.inputs, |i| i.0.text == *name)
                    || take(&mut self.params, |p| p.0.text == *name)
            }
            _ => false,
        }
    }

    /// Every path that `omit` knows.
    fn paths(&self) -> Vec<String> {
        let entries = |block: &str, list: &[Entry]| -> Vec<String> {
            list.iter().map(|e| format!("{block}.{}", e.name.text)).collect()
        };
        let mut all = entries("loss", &self.loss);
        all.extend(entries("train", &self.train));
        all.extend(entries("evaluate", &self.evaluate));
        let path = |item: &StartItem| item.path.iter().map(|n| n.text.as_str()).collect::<Vec<_>>().join(".");
        all.extend(self.starts.iter().map(|item| format!("start.{}", path(item))));
        all.extend(self.data.iter().map(|_| "data".to_owned()));
        all.extend(self.names().map(|n| n.text.clone()));
        all
    }

    /// Every name the recipe defines at its top level, in groups by kind.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        let views = self.views.iter().flat_map(|v| v.names.iter().map(|n| &n.name));
        let branches = self.branches.iter().map(|b| &b.name);
        let weights = self.weights.iter().map(|w| &w.name);
        views
            .chain(branches)
            .chain(weights)
            .chain(self.lets.iter().map(|l| &l.name))
            .chain(self.states.iter().map(|s| &s.0))
            .chain(self.inputs.iter().map(|i| &i.0))
            .chain(self.params.iter().map(|p| &p.0))
    }

    /// Reports names that stand for two things of different kinds.
    pub fn clashes(&self) -> Vec<Diagnostic> {
        let mut first: HashMap<&str, &Name> = HashMap::new();
        let mut out = Vec::new();
        for name in self.names() {
            match first.entry(&name.text) {
                Place::Occupied(first) => out.push(twice(name, first.get())),
                Place::Vacant(free) => drop(free.insert(name)),
            }
        }
        out
    }
}

/// Puts `new` in the place of the item of the same name, or at the end.
fn put<T>(list: &mut Vec<T>, new: T, name: impl Fn(&T) -> &Name, file: FileId, out: &mut Vec<Diagnostic>) {
    match list.iter_mut().find(|old| name(old).text == name(&new).text) {
        Some(old) => {
            if name(old).span.file == file {
                out.push(twice(name(&new), name(old)));
            }
            *old = new;
        }
        None => list.push(new),
    }
}

fn merge(list: &mut Vec<Entry>, new: Vec<Entry>, file: FileId, out: &mut Vec<Diagnostic>) {
    for entry in new {
        put(list, entry, |e| &e.name, file, out);
    }
}

fn take<T>(list: &mut Vec<T>, is: impl Fn(&T) -> bool) -> bool {
    let before = list.len();
    list.retain(|x| !is(x));
    list.len() < before
}

/// Reports items of which a file may have one, where it has a second.
fn only_once(file: &ast::File, out: &mut Vec<Diagnostic>) {
    let kind = |item: &Item| match item.kind {
        ItemKind::Recipe { .. } => Some("recipe"),
        ItemKind::Extends { .. } => Some("extends"),
        ItemKind::Data { .. } => Some("data"),
        _ => None,
    };
    for (i, item) in file.items.iter().enumerate() {
        let Some(word) = kind(item) else { continue };
        if let Some(first) = file.items[..i].iter().find(|other| kind(other) == Some(word)) {
            let message = format!("a file has one `{word}`, this is the second");
            let diagnostic = Diagnostic::error(Code::DUPLICATE_NAME, item.span, message);
            out.push(diagnostic.also(first.span, "the first is here").help("drop one of them"));
        }
    }
}

fn twice(second: &Name, first: &Name) -> Diagnostic {
    Diagnostic::error(Code::DUPLICATE_NAME, second.span, format!("`{}` is defined twice", second.text))
        .label("defined again here")
        .also(first.span, "first defined here")
        .help("give one of them another name, or drop it")
}
