//! Masks as they are drawn: counts, places and distributions.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::recipe;
use crate::fixtures::Fixture;
use proptest::prelude::*;
use sslrun::catalog::{Arg, Config};
use sslrun::data::{Drawn, Grid, Layout, Mask};
use sslrun::random::Rng;

/// The mask of that description, and its layout for a view of that size.
fn mask(text: &str, size: (usize, usize)) -> (Mask, Layout) {
    let recipe = recipe(text, "m.mask");
    let mask = Mask::build(recipe.views[1].steps.last().expect("a mask")).expect("a mask");
    let layout = mask.layout(size).expect("a layout");
    (mask, layout)
}

fn draws(text: &str, size: (usize, usize), count: usize) -> (Layout, Vec<Drawn>) {
    let (mask, layout) = mask(text, size);
    let drawn = (0..count).map(|i| mask.draw(&layout, &mut Rng::new(&[7, i as u64]))).collect();
    (layout, drawn)
}

fn hidden(drawn: &Drawn) -> usize {
    drawn.hidden.iter().filter(|&&h| h).count()
}

#[test]
fn random_masks_hide_exactly_as_many_and_each_patch_as_often() {
    let (layout, drawn) = draws("mask(random, ratio: 0.75)", (32, 32), 4000);
    assert_eq!((layout.grid, layout.hidden), (Grid { rows: 8, columns: 8 }, Some(48)));
    assert!(drawn.iter().all(|d| hidden(d) == 48));
    // A share of 0.75 of 4000 draws has a deviation of 27.
    for patch in 0..64 {
        let count = drawn.iter().filter(|d| d.hidden[patch]).count();
        assert!((2860..=3140).contains(&count), "patch {patch}: {count}");
    }
    // Two patches are hidden together with 48 / 64 * 47 / 63.
    let both = drawn.iter().filter(|d| d.hidden[3] && d.hidden[4]).count();
    assert!((2080..=2400).contains(&both), "{both}");
}

#[test]
fn visible_patches_are_rounded_down_as_in_the_official_code() {
    // int(L * (1 - ratio)) patches are kept.
    for (ratio, size, hidden) in [("0.75", 32, 48), ("0.6", 32, 39), ("0.9", 32, 58), ("0.5", 28, 25), ("0.1", 40, 10)]
    {
        let (_, layout) = mask(&format!("mask(random, ratio: {ratio})"), (size, size));
        assert_eq!(layout.hidden, Some(hidden), "{ratio} of {size}");
    }
}

#[test]
fn squares_are_hidden_whole() {
    let (layout, drawn) = draws("mask(random(unit: 2), ratio: 0.6)", (32, 32), 50);
    assert_eq!(layout.hidden, Some(40));
    for d in &drawn {
        assert_eq!(hidden(d), 40);
        for patch in 0..64 {
            let corner = patch / 16 * 16 + patch % 8 / 2 * 2;
            assert_eq!(d.hidden[patch], d.hidden[corner]);
        }
    }
}

#[test]
fn blocks_hide_at_most_as_many_and_nearly_always_almost_as_many() {
    let (layout, drawn) = draws("mask(blockwise, ratio: 0.4)", (56, 56), 1000);
    assert_eq!(layout.hidden, None);
    // T - floor(0.6 * 196)
    let counts: Vec<usize> = drawn.iter().map(hidden).collect();
    assert!(counts.iter().all(|&c| c <= 79));
    let mean = counts.iter().sum::<usize>() as f64 / 1000.0;
    assert!(mean > 74.0, "{mean}");
    // Neighbours share their fate far more often than random patches would.
    let alike = |d: &Drawn| (0..195).filter(|i| d.hidden[*i] == d.hidden[i + 1]).count();
    let mean = drawn.iter().map(alike).sum::<usize>() as f64 / 195_000.0;
    assert!(mean > 0.75, "{mean}");
}

/// The mean and the standard deviation of numbers.
fn spread(values: &[f64]) -> (f64, f64) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64;
    (mean, square.sqrt())
}

