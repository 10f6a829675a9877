//! Where a module builds: the graph, the path of its parameters, and whom they belong to.

use super::MaskInput;
use crate::catalog::Schedule;
use crate::graph::{Dim, Ema, Graph, Init, NodeId, ParamKind, Parameter, Shape, ShapeError, State, StateId};
use crate::source::Span;

/// The place in a graph where a module adds its parameters and nodes.
#[derive(Debug)]
pub struct Build<'a> {
    /// The graph that grows.
    pub graph: &'a mut Graph,
    /// The path of the module: `branch.stage.layer`; empty at the root.
    pub path: String,
    /// Whether the step trains or only looks.
    pub mode: Mode,
    /// Whom the parameters belong to.
    pub owner: Owner,
    /// Height and width of the recipe's largest view, for layers that have one set of weights for images of several sizes.
    pub image: Option<(usize, usize)>,
    /// What is hidden of the view that the branch is applied to, where it is a masked one.
    pub mask: Option<&'a MaskInput>,
}

/// What a graph is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Batch statistics, which running averages follow; dropout.
    Train,
    /// Running averages; no dropout.
    Eval,
}

/// The branch that parameters belong to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Owner {
    /// If its parameters follow those of another branch.
    pub ema: Option<EmaOf>,
    /// Where the branch is declared.
    pub span: Option<Span>,
}

/// A branch whose parameters are moving averages of another's, path by path.
#[derive(Clone, Debug, PartialEq)]
pub struct EmaOf {
    /// The path of the copy: `target`.
    pub copy: String,
    /// The path of what it follows: `online`.
    pub source: String,
    /// How much of the old value stays.
    pub decay: Schedule,
    /// Whether the average moves before the forward pass instead of after the optimizer.
    pub before: bool,
    /// If it moves only every so many epochs.
    pub every: Option<f64>,
    /// How what it follows follows another branch, if it does.
    pub then: Option<Box<EmaOf>>,
}

impl EmaOf {
    /// The path that `path` follows; `None` where it lies outside of the copy. What stands behind a `/` is no part of a branch: it is
    /// called so alone where it is trained.
    fn source_of(&self, path: &str) -> Option<String> {
        let rest = path.strip_prefix(&self.copy)?;
        match (rest.strip_prefix('/'), &self.then) {
            (Some(shared), None) => Some(shared.to_owned()),
            (None, _) if !rest.is_empty() && !rest.starts_with('.') => None,
            _ => Some(format!("{}{rest}", self.source)),
        }
    }
}

impl<'a> Build<'a> {
    /// The root of `path` in a graph.
    pub fn new(graph: &'a mut Graph, path: impl Into<String>, mode: Mode, owner: Owner) -> Self {
        Self { graph, path: path.into(), mode, owner, image: None, mask: None }
    }

    /// The same for a recipe whose largest view is that large.
    pub fn with_image(self, image: Option<(usize, usize)>) -> Self {
        Self { image, ..self }
    }

    /// The same for a view with that mask.
    pub fn with_mask(self, mask: Option<&'a MaskInput>) -> Self {
        Self { mask, ..self }
    }

    /// The parameter `path.name`: its node, with the parameter made if it is new.
    ///
    /// In a moving average of a branch it follows the parameter of the same path there, which is made too if it is new.
    pub fn weight(&mut self, name: &str, shape: &[usize], init: Init, kind: ParamKind) -> Result<NodeId, ShapeError> {
        let name = self.join(name);
        let ema = match self.owner.ema.clone() {
            Some(ema) => self.follow(ema, &name, shape, init, kind)?,
            None => None,
        };
        self.parameter(Parameter {
            name,
            shape: shape.to_vec(),
            init,
            kind,
            ema,
            unit_rows: false,
            span: self.owner.span,
        })
    }

    /// Says that the rows of the parameter `path.name` are put back to length 1 before each step.
    pub fn keep_unit_rows(&mut self, name: &str) {
        let name = self.join(name);
        if let Some(parameter) = self.graph.params.iter_mut().find(|p| p.name == name) {
            parameter.unit_rows = true;
        }
    }

