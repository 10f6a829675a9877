//! Layers and backbones as builders of graph.

mod batchnorm;
mod build;
mod conv2d;
mod dropout;
mod embedding;
mod flatten;
mod groupnorm;
mod layernorm;
mod linear;
mod mask;
mod mlp;
mod module;
mod peer;
mod pool;
mod positions;
mod prototypes;
mod resnet;
mod upsample;
mod vit;

pub use build::{Build, EmaOf, Mode, Owner};
pub use mask::{MaskInput, Uncounted};
pub use module::{Layer, Module, Output};
pub use peer::{Peer, Table, Transformer};

use crate::catalog::Entry;

/// The parameter by which a layer says what it does with a mask.
pub const MASKED: &str = "masked";

/// Every layer and backbone that recipes can name.
pub static LAYERS: &[&Layer] = &[
    &linear::LAYER,
    &prototypes::LAYER,
    &conv2d::LAYER,
    &batchnorm::LAYER,
    &layernorm::LAYER,
    &groupnorm::LAYER,
    &dropout::LAYER,
    &pool::MAX,
    &pool::AVERAGE,
    &pool::GLOBAL,
    &flatten::LAYER,
    &embedding::LAYER,
    &positions::LAYER,
    &upsample::LAYER,
    &mlp::LAYER,
    &resnet::RESNET18,
    &resnet::RESNET34,
    &resnet::RESNET50,
    &vit::VIT,
    &vit::TINY,
    &vit::SMALL,
    &vit::BASE,
    &vit::DECODER,
    &vit::PREDICTOR,
];

/// The layer of that word.
pub fn layer(entry: &'static Entry) -> Option<&'static Layer> {
    LAYERS.iter().copied().find(|layer| layer.entry == *entry)
}
