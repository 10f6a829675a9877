//! From syntax tree to checked recipe: names, imports, overrides, types, shapes, and the graph they make.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a value or an expression is asked whether it is of one kind; all others are reported"
)]

mod arithmetic;
mod average;
mod begun;
mod bind;
mod blocks;
mod branch;
mod branches;
mod budget;
mod builtin;
mod calls;
mod checker;
mod columns;
mod definitions;
mod derive;
mod eval;
mod fields;
mod frozen;
mod judged;
mod kept;
mod labels;
mod library;
mod lists;
mod load;
mod logic;
mod masks;
mod module;
mod operands;
mod optimizers;
mod overrides;
mod pairs;
mod recipe;
mod resolve;
mod run;
mod schedules;
mod scope;
mod sizes;
mod start;
mod state;
mod tables;
mod text;
mod typed;
mod unused;
mod value;
mod views;
mod vocabulary;

pub use begun::begun_from;
pub use bind::signature;
pub use builtin::{RECIPES, add_recipe, built_in, built_in_hint, names as built_in_names, word};
pub use library::library_files;
pub use recipe::{
    Best, Branch, Derivation, Encoder, Evaluate, Expectation, Frozen, Judged, Loss, Pair, Recipe, Started, Term, Train,
    View, Weights,
};
pub use run::{Options, Outcome, check, data_set};
pub use start::start_override;
pub use vocabulary::vocabulary;
