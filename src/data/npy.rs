//! Arrays as numpy saves them: `.npy`.

use std::io::Read;

use super::decode::{grey, measured, others};
use super::{CHANNELS, DataError, Image};

/// How a file begins.
const MAGIC: &[u8] = b"\x93NUMPY";
/// The most bytes of what it says of itself, and of an array.
const LONGEST_HEADER: usize = 1 << 16;
const MOST: u64 = 1 << 37;
/// Bytes that are converted at a time.
const AT_ONCE: usize = 1 << 16;

/// Whether a file is an array.
pub fn is_array(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// What the numbers of an array are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bool,
    Unsigned,
    Signed,
    Float,
}

/// What an array says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its sizes.
    pub shape: Vec<usize>,
    kind: Kind,
    width: usize,
    big: bool,
    /// Whether the first index runs fastest.
    fortran: bool,
}

impl Header {
    /// Reads the beginning of a file.
    pub fn read(from: &mut dyn Read) -> Result<Self, DataError> {
        let mut start = [0; 8];
        from.read_exact(&mut start).map_err(|_| cut_off())?;
        if !is_array(&start) {
            return Err(DataError::new("is no array of numpy's"));
        }
        let mut length = [0; 4];
        let digits = if start[6] == 1 { 2 } else { 4 };
        from.read_exact(&mut length[..digits]).map_err(|_| cut_off())?;
        let length = u32::from_le_bytes(length) as usize;
        if length > LONGEST_HEADER {
            return Err(DataError::new("is damaged: what it says of itself is too long"));
        }
        let mut text = vec![0; length];
        from.read_exact(&mut text).map_err(|_| cut_off())?;
        Self::parse(&String::from_utf8_lossy(&text))
    }

    /// `{'descr': '<u2', 'fortran_order': False, 'shape': (60000, 28, 28), }`
    fn parse(text: &str) -> Result<Self, DataError> {
        let unread = |what: &str| DataError::new(format!("its {what} cannot be read from `{}`", text.trim()));
        let behind = |key: &str| text.split_once(&format!("'{key}':")).map(|(_, rest)| rest.trim_start());
        let described = behind("descr").and_then(|rest| rest.strip_prefix('\'')?.split_once('\''));
        let (described, _) = described.ok_or_else(|| unread("kind of numbers"))?;
        let (order, rest) = described.split_at_checked(1).ok_or_else(|| unread("kind of numbers"))?;
        let (letter, width) = rest.split_at_checked(1).ok_or_else(|| unread("kind of numbers"))?;
        let width = width.parse::<usize>().ok().filter(|w| [1, 2, 4, 8].contains(w));
        let kind = match (letter, width) {
            ("b", Some(1)) => Kind::Bool,
            ("u", Some(_)) => Kind::Unsigned,
            ("i", Some(_)) => Kind::Signed,
            ("f", Some(2 | 4 | 8)) => Kind::Float,
            _ => {
                let message = format!("holds numbers of the kind `{described}`, which are not read");
                return Err(
                    DataError::new(message).help("whole and floating numbers are, as uint8, uint16 and float32")
                );
            }
        };
        let fortran = behind("fortran_order").ok_or_else(|| unread("order"))?.starts_with("True");
        let shape = behind("shape").and_then(|rest| rest.strip_prefix('(')?.split_once(')'));
        let (shape, _) = shape.ok_or_else(|| unread("shape"))?;
        let sizes = shape.split(',').map(str::trim).filter(|size| !size.is_empty()).map(str::parse::<usize>);
        let shape = sizes.collect::<Result<Vec<_>, _>>().map_err(|_| unread("shape"))?;
        let width = width.unwrap_or(1);
        let bytes = shape.iter().try_fold(width as u64, |product, &n| product.checked_mul(n as u64));
        if bytes.is_none_or(|bytes| bytes > MOST) {
            return Err(DataError::new(format!("says that it holds {shape:?} numbers, which is too much")));
        }
        Ok(Self { shape, kind, width, big: order == ">", fortran })
    }

    /// How many numbers there are.
    fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// The numbers as bytes, the last index fastest: those of `range` become 0 to 255, and what is outside of it the nearer end. Where
    /// nobody says it, whole numbers are scaled by how many bits they have, and floating ones are from 0 to 1.
    pub fn bytes(&self, from: &mut dyn Read, range: Option<(f64, f64)>) -> Result<Vec<u8>, DataError> {
        let mut all = Vec::new();
        if self.kind == Kind::Unsigned && self.width == 1 && range.is_none() {
            from.take(self.count() as u64).read_to_end(&mut all).map_err(|_| cut_off())?;
            if all.len() < self.count() {
                return Err(cut_off());
            }
        } else {
            let (low, high) = match (range, self.kind) {
                (Some(range), _) => range,
                (None, Kind::Bool | Kind::Float) => (0.0, 1.0),
                (None, Kind::Unsigned) => (0.0, 2f64.powi(8 * self.width as i32) - 1.0),
                (None, Kind::Signed) => {
                    return Err(DataError::new("holds signed numbers: which are black and white is open").help(RANGE));
                }
            };
            self.each(from, &mut |value| {
                if value.is_nan() || range.is_none() && !(low..=high).contains(&value) {
                    let message = format!("holds {value}, and floating numbers are read from 0 to 1");
                    return Err(DataError::new(message).help(RANGE));
                }
                all.push((((value - low) / (high - low)).clamp(0.0, 1.0) * 255.0).round() as u8);
                Ok(())
            })?;
        }
        Ok(if self.fortran { self.turned(&all) } else { all })
    }

