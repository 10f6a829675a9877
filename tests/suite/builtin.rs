//! The recipes inside the program: complete, the same as their files, found by name, and a place to start from.

use std::path::{Path, PathBuf};

use sslrun::check::{self, Options, RECIPES, Recipe, add_recipe, begun_from, built_in};
use sslrun::driver;
use sslrun::source::{FileId, Sources};
use sslrun::syntax;

use crate::cli::{Place, place_of, unwrapped};

const DATA: &str = "shapes:train=128,test=30,size=16";

fn recipes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes")
}

fn file_of(name: &str) -> PathBuf {
    recipes().join(format!("{name}.ssl"))
}

fn built_in_path(name: &str) -> PathBuf {
    built_in(name).unwrap_or_else(|| panic!("{name} is not built in"))
}

/// A recipe that has nothing said of it.
fn sound(path: &Path) -> Recipe {
    let mut sources = Sources::default();
    let root = add_recipe(&mut sources, path, Sources::read).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let outcome = check::check(&mut sources, root, &Options::default());
    assert!(outcome.diagnostics.is_empty(), "{}: {:?}", path.display(), outcome.diagnostics);
    outcome.recipe.expect("a recipe")
}

#[test]
fn every_recipe_of_the_repository_is_inside() {
    let mut files: Vec<(String, String)> = Vec::new();
    for entry in std::fs::read_dir(recipes()).expect("the folder of recipes") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "ssl") {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            files.push((name, std::fs::read_to_string(&path).expect("a recipe")));
        }
    }
    files.sort();
    let inside: Vec<(String, String)> = RECIPES.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect();
    assert!(files.len() > 30 && files == inside, "the list of recipes is made anew by `touch build.rs`");
}

#[test]
fn a_built_in_recipe_means_what_its_file_means() {
    for (name, _) in RECIPES {
        let (inside, file) = (sound(&built_in_path(name)), sound(&file_of(name)));
        assert_eq!((inside.text, inside.parts), (file.text, file.parts), "{name}");
    }
}

#[test]
fn a_recipe_that_begins_as_a_built_in_one_is_whole_laid_out_and_means_the_same() {
    let place = place_of("begun", "");
    for (name, original) in RECIPES {
        let text = begun_from(name, "Mine \"own\"").expect("a text");
        let (file, diagnostics) = syntax::parse(FileId::ALONE, &text);
        assert!(diagnostics.is_empty() && syntax::format(&file, &text) == text, "{name} in\n{text}");
        assert!(!text.contains("extends") && !text.contains(".ssl\")"), "{name} needs another file:\n{text}");
        let said = original.lines().next().expect("a line");
        assert!(
            text.starts_with(&format!("# Begun from the built-in recipe `{name}`")) && text.contains(said),
            "{text}"
        );
        let path = place.folder.join("mine.ssl");
        std::fs::write(&path, &text).expect("a file");
        let (mine, theirs) = (sound(&path), sound(&built_in_path(name)));
        assert_eq!((mine.title.as_str(), &mine.paper), ("Mine \"own\"", &None));
        let body = |text: &str| text.split_once('\n').map(|(_, body)| body.trim_start().to_owned());
        assert_eq!(body(&mine.text), body(&theirs.text), "{name}");
        let parts = |recipe: &Recipe| recipe.parts.iter().map(|(_, text)| text.clone()).collect::<Vec<_>>();
        assert_eq!(parts(&mine), parts(&theirs), "{name}");
    }
}

#[test]
fn new_writes_a_file_to_start_from_and_never_over_one() {
    let place = place_of("new", "");
    let (_, err) = place.expect(0, &["new", "mine", "--from", "moco"]);
    assert!(err.contains("sslrun mine.ssl"), "{err}");
    assert_eq!(place.read("mine.ssl"), begun_from("moco", "mine").expect("a text"));
    place.expect(0, &["check", "mine"]);
    place.expect(0, &["fmt", "--check", "mine.ssl"]);
    std::fs::write(place.folder.join("mine.ssl"), "# my work\n").expect("a file");
    let (_, err) = place.expect(2, &["new", "mine", "--from", "moco"]);
    assert!(err.contains("mine.ssl is there already"), "{err}");
    assert_eq!(place.read("mine.ssl"), "# my work\n");
    let (_, err) = place.expect(2, &["new", "other", "--from", "moca"]);
    assert!(err.contains("no built-in recipe `moca`") && err.contains("did you mean `moco`?"), "{err}");
    let (_, err) = place.expect(2, &["new", "other.txt", "--from", "moco"]);
    assert!(err.contains("`.ssl`"), "{err}");
    assert!(!place.folder.join("other.ssl").exists() && !place.folder.join("other.txt").exists());
}

