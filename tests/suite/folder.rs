//! Pictures in folders: what is found, how it is divided, decoded, and gone on with where some cannot be used.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sslrun::data::{Access, DataSet, Image, Loader, MOST_PIXELS, Split, Splits, ViewSpec, open, parse_spec};

use crate::cli::{Place, place_of, unwrapped};
use crate::data::step;
use crate::fixtures::Fixture;
use crate::train::folder;

const PICTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/fixtures/pictures");

const RECIPE: &str = "views { a, b: crop(0.5..1) | flip() }
branch f { encoder: small_convnet(width: 4); projector: linear(8) }
loss { l: nt_xent(f(a), f(b)) }
train { epochs: 2; batch: 8; optimizer: sgd(lr: 0.1) }
evaluate { probes: [knn(k: 3)] }
";

/// A picture file of one colour.
fn paint(path: &Path, height: usize, width: usize, colour: [u8; 3]) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    let image = Image::new(height, width, colour.repeat(height * width));
    std::fs::write(path, image.encode(path).expect("it can be encoded")).expect("it can be written");
}

/// A folder `NAME/pictures` with classes of these sizes, pictures of several sizes and of colours of their own.
fn classes(name: &str, sizes: &[(&str, usize)]) -> PathBuf {
    let root = folder(name).join("pictures");
    for (c, (class, count)) in sizes.iter().enumerate() {
        for i in 0..*count {
            let colour = [(60 * c) as u8, (i * 7 % 256) as u8, (i / 36) as u8];
            paint(&root.join(class).join(format!("{i:03}.png")), 20 + i % 5, 24 + c, colour);
        }
    }
    root
}

fn set(spec: &str, split: Split) -> Result<Arc<dyn DataSet>, String> {
    let config = parse_spec(spec).map_err(|e| e.to_string())?;
    open(&config, split, &Access::default()).map(Arc::from).map_err(|e| e.to_string())
}

fn names(set: &dyn DataSet) -> Vec<String> {
    (0..set.len()).map(|i| set.name(i).expect("a name")).collect()
}

#[test]
fn every_kind_of_picture_is_what_pillow_makes_of_it() {
    let fixture = Fixture::load("pictures");
    for name in fixture.cases.keys() {
        let bytes = std::fs::read(Path::new(PICTURES).join(name)).expect("a picture");
        let image = Image::decode(&bytes, MOST_PIXELS).unwrap_or_else(|e| panic!("{name}: {e}"));
        let wanted = fixture.get(&format!("{name}/out"));
        assert_eq!([image.height, image.width, 3], wanted.shape[..], "{name}");
        // Inverse transforms and colour conversions of lossy codecs round in their own ways.
        let lossy = name.ends_with(".jpg") || name == "lossy.webp";
        let most: f32 =
            image.data.iter().zip(&wanted.values).map(|(a, b)| (f32::from(*a) - b).abs()).fold(0.0, f32::max);
        let subsampled =
            lossy && !["cmyk.jpg", "grey.jpg", "no_subsampling.jpg", "lossy.webp"].contains(&name.as_str());
        // Colours of half the resolution are interpolated in several ways.
        assert!(
            most <= if subsampled {
                8.0
            } else if lossy {
                2.0
            } else {
                0.0
            },
            "{name} is off by {most}"
        );
        let off: f64 = image.data.iter().zip(&wanted.values).map(|(a, b)| f64::from(f32::from(*a) - b).abs()).sum();
        assert!(off / image.data.len() as f64 <= 1.0, "{name} is off by {off} in all");
    }
}

