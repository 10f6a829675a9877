//! Reads a recipe and everything it is put together from.

use super::budget::{MAX_FILES, MAX_LINES};
use super::builtin::{add_recipe, built_in_hint, is_built_in, word};
use super::definitions::{BranchBody, Definitions};
use super::frozen::{Import, anchor, imported_recipe, named};
use super::start;
use crate::diag::{Code, Diagnostic};
use crate::source::{FileId, Sources, Span};
use crate::syntax::{self, ast};
use std::path::{Path, PathBuf};

/// Reads files, as many and as much of them as a recipe may be put together from.
pub(super) struct Loader<'a> {
    pub sources: &'a mut Sources,
    pub diagnostics: &'a mut Vec<Diagnostic>,
    files: usize,
    lines: usize,
}

/// The files that led to the one that is read.
type Chain = Vec<Option<PathBuf>>;

/// A file that another one names, where, and how that is said.
struct Named<'n> {
    /// As it is written.
    name: &'n str,
    path: PathBuf,
    span: Span,
    /// What is to be said where the file leads to itself.
    ring: Diagnostic,
    chain: &'n mut Chain,
}

impl<'a> Loader<'a> {
    /// One that has read nothing yet.
    pub fn new(sources: &'a mut Sources, diagnostics: &'a mut Vec<Diagnostic>) -> Self {
        Self { sources, diagnostics, files: 0, lines: 0 }
    }

    /// The definitions of a file on top of those of the file it extends.
    pub fn load(&mut self, root: FileId) -> Definitions {
        let mut chain = vec![self.path(root)];
        let file = self.parse(root);
        self.with_base(file, &mut chain)
    }

    /// Reads the recipes that branches of `root` are frozen from, and theirs.
    pub fn imports(&mut self, definitions: &mut Definitions, root: FileId) {
        let mut chain = vec![self.path(root)];
        self.imports_below(definitions, &mut chain);
    }

    fn imports_below(&mut self, definitions: &mut Definitions, chain: &mut Chain) {
        for branch in definitions.branches.clone() {
            let BranchBody::Derived(value) = &branch.body else { continue };
            let Some((file, span)) = imported_recipe(value) else { continue };
            let path = named(self.sources, span, file);
            let message = format!(
                "`{}` takes its weights from a recipe that depends on this one, directly or through others",
                branch.name.text
            );
            let ring = Diagnostic::error(Code::RECURSION, span, message)
                .help("take them from a recipe that can be trained before this one");
            let Some((id, file)) = self.open(Named { name: file, path: path.clone(), span, ring, chain }) else {
                continue;
            };
            let mut inner = self.with_base(file, &mut vec![self.path(id)]);
            self.imports_below(&mut inner, chain);
            chain.pop();
            definitions.imports.push(Import { branch: branch.name.text, path, definitions: inner });
        }
    }

    fn with_base(&mut self, file: ast::File, chain: &mut Chain) -> Definitions {
        let mut definitions = Definitions::default();
        for item in &file.items {
            let ast::ItemKind::Extends { path } = &item.kind else { continue };
            let message = format!("`{}` extends itself, directly or through others", path.value);
            let ring = Diagnostic::error(Code::EXTENDS_CYCLE, path.span, message)
                .help("move the shared part into a third file");
            let target = named(self.sources, path.span, &path.value);
            if let Some((_, file)) = self.open(Named { name: &path.value, path: target, span: path.span, ring, chain })
            {
                definitions = self.with_base(file, chain);
                chain.pop();
            }
        }
        self.lines += file.items.iter().map(lines).sum::<usize>();
        if self.lines > MAX_LINES {
            let whole = file.items.last().map_or(file.span, |last| last.span);
            let message =
                format!("a recipe has at most {MAX_LINES} definitions, entries and stages, this one has more");
            self.diagnostics.push(Diagnostic::error(Code::TOO_LARGE, whole, message));
            return definitions;
        }
        definitions.add_file(&file, self.diagnostics);
        for branch in &mut definitions.branches {
            if let BranchBody::Derived(value) = &mut branch.body {
                anchor(value, self.sources);
            }
        }
        definitions.starts.iter_mut().for_each(|item| start::anchor(&mut item.value, self.sources));
        definitions
    }

