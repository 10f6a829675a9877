//! The types of tensors: element type and shape.

use super::Dim;
use std::fmt;

/// What the elements of a tensor mean. All are stored as floats; integers up to 2^24 are exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// Real numbers, through which gradients flow.
    Float,
    /// Whole numbers: labels, indices.
    Int,
    /// 0 or 1: comparisons, masks.
    Bool,
}

/// The dimensions of a tensor, outermost first.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Shape(pub Vec<Dim>);

impl Shape {
    /// The shape of a scalar.
    pub fn scalar() -> Shape {
        Shape(Vec::new())
    }

    /// A shape of plain numbers.
    pub fn of(dims: &[usize]) -> Shape {
        Shape(dims.iter().map(|&d| Dim::from(d)).collect())
    }

    /// How many dimensions there are.
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// How many elements there are.
    pub fn count(&self) -> Dim {
        Dim::product(&self.0)
    }

    /// The plain numbers, given the sizes of the symbols; `None` where one is not given.
    pub fn concrete(&self, size: &dyn Fn(&str) -> Option<i64>) -> Option<Vec<usize>> {
        self.0.iter().map(|d| d.eval(size).and_then(|n| usize::try_from(n).ok())).collect()
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims: Vec<String> = self.0.iter().map(Dim::to_string).collect();
        write!(f, "[{}]", dims.join(", "))
    }
}

/// Element type and shape.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TensorType {
    /// What the elements mean.
    pub dtype: DType,
    /// The dimensions.
    pub shape: Shape,
}

impl TensorType {
    /// A tensor of real numbers.
    pub fn float(shape: Shape) -> Self {
        Self { dtype: DType::Float, shape }
    }

    /// A tensor of whole numbers.
    pub fn int(shape: Shape) -> Self {
        Self { dtype: DType::Int, shape }
    }

    /// A tensor of truth values.
    pub fn bool(shape: Shape) -> Self {
        Self { dtype: DType::Bool, shape }
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.dtype {
            DType::Float => write!(f, "{}", self.shape),
            DType::Int => write!(f, "int{}", self.shape),
            DType::Bool => write!(f, "bool{}", self.shape),
        }
    }
}
