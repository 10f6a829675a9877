//! What is said, word for word: a file in `tests/golden` for each of a broad choice of messages.
//!
//! A file holds a recipe and, below a line [`RULE`], what is said of it. `SSLRUN_GOLDEN=renew cargo test --test suite golden` writes
//! what is said now; the change is then read as any other.

use std::path::{Path, PathBuf};

use sslrun::check::{Options, check};
use sslrun::diag::{Diagnostic, render};
use sslrun::lint::lint;
use sslrun::source::{Origin, Source, Sources};

use crate::cli::{Place, place_of, unwrapped};

/// The line between a recipe and what is said of it.
const RULE: &str = "\n---- says ----\n";
/// How overrides are written above a recipe, each in a line.
const SET: &str = "# --set ";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Holds what is said to what the file of that name says, or writes it there.
fn hold(name: &str, recipe: &str, says: &str, wrong: &mut Vec<String>) {
    let path = folder().join(name).with_extension("txt");
    let now = format!("{}\n{RULE}{}\n", recipe.trim_end(), says.trim_end());
    if std::env::var_os("SSLRUN_GOLDEN").is_some_and(|wish| wish == "renew") {
        std::fs::write(&path, now).expect("a golden file is written");
        return;
    }
    let before = std::fs::read_to_string(&path).unwrap_or_default().replace('\r', "");
    if before != now {
        let before = before.split_once(RULE).map_or("", |(_, says)| says);
        wrong.push(format!("{name} said\n{before}\nand says\n{says}"));
    }
}

fn all_right(wrong: &[String]) {
    assert!(wrong.is_empty(), "{}\nif that is better, `SSLRUN_GOLDEN=renew` writes it down", wrong.join("\n\n"));
}

/// What is said of a recipe while it is checked.
fn says(recipe: &str) -> (String, Vec<Diagnostic>) {
    let sets = recipe.lines().filter_map(|line| line.strip_prefix(SET)).map(str::to_owned).collect();
    let mut sources = Sources::default();
    let id = sources.add(Source::new("case.ssl", Origin::Input, recipe));
    let outcome = check(&mut sources, id, &Options { sets, data: None });
    let mut diagnostics = outcome.diagnostics;
    diagnostics.extend(outcome.recipe.iter().flat_map(|recipe| lint(recipe, &sslrun::exec::PlannedEvaluator)));
    (render(&diagnostics, &sources), diagnostics)
}

#[test]
fn recipes_are_answered_as_the_golden_files_say() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for entry in std::fs::read_dir(folder()).expect("the golden files") {
        let path = entry.expect("a file").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        if name.starts_with("run-") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a text").replace('\r', "");
        let recipe = text.split_once(RULE).map_or(text.as_str(), |(recipe, _)| recipe);
        let recipe = format!("{}\n", recipe.trim_end());
        let (said, diagnostics) = says(&recipe);
        assert!(!diagnostics.is_empty(), "nothing is said of {name}");
        hold(&name, &recipe, &said, &mut wrong);
        count += 1;
    }
    assert!(count >= 25, "only {count} cases");
    all_right(&wrong);
}

const TINY: &str = "\
views { a, b: crop(0.5..1) | flip() }
branch f { encoder: small_convnet(width: 4); projector: mlp(8, 8) }
loss { contrast: nt_xent(f(a), f(b)) }
train { epochs: 1; batch: 32; optimizer: sgd(lr: 0.1) }
evaluate { probes: [knn()] }
";

/// What a command says that comes to nothing.
fn fails(place: &Place, status: i32, args: &[&str]) -> String {
    let (out, err) = place.expect(status, args);
    format!("{out}{err}")
}

#[test]
fn failures_of_commands_are_told_as_the_golden_files_say() {
    let data = ["--data", "shapes:train=64,test=32"];
    let broken = TINY.replace("nt_xent(f(a), f(b))", "nt_xent(f(a), f(b)) + mean(log(f(a) - f(a)))");
    let starts = format!("start f.encoder = weights(\"nowhere.pth\")\n{TINY}");
    let pure = "input z: [N, 4]\nlet ratio = z / (z - z)\nloss { ratio: mean(ratio) }\n";
    type Case<'a> = (&'a str, &'a str, i32, Vec<&'a str>);
    let cases: [Case; 7] = [
        ("run-no-recipe", TINY, 2, vec!["simlcr"]),
        ("run-contradiction", TINY, 2, vec!["case.ssl", "--start", "encoder"]),
        ("run-no-such-argument", TINY, 2, vec!["case.ssl", "--data", "shapes:trian=64"]),
        ("run-not-finite", &broken, 3, [&["case.ssl", "--quiet"][..], &data].concat()),
        ("run-not-finite-json", &broken, 3, [&["case.ssl", "--quiet", "--format", "json"][..], &data].concat()),
        ("run-no-weights", &starts, 3, [&["case.ssl", "--quiet"][..], &data].concat()),
        ("run-no-inputs", pure, 2, vec!["loss", "case.ssl", "--inputs", "nowhere.safetensors"]),
    ];
    let mut wrong = Vec::new();
    for (name, recipe, status, args) in cases {
        let place = place_of(name, recipe);
        std::fs::write(place.folder.join("case.ssl"), recipe).expect("a recipe");
        let (said, folder) = (fails(&place, status, &args), place.folder.display().to_string());
        // How long lines become with the folder in them differs from place to place.
        let said = if said.contains(&folder) { unwrapped(&said).replace(&folder, "FOLDER") } else { said };
        hold(name, recipe, &said, &mut wrong);
    }
    all_right(&wrong);
}
