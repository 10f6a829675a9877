"""Values and gradients of the operations on patches and tokens, by PyTorch in f64 on f32 inputs -> tokens.safetensors.

Keys and metadata as in ops.py. The functions are those of the official code: `patchify`, `unpatchify`, `norm_pix_loss` and
the loss of MAE (models_mae.py), the loss over masked patches of iBOT (main_ibot.py). The rest are operations of ops.py over tokens [N, T, D].
"""

from typing import Callable

import torch
import torch.nn.functional as F

from common import Fixture
from ops import normal, probabilities, whole, write

Tensor = torch.Tensor


def patchify(size: int) -> Callable[[Tensor], Tensor]:
    """MAE's `patchify`, of images in channels-last order."""
    def f(x: Tensor) -> Tensor:
        n, height, width, c = x.shape
        h, w = height // size, width // size
        x = x.permute(0, 3, 1, 2).reshape(n, c, h, size, w, size)
        return torch.einsum("nchpwq->nhwpqc", x).reshape(n, h * w, size * size * c)
    return f


def unpatchify(h: int, w: int, size: int) -> Callable[[Tensor], Tensor]:
    """MAE's `unpatchify`, to images in channels-last order."""
    def f(x: Tensor) -> Tensor:
        x = x.reshape(x.shape[0], h, w, size, size, -1)
        return torch.einsum("nhwpqc->nchpwq", x).reshape(x.shape[0], -1, h * size, w * size).permute(0, 2, 3, 1)
    return f


def unit_patches(size: int) -> Callable[[Tensor], Tensor]:
    """The targets of MAE's `norm_pix_loss`."""
    def f(x: Tensor) -> Tensor:
        p = patchify(size)(x)
        return (p - p.mean(dim=-1, keepdim=True)) / (p.var(dim=-1, keepdim=True) + 1e-6) ** 0.5
    return f


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """MAE's loss over what is masked."""
    x = x.mean(dim=-1) if x.dim() == 3 else x
    return (x * mask).sum() / mask.sum()


def masked_mean_per_sample(x: Tensor, mask: Tensor) -> Tensor:
    """iBOT's loss over masked patches of each image."""
    x = x.mean(dim=-1) if x.dim() == 3 else x
    return (torch.sum(x * mask, dim=-1) / mask.sum(dim=-1).clamp(min=1.0)).mean()


def take(x: Tensor, index: Tensor) -> Tensor:
    return torch.stack([sample[i] for sample, i in zip(x, index)])


def place(length: int) -> Callable[[Tensor, Tensor], Tensor]:
    def f(x: Tensor, index: Tensor) -> Tensor:
        zeros = torch.zeros(x.shape[0], length, x.shape[2], dtype=x.dtype)
        return zeros.scatter_add(1, index.unsqueeze(-1).expand_as(x), x)
    return f


def soft_cross_entropy(target: Tensor, logits: Tensor) -> Tensor:
    return -(target * F.log_softmax(logits, -1)).sum(-1)


MASK = whole([1, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1], 4, 4)
SOME = whole([3, 0, 1, 1, 4, 2], 2, 3)

CASES = [
    ("patches", "patches(x, size: 2)", patchify(2), normal(2, 4, 6, 3)),
    ("patches_of_4", "patches(x)", patchify(4), normal(1, 8, 4, 3)),
    ("patches_normalized", "patches(x, size: 2, normalize: true)", unit_patches(2), normal(2, 4, 4, 3)),
    ("unpatches", "unpatches(x, size: 2)", unpatchify(2, 2, 2), normal(2, 4, 12)),
    ("unpatches_grid", "unpatches(x, size: 2, grid: [2, 3])", unpatchify(2, 3, 2), normal(2, 6, 8)),
    ("patches_and_back", "unpatches(patches(x) ^ 2)", lambda x: x ** 2, normal(1, 8, 8, 3)),
    ("masked_mean", "masked_mean(x, y)", masked_mean, normal(4, 4), MASK),
    ("masked_mean_tokens", "masked_mean(x ^ 2, y)", lambda x, y: masked_mean(x ** 2, y), normal(4, 4, 3), MASK),
    ("masked_mean_of_samples", "masked_mean(x, y, per: sample)", masked_mean_per_sample, normal(4, 4), MASK),
    ("masked_mean_of_samples_tokens", "masked_mean(x, y, per: sample)", masked_mean_per_sample, normal(4, 4, 3), MASK),
    ("take", "take(x, y)", take, normal(2, 5, 4), SOME),
    ("take_numbers", "take(x, y)", take, normal(2, 5), SOME),
    ("take_maps", "take(x, y)", take, normal(2, 5, 3, 2), SOME),
    ("place", "place(x, y, 6)", place(6), normal(2, 3, 4), SOME),
    ("tokens_softmax", "softmax(x)", lambda x: torch.softmax(x, -1), normal(2, 3, 5)),
    ("tokens_cross_entropy", "cross_entropy(x, y)", soft_cross_entropy, probabilities(2, 3, 5), normal(2, 3, 5)),
    ("tokens_labels", "cross_entropy(y, x)", lambda x, y: F.cross_entropy(x.transpose(1, 2), y, reduction="none"),
     normal(2, 3, 5), SOME),
    ("tokens_cosine", "cosine_similarity(x, y)", lambda x, y: F.cosine_similarity(x, y, -1), normal(2, 3, 5), normal(2, 3, 5)),
    ("tokens_normalize", "normalize(x)", lambda x: F.normalize(x, dim=-1), normal(2, 3, 5)),
    ("tokens_gram", "x @ x.T", lambda x: x @ x.transpose(1, 2), normal(2, 3, 5)),
    ("tokens_prototypes", "normalize(x) @ y.T", lambda x, y: F.normalize(x, dim=-1) @ y.T, normal(2, 3, 5), normal(4, 5)),
    ("tokens_smooth_l1", "smooth_l1(x, y)", F.smooth_l1_loss, normal(2, 3, 5), normal(2, 3, 5)),
    ("tokens_mean", "mean(x, dim: 1)", lambda x: x.mean(1), normal(2, 3, 5)),
    ("tokens_codes", "cross_entropy(argmax(y, dim: -1), x)",
     lambda x, y: F.cross_entropy(x.transpose(1, 2), y.argmax(-1), reduction="none"), normal(2, 3, 5), probabilities(2, 3, 5)),
]


def main() -> None:
    fixture = Fixture("tokens")
    for case in CASES:
        write(fixture, case)
    fixture.save()


if __name__ == "__main__":
    main()
