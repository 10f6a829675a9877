//! Every word of the language, gathered from the rooms that define them.

use super::value::Value;
use super::{blocks, derive, lists, module, schedules, start, state};
use crate::catalog::{Entry, Kind};
use crate::{data, eval, graph, nn, optim};

/// Every word, in the order of kinds.
pub fn vocabulary() -> Vec<&'static Entry> {
    let mut all: Vec<&'static Entry> = Vec::new();
    all.extend(graph::ops::FUNCTIONS.iter().flat_map(|family| family.iter()).map(|f| &f.entry));
    all.extend(lists::LIST_FUNCTIONS.iter().map(|f| &f.entry));
    all.extend(nn::LAYERS.iter().map(|l| &l.entry));
    all.push(&module::RESIDUAL);
    all.extend(data::augment::AUGMENTATIONS.iter().map(|a| &a.entry));
    all.push(&data::mask::ENTRY);
    all.extend(data::mask::KINDS.iter().map(|m| &m.entry));
    all.extend(optim::OPTIMIZERS.iter().copied());
    all.extend(schedules::SCHEDULES);
    all.extend(data::sets::SETS.iter().map(|s| &s.entry));
    all.extend(eval::PROBES.iter().map(|p| p.entry));
    all.extend(derive::DERIVATIONS);
    all.push(&start::WEIGHTS);
    all.extend(state::STATES);
    all.extend(optim::RULES);
    all.extend(blocks::BLOCKS);
    all
}

/// The words of one kind.
pub(super) fn words(kind: Kind) -> impl Iterator<Item = &'static Entry> {
    vocabulary().into_iter().filter(move |e| e.kind == kind)
}

/// The word of that name and kind.
pub(super) fn word(name: &str, kind: Kind) -> Option<&'static Entry> {
    words(kind).find(|e| e.name == name)
}

/// A word of that kind, for messages.
pub(super) fn example(kind: Kind) -> &'static str {
    words(kind).next().map_or("word", |e| e.name)
}

/// The names that mean something in an expression.
pub(super) fn expression_words() -> impl Iterator<Item = &'static str> {
    let kinds = [Kind::Operation, Kind::Layer, Kind::Augmentation, Kind::Schedule];
    vocabulary().into_iter().filter(move |e| kinds.contains(&e.kind)).map(|e| e.name).chain([INFINITY])
}

/// The word for a number that is larger than any other.
pub(super) const INFINITY: &str = "infinity";

/// What a word means in an expression.
pub(super) fn value(name: &str) -> Option<Value> {
    if name == INFINITY {
        return Some(Value::Number(f64::INFINITY));
    }
    if let Some(function) = graph::ops::FUNCTIONS.iter().flat_map(|family| family.iter()).find(|f| f.entry.name == name)
    {
        return Some(Value::Operation(function));
    }
    if let Some(function) = lists::LIST_FUNCTIONS.iter().find(|f| f.entry.name == name) {
        return Some(Value::ListFunction(function));
    }
    [Kind::Layer, Kind::Augmentation, Kind::Schedule].into_iter().find_map(|kind| word(name, kind)).map(Value::Word)
}
