//! What is measured of pictures once and then written down: mean and standard deviation of their channels.

use rayon::prelude::*;

use crate::catalog::{Arg, Config};
use crate::data::augment::{Augment, Fit, PixelNorm, Scratch};
use crate::data::{DataSet, Pixels};

/// How many pictures are looked at, spread evenly over all.
pub const SAMPLE: usize = 256;
/// No channel is divided by less: pictures of one colour.
const LEAST: f64 = 1e-3;
/// Digits that are kept, so that a recipe stays readable.
const DIGITS: f64 = 1e4;

/// Mean and standard deviation of the channels of pictures, fitted to the size they are taken for. Those that
/// cannot be used do not count; `None` where none can.
pub fn norm_of(data: &dyn DataSet) -> Option<PixelNorm> {
    let step = data.len().div_ceil(SAMPLE).max(1);
    let places: Vec<usize> = (0..data.len()).step_by(step).collect();
    let sums: Vec<_> = places.into_par_iter().filter_map(|index| sums(data, index)).collect();
    // In the order of the pictures, however many threads there were.
    let channels = data.frame().channels;
    let (mut count, mut sum, mut squares) = (0.0, vec![0.0; channels], vec![0.0; channels]);
    for (pixels, of, of_squares) in sums {
        count += pixels;
        sum.iter_mut().zip(of).for_each(|(sum, of)| *sum += of);
        squares.iter_mut().zip(of_squares).for_each(|(sum, of)| *sum += of);
    }
    let rounded = |x: f64| ((x * DIGITS).round() / DIGITS) as f32;
    let mean: Vec<f64> = sum.iter().map(|s| s / count).collect();
    let deviation = |(squares, mean): (&f64, &f64)| (squares / count - mean * mean).max(0.0).sqrt().max(LEAST);
    let std = squares.iter().zip(&mean).map(deviation).map(rounded).collect();
    (count > 0.0).then(|| PixelNorm { mean: mean.into_iter().map(rounded).collect(), std })
}

/// Pixels of a picture, and for each channel the sums of their values and of the squares of these.
fn sums(data: &dyn DataSet, index: usize) -> Option<(f64, Vec<f64>, Vec<f64>)> {
    let image = data.image(index).ok()?;
    let (mut pixels, mut scratch) = (Pixels::default(), Scratch::default());
    let size = data.frame().size;
    Fit { size }.apply_to(&(), &image, &mut pixels, &mut scratch);
    let (mut sum, mut squares) = (vec![0.0; pixels.channels], vec![0.0; pixels.channels]);
    for pixel in pixels.data.chunks_exact(pixels.channels) {
        for (c, &x) in pixel.iter().enumerate() {
            let x = f64::from(x);
            sum[c] += x;
            squares[c] += x * x;
        }
    }
    Some(((size.0 * size.1) as f64, sum, squares))
}

/// The normalisation that a configuration has written down, as `mean` and `std`.
pub fn written(config: &Config) -> Option<PixelNorm> {
    let numbers = |name: &str| match config.arg(name) {
        Arg::List(items) => {
            let all = items.iter().map(|x| if let Arg::Number(x) = x { Some(*x as f32) } else { None });
            all.collect::<Option<Vec<f32>>>()
        }
        _ => None,
    };
    Some(PixelNorm { mean: numbers("mean")?, std: numbers("std")? })
}

/// Writes a normalisation down, where a configuration leaves it open.
pub fn write(config: &mut Config, norm: &PixelNorm) {
    for (name, value) in norm.to_config(config.span).args {
        let open = config.args.iter_mut().find(|(known, old)| *known == name && *old == Arg::None);
        open.into_iter().for_each(|slot| slot.1 = value.clone());
    }
}
