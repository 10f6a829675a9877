//! Functions of tensors as the language calls them: an entry of the catalogue and how its call becomes nodes.

use super::{Dim, Graph, NodeId, ShapeError};
use crate::catalog::Entry;

/// A word of the language that makes nodes.
pub struct Function {
    /// Its signature, formula and documentation.
    pub entry: Entry,
    /// Adds the nodes of one call.
    pub build: fn(&mut Graph, &Call) -> Result<NodeId, ShapeError>,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.entry.name)
    }
}

/// The value of an argument of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Left out.
    None,
    /// A tensor.
    Tensor(NodeId),
    /// Several tensors (a variadic argument, or a list).
    Tensors(Vec<NodeId>),
    /// A number known before training.
    Number(f64),
    /// A truth value.
    Bool(bool),
    /// A choice or string.
    Text(String),
    /// Dimensions.
    Dims(Vec<Dim>),
    /// Axes as written, negative from the end.
    Axes(Vec<i64>),
}

/// A call with every argument checked against the entry and defaults filled in.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// Arguments by name.
    pub args: Vec<(&'static str, Value)>,
    /// A number that no other random call has: two draws are two draws.
    pub stream: u64,
}

impl Call {
    /// The argument of that name.
    pub fn get(&self, name: &str) -> &Value {
        self.args.iter().find(|(n, _)| *n == name).map_or(&Value::None, |(_, v)| v)
    }

    /// A tensor argument.
    pub fn tensor(&self, name: &str) -> Result<NodeId, ShapeError> {
        let Value::Tensor(node) = self.get(name) else {
            return Err(ShapeError::new(format!("`{name}` must be a tensor")));
        };
        Ok(*node)
    }

    /// Several tensors; one tensor is a list of one.
    pub fn tensors(&self, name: &str) -> Vec<NodeId> {
        let given = self.get(name);
        if let Value::Tensors(nodes) = given { nodes.clone() } else { self.tensor(name).into_iter().collect() }
    }

    /// A number, if given.
    pub fn number(&self, name: &str) -> Option<f64> {
        if let Value::Number(x) = self.get(name) { Some(*x) } else { None }
    }

    /// A truth value.
    pub fn bool(&self, name: &str) -> bool {
        matches!(self.get(name), Value::Bool(true))
    }

    /// A choice or string.
    pub fn text(&self, name: &str) -> &str {
        if let Value::Text(t) = self.get(name) { t } else { "" }
    }

    /// Dimensions.
    pub fn dims(&self, name: &str) -> &[Dim] {
        if let Value::Dims(d) = self.get(name) { d } else { &[] }
    }

    /// Axes counted from the front for a tensor of `rank`, sorted; all of them when left out.
    pub fn axes(&self, name: &str, rank: usize) -> Result<Vec<usize>, ShapeError> {
        let Value::Axes(axes) = self.get(name) else { return Ok((0..rank).collect()) };
        let mut found = axes.iter().map(|&a| axis(a, rank)).collect::<Result<Vec<_>, _>>()?;
        found.sort_unstable();
        let before = found.len();
        found.dedup();
        if found.len() == before {
            Ok(found)
        } else {
            Err(ShapeError::new(format!("`{name}` names a dimension twice")))
        }
    }

    /// One axis counted from the front for a tensor of `rank`; `None` when left out.
    pub fn axis(&self, name: &str, rank: usize) -> Result<Option<usize>, ShapeError> {
        let Value::Axes(axes) = self.get(name) else { return Ok(None) };
        let [one] = axes[..] else { return Err(ShapeError::new(format!("`{name}` must be one dimension"))) };
        axis(one, rank).map(Some)
    }
}

/// The axis counted from the front.
fn axis(a: i64, rank: usize) -> Result<usize, ShapeError> {
    let from_front = if a < 0 { a + rank as i64 } else { a };
    usize::try_from(from_front).ok().filter(|&f| f < rank).ok_or_else(|| {
        ShapeError::new(format!("there is no dimension {a}: the tensor has {rank}"))
            .help(format!("dimensions go from 0 to {} or from -{rank} to -1", rank.saturating_sub(1)))
    })
}
