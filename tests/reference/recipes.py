"""The recipes themselves, with small networks: losses, gradients and states of one step by the official code -> recipes.safetensors.

A case is a recipe of `recipes/` whose networks and views are replaced by smaller ones, so that what is compared is what the recipe
says: which branch sees which view, where gradients stop, the order of updates, and the loss. No weights and no images are
stored: parameters, running statistics and states are filled by their names as in transformers.py, the images of view VIEW of
case CASE are ten times the formula's numbers of the name `CASE/VIEW`.

Keys of a case: `CASE/loss.TERM`, `CASE/grad.PARAMETER` (all but those within a transformer's blocks), `CASE/after.STATE` (a state
after the step), and where they are not by formula `CASE/state.STATE` before it, `CASE/hides.VIEW` `[N, T]`, `CASE/target.VIEW.I` `[N, M]`, `CASE/labels`.
The metadata holds as JSON: the recipe, the items that replace its own, and what is set in it.
"""

import json
from dataclasses import dataclass, field
from typing import Callable

import torch
import torch.nn.functional as F
from timm.layers import resample_abs_pos_embed
from timm.models.beit import Beit
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torchvision.models.regnet import ResBottleneckBlock

import losses
import objectives
from common import Fixture, generator
from encoders import uniform, value
from transformers import Decoder, Predictor, sincos_2d

Tensor = torch.Tensor


def by_formula(name: str, shape: tuple[int, ...]) -> Tensor:
    """The tensor of that name, as `filled` in tests/suite/fixtures.rs gives it."""
    if name.endswith(("weight", "running_var")):
        return value(name, torch.Size(shape)).double()
    return torch.from_numpy(0.1 * uniform(name, torch.Size(shape).numel())).float().double().reshape(shape)


def fill(net: nn.Module) -> None:
    """Gives every parameter and running statistic its value."""
    running = ((name, x) for name, x in net.named_buffers() if "running" in name)
    with torch.no_grad():
        for name, tensor in [*net.named_parameters(), *running]:
            tensor.copy_(by_formula(name, tuple(tensor.shape)))


# Networks, their parameters named as ours are.


class Branch(nn.Module):
    """A chain of named stages; gives the result of each by name."""

    def __init__(self, **stages: nn.Module):
        super().__init__()
        for name, stage in stages.items():
            self.add_module(name, stage)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        out = {}
        for name, stage in self.named_children():
            out[name] = x = stage(x)
        return out


def mlp(width: int, *widths: int, norm: bool = True, gelu: bool = False, last_norm: bool = False, last_bias: bool = True) -> nn.Sequential:
    """Linear layers with batch norm and activation between them; a linear layer before a norm has no bias."""
    parts: list[nn.Module] = []
    for i, out in enumerate(widths):
        last = i + 1 == len(widths)
        parts.append(nn.Linear(width, out, bias=last_bias and not last_norm if last else not norm))
        if not last:
            parts += ([nn.BatchNorm1d(out)] if norm else []) + [nn.GELU() if gelu else nn.ReLU()]
        elif last_norm:
            parts.append(nn.BatchNorm1d(out, affine=False))
        width = out
    return nn.Sequential(*parts)


def flat() -> nn.Sequential:
    """`flatten() | linear(6)` of images of 4 x 4."""
    return nn.Sequential(nn.Flatten(), nn.Linear(48, 6))


FLAT = "encoder: flatten() | linear(6)"


def pooled() -> nn.Sequential:
    """An encoder of images of any size."""
    return nn.Sequential(nn.Conv2d(3, 6, 2, 2), nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())


POOLED = "encoder: conv2d(6, kernel: 2, stride: 2, padding: 0) | batchnorm | relu | global_avgpool()"


class Prototypes(nn.Linear):
    """Rows that are put back to length 1 before the step; the input is normalised."""

    def __init__(self, width: int, count: int):
        super().__init__(width, count, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.normalize(x, dim=-1))


class UnitRows(nn.Module):
    """Rows scaled to length 1 in use, with the gradient through that: weight norm with its gain fixed at 1."""

    def __init__(self, width: int, count: int):
        super().__init__()
        self.weight_v = nn.Parameter(torch.zeros(count, width))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, F.normalize(self.weight_v, dim=1))


