//! From a node to the call that computes it.

pub use crate::exec::site::{Moment, Site};

use crate::exec::Real;
use crate::graph::Operation;

/// A kernel with all its sizes: from the inputs' numbers to the result's.
pub type Whole<T> = Box<dyn FnMut(&[&[T]], &mut [T], Moment) -> Result<(), String> + Send>;

/// A kernel that computes each element from the elements in the same place of inputs of the result's size, from inputs of one
/// element, and from a row that repeats. It may be given any range of places, with the row then as long as that.
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

/// How an operation is computed.
pub type Lowering<T> = (&'static Operation, fn(&Site) -> Kernel<T>);

/// How that operation is computed.
pub fn find<T: Real>(op: &Operation) -> Option<fn(&Site) -> Kernel<T>> {
    let families = [
        super::elementwise::lowerings(),
        super::reduce::lowerings(),
        super::movement::lowerings(),
        super::matmul::lowerings(),
        super::index::lowerings(),
        super::labels::lowerings(),
        super::random::lowerings(),
        super::softmax::lowerings(),
        super::attention::lowerings(),
        super::conv::lowerings(),
        super::norm::lowerings(),
        super::linalg::lowerings(),
        super::assign::lowerings(),
        super::fused::lowerings(),
    ];
    families.into_iter().flatten().find(|(known, _)| *known == op).map(|(_, lower)| lower)
}
