//! CIFAR-100, STL-10 and arrays of numpy, as torchvision and numpy have them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sslrun::data::{Access, DataSet, Frame, Split, open, parse_spec, sets, telling};

use crate::cli::place_of;
use crate::fixtures::Fixture;
use crate::train::folder;

const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/fixtures/originals");

fn path(name: &str) -> String {
    Path::new(FILES).join(name).display().to_string()
}

fn set(spec: &str, split: Split) -> Result<Arc<dyn DataSet>, String> {
    let config = parse_spec(spec).map_err(|e| e.to_string())?;
    open(&config, split, &Access::default()).map(Arc::from).map_err(|e| e.to_string())
}

/// Whether the pictures of a set are those of a fixture, at every `step`th row and column, and their labels.
fn same(set: &dyn DataSet, fixture: &Fixture, name: &str, step: usize, places: impl Iterator<Item = usize>) {
    let (wanted, labels) = (fixture.get(&format!("{name}/pixels")), fixture.get(&format!("{name}/labels")));
    let [_, height, width, channels] = wanted.shape[..] else { panic!("{name}") };
    for (i, place) in places.enumerate() {
        let image = set.image(i).unwrap_or_else(|e| panic!("{name} {i}: {e}"));
        assert_eq!((image.height.div_ceil(step), image.width.div_ceil(step)), (height, width));
        for at in 0..height * width * channels {
            let (y, x, c) = (at / channels / width, at / channels % width, at % channels);
            let ours = image.data[(y * step * image.width + x * step) * image.channels + c % image.channels];
            let theirs = wanted.values[place * height * width * channels + at];
            assert_eq!(f32::from(ours), theirs, "{name} {i} at {y}, {x}, {c}");
        }
        let label = set.label(i).map_or(-1.0, |label| label as f32);
        assert_eq!(label, labels.values[place], "{name} {i}");
    }
}

#[test]
fn cifar100_is_what_torchvision_reads() {
    let fixture = Fixture::load("originals");
    for (split, count) in [(Split::Train, 4), (Split::Test, 3)] {
        let name = format!("cifar100/{}", split.name());
        let fine = set(&path("cifar100"), split).unwrap();
        assert_eq!((fine.len(), fine.classes().len(), fine.classes()[5].as_str()), (count, 100, "fine 5"));
        same(&*fine, &fixture, &name, 1, 0..count);
        let coarse = set(&format!("cifar100:{},labels=coarse", path("cifar100")), split).unwrap();
        assert_eq!((coarse.classes().len(), coarse.classes()[7].as_str()), (20, "coarse 7"));
        let labels = &fixture.get(&format!("{name}/coarse")).values;
        assert!((0..count).all(|i| coarse.label(i) == Some(labels[i] as u32)));
    }
    let some = set(&format!("cifar100:{},train=2", path("cifar100")), Split::Train).unwrap();
    assert_eq!(some.len(), 2);
    let place = folder("cifar100-cut");
    for part in ["train.bin", "test.bin"] {
        let bytes = std::fs::read(Path::new(FILES).join("cifar100/cifar-100-binary").join(part)).unwrap();
        std::fs::write(place.join(part), &bytes[..bytes.len() - 1]).unwrap();
    }
    let error = set(&format!("cifar100:{}", place.display()), Split::Test).err().expect("it is cut off");
    assert!(error.contains("test.bin") && error.contains("no whole number of records"), "{error}");
}

