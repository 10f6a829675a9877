//! TIFF as microscopes and satellites write it: any number of channels in a pixel, in planes, or one a page.

use std::io::Cursor;

use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult, Limits};

use super::decode::{fault, measured, others};
use super::{CHANNELS, DataError, Image};

/// The most bytes of a value of a pixel.
const WIDEST: u64 = 8;

/// The picture in a TIFF file with so many channels; nothing where it is one in colour or grey that is to be converted.
pub fn decode(bytes: &[u8], most: u64, channels: usize) -> Result<Option<Image<'static>>, DataError> {
    let mut limits = Limits::default();
    let longest = most.saturating_mul(channels as u64).saturating_mul(WIDEST);
    limits.decoding_buffer_size = usize::try_from(longest).unwrap_or(usize::MAX);
    limits.intermediate_buffer_size = limits.decoding_buffer_size;
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(|e| fault(&e))?.with_limits(limits);
    let first = page(&mut decoder, most)?;
    let Some((size, own)) = first else { return Ok(None) };
    if own == CHANNELS && channels == 1 {
        return Ok(None);
    }
    if own == channels {
        return Ok(Some(Image::of(size.0, size.1, channels, pixels(&mut decoder, size, own)?)));
    }
    if own != 1 {
        return Err(others(own, channels));
    }
    // Each channel is a page of its own.
    let mut data = vec![0; size.0 * size.1 * channels];
    for channel in 0..channels {
        let plane = pixels(&mut decoder, size, 1)?;
        data.iter_mut().skip(channel).step_by(channels).zip(plane).for_each(|(to, value)| *to = value);
        match (decoder.more_images(), channel + 1 == channels) {
            (true, false) => decoder.next_image().map_err(|e| fault(&e))?,
            (false, true) => break,
            (true, true) => return Err(DataError::new(format!("it has more than {channels} pages of one channel"))),
            (false, false) => return Err(others(channel + 1, channels)),
        }
        if page(&mut decoder, most)? != Some((size, 1)) {
            return Err(DataError::new("its pages are not alike: they are not the channels of one picture"));
        }
    }
    Ok(Some(Image::of(size.0, size.1, channels, data)))
}

/// Height and width of a page, and its channels.
type Form = ((usize, usize), usize);

/// What the page at hand is; nothing where its values are not those of channels, such as places in a palette.
fn page(decoder: &mut Decoder<Cursor<&[u8]>>, most: u64) -> Result<Option<Form>, DataError> {
    let (width, height) = decoder.dimensions().map_err(|e| fault(&e))?;
    let size = (height as usize, width as usize);
    measured(size, most)?;
    let own = match decoder.colortype().map_err(|e| fault(&e))? {
        // Less than a byte is packed.
        colour if colour.bit_depth() < 8 => return Ok(None),
        ColorType::Gray(_) => 1,
        ColorType::GrayA(_) => 2,
        ColorType::RGB(_) => CHANNELS,
        ColorType::RGBA(_) => 4,
        ColorType::Multiband { num_samples, .. } => usize::from(num_samples),
        _ => return Ok(None),
    };
    Ok(Some((size, own)))
}

/// The values of the page at hand as bytes, those of a pixel together.
fn pixels(decoder: &mut Decoder<Cursor<&[u8]>>, size: (usize, usize), channels: usize) -> Result<Vec<u8>, DataError> {
    let mut read = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut read).map_err(|e| fault(&e))?;
    let values = bytes(read)?;
    let (count, pixels) = (size.0 * size.1 * channels, size.0 * size.1);
    if values.len() < count {
        return Err(DataError::new(format!("it has {} values, not {count}", values.len())));
    }
    if layout.planes < 2 {
        return Ok(values[..count].to_vec());
    }
    let mut together = vec![0; count];
    for (channel, plane) in values.chunks(pixels).take(channels).enumerate() {
        together.iter_mut().skip(channel).step_by(channels).zip(plane).for_each(|(to, value)| *to = *value);
    }
    Ok(together)
}

/// Values as bytes: whole numbers by how many bits they have, others from 0 to 1.
fn bytes(values: DecodingResult) -> Result<Vec<u8>, DataError> {
    Ok(match values {
        DecodingResult::U8(values) => values,
        DecodingResult::U16(values) => values.into_iter().map(|v| scaled(f64::from(v), f64::from(u16::MAX))).collect(),
        DecodingResult::U32(values) => values.into_iter().map(|v| scaled(f64::from(v), f64::from(u32::MAX))).collect(),
        DecodingResult::F32(values) => shares(values.into_iter().map(f64::from))?,
        DecodingResult::F64(values) => shares(values.into_iter())?,
        _ => return Err(DataError::new("its values are neither unsigned whole numbers nor floating ones")),
    })
}

/// Numbers from 0 to 1 as bytes.
fn shares(values: impl Iterator<Item = f64>) -> Result<Vec<u8>, DataError> {
    let share = |value: f64| match (0.0..=1.0).contains(&value) {
        true => Ok(scaled(value, 1.0)),
        false => Err(DataError::new(format!("it holds {value}, and floating numbers are read from 0 to 1"))),
    };
    values.map(share).collect()
}

/// A number as a byte, of which `most` is the largest.
fn scaled(value: f64, most: f64) -> u8 {
    (value / most * 255.0).round() as u8
}
