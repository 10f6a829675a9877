//! Every augmentation with extreme arguments on pictures of any size: nothing panics, the size is the one foretold, and all is finite.

use sslrun::catalog::{Arg, Config, ParamType};
use sslrun::data::augment::{self, AUGMENTATIONS, Augment, Augmentation, PadCrop, Scratch};
use sslrun::data::{Image, Pixels};
use sslrun::random::Rng;

use crate::data::step;

/// An argument of that type: its least, its largest, or between; sizes stay small enough to be made many times.
fn argument(ty: ParamType, rng: &mut Rng) -> Option<Arg> {
    let mut within = |min: f64, max: f64| match rng.below(4) {
        0 => min,
        1 => max,
        2 => (min.max(1e-9).ln() + (max.ln() - min.max(1e-9).ln()) * rng.uniform()).exp().clamp(min, max),
        _ => min + (max - min) * rng.uniform(),
    };
    Some(match ty {
        ParamType::Number { min, max } => Arg::Number(within(min, max)),
        ParamType::Int { min, max } => Arg::Number(within(min as f64, max.min(80) as f64).round()),
        ParamType::Range { min, max } => {
            let (a, b) = (within(min, max), within(min, max));
            Arg::Range(a.min(b), a.max(b))
        }
        ParamType::Numbers => Arg::List((0..3).map(|_| Arg::Number(within(0.01, 10.0))).collect()),
        _ => return None,
    })
}

fn config(word: &Augmentation, rng: &mut Rng) -> Config {
    let params = word.entry.params.iter();
    let args: Vec<(&str, Arg)> = params.filter_map(|p| Some((p.name, argument(p.ty, rng)?))).collect();
    step(word.entry.name, &args)
}

fn picture(rng: &mut Rng) -> Image<'static> {
    const SIDES: [usize; 9] = [1, 1, 2, 3, 4, 5, 17, 32, 300];
    let (height, width) = (SIDES[rng.below(9)], SIDES[rng.below(9)]);
    let bytes: Vec<u8> = (0..height * width * 3).map(|_| [0, 255, rng.below(256) as u8][rng.below(3)]).collect();
    Image::new(height, width, bytes)
}

#[test]
fn every_augmentation_takes_every_argument_and_picture() {
    let mut scratch = Scratch::default();
    for word in AUGMENTATIONS {
        let mut made = 0;
        for round in 0..400 {
            let mut rng = Rng::new(&[6, round]);
            let (config, image) = (config(word, &mut rng), picture(&mut rng));
            // An even kernel is refused by a word.
            let Ok(step) = augment::build(&config, 3) else { continue };
            let wanted = step.output_size((image.height, image.width));
            // Long narrow pictures resized by their short side are long.
            if wanted.0 * wanted.1 > 1 << 18 {
                continue;
            }
            let mut out = Pixels::default();
            step.run_on(&image, &mut out, &mut scratch, &mut rng);
            let told = format!("{config} on {}x{}", image.height, image.width);
            assert_eq!(
                (out.height, out.width, out.data.len()),
                (wanted.0, wanted.1, wanted.0 * wanted.1 * 3),
                "{told}"
            );
            assert!(out.data.iter().all(|v| v.is_finite()), "{told}");
            let inside = |v: &f32| (-1e-5..=1.0 + 1e-5).contains(v);
            assert!(step.normalises() || out.data.iter().all(inside), "{told}");
            // What was made is a picture like any other.
            step.run(&mut out, &mut scratch, &mut rng);
            made += 1;
        }
        assert!(made > 50, "{}: {made}", word.entry.name);
    }
}

/// As torchvision's `RandomCrop(size, padding)` has it: what lies beyond the picture and its border is black.
#[test]
fn a_cut_beyond_the_picture_is_black() {
    for side in [1_usize, 2, 3, 32] {
        for padding in [0_usize, 1, side, side + 1, 1024] {
            for at in [0, padding.saturating_sub(1), padding, padding + side - 1, 2 * padding] {
                let at = at.min(2 * padding);
                let mut pixels = Pixels { height: side, width: side, channels: 3, data: vec![1.0; side * side * 3] };
                PadCrop { padding }.apply(&(at, padding), &mut pixels, &mut Scratch::default());
                let white = pixels.data.iter().filter(|v| **v == 1.0).count();
                let rows = side.saturating_sub(at.abs_diff(padding));
                assert_eq!(
                    (pixels.height, pixels.width, white),
                    (side, side, rows * side * 3),
                    "{side} {padding} {at}"
                );
            }
        }
    }
}

#[test]
fn numbers_that_pixels_cannot_be_normalised_by_are_refused() {
    let norm = |mean: f64, std: f64| {
        let lists = [("mean", Arg::List(vec![Arg::Number(mean)])), ("std", Arg::List(vec![Arg::Number(std)]))];
        augment::build(&step("pixel_norm", &lists), 3)
    };
    assert!(norm(0.5, 0.25).is_ok());
    for (mean, std) in [(0.5, 1e-40), (1e39, 1.0), (f64::NAN, 1.0), (0.5, 0.0), (0.5, -1.0), (0.5, f64::INFINITY)] {
        assert!(norm(mean, std).is_err(), "{mean} {std}");
    }
}
