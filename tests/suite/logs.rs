//! The logs besides the metrics: event files as TensorBoard's own package writes them (`tests/reference/event_files.py`), and tables.

use std::path::Path;

use crate::cli::{Place, place_of};
use sslrun::report::{Event, EventFile, Picture, seconds_of, timestamp};

const RECIPE: &str = "views { a, b: crop(0.5..1) | flip() }
branch f { encoder: small_convnet(width: 4); projector: linear(8) }
loss { contrast: nt_xent(f(a), f(b)); spread: hinge_variance(f(a)) }
train { epochs: 6; batch: 16; checkpoint: 0.5; optimizer: sgd(lr: cosine(0.1 -> 0)) }
evaluate { probes: [knn()]; every: 1; data { bright: shapes(train: 40, test: 20, size: 16, seed: 9) } }
";
const DATA: &str = "shapes:train=64,test=30,size=16";

#[test]
fn an_event_file_has_the_bytes_that_tensorboard_writes() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/fixtures");
    let want = std::fs::read(fixtures.join("logs/events.tfevents")).expect("the fixture");
    let png = std::fs::read(fixtures.join("pictures/palette.png")).expect("the picture");
    let side = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes")) as usize;
    let picture = Picture { size: (side(20), side(16)), png };
    let started = 1_764_500_000.0;
    let scalar = |seconds: f64, step: usize, tag: &str, value: f32| {
        EventFile::event(started + seconds, step, &Event::Scalar { tag, value })
    };
    let got = [
        EventFile::head(started, "tensorboard.summary.writer.event_file_writer"),
        EventFile::event(started, 0, &Event::Picture { tag: "views", picture: &picture }),
        scalar(0.125, 1, "train/loss", 2.5),
        scalar(0.125, 1, "train/lr", 0.0),
        scalar(7.5, 130, "terms/ähnlich", -1e-3),
        scalar(8.0, 300, "flowers/knn", f32::NAN),
        scalar(1e4, 70_000, "features/knn", 0.8125),
    ];
    assert_eq!(got.concat(), want);
}

#[test]
fn a_time_is_read_as_it_was_written() {
    for seconds in [0, 951_782_399, 951_782_400, 1_709_164_800, 1_764_500_000, 4_107_542_399] {
        let text = timestamp(std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds));
        assert_eq!(seconds_of(&text), Some(seconds), "{text}");
    }
    assert_eq!(["", "2025-11-22", "1969-12-31T00:00:00Z", "2025-00-00T00:00:00Z"].map(seconds_of), [None; 4]);
}

/// The events of a file: its time is left out, as are the numbers of a machine. Checksums are held to the fixture above.
fn events(run: &Path) -> Vec<Vec<u8>> {
    let entries: Vec<_> = std::fs::read_dir(run.join("tensorboard")).expect("a folder").flatten().collect();
    assert_eq!(entries.len(), 1);
    let bytes = std::fs::read(entries[0].path()).expect("an event file");
    let (mut rest, mut found) = (bytes.as_slice(), Vec::new());
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().expect("eight bytes")) as usize;
        // A key of one byte and the time stand first.
        found.push(rest[12 + 9..12 + length].to_vec());
        rest = &rest[16 + length..];
    }
    let timed = |event: &Vec<u8>| ["train/seconds", "images_per_second"].iter().any(|t| has(event, t));
    found.retain(|event| !timed(event));
    found
}

fn has(event: &[u8], tag: &str) -> bool {
    event.windows(tag.len()).any(|window| window == tag.as_bytes())
}

/// The rows of the table without times.
fn table(place: &Place, run: &str) -> Vec<Vec<String>> {
    let text = place.read(&format!("{run}/metrics.csv"));
    let mut rows: Vec<Vec<String>> = text.lines().map(|l| l.split(',').map(str::to_owned).collect()).collect();
    for time in ["seconds", "images_per_second"] {
        let column = rows[0].iter().position(|name| name == time).expect("a column");
        rows.iter_mut().for_each(|row| drop(row.remove(column)));
    }
    rows
}

#[test]
fn logs_follow_the_metrics_and_go_on_with_their_run() {
    let place = place_of("logs", RECIPE);
    let logs = ["--log", "tensorboard", "--log", "csv", "--data", DATA, "--quiet"];
    place.expect(0, &[&[place.recipe.as_str()], &logs[..], &["-o", "whole"]].concat());
    let short = ["--set", "train.epochs=6", "-o", "parts"];
    let mut child = place.command(&[&[place.recipe.as_str()], &logs[..], &short].concat()).spawn().expect("it starts");
    let metrics = place.folder.join("parts/metrics.jsonl");
    while std::fs::read_to_string(&metrics).map_or(0, |text| text.lines().count()) < 3 {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
    place.expect(0, &["--resume", "parts", "--quiet"]);
    let (whole, parts) = (events(&place.folder.join("whole")), events(&place.folder.join("parts")));
    assert_eq!(whole, parts);
    let count = |tag: &str| whole.iter().filter(|event| has(event, tag)).count();
    let lines = place.read("whole/metrics.jsonl").lines().count();
    assert_eq!([count("train/loss"), count("terms/spread"), count("train/lr")], [lines; 3]);
    assert_eq!([count("features/knn"), count("bright/knn"), count("features/alignment")], [6; 3]);
    assert_eq!((count("views"), count("bright/alignment")), (1, 0));
    let rows = table(&place, "whole");
    assert_eq!(rows, table(&place, "parts"));
    assert_eq!(rows.len(), lines + 1);
    assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{rows:?}");
    for name in ["step", "loss", "loss.spread", "knn", "bright.effective_rank"] {
        assert!(rows[0].iter().any(|column| column == name), "{name} in {:?}", rows[0]);
    }
    // Every number of the table is that of the metrics.
    let column = |name: &str| rows[0].iter().position(|c| c == name).expect("a column");
    for (line, row) in place.read("whole/metrics.jsonl").lines().zip(&rows[1..]) {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(row[column("step")], line["step"].to_string());
        let same = |name: &str, value: &serde_json::Value| {
            let number: Option<f64> = row[column(name)].parse().ok();
            assert_eq!(number, value.as_f64(), "{name}");
        };
        same("loss.contrast", &line["terms"]["contrast"]);
        same("bright.knn", &line["measures"]["bright.knn"]);
    }
}

#[test]
fn a_run_keeps_the_logs_it_is_told_to_and_may_get_one_later() {
    let place = place_of("logs-later", &RECIPE.replace("epochs: 6", "epochs: 1"));
    place.expect(0, &[&place.recipe, "--data", DATA, "--quiet", "-o", "run"]);
    assert!(!place.folder.join("run/metrics.csv").exists() && !place.folder.join("run/tensorboard").exists());
    place.expect(0, &["--resume", "run", "--log", "csv", "--set", "evaluate.probes=[]", "--quiet"]);
    let lines = place.read("run/metrics.jsonl").lines().count();
    assert_eq!(table(&place, "run").len(), lines + 1);
    assert!(place.read("run/run.ron").contains("\"csv\"") && !place.folder.join("run/tensorboard").exists());
    let (_, err) = place.expect(2, &[&place.recipe, "--log", "wandb"]);
    assert!(err.contains("tensorboard") && err.contains("csv"), "{err}");
}
