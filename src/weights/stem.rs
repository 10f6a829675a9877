//! The first filters of an encoder, which see as many channels as pictures have: those of colour made fit for others, as timm does.

use crate::data::CHANNELS;

/// Whether a tensor has the filters that see the picture itself.
pub(super) fn is_stem(name: &str) -> bool {
    name.ends_with("patch_embed.proj.weight") || name.ends_with("conv1.weight") && !name.contains("layer")
}

/// For how many channels filters of red, green and blue must be made fit, where that is all that two shapes `[out, channels, ..]` differ in.
pub(super) fn other_channels(has: &[usize], wants: &[usize]) -> Option<usize> {
    let ([out, CHANNELS, rest @ ..], [own_out, channels, own_rest @ ..]) = (has, wants) else { return None };
    (out == own_out && rest == own_rest && *channels != CHANNELS && *channels > 0).then_some(*channels)
}

/// Filters `[out, 3, ..]` for so many channels: of grey by the sum over the three, which sees grey as they see it as colour; of others each
/// by one of the three in turn, with all of them weighing as much as the three.
pub(super) fn fitted(numbers: &[f32], out: usize, channels: usize) -> Vec<f32> {
    let area = numbers.len() / out.max(1) / CHANNELS;
    let mut fitted = Vec::with_capacity(out * channels * area);
    for filter in numbers.chunks_exact((CHANNELS * area).max(1)) {
        if channels == 1 {
            fitted.extend((0..area).map(|i| (0..CHANNELS).map(|c| filter[c * area + i]).sum::<f32>()));
            continue;
        }
        for channel in 0..channels {
            let colour = &filter[channel % CHANNELS * area..][..area];
            fitted.extend(colour.iter().map(|x| x * (CHANNELS as f32 / channels as f32)));
        }
    }
    fitted
}
