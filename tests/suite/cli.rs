//! The program as a user meets it: arguments, exit status, what it prints and what it leaves behind.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::train::{folder, recipe_file};

const TINY: &str = r#"recipe "Tiny"

views {
  a, b: crop(0.5..1) | flip
}

branch f {
  encoder: resnet18(stem: small, width: 4)
  projector: mlp(16, 8)
}

loss {
  invariance: mse(f(a), f(b))
  variance: hinge_variance(f(a)) + hinge_variance(f(b))
}

train {
  epochs: 2
  batch: 16
  optimizer: sgd(lr: cosine(0.05 -> 0))
}
"#;

const DATA: &str = "shapes:train=64,test=30,size=16";

/// A folder with the tiny recipe.
pub struct Place {
    pub folder: PathBuf,
    pub recipe: String,
}

fn place(name: &str) -> Place {
    place_of(name, TINY)
}

pub fn place_of(name: &str, text: &str) -> Place {
    let folder = folder(&format!("cli-{name}"));
    let recipe = recipe_file(&folder, text).display().to_string();
    Place { folder, recipe }
}

impl Place {
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sslrun"));
        command.args(args).current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("the program starts")
    }

    /// Runs and expects an exit status; what was written to standard output and error.
    pub fn expect(&self, status: i32, args: &[&str]) -> (String, String) {
        let output = self.run(args);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(status), "{args:?}\n{out}\n{err}");
        assert!(!err.contains("panicked"), "{err}");
        (out, err)
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.folder.join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }
}

/// What a diagnostic says, however long the paths in it make its lines.
pub fn unwrapped(text: &str) -> String {
    text.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_run_goes_from_text_to_table_and_leaves_its_folder() {
    let place = place("run");
    let (out, err) = place.expect(0, &[&place.recipe, "--data", DATA]);
    for word in ["k-NN", "linear probe", "encoder, trained", "encoder, untrained", "raw pixels"] {
        assert!(out.contains(word), "{word} in\n{out}");
    }
    assert!(err.contains("epoch 2.00") && err.contains("invariance"), "{err}");
    let recipe = place.read("runs/tiny-1/recipe.ssl");
    assert!(recipe.contains("resnet18") && recipe.contains("shapes"), "{recipe}");
    assert!(place.read("runs/tiny-1/run.ron").contains("Finished"));
    let metrics = place.read("runs/tiny-1/metrics.jsonl");
    for line in metrics.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        assert!(line["loss"].is_f64() && line["terms"]["variance"].is_f64());
    }
    assert!(metrics.contains("effective_rank"), "{metrics}");
    for file in ["last.safetensors", "encoder.safetensors"] {
        let bytes = std::fs::read(place.folder.join("runs/tiny-1/checkpoints").join(file)).expect("a checkpoint");
        let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
        let name = if file == "last.safetensors" { "f.encoder.conv1.weight" } else { "conv1.weight" };
        assert!(tensors.names().contains(&name), "{:?}", tensors.names());
    }
    let first = place.read("runs/tiny-1/run.ron");
    let (_, err) = place.expect(0, &[&place.recipe, "--data", DATA, "--quiet", "--seed", "5", "--threads", "1"]);
    assert_eq!(err.lines().count(), 1, "{err}");
    assert!(place.read("runs/tiny-2/run.ron").contains("seed: 5"));
    assert_eq!(first, place.read("runs/tiny-1/run.ron"));
    let (_, err) = place.expect(3, &[&place.recipe, "--data", DATA, "-o", "runs/tiny-1"]);
    assert!(err.contains("overwrites nothing"), "{err}");
    assert_eq!(first, place.read("runs/tiny-1/run.ron"));
}

