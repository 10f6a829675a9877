//! The header of a safetensors file: what tensors it holds, where, and what else is said of them.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use safetensors::SafeTensorError;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::Deserialize;

/// The longest header, as the safetensors packages have it.
const LONGEST: u64 = 100_000_000;
/// The bytes of its length, which come first.
const LENGTH: u64 = 8;

/// A header.
#[derive(Debug)]
pub(super) struct Header {
    /// The beginning of the file: the length of what follows, and that.
    pub bytes: Vec<u8>,
    /// What is said besides the tensors.
    pub said: HashMap<String, String>,
    /// The tensors by their names.
    pub tensors: BTreeMap<String, TensorInfo>,
}

/// A header as it is written.
#[derive(Deserialize)]
struct Written {
    #[serde(rename = "__metadata__")]
    said: Option<HashMap<String, String>>,
    #[serde(flatten)]
    tensors: HashMap<String, TensorInfo>,
}

impl Header {
    /// Reads the header of a file of so many bytes, which must be as many as it speaks of.
    pub fn read(mut file: impl Read, size: u64) -> Result<Self, SafeTensorError> {
        let mut bytes = Vec::new();
        file.by_ref().take(LENGTH).read_to_end(&mut bytes)?;
        let length: [u8; LENGTH as usize] = bytes.as_slice().try_into().map_err(|_| SafeTensorError::HeaderTooSmall)?;
        let length = u64::from_le_bytes(length);
        if length > LONGEST {
            return Err(SafeTensorError::HeaderTooLarge);
        }
        file.take(length).read_to_end(&mut bytes)?;
        if bytes.len() as u64 != LENGTH + length {
            return Err(SafeTensorError::InvalidHeaderLength);
        }
        let text = std::str::from_utf8(&bytes[LENGTH as usize..]).map_err(SafeTensorError::InvalidHeader)?;
        let written: Written = serde_json::from_str(text).map_err(SafeTensorError::InvalidHeaderDeserialization)?;
        let mut tensors: Vec<_> = written.tensors.into_iter().collect();
        tensors.sort_by_key(|(_, info)| info.data_offsets);
        let whole = Metadata::new(None, tensors.clone())?;
        if bytes.len() as u64 + whole.data_len() as u64 != size {
            return Err(SafeTensorError::MetadataIncompleteBuffer);
        }
        Ok(Self { bytes, said: written.said.unwrap_or_default(), tensors: tensors.into_iter().collect() })
    }

    /// The beginning of a file that holds these tensors, in their order, with what else is to be said in the order of the keys: what is
    /// the same shall be the same to the bit.
    pub fn write(
        tensors: Vec<(String, TensorInfo)>,
        said: &BTreeMap<&str, String>,
    ) -> Result<Vec<u8>, SafeTensorError> {
        let mut text = serde_json::to_string(&Metadata::new(None, tensors)?)?;
        if !said.is_empty() {
            let comma = if text == "{}" { "" } else { "," };
            text = format!("{{\"__metadata__\":{}{comma}{}", serde_json::to_string(said)?, &text[1..]);
        }
        // Numbers begin at multiples of eight bytes.
        let length = text.len().next_multiple_of(LENGTH as usize);
        let mut bytes = (length as u64).to_le_bytes().to_vec();
        bytes.extend(text.bytes());
        bytes.resize(LENGTH as usize + length, b' ');
        Ok(bytes)
    }
}
