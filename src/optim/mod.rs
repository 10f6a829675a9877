//! Optimizers, rules for groups of parameters, clipping and moving averages of parameters.
//!
//! Everything works on plain slices of one parameter at a time; who owns the memory is the trainer's business.
//! A new optimizer is one file here with its entry, and a line in [`OPTIMIZERS`] and [`build`].

mod adamw;
mod clip;
mod depth;
mod ema;
mod lars;
mod owners;
mod rules;
mod sgd;
mod update;

pub use adamw::AdamW;
pub use clip::{CLIP_EACH, CLIP_NORM, Clip, norm};
pub use ema::ema_update;
pub use lars::Lars;
pub use owners::{Owner, claims, owner};
pub use rules::{GroupSettings, RULE, Rule, Selector};
pub use sgd::Sgd;
pub use update::{Optimizer, ParamInfo, StepInfo, by_stretches};

pub use crate::graph::ParamKind;

use crate::catalog::{Config, Entry};
use crate::kernels::Elem;

/// Every optimizer of the language.
pub static OPTIMIZERS: &[&Entry] = &[&sgd::ENTRY, &adamw::ENTRY, &lars::ENTRY];

/// Every rule about parameters and their gradients.
pub static RULES: &[&Entry] = &[&RULE, &CLIP_NORM, &CLIP_EACH];

/// The optimizer a checked call describes; an error says which argument is wrong.
pub fn build<T: Elem>(config: &Config) -> Result<Box<dyn Optimizer<T>>, String> {
    if config.is(&sgd::ENTRY) {
        Ok(Box::new(Sgd::from_config(config)))
    } else if config.is(&adamw::ENTRY) {
        Ok(Box::new(AdamW::from_config(config)?))
    } else if config.is(&lars::ENTRY) {
        Ok(Box::new(Lars::from_config(config)))
    } else {
        Err(format!("`{}` is not an optimizer", config.name()))
    }
}
