//! What a module is told of the mask of the view that its branch is applied to.

use crate::graph::NodeId;

/// What is hidden of a view, in patches numbered row by row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaskInput {
    /// Rows and columns of patches.
    pub grid: (usize, usize),
    /// 1 where a patch is hidden, 0 where it is visible, `[N, T]`.
    pub hides: NodeId,
    /// The numbers of the visible patches, ascending, `[N, V]`.
    pub visible: Result<NodeId, Uncounted>,
    /// The numbers of the hidden patches, ascending, `[N, M]`.
    pub hidden: Result<NodeId, Uncounted>,
    /// The numbers of the patches of each target, ascending, `[N, M]` each; none for most kinds of masks.
    pub targets: Vec<NodeId>,
}

/// Why some patches of all samples cannot stand in one tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uncounted {
    /// Their count changes from sample to sample.
    Varies,
    /// There are none.
    None,
}
