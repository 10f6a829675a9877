//! Comparing recipes: what is trained, what is not done again, what is left alone, and the report.

use std::collections::BTreeSet;
use std::path::Path;

use crate::train::folder;
use sslrun::driver::{self, Comparison, Contest, Failure, Moment, Terms};
use sslrun::report::{Chart, Contestant, Line, Outcome, RunRecord, comparison_table, svg};
use sslrun::train::{Control, Event};

const RECIPE: &str = r#"views { a, b: crop(0.5..1) | flip }
branch f { encoder: conv2d(4, stride: 4) | relu | global_avgpool(); projector: linear(4) }
loss { invariance: mse(f(a), f(b)); variance: hinge_variance(f(a)) + hinge_variance(f(b)) }
train { epochs: 2; batch: 16; optimizer: sgd(lr: cosine(0.05 -> 0)) }
"#;

const DATA: &str = "shapes:train=64,test=30,size=16";

fn contest(folder: &Path, recipes: &[(&str, &str)], budget: Option<f64>) -> Contest {
    let write = |(name, text): &(&str, &str)| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("a recipe can be written");
        path
    };
    Contest {
        recipes: recipes.iter().map(write).collect(),
        terms: Terms { budget, data: Some(DATA.to_owned()), sets: vec!["train.seed=3".to_owned()] },
        out: Some(folder.join("out")),
        ..Contest::default()
    }
}

