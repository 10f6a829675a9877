//! How fast one thread reads pictures, decodes them, and makes views of them: each by itself.

use std::time::{Duration, Instant};

use super::views::Workshop;
use super::{DataError, DataSet, Pictures, ViewSpec, Views};
use crate::random::Rng;

/// Pictures of which views are made, in turn.
const PICTURES: usize = 64;

/// Seconds a picture takes one thread.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pace {
    /// To read its file; `None` where pictures are not read when they are needed.
    pub read: Option<f64>,
    /// Bytes that are read.
    pub bytes: f64,
    /// To decode what has been read, or to draw it.
    pub decode: f64,
    /// To make all views of it.
    pub augment: f64,
}

/// Measures for about so long each. The data set must keep no pictures: none is then decoded before.
pub fn pace(data: &dyn DataSet, specs: &[ViewSpec], seed: u64, time: Duration) -> Result<Pace, DataError> {
    let views = Views::new(specs, data)?;
    let order = Rng::new(&[seed, 0]).permutation(data.len());
    let mut pace = Pace::default();
    let (mut bytes, mut none) = (0, false);
    let read = each(order.iter().copied(), time, &mut |place| match data.fetch(place) {
        Ok(fetched) => {
            none |= fetched.is_none();
            bytes += fetched.unwrap_or(0);
            Ok(true)
        }
        other => usable(other),
    })?;
    if !none {
        (pace.read, pace.bytes) = (Some(read.seconds), bytes as f64 / read.count as f64);
    }
    let mut kept: Vec<(usize, Pictures<'static>)> = Vec::new();
    let mut decoding = 0.0;
    let decoded = each(order.iter().copied(), time, &mut |place| {
        // What has just been read is read again as fast as it can be, and then once more to be decoded.
        drop(data.fetch(place));
        let start = Instant::now();
        drop(data.fetch(place));
        let again = start.elapsed();
        let start = Instant::now();
        match Pictures::read(data, place, &views.sources()) {
            Ok(pictures) => {
                decoding += start.elapsed().saturating_sub(again).as_secs_f64();
                if kept.len() < PICTURES {
                    kept.push((place, pictures.into_owned()));
                }
                Ok(true)
            }
            other => usable(other),
        }
    })?;
    pace.decode = decoding / decoded.count as f64;
    let (mut shop, shared) = (Workshop::default(), views.shared_masks(seed, 0));
    let mut out = Vec::new();
    let augmented = each((0..usize::MAX).map(|turn| turn % kept.len()), time, &mut |at| {
        let (place, pictures) = &kept[at];
        let made = views.make(pictures, [seed, 0, *place as u64], &shared, &mut shop)?;
        for view in (0..views.count()).filter(|&view| views.shows(view) == view) {
            let pixels = made.pixels(view);
            out.resize(pixels.data.len(), 0.0);
            views.write(view, pixels, &mut out);
        }
        Ok(true)
    })?;
    pace.augment = augmented.seconds;
    Ok(pace)
}

/// What was done for a while.
struct Done {
    count: usize,
    /// Seconds each.
    seconds: f64,
}

/// Does something with each of some places until the time is over, with one at least that is not left out.
fn each(
    places: impl Iterator<Item = usize>,
    time: Duration,
    work: &mut dyn FnMut(usize) -> Result<bool, DataError>,
) -> Result<Done, DataError> {
    let (start, mut count) = (Instant::now(), 0);
    for place in places {
        count += usize::from(work(place)?);
        if count > 0 && start.elapsed() > time {
            break;
        }
    }
    match count {
        0 => Err(DataError::new("none of the pictures can be used")),
        _ => Ok(Done { count, seconds: start.elapsed().as_secs_f64() / count as f64 }),
    }
}

/// A picture that cannot be used is left out.
fn usable<T>(found: Result<T, DataError>) -> Result<bool, DataError> {
    match found {
        Err(error) if !error.spoilt => Err(error),
        found => Ok(found.is_ok()),
    }
}
