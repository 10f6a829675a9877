//! Files of pictures, decoded.

use std::io::Cursor;

use ::image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::{CHANNELS, DataError, Image, bands, npy};

/// The longest side of a picture that is decoded, and the memory a decoder may take for a pixel, besides what it always may.
const LONGEST_SIDE: u32 = 1 << 16;
const BYTES_A_PIXEL: u64 = 16;
const BYTES_ALWAYS: u64 = 1 << 24;
/// How many pixels a picture has at most where nobody says otherwise.
pub const MOST_PIXELS: u64 = 100_000_000;
/// How many times its shorter side a picture's longer side is at most: what is made of a thread would be all of its length.
const LONGEST_TO_SHORTEST: usize = 200;

impl Image<'static> {
    /// A picture file of whatever format its first bytes tell, in colour, decoded and turned as a photograph says that it was taken
    /// (EXIF): grey as three equal channels, transparent pixels over white, 16 bits to 8, of an animation the first picture. One that says
    /// that it has more than `most` pixels is refused before.
    pub fn decode(bytes: &[u8], most: u64) -> Result<Self, DataError> {
        Self::decode_as(bytes, most, CHANNELS)
    }

    /// The same with so many channels. Grey becomes colour and colour grey (ITU-R 601, as Pillow's `L`); of another number of channels a
    /// picture must be itself: a TIFF, whose pages may be its channels, an array of `.npy`, a PNG with its transparency.
    pub fn decode_as(bytes: &[u8], most: u64, channels: usize) -> Result<Self, DataError> {
        if npy::is_array(bytes) {
            return npy::picture(bytes, most, channels);
        }
        let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| fault(&e))?;
        let format = reader.format().ok_or_else(|| DataError::new(unknown(bytes)))?;
        if format == ImageFormat::Tiff
            && channels != CHANNELS
            && let Some(image) = bands::decode(bytes, most, channels)?
        {
            return Ok(image);
        }
        let mut limits = Limits::default();
        (limits.max_image_width, limits.max_image_height) = (Some(LONGEST_SIDE), Some(LONGEST_SIDE));
        limits.max_alloc = Some(most.saturating_mul(BYTES_A_PIXEL).saturating_add(BYTES_ALWAYS));
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(|e| fault(&e))?;
        let (width, height) = decoder.dimensions();
        measured((height as usize, width as usize), most)?;
        let orientation = decoder.orientation();
        let mut decoded = DynamicImage::from_decoder(decoder).map_err(|e| fault(&e))?;
        orientation.into_iter().for_each(|orientation| decoded.apply_orientation(orientation));
        let (width, height) = (decoded.width() as usize, decoded.height() as usize);
        Ok(Image::of(height, width, channels, values(decoded, channels)?))
    }
}

/// The bytes of a picture with so many channels.
fn values(image: DynamicImage, channels: usize) -> Result<Vec<u8>, DataError> {
    let own = usize::from(image.color().channel_count());
    let alpha = image.color().has_alpha();
    match channels {
        CHANNELS if alpha => Ok(over_white(&image).into_raw()),
        CHANNELS => Ok(image.into_rgb8().into_raw()),
        1 if alpha => Ok(grey(&over_white(&image).into_raw())),
        1 if own == 1 => Ok(image.into_luma8().into_raw()),
        1 => Ok(grey(&image.into_rgb8().into_raw())),
        2 if own == 2 => Ok(image.into_luma_alpha8().into_raw()),
        4 if own == 4 => Ok(image.into_rgba8().into_raw()),
        _ => Err(others(own, channels)),
    }
}

/// The brightness of colours, as Pillow rounds it.
pub(super) fn grey(colours: &[u8]) -> Vec<u8> {
    let luma = |&[r, g, b]: &[u8; CHANNELS]| {
        ((u32::from(r) * 19595 + u32::from(g) * 38470 + u32::from(b) * 7471 + 0x8000) >> 16) as u8
    };
    colours.as_chunks().0.iter().map(luma).collect()
}

/// What is said of a picture with other channels than are wanted.
pub(super) fn others(own: usize, wanted: usize) -> DataError {
    DataError::new(format!("it has {own} channels, not {wanted}"))
}

/// What is said of a picture that its decoder does not take.
pub(super) fn fault(error: &dyn std::fmt::Display) -> DataError {
    DataError::new(format!("cannot be decoded as an image: {error}"))
}

/// Refuses a picture that would be too large, or none.
pub(super) fn measured((height, width): (usize, usize), most: u64) -> Result<(), DataError> {
    let (short, long) = (width.min(height), width.max(height));
    if short == 0 {
        return Err(DataError::new("an image without pixels"));
    }
    if (width as u64).saturating_mul(height as u64) > most {
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