/// The comparison, and how many steps of training it took.
fn run(contest: &Contest, stop_after: usize) -> (Result<Comparison, Failure>, usize) {
    let (control, mut steps) = (Control::default(), 0);
    let result = driver::compare(contest, &control, &mut |moment| {
        if let Moment::Training(Event::Step(_)) = moment {
            steps += 1;
            if steps >= stop_after {
                control.stop();
            }
        }
    });
    (result, steps)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

#[test]
fn a_recipe_that_fails_does_not_end_the_rest_and_what_has_ended_is_not_done_again() {
    let folder = folder("compare");
    let diverging = RECIPE.replace("mse(f(a), f(b))", "mse(f(a), f(b)) + 0 * log(linear(1 -> -0.5))");
    let recipes =
        [("a.ssl", RECIPE), ("b.ssl", &RECIPE.replace("mse", "msee")), ("c.ssl", &diverging), ("d.ssl", RECIPE)];
    let contest = contest(&folder, &recipes, None);
    let (comparison, steps) = run(&contest, usize::MAX);
    let comparison = comparison.expect("a comparison");
    assert!(!comparison.stopped);
    let failed: Vec<bool> = comparison.runs.iter().map(|r| r.failure.is_some()).collect();
    assert_eq!(failed, [false, true, true, false]);
    let outcomes: Vec<_> = comparison.runs.iter().map(|r| r.record.as_ref().map(|r| r.outcome)).collect();
    assert_eq!(outcomes, [Some(Outcome::Finished), None, Some(Outcome::Diverged), Some(Outcome::Finished)]);
    assert!((16..32).contains(&steps), "{steps}");
    let [first, last] = [0, 3].map(|i| comparison.runs[i].record.clone().expect("a record"));
    assert_eq!((first.seed, &first.trained), (3, &last.trained));
    let markdown = read(&folder.join("out/compare.md"));
    for part in ["| recipe | parameters |", "| a | 132 | 128 |", "| b | – |", "diverged", "b: the recipe has errors"]
    {
        assert!(markdown.contains(part), "{part} in\n{markdown}");
    }
    let csv = read(&folder.join("out/compare.csv"));
    assert!(csv.lines().count() == 5 && csv.contains("\nb,,Failed,,") && csv.contains("\nc,c,Diverged,"), "{csv}");
    for file in ["knn.svg", "loss.svg"] {
        assert!(read(&folder.join("out").join(file)).contains("<polyline"), "{file}");
    }
    let before = read(&folder.join("out/a/run.ron"));
    let (again, steps) = run(&contest, usize::MAX);
    assert_eq!(steps, 0);
    assert_eq!(again.expect("a comparison").runs[3], comparison.runs[3]);
    assert_eq!(read(&folder.join("out/a/run.ron")), before);
}

#[test]
fn a_budget_sets_the_epochs_beforehand_and_a_stopped_comparison_goes_on() {
    let folder = folder("compare-budget");
    let slow = RECIPE.replace("-> 0)", "-> 0, warmup: 1e6)");
    let contest = contest(&folder, &[("a.ssl", &slow), ("b.ssl", RECIPE)], Some(0.5));
    let (control, mut steps, mut warned) = (Control::default(), 0, false);
    let comparison = driver::compare(&contest, &control, &mut |moment| match moment {
        Moment::WarmUp { epochs } => warned = epochs == 1e6,
        Moment::Training(Event::Step(_)) => {
            steps += 1;
            if steps >= 3 {
                control.stop();
            }
        }
        _ => {}
    });
    assert!(comparison.expect("a comparison").stopped);
    assert_eq!((steps, warned), (3, true));
    assert!(!folder.join("out/b").exists());
    let (comparison, rest) = run(&contest, usize::MAX);
    let comparison = comparison.expect("a comparison");
    for run in &comparison.runs {
        let record = run.record.as_ref().expect("a record");
        assert_eq!(record.outcome, Outcome::Finished, "{:?}", run.failure);
        // The machine may be slower, or faster, than it was while steps were timed.
        assert!((0.02..10.0).contains(&record.seconds), "{}", record.seconds);
    }
    let images = |i: usize| comparison.runs[i].record.as_ref().expect("a record").images as usize;
    assert_eq!(16 * (steps + rest), images(0) + images(1), "no step is done twice");
    assert!(read(&folder.join("out/a/recipe.ssl")).contains("lr: cosine(0.05 -> 0, warmup: 1e6)"));
    assert_ne!(images(0), 16 * 8, "the epochs are the budget's, not the recipe's");
}

#[test]
fn a_run_killed_before_its_first_checkpoint_begins_and_one_that_has_lost_it_is_left_alone() {
    let folder = folder("compare-killed");
    let contest = contest(&folder, &[("a.ssl", RECIPE)], None);
    run(&contest, usize::MAX).0.expect("a comparison");
    let (record, metrics) = (read(&folder.join("out/a/run.ron")), read(&folder.join("out/a/metrics.jsonl")));
    std::fs::write(folder.join("out/a/run.ron"), record.replace("Finished", "Running")).expect("a record");
    std::fs::remove_dir_all(folder.join("out/a/checkpoints")).expect("checkpoints");
    let failure = run(&contest, usize::MAX).0.expect("a comparison").runs[0].failure.clone();
    assert!(failure.as_ref().is_some_and(|f| f.contains("has lost its checkpoint")), "{failure:?}");
    assert_eq!(read(&folder.join("out/a/metrics.jsonl")), metrics);
    // As a process leaves it that is killed before its first step.
    std::fs::write(folder.join("out/a/metrics.jsonl"), "").expect("metrics");
    let (comparison, _) = run(&contest, usize::MAX);
    let runs = comparison.expect("a comparison").runs;
    assert_eq!(runs[0].record.as_ref().map(|r| r.outcome), Some(Outcome::Finished), "{:?}", runs[0].failure);
    assert_eq!(read(&folder.join("out/a/metrics.jsonl")).lines().count(), metrics.lines().count());
}

#[test]
fn nothing_that_is_there_is_overwritten() {
    let folder = folder("compare-taken");
    let contest = contest(&folder, &[("a.ssl", RECIPE)], None);
    std::fs::create_dir_all(folder.join("out")).expect("a folder");
    std::fs::write(folder.join("out/mine.txt"), "mine").expect("a file");
    let (result, _) = run(&contest, usize::MAX);
    assert!(result.err().expect("an error").to_string().contains("overwrites nothing"));
    std::fs::remove_dir_all(folder.join("out")).expect("the folder goes");
    run(&contest, usize::MAX).0.expect("a comparison");
    let other = Contest { terms: Terms { data: None, ..contest.terms.clone() }, ..contest.clone() };
    let message = run(&other, usize::MAX).0.err().expect("an error").to_string();
    assert!(message.contains("under other terms") && message.contains(DATA), "{message}");
    std::fs::write(folder.join("a.ssl"), RECIPE.replace("0.05", "0.06")).expect("a recipe");
    let before = read(&folder.join("out/a/recipe.ssl"));
    let (changed, steps) = run(&contest, usize::MAX);
    let failure = changed.expect("a comparison").runs[0].failure.clone();
    assert!(failure.as_ref().is_some_and(|f| f.contains("holds the run of another recipe")), "{failure:?}");
    assert_eq!((steps, read(&folder.join("out/a/recipe.ssl"))), (0, before));
}

#[test]
fn finished_runs_take_part_as_they_are() {
    let folder = folder("compare-runs");
    let first = contest(&folder, &[("a.ssl", RECIPE)], None);
    run(&first, usize::MAX).0.expect("a comparison");
    let (run_folder, recipe) = (folder.join("out/a"), folder.join("a.ssl"));
    let second = Contest {
        recipes: vec![run_folder.clone(), recipe],
        terms: Terms { data: Some(DATA.replace("64", "80")), ..Terms::default() },
        out: Some(folder.join("second")),
        ..Contest::default()
    };
    let (comparison, steps) = run(&second, usize::MAX);
    let comparison = comparison.expect("a comparison");
    assert_eq!(steps, 10);
    let names: Vec<&str> = comparison.runs.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["a", "a-2"]);
    assert_eq!(comparison.runs[0].record, RunRecord::read(&run_folder.join("run.ron")).ok());
    assert!(comparison.notes().iter().any(|n| n.starts_with("a-2 is of other data")), "{:?}", comparison.notes());
}