#[test]
fn commands_take_built_in_recipes_by_name() {
    let place = place_of("named", "");
    assert_eq!(place.expect(0, &["check", "ibot", "beit"]), (String::new(), String::new()));
    for command in [&["graph"][..], &["explain"], &["explain", "--latex"]] {
        let of = |recipe: &str| place.expect(0, &[command, &[recipe]].concat()).0;
        assert_eq!(
            of("dinov2").replace("<built-in>/", ""),
            without_folder(&of(&file_of("dinov2").display().to_string()))
        );
    }
    place.expect(0, &["views", "swav", "--data", DATA, "--samples", "1", "-o", "sheet.png"]);
    let (out, _) = place.expect(0, &["show", "dvae"]);
    assert_eq!(out, std::fs::read_to_string(file_of("dvae")).expect("a recipe"));
    let (out, _) = place.expect(0, &["show", "recipes"]);
    for (name, _) in RECIPES {
        assert!(out.lines().any(|line| line.split_whitespace().next() == Some(name)), "{name} in\n{out}");
    }
}

/// A text without the folder of the recipes.
fn without_folder(text: &str) -> String {
    text.replace(&format!("{}/", recipes().display()), "")
}

#[test]
fn the_list_says_what_graph_and_explain_say() {
    let place = place_of("list", "");
    let (list, _) = place.expect(0, &["show", "recipes"]);
    let (graph, _) = place.expect(0, &["graph", "vicreg"]);
    let line = list.lines().find(|line| line.trim_start().starts_with("vicreg ")).expect("a line");
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(&words[..3], &["vicreg", "1.23", "M"], "{line}");
    assert!(line.ends_with("VICReg: decorrelation"), "{line}");
    let total = |what: &str| -> f64 {
        let told = graph.lines().find(|l| l.starts_with("FLOPs a step")).expect("a line");
        let before = told.split(what).next().expect("an amount").trim();
        let mut words = before.rsplit(' ');
        assert_eq!(words.next(), Some("G"), "{told}");
        words.next().and_then(|n| n.parse().ok()).expect("a number")
    };
    let listed: f64 = words[3].parse().expect("a number");
    assert!((listed - total("forward") - total("backward")).abs() < 0.06 && words[4] == "G", "{line}\n{graph}");
}

#[test]
fn a_file_of_that_name_goes_before_and_it_is_said() {
    let place = place_of("before-built-in", "");
    std::fs::write(place.folder.join("vicreg.ssl"), "loss { a: b }\n").expect("a file");
    let (_, err) = place.expect(1, &["check", "vicreg"]);
    assert!(
        err.contains("the file vicreg.ssl is used, not the built-in recipe") && err.contains("vicreg.ssl:1:"),
        "{err}"
    );
    // One without an ending is nearer to what was asked for.
    std::fs::write(place.folder.join("vicreg"), begun_from("byol", "near").expect("a text")).expect("a file");
    let (_, err) = place.expect(0, &["check", "vicreg"]);
    assert!(err.contains("the file vicreg is used"), "{err}");
    // A folder is no recipe, and a recipe of another name hides nothing.
    std::fs::create_dir(place.folder.join("simclr")).expect("a folder");
    std::fs::write(place.folder.join("own.ssl"), begun_from("byol", "own").expect("a text")).expect("a file");
    assert_eq!(place.expect(0, &["check", "simclr", "own"]), (String::new(), String::new()));
}

#[test]
fn what_is_neither_a_file_nor_built_in_is_said_with_the_nearest() {
    let place = place_of("neither", "");
    for args in
        [&["barlow_twin"][..], &["check", "barlow_twin"], &["compare", "barlow_twin"], &["bench", "barlow_twin"]]
    {
        let (_, err) = place.expect(2, args);
        for words in
            ["no built-in recipe `barlow_twin`", "no file `barlow_twin` or `barlow_twin.ssl`", "`barlow_twins`?"]
        {
            assert!(err.contains(words), "{args:?}: {words} in {err}");
        }
    }
    let (_, err) = place.expect(2, &["recipes/vicreg.ssl"]);
    assert!(err.contains("cannot read recipes/vicreg.ssl") && err.contains("called `vicreg`"), "{err}");
    let (_, err) = place.expect(2, &["check", "nothing/like/it.ssl"]);
    assert!(err.contains("cannot read") && !err.contains("built-in"), "{err}");
    let (_, err) = place.expect(2, &["explain", "simclir"]);
    assert!(err.contains("did you mean `simclr`?"), "{err}");
}

