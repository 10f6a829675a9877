//! The checkpoints that a run keeps: the last ones and the best one, to the bit through every stop, and nobody else's file.

use std::path::Path;

use crate::cli::{Place, place_of, unwrapped};
use sslrun::report::RunRecord;
use sslrun::train::{Checkpoint, Which};

const RECIPE: &str = "views { a, b: crop(0.5..1) | flip() }
branch f { encoder: small_convnet(width: 4); projector: linear(8) }
loss { l: nt_xent(f(a), f(b)) }
train { epochs: 8; batch: 16; optimizer: sgd(lr: 0.3); keep: 3; best: knn }
evaluate { probes: [knn(), linear(), finetune(epochs: 1, batch: 16)]; every: 0.5 }
";
const DATA: &str = "shapes:train=64,test=60,size=16";

fn files(run: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(run.join("checkpoints")).expect("a folder").flatten();
    let mut names: Vec<String> = entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The tensors of a checkpoint's file.
fn tensors(path: &Path) -> Vec<(String, Vec<u8>)> {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
    let mut all: Vec<_> = tensors.tensors().into_iter().map(|(name, view)| (name, view.data().to_vec())).collect();
    all.sort();
    all
}

fn record(place: &Place, run: &str) -> RunRecord {
    RunRecord::read(&place.folder.join(run).join("run.ron")).expect("a record")
}

const KEPT: [&str; 10] = [
    "best-encoder.safetensors",
    "best-finetune.safetensors",
    "best-linear.safetensors",
    "best.safetensors",
    "encoder.safetensors",
    "finetune.safetensors",
    "last.safetensors",
    "linear.safetensors",
    "step-000000028.safetensors",
    "step-000000032.safetensors",
];

#[test]
fn the_last_ones_and_the_best_one_are_kept_through_every_stop() {
    let place = place_of("kept", RECIPE);
    place.expect(0, &[&place.recipe, "--data", DATA, "--quiet", "-o", "whole"]);
    let whole = place.folder.join("whole");
    let mut want: Vec<String> = KEPT.iter().map(|name| (*name).to_owned()).collect();
    want.push("step-000000024.safetensors".to_owned());
    want.sort();
    assert_eq!(files(&whole), want);
    let of_step = Checkpoint::read(&Which::Step(24).file(&whole)).expect("a checkpoint");
    assert_eq!(
        (of_step.progress.step, tensors(&Which::Step(32).file(&whole))),
        (24, tensors(&Which::Last.file(&whole)))
    );
    // The best one is that of the best look, the first of equals.
    let record = record(&place, "whole");
    let best = record.best.clone().expect("a best one");
    let values: Vec<f64> = record.history.iter().map(|p| p.metrics[0].value).collect();
    let most = values.iter().copied().fold(0.0, f64::max);
    let first = values.iter().position(|v| *v == most).expect("a look");
    assert_eq!((best.value, best.step as usize, best.measure.as_str()), (most, 2 * (first + 1), "knn"));
    let kept = Checkpoint::read(&Which::Best.file(&whole)).expect("a checkpoint");
    assert_eq!(kept.progress.step as u64, best.step);
    // Killed at several moments and gone on with, everything is the same.
    for line in [3, 7, 9] {
        let run = place.folder.join("run");
        let mut child = match run.join("recipe.ssl").exists() {
            true => place.command(&["--resume", "run", "--quiet"]).spawn().expect("it starts"),
            false => {
                place.command(&[&place.recipe, "--data", DATA, "--quiet", "-o", "run"]).spawn().expect("it starts")
            }
        };
        let lines = || std::fs::read_to_string(run.join("metrics.jsonl")).map_or(0, |text| text.lines().count());
        while lines() < line && child.try_wait().is_ok_and(|status| status.is_none()) {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let _ = child.kill();
        child.wait().expect("it ends");
    }
    place.expect(0, &["--resume", "run", "--quiet"]);
    let run = place.folder.join("run");
    assert_eq!(files(&run), files(&whole));
    for file in files(&whole) {
        let of = |run: &Path| tensors(&run.join("checkpoints").join(&file));
        assert!(of(&run) == of(&whole), "{file}");
    }
    let other = self::record(&place, "run");
    assert_eq!((&other.best, &other.trained, &other.raw), (&record.best, &record.trained, &record.raw));
}

/// A run that has kept its last three checkpoints and its best one.
fn applied(name: &str) -> Place {
    let place = place_of(name, RECIPE);
    place.expect(0, &[&place.recipe, "--data", DATA, "--quiet", "-o", "run"]);
    place
}

#[test]
fn a_checkpoint_is_chosen_where_a_run_is_applied() {
    let place = applied("kept-applied");
    let embed = |which: &[&str]| {
        place.expect(0, &[&["embed", "run", "-o", "x.npy"], which].concat());
        std::fs::read(place.folder.join("x.npy")).expect("features")
    };
    let last = embed(&[]);
    assert_eq!(last, embed(&["--checkpoint", "last"]));
    assert_eq!(last, embed(&["--checkpoint", "32"]));
    let earlier = embed(&["--checkpoint", "28"]);
    assert_ne!(last, earlier);
    let best = record(&place, "run").best.expect("a best one");
    assert_eq!(embed(&["--checkpoint", "best"]) == last, best.step == 32);
    // Its file alone is enough.
    for file in ["best", "best-encoder"] {
        let path = format!("run/checkpoints/{file}.safetensors");
        place.expect(0, &["embed", &path, "--data", DATA, "--split", "test", "-o", "y.npy"]);
        assert_eq!(
            std::fs::read(place.folder.join("y.npy")).expect("features"),
            embed(&["--checkpoint", "best"]),
            "{file}"
        );
        let (_, err) = place.expect(0, &["predict", &path, "--probe", "finetune"]);
        let (_, by_run) = place.expect(0, &["predict", "run", "--probe", "finetune", "--checkpoint", "best"]);
        assert_eq!(err, by_run, "{file}");
    }
    let (_, err) = place.expect(3, &["embed", "run/checkpoints/best.safetensors", "--checkpoint", "24", "-o", "y.npy"]);
    assert!(unwrapped(&err).contains("one checkpoint alone"), "{err}");
}

#[test]
fn a_checkpoint_that_is_chosen_is_judged_or_said_to_be_missing() {
    let place = applied("kept-judged");
    let best = record(&place, "run").best.expect("a best one");
    // The closing table has a row for the best encoder, and judging it again finds the same.
    if best.step != 32 {
        let knn = best.metrics.iter().find(|m| m.name == "k-NN").expect("judged").text();
        let (again, _) = place.expect(0, &["eval", "run", "--checkpoint", "best", "--quiet"]);
        assert!(again.lines().any(|l| l.contains("encoder, trained") && l.contains(&knn)), "{again}");
    }
    let (_, err) = place.expect(3, &["eval", "run", "--checkpoint", "7", "--quiet"]);
    let said = unwrapped(&err);
    assert!(said.contains("no checkpoint of step 7: there is last, best, 24, 28, 32"), "{said}");
    let (_, err) = place.expect(2, &["eval", "run", "--checkpoint", "first"]);
    assert!(err.contains("`last`, `best` or a number of steps"), "{err}");
    let (_, err) = place.expect(2, &["predict", "run", "--checkpoint", "28"]);
    assert!(unwrapped(&err).contains("not of step 28"), "{err}");
    // A new run may begin at any of them.
    let (_, err) = place.expect(
        0,
        &[
            "--from",
            "run",
            "--checkpoint",
            "24",
            "-o",
            "branch",
            "--set",
            "evaluate.probes=[]",
            "--set",
            "train.epochs=7",
        ],
    );
    assert!(err.contains("from step 24"), "{err}");
    place.expect(2, &[&place.recipe, "--checkpoint", "best"]);
    let (_, err) = place.expect(3, &["export", "run", "--checkpoint", "8", "-o", "out"]);
    assert!(unwrapped(&err).contains("no checkpoint of step 8"), "{err}");
}

#[test]
fn each_probe_keeps_what_it_has_learnt_of_the_last_encoder_and_of_the_best() {
    let place = applied("kept-probes");
    let record = record(&place, "run");
    let best = record.best.as_ref().expect("a best one");
    let judged = |metrics: &[sslrun::report::Metric], name: &str| {
        metrics.iter().find(|m| m.name == name).map(|m| m.text()).unwrap_or_default()
    };
    let metrics = if best.step == 32 { &record.trained } else { &best.metrics };
    for (probe, name) in [("linear", "linear probe"), ("finetune", "fine-tuned")] {
        let (_, err) = place.expect(0, &["predict", "run", "--probe", probe]);
        assert!(err.contains(&judged(&record.trained, name)), "{probe}: {err} {:?}", record.trained);
        let (_, err) = place.expect(0, &["predict", "run", "--probe", probe, "--checkpoint", "best"]);
        assert!(err.contains(&judged(metrics, name)), "{probe}: {err} {metrics:?}");
    }
}

#[test]
fn files_of_others_stay_and_old_ones_go_when_fewer_are_kept() {
    let place = place_of(
        "kept-others",
        &RECIPE.replace("epochs: 8", "epochs: 4").replace(", finetune(epochs: 1, batch: 16)", ""),
    );
    place.expect(0, &[&place.recipe, "--data", DATA, "--quiet", "-o", "run"]);
    let run = place.folder.join("run");
    let theirs = ["step-000000099.safetensors", "step-a.safetensors", "step-000000020.safetensors", "mine.txt"];
    for name in theirs {
        std::fs::write(run.join("checkpoints").join(name), "mine").expect("a file");
    }
    // A step of theirs lies where this training would keep one of its own.
    let (_, err) = place.expect(
        0,
        &["--resume", "run", "--quiet", "--set", "train.epochs=8", "--set", "train.keep=2", "--set", "train.best=rank"],
    );
    assert!(unwrapped(&err).contains("step-000000020.safetensors is not of this training"), "{err}");
    for name in theirs {
        assert_eq!(place.read(&format!("run/checkpoints/{name}")), "mine", "{name}");
    }
    let kept: Vec<String> = files(&run).into_iter().filter(|f| f.starts_with("step-0")).collect();
    let want = ["step-000000020", "step-000000028", "step-000000032", "step-000000099"];
    assert_eq!(kept, want.map(|name| format!("{name}.safetensors")));
    let best = record(&place, "run").best.expect("a best one");
    assert!(best.measure == "effective_rank" && best.step > 16, "{best:?}");
    // A best one that somebody has removed is told of, and another is looked for.
    std::fs::remove_file(Which::Best.file(&run)).expect("it is there");
    let (_, err) = place.expect(0, &["--resume", "run", "--quiet", "--set", "train.epochs=9"]);
    assert!(unwrapped(&err).contains("the best checkpoint, of step"), "{err}");
    assert!(record(&place, "run").best.is_some_and(|best| best.step > 32));
}

#[test]
fn labels_that_are_not_there_are_missed_before_anything_is_trained() {
    let place = place_of("kept-unlabelled", &format!("data folder(\"heap\", size: 16)\n{RECIPE}"));
    for number in 0..20 {
        let path = place.folder.join(format!("heap/{number}.png"));
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        let pixels: Vec<u8> = (0..16 * 16 * 3).map(|i| ((i * 7 + number * 31) % 256) as u8).collect();
        let image = sslrun::data::Image::new(16, 16, pixels);
        std::fs::write(&path, image.encode(&path).expect("a PNG")).expect("a picture");
    }
    let output = place.run(&[&place.recipe, "--quiet", "-o", "run"]);
    let said = unwrapped(&String::from_utf8_lossy(&output.stderr));
    assert!(!output.status.success() && said.contains("`knn` is not measured") && said.contains("rank"), "{said}");
    assert!(!place.folder.join("run").exists());
    place
        .expect(0, &[&place.recipe, "--quiet", "-o", "run", "--set", "train.best=rank", "--set", "evaluate.probes=[]"]);
    assert!(record(&place, "run").best.is_some());
}
