//! Reads the reference numbers of `tests/reference/fixtures` and measures how far ours are from them.

use safetensors::{Dtype, SafeTensors};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A fixture file: named tensors, f32 but for a few of f64, and a line of metadata a case.
pub struct Fixture {
    /// What the file says of each case: an expression of the language, or a layer's configuration as JSON.
    pub cases: BTreeMap<String, String>,
    tensors: BTreeMap<String, Tensor>,
    doubles: BTreeMap<String, Vec<f64>>,
}

/// A tensor of a fixture, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

impl Fixture {
    /// Reads `tests/reference/fixtures/NAME.safetensors`.
    pub fn load(name: &str) -> Self {
        Self::read(&folder().join(format!("{name}.safetensors")))
    }

    /// Reads a file of such tensors.
    pub fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let (_, header) = SafeTensors::read_metadata(&bytes).expect("a safetensors header");
        let cases = header.metadata().clone().unwrap_or_default().into_iter().collect();
        let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
        let (wide, narrow): (Vec<_>, Vec<_>) = file.iter().partition(|(_, view)| view.dtype() == Dtype::F64);
        let tensors = narrow.iter().map(|(key, view)| ((*key).to_string(), read(key, view))).collect();
        let numbers = |data: &[u8]| data.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect();
        let doubles = wide.iter().map(|(key, view)| ((*key).to_string(), numbers(view.data()))).collect();
        Self { cases, tensors, doubles }
    }

    /// The tensor of that key; panics, naming the key, where there is none.
    pub fn get(&self, key: &str) -> &Tensor {
        self.find(key).unwrap_or_else(|| panic!("the fixture has no `{key}`"))
    }

    /// The tensor of that key, if there is one.
    pub fn find(&self, key: &str) -> Option<&Tensor> {
        self.tensors.get(key)
    }

    /// The numbers of an f64 tensor of that key.
    pub fn doubles(&self, key: &str) -> &[f64] {
        self.doubles.get(key).unwrap_or_else(|| panic!("the fixture has no f64 `{key}`"))
    }

    /// The tensors whose key starts with `prefix`, by the rest of their key, sorted.
    pub fn under<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a Tensor)> {
        self.tensors.iter().filter_map(move |(key, tensor)| Some((key.strip_prefix(prefix)?, tensor)))
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference/fixtures")
}

fn read(key: &str, view: &safetensors::tensor::TensorView<'_>) -> Tensor {
    assert_eq!(view.dtype(), Dtype::F32, "{key} is not f32");
    let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    Tensor { shape: view.shape().to_vec(), values }
}

/// The relative L2 error |got - want| / |want|; where `want` is (nearly) zero, |got - want| / 1e-7.
pub fn relative_error(got: &[f32], want: &[f32]) -> f64 {
    let norm = |squares: f64| squares.sqrt();
    let difference = norm(got.iter().zip(want).map(|(&g, &w)| (f64::from(g) - f64::from(w)).powi(2)).sum());
    difference / norm(want.iter().map(|&w| f64::from(w).powi(2)).sum()).max(1e-7)
}

/// Asserts that there are as many numbers and that their relative L2 error is at most `rel`; a NaN fails.
pub fn assert_close(name: &str, got: &[f32], want: &[f32], rel: f64) {
    assert_eq!(got.len(), want.len(), "{name}: {} numbers instead of {}", got.len(), want.len());
    let error = relative_error(got, want);
    let show = |v: &[f32]| format!("{:?}", &v[..v.len().min(8)]);
    assert!(
        error <= rel,
        "{name}: relative error {error:.3e} > {rel:.0e}\n  got  {}\n  want {}",
        show(got),
        show(want)
    );
}

/// The values that `tests/reference/encoders.py` gives the tensor that torchvision calls `name`, of that shape.
pub fn filled(name: &str, shape: &[usize]) -> Vec<f32> {
    let fan_in: usize = shape.iter().skip(1).product();
    let value = |u: f64| match name.rsplit('.').next() {
        Some("weight") if shape.len() > 1 => (6.0 / fan_in as f64).sqrt() * u,
        Some("weight") => 1.0 + 0.1 * u,
        Some("running_var") => 1.0 + 0.1 * u.abs(),
        _ => 0.1 * u,
    };
    let start = name.bytes().fold(0x811C_9DC5_u32, |h, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193));
    let count: usize = shape.iter().product();
    (0..count).map(|i| value(uniform(start, i as u32)) as f32).collect()
}

/// The `i`th of the numbers in [-1, 1) that follow from a hash.
fn uniform(start: u32, i: u32) -> f64 {
    let mut h = start.wrapping_add(i.wrapping_mul(0x9E37_79B9));
    h = (h ^ (h >> 16)).wrapping_mul(0x85EB_CA6B);
    h = (h ^ (h >> 13)).wrapping_mul(0xC2B2_AE35);
    f64::from((h ^ (h >> 16)) >> 8) / f64::from(1 << 23) - 1.0
}

#[test]
fn filling_by_formula_agrees_with_the_script() {
    let encoders = Fixture::load("encoders");
    for (name, tensor) in encoders.under("formula/") {
        assert_eq!(filled(name, &tensor.shape), tensor.values, "{name}");
    }
}

#[test]
fn every_fixture_is_small_and_every_case_has_tensors() {
    let files: Vec<_> = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap()).collect();
    assert!(!files.is_empty());
    // What other programs have written lies in folders.
    for file in files.into_iter().filter(|file| file.path().is_file()) {
        assert!(file.metadata().unwrap().len() < 300_000, "{:?} is too large", file.path());
        let fixture = Fixture::load(file.path().file_stem().unwrap().to_str().unwrap());
        for case in fixture.cases.keys() {
            assert!(fixture.under(&format!("{case}/")).next().is_some(), "{case} has no tensor");
        }
    }
}

#[test]
fn gradients_have_the_shapes_of_their_inputs() {
    let ops = Fixture::load("ops");
    for case in ops.cases.keys() {
        let shape = |key: String| ops.find(&key).map(|t| t.shape.clone());
        for i in 0..3 {
            if let Some(grad) = shape(format!("{case}/grad{i}")) {
                assert_eq!(Some(grad), shape(format!("{case}/in{i}")), "{case}");
            }
        }
        if let Some(cotangent) = ops.find(&format!("{case}/cot")) {
            assert_eq!(cotangent.shape, ops.get(&format!("{case}/out")).shape, "{case}");
        }
    }
}

#[test]
fn layers_have_gradients_for_all_that_is_trained() {
    let layers = Fixture::load("layers");
    for (key, grad) in layers.cases.keys().flat_map(|case| {
        let of = |part| layers.find(&format!("{case}/grad_{part}")).map(|g| (format!("{case}/{part}"), g));
        ["x", "weight", "bias"].into_iter().filter_map(of).collect::<Vec<_>>()
    }) {
        assert_eq!(grad.shape, layers.get(&key).shape, "{key}");
    }
}

#[test]
fn closeness_is_relative_and_a_nan_is_not_close() {
    assert_close("near", &[1000.01, 0.0], &[1000.0, 0.0], 1e-4);
    assert_eq!(relative_error(&[3.0, 4.0], &[0.0, 5.0]), (10.0f64).sqrt() / 5.0);
    assert!(std::panic::catch_unwind(|| assert_close("nan", &[f32::NAN], &[1.0], 1e-4)).is_err());
    assert!(relative_error(&[1e-3], &[0.0]) > 1.0);
}
