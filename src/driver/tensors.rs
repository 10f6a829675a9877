//! Tensors that others have written: safetensors of any type that holds real numbers.

use std::collections::HashMap;
use std::path::Path;

use candle_core::safetensors::Load;
use candle_core::{DType, Device, Error, Result, Tensor};
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use crate::source::open_file;
use crate::tensors::TensorFile;

/// The tensors of a safetensors file by name, as `f32` or `f64`; an error names the file and what of it cannot be read.
pub fn read_tensors(path: &Path) -> std::result::Result<HashMap<String, Tensor>, String> {
    let shown = path.display();
    let cannot = |e: &dyn std::fmt::Display| format!("cannot read {shown}: {e}");
    open_file(path).map_err(|e| cannot(&e))?;
    let file = TensorFile::open(path).map_err(|e| format!("{shown} is not a safetensors file: {e}"))?;
    let mut tensors = file.numbers().map_err(|e| cannot(&e))?;
    let mut read = |name: &str| {
        let (dtype, bytes) = tensors.bytes(name).map_err(|e| cannot(&e))?;
        let shape = file.shape(name).unwrap_or_default().to_vec();
        let view = TensorView::new(dtype, shape, &bytes).map_err(Error::wrap);
        let tensor = view.and_then(|view| real(&view));
        tensor.map(|t| (name.to_owned(), t)).map_err(|e| format!("`{name}` in {shown} cannot be read: {e}"))
    };
    file.names().map(&mut read).collect()
}

/// A tensor as real numbers; truth values are 0 and 1.
#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "a list of types that may become longer: what is not read is reported"
)]
fn real(view: &TensorView) -> Result<Tensor> {
    match view.dtype() {
        Dtype::BOOL => whole(view, |[byte]| f64::from(u8::from(byte != 0))),
        Dtype::U8 => whole(view, |bytes| f64::from(u8::from_le_bytes(bytes))),
        Dtype::I8 => whole(view, |bytes| f64::from(i8::from_le_bytes(bytes))),
        Dtype::U16 => whole(view, |bytes| f64::from(u16::from_le_bytes(bytes))),
        Dtype::I16 => whole(view, |bytes| f64::from(i16::from_le_bytes(bytes))),
        Dtype::U32 => whole(view, |bytes| f64::from(u32::from_le_bytes(bytes))),
        Dtype::I32 => whole(view, |bytes| f64::from(i32::from_le_bytes(bytes))),
        Dtype::U64 => whole(view, |bytes| u64::from_le_bytes(bytes) as f64),
        Dtype::I64 => whole(view, |bytes| i64::from_le_bytes(bytes) as f64),
        Dtype::F16 | Dtype::BF16 | Dtype::F8_E4M3 => view.load(&Device::Cpu)?.to_dtype(DType::F32),
        Dtype::F32 | Dtype::F64 => view.load(&Device::Cpu),
        other => Err(Error::Msg(format!("it is of type {other:?}; write it as float32"))),
    }
}

/// Numbers of that many bytes each.
fn whole<const BYTES: usize>(view: &TensorView, number: impl Fn([u8; BYTES]) -> f64) -> Result<Tensor> {
    let numbers: Vec<f64> = view.data().as_chunks::<BYTES>().0.iter().map(|bytes| number(*bytes)).collect();
    Tensor::from_vec(numbers, view.shape(), &Device::Cpu)
}