#[test]
fn a_folder_of_classes_is_divided_by_seed_and_share_within_each() {
    let root = classes("folder-classes", &[("cats", 40), ("dogs", 20), ("owls", 10)]);
    let spec = |more: &str| format!("folder:{}{more}", root.display());
    let (train, test) = (set(&spec(""), Split::Train).unwrap(), set(&spec(""), Split::Test).unwrap());
    assert_eq!((train.len(), test.len()), (63, 7));
    assert_eq!(train.classes(), ["cats", "dogs", "owls"]);
    let count = |set: &dyn DataSet, class| (0..set.len()).filter(|&i| set.label(i) == Some(class)).count();
    assert_eq!([0, 1, 2].map(|class| count(&*test, class)), [4, 2, 1]);
    let (a, b): (BTreeSet<_>, BTreeSet<_>) =
        (names(&*train).into_iter().collect(), names(&*test).into_iter().collect());
    assert!(a.is_disjoint(&b) && a.len() + b.len() == 70);
    assert_eq!(names(&*set(&spec(""), Split::Test).unwrap()), names(&*test), "it is the same each time");
    assert_ne!(names(&*set(&spec(",seed=1"), Split::Test).unwrap()), names(&*test));
    assert_eq!(set(&spec(",test=0.5"), Split::Test).unwrap().len(), 35);
    // A subset of an ordered set is not its first class.
    let few = set(&spec(",most=20"), Split::Train).unwrap();
    assert_eq!(few.len(), 20);
    assert!((0..3).all(|class| count(&*few, class) > 0));
    // A picture that comes later moves no other.
    paint(&root.join("dogs/late.png"), 20, 20, [1, 2, 3]);
    let later: BTreeSet<_> = names(&*set(&spec(""), Split::Test).unwrap()).into_iter().collect();
    assert!(later.symmetric_difference(&b).count() <= 2, "{later:?}");
}

#[test]
fn folders_called_train_and_test_are_these() {
    for (train, test) in [("train", "test"), ("Train", "VAL"), ("training", "valid")] {
        let root = folder("folder-splits").join("pictures");
        for (part, count) in [(train, 4), (test, 2)] {
            for (class, colour) in [("a", 10), ("b", 200)] {
                (0..count).for_each(|i| {
                    paint(&root.join(part).join(class).join(format!("{part}{i}.png")), 16, 16, [colour, i, 0])
                });
            }
        }
        let spec = root.display().to_string();
        let (one, other) = (set(&spec, Split::Train).unwrap(), set(&spec, Split::Test).unwrap());
        assert_eq!((one.len(), other.len()), (8, 4), "{train}, {test}");
        assert_eq!(one.classes(), ["a", "b"]);
        assert!(names(&*other).iter().all(|name| name.starts_with(test)));
        assert_eq!(other.label(3), Some(1));
    }
}

#[test]
fn a_heap_has_no_classes_and_groups_stay_together() {
    let root = folder("folder-heap").join("pictures");
    for film in 0..12u8 {
        for shot in 0..5u8 {
            paint(&root.join(format!("film{film}_shot{shot}.png")), 16, 18, [film, shot, 9]);
        }
    }
    paint(&root.join("deep/er/film99_shot0.png"), 16, 18, [99, 0, 0]);
    let whole = root.display().to_string();
    let train = set(&whole, Split::Train).unwrap();
    assert!(train.classes().is_empty() && train.label(0).is_none());
    let films = |split, more: &str| -> BTreeSet<String> {
        let set = set(&format!("folder:{whole}{more}"), split).unwrap();
        names(&*set).iter().map(|n| n.rsplit('/').next().unwrap().split('_').next().unwrap().to_owned()).collect()
    };
    let grouped = ",group={}_*,test=0.3";
    let (a, b) = (films(Split::Train, grouped), films(Split::Test, grouped));
    assert!(a.is_disjoint(&b) && b.len() >= 3, "{a:?} {b:?}");
    assert!(
        !films(Split::Train, ",test=0.3").is_disjoint(&films(Split::Test, ",test=0.3")),
        "without groups films are on both sides"
    );
    let error = set(&format!("folder:{whole},group=a*"), Split::Train).err().expect("a pattern without a group");
    assert!(error.contains("is no pattern of groups"), "{error}");
    let opened = Splits::open(&parse_spec(&whole).unwrap(), &Access::default()).unwrap();
    assert!(opened.notes.iter().any(|note| note.contains("no classes")), "{:?}", opened.notes);
}

