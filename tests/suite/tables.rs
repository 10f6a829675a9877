//! Tables of pictures and what is known of them, as pandas and pyarrow write them.

use std::path::Path;
use std::sync::Arc;

use crate::cli::{place_of, unwrapped};
use sslrun::data::{Access, ColumnKind, DataSet, Split, Splits, open, parse_spec};
use sslrun::train::loader;

const TABLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/fixtures/tables");

fn file(name: &str) -> String {
    Path::new(TABLES).join(name).display().to_string()
}

fn set(spec: &str, split: Split) -> Arc<dyn DataSet> {
    let config = parse_spec(spec).expect("a data set");
    Arc::from(open(&config, split, &Access::default()).unwrap_or_else(|e| panic!("{spec}: {e}")))
}

fn column(set: &dyn DataSet, name: &str) -> (usize, ColumnKind) {
    let place = set.columns().iter().position(|c| c.name == name);
    let place = place.unwrap_or_else(|| panic!("no {name} among {:?}", set.columns()));
    (place, set.columns()[place].kind)
}

fn values(set: &dyn DataSet, name: &str) -> Vec<Vec<f32>> {
    let (place, _) = column(set, name);
    (0..set.len()).map(|i| set.cell(place, i).expect("a value")).collect()
}

/// The numbers of the rows of a part, in order.
fn rows(split: Split) -> Vec<usize> {
    (0..24).filter(|i| (i % 4 == 3) == (split == Split::Test)).collect()
}

#[test]
fn columns_of_csv_and_parquet_hold_the_same() {
    let csv = format!("table:{},classes=site,pictures=other,length=30", file("pairs.csv"));
    let parquet = format!("table:{},classes=site,length=30", file("pairs.parquet"));
    for split in [Split::Train, Split::Test] {
        for spec in [&csv, &parquet] {
            let set = set(spec, split);
            let rows = rows(split);
            assert_eq!((set.len(), set.classes().len()), (rows.len(), 3), "{spec}");
            let of = |f: &dyn Fn(usize) -> f32| rows.iter().map(|&i| vec![f(i)]).collect::<Vec<_>>();
            assert_eq!(column(&*set, "weight").1, ColumnKind::Number);
            assert_eq!(values(&*set, "weight"), of(&|i| 0.5 * i as f32), "{spec}");
            assert_eq!(values(&*set, "year_of_find"), of(&|i| (1990 + i) as f32), "{spec}");
            assert_eq!(column(&*set, "site").1, ColumnKind::Class(2));
            assert_eq!(values(&*set, "site"), of(&|i| (i / 3 % 2) as f32), "{spec}");
            assert_eq!(column(&*set, "caption").1, ColumnKind::Text { length: 30, vocabulary: 256 });
            let caption = |i: usize| format!("a {} square, number {i}", ["red", "green", "blue"][i % 3]);
            for (cell, &row) in values(&*set, "caption").iter().zip(&rows) {
                let text: Vec<u8> = cell.iter().map(|&x| x as u8).take_while(|&b| b != 0).collect();
                assert_eq!(String::from_utf8(text).expect("text"), caption(row), "{spec}");
            }
            let (other, kind) = column(&*set, "other");
            assert_eq!(kind, ColumnKind::Picture);
            for i in 0..set.len() {
                let (own, second) = (set.image(i).expect("a picture"), set.picture(other, i).expect("another"));
                assert_eq!((own.data[0] + 20, own.data[2] + 20), (second.data[0], second.data[2]), "{spec}, {i}");
            }
            let gap = set.columns()[column(&*set, "depth").0].gap.clone();
            assert_eq!(gap, Some(("row 5".to_owned(), 1)), "{spec}");
        }
    }
    let set = set(&parquet, Split::Train);
    assert_eq!(column(&*set, "place").1, ColumnKind::Numbers(3));
    let want: Vec<Vec<f32>> = rows(Split::Train).iter().map(|&i| vec![i as f32, i as f32 / 2.0, -(i as f32)]).collect();
    assert_eq!(values(&*set, "place"), want);
    assert_eq!(values(&*set, "seen")[1], [0.0]);
    assert!(set.columns().iter().all(|c| c.name != "uneven") && set.notes().iter().any(|n| n.contains("`uneven`")));
}

