//! A training step on candle, by either engine.

mod engine;
mod error;
mod init;
mod memory;
pub mod planned;
mod real;

pub use engine::{Engine, EngineKind, Feed, Spent, engine};
pub use error::ExecError;
pub use memory::{Binding, Memory};
pub use real::Real;