#[test]
fn what_is_no_picture_of_the_user_is_left_out_and_links_are_followed_once() {
    let root = classes("folder-litter", &[("a", 6), ("b", 6)]);
    let put = |path: &str, text: &[u8]| {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    put("a/.hidden.png", b"x");
    put("a/Thumbs.db", b"x");
    put("__MACOSX/a/000.png", b"x");
    put(".git/b.png", b"x");
    put("readme.txt", b"words");
    put("b/photo.HEIC", b"x");
    put("b/raw.CR2", b"x");
    std::fs::copy(root.join("a/000.png"), root.join("a/SHOUT.PNG")).unwrap();
    std::os::unix::fs::symlink(root.join("a"), root.join("b/again")).unwrap();
    std::os::unix::fs::symlink(&root, root.join("b/all")).unwrap();
    std::os::unix::fs::symlink("/nowhere", root.join("b/broken.png")).unwrap();
    let outside = folder("folder-outside").join("pictures");
    (0..3u8).for_each(|i| paint(&outside.join(format!("c/{i}.png")), 30, 30, [i, 200, 200]));
    std::os::unix::fs::symlink(&outside, root.join("linked")).unwrap();
    let opened = Splits::open(&parse_spec(&root.display().to_string()).unwrap(), &Access::default()).unwrap();
    let all: Vec<String> = [&opened.splits.train, &opened.splits.test].iter().flat_map(|s| names(&***s)).collect();
    assert_eq!(all.len(), 6 + 6 + 1 + 3, "{all:?}");
    assert_eq!(opened.splits.train.classes(), ["a", "b", "linked"]);
    assert!(opened.notes.iter().any(|n| n.contains("1 cr2, 1 heic")), "{:?}", opened.notes);
}

#[test]
fn equal_files_stand_on_one_side_only() {
    let root = folder("folder-equal").join("pictures");
    for i in 0..20u8 {
        paint(&root.join(format!("train/{i}.png")), 16, 16, [i, 0, 0]);
        paint(&root.join(format!("test/{i}.png")), 16, 16, [i + 15, 0, 0]);
    }
    let opened = Splits::open(&parse_spec(&root.display().to_string()).unwrap(), &Access::default()).unwrap();
    assert_eq!((opened.splits.train.len(), opened.splits.test.len()), (20, 15));
    assert!(opened.notes.iter().any(|n| n.contains("5 of 20 pictures of the test split")), "{:?}", opened.notes);
}

/// A folder of which three files cannot be used.
fn spoilt(name: &str) -> (Place, PathBuf) {
    let root = classes(name, &[("a", 20), ("b", 20)]);
    let place = place_of(name, RECIPE);
    let whole = std::fs::read(root.join("a/003.png")).unwrap();
    std::fs::write(root.join("a/003.png"), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(root.join("b/005.png"), b"").unwrap();
    std::fs::write(root.join("b/006.png"), b"no picture at all").unwrap();
    (place, root)
}

#[test]
fn what_cannot_be_decoded_is_left_out_the_same_way_each_time() {
    let (_, root) = spoilt("folder-spoilt");
    let views = [ViewSpec {
        name: "a".into(),
        from: None,
        column: None,
        steps: vec![step("flip", &[])],
        frame: None,
        norm: None,
    }];
    let batches = |cache: u64, threads: usize| {
        let config = parse_spec(&root.display().to_string()).unwrap();
        let set: Arc<dyn DataSet> =
            Arc::from(open(&config, Split::Train, &Access { cache, ..Access::default() }).unwrap());
        let loader = Loader::new(set.clone(), &views, 6, 0).unwrap().threads(threads);
        let batches: Vec<_> = loader.steps(0..12).map(|b| b.expect("a batch")).collect();
        assert!(!set.spoilt().is_empty());
        batches
    };
    let first = batches(0, 1);
    assert!(first == batches(1 << 20, 3) && first == batches(2000, 2), "neither cache nor threads make a difference");
    let strict = Access { strict: true, ..Access::default() };
    let set: Arc<dyn DataSet> =
        Arc::from(open(&parse_spec(&root.display().to_string()).unwrap(), Split::Train, &strict).unwrap());
    let failed = Loader::new(set, &views, 6, 0).unwrap().steps(0..12).find_map(Result::err).expect("it stops");
    assert!(failed.to_string().contains(".png"), "{failed}");
}

#[test]
fn a_training_on_a_folder_tells_what_it_left_out_and_goes_on_to_the_bit() {
    let (place, root) = spoilt("folder-run");
    let data = root.display().to_string();
    let (out, err) = place.expect(0, &[&place.recipe, "--data", &data, "-o", "run", "--set", "f.encoder.width=8"]);
    assert!(out.contains("k-NN") && unwrapped(&err).contains("pictures were left out"), "{out}{err}");
    let record = place.read("run/run.ron");
    for name in ["a/003.png", "b/005.png", "b/006.png"] {
        assert!(record.contains(name), "{name} in {record}");
    }
    let recipe = place.read("run/recipe.ssl");
    assert!(recipe.contains("folder(") && recipe.contains("mean: [") && recipe.contains("size: [96]"), "{recipe}");
    // As far as half of it, and then the rest, with other threads and no cache.
    place.expect(
        0,
        &[&place.recipe, "--data", &data, "-o", "half", "--set", "f.encoder.width=8", "--set", "train.epochs=1"],
    );
    let weights = |run: &str| std::fs::read(place.folder.join(run).join("checkpoints/encoder.safetensors")).unwrap();
    assert_ne!(weights("half"), weights("run"));
    let args =
        ["--data", &data, "-o", "other", "--set", "f.encoder.width=8", "--threads", "1", "--cache", "0", "--quiet"];
    place.expect(0, &[&[place.recipe.as_str()], &args[..]].concat());
    assert_eq!(weights("other"), weights("run"));
    // A folder that has changed is not the same data.
    paint(&root.join("a/new.png"), 20, 20, [7, 7, 7]);
    let (_, err) = place.expect(2, &["--resume", "run", "--set", "train.epochs=3"]);
    assert!(unwrapped(&err).contains("the pictures or labels of the data set have changed"), "{err}");
    let (_, err) = place.expect(3, &[&place.recipe, "--data", &data, "--strict", "--quiet", "-o", "strict"]);
    assert!(unwrapped(&err).contains(".png: cannot be decoded"), "{err}");
}

#[test]
fn a_folder_without_pictures_or_classes_is_said_to_be_so() {
    let place = place_of("folder-wrong", RECIPE);
    std::fs::create_dir_all(place.folder.join("empty")).unwrap();
    let (_, err) = place.expect(3, &[&place.recipe, "--data", "empty"]);
    assert!(unwrapped(&err).contains("holds no pictures"), "{err}");
    let (_, err) = place.expect(2, &[&place.recipe, "--data", "nowhere/photos"]);
    assert!(unwrapped(&err).contains("there is no file or folder `nowhere/photos`"), "{err}");
    let (_, err) = place.expect(2, &[&place.recipe, "--data", "folder(\"empty\", sise: 3)"]);
    assert!(unwrapped(&err).contains("sise"), "{err}");
    (0..24u8).for_each(|i| paint(&place.folder.join(format!("flat/{i}.png")), 20, 30, [i * 9, 100, 255 - i]));
    let (out, err) = place.expect(0, &[&place.recipe, "--data", "folder(\"flat\", size: 32)", "-o", "flat-run"]);
    assert!(
        unwrapped(&err).contains("no classes") && !out.contains("k-NN") && out.contains("effective rank"),
        "{out}{err}"
    );
}

#[test]
fn sizes_and_normalisations_that_are_none_are_refused_where_they_stand() {
    let place = place_of("folder-arguments", RECIPE);
    (0..24u8).for_each(|i| paint(&place.folder.join(format!("flat/{i}.png")), 20, 30, [i * 9, 100, 255 - i]));
    let wrong = [
        ("size: 5", "from 8 to 4096"),
        ("size: 20.5", "whole number"),
        ("size: [32, 32, 32]", "or two of them"),
        ("mean: [0.5]", "`mean` is three numbers"),
        ("std: [0.2, 0, 0.2]", "`std` is three positive numbers"),
        ("group: \"a*\"", "is no pattern of groups"),
    ];
    for (argument, said) in wrong {
        let data = format!("folder(\"flat\", {argument})");
        let (_, err) = place.expect(1, &["check", &place.recipe, "--data", &data]);
        assert!(unwrapped(&err).contains(said), "{argument}: {err}");
    }
    place.expect(0, &[&place.recipe, "--data", "flat", "-o", "run", "--quiet", "--set", "train.epochs=0"]);
    let (_, err) = place.expect(3, &["embed", "run", "--data", "folder:flat,size=5", "-o", "x.npy"]);
    assert!(unwrapped(&err).contains("from 8 to 4096"), "{err}");
}

#[test]
fn mean_and_deviation_are_those_of_the_pictures_and_stay() {
    let place = place_of("folder-measured", RECIPE);
    let colour = |i: usize| [(i * 11) as u8, 40 + (i * 7) as u8, 200 - (i * 5) as u8];
    (0..20).for_each(|i| paint(&place.folder.join(format!("flat/{i:02}.png")), 24, 24, colour(i)));
    let (_, err) = place.expect(0, &[&place.recipe, "--data", "folder(\"flat\", size: 24)", "-o", "run"]);
    assert!(unwrapped(&err).contains("18 pictures, taken as 24x24, without classes; 2 to be judged on"), "{err}");
    // Of the pictures that are trained on, as the set tells which these are.
    let train = set(&format!("folder:{},size=24", place.folder.join("flat").display()), Split::Train).unwrap();
    let numbers = names(&*train).iter().map(|n| n[..2].parse::<usize>().unwrap()).collect::<Vec<_>>();
    let channel = |c: usize| numbers.iter().map(|&i| f64::from(colour(i)[c]) / 255.0).collect::<Vec<_>>();
    let mean = |x: &[f64]| x.iter().sum::<f64>() / x.len() as f64;
    let std = |x: &[f64]| (x.iter().map(|v| (v - mean(x)).powi(2)).sum::<f64>() / x.len() as f64).sqrt();
    let recipe = place.read("run/recipe.ssl");
    for (word, measure) in [("mean", &mean as &dyn Fn(&[f64]) -> f64), ("std", &std)] {
        let told = recipe.split(&format!("{word}: [")).nth(1).and_then(|t| t.split(']').next()).expect("three numbers");
        let told: Vec<f64> = told.split(',').map(|x| x.trim().parse().unwrap()).collect();
        for (c, x) in told.iter().enumerate() {
            assert!(
                (x - measure(&channel(c))).abs() < 1e-4,
                "{word} {told:?} of channel {c}: {}",
                measure(&channel(c))
            );
        }
    }
    // The files may change: the run's own normalisation holds.
    paint(&place.folder.join("flat/99.png"), 24, 24, [255, 255, 255]);
    let before = std::fs::read(place.folder.join("run/checkpoints/encoder.safetensors")).unwrap();
    place.expect(0, &["embed", "run", "--split", "all", "-o", "x.npy"]);
    assert!(place.read("run/recipe.ssl") == recipe && before.len() > 8);
}

#[test]
fn pictures_need_not_be_square() {
    let place = place_of("folder-oblong", RECIPE);
    (0..24u8).for_each(|i| {
        paint(&place.folder.join(format!("flat/{i}.png")), 40 + usize::from(i), 90, [i * 9, 90, 255 - i])
    });
    place.expect(0, &[&place.recipe, "--data", "folder(\"flat\", size: [24, 48])", "-o", "run", "--quiet"]);
    let header = std::fs::read(place.folder.join("run/checkpoints/encoder.safetensors")).unwrap();
    assert!(String::from_utf8_lossy(&header).contains("\\\"size\\\":[24,48]"));
    place.expect(0, &["embed", "run", "flat/3.png", "-o", "x.npy"]);
    place.expect(0, &["views", &place.recipe, "--data", "folder(\"flat\", size: [24, 48])", "-o", "sheet.png"]);
}

#[test]
fn a_recipe_that_names_its_folder_is_gone_on_with_however_its_data_were_written() {
    let place = place_of("folder-resumed", &format!("data folder(\"flat\")\n{RECIPE}"));
    (0..24u8).for_each(|i| paint(&place.folder.join(format!("flat/{i}.png")), 30, 30, [i * 9, 100, 255 - i]));
    place.expect(0, &[&place.recipe, "-o", "whole", "--quiet", "--set", "train.epochs=3"]);
    for (run, data) in
        [("own", None), ("path", Some("flat")), ("call", Some("folder(\"flat\")")), ("spec", Some("folder:flat"))]
    {
        let named = data.map_or_else(Vec::new, |data| vec!["--data", data]);
        place.expect(
            0,
            &[&[place.recipe.as_str(), "-o", run, "--quiet", "--set", "train.epochs=2"], &named[..]].concat(),
        );
        place.expect(0, &["--resume", run, "--quiet", "--set", "train.epochs=3"]);
        assert!(place.read(&format!("{run}/recipe.ssl")).contains("size: [96]"), "{run}");
    }
}
