//! Masks of views: how they are drawn, how recipes see them, how batches carry them.

mod draws;

use std::sync::Arc;

use sslrun::check::{self, Options, Recipe};
use sslrun::data::{Access, Batch, DataSet, Grid, Loader, Split, contact_sheet, open, parse_spec};
use sslrun::diag;
use sslrun::graph::{InputKind, MaskPart};
use sslrun::source::{Source, Sources};
use sslrun::train::view_specs;

use crate::cli::unwrapped;

/// The recipe of a text, or what is wrong with it.
fn checked(text: &str) -> Result<Recipe, String> {
    let mut sources = Sources::default();
    let id = sources.add(Source::new("test.ssl", sslrun::source::Origin::Input, text));
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

/// Few samples: three batches.
fn samples() -> Box<dyn DataSet> {
    open(&parse_spec("shapes:train=24").expect("a data set"), Split::Train, &Access::default()).expect("shapes")
}

fn loader(recipe: &Recipe, seed: u64) -> Loader {
    Loader::new(Arc::from(samples()), &view_specs(recipe), 8, seed).expect("a loader")
}

fn batches(recipe: &Recipe, seed: u64, threads: usize) -> Vec<Batch> {
    loader(recipe, seed).threads(threads).steps(0..6).map(|b| b.expect("a batch")).collect()
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
        let loader = loader(&recipe, 2);
        let batches = |steps| loader.steps(steps).map(|b| b.expect("a batch")).collect::<Vec<_>>();
        assert_eq!(batches(0..6)[4..], batches(4..6));
    }
}

#[test]
fn arguments_of_a_mask_can_be_set_from_outside() {
    let check = |set: &str| {
        let mut sources = Sources::default();
        let id = sources.add(Source::new(
            "test.ssl",
            sslrun::source::Origin::Input,
            with_mask("mask(random, ratio: 0.75)", "m.mask"),
        ));
        let outcome = check::check(&mut sources, id, &Options { sets: vec![set.to_owned()], data: None });
        let recipe = outcome.recipe.ok_or_else(|| diag::render(&outcome.diagnostics, &sources))?;
        recipe.views[1].mask.clone().ok_or_else(|| "no mask".to_owned())
    };
    assert_eq!(check("m.mask.ratio=0.5").expect("a mask").hidden, Some(32));
    assert_eq!(check("m.mask.kind=inverse").expect("a mask").hidden, Some(48));
    assert_eq!(check("m.mask.patch=8").expect("a mask").grid, Grid { rows: 4, columns: 4 });
    assert!(check("m.mask.patch=7").expect_err("an error").contains("patches of 7x7"));
    assert!(check("m.mask.ration=0.5").is_err());
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
        ("mask(multiblock(visible: 0.5))", "m.mask", "may leave only 28"),
        ("mask(random, ratio: 0.1..0.5)", "m.visible", "is not the same for every sample"),
        ("mask(random, ratio: 0.5, chance: 0.5)", "m.hidden", "is not the same for every sample"),
        ("mask(blockwise, ratio: 0.5)", "m.visible", "`exact: true`"),
        ("mask(random, ratio: 1)", "m.visible", "no patch of `m` is visible"),
        ("mask(random, ratio: 0.5)", "m.targets", "has no targets"),
        ("mask(random, ratio: 0.5)", "m.masks", "did you mean `mask`"),
        ("mask(random, ratio: 0.5)", "a.mask", "the view `a` has no mask"),
        ("mask(random, ratio: 0.5)", "f(m)", "its first module ignores masks"),
        ("mask(random, ratio: 0.5)", "f(a, m)", "all of its modules ignore masks"),
        ("mask(random, ratio: 0.5)", "f.encoder(a, a)", "expected a masked view"),
    ] {
        let error = checked(&with_mask(mask, uses)).err().unwrap_or_else(|| panic!("{mask}, {uses} is accepted"));
        assert!(unwrapped(&error).contains(part), "{mask}, {uses}: {part} is missing from\n{error}");
    }
}

#[test]
fn hidden_patches_are_grey_on_a_contact_sheet() {
    let recipe = recipe("mask(random, ratio: 0.5)", "m.mask");
    let sheet = contact_sheet(&*samples(), &view_specs(&recipe), 2, 0).expect("a sheet");
    let grey = |column: usize| {
        let pixels = (0..96 * 96).map(|i| (4 + i / 96, 4 + column * 100 + i % 96));
        pixels.filter(|(y, x)| sheet.data[(y * sheet.width + x) * 3..][..3] == [128; 3]).count()
    };
    assert_eq!((grey(2), grey(1)), (96 * 96 / 2, 0));
}
