//! Where a run begins: as the same training again, or as a branch of another.

use crate::cifar10;
use crate::cli::{Place, place_of};
use std::process::Command;

const PLAIN: &str = "views { a, b: crop(0.5..1) }
branch f { encoder: small_convnet(width: 4); projector: linear(8) }
loss { l: nt_xent(f(a), f(b)) }
train { epochs: 2; batch: 16; optimizer: adamw(lr: 1e-3) }
evaluate { probes: [knn(k: 1)] }";

const DATA: &str = "shapes:train=64,test=16,size=16";

/// A place with a run `x` of the recipe.
fn trained(name: &str, text: &str) -> Place {
    let place = place_of(name, text);
    place.expect(0, &[&place.recipe, "--data", DATA, "-o", "x", "--quiet"]);
    place
}

fn bytes(place: &Place, path: &str) -> Vec<u8> {
    std::fs::read(place.folder.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

#[test]
fn a_run_is_gone_on_with_as_the_same_training_or_not_at_all() {
    let place = trained("same", PLAIN);
    let before: Vec<Vec<u8>> = ["recipe.ssl", "run.ron", "metrics.jsonl", "checkpoints/last.safetensors"]
        .map(|f| bytes(&place, &format!("x/{f}")))
        .into();
    let refused: [(&[&str], &str); 8] = [
        (&["--seed", "4"], "+ train.seed: 4"),
        (&["--set", "train.batch=32"], "- train.batch: 16"),
        (&["--set", "train.optimizer=sgd(0.1)"], "train.optimizer"),
        (&["--set", "f.projector.out=4"], "branch f"),
        (&["--data", "shapes:train=32,test=16,size=16"], "train: 32"),
        (&["--engine", "candle"], "the engine"),
        (&["--set", "train.epochs=1"], "has already trained 2 epochs"),
        (&["tiny.ssl"], "`--resume` goes on with the recipe of the run"),
    ];
    for (args, reason) in refused {
        let (_, err) = place.expect(2, &[&["--resume", "x"], args].concat());
        assert!(err.contains(reason) && err.contains("--from x"), "{args:?}: {err}");
    }
    for (file, was) in ["recipe.ssl", "run.ron", "metrics.jsonl", "checkpoints/last.safetensors"].iter().zip(before) {
        assert!(bytes(&place, &format!("x/{file}")) == was, "{file} has changed");
    }
}

#[test]
fn what_changes_nothing_that_was_done_may_change_and_is_recorded() {
    let place = trained("free", PLAIN);
    let sets = ["--set", "train.epochs=3", "--set", "evaluate.probes=[knn(k: 3)]", "--set", "train.checkpoint=5"];
    let (_, err) = place.expect(0, &[&["--resume", "x"][..], &sets].concat());
    assert!(err.contains("from step 8"), "{err}");
    let record = place.read("x/run.ron");
    assert!(record.contains("at step 8: train.epochs: 2 -> 3"), "{record}");
    assert!(record.contains("evaluate.probes") && record.contains("train.checkpoint"), "{record}");
    // The same as three epochs from the start.
    place.expect(0, &["tiny.ssl", "--data", DATA, "-o", "whole", "--quiet", "--set", "train.epochs=3"]);
    // What they say of their recipes differs.
    let weights = |run: &str| {
        let file = bytes(&place, &format!("{run}/checkpoints/encoder.safetensors"));
        let (length, _) = safetensors::SafeTensors::read_metadata(&file).expect("safetensors");
        file[8 + length..].to_vec()
    };
    assert!(weights("x") == weights("whole"), "the weights differ");
    // A ramp that has begun depends on the epochs.
    let place = trained("ramp", &PLAIN.replace("lr: 1e-3", "lr: cosine(1e-3 -> 0)"));
    let (_, err) = place.expect(2, &["--resume", "x", "--set", "train.epochs=3"]);
    assert!(err.contains("depends on `train.epochs`") && err.contains("cosine(1e-3 -> 0)"), "{err}");
}

#[test]
fn a_branch_of_a_run_begins_where_that_stands() {
    let place = trained("from", &PLAIN.replace("evaluate {", "evaluate { every: 1;"));
    let before = bytes(&place, "x/run.ron");
    let (_, err) = place.expect(0, &["--from", "x", "--set", "train.epochs=4", "-o", "y"]);
    assert!(err.contains("from step 8"), "{err}");
    // With nothing else changed, it is what one run of four epochs is.
    place.expect(0, &["tiny.ssl", "--data", DATA, "-o", "whole", "--quiet", "--set", "train.epochs=4"]);
    let weights = |run: &str| bytes(&place, &format!("{run}/checkpoints/encoder.safetensors"));
    assert_eq!(weights("y"), weights("whole"));
    let record = place.read("y/run.ron");
    assert!(record.contains("x at step 8") && record.contains("images: 256"), "{record}");
    let looks = |run: &str| place.read(&format!("{run}/metrics.jsonl")).matches("effective_rank").count();
    assert_eq!((looks("y"), looks("whole")), (4, 4));
    // Without `-o` it has a name of its own, and the run it comes from stays as it is.
    place.expect(0, &["--from", "x", "--set", "train.epochs=4", "--quiet"]);
    assert!(place.folder.join("runs/x-1/run.ron").is_file());
    assert_eq!(bytes(&place, "x/run.ron"), before);
    let (_, err) = place.expect(3, &["--from", "x", "-o", "z"]);
    assert!(err.contains("that run has trained 2 epochs") && err.contains("raise `train.epochs`"), "{err}");
}

#[test]
fn another_recipe_takes_what_fits_and_begins_anew() {
    let place = trained("other", PLAIN);
    let other = PLAIN.replace("linear(8)", "linear(12)").replace("adamw(lr: 1e-3)", "sgd(lr: 0)");
    std::fs::write(place.folder.join("other.ssl"), other).expect("a recipe");
    let (_, err) = place.expect(0, &["--from", "x", "other.ssl", "--data", DATA, "-o", "y"]);
    assert!(err.contains("f.projector.weight") && err.contains("starts anew"), "{err}");
    // Nothing is trained at rate 0: the encoder is the other run's.
    let tensors = |run: &str| {
        let file = bytes(&place, &format!("{run}/checkpoints/encoder.safetensors"));
        let read = safetensors::SafeTensors::deserialize(&file).expect("safetensors");
        let mut all: Vec<(String, Vec<u8>)> = read
            .tensors()
            .into_iter()
            .filter(|(n, _)| n.ends_with("0.weight"))
            .map(|(n, t)| (n, t.data().to_vec()))
            .collect();
        all.sort();
        all
    };
    assert!(!tensors("x").is_empty());
    assert_eq!(tensors("x"), tensors("y"));
    assert!(place.read("y/run.ron").contains("images: 128"));
    let stranger = "views { a, b: crop(0.5..1) }\nbranch g { encoder: small_convnet(width: 8) }\nloss { l: nt_xent(g(a), g(b)) }\ntrain { batch: 16 }";
    std::fs::write(place.folder.join("stranger.ssl"), stranger).expect("a recipe");
    let (_, err) = place.expect(3, &["--from", "x", "stranger.ssl", "--data", DATA, "-o", "z"]);
    assert!(err.contains("nothing in it has the name and shape"), "{err}");
}

#[test]
fn pictures_that_have_changed_are_other_data() {
    let data = cifar10::folder("resumed");
    let label = |i: usize| Some(i as i64 % 10);
    cifar10::write_labelled(&data.join("train.parquet"), 0..48, label);
    cifar10::write_labelled(&data.join("test.parquet"), 100..110, label);
    let place = place_of("changed", PLAIN);
    let spec = format!("cifar10:{}", data.display());
    place.expect(0, &[&place.recipe, "--data", &spec, "-o", "x", "--quiet"]);
    // The same pictures from elsewhere are the same training.
    let moved = cifar10::folder("resumed-elsewhere");
    for file in ["train.parquet", "test.parquet"] {
        std::fs::copy(data.join(file), moved.join(file)).expect("a copy");
    }
    let elsewhere = format!("cifar10:{}", moved.display());
    place.expect(0, &["--resume", "x", "--data", &elsewhere, "--quiet"]);
    cifar10::write_labelled(&moved.join("train.parquet"), 1..49, label);
    let (_, err) = place.expect(2, &["--resume", "x"]);
    assert!(err.contains("the pictures or labels of the data set have changed since"), "{err}");
}

#[test]
fn a_run_that_goes_on_by_other_vector_instructions_says_so() {
    let place = trained("path", PLAIN);
    let command = |args: &[&str]| {
        let mut command: Command = place.command(args);
        command.env("SSLRUN_KERNELS", "portable");
        let output = command.output().expect("the program starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let name = place.read("x/run.ron");
    let was = name.lines().find(|l| l.trim().starts_with("kernels:")).expect("the record names them").to_owned();
    if was.contains("portable") {
        return;
    }
    let (status, err) = command(&["--resume", "x", "--same-path", "--set", "train.epochs=3"]);
    assert!(status == Some(3) && err.contains("`--same-path` forbids"), "{err}");
    let (status, err) = command(&["--resume", "x", "--set", "train.epochs=3"]);
    assert!(status == Some(0) && err.contains("its results will differ in the last digits"), "{err}");
    let (_, err) = place.expect(2, &["tiny.ssl", "--same-path"]);
    assert!(err.contains("--resume"), "{err}");
}

#[test]
fn paths_that_a_recipe_names_lead_to_the_same_files_from_anywhere() {
    let text = PLAIN.replace("branch f", "data cifar10(\"pics\")\nbranch f");
    let student = "branch t = frozen(\"inner/x/checkpoints/last.safetensors\", of: f)\nloss { l: mse(f(a), t(b)) }";
    let student = text.replace("loss { l: nt_xent(f(a), f(b)) }", student);
    let place = place_of("anywhere", &text);
    let (pictures, inner) = (place.folder.join("pics"), place.folder.join("inner"));
    std::fs::create_dir(&pictures).expect("a folder");
    std::fs::create_dir(&inner).expect("a folder");
    cifar10::write_labelled(&pictures.join("train.parquet"), 0..48, |i| Some(i as i64 % 10));
    cifar10::write_labelled(&pictures.join("test.parquet"), 100..110, |i| Some(i as i64 % 10));
    std::fs::write(place.folder.join("student.ssl"), &student).expect("a recipe");
    let from = |folder: &std::path::Path, args: &[&str]| {
        let output = place.command(args).current_dir(folder).output().expect("it ends");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    // Of the recipe, of its copy in the folder of the run, and of weights; seen from three folders.
    from(&inner, &["../tiny.ssl", "-o", "x", "--quiet"]);
    from(&pictures, &["../student.ssl", "-o", "../y", "--quiet"]);
    let written = place.read("y/recipe.ssl");
    for path in ["pics", "inner/x/checkpoints/last.safetensors"] {
        let whole = place.folder.join(path).canonicalize().expect("it is there");
        assert!(written.contains(&format!("\"{}\"", whole.display())), "{written}");
    }
    for run in ["inner/x", "y"] {
        let run = place.folder.join(run).display().to_string();
        from(&pictures, &["--resume", &run, "--quiet"]);
        from(std::path::Path::new("/"), &["eval", &run, "--quiet"]);
    }
    // On the command line they are relative to the working directory.
    from(&inner, &["../tiny.ssl", "--data", "cifar10:../pics", "-o", "z", "--quiet"]);
    from(&inner, &["check", "../tiny.ssl", "--set", "data.path=\"../pics\""]);
}