#[test]
fn charts_have_ticks_a_legend_and_gaps() {
    let line =
        |name: &str, colour, points: &[(f64, f64)]| Line { name: name.to_owned(), colour, points: points.to_vec() };
    let lines =
        vec![line("a < b", 0, &[(0.0, 10.0), (1.0, 20.0), (2.0, f64::NAN), (3.0, 34.0)]), line("c", 1, &[(2.0, 12.0)])];
    let chart = Chart { title: "T".into(), x: "x".into(), y: "y".into(), lines };
    let text = svg(std::slice::from_ref(&chart), 1, (400.0, 300.0));
    assert_eq!(text.matches("<polyline").count(), 3, "a line is broken where a point is missing: {text}");
    assert!(text.contains(">a &lt; b</text>") && !text.contains("NaN"), "{text}");
    for tick in [">0</text>", ">10</text>", ">35</text>"] {
        assert!(text.contains(tick), "{tick} in {text}");
    }
    let many = Line { points: (0..10_000).map(|i| (f64::from(i), 1.0)).collect(), ..Line::default() };
    let text = svg(&[Chart { lines: vec![many], ..Chart::default() }, Chart::default()], 2, (300.0, 200.0));
    assert!(text.len() < 20_000 && text.contains("translate(300 0)"), "{}", text.len());
}

#[test]
fn tables_are_markdown_and_csv() {
    let run = Contestant { name: "a|b".to_owned(), ..Contestant::default() };
    let table = comparison_table(&[run]);
    assert_eq!(table.markdown().lines().nth(2), Some("| a\\|b | – | – | failed |"));
    let table = sslrun::report::Table { header: vec!["x".into(), "y, z".into()], rows: vec![vec!["a \"b\"".into()]] };
    assert_eq!(table.csv(), "x,\"y, z\"\n\"a \"\"b\"\"\",\n");
}

#[test]
fn lines_of_a_full_chart_are_told_apart_and_all_in_the_legend() {
    let line = |i: usize| Line { name: format!("line {i}"), colour: i, points: vec![(0.0, i as f64), (1.0, i as f64)] };
    let chart = Chart { lines: (0..40).map(line).collect(), ..Chart::default() };
    let drawn = svg(&[chart], 1, (760.0, 420.0));
    let styles: BTreeSet<&str> = drawn
        .lines()
        .filter(|l| l.starts_with("<polyline"))
        .filter_map(|l| l.split_once("stroke=").map(|(_, style)| style))
        .collect();
    assert_eq!(styles.len(), 40);
    let height: f64 = drawn.split("height=\"").nth(1).and_then(|h| h.split('"').next()).unwrap().parse().unwrap();
    let lowest = drawn.lines().filter(|l| l.contains(">line ")).filter_map(|l| l.split("y=\"").nth(1));
    let lowest = lowest.map(|y| y.split('"').next().unwrap().parse::<f64>().unwrap()).fold(0.0, f64::max);
    assert!(lowest > 420.0 && lowest < height, "{lowest} of {height}");
}
