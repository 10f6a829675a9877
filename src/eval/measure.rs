//! What a look at the features measures: what each measure is called, and whether more of it is better.

/// A number that a look at the features finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// What it is called in metrics.
    pub name: &'static str,
    /// What it is called in a recipe.
    pub word: &'static str,
    /// Whether more of it is better.
    pub more: bool,
    /// Whether samples need labels for it.
    pub labels: bool,
    /// Whether it compares two views of a sample, as only the training has them.
    pub views: bool,
}

const fn measure(name: &'static str, word: &'static str, more: bool, labels: bool, views: bool) -> Measure {
    Measure { name, word, more, labels, views }
}

/// Every measure of a look, in the order in which they are taken.
pub const MEASURES: &[Measure] = &[
    measure("knn", "knn", true, true, false),
    measure("linear", "linear", true, true, false),
    measure("effective_rank", "rank", true, false, false),
    measure("std", "std", true, false, false),
    measure("alignment", "alignment", false, false, true),
    measure("uniformity", "uniformity", false, false, false),
];

impl Measure {
    /// The measure of that name or word.
    pub fn find(called: &str) -> Option<&'static Self> {
        MEASURES.iter().find(|m| m.name == called || m.word == called)
    }
}
