//! Data sets as other packages write them: Parquet of `datasets` and pyarrow, shards of webdataset, files of MNIST's form, tables.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sslrun::data::{Access, DataSet, Frame, Split, Splits, open, parse_spec, sets};

use crate::cli::place_of;
use crate::train::folder;

const SETS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/fixtures/sets");
const NAMES: [&str; 3] = ["ant", "bee", "cow"];

fn set(spec: &str, split: Split) -> Result<Arc<dyn DataSet>, String> {
    let config = parse_spec(spec).map_err(|e| e.to_string())?;
    open(&config, split, &Access::default()).map(Arc::from).map_err(|e| e.to_string())
}

fn fixture(name: &str) -> String {
    Path::new(SETS).join(name).display().to_string()
}

/// The number of each picture, known by its colour, with its class by name.
fn held(set: &dyn DataSet) -> BTreeMap<u8, Option<String>> {
    let one = |i: usize| {
        let image = set.image(i).expect("a picture");
        let number = 200 - image.data[2];
        assert_eq!((image.height, image.width), (10 + usize::from(number % 2), 12 + usize::from(number % 3)));
        assert!(
            image
                .data
                .as_chunks::<3>()
                .0
                .iter()
                .all(|rgb| *rgb == [number * 11, number.wrapping_mul(37), 200 - number])
        );
        (number, set.label(i).map(|label| set.classes()[label as usize].clone()))
    };
    (0..set.len()).map(one).collect()
}

fn named(numbers: std::ops::Range<u8>) -> BTreeMap<u8, Option<String>> {
    numbers.map(|i| (i, Some(NAMES[usize::from(i % 3)].to_owned()))).collect()
}

#[test]
fn parquet_of_the_hub_is_read_with_its_classes_and_parts() {
    let spec = fixture("hub");
    let (train, test) = (set(&spec, Split::Train).unwrap(), set(&spec, Split::Test).unwrap());
    assert_eq!((held(&*train), held(&*test)), (named(0..7), named(7..10)));
    assert_eq!(train.classes(), NAMES);
    assert_eq!(train.frame(), Frame::nominal((96, 96)));
    assert_eq!(set(&format!("parquet:{spec},size=24"), Split::Train).unwrap().frame(), Frame::nominal((24, 24)));
}

#[test]
fn parquet_of_every_codec_with_plain_columns_is_divided_by_share() {
    for codec in ["none", "snappy", "gzip", "brotli", "zstd", "lz4"] {
        let spec = fixture(&format!("plain/{codec}.parquet"));
        let (train, test) = (set(&spec, Split::Train).unwrap(), set(&spec, Split::Test).unwrap());
        let (mut all, other) = (held(&*train), held(&*test));
        assert!(!other.is_empty() && other.keys().all(|number| !all.contains_key(number)), "{codec}");
        all.extend(other);
        let mut wanted = named(0..10);
        wanted.insert(4, None);
        assert_eq!(all, wanted, "{codec}");
    }
    // All of them are ten pictures, not sixty.
    let opened = Splits::open(&parse_spec(&fixture("plain")).unwrap(), &Access::default()).unwrap();
    assert_eq!(opened.splits.train.len() + opened.splits.test.len(), 10);
    assert!(opened.notes.iter().any(|n| n.starts_with("50 rows have the picture of another")), "{:?}", opened.notes);
}

#[test]
fn columns_are_named_and_those_that_are_not_there_refused() {
    let file = fixture("plain/none.parquet");
    let error = set(&format!("parquet:{file},image=photo"), Split::Train).err().expect("no such column");
    assert!(error.contains("has no column `photo.bytes` or `photo`; its columns: bytes, class"), "{error}");
    let error = set(&format!("parquet:{file},label=kind"), Split::Train).err().expect("no such column");
    assert!(error.contains("has no column `kind`"), "{error}");
}

#[test]
fn shards_of_webdataset_are_read_where_they_lie() {
    let spec = fixture("shards");
    let number = |map: BTreeMap<u8, Option<String>>| -> Vec<(u8, String)> {
        map.into_iter().map(|(i, class)| (i, class.expect("a class"))).collect()
    };
    let wanted = |numbers: std::ops::Range<u8>| numbers.map(|i| (i, (i % 3).to_string())).collect::<Vec<_>>();
    let (train, test) = (set(&spec, Split::Train).unwrap(), set(&spec, Split::Test).unwrap());
    assert_eq!((number(held(&*train)), number(held(&*test))), (wanted(0..8), wanted(8..11)));
    assert_eq!(train.name(0).as_deref(), Some("train-000000.tar/000000.png"));
    let some = set(&format!("shards:{spec}/train-*.tar"), Split::Train).unwrap();
    assert_eq!(some.len(), 7, "a tenth of eight, rounded");
    // Cut off within a picture.
    let place = folder("shards-cut");
    let bytes = std::fs::read(Path::new(&spec).join("train-000000.tar")).unwrap();
    std::fs::write(place.join("train-0.tar"), &bytes[..700]).unwrap();
    std::fs::write(place.join("val-0.tar"), &bytes).unwrap();
    let error = set(&place.display().to_string(), Split::Train).err().expect("it is cut off");
    assert!(error.contains("train-0.tar") && error.contains("fetch it again"), "{error}");
}

