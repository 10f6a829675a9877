//! Values computed again for the gradients: the same numbers to the bit, in less memory.

use super::fusion::{run, size, trained, warnings};
use sslrun::compile::{Plan, Program};
use sslrun::graph::NodeId;

/// A step that keeps everything, and one that computes the inside of blocks again.
fn both(encoder: &str) -> [Program; 2] {
    ["recompute: none", "recompute: blocks"].map(|train| trained(encoder, "mlp(8, 8)", train))
}

/// Asserts that both compute the same, fused or not, and gives their memory in numbers.
fn same(encoder: &str) -> [usize; 2] {
    let [kept, again] = both(encoder);
    assert!(again.live().len() > kept.live().len(), "{encoder}: nothing is computed again");
    assert!(run(&kept) == run(&again), "{encoder}: as they are");
    let [kept, again] = [kept.fused(), again.fused()];
    assert!(run(&kept) == run(&again), "{encoder}: fused");
    [kept, again].map(|program| Plan::new(&program, &size).unwrap().arena_len)
}

#[test]
fn transformers_keep_what_leaves_their_blocks() {
    let [kept, again] = same("vit(16, 6, 2, patch: 4, drop_path: 0.3, layer_scale: 0.1)");
    assert!(3 * again < kept, "{again} of {kept}");
}

#[test]
fn residual_networks_keep_what_leaves_their_blocks() {
    let [kept, again] = same("resnet50(stem: small, width: 4)");
    assert!(2 * again < kept, "{again} of {kept}");
}

#[test]
fn without_blocks_nothing_changes_and_a_warning_says_so() {
    let [kept, again] = both("small_convnet()");
    assert_eq!(kept.live().len(), again.live().len());
    let warned = |encoder: &str, train: &str| {
        let warnings = warnings(encoder, "mlp(8, 8)", train);
        warnings.iter().any(|warning| warning.message.contains("no block"))
    };
    assert!(warned("small_convnet()", "recompute: blocks"));
    assert!(!warned("small_convnet()", "recompute: none"));
    assert!(!warned("vit(16, 1, 2, patch: 4)", "recompute: blocks"));
}

#[test]
fn what_is_light_is_not_kept_for_the_gradients() {
    for (encoder, operation, counted, kept) in [
        ("vit(16, 2, 2, patch: 4)", "gelu", 2 * 2, 0),
        ("vit(16, 2, 2, patch: 4)", "layer_norm", 2 * (2 * 2 + 1), 0),
        // The sums at the ends of blocks are kept: to compute one again takes all before it.
        ("resnet18(stem: small, width: 4)", "batch_norm_relu", 2 * (1 + 8 + 8 + 1), 2 * 8),
    ] {
        let program = trained(encoder, "mlp(8, 8)", "").fused();
        let of = |id: &NodeId| program.graph.node(*id).kind.to_string() == operation;
        let (forward, backward): (Vec<NodeId>, Vec<NodeId>) =
            program.live().into_iter().partition(|id| *id < program.loss.unwrap());
        let read: Vec<NodeId> = backward.iter().flat_map(|&id| program.graph.node(id).inputs.clone()).collect();
        let forward: Vec<NodeId> = forward.into_iter().filter(of).collect();
        assert_eq!(forward.len(), counted, "{encoder}");
        assert_eq!(forward.iter().filter(|id| read.contains(id)).count(), kept, "{encoder}");
        assert_eq!(backward.into_iter().filter(of).count(), counted - kept, "{encoder}");
    }
}
