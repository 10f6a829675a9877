//! Pictures: bytes as they are kept, floats as they are worked on.

use std::borrow::Cow;
use std::io::Cursor;
use std::path::Path;

use ::image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::DataError;

/// Colour channels of every picture: red, green, blue.
pub const CHANNELS: usize = 3;

/// The longest side of a picture that is decoded, and the memory a decoder may take for a pixel, besides what it always may.
const LONGEST_SIDE: u32 = 1 << 16;
const BYTES_A_PIXEL: u64 = 16;
const BYTES_ALWAYS: u64 = 1 << 24;
/// How many pixels a picture has at most where nobody says otherwise.
pub const MOST_PIXELS: u64 = 100_000_000;
/// How many times its shorter side a picture's longer side is at most: what is made of a thread would be all of its length.
const LONGEST_TO_SHORTEST: u32 = 200;

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

    /// A picture file of whatever format its first bytes tell, decoded and turned as a photograph says that it was taken (EXIF): grey as
    /// three equal channels, transparent pixels over white, 16 bits to 8, of an animation the first picture. One that says that it has
    /// more than `most` pixels is refused before.
    pub fn decode(bytes: &[u8], most: u64) -> Result<Image<'static>, DataError> {
        let fault = |e: &dyn std::fmt::Display| DataError::new(format!("cannot be decoded as an image: {e}"));
        let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| fault(&e))?;
        if reader.format().is_none() {
            return Err(DataError::new(unknown(bytes)));
        }
        let mut limits = Limits::default();
        (limits.max_image_width, limits.max_image_height) = (Some(LONGEST_SIDE), Some(LONGEST_SIDE));
        limits.max_alloc = Some(most.saturating_mul(BYTES_A_PIXEL).saturating_add(BYTES_ALWAYS));
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(|e| fault(&e))?;
        measured(decoder.dimensions(), most)?;
        let orientation = decoder.orientation();
        let mut decoded = DynamicImage::from_decoder(decoder).map_err(|e| fault(&e))?;
        orientation.into_iter().for_each(|orientation| decoded.apply_orientation(orientation));
        let decoded = if decoded.color().has_alpha() { over_white(&decoded) } else { decoded.into_rgb8() };
        let (width, height) = decoded.dimensions();
        Ok(Image::new(height as usize, width as usize, decoded.into_raw()))
    }

    /// The picture in the format of a file's ending, `.png`, `.jpg` or `.jpeg`.
    pub fn encode(&self, path: &Path) -> Result<Vec<u8>, DataError> {
        let (width, height) = (self.width as u32, self.height as u32);
        let failed = |e: ::image::ImageError| DataError::new(format!("cannot be encoded: {e}")).in_file(path);
        let format = ImageFormat::from_path(path).map_err(failed)?;
        let mut bytes = std::io::Cursor::new(Vec::new());
        let colours = ::image::ExtendedColorType::Rgb8;
        ::image::write_buffer_with_format(&mut bytes, &self.data, width, height, colours, format).map_err(failed)?;
        Ok(bytes.into_inner())
    }
}

/// Refuses a picture that would be too large, or none.
fn measured((width, height): (u32, u32), most: u64) -> Result<(), DataError> {
    let (short, long) = (width.min(height), width.max(height));
    if short == 0 {
        return Err(DataError::new("an image without pixels"));
    }
    if u64::from(width) * u64::from(height) > most {
        return Err(DataError::new(format!("it says that it is {height}x{width}, which is more than {most} pixels")));
    }
    if long > short.saturating_mul(LONGEST_TO_SHORTEST) {
        return Err(DataError::new(format!("it is {height}x{width}: too narrow to make views of")));
    }
    Ok(())
}

/// What is said of bytes that no decoder knows.
fn unknown(bytes: &[u8]) -> String {
    let brand = bytes.get(4..12).and_then(|b| b.strip_prefix(b"ftyp"));
    let kind = match (bytes, brand) {
        ([], _) => "an empty file",
        (_, Some(b"avif" | b"avis")) => "AVIF, which is not read",
        (_, Some(b"heic" | b"heix" | b"heim" | b"heis" | b"mif1" | b"msf1")) => "HEIC, which is not read",
        _ => "of no format that is read: JPEG, PNG, WebP, BMP, TIFF, GIF",
    };
    format!("cannot be decoded as an image: it is {kind}")
}

/// The colours of a picture with transparent pixels, on a white ground.
fn over_white(image: &DynamicImage) -> ::image::RgbImage {
    let image = image.to_rgba8();
    let over = |colour: u8, alpha: u32| ((u32::from(colour) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
    ::image::RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [r, g, b, a] = image.get_pixel(x, y).0;
        ::image::Rgb([r, g, b].map(|c| over(c, u32::from(a))))
    })
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