#[test]
fn files_of_mnists_form_are_read_packed_or_not() {
    let spec = fixture("idx");
    let (train, test) = (set(&spec, Split::Train).unwrap(), set(&spec, Split::Test).unwrap());
    assert_eq!((train.len(), test.len(), train.classes().len()), (6, 4, 3));
    assert_eq!(train.frame(), Frame::fixed((5, 4)));
    for (set, count) in [(&train, 6), (&test, 4)] {
        for i in 0..count {
            let image = set.image(i).unwrap();
            let grey: Vec<u8> = (0..20).map(|p| (i * 20 + p + if count == 4 { 128 } else { 0 }) as u8).collect();
            assert!(image.data.as_chunks::<3>().0.iter().zip(&grey).all(|(rgb, g)| rgb == &[*g; 3]));
            assert_eq!(set.label(i), Some(i as u32 % 3));
        }
    }
    let place = folder("idx-wrong");
    for file in std::fs::read_dir(&spec).unwrap().flatten() {
        std::fs::copy(file.path(), place.join(file.file_name())).unwrap();
    }
    let spoil = |name: &str, change: &dyn Fn(Vec<u8>) -> Vec<u8>, wanted: &str| {
        let path = place.join(name);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, change(whole.clone())).unwrap();
        let error = set(&format!("idx:{}", place.display()), Split::Test).err().expect("it is wrong");
        assert!(error.contains(name) && error.contains(wanted), "{error}");
        std::fs::write(&path, whole).unwrap();
    };
    spoil("t10k-images-idx3-ubyte", &|b| b[..50].to_vec(), "ends after 34 of 80 bytes");
    spoil("t10k-images-idx3-ubyte", &|b| [b, vec![0]].concat(), "more than the 80 bytes");
    spoil(
        "t10k-images-idx3-ubyte",
        &|mut b| {
            b[4..16].fill(0xff);
            b
        },
        "too much",
    );
    spoil(
        "t10k-labels-idx1-ubyte",
        &|mut b| {
            b[2] = 9;
            b
        },
        "begins with 0x00000901",
    );
    spoil(
        "t10k-labels-idx1-ubyte",
        &|mut b| {
            b[7] = 3;
            b.pop();
            b
        },
        "3 labels for 4 pictures",
    );
}

#[test]
fn tables_name_pictures_classes_parts_and_groups() {
    let place = folder("table");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/fixtures/pictures");
    for i in 0..12 {
        std::fs::copy(source.join("plain.png"), place.join(format!("{i}.png"))).unwrap();
    }
    let write = |name: &str, head: &str, row: &dyn Fn(usize) -> String| {
        let lines: Vec<String> = (0..12).map(row).collect();
        std::fs::write(place.join(name), format!("{head}\n{}\n", lines.join("\n"))).unwrap();
        place.join(name).display().to_string()
    };
    let parts = write("parts.csv", "File, Label, Split", &|i| {
        format!("{i}.png, {}, {}", if i == 5 { "" } else { NAMES[i % 3] }, if i < 8 { "train" } else { "VAL" })
    });
    let (train, test) = (set(&parts, Split::Train).unwrap(), set(&parts, Split::Test).unwrap());
    assert_eq!((train.len(), test.len()), (8, 4));
    assert_eq!((train.classes(), train.label(4), train.label(5)), (&NAMES.map(String::from)[..], Some(1), None));
    let groups = write("groups.csv", "id,picture,patient", &|i| format!("{i},{i}.png,p{}", i / 3));
    let spec = format!("table:{groups},image=picture,group=patient,test=0.3");
    let patients = |split| -> Vec<usize> {
        let set = set(&spec, split).unwrap();
        let number = |i| set.name(i).unwrap().trim_end_matches(".png").parse::<usize>().unwrap() / 3;
        (0..set.len()).map(number).collect()
    };
    let (a, b) = (patients(Split::Train), patients(Split::Test));
    assert!(a.len() + b.len() == 12 && !b.is_empty() && b.iter().all(|p| !a.contains(p)), "{a:?} {b:?}");
    let error = set(&format!("table:{groups}"), Split::Train).err().expect("no column of paths");
    assert!(error.contains("has no column `path`; its columns: id, picture, patient"), "{error}");
    let wrong = write("wrong.csv", "path,split", &|i| format!("{i}.png,{}", if i == 7 { "dev" } else { "train" }));
    let error = set(&wrong, Split::Train).err().expect("no such part");
    assert!(error.contains("row 7") && error.contains("`dev` is neither train nor test"), "{error}");
}

#[test]
fn a_path_alone_is_the_set_it_looks_like() {
    let seen = |path: &str| sets::recognised(&PathBuf::from(fixture(path))).map(|set| set.entry.name);
    let known = [("hub", "parquet"), ("plain/zstd.parquet", "parquet"), ("shards", "shards"), ("idx", "idx")];
    for (path, name) in known {
        assert_eq!(seen(path), Some(name), "{path}");
    }
    assert_eq!(seen("../pictures"), Some("folder"));
    assert_eq!(seen("expected.json"), None);
}

#[test]
fn recipes_train_on_other_peoples_sets() {
    let recipe = "views { a, b: crop(0.5..1) | flip() }
branch f { encoder: small_convnet(width: 4); projector: linear(8) }
loss { l: nt_xent(f(a), f(b)) }
train { epochs: 1; batch: 4; optimizer: sgd(lr: 0.1) }
evaluate { probes: [knn(k: 3)] }
";
    let place = place_of("sets", recipe);
    for (name, size) in [("hub", 96), ("shards", 96), ("idx", 0)] {
        let (out, err) = place.expect(0, &[&place.recipe, "--data", &fixture(name), "-o", name, "--quiet"]);
        assert!(out.contains("k-NN"), "{out}{err}");
        let written = place.read(&format!("{name}/recipe.ssl"));
        assert!(
            written.contains("mean: [") && (size == 0 || written.contains(&format!("size: [{size}]"))),
            "{written}"
        );
        place.expect(0, &["eval", name, "--quiet"]);
    }
}
