//! Data sets, views and the loader.

use std::sync::Arc;

use sslrun::catalog::{Arg, Config};
use sslrun::data::augment::PixelNorm;
use sslrun::data::{
    Access, Batch, DataError, DataSet, Frame, Image, Loader, Preprocess, Split, ViewSpec, augment, contact_sheet,
    defaults, open, parse_spec, plain_batches,
};
use sslrun::train::{Control, raw_pixels};

/// Opens the data set that a specification names.
pub fn data(spec: &str, split: Split) -> Result<Arc<dyn DataSet>, DataError> {
    open(&parse_spec(spec)?, split, &Access::default()).map(Arc::from)
}

/// The training split of `shapes`.
pub fn shapes(spec: &str) -> Arc<dyn DataSet> {
    data(spec, Split::Train).expect("shapes opens")
}

/// An augmentation with its defaults, some replaced.
pub fn step(name: &str, args: &[(&str, Arg)]) -> Config {
    let word = augment::AUGMENTATIONS.iter().find(|a| a.entry.name == name).expect("a known augmentation");
    let mut config = defaults(&word.entry);
    for (name, value) in args {
        config.args.iter_mut().find(|(n, _)| n == name).expect("a known argument").1 = value.clone();
    }
    config
}

fn simclr() -> Vec<Config> {
    vec![
        step("crop", &[("scale", Arg::Range(0.2, 1.0))]),
        step("flip", &[]),
        step("jitter", &[]),
        step("grayscale", &[]),
        step("blur", &[]),
        step("solarize", &[]),
    ]
}

fn view(name: &str, from: Option<usize>, steps: Vec<Config>) -> ViewSpec {
    ViewSpec { name: name.to_string(), from, column: None, steps, frame: None, norm: None }
}

fn two_views() -> Vec<ViewSpec> {
    vec![view("a", None, simclr()), view("b", None, simclr())]
}

fn batches(loader: &Loader, epoch: usize) -> Vec<Batch> {
    loader.epoch(epoch).map(|b| b.expect("a batch")).collect()
}

#[test]
fn batches_do_not_depend_on_the_number_of_threads() {
    let set = shapes("shapes:train=200,test=20");
    let loader = Loader::new(set, &two_views(), 32, 7).expect("a loader");
    let one = batches(&loader.clone().threads(1), 3);
    assert_eq!(one, batches(&loader.clone().threads(5), 3));
    assert_eq!(one.len(), 6);
    assert_ne!(one, batches(&loader, 4));
    assert_eq!(one[0].views[0].len(), 32 * 32 * 32 * 3);
    assert_ne!(one[0].views[0], one[0].views[1]);
}

#[test]
fn a_range_of_steps_joins_epochs_and_starts_anywhere() {
    let loader = Loader::new(shapes("shapes:train=100"), &two_views(), 32, 1).expect("a loader");
    let whole: Vec<Batch> = batches(&loader, 0).into_iter().chain(batches(&loader, 1)).collect();
    let late: Vec<Batch> = loader.steps(2..6).map(|b| b.expect("a batch")).collect();
    assert_eq!(whole[2..], late);
}

#[test]
fn every_epoch_shows_each_sample_once_in_a_new_order() {
    let loader = Loader::new(shapes("shapes:train=96"), &two_views(), 32, 1).expect("a loader");
    let order = |epoch| batches(&loader, epoch).into_iter().flat_map(|b| b.index).collect::<Vec<_>>();
    let (first, second) = (order(0), order(1));
    let mut sorted = first.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..96).collect::<Vec<_>>());
    assert_ne!(first, second);
}

#[test]
fn recycled_batches_do_not_change_the_next() {
    let loader = Loader::new(shapes("shapes:train=100"), &two_views(), 16, 1).expect("a loader").threads(1);
    let fresh = batches(&loader, 0);
    for (i, batch) in loader.epoch(0).enumerate() {
        let batch = batch.expect("a batch");
        assert_eq!(batch, fresh[i]);
        loader.recycle(batch);
    }
}

#[test]
fn a_derived_view_starts_from_its_base() {
    let views = [view("a", None, simclr()), view("m", Some(0), vec![step("flip", &[("p", Arg::Number(0.0))])])];
    let loader = Loader::new(shapes("shapes:train=40"), &views, 8, 1).expect("a loader");
    for batch in batches(&loader, 0) {
        assert_eq!(batch.views[0], batch.views[1]);
    }
}

/// A data set that fails in the middle: by an error or by a panic.
struct Faulty {
    panics: bool,
}

impl DataSet for Faulty {
    fn len(&self) -> usize {
        64
    }
    fn classes(&self) -> &[String] {
        &[]
    }
    fn label(&self, _: usize) -> Option<u32> {
        None
    }
    fn image(&self, index: usize) -> Result<Image<'_>, DataError> {
        assert!(!(self.panics && index == 5), "the disc is on fire");
        match index {
            5 => Err(DataError::new("cannot be decoded")),
            _ => Ok(Image::new(8, 8, vec![0; 192])),
        }
    }
    fn frame(&self) -> Frame {
        Frame::fixed((8, 8))
    }
    fn describe(&self) -> String {
        "faulty".to_string()
    }
}