#[test]
fn errors_in_a_recipe_are_shown_and_give_status_1() {
    let place = place_of("errors", &TINY.replace("hinge_variance(f(a))", "hinge_varianc(f(a))"));
    for args in [&["check", &place.recipe][..], &[&place.recipe], &["graph", &place.recipe]] {
        let (out, err) = place.expect(1, args);
        assert!(err.contains("hinge_varianc") && err.contains("14:"), "{err}");
        assert_eq!(out, "");
    }
    let (out, _) = place.expect(1, &["check", &place.recipe, &place.recipe, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&out).expect("one JSON document");
    assert_eq!(json.as_array().map(Vec::len), Some(2), "{out}");
    assert_eq!(json[0]["code"], "unknown-name", "{out}");
    assert!(!place.folder.join("runs").exists());
}

#[test]
fn a_sound_recipe_gives_status_0_and_an_empty_list() {
    let place = place("check");
    assert_eq!(place.expect(0, &["check", &place.recipe]), (String::new(), String::new()));
    let (out, _) = place.expect(0, &["check", &place.recipe, "--format", "json"]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&out).expect("JSON"), serde_json::json!([]));
    let (_, err) = place.expect(1, &["check", &place.recipe, "--set", "train.epoch=3"]);
    assert!(err.contains("epochs"), "{err}");
}

#[test]
fn wrong_usage_gives_status_2() {
    let place = place("usage");
    let (_, err) = place.expect(2, &["missing.ssl"]);
    assert!(err.contains("cannot read missing.ssl"), "{err}");
    let (_, err) = place.expect(2, &["chek"]);
    assert!(err.contains("did you mean `check`?"), "{err}");
    place.expect(2, &[]);
    place.expect(2, &[&place.recipe, "--no-such-flag"]);
    place.expect(2, &["--resume", "nowhere"]);
    let (_, err) = place.expect(2, &["compare", &place.recipe, "--budget", "6"]);
    assert!(err.contains("as in `90s`, `6m` or `1.5h`"), "{err}");
    place.expect(2, &["compare", &place.recipe, "--budget", "6m", "--epochs", "2"]);
    let (_, err) = place.expect(2, &[&place.recipe, "--data", "shape"]);
    assert!(err.contains("shapes"), "{err}");
    let (_, err) = place.expect(2, &["explain", "shape-mismatc"]);
    assert!(err.contains("did you mean `shape-mismatch`?") && err.contains("collapse"), "{err}");
}

#[test]
fn what_is_done_before_and_between_steps_is_shown() {
    let refreshed = TINY.replace(
        "train {",
        "branch target = frozen(\"first.ssl\")\nstate label = refresh(of: over_data(batch.label), every: 1)\ntrain {",
    );
    let text = refreshed.replace("mse(f(a), f(b))", "mse(f(a), target(b)) + 0 * mean(label)");
    let place = place_of("before", &text);
    std::fs::write(place.folder.join("first.ssl"), TINY).expect("a recipe");
    let (_, err) = place.expect(0, &[&place.recipe, "--data", DATA]);
    for line in
        ["\nfirst: epoch 2.00", "\nfirst: judging raw pixels", "\nrefreshing label: 0 of 64 images", "\nepoch 2.00"]
    {
        assert!(err.contains(line), "{line} in\n{err}");
    }
}

#[test]
fn failures_while_running_give_status_3() {
    let place = place("failures");
    let (_, err) = place.expect(3, &[&place.recipe, "--data", "cifar10:nowhere"]);
    assert!(err.contains("nowhere") && err.contains("[--data:1:1]") && !err.contains("tiny.ssl"), "{err}");
    std::fs::write(place.folder.join("file"), "").expect("a file");
    let (_, err) = place.expect(3, &[&place.recipe, "--data", DATA, "--out", "file/run"]);
    assert!(err.contains("cannot make file/run"), "{err}");
    let (_, err) = place.expect(3, &[&place.recipe, "--data", "shapes:train=8"]);
    assert!(err.contains("train.batch"), "{err}");
    assert!(!place.folder.join("runs").exists());
}

#[test]
fn fmt_lays_out_checks_and_leaves_errors_alone() {
    let place = place_of("fmt", "loss{a:1}  # the end\n");
    place.expect(1, &["fmt", "--check", &place.recipe]);
    place.expect(0, &["fmt", &place.recipe]);
    assert_eq!(place.read("tiny.ssl"), "loss { a: 1 }  # the end\n");
    place.expect(0, &["fmt", "--check", &place.recipe]);
    std::fs::write(place.folder.join("bad.ssl"), "loss{a:}\n").expect("a file");
    place.expect(1, &["fmt", "bad.ssl"]);
    assert_eq!(place.read("bad.ssl"), "loss{a:}\n");
    let mut child =
        place.command(&["fmt", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut input = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut input, b"let x=1").expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "let x = 1\n");
}

