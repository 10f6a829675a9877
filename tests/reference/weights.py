"""Checkpoints as packages save them, of small encoders with random weights and moved statistics -> weights/*.

Run by a Python that has torch, torchvision, timm, lightly, safetensors and transformers (5.24). Each file holds an encoder of one
package, wrapped as a training of it would save it; `weights.safetensors` holds pictures `x/SIZE` `[2, H, W, 3]` (normalised already) and
for each file `FILE/out`, the features the package's own model gives, in f32; `positions/SIDE`, timm's positions of `timm.pth` for another
grid. Metadata: for each file the word of the language and the size of its pictures as JSON.
"""

import json
import sys
from collections import OrderedDict
from pathlib import Path

# `transformers.py` beside this script is not the package of that name.
sys.path = [path for path in sys.path if Path(path).resolve() != Path(__file__).resolve().parent]

import timm
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision.models import resnet
from transformers import (
    Dinov2Config,
    Dinov2Model,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    ResNetConfig,
    ResNetModel,
    ViTConfig,
    ViTModel,
)

sys.path.append(str(Path(__file__).resolve().parent))
from common import FIXTURES, Fixture, generator

FOLDER = FIXTURES / "weights"
WIDTH = 4
fixture = Fixture("weights")


def narrow(stem: str = "imagenet", classes: int = 3) -> resnet.ResNet:
    """torchvision's ResNet-18 with a quarter of a sixteenth of its width."""
    model = resnet.ResNet(resnet.BasicBlock, [2, 2, 2, 2], num_classes=classes)
    model.inplanes = WIDTH
    if stem == "small":
        model.conv1, model.maxpool = nn.Conv2d(3, WIDTH, 3, 1, 1, bias=False), nn.Identity()
    else:
        model.conv1 = nn.Conv2d(3, WIDTH, 7, 2, 3, bias=False)
    model.bn1 = nn.BatchNorm2d(WIDTH)
    for i in range(4):
        layer = model._make_layer(resnet.BasicBlock, WIDTH << i, 2, stride=1 if i == 0 else 2)
        setattr(model, f"layer{i + 1}", layer)
    model.fc = nn.Linear(8 * WIDTH, classes)
    return model


def moved(model: nn.Module, name: str) -> nn.Module:
    """Random weights of a size that keeps features apart, and statistics as of some training."""
    g = generator(name)
    for key, value in model.state_dict().items():
        if key.endswith("num_batches_tracked"):
            value.fill_(7)
        elif key.endswith("running_var"):
            value.copy_(0.5 + torch.rand(value.shape, generator=g))
        elif key.endswith("running_mean"):
            value.copy_(0.2 * torch.randn(value.shape, generator=g))
        elif value.dim() == 1 and key.endswith("weight") or "gamma" in key or "lambda1" in key:
            value.copy_(0.5 + torch.rand(value.shape, generator=g))
        elif value.dim() > 1 and value.numel() > 0:
            fan = value[0].numel() if value.dim() in (2, 4) else 4
            value.copy_(torch.randn(value.shape, generator=g) * (1.5 / fan) ** 0.5)
        else:
            value.copy_(0.1 * torch.randn(value.shape, generator=g))
    return model.eval()


def case(file: str, encoder: str, size: int, features) -> None:
    """The features of a file's encoder for two pictures."""
    x = torch.randn(2, 3, size, size, generator=generator(f"pictures {size}"))
    with torch.no_grad():
        out = features(x)
    if f"x/{size}" not in fixture.tensors:
        fixture.put(f"x/{size}", x.permute(0, 2, 3, 1))
    fixture.put(f"{file}/out", out)
    fixture.metadata[file] = json.dumps({"encoder": encoder, "size": size})


def pooled(model: resnet.ResNet):
    """A ResNet's features before its classifier."""

    def features(x):
        fc, model.fc = model.fc, nn.Identity()
        out = model(x)
        model.fc = fc
        return out

    return features


def prefixed(state: dict, prefix: str) -> OrderedDict:
    return OrderedDict((prefix + key, value) for key, value in state.items())


def half(state: dict) -> OrderedDict:
    """In half precision, so that files stay small; features are those of the rounded weights."""
    return OrderedDict((k, v.half() if v.is_floating_point() else v) for k, v in state.items())


