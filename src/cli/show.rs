//! `sslrun show`: what the language has.

use super::args::ShowArgs;
use super::{Exit, output};
use crate::catalog::{Entry, Kind};
use crate::check::{RECIPES, built_in_names, library_files, signature, vocabulary};
use crate::diag::suggest;
use crate::driver::{self, Failure, Shipped};
use crate::report::count;
use crate::source::LIBRARY;
use crate::syntax::ast::ItemKind;

/// The kinds in the order in which they are listed, with their headings.
const HEADINGS: &[(Kind, &str)] = &[
    (Kind::Operation, "operations"),
    (Kind::Layer, "layers"),
    (Kind::Augmentation, "augmentations"),
    (Kind::Mask, "kinds of masks"),
    (Kind::Optimizer, "optimizers"),
    (Kind::Schedule, "schedules"),
    (Kind::Rule, "rules for groups of parameters"),
    (Kind::DataSet, "data sets"),
    (Kind::Probe, "probes"),
    (Kind::Branch, "derived branches"),
    (Kind::Weights, "where weights come from"),
    (Kind::State, "states"),
    (Kind::Block, "blocks of settings"),
];

/// Lists everything, or shows one word.
pub fn show(args: &ShowArgs) -> Result<Exit, Failure> {
    let text = match args.name.as_deref() {
        None => everything(),
        Some("std") => LIBRARY.iter().map(|(name, text)| format!("# {name}\n\n{}\n\n", text.trim())).collect(),
        Some("recipes") => recipes(&driver::shipped()?),
        Some(name) => one(name)?,
    };
    output::result(&format!("{}\n", text.trim_end()))?;
    Ok(Exit::Fine)
}

fn everything() -> String {
    let words = vocabulary();
    let group = |(kind, heading): &(Kind, &str)| {
        let lines: Vec<_> = words.iter().filter(|e| e.kind == *kind).map(|e| (signature(e), first(e.doc))).collect();
        section(heading, &lines)
    };
    let library: Vec<_> = library().into_iter().map(|f| (f.signature, first(&f.doc))).collect();
    let built_in = [("sslrun show recipes".to_owned(), "lists them, with family and cost".to_owned())];
    HEADINGS.iter().map(group).collect::<String>()
        + &section("standard library (`sslrun show std`)", &library)
        + &section("built-in recipes", &built_in)
}

/// The built-in recipes: what they are and what they cost.
fn recipes(all: &[Shipped]) -> String {
    let width = all.iter().map(|recipe| recipe.name.len()).max().unwrap_or(0);
    let line = |name: &str, parameters: &str, operations: &str, method: &str| {
        format!("  {name:width$}  {parameters:>10}  {operations:>10}  {method}\n")
    };
    let lines = all.iter().map(|recipe| {
        let mut families: Vec<&str> = recipe.families.iter().filter_map(|family| family.split(':').next()).collect();
        families.dedup();
        let family = families.join(", ");
        let method = if family.is_empty() { recipe.title.clone() } else { format!("{}: {family}", recipe.title) };
        line(recipe.name, &count(recipe.parameters), &count(recipe.operations), &method)
    });
    format!(
        "built-in recipes: `sslrun NAME` runs one, `sslrun show NAME` prints it, `sslrun new MINE --from NAME` begins another\n\
         numbers that are trained, and operations of a step, forward and backward\n\n{}{}",
        line("name", "parameters", "operations", "method: family"),
        lines.collect::<String>()
    )
}

/// A heading and its words, each with its first sentence.
fn section(heading: &str, lines: &[(String, String)]) -> String {
    const WIDTH: usize = 44;
    let line = |(signature, doc): &(String, String)| match signature.chars().count() {
        0..=WIDTH => format!("  {signature:WIDTH$}  {doc}\n"),
        _ => format!("  {signature}\n  {:WIDTH$}  {doc}\n", ""),
    };
    format!("{heading}\n{}\n", lines.iter().map(line).collect::<String>())
}

/// Everything there is to say about the words of one name.
fn one(name: &str) -> Result<String, Failure> {
    let words = vocabulary();
    let functions = library();
    let found = words.iter().filter(|e| e.name == name).map(|e| page(e));
    let written = functions.iter().filter(|f| f.name == name).map(|f| format!("# {}\n{}\n", f.file, f.source));
    let built_in = RECIPES.iter().filter(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned());
    let pages: Vec<String> = found.chain(written).chain(built_in).collect();
    if pages.is_empty() {
        let names = words.iter().map(|e| e.name).chain(functions.iter().map(|f| f.name.as_str()));
        let names = names.chain(built_in_names());
        let hint = suggest(name, names).map_or_else(String::new, |s| format!("; {s}"));
        return Err(Failure::usage(format!("the language has no `{name}`{hint}")));
    }
    Ok(pages.join("\n"))
}

/// A word's signature, doc, formula and parameters.
fn page(entry: &Entry) -> String {
    let kind = HEADINGS.iter().find(|(k, _)| *k == entry.kind).map_or("", |(_, heading)| heading);
    let formula = if entry.formula.is_empty() { String::new() } else { format!("\n    {}\n", entry.formula) };
    let width = entry.params.iter().map(|p| p.name.len()).max().unwrap_or(0);
    let param = |p: &crate::catalog::Param| {
        let default = p.default.map_or_else(|| "required".to_owned(), |d| format!("default {d}"));
        format!("  {:width$}  {} ({default})\n", p.name, p.doc)
    };
    let params: String = entry.params.iter().map(param).collect();
    let params = if params.is_empty() { params } else { format!("\n{params}") };
    format!("{}  ({kind})\n\n{}\n{formula}{params}", signature(entry), entry.doc)
}

/// A definition of the standard library.
struct Definition {
    name: String,
    signature: String,
    doc: String,
    source: String,
    file: &'static str,
}

/// The definitions of the standard library, each with the comment above it.
fn library() -> Vec<Definition> {
    let mut all = Vec::new();
    for ((name, text), file) in LIBRARY.iter().zip(library_files()) {
        for item in &file.items {
            let ItemKind::Let(definition) = &item.kind else { continue };
            let source = text[item.span.range()].trim();
            let comment = definition.doc.lines().map(|line| format!("# {line}").trim_end().to_owned() + "\n");
            all.push(Definition {
                name: definition.name.text.clone(),
                signature: head_of(source.strip_prefix("let ").unwrap_or(source)),
                source: format!("{}{source}", comment.collect::<String>()),
                doc: definition.doc.replace('\n', " "),
                file: name,
            });
        }
    }
    all
}

/// The name and parameters of a definition, which begins with them.
fn head_of(definition: &str) -> String {
    let mut depth = 0;
    for (i, c) in definition.char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 1 => return definition[..=i].to_owned(),
            ')' => depth -= 1,
            '=' | '{' if depth == 0 => return definition[..i].trim().to_owned(),
            _ => {}
        }
    }
    definition.to_owned()
}

/// The first sentence, or all of it.
fn first(doc: &str) -> String {
    doc.split_inclusive(". ").next().map_or_else(String::new, |s| s.trim().to_owned())
}
