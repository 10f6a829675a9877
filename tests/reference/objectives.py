"""The losses of methods as their official code has them, as functions of what the networks give; those that losses.py does not
hold. `recipes.py` computes the recipes' losses by them. Run by itself, this script asserts that they agree with lightly's, value
and gradient, where it has one.

Code that is named was read and written anew: facts of it are here, not its text.
"""

import math

import torch
import torch.nn.functional as F
from lightly.loss import DINOLoss, IBOTPatchLoss, MSNLoss, SwaVLoss

from common import generator, sinkhorn_knopp

Tensor = torch.Tensor


def cross_entropy(target: Tensor, logits: Tensor) -> Tensor:
    """A value a row of the last dimension, for targets that are probabilities."""
    return -(target * F.log_softmax(logits, dim=-1)).sum(-1)


def dino(teacher: list[Tensor], student: list[Tensor], center: Tensor, temperature: float) -> Tensor:
    """dino/main_dino.py, DINOLoss: every teacher's crop with every student's but its own."""
    targets = [F.softmax((t - center) / temperature, dim=-1).detach() for t in teacher]
    pairs = [(q, s) for i, q in enumerate(targets) for v, s in enumerate(student) if v != i]
    return sum(cross_entropy(q, s / 0.1).mean() for q, s in pairs) / len(pairs)


def new_center(center: Tensor, teacher: Tensor) -> Tensor:
    """dino/main_dino.py, update_center; of the rows of all teacher's crops."""
    return center * 0.9 + teacher.flatten(0, -2).mean(0).detach() * 0.1


def ibot_patches(teacher: list[Tensor], student: list[Tensor], masks: list[Tensor], center: Tensor, temperature: float) -> Tensor:
    """ibot/main_ibot.py, iBOTLoss, the terms of one and the same crop: masked patches of `[N, T, K]`, each image by itself."""
    total = 0.0
    for t, s, mask in zip(teacher, student, masks):
        loss = cross_entropy(F.softmax((t - center) / temperature, dim=-1).detach(), s / 0.1)
        total = total + ((loss * mask).sum(-1) / mask.sum(-1).clamp(min=1.0)).mean()
    return total / len(teacher)


def swav(assign: list[Tensor], scores: list[Tensor], epsilon: float = 0.05) -> Tensor:
    """swav/main_swav.py, train: the codes of the first crops, each predicted from all other crops."""
    loss = 0.0
    for i, own in enumerate(assign):
        q = sinkhorn_knopp(torch.exp(own / epsilon)).detach()
        others = [x for v, x in enumerate(scores) if v != i]
        loss = loss + sum(cross_entropy(q, x / 0.1).mean() for x in others) / len(others)
    return loss / len(assign)


def msn(anchors: Tensor, target: Tensor, prototypes: Tensor, views: int) -> tuple[Tensor, Tensor]:
    """msn/src/losses.py, init_msn_loss with Sinkhorn: cross entropy, and log K minus the entropy of the mean prediction."""
    def closest(z: Tensor) -> Tensor:
        return F.softmax(F.normalize(z) @ F.normalize(prototypes).T / 0.1, dim=1)

    with torch.no_grad():
        sharp = closest(target) ** (1 / 0.25)
        targets = sinkhorn_knopp(sharp / sharp.sum(1, keepdim=True)).repeat(views, 1)
    probs = closest(anchors)
    mean = probs.mean(0)
    return -(targets * probs.log()).sum(1).mean(), (mean * mean.log()).sum() + math.log(len(mean))


def sela(scores: Tensor, labels: Tensor) -> Tensor:
    """self-label/main.py: cross entropy of `[N, H, K]` with labels `[N, H]`, averaged over heads."""
    heads = [F.cross_entropy(scores[:, h], labels[:, h]) for h in range(scores.shape[1])]
    return sum(heads) / len(heads)