#[test]
fn blocks_are_distributed_as_by_the_official_algorithm() {
    const DRAWS: usize = 4000;
    let fixture = Fixture::load("masks");
    assert_eq!(fixture.cases.len(), 6);
    for (case, settings) in &fixture.cases {
        let settings: BTreeMap<String, f64> = serde_json::from_str(settings).expect("settings");
        let (rows, columns) = (settings["rows"] as usize, settings["columns"] as usize);
        let (kind, args) = match settings.get("smallest") {
            Some(&smallest) => ("blockwise", [("min_block", Arg::Number(smallest))]),
            None => ("inverse", [("roll", Arg::Bool(settings["roll"] > 0.0))]),
        };
        // A little less than the share itself, of which then the whole patches are taken.
        let ratio = (settings["wanted"] - 0.5) / (rows * columns) as f64;
        let mask = Mask::build(&changed(kind, &args, Some(ratio))).expect("a mask");
        let layout = mask.layout((rows * 4, columns * 4)).expect("a layout");
        let drawn: Vec<Drawn> = (0..DRAWS).map(|i| mask.draw(&layout, &mut Rng::new(&[11, i as u64]))).collect();
        let want = |key: &str| fixture.get(&format!("{case}/{key}")).values.clone();
        // Four standard errors; those of the fixture are smaller, as it has more draws.
        let (mean, deviation) = spread(&drawn.iter().map(|d| hidden(d) as f64).collect::<Vec<_>>());
        let count = want("count");
        let error = 4.0 * f64::from(count[1]) * (1.0 / DRAWS as f64 + 1.0 / settings["draws"]).sqrt();
        assert!((mean - f64::from(count[0])).abs() <= error, "{case}: {mean} instead of {}", count[0]);
        let most = 0.25 * f64::from(count[1]);
        assert!((deviation - f64::from(count[1])).abs() <= most, "{case}: {deviation} instead of {}", count[1]);
        for (patch, want) in want("hidden").into_iter().enumerate() {
            let share = drawn.iter().filter(|d| d.hidden[patch]).count() as f64 / DRAWS as f64;
            assert!((share - f64::from(want)).abs() < 0.036, "{case}, patch {patch}: {share} instead of {want}");
        }
        let alike = |next: usize, fits: &dyn Fn(usize) -> bool| {
            let pairs = drawn.iter().flat_map(|d| (0..rows * columns).filter(|&i| fits(i)).map(move |i| (d, i)));
            let same: Vec<f64> = pairs.map(|(d, i)| f64::from(u8::from(d.hidden[i] == d.hidden[i + next]))).collect();
            same.iter().sum::<f64>() / same.len() as f64
        };
        let got = [alike(1, &|i| i % columns + 1 < columns), alike(columns, &|i| i / columns + 1 < rows)];
        for (got, want) in got.into_iter().zip(want("alike")) {
            assert!((got - f64::from(want)).abs() < 0.005, "{case}: neighbours alike {got} instead of {want}");
        }
    }
}

#[test]
fn blocks_are_completed_where_that_is_asked_for() {
    let (layout, drawn) = draws("mask(blockwise(exact: true), ratio: 0.4)", (32, 32), 300);
    assert_eq!(layout.hidden, Some(26));
    assert!(drawn.iter().all(|d| hidden(d) == 26));
}

#[test]
fn what_an_inverse_mask_leaves_is_a_block() {
    let (layout, drawn) = draws("mask(inverse(roll: false), ratio: 0.65)", (56, 56), 500);
    assert_eq!(layout.hidden, Some(128));
    for d in &drawn {
        let kept: Vec<(usize, usize)> = (0..196).filter(|&i| !d.hidden[i]).map(|i| (i / 14, i % 14)).collect();
        assert_eq!(kept.len(), 68);
        let side = |of: fn(&(usize, usize)) -> usize| {
            kept.iter().map(of).max().expect("a patch") - kept.iter().map(of).min().expect("a patch") + 1
        };
        let (height, width) = (side(|p| p.0), side(|p| p.1));
        assert!(height * width - 68 < height + width, "{height}x{width}");
        let first = kept[0].1;
        assert!(kept.iter().all(|&(_, x)| (first..first + width).contains(&x)), "row by row from a corner");
    }
    // Over the edges, every patch is kept equally often: a share of 0.347 of 4000 has a deviation of 30.
    let (_, drawn) = draws("mask(inverse, ratio: 0.65)", (56, 56), 4000);
    for patch in 0..196 {
        let count = drawn.iter().filter(|d| !d.hidden[patch]).count();
        assert!((1240..=1540).contains(&count), "patch {patch}: {count}");
    }
}

#[test]
fn targets_are_blocks_and_the_context_is_free_of_them() {
    let (layout, drawn) = draws("mask(multiblock)", (56, 56), 300);
    // A target is 0.15 of 196 patches, the smallest context 13x13 less four of them.
    assert_eq!((layout.targets, layout.target_size, layout.visible()), (4, 29, Some(169 - 4 * 29)));
    for d in &drawn {
        assert_eq!(hidden(d), 196 - layout.visible().expect("a count"));
        for target in &d.targets {
            assert!(target.is_sorted() && target.len() == layout.target_size);
            assert!(target.iter().all(|&i| d.hidden[i]));
            let columns: Vec<usize> = target.iter().map(|i| i % 14).collect();
            let width = columns.iter().max().expect("one") - columns.iter().min().expect("one") + 1;
            assert!(target.len().div_ceil(width) == target[target.len() - 1] / 14 - target[0] / 14 + 1);
        }
    }
}

