//! Checks the sizes of tensors: none may be too large for any memory, and none empty where something is computed from it.

use super::budget::MAX_ELEMENTS;
use super::checker::Checker;
use crate::diag::{Code, Diagnostic};
use crate::graph::ops::movement::CONCAT;
use crate::graph::{Dim, Graph, NodeId, Shape};
use crate::source::Span;

/// Reports tensors that no machine could hold, and those without elements, each place once.
pub(super) fn report(checker: &mut Checker) {
    let batch = checker.batch.map(|n| n as i64);
    let size = |symbol: &str| if symbol == "N" { batch } else { None };
    let graph = &checker.graph;
    let whole = checker.definitions.span;
    let params = graph.params.iter().map(|p| (Shape::of(&p.shape), p.span));
    let states = graph.states.iter().map(|s| (s.shape.clone(), s.span));
    let mut found: Vec<(Span, Diagnostic)> = Vec::new();
    let mut tell = |span: Option<Span>, message: String, help: &str| {
        if let Some(span) = span.or(whole).filter(|span| found.iter().all(|(at, _)| at != span)) {
            found.push((span, Diagnostic::error(Code::TOO_LARGE, span, message).help(help)));
        }
    };
    // What is computed of something too large is too large for its sake.
    let large = |shape: &Shape| elements(shape, &size).filter(|count| *count > MAX_ELEMENTS);
    let first = |inputs: &[NodeId]| inputs.iter().all(|input| large(graph.shape(*input)).is_none());
    let nodes = graph.nodes().filter(|(_, n)| first(&n.inputs)).map(|(_, n)| (n.ty.shape.clone(), n.span));
    for (shape, span) in params.chain(states).chain(nodes) {
        if let Some(count) = large(&shape) {
            let held = if count == i64::MAX { "more than 2^63".to_owned() } else { count.to_string() };
            let message = format!("a tensor {shape} has {held} elements; the most there can be are 2^40");
            tell(span, message, "choose smaller sizes: 2^40 numbers take 4 TiB");
        }
    }
    for (shape, span) in empty(graph, &size) {
        let by_batch = shape.0.iter().any(|d| d.symbols().contains(&"N"));
        let of = batch.filter(|_| by_batch).map_or_else(String::new, |n| format!(" for a batch of {n}"));
        let what = match shape.0.iter().any(|d| d.eval(&size).is_some_and(|n| n < 0)) {
            true => "which has a size below 0",
            false => "which has no element",
        };
        tell(span, format!("this is computed from a tensor {shape}, {what}{of}"), "leave at least one in it");
    }
    for (_, diagnostic) in found {
        checker.report(diagnostic);
    }
}

/// How many elements a shape has; `i64::MAX` where they are more than can be counted, nothing where a size is not known.
fn elements(shape: &Shape, size: &dyn Fn(&str) -> Option<i64>) -> Option<i64> {
    let dims = shape.0.iter().map(|d| d.eval(size)).collect::<Option<Vec<i64>>>()?;
    Some(dims.into_iter().fold(1i64, |product, d| product.saturating_mul(d.max(0))))
}

/// Shapes without an element that something is computed from, other than a concatenation, which may have an empty part.
fn empty(graph: &Graph, size: &dyn Fn(&str) -> Option<i64>) -> Vec<(Shape, Option<Span>)> {
    let is_empty = |shape: &Shape| shape.0.iter().any(|d: &Dim| d.eval(size).is_some_and(|n| n <= 0));
    let users = graph.nodes().filter(|(_, node)| !node.is(&CONCAT));
    let inputs = users.flat_map(|(_, node)| node.inputs.iter().map(|i| (graph.shape(*i), node.span)));
    inputs.filter(|(shape, _)| is_empty(shape)).map(|(shape, span)| (shape.clone(), span)).collect()
}