#[test]
fn recipes_extend_and_freeze_built_in_ones_by_name() {
    let text = "recipe \"Child\"\nextends \"hybrid_vicreg_infonce\"\ntrain { epochs: 1 }\n";
    let place = place_of("extends-built-in", text);
    let mut child = sound(Path::new(&place.recipe));
    let changed = driver::check(&built_in_path("hybrid_vicreg_infonce"), &["train.epochs=1".to_owned()], None);
    let changed = changed.expect("it is read").recipe.expect("a recipe");
    child.text = child.text.replace("\"Child\"", "\"VICReg with InfoNCE\"");
    assert_eq!(child.text, changed.text);
    // Frozen from one that is named as a file beside it, and as a built-in one: the same text, and the same name in a run.
    let frozen = |from: &str| {
        let text = std::fs::read_to_string(file_of("beit")).expect("a recipe").replace("\"dvae.ssl\"", from);
        std::fs::write(&place.recipe, text).expect("a file");
        let recipe = sound(Path::new(&place.recipe));
        (recipe.text, recipe.parts)
    };
    std::fs::copy(file_of("dvae"), place.folder.join("dvae.ssl")).expect("a copy");
    assert_eq!(frozen("\"dvae\""), frozen("\"dvae.ssl\""));
    for (line, told) in [
        ("extends \"vicregg\"", "neither a built-in recipe `vicregg` nor a file"),
        ("extends \"vicregg\"", "did you mean `vicreg`?"),
        ("extends \"vicreg.ssl\"", "the built-in recipe is called `vicreg`"),
    ] {
        std::fs::write(&place.recipe, format!("{line}\n")).expect("a file");
        let (_, err) = place.expect(1, &["check", &place.recipe]);
        assert!(unwrapped(&err).contains(told), "{told} in {err}");
    }
}

#[test]
fn a_diagnostic_in_a_built_in_recipe_shows_its_source() {
    let place = place_of("in-built-in", "extends \"vicreg\"\nomit f\n");
    let (_, err) = place.expect(1, &["check", &place.recipe]);
    assert!(err.contains("<built-in>/vicreg.ssl:") && err.contains("let za = f(a)"), "{err}");
}

/// The hash of a run and the bytes of its encoder.
fn outcome(place: &Place, run: &str) -> (String, Vec<u8>) {
    let record = place.read(&format!("{run}/run.ron"));
    let hash = record.lines().find(|line| line.contains("recipe_hash")).expect("a hash").to_owned();
    (hash, std::fs::read(place.folder.join(run).join("checkpoints/encoder.safetensors")).expect("an encoder"))
}

#[test]
fn a_run_is_the_same_by_name_and_by_file() {
    let (by_name, by_file) = (place_of("by-name", ""), place_of("by-file", ""));
    // The tokenizer that it is frozen from paints pictures of 32 pixels.
    let sets = ["--data", "shapes:train=128,test=30", "--quiet", "--set", "train.epochs=2", "--set", "train.batch=64"];
    let small = ["--set", "f.encoder=vit(16, 1, 2, patch: 4, masked: replace)"];
    let train = |place: &Place, recipe: &str| place.expect(0, &[&[recipe][..], &sets, &small].concat());
    train(&by_name, "beit");
    train(&by_file, &file_of("beit").display().to_string());
    assert_eq!(outcome(&by_name, "runs/beit-1"), outcome(&by_file, "runs/beit-1"));
    // The folder needs neither the program's recipes nor files beside it.
    let text = by_name.read("runs/beit-1/recipe.ssl");
    assert!(text.contains("frozen(\"frozen-tokenizer-dvae.ssl\")") && !text.contains("built-in"), "{text}");
    assert_eq!(text, by_file.read("runs/beit-1/recipe.ssl"));
    by_name.expect(0, &["eval", "runs/beit-1", "--quiet"]);
    by_name.expect(0, &["--resume", "runs/beit-1", "--quiet"]);
}

#[test]
fn comparisons_take_built_in_recipes_and_go_on_with_them() {
    let place = place_of("compare-built-in", "");
    let args = ["compare", "dcl", "--data", DATA, "--epochs", "1", "--quiet", "-o", "both"];
    let small = ["--set", "f.encoder.width=8", "--set", "train.batch=64"];
    place.expect(0, &[&args[..], &small].concat());
    let first = place.read("both/dcl/run.ron");
    let (out, _) = place.expect(0, &[&args[..], &small].concat());
    assert!(out.contains("dcl") && first == place.read("both/dcl/run.ron"), "{out}");
    // The folder of a run is taken as one, whatever it is called.
    std::fs::rename(place.folder.join("both/dcl"), place.folder.join("dcl")).expect("it moves");
    let (_, err) = place.expect(0, &["compare", "dcl", "--quiet"]);
    assert!(err.contains("the run in dcl is taken"), "{err}");
}

/// Whoever acts on a call finds the word by identity, so there is one of each, and the lists hold that one.
#[test]
fn every_word_is_one_and_is_found_by_its_calls() {
    let words = sslrun::check::vocabulary();
    for (i, word) in words.iter().enumerate() {
        assert!(words[..i].iter().all(|other| other != word), "{word:?} is listed twice");
        assert!(
            words[..i].iter().all(|other| (other.kind, other.name) != (word.kind, word.name)),
            "{word:?} has a namesake"
        );
        assert!(sslrun::data::defaults(word).is(word), "{word:?}");
    }
    for set in sslrun::data::sets::SETS {
        assert!(
            sslrun::data::sets::of(&sslrun::data::defaults(&set.entry)).is_some_and(|found| found.entry == set.entry)
        );
        assert!(words.iter().any(|word| **word == set.entry), "{:?}", set.entry);
    }
    for word in sslrun::optim::OPTIMIZERS {
        assert!(words.contains(word), "{word:?}");
    }
}
