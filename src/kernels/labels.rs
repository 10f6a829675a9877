//! Labels, held to the classes there are.
use std::fmt;

use super::elem::Elem;

/// A label that is none of the classes.
#[derive(Clone, Debug, PartialEq)]
pub struct BadLabel {
    /// Where in the tensor of labels.
    pub place: Vec<usize>,
    /// Its value.
    pub value: f64,
    /// How many classes there are.
    pub classes: usize,
}

impl fmt::Display for BadLabel {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let at = match self.place[..] {
            [row] => format!("row {row}"),
            _ => format!("place {:?}", self.place),
        };
        // A number of 32 bits is shown as such: 0.4, and not what it is nearest to.
        let short = self.value as f32;
        let value = if f64::from(short) == self.value { short.to_string() } else { self.value.to_string() };
        write!(f, "the label of {at} is {value}, which is none of {} classes, numbered from 0", self.classes)
    }
}

impl std::error::Error for BadLabel {}

/// `out = labels`, of the dimensions `dims`, if each is a whole number from 0 and below `classes`.
pub fn class_labels<T: Elem>(labels: &[T], dims: &[usize], classes: usize, out: &mut [T]) -> Result<(), BadLabel> {
    let is_one = |v: f64| v >= 0.0 && v < classes as f64 && v.fract() == 0.0;
    if let Some(at) = labels.iter().position(|v| !is_one(v.to_f64())) {
        let mut place = vec![0; dims.len()];
        let mut rest = at;
        for (axis, size) in dims.iter().enumerate().rev() {
            place[axis] = rest % size;
            rest /= size;
        }
        return Err(BadLabel { place, value: labels[at].to_f64(), classes });
    }
    out.copy_from_slice(labels);
    Ok(())
}
