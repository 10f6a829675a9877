//! Tensors in files: safetensors, read and written through a buffer, so that no second copy of the numbers is held. A digest of the whole
//! in the header tells a file that was damaged from what was written.

mod contents;
mod digest;
mod file;
mod header;

pub use contents::{Contents, Numbers, Tensor};
pub use file::{OpenTensors, TensorFile};
