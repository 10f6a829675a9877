//! Tables, records, logs and the writing of numbers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use sslrun::report::{
    Metric, MetricsLog, Outcome, Point, RunRecord, StepLine, Table, bytes, count, duration, number, percent,
    summary_table, timestamp, write_atomically,
};

/// An empty folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("sslrun-report-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

fn record() -> RunRecord {
    RunRecord {
        title: "A \"quoted\" title".into(),
        paper: Some("arXiv:2105.04906".into()),
        recipe_hash: "0123abcd".into(),
        seed: u64::MAX,
        data: "shapes, 10000 pictures of 32 x 32".into(),
        fingerprint: Some(u64::MAX),
        left_out: vec!["a/b.jpg: an empty file".into()],
        engine: "planned".into(),
        kernels: "avx2".into(),
        threads: 2,
        from: Some("runs/simclr-1 at step 40".into()),
        changes: vec!["at step 40: train.epochs: 2 -> 4".into()],
        versions: BTreeMap::from([("sslrun".to_owned(), "0.1.0".to_owned())]),
        started: timestamp(UNIX_EPOCH),
        outcome: Outcome::Finished,
        steps: 780,
        epochs: 10.0,
        seconds: 12.5,
        images: 100_000,
        parameters: 700_000,
        trained: vec![Metric::share("k-NN", 0.8125), Metric::share("linear", 0.9), Metric::plain("eff. rank", 61.34)],
        untrained: vec![Metric::share("k-NN", 0.4), Metric::share("linear", 0.5), Metric::plain("eff. rank", 5.0)],
        raw: vec![Metric::share("k-NN", 0.22), Metric::share("linear", 0.18)],
        history: vec![Point { epoch: 1.0, seconds: 4.5, loss: f64::NAN, metrics: vec![Metric::share("k-NN", 0.5)] }],
        warnings: vec!["`loss.a < 1` no longer holds at step 3".into()],
        ..RunRecord::default()
    }
}

#[test]
fn the_closing_table_is_aligned() {
    let want = "\
┌────────────────────┬────────┬────────┬───────────┐
│ features           │   k-NN │ linear │ eff. rank │
├────────────────────┼────────┼────────┼───────────┤
│ encoder, trained   │ 81.2 % │ 90.0 % │     61.34 │
│ encoder, untrained │ 40.0 % │ 50.0 % │         5 │
│ raw pixels         │ 22.0 % │ 18.0 % │         – │
└────────────────────┴────────┴────────┴───────────┘
";
    assert_eq!(record().table().render(80), want);
    assert_eq!(record().table().render(52), want);
    let list = record().table().render(51);
    assert!(list.starts_with("encoder, trained\n  k-NN       81.2 %\n  linear     90.0 %\n"), "{list}");
    assert_eq!(Table::default().render(80).lines().count(), 4);
    assert_eq!(summary_table("x", &[("only", &[])]).header, ["x"]);
}

#[test]
fn a_record_is_read_as_it_was_written() {
    let path = folder("record").join("run.ron");
    record().write(&path).unwrap();
    let mut read = RunRecord::read(&path).unwrap();
    assert!(read.history[0].loss.is_nan());
    read.history[0].loss = 0.0;
    let mut want = record();
    want.history[0].loss = 0.0;
    assert_eq!(read, want);
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn bad_files_are_named() {
    let folder = folder("bad");
    let path = folder.join("run.ron");
    assert!(RunRecord::read(&path).is_err_and(|e| e.contains("run.ron")));
    std::fs::write(&path, "(title: 3)").unwrap();
    assert!(RunRecord::read(&path).is_err_and(|e| e.contains("run.ron") && e.contains("1:9")));
    let nowhere = folder.join("missing").join("x");
    assert!(write_atomically(&nowhere, b"").is_err_and(|e| e.contains("missing")));
    assert!(MetricsLog::create(&nowhere).is_err_and(|e| e.contains("missing")));
    std::fs::create_dir(folder.join("taken")).unwrap();
    assert!(write_atomically(&folder.join("taken"), b"x").is_err());
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2, "nothing is left behind");
}

#[test]
fn a_log_is_json_lines_and_goes_on_after_a_checkpoint() {
    let path = folder("log").join("metrics.jsonl");
    let line = |step: usize| StepLine {
        step,
        epoch: step as f64 / 4.0,
        seconds: step as f64 / 2.0,
        loss: if step == 2 { f64::NAN } else { 1.5 },
        terms: vec![("z".into(), 1.0), ("a".into(), f64::INFINITY)],
        lr: 0.25,
        skipped: false,
        images_per_second: 100.0,
        measures: if step == 3 { vec![("knn".into(), 0.5)] } else { Vec::new() },
    };
    let mut log = MetricsLog::create(&path).unwrap();
    (1..=3).for_each(|step| log.write(&line(step)).unwrap());
    let text = std::fs::read_to_string(&path).unwrap();
    let second = r#"{"step":2,"epoch":0.5,"seconds":1.0,"loss":null,"terms":{"z":1.0,"a":null},"lr":0.25,"images_per_second":100.0}"#;
    assert_eq!(text.lines().nth(1), Some(second));
    assert!(text.ends_with("\"measures\":{\"knn\":0.5}}\n"), "{text}");

    std::fs::write(&path, text.clone() + "{\"step\":1, \"ep").unwrap();
    let mut log = MetricsLog::resume(&path, 2).unwrap();
    log.write(&line(3)).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    std::fs::remove_file(&path).unwrap();
    assert!(MetricsLog::resume(&path, 2).is_ok());
}

#[test]
fn numbers_are_written_for_people() {
    let cases = [
        (0.0, "0"),
        (1.0, "1"),
        (12.345_67, "12.35"),
        (-0.012_341, "-0.01234"),
        (0.000_123_4, "0.0001234"),
        (1234.56, "1235"),
        (123_456.0, "123456"),
        (1.5e-7, "1.500e-7"),
        (2e9, "2.000e9"),
        (f64::NAN, "nan"),
        (f64::NEG_INFINITY, "-inf"),
    ];
    for (x, want) in cases {
        assert_eq!(number(x), want);
    }
    assert_eq!([percent(0.4312), percent(1.0), percent(f64::NAN)], ["43.1 %", "100.0 %", "nan"]);
    assert_eq!([0, 999, 1000, 11_173_962, 999_999].map(count), ["0", "999", "1.00 k", "11.2 M", "1.00 M"]);
    assert_eq!([512, 1536, 3 << 30].map(bytes), ["512 B", "1.50 KiB", "3.00 GiB"]);
    let times = [0.04, 9.96, 59.4, 59.6, 185.0, 7620.0, f64::INFINITY].map(duration);
    assert_eq!(times, ["0.0 s", "10 s", "59 s", "1 min 00 s", "3 min 05 s", "2 h 07 min", "?"]);
}

#[test]
fn moments_are_written_in_utc() {
    let at = |seconds| timestamp(UNIX_EPOCH + Duration::from_secs(seconds));
    assert_eq!(at(0), "1970-01-01T00:00:00Z");
    assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
    assert_eq!(at(1_763_808_840), "2025-11-22T10:54:00Z");
    assert_eq!(at(4_107_542_399), "2100-02-28T23:59:59Z");
}
