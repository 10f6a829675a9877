//! The element types a step can be computed in.

use crate::kernels::Elem;
use candle_core::{DType, Device, Result, Shape, Tensor};

/// A floating-point type of what is computed: f32 for training, f64 for tests of gradients.
pub trait Real: Elem {
    /// What candle calls it.
    const DTYPE: DType;

    /// A candle tensor of these numbers.
    fn tensor(values: &[Self], shape: impl Into<Shape>) -> Result<Tensor>;

    /// The numbers of a candle tensor of this type, row-major.
    fn numbers(tensor: &Tensor) -> Result<Vec<Self>>;
}

macro_rules! real {
    ($type:ident, $name:ident) => {
        impl Real for $type {
            const DTYPE: DType = DType::$name;

            fn tensor(values: &[Self], shape: impl Into<Shape>) -> Result<Tensor> {
                Tensor::from_slice(values, shape.into(), &Device::Cpu)
            }

            fn numbers(tensor: &Tensor) -> Result<Vec<Self>> {
                tensor.flatten_all()?.to_vec1()
            }
        }
    };
}

real!(f32, F32);
real!(f64, F64);