#[test]
fn stl10_trains_on_what_has_no_class_and_is_judged_by_what_has() {
    let fixture = Fixture::load("originals");
    let (train, test) = (set(&path("stl10"), Split::Train).unwrap(), set(&path("stl10"), Split::Test).unwrap());
    assert_eq!((train.len(), test.len(), train.classes()[3].as_str()), (4, 2, "class 3"));
    assert_eq!(train.frame(), Frame::fixed((96, 96)));
    same(&*train, &fixture, "stl10/train", 3, 0..4);
    same(&*test, &fixture, "stl10/test", 3, 0..2);
    assert_eq!(telling(&train).len(), 2, "probes learn from those that have a class");
    assert!(train.describe().contains("2 images without a class"), "{}", train.describe());
    let none = set(&format!("stl10:{},unlabelled=0", path("stl10")), Split::Train).unwrap();
    assert_eq!((none.len(), telling(&none).len()), (2, 2));
    assert_ne!(none.fingerprint(), train.fingerprint());
    assert_eq!(train.hint(0), none.hint(0));
    let place = folder("stl10-wrong");
    for file in std::fs::read_dir(Path::new(FILES).join("stl10/stl10_binary")).unwrap().flatten() {
        std::fs::copy(file.path(), place.join(file.file_name())).unwrap();
    }
    let wrong = |name: &str, bytes: &[u8], wanted: &str| {
        let whole = std::fs::read(place.join(name)).unwrap();
        std::fs::write(place.join(name), bytes).unwrap();
        let error = set(&format!("stl10:{}", place.display()), Split::Train).err().expect("it is wrong");
        assert!(error.contains(name) && error.contains(wanted), "{error}");
        std::fs::write(place.join(name), whole).unwrap();
    };
    wrong("train_y.bin", &[1], "1 labels for 2 images");
    wrong("train_y.bin", &[1, 11], "label 11");
    wrong("unlabeled_X.bin", &[0; 100], "no whole number of images");
}

#[test]
fn arrays_are_read_by_their_usual_names() {
    let fixture = Fixture::load("originals");
    // Grey: the first channel of the pictures.
    let grey = |set: &dyn DataSet, places: std::ops::Range<usize>| {
        let (wanted, labels) = (fixture.get("arrays/pixels"), fixture.get("arrays/labels"));
        for (i, place) in places.enumerate() {
            let image = set.image(i).unwrap();
            assert_eq!((image.height, image.width, image.channels), (8, 8, 1));
            assert!((0..64).all(|at| f32::from(image.data[at]) == wanted.values[(place * 64 + at) * 3]));
            assert_eq!(set.label(i), Some(labels.values[place] as u32));
        }
    };
    let keras = path("mnist.npz");
    let (train, test) = (set(&keras, Split::Train).unwrap(), set(&keras, Split::Test).unwrap());
    assert_eq!((train.len(), test.len(), train.classes()), (8, 4, &["0", "1", "2"].map(String::from)[..]));
    assert_eq!(train.frame(), Frame::fixed((8, 8)).of(1));
    grey(&*train, 0..8);
    grey(&*test, 8..12);
    let colour = set(&format!("arrays:{keras},channels=3"), Split::Test).unwrap();
    assert_eq!(colour.frame(), Frame::fixed((8, 8)));
    assert!(colour.image(1).unwrap().data.as_chunks::<3>().0.iter().all(|[r, g, b]| r == g && g == b));
    let medical = path("medmnist.npz");
    let (train, test) = (set(&medical, Split::Train).unwrap(), set(&medical, Split::Test).unwrap());
    assert_eq!((train.len(), test.len()), (6, 4));
    same(&*train, &fixture, "arrays", 1, 0..6);
    same(&*test, &fixture, "arrays", 1, 8..12);
}

