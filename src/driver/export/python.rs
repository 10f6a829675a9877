//! How a peer is built in Python.

use super::tensors::Named;
use crate::data::CHANNELS;
use crate::nn::{Peer, Table, Transformer};

/// The statements that build a model in Python.
pub(super) struct Python {
    pub package: &'static str,
    imports: &'static [&'static str],
    pub build: Vec<String>,
}

/// The script that loads and checks an encoder.
const SCRIPT: &str = include_str!("load.py");

impl Python {
    /// The whole script.
    pub fn script(&self) -> String {
        SCRIPT.replace("IMPORTS", &self.imports.join("\n")).replace("BUILD", &self.build.join("\n    "))
    }
}

/// How a peer is built for pictures of that height, width and number of channels.
pub(super) fn of(peer: &Peer, (height, width): (usize, usize), channels: usize, tensors: &[Named]) -> Python {
    match peer {
        Peer::ResNet { name, blocks, bottleneck, small_stem, width } => Python {
            package: "torchvision",
            imports: &["import torchvision", "from torch import nn"],
            build: resnet(name, *blocks, *bottleneck, *small_stem, *width, channels),
        },
        Peer::Vit(vit) => Python {
            package: "timm",
            imports: &["import timm"],
            build: vec![transformer(vit, (height, width), channels)],
        },
        Peer::Row(parts) => {
            Python { package: "torch", imports: &["from torch import nn"], build: vec![row(parts, tensors)] }
        }
        alone @ (Peer::Conv { .. }
        | Peer::BatchNorm { .. }
        | Peer::MaxPool(_)
        | Peer::AvgPool(_)
        | Peer::GlobalPool
        | Peer::Linear { .. }
        | Peer::Activation(_)) => {
            let build = vec![format!("model = {}", layer(alone, "", tensors, false).join(", "))];
            Python { package: "torch", imports: &["from torch import nn"], build }
        }
    }
}

fn resnet(
    name: &str,
    blocks: [usize; 4],
    bottleneck: bool,
    small_stem: bool,
    width: usize,
    channels: usize,
) -> Vec<String> {
    let mut lines = vec![format!("model = torchvision.models.{name}(weights=None)")];
    let (kernel, stride, padding) = if small_stem { (3, 1, 1) } else { (7, 2, 3) };
    if small_stem || width != 64 || channels != CHANNELS {
        lines.push(format!("model.conv1 = nn.Conv2d({channels}, {width}, {kernel}, {stride}, {padding}, bias=False)"));
    }
    if small_stem {
        lines.push("model.maxpool = nn.Identity()".to_owned());
    }
    if width != 64 {
        let block = if bottleneck { "Bottleneck" } else { "BasicBlock" };
        lines.push(format!("block = torchvision.models.resnet.{block}"));
        lines.push(format!("model.inplanes, model.bn1 = {width}, nn.BatchNorm2d({width})"));
        for (i, count) in blocks.into_iter().enumerate() {
            let (channels, stride) = (width << i, if i == 0 { 1 } else { 2 });
            lines
                .push(format!("model.layer{} = model._make_layer(block, {channels}, {count}, stride={stride})", i + 1));
        }
    }
    lines.push("model.fc = nn.Identity()".to_owned());
    lines
}

fn transformer(vit: &Transformer, (height, width): (usize, usize), channels: usize) -> String {
    let truth = |yes: bool| if yes { "True" } else { "False" };
    let settings = [
        ("num_classes", "0".to_owned()),
        ("img_size", format!("({height}, {width})")),
        ("patch_size", vit.patch.to_string()),
        ("embed_dim", vit.dim.to_string()),
        ("depth", vit.depth.to_string()),
        ("num_heads", vit.heads.to_string()),
        ("mlp_ratio", vit.mlp_ratio.to_string()),
        ("qkv_bias", truth(vit.qkv_bias).to_owned()),
        ("init_values", vit.layer_scale.map_or_else(|| "None".to_owned(), |x| format!("{x}"))),
        ("class_token", truth(vit.class).to_owned()),
        ("reg_tokens", vit.registers.to_string()),
        ("pos_embed", if vit.positions == Table::None { "\"none\"" } else { "\"learn\"" }.to_owned()),
        ("global_pool", if vit.mean { "\"avg\"" } else { "\"token\"" }.to_owned()),
        ("fc_norm", "False".to_owned()),
    ];
    let of_colour = channels == CHANNELS;
    let channels = (!of_colour).then(|| ("in_chans", channels.to_string()));
    let settings: Vec<String> =
        settings.into_iter().chain(channels).map(|(name, value)| format!("{name}={value}")).collect();
    format!("model = timm.create_model(\"vit_base_patch16_224\", pretrained=False, {})", settings.join(", "))
}

/// Layers in a row; a map at their end is averaged, as when it is judged.
fn row(parts: &[Peer], tensors: &[Named]) -> String {
    let mut layers = Vec::new();
    let mut vectors = false;
    for (i, part) in parts.iter().enumerate() {
        layers.extend(layer(part, &format!("{i}."), tensors, vectors));
        vectors |= matches!(part, Peer::GlobalPool);
    }
    if !vectors {
        layers.extend(pooled());
    }
    format!("model = nn.Sequential({})", layers.join(", "))
}

fn pooled() -> [String; 1] {
    ["nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())".to_owned()]
}

/// One layer whose tensors are below `path`; of vectors instead of maps where these come before.
fn layer(peer: &Peer, path: &str, tensors: &[Named], vectors: bool) -> Vec<String> {
    let size = |name: &str, at: usize| {
        let found = tensors.iter().find(|t| t.name == format!("{path}{name}"));
        found.and_then(|t| t.shape.get(at).copied()).unwrap_or(0)
    };
    let truth = |yes: bool| if yes { "True" } else { "False" };
    match peer {
        Peer::Conv { out, kernel, conv, bias } => {
            let channels = size("weight", 1) * conv.groups;
            let (stride, padding, groups) = (conv.stride, conv.padding, conv.groups);
            vec![format!(
                "nn.Conv2d({channels}, {out}, {kernel}, stride={stride}, padding={padding}, groups={groups}, bias={})",
                truth(*bias)
            )]
        }
        Peer::BatchNorm { affine, eps } => {
            let kind = if vectors { "1d" } else { "2d" };
            vec![format!("nn.BatchNorm{kind}({}, eps={eps:e}, affine={})", size("running_mean", 0), truth(*affine))]
        }
        Peer::MaxPool(w) => vec![format!("nn.MaxPool2d({}, stride={}, padding={})", w.kernel, w.stride, w.padding)],
        Peer::AvgPool(w) => vec![format!("nn.AvgPool2d({}, stride={}, padding={})", w.kernel, w.stride, w.padding)],
        Peer::GlobalPool => pooled().to_vec(),
        Peer::Linear { out, bias } => vec![format!("nn.Linear({}, {out}, bias={})", size("weight", 1), truth(*bias))],
        Peer::Activation("gelu") => vec!["nn.GELU()".to_owned()],
        Peer::Activation(_) => vec!["nn.ReLU()".to_owned()],
        Peer::ResNet { .. } | Peer::Vit(_) | Peer::Row(_) => Vec::new(),
    }
}