def patchify(images: Tensor, p: int) -> Tensor:
    """mae/models_mae.py, patchify, of images `[N, H, W, 3]`: the channels of a pixel together."""
    n, h, w, c = images.shape
    return images.reshape(n, h // p, p, w // p, p, c).permute(0, 1, 3, 2, 4, 5).reshape(n, (h // p) * (w // p), p * p * c)


def mae(images: Tensor, pred: Tensor, mask: Tensor, p: int) -> Tensor:
    """mae/models_mae.py, forward_loss without norm_pix_loss."""
    loss = (pred - patchify(images, p)).square().mean(-1)
    return (loss * mask).sum() / mask.sum()


def simmim(images: Tensor, tokens: Tensor, mask: Tensor, p: int) -> Tensor:
    """SimMIM/models/simmim.py, forward; `tokens` are the head's channels at each patch, pixel by pixel as patchify has them."""
    n, h, w, _ = images.shape
    # The official order within a patch is that of PixelShuffle: channel, row, column.
    channels = tokens.reshape(n, -1, p, p, 3).permute(0, 1, 4, 2, 3).flatten(2)
    x_rec = F.pixel_shuffle(channels.transpose(1, 2).reshape(n, -1, h // p, w // p), p)
    mask = mask.reshape(n, h // p, w // p).repeat_interleave(p, 1).repeat_interleave(p, 2).unsqueeze(1)
    loss = F.l1_loss(images.movedim(-1, 1), x_rec, reduction="none")
    return (loss * mask).sum() / (mask.sum() + 1e-5) / 3


def beit(logits: Tensor, codes: Tensor, mask: Tensor) -> Tensor:
    """unilm/beit/engine_for_pretraining.py: cross entropy with the tokenizer's codes where patches are masked."""
    hidden = mask.bool()
    return F.cross_entropy(logits[hidden], codes[hidden])


def moco_v3(q1: Tensor, q2: Tensor, k1: Tensor, k2: Tensor, temperature: float = 0.2) -> Tensor:
    """moco-v3/moco/builder.py, contrastive_loss both ways."""
    def contrast(q: Tensor, k: Tensor) -> Tensor:
        logits = F.normalize(q, dim=1) @ F.normalize(k, dim=1).T / temperature
        return F.cross_entropy(logits, torch.arange(len(q))) * 2 * temperature
    return contrast(q1, k2) + contrast(q2, k1)


def i_jepa(z: Tensor, tokens: Tensor, targets: list[Tensor]) -> Tensor:
    """ijepa/src/train.py: smooth L1 to the layer-normed tokens of a teacher; `z` holds target after target of a sample."""
    h = F.layer_norm(tokens.detach(), tokens.shape[-1:])
    h = torch.cat([torch.gather(h, 1, t.unsqueeze(-1).expand(-1, -1, h.shape[-1])) for t in targets], 1)
    return F.smooth_l1_loss(z, h)


def data2vec(x: Tensor, blocks: list[Tensor], mask: Tensor) -> Tensor:
    """fairseq/examples/data2vec/models/data2vec_vision.py by base_imagenet_d2v1.yaml: the mean of the last blocks, layer-normed;
    smooth L1 with beta 2, a mean over masked patches and features."""
    y = F.layer_norm(sum(blocks) / len(blocks), blocks[0].shape[-1:]).detach()
    hidden = mask.bool()
    return F.smooth_l1_loss(x[hidden], y[hidden], beta=2.0)


def nnclr(p: list[Tensor], neighbours: list[Tensor], temperature: float = 0.1) -> Tensor:
    """arXiv:2104.14548, eq. 2 and 3: neighbours of one view pick the predictions of the other out of the batch."""
    def contrast(nn: Tensor, p: Tensor) -> Tensor:
        return F.cross_entropy(F.normalize(nn) @ F.normalize(p).T / temperature, torch.arange(len(p)))
    return (contrast(neighbours[0], p[1]) + contrast(neighbours[1], p[0])) / 2


def fastsiam(p: list[Tensor], z: list[Tensor]) -> Tensor:
    """lightly's training step, by the paper's authors: each prediction with the mean of all other projections."""
    def others(i: int) -> Tensor:
        return torch.stack([x for v, x in enumerate(z) if v != i]).mean(0).detach()
    return -sum(F.cosine_similarity(x, others(i)).mean() for i, x in enumerate(p)) / len(p)


def ressl(q: Tensor, k: Tensor, bank: Tensor) -> Tensor:
    """ReSSL/ressl.py: relations of the strong view, sharper ones of the weak view as targets; both normalised by the head."""
    q, k = F.normalize(q, dim=1), F.normalize(k, dim=1).detach()
    return cross_entropy(F.softmax(k @ bank.T / 0.04, dim=1), q @ bank.T / 0.1).mean()


def supcon(za: Tensor, zb: Tensor, labels: Tensor, temperature: float = 0.1) -> Tensor:
    """SupContrast/losses.py, contrast_mode `all`, without its factor of temperature / base_temperature."""
    z, labels = F.normalize(torch.cat((za, zb)), dim=1), labels.repeat(2)
    itself = torch.eye(len(z), dtype=torch.bool)
    logits = (z @ z.T / temperature).masked_fill(itself, float("-inf"))
    positive = (labels[:, None] == labels) & ~itself
    log_prob = (logits - logits.logsumexp(1, keepdim=True)).masked_fill(~positive, 0.0)
    return -(log_prob.sum(1) / positive.sum(1)).mean()


def dense_cl(q: Tensor, k: Tensor, q_map: Tensor, k_map: Tensor, q_grid: Tensor, k_grid: Tensor, bank: Tensor) -> Tensor:
    """DenseCL/openselfsup/models/densecl.py, the dense term: places matched by the backbone's maps; all `[N, S, D]`."""
    match = (F.normalize(q_map, dim=2) @ F.normalize(k_map, dim=2).transpose(1, 2)).argmax(2)
    q_grid, k_grid = F.normalize(q_grid, dim=2), F.normalize(k_grid, dim=2).detach()
    positive = (q_grid * torch.gather(k_grid, 1, match.unsqueeze(-1).expand_as(k_grid))).sum(2).reshape(-1, 1)
    logits = torch.cat((positive, q_grid.flatten(0, 1) @ bank.T), 1) / 0.1
    return F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long))


def sim_dino(teacher: list[Tensor], student: list[Tensor]) -> tuple[Tensor, Tensor]:
    """SimDINO/simdino/main_dino.py, MCRLoss on unit vectors: alignment over pairs of different crops, and the coding rate of the
    student's global crops with the factor (p + m) / (p m); eps 0.5 stands where the paper has a square."""
    pairs = [(t, s) for i, t in enumerate(teacher) for v, s in enumerate(student) if v != i]
    align = sum(F.cosine_similarity(t.detach(), s).mean() for t, s in pairs) / len(pairs)
    rates = []
    for z in student[: len(teacher)]:
        m, p = z.shape
        factor = torch.linalg.cholesky(torch.eye(p, dtype=z.dtype) + p / (m * 0.5) * z.T @ z)
        rates.append(factor.diagonal().log().sum() * (p + m) / (p * m))
    return align, sum(rates) / len(rates)


def koleo(z: Tensor) -> Tensor:
    """dinov2/loss/koleo_loss.py."""
    z = F.normalize(z, dim=-1)
    nearest = (z @ z.T - 2 * torch.eye(len(z))).argmax(1)
    return -((z - z[nearest]).norm(dim=1) + 1e-8).log().mean()


def against_lightly() -> None:
    """Asserts that lightly has the same loss, and the same gradient, for what it implements."""
    g = generator("objectives")
    rows = lambda *shape: torch.randn(shape, generator=g, dtype=torch.float64)
    student, teacher, center = [rows(6, 9).requires_grad_() for _ in range(4)], [rows(6, 9) for _ in range(2)], rows(9)
    theirs = DINOLoss(9, student_temp=0.1).double()
    theirs.center.copy_(center)
    agree("dino", theirs(teacher, student, teacher_temp=0.05), dino(teacher, student, center, 0.05), student)
    torch.testing.assert_close(theirs.center.flatten(), new_center(center, torch.stack(teacher)))

    mask = (torch.rand((6, 8), generator=g) < 0.4).double()
    mask[2] = 0
    s, t, hidden = rows(6, 8, 9).requires_grad_(), rows(6, 8, 9), mask.bool()
    theirs = IBOTPatchLoss(9).double()
    theirs.center.center.copy_(center)
    loss = theirs(t[hidden], s[hidden], hidden[:, :, None], teacher_temp=0.05)
    agree("ibot", loss, ibot_patches([t], [s], [mask], center, 0.05), [s])

    scores = [(0.3 * rows(6, 9)).requires_grad_() for _ in range(4)]
    agree("swav", SwaVLoss()(scores[:2], scores[2:]).squeeze(), swav(scores[:2], scores), scores)

    anchors, target, prototypes = rows(12, 5).requires_grad_(), rows(6, 5), rows(7, 5).requires_grad_()
    theirs = MSNLoss(temperature=0.1, sinkhorn_iterations=3, regularization_weight=1.0)
    ours = msn(anchors, target, prototypes, 2)
    agree("msn", theirs(anchors, target, prototypes), sum(ours), [anchors, prototypes])


def agree(name: str, theirs: Tensor, ours: Tensor, inputs: list[Tensor]) -> None:
    torch.testing.assert_close(theirs, ours, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(torch.autograd.grad(theirs, inputs), torch.autograd.grad(ours, inputs), rtol=1e-5, atol=1e-8)
    print(name, "agrees with lightly")


if __name__ == "__main__":
    against_lightly()