#[test]
fn errors_and_panics_of_workers_reach_the_consumer() {
    for (panics, expected) in [(false, "row 5: cannot be decoded"), (true, "the disc is on fire")] {
        let loader = Loader::new(Arc::new(Faulty { panics }), &two_views(), 16, 0).expect("a loader");
        let results: Vec<_> = loader.epoch(0).collect();
        assert_eq!(results.len(), 4);
        let errors: Vec<_> = results.into_iter().filter_map(Result::err).collect();
        assert_eq!(errors.len(), 1);
        assert!(errors[0].to_string().contains(expected), "{}", errors[0]);
    }
}

#[test]
fn an_epoch_may_be_left_early() {
    let loader = Loader::new(shapes("shapes:train=400"), &two_views(), 16, 1).expect("a loader");
    let mut epoch = loader.epoch(0);
    assert!(epoch.next().is_some());
    drop(epoch);
}

#[test]
fn plain_batches_hold_all_images_in_order_prepared() {
    let set = shapes("shapes:train=50");
    let PixelNorm { mean, std } = set.mean_std();
    let norm = set.mean_std().to_config(None);
    let prepared =
        |steps: &[Config], size| Arc::new(Preprocess::build(steps, Frame::fixed(size)).expect("a preparation"));
    let as_is = prepared(std::slice::from_ref(&norm), (32, 32));
    let all: Vec<Batch> = plain_batches(set.clone(), as_is.clone(), 16).map(|b| b.expect("a batch")).collect();
    assert_eq!(all.iter().map(|b| b.index.len()).collect::<Vec<_>>(), [16, 16, 16, 2]);
    let image = set.image(17).expect("an image");
    let expected = (f32::from(image.data[0]) / 255.0 - mean[0]) / std[0];
    assert!((all[1].views[0][32 * 32 * 3] - expected).abs() < 1e-6);
    let smaller = prepared(&[step("resize", &[("size", Arg::Number(16.0))]), norm.clone()], (16, 16));
    let small = plain_batches(set.clone(), smaller, 50).next().expect("a batch").expect("a batch");
    assert_eq!(small.views[0].len(), 50 * 16 * 16 * 3);
    // The statistics are those of the preparation, whatever the data set's own are; a picture of another size is fitted.
    let other = shapes("shapes:train=3,size=16");
    let fitted = plain_batches(other, as_is.clone(), 3).next().expect("a batch").expect("a batch");
    assert_eq!(fitted.views[0].len(), 3 * 32 * 32 * 3);
    let error =
        Preprocess::build(&[step("center_crop", &[("size", Arg::Number(24.0))]), norm.clone()], Frame::fixed((32, 32)));
    assert!(error.err().expect("an error").to_string().contains("24x24"));
    let darker = data("shapes:test=1,seed=5", Split::Test).expect("a picture");
    let batch = plain_batches(darker.clone(), as_is, 1).next().expect("a batch").expect("a batch");
    let pixel = f32::from(darker.image(0).expect("an image").data[0]) / 255.0;
    assert!((batch.views[0][0] - (pixel - mean[0]) / std[0]).abs() < 1e-6);
}

#[test]
fn a_contact_sheet_has_a_row_a_sample_and_a_column_a_view() {
    let sheet = contact_sheet(&*shapes("shapes:train=50"), &two_views(), 4, 0).expect("a sheet");
    assert_eq!((sheet.height, sheet.width), (4 * 100 + 4, 3 * 100 + 4));
}

#[test]
fn raw_pixels_of_large_pictures_are_averaged() {
    let set = shapes("shapes:train=3,size=70");
    let norm = PixelNorm { mean: vec![0.0; 3], std: vec![1.0; 3] }.to_config(None);
    let prepared =
        Arc::new(Preprocess::build(std::slice::from_ref(&norm), Frame::fixed((70, 70))).expect("a preparation"));
    let rows = raw_pixels(&set, &prepared, &Control::default()).expect("features");
    // Squares of three, and at the edge what is left: one row and one column.
    assert_eq!((rows.dim, rows.index.as_slice()), (24 * 24 * 3, [0, 1, 2].as_slice()));
    let image = set.image(1).expect("an image");
    let mean = |y: usize, x: usize, c: usize| {
        let inside = |from: usize| from * 3..(from * 3 + 3).min(70);
        let all: Vec<f32> = inside(y)
            .flat_map(|y| inside(x).map(move |x| (y * 70 + x) * 3 + c))
            .map(|at| f32::from(image.data[at]) / 255.0)
            .collect();
        all.iter().sum::<f32>() / all.len() as f32
    };
    for (y, x, c) in [(0, 0, 0), (5, 11, 2), (23, 23, 1), (23, 4, 0)] {
        assert!((rows.values[rows.dim + (y * 24 + x) * 3 + c] - mean(y, x, c)).abs() < 1e-5);
    }
}
