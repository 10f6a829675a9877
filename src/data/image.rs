//! Pictures: bytes as they are kept, floats as they are worked on.

use std::borrow::Cow;
use std::path::Path;

use ::image::ImageFormat;

use super::DataError;

/// The channels of a picture in colour: red, green, blue. What pictures have where nobody says otherwise.
pub const CHANNELS: usize = 3;
/// The most channels that a picture may have.
pub const MOST_CHANNELS: usize = 256;

/// A picture of bytes, `[height, width, channels]`; its own, or lent by the data set that keeps them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image<'a> {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Values a pixel.
    pub channels: usize,
    /// The bytes, row by row, those of a pixel together.
    pub data: Cow<'a, [u8]>,
}

impl<'a> Image<'a> {
    /// A picture in colour of the given bytes; there must be `height * width * 3` of them.
    pub fn new(height: usize, width: usize, data: impl Into<Cow<'a, [u8]>>) -> Self {
        Self::of(height, width, CHANNELS, data)
    }

    /// A picture of the given bytes with so many channels; there must be `height * width * channels` of them.
    pub fn of(height: usize, width: usize, channels: usize, data: impl Into<Cow<'a, [u8]>>) -> Self {
        let data = data.into();
        assert_eq!(data.len(), height * width * channels, "bytes of an image of {height}x{width}");
        Self { height, width, channels, data }
    }

    /// The same picture, lent.
    pub fn lent(&self) -> Image<'_> {
        Image::of(self.height, self.width, self.channels, &*self.data)
    }

    /// The same picture, of its own.
    pub fn into_owned(self) -> Image<'static> {
        Image::of(self.height, self.width, self.channels, self.data.into_owned())
    }

    /// The picture as it is shown to people: the first three of its channels as red, green and blue, or grey by the first one where it
    /// has no three.
    pub fn in_colour(self) -> Image<'a> {
        let channels = self.channels;
        if channels == CHANNELS {
            return self;
        }
        let shown =
            |pixel: &[u8]| if channels < CHANNELS { [pixel[0]; CHANNELS] } else { [pixel[0], pixel[1], pixel[2]] };
        let data: Vec<u8> = self.data.chunks_exact(channels).flat_map(shown).collect();
        Image::new(self.height, self.width, data)
    }

    /// The picture as it is shown, in the format of a file's ending, `.png`, `.jpg` or `.jpeg`.
    pub fn encode(&self, path: &Path) -> Result<Vec<u8>, DataError> {
        let shown = self.lent().in_colour();
        let (width, height) = (shown.width as u32, shown.height as u32);
        let failed = |e: ::image::ImageError| DataError::new(format!("cannot be encoded: {e}")).in_file(path);
        let format = ImageFormat::from_path(path).map_err(failed)?;
        let mut bytes = std::io::Cursor::new(Vec::new());
        let colours = ::image::ExtendedColorType::Rgb8;
        ::image::write_buffer_with_format(&mut bytes, &shown.data, width, height, colours, format).map_err(failed)?;
        Ok(bytes.into_inner())
    }
}

/// A picture of floats in `0..=1`, `[height, width, channels]`: what augmentations work on.
#[derive(Clone, Debug, PartialEq)]
pub struct Pixels {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Values a pixel.
    pub channels: usize,
    /// The values, row by row, those of a pixel together.
    pub data: Vec<f32>,
}

impl Default for Pixels {
    fn default() -> Self {
        Self { height: 0, width: 0, channels: CHANNELS, data: Vec::new() }
    }
}

impl Pixels {
    /// Takes over the values of an image, reusing the memory at hand.
    pub fn load(&mut self, image: &Image<'_>) {
        (self.height, self.width, self.channels) = (image.height, image.width, image.channels);
        self.data.clear();
        self.data.extend(image.data.iter().map(|&byte| f32::from(byte) / 255.0));
    }

    /// Takes over another picture, reusing the memory at hand.
    pub fn copy_from(&mut self, other: &Pixels) {
        (self.height, self.width, self.channels) = (other.height, other.width, other.channels);
        self.data.clear();
        self.data.extend_from_slice(&other.data);
    }

    /// Rounds to bytes; values outside `0..=1` are clamped.
    pub fn to_image(&self) -> Image<'static> {
        let data: Vec<u8> = self.data.iter().map(|&v| (v.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
        Image::of(self.height, self.width, self.channels, data)
    }

    /// Takes another size and number of channels, reusing the memory at hand; which values are there is not said.
    pub fn resize(&mut self, (height, width): (usize, usize), channels: usize) {
        (self.height, self.width, self.channels) = (height, width, channels);
        self.data.resize(height * width * channels, 0.0);
    }

    /// The red, green and blue of every pixel of a picture in colour, in order, to be changed.
    pub fn triples_mut(&mut self) -> &mut [[f32; CHANNELS]] {
        self.data.as_chunks_mut().0
    }
}
