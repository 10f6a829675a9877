//! Labels, held to the classes there are.

use super::lowering::Lower;
use crate::graph::Operation;
use crate::graph::ops::labels;
use crate::kernels;
use candle_core::{DType, Error, Tensor};

/// Every operation of this family.
pub const LOWERINGS: &[(&Operation, Lower)] = &[(&labels::CLASS_LABEL, |site, x, _| {
    let labels: Vec<f64> = x[0].flatten_all()?.to_dtype(DType::F64)?.to_vec1()?;
    let mut seen = labels.clone();
    let held = kernels::class_labels(&labels, site.inputs[0], site.dim("classes"), &mut seen);
    held.map_err(|e| Error::Msg(e.to_string()))?;
    Ok(Tensor::clone(&x[0].detach()))
})];
