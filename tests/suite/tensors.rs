//! Files of tensors: written as the safetensors crate writes them, read through a buffer, and known to be whole.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, TensorView};
use sslrun::random::{Digest, Rng};
use sslrun::tensors::{Contents, Numbers, Tensor, TensorFile};

use crate::train::folder;

/// Lengths around those of a word and of the buffers.
const LENGTHS: [usize; 9] = [0, 1, 2, 7, 2047, 2048, 2049, 16_385, 40_000];

fn singles() -> Vec<(String, Vec<f32>)> {
    let mut rng = Rng::new(&[3]);
    let numbers = |length: usize, rng: &mut Rng| (0..length).map(|_| rng.normal() as f32).collect();
    LENGTHS.iter().enumerate().map(|(i, n)| (format!("t{}", (i * 5) % 9), numbers(*n, &mut rng))).collect()
}

fn bytes_of(contents: &Contents) -> Vec<u8> {
    let mut bytes = Vec::new();
    contents.write(&mut bytes).expect("bytes");
    bytes
}

fn tensors(singles: &[(String, Vec<f32>)]) -> Vec<Tensor<'_>> {
    singles.iter().map(|(name, numbers)| Tensor::single(name.as_str(), &[numbers.len()], numbers)).collect()
}

#[test]
fn contents_are_what_the_safetensors_crate_writes() {
    let (singles, whole) = (singles(), [1i64, -2, 3 << 40]);
    let mut ours = tensors(&singles);
    ours.push(Tensor { name: "labels".into(), shape: vec![3, 1], numbers: Numbers::Whole(&whole) });
    let little = |numbers: &[f32]| numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    let data: Vec<Vec<u8>> = singles.iter().map(|(_, numbers)| little(numbers)).collect();
    let labels: Vec<u8> = whole.iter().flat_map(|x| x.to_le_bytes()).collect();
    let view = |dtype, shape: &[usize], bytes| TensorView::new(dtype, shape.to_vec(), bytes).expect("a view");
    let mut theirs: Vec<(&str, TensorView)> =
        singles.iter().zip(&data).map(|((n, v), bytes)| (n.as_str(), view(Dtype::F32, &[v.len()], bytes))).collect();
    theirs.push(("labels", view(Dtype::I64, &[3, 1], &labels)));
    for said in [BTreeMap::new(), BTreeMap::from([("key", "a \"value\"".to_owned())])] {
        let map: HashMap<String, String> = said.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
        let want = safetensors::serialize(theirs.clone(), (!map.is_empty()).then_some(map)).expect("a file");
        assert!(bytes_of(&Contents::new(ours.clone(), &said).expect("contents")) == want);
    }
    let empty = bytes_of(&Contents::new(Vec::new(), &BTreeMap::from([("a", "b".to_owned())])).expect("contents"));
    safetensors::SafeTensors::deserialize(&empty).expect("a file without tensors");
}

/// A sealed file of all lengths, and its path.
fn sealed(name: &str) -> (PathBuf, Vec<u8>) {
    let singles = singles();
    let said = BTreeMap::from([("before", "\"digest\":\"0\"".to_owned()), ("kind", "x".to_owned())]);
    let bytes = bytes_of(&Contents::sealed(tensors(&singles), said).expect("contents"));
    let path = folder(name).join("x.safetensors");
    std::fs::write(&path, &bytes).expect("a file");
    (path, bytes)
}

#[test]
fn the_digest_is_of_all_bytes_but_its_own() {
    let (path, bytes) = sealed("tensors/digest");
    let place = bytes.windows(10).position(|w| w == b"\"digest\":\"").expect("a digest") + 10;
    let mut digest = Digest::new();
    digest.bytes(&bytes[..place]);
    digest.bytes(&bytes[place + 16..]);
    assert_eq!(bytes[place..place + 16], *format!("{:016x}", digest.finish()).as_bytes());
    let whole = |bytes: &[u8]| {
        std::fs::write(&path, bytes).expect("a file");
        TensorFile::open(&path).and_then(|file| file.is_whole())
    };
    assert_eq!(whole(&bytes), Ok(Some(true)));
    for at in [place, place + 16, place + 20, bytes.len() / 2, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert_ne!(whole(&changed), Ok(Some(true)), "byte {at}");
    }
    assert!(whole(&bytes[..bytes.len() - 1]).is_err_and(|e| e == "incomplete metadata, file not fully covered"));
    assert_eq!(whole(&bytes_of(&Contents::new(Vec::new(), &BTreeMap::new()).expect("contents"))), Ok(None));
}

