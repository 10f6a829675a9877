//! Checks that what is compared with the labels has an output for every class of the data set.

use super::checker::Checker;
use crate::diag::{Code, Diagnostic};

/// Reports targets that have fewer classes than the data set, whose labels then fit nowhere.
pub(super) fn report(checker: &mut Checker) {
    let Some(classes) = checker.views.facts.as_ref().and_then(|facts| facts.classes) else { return };
    let Some((id, room)) = checker.graph.too_few_classes(classes) else { return };
    let Some(span) = checker.graph.node(id).span.or(checker.definitions.span) else { return };
    let message = format!("the data set has {classes} classes, but this has outputs for {room} only");
    let help = format!("give what is compared with the labels {classes} outputs, as in `linear({classes})`");
    checker.report(Diagnostic::error(Code::SHAPE_MISMATCH, span, message).help(help));
}
