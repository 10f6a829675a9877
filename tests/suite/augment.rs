//! Augmentations against torchvision given the same draws, and what they draw.

mod extremes;

use serde_json::Value;
use sslrun::catalog::Arg;
use sslrun::data::augment::{
    Augment, Blur, CenterCrop, Crop, Flip, Grayscale, Jitter, JitterStep, PadCrop, PixelNorm, Resize, Scratch, Side,
    Solarize, Window,
};
use sslrun::data::{Frame, Image, Pipeline, Pixels};
use sslrun::random::Rng;

use crate::data::step;
use crate::fixtures::{Fixture, Tensor};

const SAMPLE: Frame = Frame::fixed((50, 80));

pub fn pixels(tensor: &Tensor) -> Pixels {
    Pixels { height: tensor.shape[0], width: tensor.shape[1], channels: tensor.shape[2], data: tensor.values.clone() }
}

fn int(case: &Value, key: &str) -> usize {
    case[key].as_u64().unwrap_or_else(|| panic!("{key} of {case}")) as usize
}

fn run<A: Augment>(augment: &A, draw: &A::Draw, image: &mut Pixels) {
    augment.apply(draw, image, &mut Scratch::default());
}

/// Does to the image what the case did to it.
pub fn replay(case: &Value, image: &mut Pixels) {
    match case["word"].as_str().expect("a word") {
        "crop" => {
            let [top, left, height, width] = ["top", "left", "height", "width"].map(|k| int(case, k));
            let crop = Crop {
                scale: (0.08, 1.0),
                ratio: (0.75, 4.0 / 3.0),
                side: Side::Fixed(int(case, "size"), int(case, "size")),
            };
            run(&crop, &Window { top, left, height, width }, image);
        }
        "resize" => run(&Resize { size: int(case, "size") }, &(), image),
        "center_crop" => run(&CenterCrop { size: (int(case, "size"), int(case, "size")) }, &(), image),
        "pad_crop" => {
            run(&PadCrop { padding: int(case, "padding") }, &(int(case, "top"), int(case, "left")), image);
        }
        "jitter" => case["steps"].as_array().expect("steps").iter().for_each(|s| jitter(s, image)),
        "grayscale" => run(&Grayscale { p: 1.0 }, &true, image),
        "solarize" => run(&Solarize { p: 1.0, threshold: case["threshold"].as_f64().expect("a number") }, &true, image),
        "flip" => run(&Flip { p: 1.0 }, &true, image),
        "pixel_norm" => {
            let three = |k: &str| {
                case[k].as_array().expect("numbers").iter().map(|x| x.as_f64().expect("a number") as f32).collect()
            };
            run(&PixelNorm { mean: three("mean"), std: three("std") }, &(), image);
        }
        "blur" => {
            let blur = Blur { p: 1.0, sigma: (0.1, 2.0), kernel: Some(int(case, "kernel")) };
            run(&blur, &case["sigma"].as_f64(), image);
        }
        word => panic!("no such augmentation: {word}"),
    }
}

/// One step of a jitter, as a jitter whose other steps change nothing.
fn jitter(step: &Value, image: &mut Pixels) {
    let value = step[1].as_f64().expect("a number");
    let step = match step[0].as_str().expect("a name") {
        "brightness" => JitterStep::Brightness(value),
        "contrast" => JitterStep::Contrast(value),
        "saturation" => JitterStep::Saturation(value),
        _ => JitterStep::Hue(value),
    };
    let jitter = Jitter { brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1, p: 1.0 };
    let idle = JitterStep::Brightness(1.0);
    run(&jitter, &Some([step, idle, idle, idle]), image);
}