#[test]
fn rows_that_lack_a_value_are_an_error_where_it_is_read_or_left_out() {
    let text = format!(
        "data table({:?})\nviews {{ a: crop(size: 8) }}\nbranch f {{ encoder: small_convnet(width: 4); head: linear(1) }}
        loss {{ depth: mse(f(a), reshape(batch.depth, [N, 1])) }}\ntrain {{ epochs: 1; batch: 8 }}\nevaluate {{ probes: [knn(k: 1)] }}\n",
        file("pairs.csv")
    );
    let place = place_of("gap", &text);
    let said = unwrapped(&place.expect(1, &["check", &place.recipe]).1);
    assert!(said.contains("one row has nothing in the column `depth`, such as row 5"), "{said}");
    assert!(said.contains("missing: drop"), "{said}");
    std::fs::write(&place.recipe, text.replace("pairs.csv\"", "pairs.csv\", missing: drop")).expect("a recipe");
    place.expect(0, &[&place.recipe, "-o", "run"]);
    let dropped = set(&format!("table:{},missing=drop", file("pairs.csv")), Split::Train);
    assert_eq!(dropped.len(), 17);
    assert!(
        dropped.notes().iter().any(|n| n == "1 of 24 rows lack a value: they are left out"),
        "{:?}",
        dropped.notes()
    );
}

#[test]
fn a_view_is_made_of_any_picture_column() {
    let text = format!(
        "data table({:?}, pictures: \"other\", mean: [0, 0, 0], std: [1, 1, 1], size: 16)
        views {{ a: crop(size: 16, scale: 1, ratio: 1); u: batch.other | crop(size: 16, scale: 1, ratio: 1); v: u | flip(p: 1) }}
        branch f {{ encoder: small_convnet(width: 4); head: linear(4) }}
        loss {{ l: nt_xent(f(a), f(u)) + nt_xent(f(a), f(v)) }}\ntrain {{ batch: 4 }}",
        file("pairs.csv")
    );
    let recipe = crate::train::recipe(&text);
    let config = recipe.data.clone();
    let data: Arc<dyn DataSet> = Arc::from(open(&config, Split::Train, &Access::default()).expect("a split"));
    let batch = loader(&recipe, &data, 4, 0).expect("a loader").steps(0..1).next().expect("a batch").expect("views");
    for (a, (u, v)) in batch.views[0].iter().zip(batch.views[1].iter().zip(&batch.views[2])) {
        assert!((u - a - 20.0 / 255.0).abs() < 1e-3 && (u - v).abs() < 1e-6, "{a} {u} {v}");
    }
    let place = place_of("second", &text);
    place.expect(0, &["views", &place.recipe, "-o", "sheet.png", "--samples", "2"]);
    let said = unwrapped(
        &place_of("second-wrong", &text.replace("batch.other |", "batch.weight |"))
            .command(&["check", "tiny.ssl"])
            .output()
            .map(|o| String::from_utf8_lossy(&o.stderr).into_owned())
            .expect("said"),
    );
    assert!(said.contains("`|` composes"), "{said}");
}

/// CLIP with towers that are small.
const SMALL: &[&str] = &[
    "--set",
    "f.encoder=small_convnet(width: 4)",
    "--set",
    "t.tokens=transformer_block(64)",
    "--set",
    "train.batch=8",
    "--set",
    "train.epochs=2",
];

#[test]
fn tables_of_pictures_and_captions_train_the_built_in_recipes_of_pairs() {
    let place = place_of("pairs-table", "");
    for (recipe, name) in [("clip", "pairs.csv"), ("siglip", "pairs.parquet")] {
        let data = format!("table({:?}, size: 16, length: 24)", file(name));
        let args = [recipe, "--data", &data, "-o", recipe];
        let (out, err) = place.expect(0, &[&args[..], SMALL].concat());
        assert!(out.contains("zero-shot") && out.contains("text R@1"), "{out}{err}");
    }
    let tokens =
        format!("table({:?}, size: 16, length: 9, tokenizer: {:?})", file("pairs.csv"), file("tokenizer.json"));
    place.expect(0, &[&["clip", "--data", &tokens, "-o", "tokens"][..], SMALL].concat());
    // Pictures without captions are judged by what needs none.
    let pictures = format!("folder({:?}, size: 16)", file("pictures"));
    let (out, err) = place.expect(0, &["eval", "clip", "--data", &pictures, "--quiet"]);
    assert!(out.contains("effective rank") && !out.contains("R@1"), "{out}");
    for probe in ["retrieval", "zero_shot"] {
        assert!(unwrapped(&err).contains(&format!("`{probe}` is left out: ")), "{err}");
    }
    assert!(unwrapped(&err).contains("has no column `caption`"), "{err}");
}

