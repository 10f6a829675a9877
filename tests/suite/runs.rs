//! Lists of runs: what is in them, what is wanted of them, and what is no run.

use std::fs::File;
use std::path::Path;

use sslrun::driver;
use sslrun::report::{Metric, Outcome, Point, RunRecord};

use crate::cli::{Place, place_of};

/// A record of a run of that recipe.
fn record(title: &str, outcome: Outcome, started: &str, knn: Option<f64>) -> RunRecord {
    let metrics = |knn: f64| vec![Metric::share("k-NN", knn), Metric::plain("effective rank", 100.0 * knn)];
    RunRecord {
        title: title.to_owned(),
        data: "shapes, \"small\"".to_owned(),
        outcome,
        started: format!("2026-11-{started}T08:00:00Z"),
        steps: 40,
        epochs: 2.5,
        seconds: 75.0,
        seed: 3,
        trained: knn.map(metrics).unwrap_or_default(),
        history: vec![Point { epoch: 2.5, seconds: 75.0, loss: 1.5, metrics: metrics(0.25) }],
        ..RunRecord::default()
    }
}

fn put(folder: &Path, record: &RunRecord) {
    std::fs::create_dir_all(folder).expect("a folder");
    record.write(&folder.join("run.ron")).expect("a record");
}

/// Runs of every kind, one of them in the folder of a comparison, a broken one, and folders without any.
fn place(name: &str) -> Place {
    let place = place_of(name, "");
    let runs = place.folder.join("runs");
    put(&runs.join("a-1"), &record("Alpha", Outcome::Finished, "03", Some(0.5)));
    put(&runs.join("compare-1/b"), &record("Beta", Outcome::Finished, "01", Some(0.75)));
    put(&runs.join("a-2"), &record("Alpha", Outcome::Interrupted, "04", None));
    put(&runs.join("a-3"), &record("Alpha", Outcome::Running, "05", None));
    put(&runs.join("a-4"), &record("Alpha", Outcome::Diverged, "02", None));
    std::fs::create_dir_all(runs.join("broken")).expect("a folder");
    std::fs::write(runs.join("broken/run.ron"), "(title: 3").expect("a file");
    std::fs::create_dir_all(runs.join("notes/old")).expect("a folder");
    std::fs::write(runs.join("file"), "no folder").expect("a file");
    place
}

/// The first column of a list.
fn names(csv: &str) -> Vec<&str> {
    csv.lines().skip(1).map(|line| line.split(',').next().unwrap_or_default()).collect()
}

#[test]
fn all_runs_are_listed_and_what_is_none_is_named() {
    let place = place("runs-all");
    let (out, err) = place.expect(0, &["runs"]);
    let row = |run: &str| out.lines().find(|line| line.contains(run)).unwrap_or_else(|| panic!("{run} in\n{out}"));
    for (run, words) in [
        ("runs/a-1 ", &["Alpha", "finished", "50.0 %", "2026-11-03", "1 min 15 s", "2.5", "40", "shapes"][..]),
        ("runs/compare-1/b", &["Beta", "finished", "75.0 %"]),
        ("runs/a-2", &["interrupted", "~25.0 %"]),
        ("runs/a-3", &["killed"]),
        ("runs/a-4", &["diverged"]),
    ] {
        words.iter().for_each(|word| assert!(row(run).contains(word), "{word} in {}", row(run)));
    }
    assert!(
        err.contains("5 of 5 runs below runs") && err.contains("1 broken") && err.contains("broken/run.ron"),
        "{err}"
    );
    assert!(err.contains("1 without a run, left out:\n  runs/notes\n"), "{err}");
    // The first that began comes first.
    let (csv, _) = place.expect(0, &["runs", "--format", "csv"]);
    assert_eq!(names(&csv), ["runs/compare-1/b", "runs/a-4", "runs/a-1", "runs/a-2", "runs/a-3"]);
    let (_, err) = place.expect(2, &["runs", "nowhere"]);
    assert!(err.contains("nowhere is no folder"), "{err}");
    let (out, err) = place.expect(0, &["runs", "runs/notes"]);
    assert!(out.is_empty() && err.contains("0 of 0 runs"), "{out}{err}");
    let (csv, _) = place.expect(0, &["runs", "runs/a-1", "--format", "csv"]);
    assert_eq!(names(&csv), ["runs/a-1"]);
}

