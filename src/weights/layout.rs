//! How packages name the tensors of the encoders that the language has: tables from our names, which are torchvision's and timm's, to others'.

/// A way of naming. A rule holds for names that begin with its first pattern, and replaces that by any of the others; `#` is a number,
/// ` + ` joins tensors along their first dimension. What no rule speaks of keeps its name where the layout is `plain`.
#[derive(Debug)]
pub(super) struct Layout {
    /// Whose names these are.
    pub name: &'static str,
    plain: bool,
    rules: &'static [(&'static str, &'static [&'static str])],
}

/// Every layout.
pub(super) const LAYOUTS: &[Layout] = &[
    Layout {
        name: "torchvision's and timm's names",
        plain: true,
        rules: &[
            ("reg_token", &["reg_token", "register_tokens"]),
            ("layer1.#.downsample", &["layer1.#.downsample", "layer1.#.shortcut"]),
            ("layer2.#.downsample", &["layer2.#.downsample", "layer2.#.shortcut"]),
            ("layer3.#.downsample", &["layer3.#.downsample", "layer3.#.shortcut"]),
            ("layer4.#.downsample", &["layer4.#.downsample", "layer4.#.shortcut"]),
        ],
    },
    // The children of torchvision's model in a row.
    Layout {
        name: "numbered layers",
        plain: false,
        rules: &[
            ("conv1", &["0"]),
            ("bn1", &["1"]),
            ("layer1", &["4"]),
            ("layer2", &["5"]),
            ("layer3", &["6"]),
            ("layer4", &["7"]),
        ],
    },
    // Those of lightly's, which has neither activation nor pooling among them.
    Layout {
        name: "numbered layers",
        plain: false,
        rules: &[
            ("layer1.#.downsample", &["2.#.shortcut"]),
            ("layer2.#.downsample", &["3.#.shortcut"]),
            ("layer3.#.downsample", &["4.#.shortcut"]),
            ("layer4.#.downsample", &["5.#.shortcut"]),
            ("conv1", &["0"]),
            ("bn1", &["1"]),
            ("layer1", &["2"]),
            ("layer2", &["3"]),
            ("layer3", &["4"]),
            ("layer4", &["5"]),
        ],
    },
    Layout {
        name: "Hugging Face's names",
        plain: false,
        rules: &[
            ("cls_token", &["embeddings.cls_token"]),
            ("mask_token", &["embeddings.mask_token"]),
            ("reg_token", &["embeddings.register_tokens"]),
            ("pos_embed", &["embeddings.position_embeddings"]),
            ("patch_embed.proj", &["embeddings.patch_embeddings.projection"]),
            (
                "blocks.#.norm1",
                &[
                    "encoder.layer.#.layernorm_before",
                    "encoder.layer.#.norm1",
                    "layers.#.layernorm_before",
                    "layers.#.norm1",
                ],
            ),
            (
                "blocks.#.norm2",
                &[
                    "encoder.layer.#.layernorm_after",
                    "encoder.layer.#.norm2",
                    "layers.#.layernorm_after",
                    "layers.#.norm2",
                ],
            ),
            (
                "blocks.#.attn.qkv",
                &[
                    "encoder.layer.#.attention.attention.query + encoder.layer.#.attention.attention.key + encoder.layer.#.attention.attention.value",
                    "encoder.layer.#.attention.q_proj + encoder.layer.#.attention.k_proj + encoder.layer.#.attention.v_proj",
                    "layers.#.attention.q_proj + layers.#.attention.k_proj + layers.#.attention.v_proj",
                ],
            ),
            (
                "blocks.#.attn.proj",
                &[
                    "encoder.layer.#.attention.output.dense",
                    "encoder.layer.#.attention.o_proj",
                    "layers.#.attention.o_proj",
                ],
            ),
            (
                "blocks.#.mlp.fc1",
                &["encoder.layer.#.intermediate.dense", "encoder.layer.#.mlp.fc1", "layers.#.mlp.fc1"],
            ),
            ("blocks.#.mlp.fc2", &["encoder.layer.#.output.dense", "encoder.layer.#.mlp.fc2", "layers.#.mlp.fc2"]),
            ("blocks.#.ls1.gamma", &["encoder.layer.#.layer_scale1.lambda1", "layers.#.layer_scale1.lambda1"]),
            ("blocks.#.ls2.gamma", &["encoder.layer.#.layer_scale2.lambda1", "layers.#.layer_scale2.lambda1"]),
            ("norm", &["layernorm"]),
        ],
    },
    Layout {
        name: "Hugging Face's names",
        plain: false,
        rules: &[
            ("conv1", &["embedder.embedder.convolution"]),
            ("bn1", &["embedder.embedder.normalization"]),
            ("layer1.#.downsample.0", &["encoder.stages.0.layers.#.shortcut.convolution"]),
            ("layer2.#.downsample.0", &["encoder.stages.1.layers.#.shortcut.convolution"]),
            ("layer3.#.downsample.0", &["encoder.stages.2.layers.#.shortcut.convolution"]),
            ("layer4.#.downsample.0", &["encoder.stages.3.layers.#.shortcut.convolution"]),
            ("layer1.#.downsample.1", &["encoder.stages.0.layers.#.shortcut.normalization"]),
            ("layer2.#.downsample.1", &["encoder.stages.1.layers.#.shortcut.normalization"]),
            ("layer3.#.downsample.1", &["encoder.stages.2.layers.#.shortcut.normalization"]),
            ("layer4.#.downsample.1", &["encoder.stages.3.layers.#.shortcut.normalization"]),
            ("layer1.#.conv1", &["encoder.stages.0.layers.#.layer.0.convolution"]),
            ("layer1.#.conv2", &["encoder.stages.0.layers.#.layer.1.convolution"]),
            ("layer1.#.conv3", &["encoder.stages.0.layers.#.layer.2.convolution"]),
            ("layer1.#.bn1", &["encoder.stages.0.layers.#.layer.0.normalization"]),
            ("layer1.#.bn2", &["encoder.stages.0.layers.#.layer.1.normalization"]),
            ("layer1.#.bn3", &["encoder.stages.0.layers.#.layer.2.normalization"]),
            ("layer2.#.conv1", &["encoder.stages.1.layers.#.layer.0.convolution"]),
            ("layer2.#.conv2", &["encoder.stages.1.layers.#.layer.1.convolution"]),
            ("layer2.#.conv3", &["encoder.stages.1.layers.#.layer.2.convolution"]),
            ("layer2.#.bn1", &["encoder.stages.1.layers.#.layer.0.normalization"]),
            ("layer2.#.bn2", &["encoder.stages.1.layers.#.layer.1.normalization"]),
            ("layer2.#.bn3", &["encoder.stages.1.layers.#.layer.2.normalization"]),
            ("layer3.#.conv1", &["encoder.stages.2.layers.#.layer.0.convolution"]),
            ("layer3.#.conv2", &["encoder.stages.2.layers.#.layer.1.convolution"]),
            ("layer3.#.conv3", &["encoder.stages.2.layers.#.layer.2.convolution"]),
            ("layer3.#.bn1", &["encoder.stages.2.layers.#.layer.0.normalization"]),
            ("layer3.#.bn2", &["encoder.stages.2.layers.#.layer.1.normalization"]),
            ("layer3.#.bn3", &["encoder.stages.2.layers.#.layer.2.normalization"]),
            ("layer4.#.conv1", &["encoder.stages.3.layers.#.layer.0.convolution"]),
            ("layer4.#.conv2", &["encoder.stages.3.layers.#.layer.1.convolution"]),
            ("layer4.#.conv3", &["encoder.stages.3.layers.#.layer.2.convolution"]),
            ("layer4.#.bn1", &["encoder.stages.3.layers.#.layer.0.normalization"]),
            ("layer4.#.bn2", &["encoder.stages.3.layers.#.layer.1.normalization"]),
            ("layer4.#.bn3", &["encoder.stages.3.layers.#.layer.2.normalization"]),
        ],
    },
];

