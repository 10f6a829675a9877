//! Warns of definitions and settings that nothing uses.

use super::checker::Checker;
use super::scope::Home;
use crate::diag::{Code, Diagnostic};
use crate::source::{FileId, Span};

/// Warns of every definition and stage of the file `root` that nothing uses. Values among them are still checked.
pub(super) fn report(checker: &mut Checker, root: FileId) {
    let definitions = checker.definitions;
    let names = definitions.names().filter(|n| n.span.file == root && !checker.used.contains(&n.text));
    let mut unused: Vec<(String, Span)> = names.map(|n| (n.text.clone(), n.span)).collect();
    let whole_branches: Vec<String> = unused.iter().map(|(name, _)| name.clone()).collect();
    let stages = checker.branches.declared_stages();
    unused.extend(stages.into_iter().filter(|(path, span)| {
        let branch = path.split('.').next().unwrap_or_default();
        span.file == root && !checker.used.contains(path) && !whole_branches.iter().any(|b| b == branch)
    }));
    for definition in &definitions.lets {
        if whole_branches.contains(&definition.name.text) {
            // Its own faults are reported; its value is not needed.
            let _ = checker.global(Home::Recipe, &definition.name.text, definition.span);
        }
    }
    for (name, span) in unused {
        let message = format!("nothing uses `{name}`");
        checker.report(Diagnostic::warning(Code::UNUSED, span, message).help("use it, or drop it"));
    }
}

/// Warns of a wish to compute blocks again where there is none.
pub(super) fn report_recompute(checker: &mut Checker) {
    let entry = checker.definitions.train.iter().find(|entry| entry.name.text == "recompute");
    if let (Some(entry), true) = (entry, checker.graph.blocks.is_empty()) {
        let help = "only ViTs and ResNets are made of blocks; drop the entry";
        let message = "`recompute` has no effect: the recipe has no blocks";
        checker.report(Diagnostic::warning(Code::UNUSED, entry.span, message).help(help));
    }
}
