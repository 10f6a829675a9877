//! How fast views are made, on one core: `cargo bench --bench augment [-- part of a name]`; `augment.py` is torchvision's side.
//! With `BENCH_CPU` set (for a busy machine; Linux) seconds are those of the processor.
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use sslrun::catalog::{Arg, Config};
use sslrun::data::{Access, InMemory, Loader, Split, ViewSpec, augment, defaults, open, parse_spec};

/// Images made in one go, and goes of which the best counts.
const BATCH: usize = 64;
const RUNS: usize = 5;

/// `simclr_augment` of the standard library at some size, from images as large as the data sets of that size have:
/// CIFAR's, STL-10's, a usual photograph.
const PIPELINES: [(&str, [usize; 2], usize, f64); 3] =
    [("32", [32, 32], 32, 0.0), ("96", [96, 96], 96, 0.5), ("224", [375, 500], 224, 0.5)];

fn step(name: &str, args: &[(&str, Arg)]) -> Config {
    let word = augment::AUGMENTATIONS.iter().find(|a| a.entry.name == name).expect("a known augmentation");
    let mut config = defaults(&word.entry);
    for (name, value) in args {
        config.args.iter_mut().find(|(n, _)| n == name).expect("a known argument").1 = value.clone();
    }
    config
}

fn steps(size: usize, blur: f64) -> Vec<Config> {
    vec![
        step("crop", &[("scale", Arg::Range(0.2, 1.0)), ("size", Arg::Number(size as f64))]),
        step("flip", &[]),
        step("jitter", &[]),
        step("grayscale", &[]),
        step("blur", &[("p", Arg::Number(blur))]),
    ]
}

/// Smooth colours with some noise, as bytes.
fn photographs(count: usize, [height, width]: [usize; 2]) -> InMemory {
    let value = |i: usize| {
        let (c, x, y) = (i % 3, i / 3 % width, i / 3 / width % height);
        let wave = (x as f32 * 0.05 + c as f32).sin() + (y as f32 * 0.03 - c as f32).cos();
        (128.0 + 50.0 * wave) as u8 ^ (i.wrapping_mul(0x9e37_79b9) >> 29) as u8
    };
    InMemory {
        name: "photographs".to_string(),
        size: (height, width),
        bytes: (0..count * height * width * 3).map(value).collect(),
        labels: vec![Some(0); count],
        classes: vec!["any".to_string()],
        channels: 3,
        mean_std: augment::PixelNorm::unknown(3),
        digests: OnceLock::new(),
    }
}

/// Seconds by the clock, or those that this process has run.
fn seconds(start: Instant) -> f64 {
    if std::env::var_os("BENCH_CPU").is_none() {
        return start.elapsed().as_secs_f64();
    }
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = stat.split(' ').skip(13).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}

/// Images a second on one thread, decoded bytes to normalised batch.
fn rate(set: InMemory, steps: Vec<Config>, batches: usize) -> f64 {
    let view = ViewSpec { name: "a".to_string(), from: None, column: None, steps, frame: None, norm: None };
    let loader = Loader::new(Arc::new(set), &[view], BATCH, 0).expect("a loader").threads(1);
    let start = Instant::now();
    let run = |from: usize| {
        let before = seconds(start);
        for batch in loader.steps(from..from + batches) {
            loader.recycle(batch.expect("a batch"));
        }
        (batches * BATCH) as f64 / (seconds(start) - before)
    };
    run(0);
    (1..=RUNS).map(|i| run(i * batches)).fold(0.0, f64::max)
}

fn main() {
    let part = std::env::args().skip(1).find(|a| !a.starts_with('-')).unwrap_or_default();
    for (name, from, size, blur) in PIPELINES.iter().filter(|p| p.0.contains(&part)) {
        let pixels = from[0] * from[1] + 4 * size * size;
        let batches = (60_000_000 / pixels / BATCH).max(2);
        let rate = rate(photographs(BATCH, *from), steps(*size, *blur), batches);
        println!("{name:>6} px  {rate:10.0} images/s on one core");
    }
    if "shapes".contains(&part) {
        let config = parse_spec("shapes").expect("a data set");
        let start = Instant::now();
        let before = seconds(start);
        let set = open(&config, Split::Train, &Access::default()).expect("shapes");
        (0..set.len()).for_each(|i| drop(set.image(i).expect("an image")));
        let rate = set.len() as f64 / (seconds(start) - before);
        println!("shapes     {rate:10.0} images/s painted on one core");
    }
}