#[test]
fn every_augmentation_agrees_with_torchvision_given_the_same_draw() {
    let fixture = Fixture::load("augment");
    let mut words = std::collections::BTreeSet::new();
    for (name, text) in &fixture.cases {
        let case: Value = serde_json::from_str(text).expect("a case");
        let Some(input) = case["input"].as_str() else { continue };
        words.insert(case["word"].as_str().expect("a word").to_string());
        let mut image = pixels(fixture.get(&format!("{input}/image")));
        replay(&case, &mut image);
        let expected = fixture.get(&format!("{name}/out"));
        assert_eq!([image.height, image.width], expected.shape[..2], "{name}");
        let worst = image.data.iter().zip(&expected.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        // Far below one step of a byte, 1/255.
        assert!(worst < 2e-5, "{name}: differs by {worst}");
    }
    assert_eq!(words.len(), sslrun::data::augment::AUGMENTATIONS.len(), "{words:?}");
}

#[test]
fn crops_draw_area_and_ratio_as_torchvision_does() {
    let crop = Crop { scale: (0.2, 1.0), ratio: (0.75, 4.0 / 3.0), side: Side::Share(1.0) };
    let mut rng = Rng::new(&[1]);
    let draws: Vec<Window> = (0..20_000).map(|_| crop.draw((320, 320), &mut rng)).collect();
    for w in &draws {
        assert!(w.top + w.height <= 320 && w.left + w.width <= 320);
        let (area, ratio) = ((w.height * w.width) as f64 / 102_400.0, w.width as f64 / w.height as f64);
        assert!((0.19..=1.0).contains(&area) && (0.74..=1.35).contains(&ratio), "{w:?}");
    }
    // `RandomResizedCrop.get_params(torch.zeros(3, 320, 320), [0.2, 1], [3/4, 4/3])`, 150,000 draws of torchvision.
    let mean = |f: &dyn Fn(&Window) -> f64| draws.iter().map(f).sum::<f64>() / draws.len() as f64;
    let close = |got: f64, want: f64, tolerance: f64| assert!((got - want).abs() < tolerance, "{got} {want}");
    close(mean(&|w| (w.height * w.width) as f64 / 102_400.0), AREA, 0.006);
    close(mean(&|w| w.width as f64 / w.height as f64), RATIO, 0.006);
    close(mean(&|w| w.top as f64), TOP, 1.2);
    close(mean(&|w| w.left as f64), TOP, 1.2);
}

const AREA: f64 = 0.540;
const RATIO: f64 = 1.013;
const TOP: f64 = 44.2;

#[test]
fn a_crop_that_cannot_fit_takes_the_largest_central_part() {
    let crop = Crop { scale: (1.0, 1.0), ratio: (1.0, 1.0), side: Side::Share(1.0) };
    let window = crop.draw((20, 50), &mut Rng::new(&[1]));
    assert_eq!(window, Window { top: 0, left: 15, height: 20, width: 20 });
}

#[test]
fn jitter_draws_every_order_and_stays_within_its_bounds() {
    let jitter = Jitter { brightness: 0.4, contrast: 1.5, saturation: 0.2, hue: 0.1, p: 0.8 };
    let mut rng = Rng::new(&[2]);
    let mut orders = std::collections::BTreeMap::new();
    let mut applied = 0;
    for steps in (0..4800).filter_map(|_| jitter.draw((1, 1), &mut rng)) {
        applied += 1;
        let order = steps.map(|step| match step {
            JitterStep::Brightness(f) => within(0, f, 0.6, 1.4),
            JitterStep::Contrast(f) => within(1, f, 0.0, 2.5),
            JitterStep::Saturation(f) => within(2, f, 0.8, 1.2),
            JitterStep::Hue(f) => within(3, f, -0.1, 0.1),
        });
        *orders.entry(order).or_insert(0) += 1;
    }
    assert!((3700..3980).contains(&applied), "{applied}");
    assert_eq!(orders.len(), 24);
    assert!(orders.values().all(|&n| (110..210).contains(&n)), "{orders:?}");
}

fn within(name: u8, value: f64, low: f64, high: f64) -> u8 {
    assert!((low..=high).contains(&value), "{value}");
    name
}

#[test]
fn blur_takes_a_tenth_of_the_side_and_survives_tiny_images() {
    let fixture = Fixture::load("augment");
    let image = pixels(fixture.get("square/image"));
    let [mut auto, mut three] = [image.clone(), image];
    run(&Blur { p: 1.0, sigma: (1.0, 1.0), kernel: None }, &Some(1.0), &mut auto);
    run(&Blur { p: 1.0, sigma: (1.0, 1.0), kernel: Some(3) }, &Some(1.0), &mut three);
    assert_eq!(auto, three);
    let mut dot = Pixels { height: 1, width: 2, channels: 3, data: vec![0.5; 6] };
    run(&Blur { p: 1.0, sigma: (1.0, 1.0), kernel: Some(9) }, &Some(1.0), &mut dot);
    assert_eq!(dot.data.len(), 6);
}

#[test]
fn wrong_arguments_are_refused_with_a_reason() {
    let cases = [
        (step("crop", &[("scale", Arg::Range(0.0, 2.0))]), "scale within 0..1"),
        (step("blur", &[("kernel", Arg::Number(4.0))]), "must be odd"),
        (step("resize", &[]), "size of at least 1"),
        (step("pixel_norm", &[("mean", Arg::Number(0.5))]), "`std` takes 3 numbers"),
        (step("pixel_norm", &[("mean", Arg::Number(0.5)), ("std", Arg::Number(0.0))]), "must be positive"),
    ];
    for (config, reason) in cases {
        let error = Pipeline::build(std::slice::from_ref(&config), SAMPLE).err().expect("an error").to_string();
        assert!(error.contains(reason), "{error}");
    }
    let mut unknown = step("flip", &[]);
    unknown.entry = &sslrun::optim::CLIP_NORM;
    let error = Pipeline::build(&[unknown], SAMPLE).err().expect("an error").to_string();
    assert!(error.contains("`clip_norm` is no augmentation") && error.contains("grayscale"), "{error}");
}

#[test]
fn a_pipeline_knows_the_size_it_makes() {
    let steps = [step("resize", &[("size", Arg::Number(40.0))]), step("crop", &[("size", Arg::Number(24.0))])];
    let pipeline = Pipeline::build(&steps, SAMPLE).expect("a pipeline");
    assert_eq!(pipeline.output_size(), (24, 24));
    assert_eq!(Pipeline::build(&steps[..1], SAMPLE).expect("a pipeline").output_size(), (40, 64));
}

#[test]
fn photographs_of_any_size_become_views_of_one() {
    let frame = Frame::nominal((24, 24));
    let crop = step("crop", &[("size", Arg::None)]);
    let shapes = |steps: &[_]| {
        let pipeline = Pipeline::build(steps, frame).expect("a pipeline");
        assert_eq!(pipeline.output_size(), (24, 24));
        [(40, 31), (7, 9), (24, 24), (300, 2)].map(|(height, width)| {
            let data: Vec<u8> = (0..height * width * 3).map(|i| (i % 251) as u8).collect();
            let (mut out, mut scratch) = (Pixels::default(), Scratch::default());
            pipeline.apply_to(&Image::new(height, width, data), &mut out, &mut scratch, &mut Rng::new(&[1]));
            assert_eq!((out.height, out.width, out.data.len()), (24, 24, 24 * 24 * 3), "{height}x{width}");
            out
        })
    };
    // A share of it, in any case.
    // In whole eighths, or sevenths: patches of 14 divide 98 and what is made of it.
    let sizes = [(Frame::nominal((96, 96)), 48), (Frame::fixed((32, 32)), 16), (Frame::nominal((98, 98)), 42)];
    for (frame, size) in sizes.into_iter().chain([(Frame::nominal((224, 224)), 112), (Frame::nominal((50, 50)), 25)]) {
        let half = step("crop", &[("size", Arg::Number(0.5))]);
        assert_eq!(Pipeline::build(&[half], frame).expect("a pipeline").output_size(), (size, size));
    }
    let odd = step("crop", &[("size", Arg::Number(16.5))]);
    assert!(Pipeline::build(&[odd], frame).is_err());
    // A crop takes its size from the data set; what takes none from anywhere is fitted first, the middle of it.
    shapes(&[crop.clone(), step("flip", &[])]);
    shapes(&[step("flip", &[]), crop]);
    shapes(&[step("pad_crop", &[("padding", Arg::Number(4.0))])]);
    let [tall, ..] = shapes(&[]);
    let middle = Window { top: 4, left: 0, height: 31, width: 31 };
    let data: Vec<u8> = (0..40 * 31 * 3).map(|i| (i % 251) as u8).collect();
    let (mut wanted, mut scratch) = (Pixels::default(), Scratch::default());
    sslrun::data::augment::resample_image(&Image::new(40, 31, data), middle, (24, 24), &mut wanted, &mut scratch);
    assert_eq!(tall, wanted);
}

#[test]
fn the_middle_of_an_image_is_that_of_its_pixels() {
    for (height, width, size) in [(40, 31, (8, 8)), (9, 50, (10, 20)), (24, 24, (24, 24)), (25, 31, (8, 11))] {
        let data: Vec<u8> = (0..height * width * 3).map(|i| (i * 7 % 256) as u8).collect();
        let (image, crop) = (Image::new(height, width, data), CenterCrop { size });
        let (mut straight, mut by_way, mut scratch) = (Pixels::default(), Pixels::default(), Scratch::default());
        crop.apply_to(&(), &image, &mut straight, &mut scratch);
        by_way.load(&image);
        crop.apply(&(), &mut by_way, &mut scratch);
        assert_eq!(straight, by_way, "{height}x{width} to {size:?}");
    }
}