    /// The numbers, which must be whole ones.
    pub fn whole(&self, from: &mut dyn Read) -> Result<Vec<i64>, DataError> {
        let mut all = Vec::new();
        self.each(from, &mut |value| {
            if value.fract() != 0.0 || value.abs() > 2f64.powi(53) {
                return Err(DataError::new(format!("holds {value}, which is no number of a class")));
            }
            all.push(value as i64);
            Ok(())
        })?;
        Ok(if self.fortran { self.turned(&all) } else { all })
    }

    /// Hands over each number in the order of the file.
    fn each(&self, from: &mut dyn Read, take: &mut dyn FnMut(f64) -> Result<(), DataError>) -> Result<(), DataError> {
        let mut left = self.count() * self.width;
        let mut some = vec![0; AT_ONCE];
        while left > 0 {
            let length = left.min(AT_ONCE);
            from.read_exact(&mut some[..length]).map_err(|_| cut_off())?;
            for number in some[..length].chunks_exact_mut(self.width) {
                if self.big {
                    number.reverse();
                }
                take(self.number(number))?;
            }
            left -= length;
        }
        Ok(())
    }

    /// A number by its bytes, the least first.
    fn number(&self, bytes: &[u8]) -> f64 {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        let word = u64::from_le_bytes(word);
        match (self.kind, self.width) {
            (Kind::Bool | Kind::Unsigned, _) => word as f64,
            (Kind::Signed, width) => {
                let unused = 64 - 8 * width as u32;
                ((word << unused) as i64 >> unused) as f64
            }
            (Kind::Float, 2) => f64::from(half::f16::from_bits(word as u16)),
            (Kind::Float, 4) => f64::from(f32::from_bits(word as u32)),
            (Kind::Float, _) => f64::from_bits(word),
        }
    }

    /// Numbers of which the first index runs fastest, so that the last one does.
    fn turned<T: Copy>(&self, values: &[T]) -> Vec<T> {
        let mut strides = Vec::new();
        self.shape.iter().fold(1, |stride, size| {
            strides.push(stride);
            stride * size
        });
        let place = |mut index: usize| {
            let sizes = self.shape.iter().zip(&strides).rev();
            sizes.fold(0, |place, (size, stride)| {
                let at = index % size;
                index /= size;
                place + at * stride
            })
        };
        (0..values.len()).map(|index| values[place(index)]).collect()
    }
}

/// What is said of numbers that cannot be brightnesses.
const RANGE: &str =
    "scale it, or say which numbers are black and white where the set has `range`, as in `range: 0..4095`";

fn cut_off() -> DataError {
    DataError::new("ends too early").help("fetch it again")
}

/// The picture that an array is: `[H, W]`, `[H, W, channels]` or `[channels, H, W]`.
pub fn picture(bytes: &[u8], most: u64, channels: usize) -> Result<Image<'static>, DataError> {
    let mut from = bytes;
    let header = Header::read(&mut from)?;
    let plan = Plan::of(&header.shape, channels)?;
    measured(plan.size, most)?;
    let image = plan.pictures(header.bytes(&mut from, None)?);
    let image = converted(image, plan.channels, channels)?;
    Ok(Image::of(plan.size.0, plan.size.1, channels, image))
}

/// Pixels with so many channels: grey becomes colour and colour grey.
pub fn converted(values: Vec<u8>, own: usize, wanted: usize) -> Result<Vec<u8>, DataError> {
    match (own, wanted) {
        _ if own == wanted => Ok(values),
        (1, CHANNELS) => Ok(values.into_iter().flat_map(|v| [v; CHANNELS]).collect()),
        (CHANNELS, 1) => Ok(grey(&values)),
        _ => Err(others(own, wanted)),
    }
}

/// How the numbers of pictures are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Height and width of a picture.
    pub size: (usize, usize),
    /// Its channels.
    pub channels: usize,
    /// Whether each channel has a plane of its own.
    planes: bool,
}

/// As many channels as a size may be, where nobody says which of the sizes they are.
const USUAL: std::ops::RangeInclusive<usize> = 1..=4;

impl Plan {
    /// By the sizes of one picture, of which so many channels are wanted; 0 where that is open.
    pub fn of(shape: &[usize], wanted: usize) -> Result<Self, DataError> {
        let counts = |size: usize| match wanted {
            0 => USUAL.contains(&size),
            _ => size == wanted || (wanted == 1 && size == CHANNELS) || (wanted == CHANNELS && size == 1),
        };
        match *shape {
            [height, width] => Ok(Self { size: (height, width), channels: 1, planes: false }),
            [height, width, channels] if counts(channels) => {
                Ok(Self { size: (height, width), channels, planes: false })
            }
            [channels, height, width] if counts(channels) => Ok(Self { size: (height, width), channels, planes: true }),
            [first, _, last] => {
                let error = DataError::new(format!("is {shape:?}: which of the sizes are channels is open"));
                Err(error.help(format!("say it, as in `channels: {}`", first.min(last))))
            }
            _ => Err(DataError::new(format!("is {shape:?}, no picture: those are [H, W], [H, W, C] or [C, H, W]"))),
        }
    }

    /// The values of pictures, those of a pixel together.
    pub fn pictures(&self, values: Vec<u8>) -> Vec<u8> {
        let pixels = self.size.0 * self.size.1;
        if !self.planes || self.channels == 1 || pixels == 0 {
            return values;
        }
        let mut together = vec![0; values.len()];
        let length = pixels * self.channels;
        for (to, from) in together.chunks_exact_mut(length).zip(values.chunks_exact(length)) {
            for (channel, plane) in from.chunks_exact(pixels).enumerate() {
                to.iter_mut().skip(channel).step_by(self.channels).zip(plane).for_each(|(to, value)| *to = *value);
            }
        }
        together
    }
}
