//! The differences between two recipes that matter to a training that has begun.

use std::collections::BTreeMap;
use std::fmt;

use crate::source::FileId;
use crate::syntax;
use crate::syntax::ast::{Entry, EntryValue, ItemKind};

/// Something that one recipe says and another does not, or says otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// Where: `train.epochs`, or the kind of an item.
    path: String,
    old: Option<String>,
    new: Option<String>,
}

/// Settings that change nothing of what has been done.
const FREE: [&str; 6] =
    ["train.best", "train.checkpoint", "train.epochs", "train.keep", "train.not_finite", "train.recompute"];

impl Difference {
    /// Something that is no part of the recipe.
    pub fn of(path: &str, old: &str, new: &str) -> Self {
        Self { path: path.to_owned(), old: Some(old.to_owned()), new: Some(new.to_owned()) }
    }

    /// Whether it may change while a training goes on; the length of the training where nothing that has begun depends on it.
    pub fn may_change(&self) -> bool {
        self.path.starts_with("evaluate.") || FREE.contains(&self.path.as_str())
    }

    /// Whether it is the data set.
    pub fn is_data(&self) -> bool {
        self.path == "data"
    }

    /// The name of the other data set that is judged, if it is one.
    pub fn judged(&self) -> Option<&str> {
        self.path.strip_prefix("evaluate.data.")
    }

    /// `train.epochs: 2 -> 4`
    pub fn in_a_line(&self) -> String {
        let side = |text: &Option<String>| text.as_ref().map_or("(not said)".to_owned(), |text| short(text));
        format!("{}: {} -> {}", self.path, side(&self.old), side(&self.new))
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |sign: char, text: &Option<String>| {
            text.as_ref().map(|text| format!("  {sign} {}: {}", self.path, short(text)))
        };
        let lines: Vec<String> = [line('-', &self.old), line('+', &self.new)].into_iter().flatten().collect();
        f.write_str(&lines.join("\n"))
    }
}

/// The first line of a text.
fn short(text: &str) -> String {
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    if lines.next().is_some() { format!("{first} ...") } else { first }
}

/// In what two recipes in canonical layout differ, the settings of blocks one by one.
pub(super) fn differences(old: &str, new: &str) -> Vec<Difference> {
    if old == new {
        return Vec::new();
    }
    let (old, new) = (parts(old), parts(new));
    let mut paths: Vec<&String> = old.keys().chain(new.keys()).collect();
    paths.sort_unstable();
    paths.dedup();
    let differ = paths.into_iter().filter(|path| old.get(*path) != new.get(*path));
    differ.map(|p| Difference { path: p.clone(), old: old.get(p).cloned(), new: new.get(p).cloned() }).collect()
}

/// What a recipe says, by what it says it of.
fn parts(text: &str) -> BTreeMap<String, String> {
    let (file, _) = syntax::parse(FileId::ALONE, text);
    let mut parts = BTreeMap::new();
    for item in &file.items {
        if let ItemKind::Train { entries: all } = &item.kind {
            entries("train", all, text, &mut parts);
        } else if let ItemKind::Evaluate { entries: all } = &item.kind {
            entries("evaluate", all, text, &mut parts);
        } else if let ItemKind::Loss { entries: all } = &item.kind {
            entries("loss", all, text, &mut parts);
        }
    }
    for item in &file.items {
        let written = text[item.span.range()].trim();
        let path = match &item.kind {
            ItemKind::Train { .. } | ItemKind::Evaluate { .. } | ItemKind::Loss { .. } => continue,
            ItemKind::Data { .. } => "data".to_owned(),
            ItemKind::Let(definition) => format!("let {}", definition.name.text),
            ItemKind::Branch { name, .. } | ItemKind::DerivedBranch { name, .. } => format!("branch {}", name.text),
            ItemKind::State { name, .. } => format!("state {}", name.text),
            ItemKind::Weight { name, .. } => format!("weight {}", name.text),
            ItemKind::Start { path, .. } => {
                let path: Vec<&str> = path.iter().map(|name| name.text.as_str()).collect();
                format!("start {}", path.join("."))
            }
            ItemKind::Param { name, .. } => format!("param {}", name.text),
            ItemKind::Input { name, .. } => format!("input {}", name.text),
            ItemKind::Views { .. } => "views".to_owned(),
            ItemKind::Expect { .. } => "expect".to_owned(),
            ItemKind::Recipe { .. } | ItemKind::Extends { .. } | ItemKind::Omit { .. } => "recipe".to_owned(),
        };
        parts.insert(path, written.to_owned());
    }
    parts
}

/// The entries of a block and of those within it.
fn entries(block: &str, all: &[Entry], text: &str, parts: &mut BTreeMap<String, String>) {
    for entry in all {
        let path = format!("{block}.{}", entry.name.text);
        if let EntryValue::Block(inner) = &entry.value {
            entries(&path, inner, text, parts);
            continue;
        }
        let written = &text[entry.span.range()];
        let value = written.split_once(':').map_or(written, |(_, value)| value);
        parts.insert(path, value.trim().to_owned());
    }
}
