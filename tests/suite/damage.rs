//! Files that are damaged, of every kind that is read: there is a message that names the file, or no harm; never a panic.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use sslrun::data::Image;
use sslrun::random::Rng;

use crate::cifar10::write_labelled;
use crate::cli::{Place, place_of};
use crate::targets;
use crate::train::folder;

/// Changes some bytes, takes some away or doubles them; half of the damage lies at an end, where headers and footers stand.
fn damaged(whole: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for _ in 0..1 + rng.below(3) {
        let length = bytes.len().max(1);
        let at = match rng.below(4) {
            0 => rng.below(length.min(200)),
            1 => length - 1 - rng.below(length.min(900)),
            _ => rng.below(length),
        };
        let end = (at + 1 + rng.below(12)).min(bytes.len());
        match rng.below(8) {
            0 => bytes.truncate(at),
            1 => _ = bytes.drain(at.min(end)..end),
            2 => {
                let piece = bytes[at.min(end)..end].to_vec();
                _ = bytes.splice(at.min(end)..at.min(end), piece);
            }
            3 => bytes[at.min(end)..end].fill([0, 255][rng.below(2)]),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = if rng.below(2) == 0 { *byte ^ (1 << rng.below(8)) } else { rng.below(256) as u8 };
                }
            }
        }
    }
    bytes
}

/// A small file of every format that data are read from; they stay, for the fuzz targets to begin with.
fn seeds() -> Vec<PathBuf> {
    let place = folder("damage/seeds");
    let image = Image::new(32, 32, (0..32 * 32 * 3).map(|i| (i * 7) as u8).collect::<Vec<u8>>());
    let [png, jpeg, parquet, binary, tensors] =
        ["a.png", "a.jpg", "a.parquet", "a.bin", "a.safetensors"].map(|name| place.join(name));
    std::fs::write(&png, image.encode(&png).expect("a PNG")).expect("a file");
    std::fs::write(&jpeg, image.encode(&jpeg).expect("a JPEG")).expect("a file");
    write_labelled(&parquet, 0..5, |i| Some(i as i64 % 10));
    std::fs::write(&binary, [vec![3], vec![100; 3072], vec![9], vec![7; 3072]].concat()).expect("a file");
    std::fs::write(&tensors, weights()).expect("a file");
    vec![png, jpeg, parquet, binary, tensors]
}

/// Two tensors as safetensors.
fn weights() -> Vec<u8> {
    let header = br#"{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"I64","shape":[1],"data_offsets":[24,32]}}   "#;
    [&(header.len() as u64).to_le_bytes()[..], header, &[1; 32]].concat()
}

#[test]
fn damaged_data_are_told_or_harmless() {
    let place = folder("damage/data");
    for seed in seeds() {
        let whole = std::fs::read(&seed).expect("the seed");
        let fits = targets::read_data(&place, &whole).len();
        let mut refused = 0;
        for round in 0..120 {
            let bytes = damaged(&whole, &mut Rng::new(&[13, round, whole.len() as u64]));
            let said = targets::read_data(&place, &bytes);
            assert!(said.iter().all(|message| !message.is_empty()));
            refused += usize::from(said.len() > fits);
        }
        assert!(refused > 20, "{}: {refused}", seed.display());
    }
}

/// A finished run, made once.
fn run() -> &'static Path {
    static RUN: OnceLock<PathBuf> = OnceLock::new();
    RUN.get_or_init(|| {
        let place = place_of("damaged", RECIPE);
        place.expect(0, &[&place.recipe, "--data", DATA, "--quiet", "-o", "run"]);
        place.folder.join("run")
    })
}

const DATA: &str = "shapes:train=64,test=20,size=16";
const RECIPE: &str = "views { a, b: crop(0.5..1) | flip }
branch f { encoder: conv2d(4, stride: 2) | batchnorm | relu | global_avgpool; head: mlp(8, 8) }
branch slow = ema(f, decay: 0.5)
state bank = queue(of: slow(b), size: 32)
loss { l: info_nce_with_bank(normalize(f(a)), normalize(slow(b)), bank) }
train { epochs: 2; batch: 16; optimizer: adamw(lr: 0.01) }
evaluate { every: 1; probes: [knn()] }
";

const LEFT: [&str; 5] =
    ["run.ron", "metrics.jsonl", "recipe.ssl", "checkpoints/last.safetensors", "checkpoints/encoder.safetensors"];

#[test]
fn damaged_records_and_checkpoints_are_told_or_harmless() {
    let scratch = folder("damage/run");
    for file in LEFT {
        let whole = std::fs::read(run().join(file)).expect("what a run leaves");
        for round in 0..150 {
            let bytes = damaged(&whole, &mut Rng::new(&[14, round, whole.len() as u64]));
            for message in targets::checkpoint(&scratch, &bytes) {
                assert!(message.contains("last.safetensors") || message.contains("run.ron"), "{message}");
            }
        }
    }
    for file in LEFT {
        let to = scratch.join(file);
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        std::fs::copy(run().join(file), to).expect("a seed for the fuzz targets");
    }
}

/// A copy of the run, one of its files damaged.
fn copy_with(place: &Place, file: &str, bytes: &[u8]) {
    for name in LEFT {
        let to = place.folder.join("run").join(name);
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        std::fs::copy(run().join(name), to).expect("a copy");
    }
    std::fs::write(place.folder.join("run").join(file), bytes).expect("a damaged file");
}

/// By the program itself, which goes on with what is left: it ends by itself, and says what is wrong.
#[test]
fn runs_go_on_from_damaged_files_or_say_why_not() {
    let place = place_of("damaged-again", RECIPE);
    let mut refused = 0;
    for file in LEFT {
        let whole = std::fs::read(run().join(file)).expect("what a run leaves");
        for round in 0..14 {
            // The progress and the names of the tensors stand at the beginning.
            let hit = if round % 2 == 0 { whole.len().min(2000) } else { whole.len() };
            let mut rng = Rng::new(&[15, round, whole.len() as u64]);
            let bytes = [damaged(&whole[..hit], &mut rng), whole[hit..].to_vec()].concat();
            copy_with(&place, file, &bytes);
            let longer = ["--resume", "run", "--set", "train.epochs=3", "--quiet"];
            let commands = [&longer[..], &["eval", "run", "--quiet"]];
            let output = place.run(commands[round as usize % 2]);
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!told.contains("panicked"), "{file}, round {round}: {told}");
            let status = output.status.code().unwrap_or_else(|| panic!("{file}, round {round}: {:?}", output.status));
            assert!(status == 0 || told.contains("error") || told.contains('×'), "{file}, {round}: {status} {told}");
            refused += usize::from(status != 0);
        }
    }
    assert!(refused > 10, "{refused}");
}

#[test]
fn damaged_terms_of_a_comparison_are_named() {
    let place = place_of("damaged-terms", RECIPE);
    let terms = place.folder.join("c/compare.ron");
    std::fs::create_dir_all(terms.parent().expect("a folder")).expect("a folder");
    for (bytes, reason) in [(&b"(budget: Some(1"[..], "does not hold the terms"), (b"\xff\xfe", "cannot be read")] {
        std::fs::write(&terms, bytes).expect("a file");
        let (_, err) = place.expect(3, &["compare", &place.recipe, "-o", "c", "--epochs", "1"]);
        assert!(err.contains("compare.ron") && err.contains(reason), "{err}");
    }
}
