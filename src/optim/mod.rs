//! Optimizers and rules for groups of parameters.
