"""torchvision's ResNets with weights by formula, values and some gradients -> encoders.safetensors.

No weights are stored: both sides fill them from torchvision's parameter names. With all arithmetic on u32 wrapping, element
i (row-major, in torchvision's layout: convolution `[O, I, kh, kw]`) of the tensor called NAME (`layer1.0.conv1.weight`) is

    h = fnv1a32(NAME) + i * 0x9E3779B9
    h ^= h >> 16; h *= 0x85EBCA6B; h ^= h >> 13; h *= 0xC2B2AE35; h ^= h >> 16
    u = (h >> 8) / 2^23 - 1                       in [-1, 1), exact

    convolution weight              sqrt(6 / fan_in) * u,  fan_in = I * kh * kw
    batch norm weight               1 + 0.1 * u
    batch norm bias, running_mean   0.1 * u
    batch norm running_var          1 + 0.1 * |u|

in f64, then rounded to f32. `formula/NAME` holds the first few tensors of the network of width 16 with the small stem, to
check one's filling by.

`imagenet/x` `[2, 48, 48, 3]` is the input of the networks with torchvision's own stem, `small/x` `[2, 32, 32, 3]` of those
with the CIFAR stem (conv1 3x3 stride 1 padding 1, no max pooling). Keys of a case (values in f64, then rounded):
`CASE/eval` and `CASE/train`: pooled features before `fc`, by running and by batch statistics; in training also `CASE/cot`, the
gradients of sum(train * cot) `CASE/grad.bn1.weight`, `CASE/grad.bn1.bias` and, but for the two larger networks,
`CASE/grad.conv1.weight`; and `CASE/new.bn1.running_mean`, `CASE/new.bn1.running_var` after the pass. The metadata holds `encoder`, `stem`, `width` as JSON, and how far torch's own f32 is
from these values (`f32_error_eval`, `f32_error_train`, relative L2): a sensible tolerance is a few times that.
"""

import json

import numpy as np
import torch
from torch import nn
from torchvision.models import resnet
from torchvision.models.resnet import ResNet

from common import Fixture, fnv1a, generator, gradients

BLOCKS = {
    "resnet18": (resnet.BasicBlock, [2, 2, 2, 2]),
    "resnet34": (resnet.BasicBlock, [3, 4, 6, 3]),
    "resnet50": (resnet.Bottleneck, [3, 4, 6, 3]),
}
LARGE = ["resnet34", "resnet50"]


def uniform(name: str, count: int) -> np.ndarray:
    """The formula's u for the first `count` elements of the tensor called `name`."""
    with np.errstate(over="ignore"):
        h = np.uint32(fnv1a(name)) + np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B9)
        h = (h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B)
        h = (h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return (h >> np.uint32(8)).astype(np.float64) / 2**23 - 1


def value(name: str, shape: torch.Size) -> torch.Tensor:
    """The tensor called `name`, by formula."""
    u = uniform(name, shape.numel())
    if len(shape) > 1:
        u = np.sqrt(6 / shape[1:].numel()) * u
    elif name.endswith("running_var"):
        u = 1 + 0.1 * np.abs(u)
    elif name.endswith("weight"):
        u = 1 + 0.1 * u
    else:
        u = 0.1 * u
    return torch.from_numpy(u.astype(np.float32)).reshape(shape)


def fill(net: nn.Module) -> None:
    """Gives every parameter and running statistic its value."""
    with torch.no_grad():
        for name, tensor in net.state_dict().items():
            if tensor.is_floating_point():
                tensor.copy_(value(name, tensor.shape))


def build(encoder: str, stem: str, width: int) -> ResNet:
    """torchvision's network, its `fc` removed, its stem and width changed where asked."""
    block, counts = BLOCKS[encoder]
    net = ResNet(block, counts)
    net.fc = nn.Identity()
    if width != 64:
        net.inplanes = width
        net.bn1 = nn.BatchNorm2d(width)
        for i, count in enumerate(counts):
            layer = net._make_layer(block, width * 2**i, count, stride=1 if i == 0 else 2)
            setattr(net, f"layer{i + 1}", layer)
    if stem == "small":
        net.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        net.maxpool = nn.Identity()
    fill(net)
    return net


def relative_error(got: torch.Tensor, want: torch.Tensor) -> float:
    return ((got.double() - want).norm() / want.norm()).item()


def case(fixture: Fixture, name: str, encoder: str, stem: str, width: int) -> None:
    """Runs one network in both modes and keeps what it gives."""
    x = fixture.tensors[f"{stem}/x"].movedim(-1, 1)
    net = build(encoder, stem, width)
    config = {"encoder": encoder, "stem": stem, "width": width}
    with torch.no_grad():
        rounded = {"eval": net.eval()(x), "train": net.train()(x)}
    fill(net)
    net.double()
    exact = {"eval": net.eval()(x.double()).detach(), "train": net.train()(x.double())}
    for mode, features in exact.items():
        fixture.put(f"{name}/{mode}", features)
        config[f"f32_error_{mode}"] = float(f"{relative_error(rounded[mode], features):.1e}")
    cotangent = torch.randn(exact["train"].shape, generator=generator(name))
    fixture.put(f"{name}/cot", cotangent)
    watched = ["bn1.weight", "bn1.bias"] + ([] if name in LARGE else ["conv1.weight"])
    parameters = [net.get_parameter(p) for p in watched]
    for p, grad in zip(watched, gradients(exact["train"], parameters, cotangent.double())):
        fixture.put(f"{name}/grad.{p}", grad)
    fixture.put(f"{name}/new.bn1.running_mean", net.bn1.running_mean)
    fixture.put(f"{name}/new.bn1.running_var", net.bn1.running_var)
    fixture.metadata[name] = json.dumps(config)
    print(name, config, f"eval rms {exact['eval'].square().mean().sqrt():.3g}")


def main() -> None:
    fixture = Fixture("encoders")
    fixture.put("imagenet/x", torch.randn((2, 48, 48, 3), generator=generator("imagenet/x")))
    fixture.put("small/x", torch.randn((2, 32, 32, 3), generator=generator("small/x")))
    for name, tensor in build("resnet18", "small", 16).state_dict().items():
        if name.startswith(("conv1.", "bn1.")) and tensor.is_floating_point():
            fixture.put(f"formula/{name}", tensor)
    case(fixture, "resnet18", "resnet18", "imagenet", 64)
    case(fixture, "resnet34", "resnet34", "imagenet", 64)
    case(fixture, "resnet50", "resnet50", "imagenet", 64)
    case(fixture, "resnet18_small", "resnet18", "small", 64)
    case(fixture, "resnet18_small_16", "resnet18", "small", 16)
    case(fixture, "resnet50_small_16", "resnet50", "small", 16)
    fixture.save()


if __name__ == "__main__":
    main()
