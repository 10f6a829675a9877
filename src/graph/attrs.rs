//! The attributes of a node: what an operation is told besides its inputs.

use super::Dim;
use std::fmt;
use std::hash::{Hash, Hasher};

/// The value of one attribute.
#[derive(Clone, Debug)]
pub enum Attr {
    /// A whole number.
    Int(i64),
    /// A real number, compared by its bits.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A word.
    Text(String),
    /// Whole numbers, such as axes.
    Ints(Vec<i64>),
    /// Symbolic dimensions.
    Dims(Vec<Dim>),
}

impl PartialEq for Attr {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Attr::Int(a), Attr::Int(b)) => a == b,
            (Attr::Float(a), Attr::Float(b)) => a.to_bits() == b.to_bits(),
            (Attr::Bool(a), Attr::Bool(b)) => a == b,
            (Attr::Text(a), Attr::Text(b)) => a == b,
            (Attr::Ints(a), Attr::Ints(b)) => a == b,
            (Attr::Dims(a), Attr::Dims(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Attr {}

impl Hash for Attr {
    fn hash<H: Hasher>(&self, state: &mut H) {
        std::mem::discriminant(self).hash(state);
        match self {
            Attr::Int(a) => a.hash(state),
            Attr::Float(a) => a.to_bits().hash(state),
            Attr::Bool(a) => a.hash(state),
            Attr::Text(a) => a.hash(state),
            Attr::Ints(a) => a.hash(state),
            Attr::Dims(a) => a.hash(state),
        }
    }
}

impl fmt::Display for Attr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |items: Vec<String>| format!("[{}]", items.join(", "));
        match self {
            Attr::Int(a) => write!(f, "{a}"),
            Attr::Float(a) => write!(f, "{a}"),
            Attr::Bool(a) => write!(f, "{a}"),
            Attr::Text(a) => write!(f, "{a}"),
            Attr::Ints(a) => write!(f, "{}", list(a.iter().map(i64::to_string).collect())),
            Attr::Dims(a) => write!(f, "{}", list(a.iter().map(Dim::to_string).collect())),
        }
    }
}

/// Attributes by name, in a fixed order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attrs(Vec<(&'static str, Attr)>);

impl Attrs {
    /// No attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// These and one more.
    pub fn with(mut self, name: &'static str, value: Attr) -> Self {
        self.0.push((name, value));
        self
    }

    /// These and a whole number.
    pub fn int(self, name: &'static str, value: i64) -> Self {
        self.with(name, Attr::Int(value))
    }

    /// These and a real number.
    pub fn float(self, name: &'static str, value: f64) -> Self {
        self.with(name, Attr::Float(value))
    }

    /// These and a truth value.
    pub fn bool(self, name: &'static str, value: bool) -> Self {
        self.with(name, Attr::Bool(value))
    }

    /// These and axes.
    pub fn axes(self, name: &'static str, axes: &[usize]) -> Self {
        self.with(name, Attr::Ints(axes.iter().map(|&a| a as i64).collect()))
    }

    /// These and dimensions.
    pub fn dims(self, name: &'static str, dims: &[Dim]) -> Self {
        self.with(name, Attr::Dims(dims.to_vec()))
    }

    /// All attributes in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Attr)> {
        self.0.iter().map(|(n, a)| (*n, a))
    }

    /// The attribute of that name.
    pub fn get(&self, name: &str) -> Option<&Attr> {
        self.0.iter().find(|(n, _)| *n == name).map(|(_, a)| a)
    }

    /// A whole number, 0 if there is none of that name.
    pub fn get_int(&self, name: &str) -> i64 {
        if let Some(Attr::Int(a)) = self.get(name) { *a } else { 0 }
    }

    /// A whole number that is an axis, a size or an index.
    pub fn get_usize(&self, name: &str) -> usize {
        self.get_int(name).max(0) as usize
    }

    /// A real number, 0 if there is none of that name.
    pub fn get_float(&self, name: &str) -> f64 {
        if let Some(Attr::Float(a)) = self.get(name) { *a } else { 0.0 }
    }

    /// A truth value, false if there is none of that name.
    pub fn get_bool(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Attr::Bool(true)))
    }

    /// Axes, none if there is no attribute of that name.
    pub fn get_axes(&self, name: &str) -> Vec<usize> {
        if let Some(Attr::Ints(a)) = self.get(name) { a.iter().map(|&i| i as usize).collect() } else { Vec::new() }
    }

    /// Dimensions, none if there is no attribute of that name.
    pub fn get_dims(&self, name: &str) -> &[Dim] {
        if let Some(Attr::Dims(a)) = self.get(name) { a } else { &[] }
    }
}
