//! What a file of tensors is to hold, written piece by piece.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use safetensors::Dtype;
use safetensors::tensor::TensorInfo;

use super::digest::{self, BLANK, KEY, of_written};
use super::header::Header;

/// A tensor with its name. Its numbers stay where they are.
#[derive(Clone, Debug)]
pub struct Tensor<'a> {
    /// Its name.
    pub name: Cow<'a, str>,
    /// The sizes of its dimensions.
    pub shape: Vec<usize>,
    /// Its numbers, row-major.
    pub numbers: Numbers<'a>,
}

/// Numbers of a type that is written.
#[derive(Clone, Copy, Debug)]
pub enum Numbers<'a> {
    /// Single precision.
    Single(&'a [f32]),
    /// Whole numbers of 64 bits.
    Whole(&'a [i64]),
}

/// A safetensors file that has not been written yet.
pub struct Contents<'a> {
    beginning: Vec<u8>,
    numbers: Vec<Numbers<'a>>,
}

impl<'a> Tensor<'a> {
    /// A tensor of single precision.
    pub fn single(name: impl Into<Cow<'a, str>>, shape: &[usize], numbers: &'a [f32]) -> Self {
        Self { name: name.into(), shape: shape.to_vec(), numbers: Numbers::Single(numbers) }
    }
}

impl<'a> Contents<'a> {
    /// A file of these tensors, and of what else is said in its header.
    pub fn new(mut tensors: Vec<Tensor<'a>>, said: &BTreeMap<&str, String>) -> Result<Self, String> {
        let aligned = |a: &Tensor, b: &Tensor| b.numbers.dtype().cmp(&a.numbers.dtype()).then(a.name.cmp(&b.name));
        tensors.sort_by(aligned);
        let mut end = 0;
        let info = |tensor: &Tensor| {
            let start = end;
            end += tensor.numbers.size();
            let (dtype, shape) = (tensor.numbers.dtype(), tensor.shape.clone());
            (tensor.name.clone().into_owned(), TensorInfo { dtype, shape, data_offsets: (start, end) })
        };
        let beginning = Header::write(tensors.iter().map(info).collect(), said).map_err(|e| e.to_string())?;
        Ok(Self { beginning, numbers: tensors.into_iter().map(|tensor| tensor.numbers).collect() })
    }

    /// The same with a digest of the whole in the header.
    pub fn sealed(tensors: Vec<Tensor<'a>>, mut said: BTreeMap<&str, String>) -> Result<Self, String> {
        said.insert(KEY, BLANK.to_owned());
        let mut contents = Self::new(tensors, &said)?;
        if let Some(place) = digest::place(&contents.beginning) {
            let digest = of_written(&contents.beginning, place, |out| contents.write_numbers(out));
            let digest = digest.map_err(|e| e.to_string())?;
            contents.beginning[place..][..BLANK.len()].copy_from_slice(digest.as_bytes());
        }
        Ok(contents)
    }

    /// Writes the file.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&self.beginning)?;
        self.write_numbers(out)
    }

    fn write_numbers(&self, out: &mut dyn Write) -> io::Result<()> {
        self.numbers.iter().try_for_each(|numbers| match numbers {
            Numbers::Single(numbers) => write_in_pieces(numbers, |x| x.to_le_bytes(), out),
            Numbers::Whole(numbers) => write_in_pieces(numbers, |x| x.to_le_bytes(), out),
        })
    }
}

impl Numbers<'_> {
    fn dtype(&self) -> Dtype {
        match self {
            Self::Single(_) => Dtype::F32,
            Self::Whole(_) => Dtype::I64,
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Single(numbers) => size_of_val(*numbers),
            Self::Whole(numbers) => size_of_val(*numbers),
        }
    }
}

/// Numbers whose bytes are made at a time.
const PIECE: usize = 2048;

fn write_in_pieces<T: Copy, const BYTES: usize>(
    numbers: &[T],
    bytes: impl Fn(T) -> [u8; BYTES],
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut piece = [[0; BYTES]; PIECE];
    numbers.chunks(PIECE).try_for_each(|some| {
        piece.iter_mut().zip(some).for_each(|(bytes_of, x)| *bytes_of = bytes(*x));
        out.write_all(piece[..some.len()].as_flattened())
    })
}
