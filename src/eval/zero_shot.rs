//! Classification by the names of classes.

use super::features::{Features, accuracy, argmax, normalized};
use super::pair::{COLUMN, PICTURES, Pairing, TEXTS};
use crate::catalog::{Config, Entry, Kind, Param, ParamType};
use crate::kernels::{Matrix, multiply};

/// The word `zero_shot`.
pub static ENTRY: Entry = Entry {
    name: "zero_shot",
    kind: Kind::Probe,
    params: &[
        PICTURES,
        TEXTS,
        COLUMN,
        Param::optional(
            "templates",
            ParamType::Texts,
            "\"{}\"",
            "A text, or several, in which `{}` stands for the name of a class.",
        ),
    ],
    formula: "class = argmax_c cos(f(x), mean over templates of t(template with the name of c))",
    doc: "Classes by their names alone (Radford et al. 2021, arXiv:2103.00020, section 3.1): a picture has the class whose texts \
          are most like it. No label is used.",
};

/// What stands for the name of a class.
const HOLE: &str = "{}";

/// Zero-shot classification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZeroShot {
    /// The two towers.
    pub pairing: Pairing,
    /// Texts with a hole for the name of a class.
    pub templates: Vec<String>,
}

impl ZeroShot {
    /// Reads a checked call of `zero_shot`.
    pub fn from_config(config: &Config) -> Self {
        Self { pairing: Pairing::from_config(config), templates: config.texts("templates") }
    }

    /// The texts of a class.
    pub fn texts(&self, class: &str) -> Vec<String> {
        let name = class.replace('_', " ");
        self.templates.iter().map(|template| template.replace(HOLE, &name)).collect()
    }

    /// The first template in which no class has a place.
    pub fn without_hole(&self) -> Option<&str> {
        self.templates.iter().map(String::as_str).find(|template| !template.contains(HOLE))
    }
}

/// The accuracy of taking each row for the class whose texts it is most like: `[classes * templates, dim]`, those of a class one
/// behind the other.
pub fn zero_shot(test: Features<'_>, texts: &[f32], templates: usize) -> f64 {
    let dim = test.dim.max(1);
    let each = normalized(texts, dim);
    let sum = |some: &[f32]| {
        let mut sum = vec![0.0; dim];
        some.chunks(dim).for_each(|row| sum.iter_mut().zip(row).for_each(|(s, x)| *s += x));
        sum
    };
    let classes: Vec<f32> = each.chunks(dim * templates.max(1)).flat_map(sum).collect();
    let (classes, rows) = (normalized(&classes, dim), normalized(test.values, dim));
    let count = classes.len() / dim;
    let mut similarity = vec![0.0; test.rows() * count];
    let (a, b) = (Matrix::new(&rows, test.rows(), dim), Matrix::new(&classes, count, dim));
    multiply(&mut similarity, false, a, b.t());
    let predictions: Vec<u32> = similarity.chunks(count.max(1)).map(argmax).collect();
    accuracy(&predictions, test.labels)
}