#[test]
fn a_row_without_a_picture_is_an_error_or_dropped_and_tabs_part_values() {
    let folder = crate::train::folder("tables-tabs");
    let text = std::fs::read_to_string(file("pairs.csv")).expect("a table");
    let text = text.replace("pictures/a4.png", "").replace("pictures/", &format!("{TABLES}/pictures/"));
    let tabs: Vec<String> = text.lines().map(|line| line.replace(", number", " number").replace(',', "\t")).collect();
    let path = folder.join("pairs.tsv").display().to_string();
    std::fs::write(&path, tabs.join("\n")).expect("a table");
    // A path alone tells that it is a table.
    let config = parse_spec(&path).expect("a data set");
    assert_eq!(config.name(), "table");
    let error = open(&config, Split::Train, &Access::default()).err().expect("row 4 has no picture");
    assert!(error.to_string().contains("row 4") && error.to_string().contains("has no path"), "{error}");
    // Rows 4 and 5 lack something, and 18 are for training.
    let dropped = set(&format!("table:{path},missing=drop"), Split::Train);
    assert_eq!((dropped.len(), dropped.classes().len()), (16, 3));
}

#[test]
fn a_run_goes_on_only_with_the_captions_it_began_with() {
    let place = place_of("pairs-resume", "");
    let copy = place.folder.join("pairs.csv");
    let text = std::fs::read_to_string(file("pairs.csv")).expect("a table");
    std::fs::write(&copy, text.replace("pictures/", &format!("{TABLES}/pictures/"))).expect("a table");
    let args = ["clip", "--data", "table(\"pairs.csv\", size: 16, length: 24)", "-o", "run"];
    place.expect(0, &[&args[..], SMALL].concat());
    place.expect(0, &["--resume", "run"]);
    let changed =
        std::fs::read_to_string(&copy).expect("a table").replace("a red square, number 6", "a red ring, number 6");
    std::fs::write(&copy, changed).expect("a table");
    let (_, err) = place.expect(2, &["--resume", "run"]);
    assert!(err.contains("changed"), "{err}");
}

#[test]
fn numbers_alone_train_too() {
    let text = format!(
        "data table({:?}, image: \"\")
        let x = stack(batch.x, batch.y, dim: 1)
        branch f {{ hidden: linear(16) | relu; out: linear(1) }}
        loss {{ fit: mse(f(x), reshape(batch.sum, [N, 1])) }}
        train {{ epochs: 60; batch: 16; optimizer: adamw(lr: cosine(2e-2 -> 0)) }}",
        file("numbers.csv")
    );
    let place = place_of("numbers", &text);
    place.expect(0, &[&place.recipe, "-o", "run"]);
    let lines = place.read("run/metrics.jsonl");
    let losses: Vec<f64> = lines
        .lines()
        .filter_map(|l| serde_json::from_str::<serde_json::Value>(l).ok()?.get("loss")?.as_f64())
        .collect();
    let (first, last) = (losses[0], losses[losses.len() - 1]);
    assert!(last < 0.05 * first, "{first} {last}");
    let spec = format!("table:{},image=", file("numbers.csv"));
    assert!(parse_spec(&spec).is_ok());
    let opened = Splits::open(&parse_spec(&spec).expect("a table"), &Access::default()).expect("both parts");
    assert_eq!(opened.splits.train.len() + opened.splits.test.len(), 64);
    let pictures =
        text.replace("let x", "views { a: crop(size: 8) }\nbranch g { encoder: flatten() | linear(2) }\nlet x");
    let pictures = pictures.replace("mse(f(x)", "mean(g(a)) + mse(f(x)");
    let place = place_of("numbers-pictures", &pictures);
    let (_, err) = place.expect(3, &[&place.recipe, "-o", "run"]);
    assert!(err.contains("the table has no pictures"), "{err}");
}

#[test]
fn wrong_names_of_columns_are_told_with_those_there_are() {
    let wrong = |spec: String| {
        let config = parse_spec(&spec).expect("a data set");
        open(&config, Split::Train, &Access::default()).err().expect("no such column").to_string()
    };
    for argument in ["classes=sight", "pictures=second", "image=photo", "group=owner"] {
        let error = wrong(format!("table:{},{argument}", file("pairs.csv")));
        let name = argument.split('=').nth(1).expect("a name");
        assert!(error.contains(&format!("has no column `{name}`; its columns: caption, weight, site")), "{error}");
    }
    let error = wrong(format!("table:{}", file("numbers.csv")));
    assert!(error.contains("`image: \"\"` is a table without pictures"), "{error}");
}