#[test]
fn explain_and_show_tell_what_there_is() {
    let place = place("show");
    let (out, _) = place.expect(0, &["explain", "shape-mismatch"]);
    assert!(!out.trim().is_empty());
    let (all, _) = place.expect(0, &["show"]);
    for word in ["resnet18(", "crop(", "sgd(", "cosine(", "shapes(", "knn(", "hinge_variance(z: [N, D]"] {
        assert!(all.contains(word), "{word}");
    }
    let (out, _) = place.expect(0, &["show", "softmax"]);
    assert!(out.contains("dim") && out.contains("default -1"), "{out}");
    let (out, _) = place.expect(0, &["show", "info_nce"]);
    assert!(out.contains("let info_nce(") && out.contains("cross_entropy"), "{out}");
    let (_, err) = place.expect(2, &["show", "resnet8"]);
    assert!(err.contains("did you mean"), "{err}");
}

#[test]
fn graphs_are_printed_in_three_forms() {
    let place = place("graph");
    let (text, _) = place.expect(0, &["graph", &place.recipe]);
    assert!(text.contains("f.encoder.conv1.weight"), "{text}");
    let (dot, _) = place.expect(0, &["graph", &place.recipe, "--format", "dot"]);
    assert!(dot.starts_with("digraph"), "{dot}");
    let (ron, _) = place.expect(0, &["graph", &place.recipe, "--format", "ron"]);
    ron.trim().parse::<ron::Value>().expect("RON");
}

#[test]
fn views_are_drawn() {
    let place = place("views");
    let (_, err) = place.expect(0, &["views", &place.recipe, "--data", DATA, "-o", "sheet.png", "--samples", "3"]);
    assert!(err.contains("sample, a, b"), "{err}");
    let sheet = image::open(place.folder.join("sheet.png")).expect("a picture");
    assert!(sheet.width() > 3 * 90 && sheet.height() > 3 * 90);
    place.expect(3, &["views", &place.recipe, "-o", "no/such/folder/sheet.png"]);
    // What is called a JPEG is one.
    place.expect(0, &["views", &place.recipe, "--data", DATA, "-o", "sheet.jpg", "--samples", "3"]);
    assert!(std::fs::read(place.folder.join("sheet.jpg")).expect("a picture").starts_with(&[0xff, 0xd8, 0xff]));
    let (_, err) = place.expect(2, &["views", &place.recipe, "-o", "sheet.gif"]);
    assert!(err.contains("`.png`") && !place.folder.join("sheet.gif").exists(), "{err}");
}

#[test]
fn data_that_are_named_are_looked_for() {
    let place = place("named-data");
    let (_, err) = place.expect(1, &["check", &place.recipe, "--data", "cifar10:no/such/folder"]);
    assert!(err.contains("no/such/folder") && err.contains("--data"), "{err}");
    // The recipe's own may come later.
    let own = place_of("own-data", &format!("data cifar10(\"not/here/yet\")\n{TINY}"));
    let (_, err) = own.expect(0, &["check", &own.recipe]);
    assert!(err.contains("not/here/yet"), "{err}");
    for (spec, told) in [
        ("shapes:train=100,train=200", "given twice"),
        ("cifar10:here,path=there", "given twice"),
        ("shapes:seed=9007199254740993", "no value for `seed`"),
    ] {
        let (_, err) = place.expect(2, &["check", &place.recipe, "--data", spec]);
        assert!(err.contains(told), "{spec}: {err}");
    }
}

