//! From a node to the call that computes it.

use crate::exec::Real;
use crate::graph::Attrs;
use crate::random::derive;

/// What a lowering is told of a node: all sizes are known.
pub struct Site<'a> {
    /// The node's attributes; dimensions are whole numbers.
    pub attrs: &'a Attrs,
    /// The dimensions of its inputs.
    pub inputs: Vec<&'a [usize]>,
    /// The dimensions of its result.
    pub output: &'a [usize],
}

impl Site<'_> {
    /// The attribute of that name as one size.
    pub fn dim(&self, name: &str) -> usize {
        self.attrs.get_axes(name).first().copied().unwrap_or(0)
    }

    /// The dimensions of an input, to be kept by a call.
    pub fn input(&self, i: usize) -> Vec<usize> {
        self.inputs[i].to_vec()
    }

    /// How many numbers an input holds.
    pub fn count(&self, i: usize) -> usize {
        self.inputs[i].iter().product()
    }
}

/// The step that is being computed.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The seed of the run.
    pub seed: u64,
    /// The number of the step.
    pub step: u64,
}

impl Moment {
    /// The seed of a random stream in this step.
    pub fn stream(&self, stream: u64) -> u64 {
        derive(&[self.seed, self.step, stream])
    }
}

/// A kernel with all its sizes: from the inputs' numbers to the result's.
pub type Whole<T> = Box<dyn FnMut(&[&[T]], &mut [T], Moment) -> Result<(), String> + Send>;

/// A kernel that computes each element from the elements in the same place of inputs of the result's size, or from
/// inputs of one element. It may be given any range of places.
pub type Pointwise<T> = Box<dyn Fn(&[&[T]], &mut [T]) + Send + Sync>;

/// How a node is computed.
pub enum Kernel<T: Real> {
    /// All at once.
    Whole(Whole<T>),
    /// Place by place.
    Pointwise(Pointwise<T>),
}

impl<T: Real> Kernel<T> {
    /// A kernel that cannot fail.
    pub fn whole(mut compute: impl FnMut(&[&[T]], &mut [T]) + Send + 'static) -> Self {
        Self::fallible(move |x, y| {
            compute(x, y);
            Ok(())
        })
    }

    /// A kernel that some numbers make fail.
    pub fn fallible(mut compute: impl FnMut(&[&[T]], &mut [T]) -> Result<(), String> + Send + 'static) -> Self {
        Kernel::Whole(Box::new(move |x, y, _| compute(x, y)))
    }

    /// A kernel of nothing but the moment.
    pub fn drawn(mut draw: impl FnMut(&mut [T], Moment) + Send + 'static) -> Self {
        Kernel::Whole(Box::new(move |_, y, moment| {
            draw(y, moment);
            Ok(())
        }))
    }

    /// A kernel that works place by place.
    pub fn pointwise(compute: impl Fn(&[&[T]], &mut [T]) + Send + Sync + 'static) -> Self {
        Kernel::Pointwise(Box::new(compute))
    }
}

/// How the operation of a name is computed.
pub type Lowering<T> = (&'static str, fn(&Site) -> Kernel<T>);

/// The lowering of the operation of that name.
pub fn find<T: Real>(name: &str) -> Option<fn(&Site) -> Kernel<T>> {
    let families = [
        super::elementwise::lowerings(),
        super::reduce::lowerings(),
        super::movement::lowerings(),
        super::matmul::lowerings(),
        super::index::lowerings(),
        super::random::lowerings(),
        super::softmax::lowerings(),
        super::conv::lowerings(),
        super::norm::lowerings(),
        super::linalg::lowerings(),
    ];
    families.into_iter().flatten().find(|(n, _)| *n == name).map(|(_, lower)| lower)
}
