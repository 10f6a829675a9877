//! A file of tensors: its header is held, and its numbers are read when they are asked for.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use safetensors::Dtype;

use super::digest::{BLANK, of_read, place};
use super::header::Header;
use crate::source::open_file;

/// A safetensors file. It is kept open, so that what is read of it is of one file, even where another takes its place meanwhile, as
/// checkpoints of a training do.
#[derive(Debug)]
pub struct TensorFile {
    path: PathBuf,
    file: File,
    header: Header,
}

impl TensorFile {
    /// Reads the header of a file. Errors do not name it.
    pub fn open(path: &Path) -> Result<Self, String> {
        let file = open_file(path).map_err(|e| e.to_string())?;
        let size = file.metadata().map_err(|e| e.to_string())?.len();
        let header = Header::read(&file, size).map_err(|e| e.to_string())?;
        Ok(Self { path: path.to_owned(), file, header })
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the header says under a key.
    pub fn said(&self, key: &str) -> Option<&str> {
        self.header.said.get(key).map(String::as_str)
    }

    /// The names of its tensors, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.header.tensors.keys().map(String::as_str)
    }

    /// The sizes of a tensor's dimensions.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.header.tensors.get(name).map(|info| info.shape.as_slice())
    }

    /// Whether it is as it was written, which takes reading it; `None` where it has no digest.
    pub fn is_whole(&self) -> Result<Option<bool>, String> {
        let Some(place) = place(&self.header.bytes) else { return Ok(None) };
        let mut file = self.again()?;
        let digest = of_read(&self.header.bytes, place, &mut file).map_err(|e| e.to_string())?;
        Ok(Some(self.header.bytes[place..][..BLANK.len()] == *digest.as_bytes()))
    }

    /// Opens it to read numbers.
    pub fn numbers(&self) -> Result<OpenTensors<'_>, String> {
        Ok(OpenTensors { file: self.again()?, header: &self.header, piece: vec![[0; 4]; PIECE] })
    }

    /// The file, behind its header. Whoever reads of it goes to a place first: they all share one.
    fn again(&self) -> Result<File, String> {
        let mut file = self.file.try_clone().map_err(|e| e.to_string())?;
        file.seek(SeekFrom::Start(self.header.bytes.len() as u64)).map_err(|e| e.to_string())?;
        Ok(file)
    }
}

/// Numbers that are read at a time.
const PIECE: usize = 1 << 14;

/// A file of tensors whose numbers are being read.
pub struct OpenTensors<'f> {
    file: File,
    header: &'f Header,
    piece: Vec<[u8; 4]>,
}

impl OpenTensors<'_> {
    /// The sizes of a tensor's dimensions.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.header.tensors.get(name).map(|info| info.shape.as_slice())
    }

    /// Reads the numbers of a tensor, of which there must be as many, into their place.
    pub fn fill(&mut self, name: &str, into: &mut [f32]) -> Result<(), String> {
        let wrong = |why: &dyn std::fmt::Display| format!("`{name}` cannot be read: {why}");
        let info = self.header.tensors.get(name).ok_or_else(|| format!("there is no `{name}`"))?;
        if info.dtype != Dtype::F32 {
            return Err(format!("`{name}` is no tensor of 32-bit numbers"));
        }
        let (start, end) = info.data_offsets;
        if end - start != size_of_val(into) {
            return Err(wrong(&"it has another number of numbers"));
        }
        let start = SeekFrom::Start((self.header.bytes.len() + start) as u64);
        self.file.seek(start).map_err(|e| wrong(&e))?;
        for some in into.chunks_mut(PIECE) {
            let piece = &mut self.piece[..some.len()];
            self.file.read_exact(piece.as_flattened_mut()).map_err(|e| wrong(&e))?;
            some.iter_mut().zip(piece).for_each(|(x, bytes)| *x = f32::from_le_bytes(*bytes));
        }
        Ok(())
    }

    /// The type and the bytes of a tensor, whatever it is of.
    pub fn bytes(&mut self, name: &str) -> Result<(Dtype, Vec<u8>), String> {
        let info = self.header.tensors.get(name).ok_or_else(|| format!("there is no `{name}`"))?;
        let (start, end) = info.data_offsets;
        let mut bytes = vec![0; end - start];
        let start = SeekFrom::Start((self.header.bytes.len() + start) as u64);
        let read = self.file.seek(start).and_then(|_| self.file.read_exact(&mut bytes));
        read.map(|()| (info.dtype, bytes)).map_err(|e| format!("`{name}` cannot be read: {e}"))
    }

    /// The numbers of a tensor.
    pub fn values(&mut self, name: &str) -> Result<Vec<f32>, String> {
        let info = self.header.tensors.get(name).ok_or_else(|| format!("there is no `{name}`"))?;
        let mut values = vec![0.0; info.shape.iter().product()];
        self.fill(name, &mut values)?;
        Ok(values)
    }
}
