//! Other data sets that a run is judged on: by their names wherever results are shown, prepared as the run's own pictures are.

use std::path::Path;

use crate::cli::{Place, place_of, unwrapped};
use sslrun::check::{self, Options};
use sslrun::data::Image;
use sslrun::report::RunRecord;
use sslrun::source::{Source, Sources};

const RECIPE: &str = "data folder(\"heap\", size: 16)
views { a, b: crop(0.5..1) | flip() }
branch f { encoder: small_convnet(width: 4); projector: linear(8) }
loss { l: nt_xent(f(a), f(b)) }
train { epochs: 2; batch: 8; optimizer: sgd(lr: 0.1) }
evaluate { probes: [knn(k: 3), linear()]; data { flowers: folder(\"flowers\"); heap2: folder(\"heap2\") } }
";

/// A picture whose pixels follow from a number.
fn draw(path: &Path, number: usize) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    let (height, width) = (20 + number % 3, 24);
    let pixel = |i: usize| ((i / 3 % (2 + number) * 40 + number * 29 + i % 3 * 60) % 256) as u8;
    let image = Image::new(height, width, (0..height * width * 3).map(pixel).collect::<Vec<_>>());
    std::fs::write(path, image.encode(path).expect("it can be encoded")).expect("it can be written");
}

/// An unlabelled heap to train on, flowers of three classes, and another heap.
fn place(name: &str) -> Place {
    let place = place_of(name, RECIPE);
    for number in 0..24 {
        draw(&place.folder.join(format!("heap/{number:02}.png")), number);
        draw(&place.folder.join(format!("flowers/{}/{number:02}.png", ["a", "b", "c"][number % 3])), number + 100);
        draw(&place.folder.join(format!("heap2/{number:02}.png")), number + 300);
    }
    place
}

#[test]
fn results_on_other_sets_go_by_their_names() {
    let place = place("judged");
    let elsewhere = place.folder.join("elsewhere");
    std::fs::create_dir_all(&elsewhere).expect("a folder");
    // Paths are relative to the recipe, wherever the program is called.
    let output = place.command(&["../tiny.ssl", "-o", "../run"]).current_dir(&elsewhere).output().expect("it runs");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{err}");
    assert!(out.contains("flowers: encoder, trained") && out.contains("heap2: raw pixels"), "{out}");
    let said = unwrapped(&err);
    assert!(said.contains("`heap2`: the pictures have no classes") && said.contains("flowers k-NN"), "{said}");
    assert!(said.contains("judged on `flowers`, too"), "{said}");
    let record = RunRecord::read(&place.folder.join("run/run.ron")).expect("a record");
    let names: Vec<&str> = record.trained.iter().map(|m| m.name.as_str()).collect();
    let want = [
        "effective rank",
        "flowers: k-NN",
        "flowers: linear probe",
        "flowers: effective rank",
        "heap2: effective rank",
    ];
    assert_eq!(names, want);
    assert!(record.judged.len() == 2 && record.judged[0].fingerprint.is_some(), "{:?}", record.judged);
    let metrics = place.read("run/metrics.jsonl");
    assert!(metrics.contains("\"flowers.knn\"") && !metrics.contains("\"heap2.knn\"") && !metrics.contains("\"knn\""));
    let recipe = place.read("run/recipe.ssl");
    assert!(recipe.contains("flowers: folder(") && !recipe.contains("\"flowers\""), "{recipe}");
    let (list, _) = place.expect(0, &["runs", ".", "--sort", "flowers.knn"]);
    assert!(list.contains("flowers: k-NN"), "{list}");
    // Judged again, they are judged on the same.
    let (again, _) = place.expect(0, &["eval", "run", "--quiet"]);
    let row = |text: &str| text.lines().find(|l| l.contains("flowers: encoder, trained")).expect("a row").to_owned();
    assert_eq!(row(&again), row(&out));
    // The set is prepared as the run's pictures are: by another set's name it is judged to the same numbers.
    let (named, _) = place.expect(0, &["eval", "run", "--quiet", "--data", "flowers"]);
    let cells = |line: &str| {
        let mut cells: Vec<String> = line.split('│').skip(2).map(|c| c.trim().to_owned()).collect();
        cells.sort();
        cells
    };
    let own = named.lines().find(|l| l.contains("encoder, trained")).expect("a row");
    assert_eq!(cells(own), cells(&row(&again)));
    // The classes of pictures are told by what has learnt from the set that has labels.
    let (classes, _) = place.expect(0, &["predict", "run", "flowers/a/00.png"]);
    assert!(classes.contains(" a ") && classes.contains('%'), "{classes}");
}

#[test]
fn a_set_that_has_changed_is_noticed_where_a_run_goes_on() {
    let place = place("judged-changed");
    let sets = ["--set", "train.epochs=1", "--set", "train.best=flowers.knn"];
    place.expect(0, &[&[place.recipe.as_str(), "-o", "run", "--quiet"], &sets[..]].concat());
    let go_on = |sets: &[&str]| {
        let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set]).collect();
        place.run(&[&["--resume", "run", "--quiet"], sets.as_slice()].concat())
    };
    assert_eq!(go_on(&[]).status.code(), Some(0));
    draw(&place.folder.join("flowers/a/99.png"), 999);
    let output = go_on(&[]);
    let said = unwrapped(&String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("of `flowers`, which it is judged on, have changed"), "{said}");
    let output = go_on(&["evaluate.data.flowers=folder(\"flowers\", test: 0.5)", "train.epochs=2"]);
    let said = unwrapped(&String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{said}");
    // Numbers of another set are not to be compared.
    assert!(said.contains("judged otherwise than at step"), "{said}");
    let record = RunRecord::read(&place.folder.join("run/run.ron")).expect("a record");
    assert!(record.best.as_ref().is_some_and(|best| best.measure == "flowers.knn" && best.epoch == 2.0), "{record:?}");
    assert!(record.changes.iter().any(|change| change.contains("evaluate.data.flowers")), "{:?}", record.changes);
}

/// Everything that is said of a recipe on `shapes`, and its text.
fn checked(train: &str, evaluate: &str) -> (Vec<String>, String) {
    let text = format!(
        "views {{ a, b: simclr_augment() }}
        branch f {{ encoder: small_convnet(width: 4); projector: linear(8) }}
        loss {{ l: nt_xent(f(a), f(b)) }}
        train {{ {train} }}
        evaluate {{ {evaluate} }}"
    );
    let mut sources = Sources::default();
    let id = sources.add(Source::new("test.ssl", sslrun::source::Origin::Input, text));
    let outcome = check::check(&mut sources, id, &Options::default());
    let words = |d: &sslrun::diag::Diagnostic| {
        let at = d.span().map_or("", |span| sources.text(span));
        format!("{}: {} [{at}] {}", d.code.name, d.message, d.help.clone().unwrap_or_default())
    };
    (outcome.diagnostics.iter().map(words).collect(), outcome.recipe.map_or_else(String::new, |r| r.text))
}

#[test]
fn the_checker_knows_sets_and_measures_by_name() {
    let clean = [
        ("best: knn", ""),
        ("best: rank; keep: 3", "every: 0.5"),
        ("best: pets.linear", "data { pets: shapes(seed: 3) }"),
        ("best: shapes.rank", "data: shapes(seed: 3)"),
        ("best: none", ""),
    ];
    for (train, evaluate) in clean {
        assert_eq!(checked(train, evaluate).0, Vec::<String>::new(), "{train} {evaluate}");
    }
    let wrong = [
        (
            "best: accuracy",
            "",
            vec!["invalid-value", "`accuracy`", "[accuracy]", "`knn`, `linear`, `rank`", "`uniformity`"],
        ),
        ("best: pets.kn", "data { pets: shapes() }", vec!["[pets.kn]", "did you mean `pets.knn`?", "`pets.std`"]),
        ("best: pets.alignment", "data { pets: shapes() }", vec!["`pets.alignment` is not measured"]),
        ("keep: 0", "", vec!["`keep`", "from 1 to 1000"]),
        ("epochs: 2; best: knn", "every: 3", vec!["no-best", "[knn]", "every 3 epochs", "has 2"]),
        ("", "data: [shapes(), shapes(seed: 2)]", vec!["need names"]),
        ("", "data { pets: shapes(); pets: shapes(seed: 2) }", vec!["duplicate-name", "`pets`"]),
        ("", "data { pets: shape() }", vec!["unknown-name", "`shape`", "shapes"]),
        ("", "data { pets { a: 1 } }", vec!["`pets` is a data set"]),
    ];
    for (train, evaluate, words) in wrong {
        let said = checked(train, evaluate).0;
        assert!(said.len() == 1 && words.iter().all(|word| said[0].contains(word)), "{said:#?}\n{words:?}");
    }
    let (_, text) = checked("", "data: shapes(seed: 3)");
    assert!(text.contains("shapes: shapes(") && text.contains("seed: 3"), "{text}");
}