#[test]
fn a_context_is_as_large_as_is_asked_for() {
    let (layout, drawn) = draws("mask(multiblock(visible: 0.4))", (32, 32), 300);
    assert_eq!((layout.target_size, layout.visible()), (9, Some(25)));
    for d in &drawn {
        assert_eq!(hidden(d), 64 - 25);
        assert!(d.targets.iter().flatten().all(|&i| d.hidden[i]));
    }
}

#[test]
fn a_ratio_is_drawn_from_ranges_and_lists() {
    let (layout, drawn) = draws("mask(random, ratio: [0, 0.5..0.75])", (32, 32), 2000);
    assert_eq!(layout.hidden, None);
    let counts: Vec<usize> = drawn.iter().map(hidden).collect();
    let none = counts.iter().filter(|&&c| c == 0).count();
    assert!((910..=1090).contains(&none), "{none}");
    assert!(counts.iter().all(|&c| c == 0 || (32..=48).contains(&c)));
    assert!(counts.contains(&34) && counts.contains(&46));
    let (_, drawn) = draws("mask(random, ratio: 0.5, chance: 0.25)", (32, 32), 2000);
    let masked = drawn.iter().filter(|d| hidden(d) == 32).count();
    assert!((420..=580).contains(&masked), "{masked}");
    assert_eq!(drawn.iter().filter(|d| hidden(d) == 0).count(), 2000 - masked);
}

/// A call of `mask` of that kind, with other arguments for the kind and another ratio; checked only once a kind.
fn changed(kind: &str, args: &[(&str, Arg)], ratio: Option<f64>) -> Config {
    static KNOWN: Mutex<BTreeMap<String, Config>> = Mutex::new(BTreeMap::new());
    let check = || {
        let ratio = if ratio.is_some() { ", ratio: 0.5" } else { "" };
        recipe(&format!("mask({kind}{ratio})"), "m.mask").views[1].steps.last().expect("a mask").clone()
    };
    let mut config = KNOWN.lock().expect("no panic").entry(kind.to_owned()).or_insert_with(check).clone();
    for (name, value) in &mut config.args {
        match (name.as_str(), value) {
            ("ratio", value) => *value = ratio.map_or(Arg::None, Arg::Number),
            ("kind", Arg::Config(kind)) => args.iter().for_each(|(name, new)| {
                kind.args.iter_mut().find(|(n, _)| n == name).expect("a known argument").1 = new.clone();
            }),
            _ => {}
        }
    }
    config
}

proptest! {
    #[test]
    fn every_draw_fits_its_layout(
        kind in 0usize..5, rows in 1usize..12, columns in 1usize..12, ratio in 0.0f64..=1.0, seed in any::<u64>(),
    ) {
        let kinds = ["random", "blockwise", "blockwise(exact: true)", "inverse", "inverse(roll: false)"];
        let config = changed(kinds[kind], &[], Some(ratio));
        let mask = Mask::build(&config).expect("a mask");
        let layout = mask.layout((rows * 4, columns * 4)).expect("a layout");
        let drawn = mask.draw(&layout, &mut Rng::new(&[seed]));
        prop_assert_eq!(drawn.hidden.len(), rows * columns);
        let wanted = rows * columns - ((rows * columns) as f64 * (1.0 - ratio) + 1e-9) as usize;
        match layout.hidden {
            Some(count) => prop_assert_eq!((hidden(&drawn), count), (wanted, wanted)),
            None => prop_assert!(hidden(&drawn) <= wanted),
        }
    }

    #[test]
    fn every_multiblock_fits_its_layout(
        rows in 4usize..16, columns in 4usize..16, targets in 1usize..4, low in 0.05f64..0.15, more in 0.0f64..0.1,
        aspect in 0.4f64..1.0, seed in any::<u64>(),
    ) {
        let args = [
            ("targets", Arg::Number(targets as f64)),
            ("scale", Arg::Range(low, low + more)),
            ("aspect", Arg::Range(aspect, 1.0 / aspect)),
        ];
        let built = Mask::build(&changed("multiblock", &args, None)).expect("a mask");
        let Ok(layout) = built.layout((rows * 4, columns * 4)) else { return Ok(()) };
        for i in 0..20 {
            let drawn = built.draw(&layout, &mut Rng::new(&[seed, i]));
            prop_assert_eq!(Some(hidden(&drawn)), layout.hidden);
            prop_assert_eq!(drawn.targets.len(), targets);
            prop_assert!(drawn.targets.iter().all(|t| t.len() == layout.target_size && t.iter().all(|&p| drawn.hidden[p])));
        }
    }
}
