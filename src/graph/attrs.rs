//! The attributes of a node: what an operation is told besides its inputs.

use super::Dim;
use std::fmt;
use std::hash::{Hash, Hasher};

/// A real number that is compared by its bits.
#[derive(Clone, Copy, Debug)]
pub struct Number(pub f64);

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

/// The value of one attribute.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Attr {
    /// A whole number.
    Int(i64),
    /// A real number.
    Float(Number),
    /// A truth value.
    Bool(bool),
    /// A word.
    Text(String),
    /// Whole numbers, such as axes.
    Ints(Vec<i64>),
    /// Symbolic dimensions.
    Dims(Vec<Dim>),
}

impl fmt::Display for Attr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |items: Vec<String>| format!("[{}]", items.join(", "));
        match self {
            Attr::Int(a) => write!(f, "{a}"),
            Attr::Float(a) => write!(f, "{}", a.0),
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
    pub const fn new() -> Self {
        Self(Vec::new())
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
        self.with(name, Attr::Float(Number(value)))
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

    /// The attribute of that name. Whoever asks knows the operation, which is always told it.
    fn told(&self, name: &str) -> &Attr {
        self.get(name).unwrap_or_else(|| panic!("no attribute `{name}` among {self:?}"))
    }

    /// A whole number.
    pub fn get_int(&self, name: &str) -> i64 {
        let Attr::Int(a) = self.told(name) else { panic!("`{name}` is no whole number in {self:?}") };
        *a
    }

    /// A whole number that is an axis, a size or an index.
    pub fn get_usize(&self, name: &str) -> usize {
        self.get_int(name).max(0) as usize
    }

    /// A real number.
    pub fn get_float(&self, name: &str) -> f64 {
        let Attr::Float(a) = self.told(name) else { panic!("`{name}` is no real number in {self:?}") };
        a.0
    }

    /// A truth value.
    pub fn get_bool(&self, name: &str) -> bool {
        let Attr::Bool(a) = self.told(name) else { panic!("`{name}` is no truth value in {self:?}") };
        *a
    }

    /// A word.
    pub fn get_text(&self, name: &str) -> &str {
        let Attr::Text(a) = self.told(name) else { panic!("`{name}` is no word in {self:?}") };
        a
    }

    /// Axes, or dimensions that have become numbers.
    pub fn get_axes(&self, name: &str) -> Vec<usize> {
        let Attr::Ints(a) = self.told(name) else { panic!("`{name}` is no list of whole numbers in {self:?}") };
        a.iter().map(|&i| i as usize).collect()
    }

    /// Dimensions.
    pub fn get_dims(&self, name: &str) -> &[Dim] {
        let Attr::Dims(a) = self.told(name) else { panic!("`{name}` is no list of dimensions in {self:?}") };
        a
    }

    /// The one dimension of that name.
    pub fn get_dim(&self, name: &str) -> &Dim {
        &self.get_dims(name)[0]
    }
}
