//! From syntax tree to checked recipe: names, imports, overrides, types, shapes, and the graph they make.

mod recipe;

pub use recipe::{Branch, Encoder, Evaluate, Expectation, Loss, Recipe, Term, Train, View};
