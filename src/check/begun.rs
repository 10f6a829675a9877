//! The text of a new recipe that begins as a built-in one.

use std::ops::Range;

use super::builtin::{built_in, text};
use super::definitions::{BranchBody, Definitions};
use super::frozen::{imported_recipe, renamed};
use super::load::Loader;
use super::text::Settled;
use crate::source::{FileId, Origin, Source, Sources};
use crate::syntax::ast::{File, ItemKind};
use crate::syntax::{self, print};

/// A recipe of that title that means the same as the built-in one of that name and needs no other file, in canonical layout; nothing
/// where there is none of that name.
pub fn begun_from(name: &str, title: &str) -> Option<String> {
    let original = text(name)?;
    let mut sources = Sources::default();
    let id = sources.add(Source::new(name, Origin::File(built_in(name)?), original));
    let (file, _) = syntax::parse(id, original);
    let extends = file.items.iter().any(|item| matches!(item.kind, ItemKind::Extends { .. }));
    let body = if extends { merged(&mut sources, id, title) } else { retitled(&file, original, title) };
    let head: String = original.lines().take_while(|l| l.starts_with('#')).map(|l| format!("{l}\n")).collect();
    let whole = format!("# Begun from the built-in recipe `{name}`, of which is said:\n{head}\n{body}");
    let (file, _) = syntax::parse(FileId::ALONE, &whole);
    Some(syntax::format(&file, &whole))
}

/// The definitions of a recipe and of those that it extends as one text.
fn merged(sources: &mut Sources, id: FileId, title: &str) -> String {
    let mut definitions: Definitions = Loader::new(sources, &mut Vec::new()).load(id);
    if let Some((old, paper)) = &mut definitions.header {
        title.clone_into(&mut old.value);
        *paper = None;
    }
    for branch in &mut definitions.branches {
        if let BranchBody::Derived(value) = &mut branch.body
            && let Some((file, _)) = imported_recipe(value)
        {
            *value = renamed(value, stem(file));
        }
    }
    definitions.text(&Settled::default(), "")
}

/// The text below its head with another title, and files beside it named as what they are: built-in recipes.
fn retitled(file: &File, original: &str, title: &str) -> String {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for item in &file.items {
        match &item.kind {
            ItemKind::Recipe { .. } => {
                let range = trimmed(original, item.span.range());
                edits.push((range, format!("recipe {}", print::quoted(title))));
            }
            ItemKind::DerivedBranch { value, .. } => {
                let named = imported_recipe(value).map(|(file, _)| renamed(value, stem(file)));
                let range = trimmed(original, value.span.range());
                edits.extend(named.map(|value| (range, print::expression(&value))));
            }
            _ => {}
        }
    }
    let mut text = original.to_owned();
    edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    edits.into_iter().for_each(|(range, new)| text.replace_range(range, &new));
    let head: usize = text.split_inclusive('\n').take_while(|l| l.starts_with('#')).map(str::len).sum();
    text.split_off(head)
}

/// A range without the white space at its end.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    range.start..range.start + text[range].trim_end().len()
}

/// The name of a file without its ending.
fn stem(file: &str) -> &str {
    file.strip_suffix(".ssl").unwrap_or(file)
}
