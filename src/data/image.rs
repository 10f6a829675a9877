//! Pictures: bytes as they are kept, floats as they are worked on.

use std::borrow::Cow;
use std::io::Cursor;
use std::path::Path;

use ::image::{ImageReader, Limits};

use super::DataError;

/// Colour channels of every picture: red, green, blue.
pub const CHANNELS: usize = 3;

/// The longest side of a picture that is decoded, and the most memory for it.
const LONGEST_SIDE: u32 = 1 << 14;
const MOST_BYTES: u64 = 1 << 28;

/// A picture of bytes, `[height, width, 3]`; its own, or lent by the data set that keeps them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image<'a> {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// The bytes, row by row, red green blue.
    pub data: Cow<'a, [u8]>,
}

impl<'a> Image<'a> {
    /// A picture of the given bytes; there must be `height * width * 3` of them.
    pub fn new(height: usize, width: usize, data: impl Into<Cow<'a, [u8]>>) -> Self {
        let data = data.into();
        assert_eq!(data.len(), height * width * CHANNELS, "bytes of an image of {height}x{width}");
        Self { height, width, data }
    }

    /// A PNG, JPEG or other known encoding, decoded; one that says it is larger than a photograph is refused before.
    pub fn decode(bytes: &[u8]) -> Result<Image<'static>, DataError> {
        let fault = |e: &dyn std::fmt::Display| DataError::new(format!("cannot be decoded as an image: {e}"));
        let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| fault(&e))?;
        let mut limits = Limits::default();
        (limits.max_image_width, limits.max_image_height) = (Some(LONGEST_SIDE), Some(LONGEST_SIDE));
        limits.max_alloc = Some(MOST_BYTES);
        reader.limits(limits);
        let decoded = reader.decode().map_err(|e| fault(&e))?.into_rgb8();
        let (width, height) = decoded.dimensions();
        if width == 0 || height == 0 {
            return Err(DataError::new("an image without pixels"));
        }
        Ok(Image::new(height as usize, width as usize, decoded.into_raw()))
    }

    /// The picture in the format of a file's ending, `.png`, `.jpg` or `.jpeg`.
    pub fn encode(&self, path: &Path) -> Result<Vec<u8>, DataError> {
        let (width, height) = (self.width as u32, self.height as u32);
        let failed = |e: ::image::ImageError| DataError::new(format!("cannot be encoded: {e}")).in_file(path);
        let format = ::image::ImageFormat::from_path(path).map_err(failed)?;
        let mut bytes = std::io::Cursor::new(Vec::new());
        let colours = ::image::ExtendedColorType::Rgb8;
        ::image::write_buffer_with_format(&mut bytes, &self.data, width, height, colours, format).map_err(failed)?;
        Ok(bytes.into_inner())
    }
}

/// A picture of floats in `0..=1`, `[height, width, 3]`: what augmentations work on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pixels {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// The values, row by row, red green blue.
    pub data: Vec<f32>,
}

impl Pixels {
    /// Takes over the values of an image, reusing the memory at hand.
    pub fn load(&mut self, image: &Image<'_>) {
        (self.height, self.width) = (image.height, image.width);
        self.data.clear();
        self.data.extend(image.data.iter().map(|&byte| f32::from(byte) / 255.0));
    }

    /// Takes over another picture, reusing the memory at hand.
    pub fn copy_from(&mut self, other: &Pixels) {
        (self.height, self.width) = (other.height, other.width);
        self.data.clear();
        self.data.extend_from_slice(&other.data);
    }

    /// Rounds to bytes; values outside `0..=1` are clamped.
    pub fn to_image(&self) -> Image<'static> {
        let data: Vec<u8> = self.data.iter().map(|&v| (v.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
        Image::new(self.height, self.width, data)
    }

    /// Takes another size, reusing the memory at hand; which values are there is not said.
    pub fn resize(&mut self, (height, width): (usize, usize)) {
        (self.height, self.width) = (height, width);
        self.data.resize(height * width * CHANNELS, 0.0);
    }

    /// The red, green and blue of every pixel, in order, to be changed.
    pub fn triples_mut(&mut self) -> &mut [[f32; CHANNELS]] {
        self.data.as_chunks_mut().0
    }
}