class Unit(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(x, dim=-1)


def dino_head(count: int = 9) -> nn.Sequential:
    """dino/vision_transformer.py, DINOHead with three layers and its last one's gain frozen."""
    return nn.Sequential(mlp(16, 10, 10, 6, norm=False, gelu=True), Unit(), UnitRows(6, count))


HEAD = "dino_head(9, hidden: 10, bottleneck: 6)"


class Vit(nn.Module):
    """timm's transformer of width 16 with two heads, made for images of `size`; hidden patches are replaced or left out."""

    def __init__(self, size: int = 32, patch: int = 8, depth: int = 2, channels: int = 3, cls: bool = True, replaces: bool = False,
                 sincos: bool = False):
        super().__init__()
        net = VisionTransformer(img_size=size, patch_size=patch, in_chans=channels, embed_dim=16, depth=depth, num_heads=2, mlp_ratio=2,
                                num_classes=0, dynamic_img_size=True, class_token=cls, global_pool="token" if cls else "avg", fc_norm=False)
        self.patch_embed, self.blocks, self.norm, self.prefix, self.side = net.patch_embed, net.blocks, net.norm, int(cls), size // patch
        if cls:
            self.cls_token = net.cls_token
        if replaces:
            self.mask_token = nn.Parameter(torch.zeros(1, 1, 16))
        if sincos:
            table = torch.from_numpy(sincos_2d(16, self.side))[None]
            self.register_buffer("pos_embed", F.pad(table, (0, 0, self.prefix, 0)))
        else:
            self.pos_embed = net.pos_embed

    def places(self, x: Tensor) -> Tensor:
        side = x.shape[1]
        if side == self.side:
            return self.pos_embed
        return resample_abs_pos_embed(self.pos_embed, [side, side], [self.side, self.side], num_prefix_tokens=self.prefix)

    def forward(self, x: Tensor, hides: Tensor | None = None, drop: bool = False, blocks: list | None = None) -> Tensor:
        """All tokens."""
        x = self.patch_embed(x)
        places, x = self.places(x), x.flatten(1, 2) if x.ndim == 4 else x
        if hides is not None and not drop:
            x = torch.where(hides.bool().unsqueeze(-1), self.mask_token, x)
        x = x + places[:, self.prefix:]
        if drop:
            x = take(x, visible(hides))
        if self.prefix:
            x = torch.cat(((self.cls_token + places[:, :1]).expand(len(x), -1, -1), x), 1)
        for block in self.blocks:
            x = block(x)
            if blocks is not None:
                blocks.append(x[:, self.prefix:])
        return self.norm(x)


def vit(*more: str, patch: int = 8, depth: int = 2) -> str:
    """The word for it."""
    return ", ".join((f"vit(16, {depth}, 2, patch: {patch}, mlp_ratio: 2, pool: mean", *more)) + ")"


def mean_patch(tokens: Tensor) -> Tensor:
    """What `pool: mean` makes of the tokens: the mean of those behind the class token."""
    return tokens[:, 1:].mean(1)


def take(x: Tensor, index: Tensor) -> Tensor:
    return torch.gather(x, 1, index.unsqueeze(-1).expand(-1, -1, x.shape[-1]))


def visible(hides: Tensor) -> Tensor:
    return torch.stack([(row == 0).nonzero().flatten() for row in hides])


def hidden_of(name: str, samples: int, patches: int, count: int) -> Tensor:
    """So many patches hidden at random in each sample."""
    noise = torch.rand((samples, patches), generator=generator(name))
    return (noise.argsort(1).argsort(1) < count).double()


# Cases.


@dataclass
class Case:
    """What replaces a recipe's own, the networks, and a step by the official code."""

    items: str
    net: nn.Module
    run: Callable[["Step"], dict[str, Tensor]]
    sets: list[str] = field(default_factory=list)
    samples: int = 6
    frozen: tuple[str, ...] = ()


class Step:
    """One step of a case: its images, its states, and what it leaves."""

    def __init__(self, name: str, case: Case, fixture: Fixture):
        self.name, self.case, self.fixture, self.net = name, case, fixture, case.net

    def view(self, name: str, side: int = 4) -> Tensor:
        """The images of a view, channels first."""
        x = 10 * by_formula(f"{self.name}/{name}", (self.case.samples, side, side, 3)).float()
        return x.double().movedim(-1, 1)

    def group(self, name: str, count: int, side: int = 4) -> list[Tensor]:
        return [self.view(f"{name}[{i}]", side) for i in range(count)]

    def state(self, name: str, *shape: int) -> Tensor:
        return by_formula(name, shape)

    def given(self, key: str, x: Tensor) -> Tensor:
        """Something that both sides read from the fixture."""
        self.fixture.put(f"{self.name}/{key}", x)
        return x

    def after(self, state: str, x: Tensor) -> None:
        self.fixture.put(f"{self.name}/after.{state}", x)

    def queue(self, state: str, bank: Tensor, rows: Tensor) -> None:
        self.after(state, torch.cat((bank[len(rows):], rows)))


def follow(mine: nn.Module, other: nn.Module, decay: float = 0.9) -> None:
    """The moving average of a step: parameters only, running statistics stay apart."""
    with torch.no_grad():
        theirs = dict(other.named_parameters())
        for name, p in mine.named_parameters():
            p.copy_(decay * p + (1 - decay) * theirs[name])


def together(branch: nn.Module, views: list[Tensor]) -> list[Tensor]:
    """Views of one size as one batch, the result of the last stage."""
    return list(last(branch(torch.cat(views))).chunk(len(views)))


def last(stages: dict[str, Tensor]) -> Tensor:
    return list(stages.values())[-1]


def two(head: str, views: str = "a, b") -> str:
    """Items of a recipe of two views and one branch `f`."""
    return f"views {{ {views}: crop(size: 4) }}\nbranch f {{ {FLAT}; projector: {head} }}"


def apart(head: str, projector: nn.Module, formula: Callable, sets: list[str] = [], samples: int = 6) -> Case:
    """A recipe of one branch `f` that its two views pass apart."""
    def run(step: Step) -> dict[str, Tensor]:
        return formula(*(last(step.net.f(step.view(v))) for v in "ab"))
    return Case(two(head), Branch(f=Branch(encoder=flat(), projector=projector)), run, sets, samples)


def simclr() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        return losses.simclr(*together(step.net.f, [step.view("a"), step.view("b")]))
    f = Branch(encoder=flat(), projector=mlp(6, 8, 5))
    return Case(two("mlp(8, 5)"), Branch(f=f), run, ["loss.contrast.temperature=0.5"])


def moco() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        # The key encoder moves before it is used, the bank takes in its keys after.
        follow(step.net.key, step.net.query)
        bank, k = step.state("bank", 14, 5), last(step.net.key(step.view("b"))).detach()
        step.queue("bank", bank, F.normalize(k, dim=1))
        return losses.moco(last(step.net.query(step.view("a"))), k, bank)
    items = f"views {{ a, b: crop(size: 4) }}\nbranch query {{ {FLAT}; projector: plain_head(8, 5) }}"
    branch = lambda: Branch(encoder=flat(), projector=mlp(6, 8, 5, norm=False))
    sets = ["loss.contrast.temperature=0.2", "key.decay=0.9", "bank.size=14"]
    return Case(items, Branch(query=branch(), key=branch()), run, sets, frozen=("key",))


def moco_v3() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        follow(step.net.key, step.net.query)
        q = [last(step.net.query(step.view(v))) for v in "ab"]
        k = [last(step.net.key(step.view(v))).detach() for v in "ab"]
        return {"contrast": objectives.moco_v3(*q, *k)}
    items = f"views {{ a, b: crop(size: 4) }}\nbranch query {{ {FLAT}; projector: mlp(8, 5, last: batchnorm); predictor: mlp(7, 5, last_bias: false) }}"
    query = Branch(encoder=flat(), projector=mlp(6, 8, 5, last_norm=True), predictor=mlp(5, 7, 5, last_bias=False))
    key = Branch(encoder=flat(), projector=mlp(6, 8, 5, last_norm=True))
    return Case(items, Branch(query=query, key=key), run, ["temperature=0.2", "key.decay=0.9"], frozen=("key",))


def predicted(branch: str, head: str, views: str = "a, b") -> str:
    """Items of a recipe with a predictor behind its projector."""
    return f"views {{ {views}: crop(size: 4) }}\nbranch {branch} {{ {FLAT}; projector: {head}; predictor: mlp(7, 5) }}"


def byol() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        p = [last(step.net.online(step.view(v))) for v in "ab"]
        z = [last(step.net.target(step.view(v))).detach() for v in "ab"]
        return losses.byol(*p, *z)
    online = Branch(encoder=flat(), projector=mlp(6, 8, 5), predictor=mlp(5, 7, 5))
    target = Branch(encoder=flat(), projector=mlp(6, 8, 5))
    return Case(predicted("online", "mlp(8, 5)"), Branch(online=online, target=target), run, frozen=("target",))


def simsiam() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        stages = [step.net.f(step.view(v)) for v in "ab"]
        return losses.simsiam(*(s["predictor"] for s in stages), *(s["projector"].detach() for s in stages))
    f = Branch(encoder=flat(), projector=mlp(6, 8, 5, last_norm=True), predictor=mlp(5, 7, 5))
    return Case(predicted("f", "mlp(8, 5, last: batchnorm)"), Branch(f=f), run)


def fastsiam() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        stages = [step.net.f(x) for x in step.group("crops", 4)]
        return {"align": objectives.fastsiam([s["predictor"] for s in stages], [s["projector"] for s in stages])}
    f = Branch(encoder=flat(), projector=mlp(6, 8, 5, last_norm=True), predictor=mlp(5, 7, 5))
    return Case(predicted("f", "mlp(8, 5, last: batchnorm)", "crops[4]"), Branch(f=f), run)


def nnclr() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        stages, support = [step.net.f(step.view(v)) for v in "ab"], step.state("support", 14, 5)
        z = [s["projector"].detach() for s in stages]
        step.queue("support", support, F.normalize(z[0], dim=1))
        nearest = [support[(F.normalize(x) @ F.normalize(support).T).argmax(1)] for x in z]
        return {"contrast": objectives.nnclr([s["predictor"] for s in stages], nearest)}
    f = Branch(encoder=flat(), projector=mlp(6, 8, 5), predictor=mlp(5, 7, 5))
    return Case(predicted("f", "mlp(8, 5)"), Branch(f=f), run, ["support.size=14"])


def ressl() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        follow(step.net.teacher, step.net.student)
        bank, k = step.state("bank", 14, 5), last(step.net.teacher(step.view("weak"))).detach()
        step.queue("bank", bank, F.normalize(k, dim=1))
        return {"relation": objectives.ressl(last(step.net.student(step.view("strong"))), k, bank)}
    items = f"views {{ weak, strong: crop(size: 4) }}\nbranch student {{ {FLAT}; projector: mlp(8, 5) }}"
    branch = lambda: Branch(encoder=flat(), projector=mlp(6, 8, 5))
    return Case(items, Branch(student=branch(), teacher=branch()), run, ["teacher.decay=0.9", "bank.size=14"], frozen=("teacher",))


def tico() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        za, zb = last(step.net.f(step.view("a"))), last(step.net.target(step.view("b"))).detach()
        earlier, unit = step.state("earlier", 5, 5), F.normalize(za, dim=1).detach()
        step.after("earlier", 0.9 * earlier + 0.1 * unit.T @ unit / len(unit))
        return losses.tico(za, zb, earlier)
    branch = lambda: Branch(encoder=flat(), projector=mlp(6, 8, 5))
    return Case(two("mlp(8, 5)"), Branch(f=branch(), target=branch()), run, ["beta=0.9", "rho=8"], frozen=("target",))


def mmcr() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        return losses.mmcr(*(F.normalize(last(step.net.f(x)), dim=1) for x in step.group("crops", 2)))
    items = two("mlp(8, 5)", "crops[2]")
    return Case(items, Branch(f=Branch(encoder=flat(), projector=mlp(6, 8, 5))), run)


def lejepa() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        z = torch.stack([last(step.net.f(x)) for x in step.group("global", 2)])
        # The random directions of a step, given here as a weight.
        directions = by_formula("directions", (5, 7))
        gaussian = torch.stack([losses.lejepa(x, directions)["gaussian"] for x in z]).mean()
        return {"invariance": 0.98 * (z.mean(0) - z).square().mean(), "gaussian": 0.02 * gaussian}
    items = two("mlp(8, 5)", "global[2]")
    items += "\nweight directions: [5, 7]\nlet sigreg(z) = mean(epps_pulley(z @ stopgrad(directions)))"
    return Case(items, Branch(f=Branch(encoder=flat(), projector=mlp(6, 8, 5))), run, ["weight=0.02"])


def simdino() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        crops, small = step.group("global", 2, 8), step.group("local", 2)
        teacher = [F.normalize(last(step.net.teacher(x)), dim=1) for x in crops]
        student = [F.normalize(last(step.net.student(x)), dim=1) for x in crops + small]
        align, rate = objectives.sim_dino(teacher, student)
        return {"align": 1 - align, "spread": -rate}
    items = f"views {{ global[2]: crop(size: 8); local[2]: crop(size: 4) }}\nbranch student {{ {POOLED}; projector: mlp(8, 5) }}"
    branch = lambda: Branch(encoder=pooled(), projector=mlp(6, 8, 5))
    return Case(items, Branch(student=branch(), teacher=branch()), run, frozen=("teacher",))


def supcon() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        labels = step.given("labels", torch.tensor([0.0, 1, 0, 2, 1, 0]))
        return {"contrast": objectives.supcon(*(last(step.net.f(step.view(v))) for v in "ab"), labels)}
    return Case(two("mlp(8, 5)"), Branch(f=Branch(encoder=flat(), projector=mlp(6, 8, 5))), run, ["temperature=0.1"])


class Words(nn.Module):
    """Vectors of tokens and places; the mean of those that are no padding, as in SigLIP's and CLIP's code but for the token that is read."""

    def __init__(self, count: int, length: int, width: int):
        super().__init__()
        self.add_module("0", nn.Embedding(count, width))
        self.add_module("1", nn.Module())
        getattr(self, "1").weight = nn.Parameter(torch.zeros(length, width))

    def forward(self, ids: Tensor) -> Tensor:
        there = (ids > 0).double()[..., None]
        tokens = getattr(self, "0")(ids) * there + getattr(self, "1").weight
        return (tokens * there).sum(1) / there.sum(1)


def towers(name: str, formula: Callable, **weights: float) -> Case:
    """A tower of pictures and one of captions; the scale and shift of similarities."""
    def run(step: Step) -> dict[str, Tensor]:
        with torch.no_grad():
            for key, start in weights.items():
                getattr(step.net, key).fill_(start)
        ids = torch.randint(1, 256, (6, 7), generator=generator(name))
        for row, length in enumerate((7, 3, 5, 1, 6, 2)):
            ids[row, length:] = 0
        step.given("column.caption", ids)
        x, y = last(step.net.f(step.view("a"))), last(step.net.t(ids))
        return {"pairs": formula(F.normalize(x, dim=1), F.normalize(y, dim=1), *(getattr(step.net, key) for key in weights))}
    items = f"""data shapes(length: 7)
views {{ a: crop(size: 4) }}
branch f {{ {FLAT}; projector: linear(5, bias: false) }}
branch t {{ words: embedding(4, padding: 0) | positions(); projector: linear(5, bias: false) on mean_of_tokens(words, words.there) }}"""
    head = lambda width: nn.Linear(width, 5, bias=False)
    net = Branch(f=Branch(encoder=flat(), projector=head(6)), t=Branch(words=Words(256, 7, 4), projector=head(4)))
    for key in weights:
        net.register_parameter(key, nn.Parameter(torch.zeros(())))
    return Case(items, net, run)


def clip() -> Case:
    """open_clip/loss.py, ClipLoss, and model.py: the scale is the exponential of a weight."""
    from open_clip.loss import ClipLoss
    return towers("clip", lambda x, y, scale: ClipLoss()(x, y, scale.exp()), scale=2.6593)


def siglip() -> Case:
    """open_clip/loss.py, SigLipLoss."""
    from open_clip.loss import SigLipLoss
    return towers("siglip", lambda x, y, scale, shift: SigLipLoss()(x, y, scale.exp(), shift), scale=2.3026, shift=-10)


def swav() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        scores = [x for group in (step.group("global", 2, 8), step.group("local", 2)) for x in together(step.net.f, group)]
        return {"swap": objectives.swav(scores[:2], scores, epsilon=0.02)}
    items = "views { global[2]: crop(size: 8); local[2]: crop(size: 4) }\n"
    items += f"branch f {{ {POOLED}; projector: mlp(8, 5); prototypes: prototypes(7) }}"
    return Case(items, Branch(f=Branch(encoder=pooled(), projector=mlp(6, 8, 5), prototypes=Prototypes(5, 7))), run)


class RegNetBlock(nn.Module):
    """torchvision's block of a RegNetX, its parameters named as the recipe's `residual` names them."""

    def __init__(self, width: int, out: int, stride: int):
        super().__init__()
        block = ResBottleneckBlock(width, out, stride, nn.BatchNorm2d, nn.ReLU, group_width=16)
        self.body = nn.Sequential(*block.f.a, *block.f.b, *block.f.c)
        self.shortcut = block.proj
        # Not a module of this one: its parameters are named above.
        object.__setattr__(self, "block", block)

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x)


