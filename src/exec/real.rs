//! The element types a step can be computed in.

use candle_core::{CpuStorage, WithDType};

/// A floating-point type of tensors in memory: f32 for training, f64 for tests of gradients.
pub trait Real: WithDType {
    /// The numbers of a candle storage, if they are of this type.
    fn slice_mut(storage: &mut CpuStorage) -> Option<&mut [Self]>;
}

impl Real for f32 {
    fn slice_mut(storage: &mut CpuStorage) -> Option<&mut [f32]> {
        if let CpuStorage::F32(values) = storage { Some(values) } else { None }
    }
}

impl Real for f64 {
    fn slice_mut(storage: &mut CpuStorage) -> Option<&mut [f64]> {
        if let CpuStorage::F64(values) = storage { Some(values) } else { None }
    }
}