#[test]
fn arrays_alone_are_divided_and_scaled() {
    let fixture = Fixture::load("originals");
    let both = |spec: &str| (set(spec, Split::Train).unwrap(), set(spec, Split::Test).unwrap());
    // Planes of floating numbers, and a label that is none.
    let (train, test) = both(&format!("arrays:{},test=0.25", path("folder")));
    assert_eq!((train.len(), test.len(), train.frame().channels), (9, 3, 3));
    let wanted = fixture.get("arrays/pixels");
    let mut seen: Vec<usize> = Vec::new();
    for set in [&train, &test] {
        for i in 0..set.len() {
            let image = set.image(i).unwrap();
            let is =
                |place: &usize| image.data.iter().zip(&wanted.values[place * 192..]).all(|(a, b)| f32::from(*a) == *b);
            let place = (0..12).find(is).expect("it is one of them");
            assert_eq!(set.label(i), (place != 5).then_some(place as u32 % 3));
            seen.push(place);
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..12).collect::<Vec<_>>());
    // Six channels, of 12 bits: said, as nothing tells them from the rows.
    let bands = path("bands.npy");
    let error = set(&bands, Split::Train).err().expect("it is open");
    assert!(error.contains("which of the sizes are channels is open"), "{error}");
    let (train, test) = both(&format!("arrays:{bands},channels=6,range=0..4080"));
    assert_eq!((train.len() + test.len(), train.frame().channels, train.classes().len()), (12, 6, 0));
    let image = train.image(0).unwrap();
    assert!(image.data.as_chunks::<6>().0.iter().all(|p| p[3] == p[0].wrapping_add(40)), "{image:?}");
    let place = folder("arrays-wrong");
    let copy = |name: &str, change: &dyn Fn(Vec<u8>) -> Vec<u8>, to: &str| {
        std::fs::write(place.join(to), change(std::fs::read(path(name)).unwrap())).unwrap();
    };
    copy("folder/x.npy", &|bytes| bytes, "x.npy");
    copy("folder/y.npy", &|bytes| bytes[..bytes.len() - 4].to_vec(), "y.npy");
    let error = set(&place.display().to_string(), Split::Train).err().expect("labels are cut off");
    assert!(error.contains("`y` ends too early"), "{error}");
    std::fs::remove_file(place.join("y.npy")).unwrap();
    copy("mnist.npz", &|bytes| bytes[..bytes.len() / 2].to_vec(), "cut.npz");
    let error = set(&format!("arrays:{}/cut.npz", place.display()), Split::Train).err().expect("it is cut off");
    assert!(error.contains("cut.npz") && error.contains("no readable file of arrays"), "{error}");
    let whole = std::fs::read(path("medmnist.npz")).unwrap();
    for at in (0..whole.len()).step_by(61) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x5a;
        std::fs::write(place.join("damaged.npz"), damaged).unwrap();
        drop(set(&format!("arrays:{}/damaged.npz", place.display()), Split::Train));
    }
}

#[test]
fn a_path_alone_is_the_original_it_looks_like() {
    let seen = |name: &str| sets::recognised(&PathBuf::from(path(name))).map(|set| set.entry.name);
    let known = [
        ("cifar100", "cifar100"),
        ("cifar100/cifar-100-binary", "cifar100"),
        ("stl10", "stl10"),
        ("stl10/stl10_binary", "stl10"),
        ("mnist.npz", "arrays"),
        ("medmnist.npz", "arrays"),
        ("folder", "arrays"),
        ("bands.npy", "arrays"),
    ];
    for (name, wanted) in known {
        assert_eq!(seen(name), Some(wanted), "{name}");
    }
}

#[test]
fn recipes_train_on_originals() {
    let recipe = "views { a, b: crop(0.5..1) | flip() }
branch f { encoder: small_convnet(width: 4); projector: linear(8) }
loss { l: nt_xent(f(a), f(b)) }
train { epochs: 1; batch: 2; optimizer: sgd(lr: 0.1) }
evaluate { probes: [knn(k: 1)] }
";
    let place = place_of("originals", recipe);
    for name in ["cifar100", "stl10", "mnist.npz", "medmnist.npz", "folder"] {
        let (out, err) = place.expect(0, &[&place.recipe, "--data", &path(name), "-o", name, "--quiet"]);
        assert!(out.contains("k-NN"), "{name}: {out}{err}");
        place.expect(0, &["eval", name, "--quiet"]);
    }
}