#[test]
fn numbers_are_read_into_their_place() {
    let (path, _) = sealed("tensors/read");
    let file = TensorFile::open(&path).expect("a file");
    let mut open = file.numbers().expect("an open file");
    for (name, want) in singles() {
        assert_eq!(file.shape(&name), Some([want.len()].as_slice()));
        assert_eq!(open.values(&name), Ok(want.clone()));
        let mut mine = vec![0.0; want.len()];
        open.fill(&name, &mut mine).expect("numbers");
        assert_eq!(mine, want);
        let other = open.fill(&name, &mut vec![0.0; want.len() + 1]).unwrap_err();
        assert!(other.contains("another number of numbers"), "{other}");
    }
    assert_eq!(open.values("nothing"), Err("there is no `nothing`".to_owned()));
    assert_eq!((file.said("kind"), file.said("other")), (Some("x"), None));
    assert_eq!(file.names().count(), LENGTHS.len());
}

/// A file that is cut short, or another one, once its header is known gives an error: nothing is mapped into memory, so nothing ends us.
#[test]
fn a_file_that_changes_while_it_is_read_is_an_error() {
    let (path, bytes) = sealed("tensors/changed");
    let file = TensorFile::open(&path).expect("a file");
    let longest = singles().into_iter().max_by_key(|(_, numbers)| numbers.len()).expect("tensors").0;
    let mut open = file.numbers().expect("an open file");
    let cut = |length: usize| {
        let file = std::fs::OpenOptions::new().write(true).open(&path).expect("the file");
        file.set_len(length as u64).expect("a shorter file");
    };
    cut(bytes.len() / 3);
    let failed = singles().iter().filter(|(name, _)| open.values(name).is_err()).count();
    assert!(failed > 0 && open.values(&longest).is_err());
    assert!(file.numbers().and_then(|mut open| open.values(&longest)).is_err());
    assert_ne!(file.is_whole(), Ok(Some(true)));
    refused(&path);
}

/// A checkpoint may take the place of the one that is read.
#[test]
fn a_file_is_read_to_its_end_though_another_takes_its_place() {
    let (path, _) = sealed("tensors/replaced");
    let file = TensorFile::open(&path).expect("a file");
    let other = Contents::new(Vec::new(), &BTreeMap::new()).expect("contents");
    let next = path.with_extension("next");
    std::fs::write(&next, bytes_of(&other)).expect("a file");
    std::fs::rename(&next, &path).expect("it takes the place");
    assert_eq!(file.is_whole(), Ok(Some(true)));
    let mut open = file.numbers().expect("an open file");
    for (name, numbers) in singles() {
        assert_eq!(open.values(&name).expect("its numbers"), numbers, "{name}");
    }
}

/// Headers that no package writes.
fn refused(path: &Path) {
    let header = |text: &str| [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat();
    let huge = r#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#;
    let files: [(&[u8], &str); 6] = [
        (b"abc", "header too small"),
        (&u64::MAX.to_le_bytes(), "header too large"),
        (&9u64.to_le_bytes(), "invalid header length"),
        (&header("{\"a\":1}"), "invalid JSON"),
        (&header(huge), "overflow"),
        (&[header("{}"), vec![0]].concat(), "incomplete metadata"),
    ];
    for (bytes, want) in files {
        std::fs::write(path, bytes).expect("a file");
        let found = TensorFile::open(path).expect_err(want);
        assert!(found.contains(want), "{found}");
    }
}
