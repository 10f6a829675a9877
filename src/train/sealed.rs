//! Safetensors files with more in their header, and a digest of the whole, so that one that was damaged is not taken for what was written.

use std::collections::BTreeMap;

use safetensors::SafeTensors;

use crate::random::Digest;

/// The key of the digest: sixteen hexadecimal digits.
const DIGEST: &str = "digest";
const BLANK: &str = "0000000000000000";

/// A safetensors file with more in its header, in the order of the keys: the crate writes it in another one each time, and what is the
/// same shall be the same to the bit.
pub(super) fn sealed(bytes: Vec<u8>, mut said: BTreeMap<&str, String>) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    said.insert(DIGEST, BLANK.to_owned());
    let (length, _) = SafeTensors::read_metadata(&bytes)?;
    let (header, data) = bytes[8..].split_at(length);
    let tensors = std::str::from_utf8(header)?.trim_end().strip_prefix('{').unwrap_or_default();
    let comma = if tensors == "}" { "" } else { "," };
    let mut header = format!("{{\"__metadata__\":{}{comma}{tensors}", serde_json::to_string(&said)?).into_bytes();
    // Numbers begin at multiples of eight bytes.
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut whole = [&(header.len() as u64).to_le_bytes(), header.as_slice(), data].concat();
    if let Some(place) = place(&whole) {
        let digest = digest(&whole, place);
        whole[place..place + BLANK.len()].copy_from_slice(digest.as_bytes());
    }
    Ok(whole)
}

/// Whether a file is as it was written; `None` where it has no digest.
pub(super) fn is_whole(bytes: &[u8]) -> Option<bool> {
    let place = place(bytes)?;
    Some(bytes[place..place + BLANK.len()] == *digest(bytes, place).as_bytes())
}

/// Where the digest stands: behind its key, which cannot occur in a string before it, where quotes are escaped.
fn place(bytes: &[u8]) -> Option<usize> {
    let key = format!("\"{DIGEST}\":\"");
    let at = bytes.windows(key.len()).position(|window| window == key.as_bytes())? + key.len();
    (at + BLANK.len() <= bytes.len()).then_some(at)
}

/// Of what stands before and behind its own place.
fn digest(bytes: &[u8], place: usize) -> String {
    let mut digest = Digest::new();
    digest.bytes(&bytes[..place]);
    digest.bytes(&bytes[place + BLANK.len()..]);
    format!("{:016x}", digest.finish())
}