    /// The state `path.name`: its number, and the node that reads it as it stood before this step.
    pub fn state(&mut self, name: &str, shape: &[usize], init: Init) -> (StateId, NodeId) {
        let name = self.join(name);
        self.graph.state(State { name, shape: Shape::of(shape), init, span: self.owner.span })
    }

    /// Builds a part under `path.name`.
    pub fn scope<T>(
        &mut self,
        name: &str,
        build: impl FnOnce(&mut Build) -> Result<T, ShapeError>,
    ) -> Result<T, ShapeError> {
        let inner = self.join(name);
        let outer = std::mem::replace(&mut self.path, inner);
        let result = build(self);
        self.path = outer;
        result
    }

    /// [`Build::scope`] of a block: a part whose inner values can be computed again for the gradients and need not be kept.
    pub fn block<T>(
        &mut self,
        name: &str,
        build: impl FnOnce(&mut Build) -> Result<T, ShapeError>,
    ) -> Result<T, ShapeError> {
        let first = self.graph.len();
        let result = self.scope(name, build);
        if self.graph.len() > first {
            self.graph.blocks.push(first..self.graph.len());
        }
        result
    }

    /// The size of the last dimension of `x`, which a layer's parameters need to know.
    pub fn features(&self, layer: &str, x: NodeId) -> Result<usize, ShapeError> {
        let shape = self.graph.shape(x);
        let last = match &shape.0[..] {
            [_, .., last] => last,
            _ => return Err(ShapeError::new(format!("{layer} needs a batch of vectors or images, this is {shape}"))),
        };
        let size = last.constant().and_then(|n| usize::try_from(n).ok()).filter(|&n| n > 0);
        size.ok_or_else(|| {
            ShapeError::new(format!("{layer} needs to know the size of the last dimension of {shape}"))
                .help("its weights cannot depend on the batch size")
        })
    }

    /// A number that only this module's use of `x` has, for its random draws.
    pub fn stream(&self, x: NodeId) -> u64 {
        let bytes = self.path.bytes().chain(x.0.to_le_bytes());
        // FNV-1a; the top bit is left out, as attributes are signed.
        bytes.fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)) >> 1
    }

    fn join(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// How the parameter `name` follows another one.
    fn follow(
        &mut self,
        ema: EmaOf,
        name: &str,
        shape: &[usize],
        init: Init,
        kind: ParamKind,
    ) -> Result<Option<Ema>, ShapeError> {
        let Some(source) = ema.source_of(name) else { return Ok(None) };
        let further = match ema.then {
            Some(then) => self.follow(*then, &source, shape, init, kind)?,
            None => None,
        };
        let (name, shape) = (source.clone(), shape.to_vec());
        let parameter = Parameter { name, shape, init, kind, ema: further, unit_rows: false, span: None };
        self.parameter(parameter)?;
        let of = self.graph.find_parameter(&source).expect("it was just made");
        Ok(Some(Ema { of, decay: ema.decay, before: ema.before, every: ema.every }))
    }

    /// The parameter's node; a second use of a path must want the same shape.
    fn parameter(&mut self, parameter: Parameter) -> Result<NodeId, ShapeError> {
        let found = self.graph.find_parameter(&parameter.name).map(|id| &self.graph.params[id.index()].shape);
        match found {
            Some(shape) if *shape != parameter.shape => Err(two_shapes(&parameter.name, shape, &parameter.shape)),
            _ => Ok(self.graph.parameter(parameter)),
        }
    }
}

fn two_shapes(name: &str, first: &[usize], second: &[usize]) -> ShapeError {
    let (first, second) = (Shape::of(first), Shape::of(second));
    ShapeError::new(format!("`{name}` is {first} where it is used first, but {second} here"))
        .help("a module has one set of weights: give it inputs of one size, or use two modules")
}

/// How many vectors of the last dimension a tensor holds.
pub(super) fn positions(shape: &Shape) -> Dim {
    Dim::product(&shape.0[..shape.rank().saturating_sub(1)])
}
