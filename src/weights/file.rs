//! A file of weights: what tensors it holds, and their numbers when they are asked for.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use safetensors::tensor::Metadata;

use super::element::Element;
use super::torch;
use crate::data::{PREPROCESS, Prepared};
use crate::source::open_file;

/// The longest header of a safetensors file.
const LONGEST: u64 = 100_000_000;

/// A file of weights. Only its index is held: numbers are read when they are asked for.
#[derive(Debug)]
pub struct WeightsFile {
    path: PathBuf,
    file: File,
    found: Found,
}

/// What is found in a file.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Tensors by name; those of dictionaries in others by their path.
    pub tensors: BTreeMap<String, Stored>,
    /// What else a pickle would build, by class: it is not.
    pub others: Vec<String>,
    /// How pictures are prepared, where the file says it.
    pub prepared: Option<Prepared>,
    /// Whether it is one of ours.
    pub own: bool,
}

/// Where the numbers of a tensor lie in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Their type.
    pub element: Element,
    /// The sizes of the dimensions.
    pub shape: Vec<usize>,
    /// How many numbers lie between two neighbours in each dimension.
    pub(super) strides: Vec<usize>,
    /// The byte at which they begin.
    pub(super) start: u64,
}

impl Stored {
    /// How many bytes lie between the first and the end of the last number.
    pub(super) fn extent(&self) -> Option<u64> {
        if self.shape.contains(&0) {
            return Some(0);
        }
        let steps = self.shape.iter().zip(&self.strides).map(|(n, stride)| (n - 1).checked_mul(*stride));
        let last = steps.sum::<Option<usize>>()?;
        u64::try_from(last).ok()?.checked_add(1)?.checked_mul(self.element.size() as u64)
    }

    fn count(&self) -> Option<usize> {
        self.shape.iter().try_fold(1usize, |all, n| all.checked_mul(*n))
    }
}

impl WeightsFile {
    /// Reads the index of a file: safetensors or what `torch.save` writes, whatever it is called. An error names the file.
    pub fn open(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let file = open_file(path).map_err(|e| format!("cannot read {shown}: {e}"))?;
        let found = index(&file).map_err(|why| format!("{shown} cannot be read as weights: {why}"))?;
        Ok(Self { path: path.to_owned(), file, found })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of its tensors, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.found.tensors.keys().map(String::as_str)
    }

    /// Type and shape of a tensor.
    pub fn get(&self, name: &str) -> Option<&Stored> {
        self.found.tensors.get(name)
    }

    /// The classes of objects in it that are no tensors, and were left alone.
    pub fn others(&self) -> &[String] {
        &self.found.others
    }

    /// How pictures are prepared for its weights, where it says so itself.
    pub fn prepared(&self) -> Option<&Prepared> {
        self.found.prepared.as_ref()
    }

    /// Whether `sslrun` has written it.
    pub fn is_own(&self) -> bool {
        self.found.own
    }

    /// The numbers of a tensor, row-major.
    pub fn numbers(&self, name: &str) -> Result<Vec<f32>, String> {
        let shown = self.path.display();
        let wrong = |why: &dyn std::fmt::Display| format!("`{name}` in {shown} cannot be read: {why}");
        let stored = self.get(name).ok_or_else(|| wrong(&"there is none"))?;
        let (extent, count) = stored.extent().zip(stored.count()).ok_or_else(|| wrong(&"it is too large"))?;
        let length = self.file.metadata().map_err(|e| wrong(&e))?.len();
        // A tensor whose numbers lie on top of each other may claim any size.
        if extent > length || count as u64 > length {
            return Err(wrong(&"it is larger than the file"));
        }
        let mut bytes = vec![0; extent as usize];
        let mut from = &self.file;
        from.seek(SeekFrom::Start(stored.start)).and_then(|_| from.read_exact(&mut bytes)).map_err(|e| wrong(&e))?;
        Ok(stored.element.gather(&bytes, &stored.shape, &stored.strides))
    }
}

fn index(file: &File) -> Result<Found, String> {
    let mut start = [0; 9];
    let mut from = file;
    let read = from.read(&mut start).and_then(|read| from.rewind().map(|()| read)).map_err(|e| e.to_string())?;
    // A safetensors file begins with the length of its header, which begins with a brace.
    if read == start.len() && start[8] == b'{' && !start.starts_with(b"PK") {
        return of_safetensors(file, u64::from_le_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|i| start[i])));
    }
    torch::read(file)
}

fn of_safetensors(file: &File, length: u64) -> Result<Found, String> {
    if length > LONGEST {
        return Err("its header is longer than any".to_owned());
    }
    let mut header = Vec::new();
    file.take(8 + length).read_to_end(&mut header).map_err(|e| e.to_string())?;
    let text = header.get(8..).filter(|text| text.len() as u64 == length).ok_or("it ends too early")?;
    let metadata: Metadata = serde_json::from_slice(text).map_err(|e| format!("it is not a safetensors file: {e}"))?;
    let (begin, end) = (8 + length, file.metadata().map_err(|e| e.to_string())?.len());
    let mut found = Found::default();
    if let Some(said) = metadata.metadata() {
        found.prepared = said.get(PREPROCESS).and_then(|text| serde_json::from_str(text).ok());
        found.own = said.contains_key(PREPROCESS) || said.get("format").is_some_and(|f| f.starts_with("sslrun"));
    }
    for (name, info) in metadata.tensors().into_iter().collect::<BTreeMap<_, _>>() {
        let Some(element) = Element::of_safetensors(info.dtype) else { continue };
        let mut strides = vec![1usize; info.shape.len()];
        for d in (1..info.shape.len()).rev() {
            strides[d - 1] = strides[d].saturating_mul(info.shape[d]);
        }
        let stored = Stored { element, shape: info.shape.clone(), strides, start: begin + info.data_offsets.0 as u64 };
        if stored.extent().and_then(|extent| extent.checked_add(stored.start)).is_none_or(|last| last > end) {
            return Err(format!("`{name}` ends behind the end of the file"));
        }
        found.tensors.insert(name, stored);
    }
    Ok(found)
}
