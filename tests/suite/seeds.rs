//! Comparisons of several seeds and values: what is trained, what the table says of it, and budgets that were missed.

use sslrun::report::{Contestant, Metric, RunRecord, comparison_table};

use crate::cli::place_of;

const RECIPE: &str = r#"views { a, b: crop(0.5..1) | flip }
branch f { encoder: conv2d(4, stride: 4) | relu | global_avgpool(); projector: linear(4) }
loss { invariance: mse(f(a), f(b)); variance: hinge_variance(f(a)) + hinge_variance(f(b)) }
train { epochs: 1; batch: 16; optimizer: sgd(lr: cosine(0.05 -> 0)) }
"#;
const DATA: &str = "shapes:train=64,test=30,size=16";

/// A run of a group with that accuracy, and half of it untrained.
fn run(group: &str, seed: u64, knn: Option<f64>) -> Contestant {
    let metrics = |x: f64| vec![Metric::share("k-NN", x), Metric::plain("effective rank", 10.0 * x)];
    let record = knn.map(|x| RunRecord {
        seed,
        seconds: 60.0,
        images: 1000,
        parameters: 50,
        trained: metrics(x),
        untrained: metrics(x / 2.0),
        ..RunRecord::default()
    });
    Contestant { name: format!("{group}-seed{seed}"), group: group.to_owned(), record, ..Contestant::default() }
}

#[test]
fn seeds_of_a_recipe_are_one_row_of_means_and_deviations() {
    // Of 0.5, 0.6, 0.7: mean 0.6, sample deviation 0.1. Of two: 0.5 and 0.7, sqrt(0.02) = 0.1414.
    let runs = [("a", 0, Some(0.5)), ("a", 1, Some(0.6)), ("a", 2, Some(0.7)), ("b", 0, Some(0.5)), ("b", 1, None)];
    let mut runs: Vec<Contestant> = runs.iter().map(|(group, seed, knn)| run(group, *seed, *knn)).collect();
    runs.push(run("b", 2, Some(0.7)));
    let markdown = comparison_table(&runs).markdown();
    let want = "\
| recipe | runs | parameters | samples | time | k-NN | effective rank |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
| a | 3 | 50 | 1.00 k | 1 min 00 s | 60.0 ± 10.0 % (30.0 %) | 6 ± 1 (3) |
| b | 2 of 3 | 50 | 1.00 k | 1 min 00 s | 60.0 ± 14.1 % (30.0 %) | 6 ± 1.414 (3) |
";
    assert_eq!(markdown, want);
    // A single run of each has no deviation, and no column that says so.
    let single = comparison_table(&runs[2..4]).markdown();
    assert!(
        single.contains("| recipe | parameters |") && single.contains("| a-seed2 |") && !single.contains('±'),
        "{single}"
    );
}

#[test]
fn every_seed_is_trained_with_every_value_in_a_folder_of_its_own() {
    let place = place_of("seeds", RECIPE);
    let args = ["compare", &place.recipe, "--data", DATA, "--quiet", "-o", "out", "--seeds", "2"];
    let grid = ["--grid", "train.optimizer.lr=cosine(0.1 -> 0),0.02", "--grid", "train.nothing=1"];
    let (_, err) = place.expect(3, &[&args[..], &grid].concat());
    assert!(err.contains("the recipe has errors"), "{err}");
    let grid = ["--grid", "train.optimizer.lr=cosine(0.1 -> 0),0.02"];
    let (out, _) = place.expect(0, &[&args[..4], &["--quiet", "-o", "grid", "--seeds", "2"], &grid].concat());
    let runs =
        ["tiny-lr=cosine_0.1_-_0-seed0", "tiny-lr=cosine_0.1_-_0-seed1", "tiny-lr=0.02-seed0", "tiny-lr=0.02-seed1"];
    for (i, run) in runs.iter().enumerate() {
        let recipe = place.read(&format!("grid/{run}/recipe.ssl"));
        assert!(recipe.contains(&format!("seed: {}", i % 2)), "{recipe}");
        assert!(recipe.contains(if i < 2 { "lr: cosine(0.1 -> 0)" } else { "lr: 0.02" }), "{recipe}");
        assert!(place.read(&format!("grid/{run}/run.ron")).contains(&format!("seed: {}", i % 2)));
    }
    for group in ["│ tiny-lr=0.02 ", "│ tiny-lr=cosine_0.1_-_0 "] {
        let row = out.lines().find(|line| line.starts_with(group)).unwrap_or_else(|| panic!("{group} in\n{out}"));
        assert!(row.contains('±') && row.split('│').nth(2).is_some_and(|runs| runs.trim() == "2"), "{row}");
    }
    // The same command does nothing again, and more seeds are added to those that are there.
    let before = place.read(&format!("grid/{}/run.ron", runs[2]));
    place.expect(0, &[&args[..4], &["--quiet", "-o", "grid", "--seeds", "3"], &grid].concat());
    assert_eq!(before, place.read(&format!("grid/{}/run.ron", runs[2])));
    assert!(place.folder.join("grid/tiny-lr=0.02-seed2/run.ron").exists());
    let csv = place.read("grid/compare.csv");
    assert_eq!(csv.lines().count(), 7, "{csv}");
}

#[test]
fn grids_that_are_none_are_refused() {
    let place = place_of("grids", RECIPE);
    for (grid, told) in [
        ("train.epochs", "`PATH=VALUE,VALUE`"),
        ("=1,2", "`PATH=VALUE,VALUE`"),
        ("train.epochs=1,,2", "`PATH=VALUE,VALUE`"),
    ] {
        let (_, err) = place.expect(2, &["compare", &place.recipe, "--grid", grid]);
        assert!(err.contains(told), "{grid}: {err}");
    }
    let many = format!("train.epochs={}", (1..=40).map(|n| n.to_string()).collect::<Vec<_>>().join(","));
    let (_, err) = place.expect(2, &["compare", &place.recipe, "--grid", &many, "--grid", &many]);
    assert!(err.contains("more than 1000 runs"), "{err}");
    place.expect(2, &["compare", &place.recipe, "--seeds", "0"]);
    place.expect(2, &["compare", &place.recipe, "--seeds", "2", "--seed", "1"]);
    assert!(!place.folder.join("runs").exists());
}

#[test]
fn a_budget_that_was_missed_is_told_of() {
    let place = place_of("missed", RECIPE);
    // One step takes longer than that, and one is the least there is.
    let (_, err) =
        place.expect(0, &["compare", &place.recipe, "--data", DATA, "--quiet", "--budget", "0.00001s", "-o", "out"]);
    assert!(err.contains("tiny missed its budget of 0.0 s: it trained for"), "{err}");
    assert!(place.read("out/compare.md").contains("missed its budget"));
    // One that has been done before has no budget here.
    let (_, err) = place.expect(0, &["compare", "out/tiny", "--budget", "1h", "--quiet", "-o", "again"]);
    assert!(!err.contains("missed"), "{err}");
}
