//! Branches whose weights come from a file or from what another recipe trains.

use crate::train::{folder, run};
use sslrun::check::{self, Options};
use sslrun::diag::Diagnostic;
use sslrun::driver::{self, Request};
use sslrun::exec::PlannedEvaluator;
use sslrun::lint::{lint, mechanisms};
use sslrun::source::Sources;
use sslrun::train::{Event, last_checkpoint};
use std::path::Path;

const TEACHER: &str = "
    views { a, b: crop(0.5..1) | resize(8) }
    param width = 8
    let stem(w) = conv2d(w, stride: 2) | batchnorm | relu
    branch f { encoder: stem(width) | global_avgpool; head: mlp(12, 6); part: f.head on 2 * encoder }
    branch slow = ema(f, decay: 0.5)
    loss { l: nt_xent(f(a).head, f(b).head) + mse(f(a).part, slow(b).head) }
    train { epochs: 1; batch: 16; optimizer: sgd(lr: 0.2) }
    evaluate { every: 100; probes: [knn()] }";

const STUDENT: &str = "
    views { a, b: crop(0.5..1) | resize(8) }
    let stem = 3
    branch f { encoder: conv2d(4, stride: 2) | relu | global_avgpool; head: linear(6) }
    branch teacher = frozen(\"teacher.ssl\", of: slow)
    branch other = frozen(\"teacher.ssl\")
    loss { match: mse(f(a), teacher(b).head) + mse(f(a), other(b).part) + 0 * stem }
    train { epochs: 2; batch: 16; optimizer: sgd(lr: 0.2) }
    evaluate { every: 100; probes: [knn()] }";

const DATA: &str = "shapes:train=64,test=20,size=16";

fn tensor(file: &Path, name: &str) -> Vec<f32> {
    let bytes = std::fs::read(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
    let data = tensors.tensor(name).unwrap_or_else(|e| panic!("{name}: {e}")).data().to_vec();
    data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

fn request(folder: &Path, file: &str, text: &str, out: &str) -> Request {
    let recipe = folder.join(file);
    std::fs::write(&recipe, text).expect("a recipe can be written");
    Request { recipe: Some(recipe), data: Some(DATA.to_owned()), out: Some(folder.join(out)), ..Request::default() }
}

/// Runs a request; what it says it does first.
fn told(request: &Request) -> (Vec<String>, Result<(), String>) {
    let checked = request.check().expect("the recipe can be read");
    let mut said = Vec::new();
    let report = driver::run(request, &checked, &Default::default(), &mut |event| {
        if let Event::Preparing { message } = event {
            said.push(message.clone());
        }
    });
    (said, report.map(|_| ()).map_err(|e| e.to_string()))
}

#[test]
fn what_another_recipe_trains_is_trained_once_and_stays() {
    let folder = folder("frozen-recipe");
    std::fs::write(folder.join("teacher.ssl"), TEACHER).expect("a recipe can be written");
    let first = request(&folder, "student.ssl", STUDENT, "first");
    let (said, result) = told(&first);
    assert_eq!(result, Ok(()));
    assert_eq!(said.len(), 1, "both branches take their weights from one training: {said:?}");
    assert!(said[0].contains("`teacher` needs what") && said[0].contains("trained first"), "{said:?}");
    let cache = std::fs::read_dir(&folder).expect("a folder").flatten().map(|e| e.path());
    let cache =
        cache.into_iter().find(|p| p.is_dir() && p.to_string_lossy().contains("frozen-recipe/frozen-")).expect("a run");
    let (theirs, mine) = (last_checkpoint(&cache), last_checkpoint(&folder.join("first")));
    for (mine_name, theirs_name) in [
        ("teacher.encoder.0.weight", "slow.encoder.0.weight"),
        ("teacher.encoder.1.running_mean", "slow.encoder.1.running_mean"),
        ("teacher.head.0.weight", "slow.head.0.weight"),
        ("other.encoder.0.weight", "f.encoder.0.weight"),
        ("other.head.3.bias", "f.head.3.bias"),
    ] {
        assert_eq!(tensor(&mine, mine_name), tensor(&theirs, theirs_name), "{mine_name}");
    }
    // A second run finds the training done; one that is gone on with asks for nothing and ends the same.
    let (whole, report) = run(&Request { out: Some(folder.join("whole")), ..first.clone() }, usize::MAX);
    assert!(report.is_ok());
    assert_eq!(told(&Request { out: Some(folder.join("again")), ..first.clone() }).0, Vec::<String>::new());
    let (mut parts, _) = run(&Request { out: Some(folder.join("parts")), ..first.clone() }, 3);
    // A training that has lost what it had saved is left alone.
    std::fs::remove_file(&theirs).expect("the checkpoint can be taken away");
    let begun = told(&Request { out: Some(folder.join("begun")), ..first }).1.expect_err("no checkpoint");
    assert!(begun.contains("has lost its checkpoint"), "{begun}");
    std::fs::remove_file(folder.join("teacher.ssl")).expect("the teacher's recipe can be taken away");
    let resume = Request { resume: Some(folder.join("parts")), ..Request::default() };
    parts.extend(run(&resume, usize::MAX).0);
    assert_eq!(whole, parts);
}

#[test]
fn a_recipe_trained_first_is_heard_of_under_its_name() {
    let folder = folder("frozen-events");
    std::fs::write(folder.join("teacher.ssl"), TEACHER).expect("a recipe can be written");
    let request = request(&folder, "student.ssl", STUDENT, "run");
    let checked = request.check().expect("the recipe can be read");
    let (mut own, mut theirs, mut ended) = (0, 0, false);
    let report = driver::run(&request, &checked, &Default::default(), &mut |event| match event {
        Event::Step(_) => {
            assert!(ended, "the teacher is trained first");
            own += 1;
        }
        Event::Beforehand { recipe, event } => {
            assert!(recipe.ends_with("teacher.ssl"), "{}", recipe.display());
            theirs += usize::from(matches!(**event, Event::Step(_)));
            ended |= matches!(**event, Event::Finished { .. });
        }
        _ => {}
    });
    assert!(report.is_ok());
    assert_eq!((own, theirs), (8, 4));
}

#[test]
fn the_hash_of_a_run_covers_what_it_is_frozen_from() {
    let folder = folder("frozen-hash");
    let request = request(&folder, "student.ssl", STUDENT, "run");
    let mut hashes = Vec::new();
    for text in [TEACHER.to_owned(), TEACHER.replace("lr: 0.2", "lr: 0.1"), TEACHER.to_owned()] {
        std::fs::write(folder.join("teacher.ssl"), text).expect("a recipe can be written");
        let out = Some(folder.join(hashes.len().to_string()));
        let (_, report) = run(&Request { out, ..request.clone() }, usize::MAX);
        hashes.push(report.expect("a run").record.recipe_hash);
    }
    assert!(hashes[0] == hashes[2] && hashes[0] != hashes[1], "{hashes:?}");
}

#[test]
fn weights_of_a_file_are_found_by_their_names_and_shapes() {
    let folder = folder("frozen-file");
    assert!(run(&request(&folder, "teacher.ssl", TEACHER, "teacher"), usize::MAX).1.is_ok());
    let text = |from: &str, width: usize| {
        format!(
            "views {{ a, b: crop(0.5..1) | resize(8) }}
             branch f {{ encoder: conv2d({width}, stride: 2) | batchnorm | relu | global_avgpool; head: mlp(12, 6) }}
             branch fixed = frozen(\"{from}\", of: f)
             loss {{ match: mse(f(a), fixed(b)) }}
             train {{ epochs: 0.5; batch: 16; optimizer: sgd(lr: 0.2) }}
             evaluate {{ every: 100; probes: [knn()] }}"
        )
    };
    let whole = "teacher/checkpoints/last.safetensors";
    assert_eq!(told(&request(&folder, "good.ssl", &text(whole, 8), "good")).1, Ok(()));
    let (mine, theirs) = (last_checkpoint(&folder.join("good")), folder.join(whole));
    assert_eq!(tensor(&mine, "fixed.head.0.weight"), tensor(&theirs, "f.head.0.weight"));
    assert_ne!(tensor(&mine, "f.head.0.weight"), tensor(&theirs, "f.head.0.weight"));
    let wide = told(&request(&folder, "wide.ssl", &text(whole, 10), "wide")).1.expect_err("another width");
    assert!(wide.contains("does not hold the weights of `fixed`:"), "{wide}");
    assert!(wide.contains("`f.encoder.0.weight` is [8, 3, 3, 3] instead of [10, 3, 3, 3]"), "{wide}");
    assert!(wide.contains("wide.ssl:3:"), "{wide}");
    let encoder = "teacher/checkpoints/encoder.safetensors";
    let headless = told(&request(&folder, "none.ssl", &text(encoder, 8), "none")).1.expect_err("no head");
    assert!(headless.contains("there is no `f.head.0.weight`, which is [12, 8]"), "{headless}");
    let only = text(encoder, 8).replace("mse(f(a), fixed(b))", "mse(f(a), f(b)) + mse(f(a).encoder, fixed(b).encoder)");
    assert_eq!(told(&request(&folder, "only.ssl", &only, "only")).1, Ok(()));
    let missing = told(&request(&folder, "missing.ssl", &text("nothing.safetensors", 8), "missing")).1;
    assert!(missing.expect_err("no file").contains("cannot read"));
}

fn found(folder: &Path, file: &str) -> Vec<Diagnostic> {
    let mut sources = Sources::default();
    let root = sources.read(&folder.join(file)).expect("a file");
    check::check(&mut sources, root, &Options::default()).diagnostics
}

#[test]
fn what_cannot_be_frozen_is_said() {
    let folder = folder("frozen-wrong");
    let write = |file: &str, text: &str| std::fs::write(folder.join(file), text).expect("a recipe can be written");
    let recipe = |frozen: &str| format!("{}\nbranch t = {frozen}\nexpect {{ mean(t(a).head) < 1e9 }}", TEACHER);
    let says = |frozen: &str, code: &str, message: &str| {
        write("recipe.ssl", &recipe(frozen));
        let all = found(&folder, "recipe.ssl");
        assert!(all.iter().any(|d| d.code.name == code && d.message.contains(message)), "{frozen}: {all:?}");
    };
    write("teacher.ssl", TEACHER);
    write("back.ssl", &recipe("frozen(\"recipe.ssl\")"));
    says("frozen(\"none.ssl\")", "unreadable-file", "cannot read");
    says("frozen(\"back.ssl\")", "recursion", "takes its weights from a recipe that depends on this one");
    says("frozen(\"recipe.ssl\")", "recursion", "takes its weights from a recipe that depends on this one");
    says("frozen(\"x.safetensors\")", "missing-argument", "does not say which stages");
    says("frozen(\"teacher.ssl\", of: fast)", "unknown-name", "there is no branch `fast`");
    says("frozen(\"x.safetensors\", of: g)", "unknown-name", "there is no branch `g`");
    write("recipe.ssl", &recipe("frozen(\"teacher.ssl\", of: slow)"));
    assert!(found(&folder, "recipe.ssl").is_empty(), "{:?}", found(&folder, "recipe.ssl"));
}

#[test]
fn a_frozen_target_holds_against_collapse() {
    let folder = folder("frozen-lint");
    std::fs::write(folder.join("teacher.ssl"), TEACHER).expect("a recipe can be written");
    std::fs::write(folder.join("student.ssl"), STUDENT).expect("a recipe can be written");
    let mut sources = Sources::default();
    let root = sources.read(&folder.join("student.ssl")).expect("a file");
    let recipe = check::check(&mut sources, root, &Options::default()).recipe.expect("a sound recipe");
    assert!(lint(&recipe, &PlannedEvaluator).is_empty(), "{:?}", lint(&recipe, &PlannedEvaluator));
    assert_eq!(
        mechanisms(&recipe, &PlannedEvaluator).iter().map(|m| m.guard.to_string()).collect::<Vec<_>>(),
        ["fixed target"]
    );
}
