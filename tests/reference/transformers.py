"""Vision transformers of timm, and masked ones after the official code of their papers -> transformers.safetensors and
masked.safetensors.

No weights are stored: both sides fill them from the parameters' names by the formula of encoders.py, weights of several
dimensions from fan in, everything else that is not called `weight` as `0.1 * u`.

Keys of a case (values in f64, then rounded): `CASE/x` images `[N, H, W, 3]` or tokens, `CASE/out` the result, `CASE/tokens` all tokens
(where there are such), `CASE/cot` and the gradients of sum(out * cot), `CASE/grad.NAME`. Masked
cases have `CASE/hides` `[N, T]`, `CASE/visible`, `CASE/hidden` (numbers of patches) and `CASE/target0`, ... The metadata holds the word and
its arguments as JSON.
"""

import json

import numpy as np
import torch
from timm.layers import resample_abs_pos_embed
from timm.models.beit import Beit
from timm.models.vision_transformer import Block, VisionTransformer
from torch import nn

from common import Fixture, generator, gradients
from encoders import uniform, value

Tensor = torch.Tensor
SMALL = {"dim": 16, "depth": 2, "heads": 2, "patch": 4, "size": 16, "mlp_ratio": 2}


def fill(net: nn.Module) -> None:
    """Gives every parameter its value by formula."""
    with torch.no_grad():
        for name, p in net.named_parameters():
            if name.endswith("weight"):
                p.copy_(value(name, p.shape))
            else:
                u = 0.1 * uniform(name, p.numel())
                p.copy_(torch.from_numpy(u.astype(np.float32)).reshape(p.shape))


def vit(**options) -> VisionTransformer:
    """timm's network of the size all cases have, without a classifier."""
    return VisionTransformer(img_size=16, patch_size=4, embed_dim=16, depth=2, num_heads=2, mlp_ratio=2, num_classes=0, fc_norm=False, **options)


def images(name: str, side: int = 16) -> Tensor:
    return torch.randn((2, side, side, 3), generator=generator(name))


def keep(fixture: Fixture, name: str, word: str, config: dict, net: nn.Module, x: Tensor, run, extra: dict | None = None) -> None:
    """Fills the network, computes `run(x) -> (out, tokens or None)` and every gradient, and keeps all of it."""
    fill(net)
    net.double()
    for p in net.parameters():
        p.requires_grad_(True)
    fixture.put(f"{name}/x", x)
    for key, tensor in (extra or {}).items():
        fixture.put(f"{name}/{key}", tensor)
    out, tokens = run(x.double())
    fixture.put(f"{name}/out", out)
    if tokens is not None:
        fixture.put(f"{name}/tokens", tokens)
    cotangent = torch.randn(out.shape, generator=generator(name + "/cot"))
    fixture.put(f"{name}/cot", cotangent)
    # The first network's gradients all, of the others not those of the second block.
    named = {key: p for key, p in net.named_parameters() if name == "vit" or "blocks.1." not in key}
    for key, grad in zip(named, gradients(out, list(named.values()), cotangent.double())):
        fixture.put(f"{name}/grad.{key}", grad)
    fixture.metadata[name] = json.dumps({"word": word} | config)


def nchw(x: Tensor) -> Tensor:
    return x.movedim(-1, 1)


def plain(fixture: Fixture) -> None:
    """timm's own, at the size of its positions and at others."""
    for name, side, config in [
        ("vit", 16, {}),
        ("vit_smaller_crop", 8, {}),
        ("vit_larger_crop", 24, {"pool": "mean"}),
    ]:
        pool = "avg" if config else "token"
        net = vit(dynamic_img_size=True, global_pool=pool)
        forward = lambda x, net=net: (net(nchw(x)), net.forward_features(nchw(x)))
        keep(fixture, name, "vit", SMALL | config, net, images(name, side), forward)
    net = vit(qkv_bias=False, init_values=0.1, class_token=False, global_pool="avg")
    config = {"qkv_bias": False, "layer_scale": 0.1, "cls": False}
    keep(fixture, "vit_layer_scale", "vit", SMALL | config, net, images("vit_layer_scale"),
         lambda x: (net(nchw(x)), net.forward_features(nchw(x))))


class Registers(nn.Module):
    """DINOv2's order: positions are added to class token and patches, then registers come between them."""

    def __init__(self):
        super().__init__()
        for name, child in vit().named_children():
            self.add_module(name, child)
        net = vit()
        self.cls_token, self.pos_embed = net.cls_token, net.pos_embed
        self.reg_token = nn.Parameter(torch.zeros(1, 3, 16))

    def forward(self, x: Tensor) -> Tensor:
        x = self.patch_embed(nchw(x))
        x = torch.cat((self.cls_token.expand(x.shape[0], -1, -1), x), dim=1) + self.pos_embed
        x = torch.cat((x[:, :1], self.reg_token.expand(x.shape[0], -1, -1), x[:, 1:]), dim=1)
        return self.norm(self.blocks(x))


