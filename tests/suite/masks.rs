//! Masks of views: their counts and distributions, how recipes see them, how batches carry them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use sslrun::catalog::{Arg, Config};
use sslrun::check::{self, Options, Recipe};
use sslrun::data::{Batch, Drawn, Grid, Layout, Loader, Mask, Split, contact_sheet, open};
use sslrun::diag;
use sslrun::graph::{InputKind, MaskPart};
use sslrun::random::Rng;
use sslrun::source::{Source, Sources};
use sslrun::train::view_specs;

/// The recipe of a text, or what is wrong with it.
fn checked(text: &str) -> Result<Recipe, String> {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("test.ssl", None, text));
    let outcome = check::check(&mut sources, id, &Options::default());
    outcome.recipe.ok_or_else(|| diag::render(&outcome.diagnostics, &sources))
}

/// A recipe with a view `a`, a view `m` that masks it, and a term that uses `uses`.
fn with_mask(mask: &str, uses: &str) -> String {
    format!(
        "views {{ a: crop(0.5..1); m: a | {mask} }}\nbranch f {{ encoder: global_avgpool() | linear(4) }}\n\
         loss {{ t: mean(f(a) ^ 2) + 0 * mean({uses}) }}\ntrain {{ batch: 8 }}"
    )
}

fn recipe(mask: &str, uses: &str) -> Recipe {
    checked(&with_mask(mask, uses)).unwrap_or_else(|error| panic!("{error}"))
}

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

fn batches(recipe: &Recipe, seed: u64, threads: usize) -> Vec<Batch> {
    let set = open(&sslrun::data::parse_spec("shapes:train=24").expect("a data set"), Split::Train).expect("shapes");
    let loader = Loader::new(Arc::from(set), &view_specs(recipe), 8, seed).expect("a loader").threads(threads);
    loader.steps(0..6).map(|b| b.expect("a batch")).collect()
}

#[test]
fn a_masked_view_shows_the_pixels_of_its_base() {
    let recipe = recipe("mask(random, ratio: 0.75)", "(m - a) ^ 2");
    let inputs: Vec<&str> = recipe.graph.inputs.iter().map(|i| i.name.as_str()).collect();
    assert_eq!(inputs, ["view:a"]);
    for batch in batches(&recipe, 1, 2) {
        assert_eq!(batch.views[0].len(), 8 * 32 * 32 * 3);
        assert!(batch.views[1].is_empty());
    }
}

#[test]
fn masks_of_a_batch_agree_with_themselves() {
    let recipe = recipe("mask(random, ratio: 0.6)", "sum(m.mask) + sum(m.visible) + sum(m.hidden)");
    for batch in batches(&recipe, 3, 2) {
        let part = |p| batch.masks[1].part(p).expect("this part");
        let (hides, visible, hidden) = (part(MaskPart::Hides), part(MaskPart::Visible), part(MaskPart::Hidden));
        assert_eq!((hides.len(), visible.len(), hidden.len()), (8 * 64, 8 * 25, 8 * 39));
        for n in 0..8 {
            let (visible, hidden) = (&visible[n * 25..][..25], &hidden[n * 39..][..39]);
            assert!(visible.is_sorted() && hidden.is_sorted());
            assert!(visible.iter().all(|&i| hides[n * 64 + i as usize] == 0.0));
            assert!(hidden.iter().all(|&i| hides[n * 64 + i as usize] == 1.0));
        }
        let first = &hides[..64];
        assert!(hides.chunks(64).any(|row| row != first), "all samples have one mask");
    }
}

#[test]
fn masks_depend_on_the_seed_and_the_epoch_and_on_nothing_else() {
    let recipe = recipe("mask(blockwise, ratio: 0.1..0.5, chance: 0.5)", "m.mask");
    let one = batches(&recipe, 5, 1);
    assert_eq!(one, batches(&recipe, 5, 4));
    assert_ne!(one[0].masks, batches(&recipe, 6, 1)[0].masks);
    // Steps 0 to 2 are one epoch of the 24 samples, steps 3 to 5 the next.
    let row = |batch: &Batch, sample: usize| {
        let at = batch.index.iter().position(|&i| i == sample)?;
        Some(batch.masks[1].part(MaskPart::Hides)?[at * 64..][..64].to_vec())
    };
    let of = |sample, steps: std::ops::Range<usize>| steps.filter_map(|s| row(&one[s], sample)).next();
    let differ = (0..24).filter(|&sample| of(sample, 0..3) != of(sample, 3..6)).count();
    assert!(differ > 12, "{differ}");
}

#[test]
fn a_shared_mask_is_that_of_the_whole_batch_and_changes_with_the_step() {
    let all = batches(&recipe("mask(random, ratio: 0.15, shared: true)", "m.mask"), 5, 2);
    let rows: Vec<&[f32]> = all.iter().map(|b| b.masks[1].part(MaskPart::Hides).expect("a mask")).collect();
    for row in &rows {
        assert!(row.chunks(64).all(|sample| *sample == row[..64]));
    }
    assert!(rows.iter().skip(1).any(|row| row != &rows[0]));
}

