//! How packages name the tensors of the encoders that the language has: tables from our names, which are torchvision's and timm's, to others'.

/// A way of naming. A rule holds for names that begin with its first pattern, and replaces that by any of the others; `#` is a number,
/// ` + ` joins tensors along their first dimension. What no rule speaks of keeps its name where the layout is `plain`.
#[derive(Debug)]
pub(super) struct Layout {
    /// Whose names these are.
    pub name: &'static str,
    /// How an encoder of such names differs from ours whatever its weights are; empty where it does not.
    pub differs: &'static str,
    plain: bool,
    rules: &'static [(&'static str, &'static [&'static str])],
}

/// Every layout.
pub(super) const LAYOUTS: &[Layout] = &[
    Layout {
        name: "torchvision's and timm's names",
        differs: "",
        plain: true,
        rules: &[
            ("reg_token", &["reg_token", "register_tokens"]),
            ("layer#.#.downsample", &["layer#.#.downsample", "layer#.#.shortcut"]),
        ],
    },
    // The children of torchvision's model in a row.
    Layout {
        name: "numbered layers",
        differs: "",
        plain: false,
        rules: &[("conv1", &["0"]), ("bn1", &["1"]), ("layer#", &["#+3"])],
    },
    // Those of lightly's, which has neither activation nor pooling among them.
    Layout {
        name: "numbered layers",
        differs: "a row of the children of lightly's ResNet has no activation behind its first norm, the recipe's encoder has",
        plain: false,
        rules: &[
            ("layer#.#.downsample", &["#+1.#.shortcut"]),
            ("conv1", &["0"]),
            ("bn1", &["1"]),
            ("layer#", &["#+1"]),
        ],
    },
    Layout {
        name: "Hugging Face's names",
        differs: "",
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
        differs: "",
        plain: false,
        rules: &[
            ("conv1", &["embedder.embedder.convolution"]),
            ("bn1", &["embedder.embedder.normalization"]),
            ("layer#.#.downsample.0", &["encoder.stages.#-1.layers.#.shortcut.convolution"]),
            ("layer#.#.downsample.1", &["encoder.stages.#-1.layers.#.shortcut.normalization"]),
            ("layer#.#.conv#", &["encoder.stages.#-1.layers.#.layer.#-1.convolution"]),
            ("layer#.#.bn#", &["encoder.stages.#-1.layers.#.layer.#-1.normalization"]),
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
fn matched<'n>(pattern: &str, name: &'n str) -> Option<(Vec<usize>, &'n str)> {
    let mut numbers = Vec::new();
    let mut rest = name;
    for (i, part) in pattern.split('.').enumerate() {
        let inner = if i == 0 { rest } else { rest.strip_prefix('.')? };
        let end = inner.find('.').unwrap_or(inner.len());
        match part.strip_suffix('#') {
            Some(word) => numbers.push(inner[..end].strip_prefix(word)?.parse().ok()?),
            None if inner[..end] == *part => {}
            None => return None,
        }
        rest = &inner[end..];
    }
    Some((numbers, rest))
}

/// A pattern with numbers in place of `#`; `#-1` and `#+3` are other numbers than those.
fn filled(pattern: &str, numbers: &[usize]) -> String {
    let mut numbers = numbers.iter();
    let part = |part: &str| match part.split_once('#') {
        Some((word, more)) => {
            let (number, more) = (numbers.next().copied().unwrap_or(0), more.parse::<isize>().unwrap_or(0));
            format!("{word}{}", number.saturating_add_signed(more))
        }
        None => part.to_owned(),
    };
    pattern.split('.').map(part).collect::<Vec<_>>().join(".")
}

/// A name without the chunks into which some trainings cut the blocks: `blocks.0.3.norm1` is `blocks.3.norm1`.
pub(super) fn without_chunks(name: &str) -> Option<String> {
    let parts: Vec<&str> = name.split('.').collect();
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let at = parts.windows(3).position(|w| w[0] == "blocks" && number(w[1]) && number(w[2]))?;
    Some([&parts[..=at], &parts[at + 2..]].concat().join("."))
}