def registers(fixture: Fixture) -> None:
    net = Registers()
    run = lambda x: (net(x)[:, 4:].mean(1), net(x))
    keep(fixture, "vit_registers", "vit", SMALL | {"registers": 3, "pool": "mean"}, net, images("vit_registers"), run)


def relative(fixture: Fixture) -> None:
    """timm's BEiT without scale and bias of its own making."""
    for name, word, options in [
        ("vit_relative", "relative", {"use_shared_rel_pos_bias": True}),
        ("vit_relative_each", "relative_each", {"use_rel_pos_bias": True}),
    ]:
        net = Beit(img_size=16, patch_size=4, embed_dim=16, depth=2, num_heads=2, mlp_ratio=2, num_classes=0, qkv_bias=False,
                   use_abs_pos_emb=False, use_fc_norm=False, global_pool="token", **options)
        config = SMALL | {"positions": word, "qkv_bias": False}
        keep(fixture, name, "vit", config, net, images(name), lambda x, net=net: (net(nchw(x)), net.forward_features(nchw(x))))


def sincos_1d(dim: int, pos: np.ndarray) -> np.ndarray:
    """MAE's get_1d_sincos_pos_embed_from_grid (util/pos_embed.py)."""
    omega = np.arange(dim // 2, dtype=float) / (dim / 2.0)
    out = np.einsum("m,d->md", pos.reshape(-1), 1.0 / 10000**omega)
    return np.concatenate([np.sin(out), np.cos(out)], axis=1)


def sincos_2d(dim: int, side: int) -> np.ndarray:
    """MAE's get_2d_sincos_pos_embed (util/pos_embed.py), without the row of the class token."""
    grid = np.meshgrid(np.arange(side, dtype=np.float32), np.arange(side, dtype=np.float32))  # w goes first
    grid = np.stack(grid, axis=0).reshape([2, 1, side, side])
    return np.concatenate([sincos_1d(dim // 2, grid[0]), sincos_1d(dim // 2, grid[1])], axis=1)


def masks(name: str, hidden: int, patches: int = 16) -> dict[str, Tensor]:
    """So many hidden patches a sample, and their numbers."""
    noise = torch.rand((2, patches), generator=generator(name + "/mask"))
    hides = (noise.argsort(1).argsort(1) < hidden).float()
    return {
        "hides": hides,
        "hidden": torch.stack([row.nonzero().flatten() for row in hides]),
        "visible": torch.stack([(1 - row).nonzero().flatten() for row in hides]),
    }


def take(x: Tensor, index: Tensor) -> Tensor:
    return torch.gather(x, 1, index.unsqueeze(-1).expand(-1, -1, x.shape[-1]))


class Masked(nn.Module):
    """A ViT that replaces hidden patches (SimMIM, models/simmim.py) or leaves them out (MAE, models_mae.py)."""

    def __init__(self, replaces: bool, sincos: bool):
        super().__init__()
        net = vit()
        self.patch_embed, self.blocks, self.norm, self.cls_token = net.patch_embed, net.blocks, net.norm, net.cls_token
        if replaces:
            self.mask_token = nn.Parameter(torch.zeros(1, 1, 16))
        if sincos:
            table = np.concatenate([np.zeros([1, 16]), sincos_2d(16, 4)])
            self.register_buffer("pos_embed", torch.from_numpy(table)[None])
        else:
            self.pos_embed = net.pos_embed

    def forward(self, x: Tensor, mask: dict[str, Tensor]) -> Tensor:
        x = self.patch_embed(nchw(x))
        if hasattr(self, "mask_token"):
            w = mask["hides"].unsqueeze(-1)
            x = x * (1 - w) + self.mask_token.expand(*x.shape[:2], -1) * w
            x = x + self.pos_embed[:, 1:]
        else:
            x = take(x + self.pos_embed[:, 1:], mask["visible"])
        cls = self.cls_token + self.pos_embed[:, :1]
        return self.norm(self.blocks(torch.cat((cls.expand(x.shape[0], -1, -1), x), dim=1)))


def masked(fixture: Fixture) -> None:
    for name, config in [
        ("vit_replace", {"masked": "replace"}),
        ("vit_drop", {"masked": "drop", "positions": "sincos2d"}),
    ]:
        net, mask = Masked(config["masked"] == "replace", "positions" in config), masks(name, 10)
        run = lambda x, net=net, mask=mask: (net(x, mask)[:, 0], net(x, mask))
        keep(fixture, name, "vit", SMALL | config, net, images(name), run, mask)


def blocks() -> nn.ModuleList:
    return nn.ModuleList([Block(12, 3, 2.0, qkv_bias=True) for _ in range(2)])


class Decoder(nn.Module):
    """MAE's decoder (models_mae.py, forward_decoder)."""

    def __init__(self):
        super().__init__()
        self.decoder_embed = nn.Linear(16, 12)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, 12))
        self.register_buffer("pos", torch.from_numpy(np.concatenate([np.zeros([1, 12]), sincos_2d(12, 4)]))[None])
        self.decoder_blocks = blocks()
        self.decoder_norm = nn.LayerNorm(12, eps=1e-6)
        self.decoder_pred = nn.Linear(12, 48)

    def forward(self, x: Tensor, mask: dict[str, Tensor]) -> Tensor:
        x = self.decoder_embed(x)
        # Patches were shuffled so that visible ones come first; this is the way back.
        ids_restore = torch.cat((mask["visible"], mask["hidden"]), 1).argsort(1)
        mask_tokens = self.mask_token.repeat(x.shape[0], ids_restore.shape[1] + 1 - x.shape[1], 1)
        x_ = take(torch.cat([x[:, 1:, :], mask_tokens], dim=1), ids_restore)
        x = torch.cat([x[:, :1, :], x_], dim=1) + self.pos
        for block in self.decoder_blocks:
            x = block(x)
        return self.decoder_pred(self.decoder_norm(x))[:, 1:, :]


class Predictor(nn.Module):
    """I-JEPA's predictor (src/models/vision_transformer.py, VisionTransformerPredictor), its result laid out sample by sample."""

    def __init__(self):
        super().__init__()
        self.predictor_embed = nn.Linear(16, 12)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, 12))
        self.register_buffer("pos", torch.from_numpy(sincos_2d(12, 4))[None])
        self.predictor_blocks = blocks()
        self.predictor_norm = nn.LayerNorm(12, eps=1e-6)
        self.predictor_proj = nn.Linear(12, 16)

    def forward(self, x: Tensor, context: Tensor, targets: list[Tensor]) -> Tensor:
        n = x.shape[0]
        pos = self.pos.expand(n, -1, -1)
        x = self.predictor_embed(x) + take(pos, context)
        ctxt = x.shape[1]
        pos_embs = torch.cat([take(pos, target) for target in targets])
        x = torch.cat([x.repeat(len(targets), 1, 1), self.mask_token + pos_embs], dim=1)
        for block in self.predictor_blocks:
            x = block(x)
        x = self.predictor_proj(self.predictor_norm(x)[:, ctxt:])
        return torch.cat(x.split(n), dim=1)