    /// Reads a file that another names, unless it leads to itself, and adds it to the chain.
    fn open(&mut self, named: Named) -> Option<(FileId, ast::File)> {
        let Named { name, path, span, ring, chain } = named;
        let known = self.canonical(Some(&path));
        if known.is_some() && chain.contains(&known) {
            self.diagnostics.push(ring);
            return None;
        }
        self.files += 1;
        if self.files > MAX_FILES {
            let message = format!("a recipe is put together from at most {MAX_FILES} files, this one takes more");
            self.diagnostics.push(Diagnostic::error(Code::TOO_LARGE, span, message));
            return None;
        }
        match add_recipe(self.sources, &path, Sources::read) {
            Ok(id) => {
                let file = self.named_recipe(id, span)?;
                chain.push(known);
                Some((id, file))
            }
            Err(error) => {
                self.diagnostics.push(unreadable(name, &path, span, &error));
                None
            }
        }
    }

    /// The tree of a file that another names at `span`. Of a file that does not even begin as a recipe nothing is quoted: it may be
    /// anything.
    fn named_recipe(&mut self, id: FileId, span: Span) -> Option<ast::File> {
        let before = self.diagnostics.len();
        let file = self.parse(id);
        let wrong = self.diagnostics[before..].iter().filter_map(Diagnostic::span).map(|s| s.start).min();
        let begun = file.items.first().map_or(0, |first| first.span.end);
        let Some(wrong) = wrong.filter(|wrong| *wrong < begun.max(1) || file.items.is_empty()) else {
            return Some(file);
        };
        self.diagnostics.truncate(before);
        let source = self.sources.get(id);
        let (line, column) = source.line_column(wrong as usize);
        let message = format!(
            "`{}` is not a recipe: no statement begins with what stands at line {line}, column {column}",
            source.name
        );
        let help = "check the path; `sslrun check` of that file shows what is wrong with it";
        self.diagnostics.push(Diagnostic::error(Code::UNREADABLE_FILE, span, message).help(help));
        None
    }

    fn parse(&mut self, id: FileId) -> ast::File {
        let (file, found) = syntax::parse(id, &self.sources.get(id).text);
        self.diagnostics.extend(found);
        file
    }

    fn path(&self, id: FileId) -> Option<PathBuf> {
        self.canonical(self.sources.get(id).path())
    }

    /// What a file is known by, whatever path leads to it.
    fn canonical(&self, path: Option<&Path>) -> Option<PathBuf> {
        let path = path?;
        match is_built_in(path) || self.sources.holds(path) {
            true => Some(path.to_owned()),
            false => path.canonicalize().ok(),
        }
    }
}

/// What is said of a file that cannot be read, though another names it at `span`.
fn unreadable(name: &str, path: &Path, span: Span, error: &std::io::Error) -> Diagnostic {
    let neither = word(Path::new(name)).is_some() && error.kind() == std::io::ErrorKind::NotFound;
    let message = match neither {
        true => format!("there is neither a built-in recipe `{name}` nor a file `{}`", path.display()),
        false => format!("cannot read `{}`: {error}", path.display()),
    };
    let relative = "the path is relative to the file it is written in";
    let help = built_in_hint(Path::new(name)).map_or_else(|| relative.to_owned(), |hint| format!("{relative}; {hint}"));
    Diagnostic::error(Code::UNREADABLE_FILE, span, message).help(help)
}

/// How many definitions, entries, stages, views and parameters a statement has.
fn lines(item: &ast::Item) -> usize {
    use ast::ItemKind::{Branch, Evaluate, Expect, Input, Let, Loss, Omit, Train, Views};
    match &item.kind {
        Views { entries } => entries.iter().map(|e| e.names.len()).sum::<usize>() + 1,
        Branch { stages, .. } => stages.len() + 1,
        Loss { entries } | Train { entries } | Evaluate { entries } => {
            entries.iter().map(entry_lines).sum::<usize>() + 1
        }
        Expect { conditions } => conditions.len() + 1,
        Input { shape, .. } => shape.len() + 1,
        Omit { path } => path.len() + 1,
        Let(definition) => let_lines(definition),
        _ => 1,
    }
}

fn entry_lines(entry: &ast::Entry) -> usize {
    match &entry.value {
        ast::EntryValue::Expr(_) => 1,
        ast::EntryValue::Block(entries) => entries.iter().map(entry_lines).sum::<usize>() + 1,
    }
}

fn let_lines(definition: &ast::Let) -> usize {
    let params = definition.params.as_ref().map_or(0, Vec::len);
    definition.lets.iter().map(let_lines).sum::<usize>() + params + 1
}
