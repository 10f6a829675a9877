//! Reads a recipe and everything it extends.

use super::definitions::{BranchBody, Definitions};
use super::frozen::{Import, anchor, folder, imported_recipe};
use crate::diag::{Code, Diagnostic};
use crate::source::{FileId, Sources};
use crate::syntax::{self, ast};
use std::path::{Path, PathBuf};

/// The definitions of a file on top of those of the file it extends.
pub(super) fn load(sources: &mut Sources, root: FileId, diagnostics: &mut Vec<Diagnostic>) -> Definitions {
    let mut chain = vec![canonical(sources.get(root).path.as_deref())];
    load_file(sources, root, &mut chain, diagnostics)
}

fn load_file(
    sources: &mut Sources,
    id: FileId,
    chain: &mut Vec<Option<PathBuf>>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Definitions {
    let text = sources.get(id).text.clone();
    let (file, found) = syntax::parse(id, &text);
    diagnostics.extend(found);
    let mut definitions = Definitions::default();
    for item in &file.items {
        if let ast::ItemKind::Extends { path } = &item.kind
            && let Some(base) = open_base(sources, id, path, chain, diagnostics)
        {
            definitions = load_file(sources, base, chain, diagnostics);
            chain.pop();
        }
    }
    definitions.add_file(&file, diagnostics);
    for branch in &mut definitions.branches {
        if let BranchBody::Derived(value) = &mut branch.body {
            anchor(value, sources);
        }
    }
    definitions
}

/// Reads the recipes that branches are frozen from, and theirs.
pub(super) fn imports(
    sources: &mut Sources,
    definitions: &mut Definitions,
    chain: &mut Vec<Option<PathBuf>>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    for branch in definitions.branches.clone() {
        let BranchBody::Derived(value) = &branch.body else { continue };
        let Some((file, span)) = imported_recipe(value) else { continue };
        let path = folder(sources, span).join(file);
        let known = canonical(Some(&path));
        if known.is_some() && chain.contains(&known) {
            let message =
                format!("`{}` is frozen from what it helps to train, directly or through others", branch.name.text);
            diagnostics.push(
                Diagnostic::error(Code::RECURSION, span, message)
                    .help("a frozen branch comes from a recipe that can be trained before this one"),
            );
            continue;
        }
        match sources.read(&path) {
            Ok(id) => {
                chain.push(known);
                let mut inner = load_file(sources, id, &mut vec![canonical(Some(&path))], diagnostics);
                imports(sources, &mut inner, chain, diagnostics);
                chain.pop();
                definitions.imports.push(Import { branch: branch.name.text, path, definitions: inner });
            }
            Err(error) => {
                let message = format!("cannot read `{}`: {error}", path.display());
                let help = "the path is relative to the file it is written in";
                diagnostics.push(Diagnostic::error(Code::UNREADABLE_FILE, span, message).help(help));
            }
        }
    }
}

/// Reads the file that `extends` names, relative to the file it stands in.
fn open_base(
    sources: &mut Sources,
    from: FileId,
    path: &ast::Text,
    chain: &mut Vec<Option<PathBuf>>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<FileId> {
    let folder = sources.get(from).path.as_deref().and_then(Path::parent).unwrap_or(Path::new("."));
    let target = folder.join(&path.value);
    let known = canonical(Some(&target));
    if known.is_some() && chain.contains(&known) {
        let message = format!("`{}` extends itself, directly or through others", path.value);
        diagnostics.push(
            Diagnostic::error(Code::EXTENDS_CYCLE, path.span, message).help("let the shared part be a third file"),
        );
        return None;
    }
    match sources.read(&target) {
        Ok(id) => {
            chain.push(known);
            Some(id)
        }
        Err(error) => {
            let message = format!("cannot read `{}`: {error}", target.display());
            let help = "the path is relative to the file it is written in";
            diagnostics.push(Diagnostic::error(Code::UNREADABLE_FILE, path.span, message).help(help));
            None
        }
    }
}

pub(super) fn canonical(path: Option<&Path>) -> Option<PathBuf> {
    path.and_then(|p| p.canonicalize().ok())
}