#[test]
fn a_run_that_goes_on_sees_the_masks_it_would_have_seen() {
    for mask in ["mask(blockwise, ratio: 0.1..0.5)", "mask(inverse, ratio: 0.5, shared: true)"] {
        let recipe = recipe(mask, "m.mask");
        let set = open(&recipe.data, Split::Train).expect("shapes");
        let loader = Loader::new(Arc::from(set), &view_specs(&recipe), 8, 2).expect("a loader");
        let batches = |steps| loader.steps(steps).map(|b| b.expect("a batch")).collect::<Vec<_>>();
        assert_eq!(batches(0..6)[4..], batches(4..6));
    }
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
        assert!(height * width - 68 < height.max(width), "{height}x{width}");
        let aspect = height as f64 / width as f64;
        assert!((0.4..=2.5).contains(&aspect), "{aspect}");
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

#[test]
fn parts_of_a_mask_have_their_shapes() {
    let uses = "sum(m.mask) + sum(m.visible) + sum(m.hidden) + m.grid[0] * m.grid[1] + sum(sum(t) for t in m.targets)";
    let recipe = recipe("mask(multiblock(targets: 2))", uses);
    let shape = |part| {
        let input = recipe.graph.inputs.iter().find(|i| i.kind == InputKind::Mask(1, part)).expect("an input");
        input.ty.to_string()
    };
    assert_eq!(shape(MaskPart::Hides), "[N, 64]");
    assert_eq!(shape(MaskPart::Target(1)), "int[N, 9]");
    assert_eq!(shape(MaskPart::Visible), "int[N, 31]");
    assert_eq!(shape(MaskPart::Hidden), "int[N, 33]");
}

#[test]
fn a_masked_view_is_the_crop_it_masks() {
    let text = "views { g[2]: crop(0.5..1); m[2]: g | mask(random, ratio: 0.5) }\n\
                branch f { encoder: global_avgpool() | linear(4) }\n\
                loss { t: mean(mean(u.mask) * f(v) for u in m, v in g if u != v) }";
    let recipe = checked(text).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(recipe.views.iter().map(|v| v.shows).collect::<Vec<_>>(), [0, 1, 0, 1]);
}

#[test]
fn what_cannot_be_masked_or_asked_is_said() {
    for (mask, uses, part) in [
        ("mask(random)", "m.mask", "needs a `ratio`"),
        ("mask(random, ratio: 1.5)", "m.mask", "`ratio` must be a number from 0 to 1"),
        ("mask(random, ratio: [])", "m.mask", "`ratio` must be"),
        ("mask(random, ratio: 0.5..0.2)", "m.mask", "`ratio` must be"),
        ("mask(randm, ratio: 0.5)", "m.mask", "did you mean `random`"),
        ("mask(random, ratio: 0.5, patch: 5)", "m.mask", "a view of 32x32 cannot be cut into patches of 5x5"),
        ("mask(random(unit: 3), ratio: 0.5)", "m.mask", "squares of 3x3"),
        ("mask(random, ratio: 0.5) | flip()", "m.mask", "`mask` is the last step"),
        ("mask(multiblock, ratio: 0.5)", "m.mask", "takes no `ratio`"),
        ("mask(multiblock, chance: 0.5)", "m.mask", "leave out `chance`"),
        ("mask(multiblock(targets: 20))", "m.mask", "may leave nothing visible"),
        ("mask(random, ratio: 0.1..0.5)", "m.visible", "is not the same for every sample"),
        ("mask(random, ratio: 0.5, chance: 0.5)", "m.hidden", "is not the same for every sample"),
        ("mask(blockwise, ratio: 0.5)", "m.visible", "`exact: true`"),
        ("mask(random, ratio: 1)", "m.visible", "no patch of `m` is visible"),
        ("mask(random, ratio: 0.5)", "m.targets", "has no targets"),
        ("mask(random, ratio: 0.5)", "m.masks", "did you mean `mask`"),
        ("mask(random, ratio: 0.5)", "a.mask", "the view `a` has no mask"),
        ("mask(random, ratio: 0.5)", "f(m)", "its first module overlooks masks"),
        ("mask(random, ratio: 0.5)", "f(a, m)", "none of its modules heeds masks"),
        ("mask(random, ratio: 0.5)", "f.encoder(a, a)", "expected a masked view"),
    ] {
        let error = checked(&with_mask(mask, uses)).err().unwrap_or_else(|| panic!("{mask}, {uses} is accepted"));
        let flat = error.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(part), "{mask}, {uses}: {part} is missing from\n{error}");
    }
}

#[test]
fn hidden_patches_are_grey_on_a_contact_sheet() {
    let recipe = recipe("mask(random, ratio: 0.5)", "m.mask");
    let set = open(&recipe.data, Split::Train).expect("shapes");
    let sheet = contact_sheet(&*set, &view_specs(&recipe), 2, 0).expect("a sheet");
    let grey = |column: usize| {
        let pixels = (0..96 * 96).map(|i| (4 + i / 96, 4 + column * 100 + i % 96));
        pixels.filter(|(y, x)| sheet.data[(y * sheet.width + x) * 3..][..3] == [128; 3]).count()
    };
    assert_eq!((grey(2), grey(1)), (96 * 96 / 2, 0));
}
