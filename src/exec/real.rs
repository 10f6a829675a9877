//! The element types a step can be computed in.

use crate::kernels::Elem;
use candle_core::{CpuStorage, DType, Device, Result, Shape, Tensor};

/// A floating-point type of tensors in memory: f32 for training, f64 for tests of gradients.
pub trait Real: Elem {
    /// What candle calls it.
    const DTYPE: DType;

    /// A candle tensor of these numbers.
    fn tensor(values: Vec<Self>, shape: impl Into<Shape>) -> Result<Tensor>;

    /// The numbers of a candle storage, if they are of this type.
    fn slice(storage: &CpuStorage) -> Option<&[Self]>;

    /// The same, to be changed in place.
    fn slice_mut(storage: &mut CpuStorage) -> Option<&mut [Self]>;
}

macro_rules! real {
    ($type:ident, $name:ident) => {
        impl Real for $type {
            const DTYPE: DType = DType::$name;

            fn tensor(values: Vec<Self>, shape: impl Into<Shape>) -> Result<Tensor> {
                Tensor::from_vec(values, shape.into(), &Device::Cpu)
            }

            fn slice(storage: &CpuStorage) -> Option<&[Self]> {
                if let CpuStorage::$name(values) = storage { Some(values) } else { None }
            }

            fn slice_mut(storage: &mut CpuStorage) -> Option<&mut [Self]> {
                if let CpuStorage::$name(values) = storage { Some(values) } else { None }
            }
        }
    };
}

real!(f32, F32);
real!(f64, F64);
