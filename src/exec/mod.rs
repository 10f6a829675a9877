//! A training step on candle, by either engine.

pub mod candle;
mod engine;
mod error;
mod evaluator;
mod init;
mod memory;
pub mod planned;
mod real;
mod room;
mod site;

pub use engine::{Culprit, Engine, EngineKind, Feed, Spent, engine};
pub use error::ExecError;
pub use evaluator::PlannedEvaluator;
pub use memory::{Binding, Memory};
pub use real::Real;
pub use room::claim;
pub use site::Phase;