def residual() -> None:
    word = f"resnet18(width: {WIDTH})"
    small = f'resnet18(stem: small, width: {WIDTH})'

    def made(name: str, stem: str = "imagenet") -> resnet.ResNet:
        model = moved(narrow(stem), name)
        model.load_state_dict(half(model.state_dict()))
        return model

    # torchvision: the state dict alone, in both formats of torch.save and in safetensors.
    model = made("torchvision")
    for file, old in [("torchvision.pth", False), ("torchvision_old.pth", True)]:
        torch.save(half(model.state_dict()), FOLDER / file, _use_new_zipfile_serialization=not old)
        case(file, word, 48, pooled(model))
    save_file({k: v.contiguous() for k, v in half(model.state_dict()).items()}, FOLDER / "torchvision.safetensors")
    case("torchvision.safetensors", word, 48, pooled(model))
    # Two encoders, a queue and an optimizer, as momentum contrast saves them.
    online, slow = made("online"), made("slow")
    state = prefixed(half(online.state_dict()), "module.encoder_q.")
    state |= prefixed(half(slow.state_dict()), "module.encoder_k.")
    state |= {"module.queue": torch.zeros(4, 8), "module.queue_ptr": torch.zeros(1, dtype=torch.long)}
    momentum = {"state": {0: {"momentum_buffer": torch.zeros(3)}}, "param_groups": [{"lr": 0.03, "params": [0]}]}
    torch.save({"epoch": 9, "arch": "resnet18", "state_dict": state, "optimizer": momentum}, FOLDER / "contrast.pth.tar")
    case("contrast.pth.tar", word, 48, pooled(online))
    # A Lightning module of solo-learn, its arguments beside it.
    model = made("lightning", "small")
    state = prefixed(half(model.state_dict()), "backbone.") | {"projector.0.weight": torch.zeros(4, 4)}
    from argparse import Namespace

    saved = {"pytorch-lightning_version": "2.0", "hyper_parameters": Namespace(lr=0.1), "state_dict": state}
    torch.save(saved, FOLDER / "lightning.ckpt")
    case("lightning.ckpt", small, 24, pooled(model))
    # lightly: the children of a model in a row, of torchvision's and of its own.
    model = made("sequence")
    row = nn.Sequential(*list(model.children())[:-1])
    torch.save(prefixed(half(row.state_dict()), "backbone."), FOLDER / "sequence.pth")
    case("sequence.pth", word, 48, lambda x: row(x).flatten(1))
    from lightly.models import ResNetGenerator

    own = moved(ResNetGenerator("resnet-18", width=WIDTH / 64), "lightly")
    own.load_state_dict(half(own.state_dict()))
    head = {"projection_head.layers.0.weight": torch.zeros(4, 4)}
    kept = {k: v for k, v in own.state_dict().items() if not k.startswith("linear.")}
    torch.save(prefixed(half(kept), "backbone.") | head, FOLDER / "lightly.pth")
    own.linear = nn.Identity()
    case("lightly.pth", small, 32, own)
    # The row of its children, as lightly's examples have it, lacks the activation behind the first norm.
    row = nn.Sequential(*list(own.children())[:-1], nn.AdaptiveAvgPool2d(1))
    torch.save(prefixed(half(row.state_dict()), "backbone.") | head, FOLDER / "lightly_row.pth")
    # VISSL: deep in a training's state.
    model = made("nested")
    trunk = prefixed(half(model.state_dict()), "_feature_blocks.")
    nested = {"classy_state_dict": {"base_model": {"model": {"trunk": trunk, "heads": {}}}, "meters": {}}, "iteration": 3}
    torch.save(nested, FOLDER / "nested.torch")
    case("nested.torch", word, 48, pooled(model))
    # Hugging Face's ResNet.
    sizes = [WIDTH << i for i in range(4)]
    model = moved(ResNetModel(ResNetConfig(embedding_size=WIDTH, hidden_sizes=sizes, depths=[2] * 4, layer_type="basic")), "hf")
    model.load_state_dict(half(model.state_dict()))
    save_file({k: v.contiguous() for k, v in half(model.state_dict()).items()}, FOLDER / "hf_resnet.safetensors")
    case("hf_resnet.safetensors", word, 48, lambda x: model(x).pooler_output.flatten(1))


def vit_word(**more) -> str:
    words = {"dim": 16, "depth": 2, "heads": 2, "patch": 8, "mlp_ratio": 2} | more
    return "vit(" + ", ".join(f"{k}: {v}" for k, v in words.items()) + ")"


