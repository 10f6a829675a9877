//! Arrays as NumPy reads them: the `.npy` format, version 1.0.

/// An array of `f32`, row-major.
pub fn npy_f32(values: &[f32], shape: &[usize]) -> Vec<u8> {
    npy("<f4", shape, values.iter().flat_map(|v| v.to_le_bytes()))
}

/// An array of whole numbers, as `int64`.
pub fn npy_i64(values: &[i64], shape: &[usize]) -> Vec<u8> {
    npy("<i8", shape, values.iter().flat_map(|v| v.to_le_bytes()))
}

fn npy(kind: &str, shape: &[usize], bytes: impl Iterator<Item = u8>) -> Vec<u8> {
    // A comma behind each size, as Python writes a tuple of one.
    let sizes: String = shape.iter().map(|n| format!("{n},")).collect();
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({sizes}), }}");
    // Magic, version, length and header together are a multiple of 64 bytes long, and end in a line feed.
    const BEFORE: usize = 10;
    let length = (BEFORE + header.len() + 1).next_multiple_of(64) - BEFORE;
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((length as u16).to_le_bytes());
    out.extend(format!("{header:<width$}\n", width = length - 1).bytes());
    out.extend(bytes);
    out
}