#[test]
fn a_run_that_goes_on_is_called_so() {
    let place = place("runs-held");
    let lock = File::create(place.folder.join("runs/a-3/.lock")).expect("a file");
    let outcome = || {
        let runs = driver::runs_below(&place.folder.join("runs")).expect("runs").runs;
        runs.iter().find(|run| run.run.ends_with("a-3")).expect("the run").outcome()
    };
    assert_eq!(outcome(), "killed");
    lock.try_lock().expect("a lock");
    assert_eq!(outcome(), "running");
    let (csv, _) = place.expect(0, &["runs", "--where", "outcome=running", "--format", "csv"]);
    assert_eq!(names(&csv), ["runs/a-3"]);
    lock.unlock().expect("it is given back");
    assert_eq!(outcome(), "killed");
}

#[test]
fn runs_are_chosen_by_conditions() {
    let place = place("runs-where");
    for (conditions, wanted) in [
        (&["outcome=finished"][..], &["compare-1/b", "a-1"][..]),
        (&["outcome!=finished"], &["a-4", "a-2", "a-3"]),
        (&["recipe=alpha", "state=Finished"], &["a-1"]),
        (&["recipe=al*", "date>=2026-11-04"], &["a-2", "a-3"]),
        (&["date=2026-11-0*4T*"], &["a-2"]),
        (&["knn>50"], &["compare-1/b"]),
        (&["k-NN = 50 %"], &["a-1"]),
        (&["rank<=50", "outcome=finished"], &["a-1"]),
        (&["seed=3", "steps<40"], &[]),
        (&["data=shapes, \"small\"", "from!=x", "epochs=2.5", "time>60", "outcome=diverged"], &["a-4"]),
    ] {
        let flags = conditions.iter().flat_map(|condition| ["--where", condition]);
        let args: Vec<&str> = ["runs", "--format", "csv"].into_iter().chain(flags).collect();
        let wanted: Vec<String> = wanted.iter().map(|run| format!("runs/{run}")).collect();
        assert_eq!(names(&place.expect(0, &args).0), wanted, "{conditions:?}");
    }
    for (condition, told) in [
        ("k-N>50", "did you mean `k-NN`?"),
        ("colour=red", "these runs have no `colour`"),
        ("knn>much", "compares a number"),
        ("knn", "is no condition"),
    ] {
        let (_, err) = place.expect(2, &["runs", "--where", condition]);
        assert!(err.contains(told), "{condition}: {err}");
    }
}

#[test]
fn runs_are_sorted_from_the_best_the_latest_or_the_first_word() {
    let place = place("runs-sort");
    for (by, order) in [
        ("knn", ["compare-1/b", "a-1", "a-4", "a-2", "a-3"]),
        ("-knn", ["a-4", "a-2", "a-3", "a-1", "compare-1/b"]),
        ("date", ["a-3", "a-2", "a-1", "a-4", "compare-1/b"]),
        ("-date", ["compare-1/b", "a-4", "a-1", "a-2", "a-3"]),
        ("recipe", ["a-4", "a-1", "a-2", "a-3", "compare-1/b"]),
        ("name", ["a-1", "a-2", "a-3", "a-4", "compare-1/b"]),
    ] {
        let (csv, _) = place.expect(0, &["runs", "--format", "csv", "--sort", by]);
        assert_eq!(names(&csv), order.map(|run| format!("runs/{run}")), "{by}");
    }
    place.expect(2, &["runs", "--sort", "colour"]);
}

#[test]
fn lists_for_programs_hold_plain_numbers() {
    let place = place("runs-json");
    let (out, _) = place.expect(0, &["runs", "--format", "json", "--sort", "date"]);
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let all = json.as_array().expect("a list");
    assert_eq!(all.len(), 5);
    assert_eq!(all[0]["run"], "runs/a-3");
    assert_eq!((&all[0]["outcome"], &all[0]["measures"]), (&"killed".into(), &serde_json::json!({})));
    assert_eq!(all[0]["last_look"]["measures"]["k-NN"], 0.25);
    assert_eq!((&all[2]["measures"]["k-NN"], &all[2]["steps"], &all[2]["seed"]), (&0.5.into(), &40.into(), &3.into()));
    let (csv, _) = place.expect(0, &["runs", "--format", "csv"]);
    let mut lines = csv.lines();
    assert!(lines.next().expect("a header").starts_with("run,recipe,outcome,seed,epochs,steps,samples,"), "{csv}");
    // What was seen on the way is no result.
    let row = |run: &str| csv.lines().find(|line| line.starts_with(run)).expect("a row").to_owned();
    assert!(row("runs/a-1").contains("2026-11-03T08:00:00Z,0.5,50,\"shapes, \"\"small\"\"\""), "{csv}");
    assert!(row("runs/a-2").contains("2026-11-04T08:00:00Z,,,"), "{csv}");
}