impl Layout {
    /// What our tensor of that name may be called: ways, of which each is one name or several to be joined.
    pub fn theirs(&self, ours: &str) -> Vec<Vec<String>> {
        for (pattern, ways) in self.rules {
            if let Some((numbers, rest)) = matched(pattern, ours) {
                let way = |way: &&str| way.split(" + ").map(|part| filled(part, &numbers) + rest).collect();
                return ways.iter().map(way).collect();
            }
        }
        if self.plain { vec![vec![ours.to_owned()]] } else { Vec::new() }
    }
}

/// The numbers in a name that begins with a pattern, and what stands behind it.
fn matched<'n>(pattern: &str, name: &'n str) -> Option<(Vec<&'n str>, &'n str)> {
    let mut numbers = Vec::new();
    let mut rest = name;
    for (i, part) in pattern.split('.').enumerate() {
        let inner = if i == 0 { rest } else { rest.strip_prefix('.')? };
        let end = inner.find('.').unwrap_or(inner.len());
        match part {
            "#" if inner[..end].bytes().all(|b| b.is_ascii_digit()) => numbers.push(&inner[..end]),
            _ if inner[..end] == *part => {}
            _ => return None,
        }
        rest = &inner[end..];
    }
    Some((numbers, rest))
}

fn filled(pattern: &str, numbers: &[&str]) -> String {
    numbers.iter().fold(pattern.to_owned(), |text, number| text.replacen('#', number, 1))
}

/// A name without the chunks into which some trainings cut the blocks: `blocks.0.3.norm1` is `blocks.3.norm1`.
pub(super) fn without_chunks(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split('.').collect();
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let at = parts.windows(3).position(|w| w[0] == "blocks" && number(w[1]) && number(w[2]))?;
    Some([&parts[..=at], &parts[at + 2..]].concat().join("."))
}
