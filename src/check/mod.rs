//! From syntax tree to checked recipe: names, imports, overrides, types, shapes, and the graph they make.

mod arithmetic;
mod bind;
mod blocks;
mod branch;
mod calls;
mod checker;
mod definitions;
mod derive;
mod eval;
mod fields;
mod library;
mod lists;
mod load;
mod logic;
mod masks;
mod module;
mod operands;
mod optimizers;
mod overrides;
mod recipe;
mod run;
mod schedules;
mod scope;
mod state;
mod tables;
mod text;
mod typed;
mod unused;
mod value;
mod views;
mod vocabulary;

pub use bind::signature;
pub use library::LIBRARY;
pub use recipe::{Branch, Encoder, Evaluate, Expectation, Loss, Recipe, Term, Train, View};
pub use run::{Options, Outcome, check};
pub use vocabulary::vocabulary;