def behind(fixture: Fixture) -> None:
    """What follows an encoder of visible patches."""
    mask = masks("vit_decoder", 11)
    x = torch.randn((2, 6, 16), generator=generator("vit_decoder"))
    net = Decoder()
    keep(fixture, "vit_decoder", "vit_decoder", {"dim": 12, "depth": 2, "heads": 3, "patch": 4, "mlp_ratio": 2}, net, x,
         lambda x: (net(x, mask), None), mask)
    mask = masks("vit_predictor", 9)
    x = torch.randn((2, 7, 16), generator=generator("vit_predictor"))
    targets = [torch.tensor([[0, 1, 4, 5], [2, 3, 6, 7]]), torch.tensor([[9, 10, 13, 14], [8, 9, 12, 13]])]
    net = Predictor()
    keep(fixture, "vit_predictor", "vit_predictor", {"dim": 12, "depth": 2, "heads": 3, "mlp_ratio": 2}, net, x,
         lambda x: (net(x, mask["visible"], targets), None), mask | {"target0": targets[0], "target1": targets[1]})


def tables(fixture: Fixture) -> None:
    """Positions and resampling by themselves."""
    fixture.put("sincos/out", torch.from_numpy(sincos_2d(8, 3)))
    x = torch.eye(35).reshape(1, 35, 35)
    fixture.put("resampling/out", resample_abs_pos_embed(x, new_size=[3, 9], old_size=[5, 7], num_prefix_tokens=0)[0].double())
    fixture.metadata |= {"sincos": "{}", "resampling": "{}"}


def main() -> None:
    fixture = Fixture("transformers")
    plain(fixture)
    registers(fixture)
    relative(fixture)
    tables(fixture)
    fixture.save()
    fixture = Fixture("masked")
    masked(fixture)
    behind(fixture)
    fixture.save()


if __name__ == "__main__":
    main()