def timm_vit(name: str, **more):
    size = {"embed_dim": 16, "depth": 2, "num_heads": 2, "mlp_ratio": 2, "img_size": 32, "patch_size": 8}
    model = moved(timm.create_model("vit_small_patch16_224", **(size | more)), name)
    return model


def transformers() -> None:
    def features(model):
        return lambda x: model.forward_head(model.forward_features(x), pre_logits=True)

    cases = {
        "timm.pth": ({"num_classes": 5}, {}),
        # Registers whose positions are in the table, and a table of patches alone.
        "timm_registers.pth": ({"reg_tokens": 3, "num_classes": 0}, {"registers": 3}),
        "timm_patches.pth": ({"reg_tokens": 3, "no_embed_class": True, "num_classes": 0}, {"registers": 3}),
        "timm_mean.pth": (
            {"class_token": False, "global_pool": "avg", "fc_norm": False, "num_classes": 0},
            {"cls": "false"},
        ),
    }
    for file, (theirs, ours) in cases.items():
        model = timm_vit(file, **theirs)
        torch.save({"model": model.state_dict(), "args": None} if file == "timm.pth" else model.state_dict(), FOLDER / file)
        case(file, vit_word(**ours), 32, features(model))
    # Student and teacher with heads, blocks in chunks.
    student, teacher = timm_vit("student"), timm_vit("teacher")
    heads = {"head.mlp.0.weight": torch.zeros(4, 4)}
    both = {}
    for name, model in [("student", student), ("teacher", teacher)]:
        state = {k.replace("blocks.1.", "blocks.1.1.").replace("blocks.0.", "blocks.0.0."): v for k, v in model.state_dict().items()}
        state = {k: v for k, v in state.items() if not k.startswith("head.")}
        both[name] = prefixed(state, "module.backbone.") | prefixed(heads, "module.")
    torch.save(both | {"epoch": 3}, FOLDER / "distilled.pth")
    case("distilled.pth", vit_word(), 32, features(teacher))
    # Hugging Face.
    size = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32, "patch_size": 8}
    model = moved(ViTModel(ViTConfig(**size, intermediate_size=32, layer_norm_eps=1e-6)), "hf_vit")
    model.save_pretrained(FOLDER / "hf_vit")
    for more in FOLDER.glob("hf_vit/*.json"):
        more.unlink()
    (FOLDER / "hf_vit" / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.5] * 3, "image_std": [0.5] * 3}))
    case("hf_vit/model.safetensors", vit_word(), 32, lambda x: model(x).last_hidden_state[:, 0])
    scaled = moved(Dinov2Model(Dinov2Config(**size, mlp_ratio=2)), "hf_scaled")
    save_file({k: v.contiguous() for k, v in scaled.state_dict().items()}, FOLDER / "hf_scaled.safetensors")
    case("hf_scaled.safetensors", vit_word(layer_scale=1), 32, lambda x: scaled(x).last_hidden_state[:, 0])
    registers = moved(Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**size, mlp_ratio=2, num_register_tokens=4)), "hf_reg")
    save_file({k: v.contiguous() for k, v in registers.state_dict().items()}, FOLDER / "hf_registers.safetensors")
    case("hf_registers.safetensors", vit_word(layer_scale=1, registers=4), 32, lambda x: registers(x).last_hidden_state[:, 0])
    positions()


def positions() -> None:
    """timm's interpolation of the positions of a file to another grid."""
    from timm.layers import resample_abs_pos_embed

    state = torch.load(FOLDER / "timm.pth")["model"]
    for side in [3, 7]:
        fixture.put(f"positions/{side}", resample_abs_pos_embed(state["pos_embed"], (side, side), num_prefix_tokens=1))


def hostile() -> None:
    """What is no state dict: a whole model, and a pickle that would call something."""
    torch.save(nn.Linear(2, 2), FOLDER / "whole_model.pth")

    class Caller:
        def __reduce__(self):
            import os

            return os.system, ("touch called",)

    torch.save({"state_dict": Caller()}, FOLDER / "caller.pth")


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    residual()
    transformers()
    hostile()
    fixture.save()
    for path in sorted(FOLDER.rglob("*")):
        print(path.relative_to(FOLDER), path.stat().st_size)