def seer() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        scores = [x for group in (step.group("global", 2, 8), step.group("local", 4)) for x in together(step.net.f, group)]
        return {"swap": objectives.swav(scores[:2], scores, epsilon=0.02)}
    items = "views { global[2]: crop(size: 8); local[4]: crop(size: 4) }\n"
    items += "branch f { encoder: conv2d(16, stride: 2, bias: false) | down(32) | same(32) | global_avgpool; projector: mlp(8, 8, 5)\n"
    items += "prototypes: prototypes(7) }"
    stem = nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False)
    # Behind each block its activation, which is within torchvision's.
    blocks = [RegNetBlock(16, 32, 2), nn.Identity(), RegNetBlock(32, 32, 1), nn.Identity()]
    encoder = nn.Sequential(stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Case(items, Branch(f=Branch(encoder=encoder, projector=mlp(32, 8, 8, 5), prototypes=Prototypes(5, 7))), run)


def sela() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        labels = step.given("state.labels", torch.randint(5, (12, 2), generator=generator("sela")).double())
        # The batch holds the first samples of the data set.
        return {"classes": objectives.sela(last(step.net.f(step.view("a"))).reshape(6, 2, 5), labels[:6].long())}
    items = f"views {{ a: crop(size: 4) }}\nbranch f {{ {FLAT}; heads: linear(heads * classes) }}"
    return Case(items, Branch(f=Branch(encoder=flat(), heads=nn.Linear(6, 10))), run, ["heads=2", "classes=5"])


def deepcluster_v2() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        # main_deepclusterv2.py, train: the prototypes are last epoch's centroids and stay, every crop has its sample's cluster.
        cluster = step.given("state.cluster", torch.randint(7, (12,), generator=generator("deepcluster")).double())[:6].long()
        centres = step.state("centres", 7, 5)
        scores = [last(step.net.f(step.view(v))) @ centres.T / 0.1 for v in "ab"]
        return {"clusters": sum(F.cross_entropy(s, cluster) for s in scores) / 2}
    f = Branch(encoder=flat(), projector=nn.Sequential(mlp(6, 8, 5), Unit()))
    return Case(two("mlp(8, 5) | normalize"), Branch(f=f), run, ["clusters=7"])


class DenseBranch(nn.Module):
    """A map, and behind it a head for the whole picture and one for each place."""

    def __init__(self):
        super().__init__()
        self.map = nn.Conv2d(3, 6, 2, 2)
        self.add_module("global", mlp(6, 8, 5, norm=False))
        self.dense = nn.Sequential(nn.Conv2d(6, 8, 1), nn.ReLU(), nn.Conv2d(8, 5, 1))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self.map(x)
        rows = lambda y: y.flatten(2).transpose(1, 2)
        return self.get_submodule("global")(x.mean((2, 3))), rows(x), rows(self.dense(x))


def densecl() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        follow(step.net.key, step.net.query)
        bank, dense_bank = step.state("bank", 14, 5), step.state("dense_bank", 14, 5)
        q, q_map, q_grid = step.net.query(step.view("a", 8))
        k, k_map, k_grid = (x.detach() for x in step.net.key(step.view("b", 8)))
        step.queue("bank", bank, F.normalize(k, dim=1))
        step.queue("dense_bank", dense_bank, F.normalize(k_grid.mean(1), dim=1))
        positive = (F.normalize(q) * F.normalize(k)).sum(1, keepdim=True)
        logits = torch.cat((positive, F.normalize(q) @ bank.T), 1) / 0.1
        whole = F.cross_entropy(logits, torch.zeros(len(q), dtype=torch.long))
        dense = objectives.dense_cl(q, k, q_map, k_map, q_grid, k_grid, dense_bank)
        return {"whole": 0.5 * whole, "dense": 0.5 * dense}
    items = """views { a, b: crop(size: 8) }
branch query {
  map: conv2d(6, kernel: 2, stride: 2, padding: 0); encoder: global_avgpool; global: plain_head(8, 5) on encoder
  dense: conv2d(8, kernel: 1) | relu | conv2d(5, kernel: 1) on map
}"""
    sets = ["key.decay=0.9", "bank.size=14", "dense_bank.size=14"]
    return Case(items, Branch(query=DenseBranch(), key=DenseBranch()), run, sets, frozen=("key",))


def stem(*widths: int) -> list[nn.Module]:
    """Blocks of `conv_block(width, stride: 2)`."""
    blocks = [(nn.Conv2d(i, o, 3, 2, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU()) for i, o in zip((3, *widths), widths)]
    return [layer for block in blocks for layer in block]


def dino() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        # Crops of one size pass as one batch, which batch norm sees.
        score = lambda branch, views: branch.head(mean_patch(branch.encoder(torch.cat(views)))).chunk(len(views))
        crops, center = step.group("global", 2, 32), step.state("center", 9)
        teacher = [x.detach() for x in score(step.net.teacher, crops)]
        student = [*score(step.net.student, crops), *score(step.net.student, step.group("local", 2, 16))]
        step.after("center", objectives.new_center(center, torch.stack(teacher)))
        return {"distill": objectives.dino(teacher, student, center, 0.04)}
    items = f"branch student {{ encoder: conv_block(4, stride: 2) | conv_block(6, stride: 2) | {vit('size: 8', patch=2)}; head: {HEAD} }}"
    branch = lambda: Branch(encoder=nn.Sequential(*stem(4, 6), Vit(8, patch=2, channels=6)), head=dino_head())
    return Case(items, Branch(student=branch(), teacher=branch()), run, samples=4, frozen=("teacher",))


def ibot_step(step: Step) -> tuple[dict[str, Tensor], list[Tensor]]:
    """iBOT's terms, and what the student's encoder makes of the global crops."""
    student, teacher = step.net.student, step.net.teacher
    # The third image is not masked and counts as 0.
    some = lambda i: hidden_of(f"{step.name}/{i}", 4, 16, 6) * torch.tensor([1, 1, 0, 1])[:, None]
    masks = [step.given(f"hides.masked[{i}]", some(i)) for i in range(2)]
    crops, centers = step.group("global", 2, 32), [step.state("center", 9), step.state("patch_center", 9)]
    patch_head = lambda branch: getattr(branch, "patch_head", branch.head)
    wanted = [teacher.encoder(x).detach() for x in crops]
    whole = [teacher.head(mean_patch(x)).detach() for x in wanted]
    patches = [patch_head(teacher)(x[:, 1:]).detach() for x in wanted]
    seen = [student.encoder(x, mask) for x, mask in zip(crops, masks)]
    small = [student.encoder(x) for x in step.group("local", 2, 16)]
    step.after("center", objectives.new_center(centers[0], torch.stack(whole)))
    step.after("patch_center", objectives.new_center(centers[1], torch.stack(patches)))
    return {
        "distill": objectives.dino(whole, [student.head(mean_patch(x)) for x in seen + small], centers[0], 0.04),
        "patches": objectives.ibot_patches(patches, [patch_head(student)(x[:, 1:]) for x in seen], masks, centers[1], 0.04),
    }, [mean_patch(x) for x in seen]


def ibot() -> Case:
    items = f"branch student {{ encoder: {vit('masked: replace')}; head: {HEAD}; patch_head: student.head on encoder.patches }}"
    branch = lambda replaces: Branch(encoder=Vit(replaces=replaces), head=dino_head())
    return Case(items, Branch(student=branch(True), teacher=branch(False)), lambda step: ibot_step(step)[0], samples=4, frozen=("teacher",))


def dinov2() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        terms, seen = ibot_step(step)
        return terms | {"spread": 0.1 * sum(objectives.koleo(x) for x in seen)}
    items = f"branch student {{ encoder: {vit('masked: replace')}; head: {HEAD}; patch_head: {HEAD} on encoder.patches }}"
    branch = lambda replaces: Branch(encoder=Vit(replaces=replaces), head=dino_head(), patch_head=dino_head())
    return Case(items, Branch(student=branch(True), teacher=branch(False)), run, samples=4, frozen=("teacher",))


def msn() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        student, teacher = step.net.student, step.net.teacher
        # All samples have one mask.
        hides = step.given("hides.anchor", hidden_of("msn", 1, 16, 3).repeat(6, 1))
        anchor = student.projector(mean_patch(student.encoder(step.view("anchor", 32), hides, drop=True)))
        focal = student.projector(mean_patch(student.encoder(torch.cat(step.group("focal", 2, 16)))))
        target = teacher.projector(mean_patch(teacher.encoder(step.view("target", 32)))).detach()
        agree, spread = objectives.msn(torch.cat((anchor, focal)), target, student.prototypes.weight_v, 3)
        return {"agree": agree, "spread": spread}
    items = f"""branch student {{ encoder: {vit('masked: drop')}; projector: mlp(8, 7, 5, activation: gelu) | normalize
  prototypes: linear(count, bias: false, norm: weight) }}"""
    branch = lambda: Branch(encoder=Vit(), projector=nn.Sequential(mlp(16, 8, 7, 5, gelu=True), Unit()))
    student = Branch(encoder=Vit(), projector=branch().projector, prototypes=UnitRows(5, 7))
    return Case(items, Branch(student=student, teacher=branch()), run, ["count=7"], frozen=("teacher",))


def mae() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        x, hides = step.view("a", 16), step.given("hides.m", hidden_of("mae", 4, 16, 8))
        hidden = torch.stack([row.nonzero().flatten() for row in hides])
        pred = step.net.f.decoder(step.net.f.encoder(x, hides, drop=True), {"visible": visible(hides), "hidden": hidden})
        return {"reconstruction": objectives.mae(x.movedim(1, -1), pred, hides, 4)}
    items = f"""views {{ a: crop(size: 16) }}
branch f {{ encoder: {vit('positions: sincos2d', 'masked: drop', patch=4)}
  decoder: vit_decoder(12, 2, 3, patch: 4, mlp_ratio: 2) on encoder.tokens }}"""
    return Case(items, Branch(f=Branch(encoder=Vit(16, patch=4, sincos=True), decoder=Decoder())), run, samples=4)


def simmim() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        x, hides = step.view("a", 32), step.given("hides.m", hidden_of("simmim", 4, 16, 10))
        tokens = step.net.f.pixels(step.net.f.encoder(x, hides)[:, 1:])
        return {"reconstruction": objectives.simmim(x.movedim(1, -1), tokens, hides, 8)}
    items = f"branch f {{ encoder: {vit('masked: replace')}; pixels: linear(192) on encoder.patches }}"
    return Case(items, Branch(f=Branch(encoder=Vit(replaces=True), pixels=nn.Linear(16, 192))), run, samples=4)


class BeitEncoder(Beit):
    """timm's with hidden patches replaced by a token (unilm/beit/modeling_pretrain.py); positions are one bias for all blocks."""

    def __init__(self):
        super().__init__(img_size=32, patch_size=4, embed_dim=16, depth=2, num_heads=2, mlp_ratio=2, num_classes=0, qkv_bias=False,
                         use_abs_pos_emb=False, use_shared_rel_pos_bias=True, use_fc_norm=False, global_pool="token")
        self.mask_token = nn.Parameter(torch.zeros(1, 1, 16))

    def forward(self, x: Tensor, hides: Tensor) -> Tensor:
        x = torch.where(hides.bool().unsqueeze(-1), self.mask_token, self.patch_embed(x))
        x = torch.cat((self.cls_token.expand(len(x), -1, -1), x), 1)
        for block in self.blocks:
            x = block(x, shared_rel_pos_bias=self.rel_pos_bias())
        return self.norm(x)


def tokenizer() -> nn.Sequential:
    """The first branch of dvae.ssl: two convolutional blocks, then the scores of 256 codes."""
    return nn.Sequential(*stem(64, 128), nn.Conv2d(128, 256, 1))


def beit() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        x, hides = step.view("a", 32), step.given("hides.m", hidden_of("beit", 4, 64, 25))
        codes = step.net.tokenizer.eval().codes(x).argmax(1).flatten(1)
        return {"codes": objectives.beit(step.net.f.codes(step.net.f.encoder(x, hides)[:, 1:]), codes, hides)}
    items = f"branch f {{ encoder: {vit('positions: relative', 'qkv_bias: false', 'masked: replace', patch=4)}; codes: linear(256) on encoder.patches }}"
    return Case(items, Branch(f=Branch(encoder=BeitEncoder(), codes=nn.Linear(16, 256)), tokenizer=Branch(codes=tokenizer())), run, samples=4,
                frozen=("tokenizer",))


def i_jepa() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        x, hides = step.view("a", 32), step.given("hides.context", hidden_of("i_jepa", 4, 64, 51))
        corner = lambda at: torch.tensor([[y * 8 + x for y in range(t, t + 3) for x in range(l, l + 3)] for t, l in at])
        corners = [[(0, 0), (1, 2), (5, 5), (2, 4)], [(4, 1), (0, 5), (3, 3), (5, 0)], [(2, 2), (4, 4), (1, 1), (0, 3)], [(5, 4), (3, 0), (2, 5), (4, 2)]]
        targets = [step.given(f"target.context.{i}", corner(at)) for i, at in enumerate(corners)]
        z = step.net.student.predictor(step.net.student.encoder(x, hides, drop=True), visible(hides), targets)
        return {"predict": objectives.i_jepa(z, step.net.teacher.encoder(x), targets)}
    items = f"""branch student {{ encoder: {vit('cls: false', 'positions: sincos2d', 'masked: drop', patch=4)}
  predictor: vit_predictor(12, 2, 3, mlp_ratio: 2) on encoder.tokens }}"""
    encoder = lambda: Vit(patch=4, cls=False, sincos=True)
    predictor = Predictor()
    predictor.register_buffer("pos", torch.from_numpy(sincos_2d(12, 8))[None])
    return Case(items, Branch(student=Branch(encoder=encoder(), predictor=predictor), teacher=Branch(encoder=encoder())), run, samples=4,
                frozen=("teacher",))


def data2vec() -> Case:
    def run(step: Step) -> dict[str, Tensor]:
        x, hides, blocks = step.view("a", 32), step.given("hides.m", hidden_of("data2vec", 4, 16, 9)), []
        step.net.teacher.encoder(x, blocks=blocks)
        return {"regress": objectives.data2vec(step.net.student.regressor(step.net.student.encoder(x, hides)[:, 1:]), blocks[1:], hides)}
    items = f"branch student {{ encoder: {vit('masked: replace', depth=3)}; regressor: linear(16) on encoder.patches }}"
    student = Branch(encoder=Vit(depth=3, replaces=True), regressor=nn.Linear(16, 16))
    return Case(items, Branch(student=student, teacher=Branch(encoder=Vit(depth=3))), run, samples=4, frozen=("teacher",))


def cases() -> dict[str, Case]:
    one = lambda formula, **options: apart("mlp(8, 5)", mlp(6, 8, 5), formula, **options)
    return {
        "barlow_twins": one(losses.barlow_twins),
        "vicreg": one(losses.vicreg),
        "dcl": one(losses.dcl, sets=["loss.contrast.temperature=0.2"]),
        "w_mse": apart("mlp(8, 3)", mlp(6, 8, 3), losses.w_mse, samples=9),
    } | {make.__name__: make() for make in (
        simclr, moco, moco_v3, byol, simsiam, fastsiam, nnclr, ressl, tico, mmcr, lejepa, simdino, supcon, clip, siglip, swav, seer, sela, deepcluster_v2,
        densecl, dino, ibot, dinov2, msn, mae, simmim, beit, i_jepa, data2vec,
    )}


def write(fixture: Fixture, name: str, case: Case) -> None:
    """One step of a case, in f64."""
    case.net.double()
    fill(case.net)
    for key, p in case.net.named_parameters():
        p.requires_grad_(not key.startswith(case.frozen) if case.frozen else True)
        if isinstance(case.net.get_submodule(key.rpartition(".")[0]), Prototypes):
            p.data = F.normalize(p.data, dim=1)
    terms = case.run(Step(name, case, fixture))
    trained = {key: p for key, p in case.net.named_parameters() if p.requires_grad}
    grads = torch.autograd.grad(sum(terms.values()), trained.values())
    for term, x in terms.items():
        fixture.put(f"{name}/loss.{term}", x)
    for key, grad in zip(trained, grads):
        if "blocks." not in key:
            fixture.put(f"{name}/grad.{key}", grad)
    fixture.metadata[name] = json.dumps({"items": case.items, "sets": case.sets, "samples": case.samples})
    print(name, {term: round(x.item(), 4) for term, x in terms.items()})


def main() -> None:
    objectives.against_lightly()
    fixture = Fixture("recipes")
    for name, case in cases().items():
        write(fixture, name, case)
    fixture.save()


if __name__ == "__main__":
    main()
