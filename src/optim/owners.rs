//! Which optimizer updates which parameter, where there are several.

use super::rules::Selector;
use crate::catalog::{Config, Param, ParamType};
use crate::graph::ParamKind;

/// The argument of every optimizer that says which parameters are its own.
pub(super) const ON: Param = Param::optional(
    "on",
    ParamType::Selector,
    "none",
    "Where there are several optimizers, the parameters this one updates: a kind, a branch, a stage, or a list. \
     The one without it updates all that no other names.",
);

/// The optimizers that claim one parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The one that updates it, by its place.
    One(usize),
    /// None does.
    Nobody,
    /// Two do, by their places.
    Two(usize, usize),
}

/// What an optimizer names as its own; nothing where it takes what is left.
pub fn claims(optimizer: &Config) -> Vec<Selector> {
    Selector::list(optimizer.arg("on"))
}

/// Who updates the parameter of that path and kind.
pub fn owner(optimizers: &[Config], path: &str, kind: ParamKind) -> Owner {
    let claimed = |o: &Config| claims(o).iter().any(|s| s.matches(path, kind));
    let mut by: Vec<usize> = (0..optimizers.len()).filter(|&i| claimed(&optimizers[i])).collect();
    if by.is_empty() {
        by = (0..optimizers.len()).filter(|&i| claims(&optimizers[i]).is_empty()).collect();
    }
    match by[..] {
        [] => Owner::Nobody,
        [one] => Owner::One(one),
        [a, b, ..] => Owner::Two(a, b),
    }
}
