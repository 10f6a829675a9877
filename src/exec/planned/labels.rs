//! Labels, held to the classes there are.

use super::lowering::{Kernel, Lowering};
use crate::exec::Real;
use crate::graph::ops::labels;
use crate::kernels;

/// Every operation of this family.
pub fn lowerings<T: Real>() -> Vec<Lowering<T>> {
    vec![(&labels::CLASS_LABEL, |site| {
        let (dims, classes) = (site.input(0), site.dim("classes"));
        Kernel::fallible(move |x, y| kernels::class_labels(x[0], &dims, classes, y).map_err(|e| e.to_string()))
    })]
}
