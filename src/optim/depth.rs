//! How deep in an encoder a parameter lies, for rates that differ by depth.

/// How many blocks of a transformer, or stages of a ResNet, lie before a parameter, by its path; `None` for what lies behind all of
/// them, as a last norm or a head.
///
/// What makes tokens or the first map counts as the first: patches, tokens, positions, `conv1`, `bn1` (Bao et al. 2022, and timm).
pub fn blocks_before(path: &str) -> Option<usize> {
    const FIRST: [&str; 7] = ["patch_embed", "cls_token", "reg_token", "mask_token", "pos_embed", "conv1", "bn1"];
    let number = |part: &str| part.parse::<usize>().ok();
    let mut parts = path.split('.').peekable();
    while let Some(part) = parts.next() {
        let stage = part.strip_prefix("layer").and_then(number);
        match (part, parts.peek().and_then(|next| number(next))) {
            ("blocks", Some(block)) => return Some(block + 1),
            (_, Some(_)) if stage.is_some() => return stage,
            (first, _) if FIRST.contains(&first) => return Some(0),
            _ => {}
        }
    }
    None
}