#[test]
fn views_are_the_same_on_every_processor() {
    let all = "crop(0.3..1) | flip | jitter(p: 1) | grayscale | blur | solarize(p: 0.5)";
    let place = place_of("processors", &TINY.replace("crop(0.5..1) | flip", all));
    let sheet = |kernels: &str| {
        let mut command = place.command(&["views", &place.recipe, "-o", "sheet.png"]);
        assert!(command.env("SSLRUN_KERNELS", kernels).status().expect("the program starts").success());
        std::fs::read(place.folder.join("sheet.png")).expect("a picture")
    };
    assert!(sheet("portable") == sheet(""));
}

#[test]
fn a_pure_loss_is_computed_on_given_tensors() {
    let text = "input z: [N, 4]\ninput w: [N, K]\nloss {\n  square: mean(z ^ 2)\n  sum: 2 * sum(w)\n}\n";
    let place = place_of("loss", text);
    let file = |name: &str, z: (usize, usize), w: (usize, usize)| {
        let tensor = |(rows, columns): (usize, usize)| {
            let values: Vec<f32> = (0..rows * columns).map(|i| i as f32).collect();
            candle_core::Tensor::from_vec(values, (rows, columns), &candle_core::Device::Cpu).expect("a tensor")
        };
        let tensors = [("z".to_owned(), tensor(z)), ("w".to_owned(), tensor(w))].into();
        candle_core::safetensors::save(&tensors, place.folder.join(name)).expect("a file");
    };
    file("x.safetensors", (2, 4), (2, 3));
    let (out, _) =
        place.expect(0, &["loss", &place.recipe, "--inputs", "x.safetensors", "--grad", "-o", "y.safetensors"]);
    // mean of 0..8 squared is 17.5; twice the sum of 0..6 is 30.
    assert!(out.contains("loss         47.5") && out.contains("loss.square  17.5"), "{out}");
    let bytes = std::fs::read(place.folder.join("y.safetensors")).expect("a file");
    let saved = candle_core::safetensors::load_buffer(&bytes, &candle_core::Device::Cpu).expect("safetensors");
    assert_eq!(saved["loss.sum"].to_scalar::<f32>().expect("a scalar"), 30.0);
    assert_eq!(saved["grad.w"].to_vec2::<f32>().expect("a matrix"), vec![vec![2.0; 3]; 2]);
    let row: Vec<f32> = (0..4).map(|i| i as f32 / 4.0).collect();
    assert_eq!(saved["grad.z"].to_vec2::<f32>().expect("a matrix")[0], row);
    file("bad.safetensors", (2, 4), (3, 3));
    let (_, err) = place.expect(3, &["loss", &place.recipe, "--inputs", "bad.safetensors"]);
    assert!(err.contains("`w` is declared [N, K], the given tensor is [3, 3]: N is 2 in `z`"), "{err}");
    file("bad.safetensors", (2, 5), (2, 3));
    let (_, err) = place.expect(3, &["loss", &place.recipe, "--inputs", "bad.safetensors"]);
    assert!(err.contains("`z` is declared [N, 4], the given tensor is [2, 5]"), "{err}");
    std::fs::write(place.folder.join("text.safetensors"), "no tensors").expect("a file");
    place.expect(3, &["loss", &place.recipe, "--inputs", "text.safetensors"]);
    place.expect(2, &["loss", &place.recipe, "--inputs", "missing.safetensors"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_and_says_how_to_go_on() {
    let place = place("interrupt");
    let args = [&place.recipe, "--data", DATA, "--set", "train.epochs=100000", "--out", "run"];
    let child = place.command(&args).stderr(Stdio::piped()).spawn().expect("it starts");
    let metrics = place.folder.join("run/metrics.jsonl");
    let begun = || std::fs::metadata(&metrics).is_ok_and(|m| m.len() > 0);
    for _ in 0..600 {
        if begun() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert!(begun(), "the run has not begun after a minute");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("a signal");
    assert!(sent.success());
    let output = child.wait_with_output().expect("it ends");
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{err}");
    assert!(err.contains("sslrun --resume run"), "{err}");
    assert!(Path::new(&place.folder).join("run/checkpoints/last.safetensors").exists());
    assert!(place.read("run/run.ron").contains("Interrupted"));
}

#[test]
fn what_a_run_has_left_is_judged_again_and_applied() {
    let place = place_of("eval", &TINY.replace("epochs: 2", "epochs: 0.5"));
    place.expect(0, &[&place.recipe, "--data", DATA, "--out", "run", "--quiet"]);
    let record = place.read("run/run.ron");
    let (first, _) = place.expect(0, &["eval", "run"]);
    let trained = first.lines().find(|l| l.contains("encoder, trained")).expect("a row");
    let accuracy = |column: usize| trained.split('│').nth(column).expect("a cell").trim().trim_end_matches(" %");
    for (column, name) in [(2, "k-NN"), (3, "linear probe")] {
        let value: f64 = accuracy(column).parse().expect("a number");
        let after = record.split(&format!("name: \"{name}\",\n            value: ")).nth(1).expect("a metric");
        let kept: f64 = after[..after.find(',').expect("a comma")].parse().expect("a number");
        assert!((100.0 * kept - value).abs() < 0.06, "{name}: {kept} {value}");
    }
    let other =
        ["eval", "run", "--data", "shapes:train=40,test=20,size=16,seed=9", "--set", "evaluate.probes=knn(k: 1)"];
    let (out, _) = place.expect(0, &other);
    assert!(out.contains("k-NN") && !out.contains("linear"), "{out}");
    place.expect(0, &["embed", "run", "-o", "x.npy", "--split", "train"]);
    let bytes = std::fs::read(place.folder.join("x.npy")).expect("an array");
    let header = String::from_utf8_lossy(&bytes[10..128]).into_owned();
    assert!(bytes.starts_with(b"\x93NUMPY\x01\x00") && header.contains("'shape': (64,32,)"), "{header}");
    assert_eq!(bytes.len(), 128 + 4 * 64 * 32);
    let labels = std::fs::read(place.folder.join("x.labels.npy")).expect("an array");
    assert_eq!(labels.len(), 128 + 8 * 64);
    assert!(labels[128..].chunks_exact(8).all(|l| l[0] < 10 && l[1..].iter().all(|&b| b == 0)));
    place.expect(2, &["eval", "nowhere"]);
    let (_, err) = place.expect(3, &["eval", "run", "--set", "f.encoder.width=8"]);
    assert!(err.contains("has the shape"), "{err}");
    assert_eq!(place.read("run/run.ron"), record);
}

#[test]
fn a_bench_times_the_parts_of_a_training_and_leaves_nothing_behind() {
    let place = place("bench");
    let asked = ["bench", &place.recipe, "--data", DATA, "--steps", "3", "--warm", "1", "--threads", "1"];
    let (out, err) = place.expect(0, &asked);
    for row in [
        "first step",
        "step, views in memory",
        "its optimizer",
        "its interpretation",
        "step, with its data",
        "data alone",
        "decoding or drawing, one thread",
        "augmenting, one thread",
    ] {
        assert!(out.contains(row), "{row} in\n{out}");
    }
    assert_eq!(out.contains("peak memory"), cfg!(target_os = "linux"), "{out}");
    assert!(err.contains("Tiny") && err.contains("steps of 16 images") && err.contains("takes the longest"), "{err}");
    let (out, _) = place.expect(0, &[&asked[..], &["--only", "step", "--format", "json"]].concat());
    let json: serde_json::Value = serde_json::from_str(&out).expect("one JSON document");
    let times = |name: &str| json[name].as_array().expect(name).iter().filter_map(|t| t.as_f64()).collect::<Vec<_>>();
    for ((step, update), outside) in times("step").into_iter().zip(times("update")).zip(times("outside")) {
        assert!(0.0 < update && 0.0 < outside && update + outside < step, "{out}");
    }
    assert_eq!((times("step").len(), times("outside").len(), times("looped").len()), (3, 3, 0), "{out}");
    assert!(json["samples_a_second"].is_null() && json["first_step"].as_f64() > Some(0.0), "{out}");
    let wrong = place_of("bench-errors", &TINY.replace("mse", "msee"));
    wrong.expect(1, &["bench", &wrong.recipe]);
    assert!(!place.folder.join("runs").exists());
}
