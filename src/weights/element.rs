//! The types of numbers that files of weights hold.

use half::{bf16, f16};

/// A type of number, little-endian in files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// A truth value, 0 or 1.
    Bool,
    /// 8 bits without a sign.
    U8,
    /// 8 bits.
    I8,
    /// 16 bits without a sign.
    U16,
    /// 16 bits.
    I16,
    /// 32 bits without a sign.
    U32,
    /// 32 bits.
    I32,
    /// 64 bits without a sign.
    U64,
    /// 64 bits.
    I64,
    /// Half precision.
    F16,
    /// Half precision with the range of single precision.
    Bf16,
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

impl Element {
    /// How many bytes a number has.
    pub fn size(self) -> usize {
        match self {
            Element::Bool | Element::U8 | Element::I8 => 1,
            Element::U16 | Element::I16 | Element::F16 | Element::Bf16 => 2,
            Element::U32 | Element::I32 | Element::F32 => 4,
            Element::U64 | Element::I64 | Element::F64 => 8,
        }
    }

    /// The type of that name in safetensors.
    pub(super) fn of_safetensors(dtype: safetensors::Dtype) -> Option<Self> {
        use safetensors::Dtype;
        Some(match dtype {
            Dtype::BOOL => Element::Bool,
            Dtype::U8 => Element::U8,
            Dtype::I8 => Element::I8,
            Dtype::U16 => Element::U16,
            Dtype::I16 => Element::I16,
            Dtype::U32 => Element::U32,
            Dtype::I32 => Element::I32,
            Dtype::U64 => Element::U64,
            Dtype::I64 => Element::I64,
            Dtype::F16 => Element::F16,
            Dtype::BF16 => Element::Bf16,
            Dtype::F32 => Element::F32,
            Dtype::F64 => Element::F64,
            _ => return None,
        })
    }

    /// The type of PyTorch's storage of that name.
    pub(super) fn of_storage(class: &str) -> Option<Self> {
        Some(match class {
            "BoolStorage" => Element::Bool,
            "ByteStorage" => Element::U8,
            "CharStorage" => Element::I8,
            "ShortStorage" => Element::I16,
            "IntStorage" => Element::I32,
            "LongStorage" => Element::I64,
            "HalfStorage" => Element::F16,
            "BFloat16Storage" => Element::Bf16,
            "FloatStorage" => Element::F32,
            "DoubleStorage" => Element::F64,
            _ => return None,
        })
    }

    /// The number that begins `bytes`.
    fn number(self, bytes: &[u8]) -> f32 {
        fn first<const N: usize>(bytes: &[u8]) -> [u8; N] {
            bytes.first_chunk().copied().unwrap_or([0; N])
        }
        match self {
            Element::Bool => f32::from(u8::from(bytes[0] != 0)),
            Element::U8 => f32::from(bytes[0]),
            Element::I8 => f32::from(i8::from_le_bytes(first(bytes))),
            Element::U16 => f32::from(u16::from_le_bytes(first(bytes))),
            Element::I16 => f32::from(i16::from_le_bytes(first(bytes))),
            Element::U32 => u32::from_le_bytes(first(bytes)) as f32,
            Element::I32 => i32::from_le_bytes(first(bytes)) as f32,
            Element::U64 => u64::from_le_bytes(first(bytes)) as f32,
            Element::I64 => i64::from_le_bytes(first(bytes)) as f32,
            Element::F16 => f16::from_le_bytes(first(bytes)).to_f32(),
            Element::Bf16 => bf16::from_le_bytes(first(bytes)).to_f32(),
            Element::F32 => f32::from_le_bytes(first(bytes)),
            Element::F64 => f64::from_le_bytes(first(bytes)) as f32,
        }
    }

    /// The numbers of a tensor, row-major, that lie in `bytes` at those strides, which have been found to fit.
    pub(super) fn gather(self, bytes: &[u8], shape: &[usize], strides: &[usize]) -> Vec<f32> {
        let count = shape.iter().product();
        let mut at = vec![0usize; shape.len()];
        let mut numbers = Vec::with_capacity(count);
        for _ in 0..count {
            let place: usize = at.iter().zip(strides).map(|(i, stride)| i * stride).sum();
            numbers.push(self.number(&bytes[place * self.size()..]));
            for d in (0..shape.len()).rev() {
                at[d] += 1;
                if at[d] < shape[d] {
                    break;
                }
                at[d] = 0;
            }
        }
        numbers
    }
}
