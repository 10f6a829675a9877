//! How pixels are normalised for weights: as their file says, as one beside it does, or as those of their names are.

use std::path::Path;

use serde::Deserialize;

use super::file::WeightsFile;
use crate::data::augment::PixelNorm;
use crate::source::read_text;

/// How pixels are normalised for weights, and how that is known.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownNorm {
    /// The mean and deviation.
    pub norm: PixelNorm,
    /// By what they are known.
    pub by: String,
}

/// ImageNet's, as torchvision's and timm's pictures of it are normalised.
const IMAGENET: ([f32; 3], [f32; 3]) = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);

/// Tensors that the encoders of torchvision, timm and Hugging Face have.
const FOREIGN: [&str; 5] = [
    "layer1.0.conv1.weight",
    "4.0.conv1.weight",
    "patch_embed.proj.weight",
    "embeddings.patch_embeddings.projection.weight",
    "embedder.embedder.convolution.weight",
];

/// What a file beside the weights says, as Hugging Face and timm write it.
#[derive(Deserialize)]
struct Beside {
    image_mean: Option<Vec<f32>>,
    image_std: Option<Vec<f32>>,
    mean: Option<Vec<f32>>,
    std: Option<Vec<f32>>,
    pretrained_cfg: Option<Box<Beside>>,
}

impl Beside {
    fn norm(self) -> Option<PixelNorm> {
        let (mean, std) = (self.image_mean.or(self.mean), self.image_std.or(self.std));
        match (mean, std) {
            (Some(mean), Some(std)) => norm(&mean, &std),
            _ => self.pretrained_cfg.and_then(|inner| inner.norm()),
        }
    }
}

/// Positive deviations and their means, one a channel.
fn norm(mean: &[f32], std: &[f32]) -> Option<PixelNorm> {
    let norm = PixelNorm { mean: mean.to_vec(), std: std.to_vec() };
    let fits = !mean.is_empty() && mean.len() == std.len();
    let finite = norm.mean.iter().chain(&norm.std).all(|x| x.is_finite());
    (fits && finite && norm.std.iter().all(|x| *x > 0.0)).then_some(norm)
}

/// The most bytes that are read of a file beside the weights.
const LONGEST: u64 = 1 << 20;

/// How pixels are normalised for the weights in a file; `None` where nothing tells, or it cannot be read.
pub fn known_norm(path: &Path) -> Option<KnownNorm> {
    let file = WeightsFile::open(path).ok()?;
    if let Some(norm) = file.prepared().and_then(|said| norm(&said.mean, &said.std)) {
        return Some(KnownNorm { norm, by: "as it says itself".to_owned() });
    }
    for beside in ["preprocessor_config.json", "config.json"] {
        let text = read_text(&path.with_file_name(beside), LONGEST).ok();
        let said = text.and_then(|text| serde_json::from_str::<Beside>(&text).ok());
        if let Some(norm) = said.and_then(Beside::norm) {
            return Some(KnownNorm { norm, by: format!("as {beside} beside it says") });
        }
    }
    let foreign = |name: &str| {
        FOREIGN.iter().any(|end| name.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
    };
    let known = !file.is_own() && file.names().any(foreign);
    known.then(|| KnownNorm {
        norm: PixelNorm { mean: IMAGENET.0.to_vec(), std: IMAGENET.1.to_vec() },
        by: "as ImageNet's are, by which encoders of such names are trained".to_owned(),
    })
}
