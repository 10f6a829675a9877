//! Contact sheets: what the views of some samples look like.

use super::augment::{Scratch, Window, resample_image};
use super::views::Workshop;
use super::{CHANNELS, DataError, DataSet, Frame, Image, Made, Pictures, Pixels, ViewSpec, Views};
use crate::random::Rng;

/// What hidden patches look like.
const GREY: [u8; CHANNELS] = [128; CHANNELS];
/// White pixels between pictures.
const GAP: usize = 4;
/// Small pictures are enlarged by a whole factor until the largest has about this side.
const SIDE: usize = 96;

/// A picture with a row for each of `samples` random samples: the sample itself, then each of its views, as epoch 0 of
/// training with this seed would see them.
pub fn contact_sheet(
    dataset: &dyn DataSet,
    views: &[ViewSpec],
    samples: usize,
    seed: u64,
) -> Result<Image<'static>, DataError> {
    let views = Views::new(views, dataset)?;
    let order = Rng::new(&[seed, 0]).permutation(dataset.len());
    let shared = views.shared_masks(seed, 0);
    let mut shop = Workshop::default();
    let mut rows = Vec::new();
    for sample in order {
        if rows.len() == samples {
            break;
        }
        let pictures = match Pictures::read(dataset, sample, &views.sources()) {
            Err(error) if error.spoilt => continue,
            pictures => pictures.map_err(|e| e.at_row(sample))?,
        };
        let made = views.make(&pictures, [seed, 0, sample as u64], &shared, &mut shop).map_err(|e| e.at_row(sample))?;
        let mut row: Vec<Image> = (0..views.count()).map(|v| picture(&views, v, &made)).collect();
        row.splice(0..0, pictures.iter().map(|image| shown(image, dataset.frame()).in_colour()));
        rows.push(row);
    }
    Ok(arrange(&rows))
}

/// A sample as it is shown: whole, and where samples have sizes of their own no larger than they are taken for.
fn shown<'a>(image: &Image<'a>, frame: Frame) -> Image<'a> {
    let longest = frame.size.0.max(frame.size.1);
    let side = image.height.max(image.width);
    if frame.same || side <= longest {
        return image.clone();
    }
    let scaled = |side_of: usize| (side_of * longest / side).max(1);
    let size = (scaled(image.height), scaled(image.width));
    let (mut pixels, mut scratch) = (Pixels::default(), Scratch::default());
    resample_image(image, Window::whole((image.height, image.width)), size, &mut pixels, &mut scratch);
    pixels.to_image()
}

/// A picture with a row for each list of pictures, whatever their sizes: each is shown whole, at most `side` high and wide.
pub fn picture_sheet(rows: &[Vec<Image<'_>>], side: usize) -> Image<'static> {
    let frame = Frame::nominal((side, side));
    let rows: Vec<Vec<Image>> =
        rows.iter().map(|row| row.iter().map(|image| shown(image, frame).in_colour()).collect()).collect();
    arrange(&rows)
}

/// A view as it is shown: its hidden patches are grey.
fn picture(views: &Views, view: usize, made: &Made) -> Image<'static> {
    let mut image = views.picture(view, made.pixels(view)).in_colour();
    let Some((drawn, layout)) = made.mask(view) else { return image };
    for (pixel, rgb) in image.data.to_mut().as_chunks_mut::<CHANNELS>().0.iter_mut().enumerate() {
        let (y, x) = (pixel / image.width / layout.patch, pixel % image.width / layout.patch);
        if drawn.hidden[y * layout.grid.columns + x] {
            *rgb = GREY;
        }
    }
    image
}

/// The pictures on a white ground, rows below one another, all enlarged alike.
fn arrange(rows: &[Vec<Image<'_>>]) -> Image<'static> {
    let all = || rows.iter().flatten();
    let height = all().map(|i| i.height).max().unwrap_or(1);
    let width = all().map(|i| i.width).max().unwrap_or(1);
    let factor = (SIDE / height.max(width)).max(1);
    let (cell_height, cell_width) = (height * factor + GAP, width * factor + GAP);
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let (height, width) = (rows.len() * cell_height + GAP, columns * cell_width + GAP);
    let mut sheet = Image::new(height, width, vec![255; height * width * CHANNELS]);
    for (r, row) in rows.iter().enumerate() {
        for (c, image) in row.iter().enumerate() {
            paste(&mut sheet, image, r * cell_height + GAP, c * cell_width + GAP, factor);
        }
    }
    sheet
}

/// Copies a picture, each pixel a square of side `factor`.
fn paste(sheet: &mut Image, image: &Image, top: usize, left: usize, factor: usize) {
    let pixels = sheet.data.to_mut();
    for y in 0..image.height * factor {
        for x in 0..image.width * factor {
            let from = (y / factor * image.width + x / factor) * CHANNELS;
            let to = ((top + y) * sheet.width + left + x) * CHANNELS;
            pixels[to..to + CHANNELS].copy_from_slice(&image.data[from..from + CHANNELS]);
        }
    }
}
