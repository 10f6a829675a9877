"""Values and gradients of every layer, by PyTorch in f64 on f32 inputs -> layers.safetensors.

Images are stored as NHWC and weights as PyTorch has them (convolution `[O, I/groups, kh, kw]`, linear `[out, in]`).
Keys of a case: `LAYER/x`, the parameters `LAYER/weight` and `LAYER/bias` where it has them, `LAYER/out`, `LAYER/cot` (shaped
like the value), and the gradients of sum(out * cot): `LAYER/grad_x`, `LAYER/grad_weight`, `LAYER/grad_bias`.
Batch norm adds `LAYER/running_mean`, `LAYER/running_var` as they were before the call, and in training
`LAYER/new_running_mean`, `LAYER/new_running_var` (momentum 0.1, unbiased variance).
The metadata holds, for each case, its configuration as JSON; `layer` is the word for it.
"""

import json
from typing import Callable

import torch
import torch.nn.functional as F

from common import Fixture, generator, gradients

Tensor = torch.Tensor


def to_nchw(x: Tensor) -> Tensor:
    return x.movedim(-1, 1)


def to_nhwc(x: Tensor) -> Tensor:
    return x.movedim(1, -1)


def write(fixture: Fixture, name: str, config: dict, tensors: dict[str, Tensor], f: Callable[..., Tensor]) -> None:
    """Puts the f32 tensors, f's value on them in f64, and the gradient to each into the fixture."""
    fixture.metadata[name] = json.dumps(config)
    for key, value in tensors.items():
        fixture.put(f"{name}/{key}", value)
    inputs = [value.double().requires_grad_() for value in tensors.values()]
    out = f(*inputs)
    cotangent = torch.randn(out.shape, generator=generator(name + "/cot"))
    fixture.put(f"{name}/out", out)
    fixture.put(f"{name}/cot", cotangent)
    for key, grad in zip(tensors, gradients(out, inputs, cotangent.double())):
        fixture.put(f"{name}/grad_{key}", grad)


def conv2d(fixture: Fixture, name: str, x: tuple, out: int, kernel: int, bias: bool = False, **options: int) -> None:
    """A convolution of `[N, H, W, C]` to `out` channels; stride 1, padding 0 and groups 1 unless given."""
    options = {"stride": 1, "padding": 0, "groups": 1} | options
    g = generator(name)
    fan_in = x[-1] // options["groups"]
    tensors = {
        "x": torch.randn(x, generator=g),
        "weight": torch.randn((out, fan_in, kernel, kernel), generator=g) / (fan_in * kernel**2) ** 0.5,
    }
    if bias:
        tensors["bias"] = torch.randn(out, generator=g)
    config = {"layer": "conv2d", "in": x[-1], "out": out, "kernel": kernel, **options, "bias": bias}
    write(fixture, name, config, tensors, lambda x, *wb: to_nhwc(F.conv2d(to_nchw(x), *wb, **options)))


def convolutions(fixture: Fixture) -> None:
    conv2d(fixture, "conv_3x3", (2, 6, 5, 3), 4, 3, padding=1)
    conv2d(fixture, "conv_3x3_bias", (2, 5, 5, 3), 4, 3, bias=True, padding=1)
    conv2d(fixture, "conv_3x3_no_padding", (2, 5, 6, 3), 4, 3)
    conv2d(fixture, "conv_3x3_padding_2", (1, 4, 4, 2), 3, 3, padding=2)
    conv2d(fixture, "conv_3x3_stride_2", (2, 6, 6, 3), 4, 3, stride=2, padding=1)
    conv2d(fixture, "conv_3x3_stride_2_odd", (2, 7, 5, 3), 4, 3, stride=2, padding=1)
    conv2d(fixture, "conv_1x1", (2, 4, 3, 6), 5, 1)
    conv2d(fixture, "conv_1x1_stride_2", (2, 5, 4, 6), 5, 1, stride=2)
    conv2d(fixture, "conv_7x7_stride_2", (1, 12, 12, 3), 4, 7, stride=2, padding=3)
    conv2d(fixture, "conv_5x5", (1, 7, 7, 2), 3, 5, padding=2)
    conv2d(fixture, "conv_patches", (2, 8, 8, 3), 6, 4, stride=4, bias=True)
    conv2d(fixture, "conv_groups_2", (2, 5, 5, 4), 6, 3, padding=1, groups=2)
    conv2d(fixture, "conv_groups_2_stride_2", (2, 6, 6, 4), 6, 3, stride=2, padding=1, groups=2)
    conv2d(fixture, "conv_depthwise", (2, 5, 5, 4), 4, 3, padding=1, groups=4)
    conv2d(fixture, "conv_wide", (1, 4, 4, 20), 18, 3, padding=1)


def affine(g: torch.Generator, features: int) -> dict[str, Tensor]:
    """Scale and shift of a norm, away from 1 and 0."""
    return {"weight": 1 + 0.3 * torch.randn(features, generator=g), "bias": 0.3 * torch.randn(features, generator=g)}


def batch_norm(fixture: Fixture, name: str, x: tuple, training: bool, with_affine: bool = True) -> None:
    """Batch norm over the last dimension of `[N, D]` or `[N, H, W, C]`."""
    g = generator(name)
    tensors = {"x": 0.5 + 2 * torch.randn(x, generator=g)}
    if with_affine:
        tensors |= affine(g, x[-1])
    mean = 0.3 * torch.randn(x[-1], generator=g)
    var = 0.5 + torch.rand(x[-1], generator=g)
    fixture.put(f"{name}/running_mean", mean)
    fixture.put(f"{name}/running_var", var)
    mean, var = mean.double(), var.double()
    config = {"layer": "batchnorm", "training": training, "affine": with_affine, "eps": 1e-5, "momentum": 0.1}

    def forward(x: Tensor, *affine: Tensor) -> Tensor:
        return to_nhwc(F.batch_norm(to_nchw(x), mean, var, *affine, training=training, momentum=0.1, eps=1e-5))

    write(fixture, name, config, tensors, forward)
    if training:
        fixture.put(f"{name}/new_running_mean", mean)
        fixture.put(f"{name}/new_running_var", var)


def norms(fixture: Fixture) -> None:
    batch_norm(fixture, "batchnorm_train", (3, 4, 4, 5), training=True)
    batch_norm(fixture, "batchnorm_train_rows", (8, 6), training=True)
    batch_norm(fixture, "batchnorm_train_no_affine", (8, 6), training=True, with_affine=False)
    batch_norm(fixture, "batchnorm_eval", (3, 4, 4, 5), training=False)
    batch_norm(fixture, "batchnorm_eval_rows", (8, 6), training=False)
    for name, shape in [("layernorm", (4, 6)), ("layernorm_tokens", (2, 5, 8))]:
        g = generator(name)
        tensors = {"x": 0.5 + 2 * torch.randn(shape, generator=g)} | affine(g, shape[-1])
        forward = lambda x, w, b: F.layer_norm(x, x.shape[-1:], w, b, 1e-5)
        write(fixture, name, {"layer": "layernorm", "eps": 1e-5}, tensors, forward)
    for groups in [1, 2, 6]:
        name = f"groupnorm_{groups}"
        g = generator(name)
        tensors = {"x": 0.5 + 2 * torch.randn((2, 4, 3, 6), generator=g)} | affine(g, 6)
        forward = lambda x, w, b: to_nhwc(F.group_norm(to_nchw(x), groups, w, b, 1e-5))
        write(fixture, name, {"layer": "groupnorm", "groups": groups, "eps": 1e-5}, tensors, forward)


def pools(fixture: Fixture) -> None:
    """Pooling; the input lies below zero, so that padding by zeros instead of -inf shows."""
    for name, pool, size, kernel, stride, padding in [
        ("max_pool", F.max_pool2d, (8, 8), 3, 2, 1),
        ("max_pool_odd", F.max_pool2d, (7, 5), 3, 2, 1),
        ("max_pool_2", F.max_pool2d, (6, 4), 2, 2, 0),
        ("avg_pool_2", F.avg_pool2d, (6, 4), 2, 2, 0),
        ("avg_pool_3", F.avg_pool2d, (7, 5), 3, 2, 0),
    ]:
        x = torch.randn((2, *size, 3), generator=generator(name)) - 3
        config = {"layer": name[:8], "kernel": kernel, "stride": stride, "padding": padding}
        forward = lambda x: to_nhwc(pool(to_nchw(x), kernel, stride, padding))
        write(fixture, name, config, {"x": x}, forward)
    x = torch.randn((2, 4, 3, 5), generator=generator("global_pool"))
    write(fixture, "global_pool", {"layer": "global_pool"}, {"x": x}, lambda x: x.mean((1, 2)))
    for factor in [2, 3]:
        name = f"upsample_{factor}"
        x = torch.randn((2, 3, 4, 5), generator=generator(name))
        forward = lambda x: to_nhwc(F.interpolate(to_nchw(x), scale_factor=factor, mode="nearest"))
        write(fixture, name, {"layer": "upsample", "factor": factor}, {"x": x}, forward)


def weight_norms(fixture: Fixture) -> None:
    """torch.nn.utils.weight_norm over dimension 0, its gain fixed at 1 or trained."""
    for name, trained in [("linear_weight_norm", False), ("linear_weight_norm_trained", True)]:
        g = generator(name)
        tensors = {"x": torch.randn((4, 6), generator=g), "weight_v": torch.randn((5, 6), generator=g)}
        if trained:
            tensors["weight_g"] = 0.5 + torch.rand((5, 1), generator=g)
        forward = lambda x, v, gain=torch.ones(5, 1, dtype=torch.float64): F.linear(x, torch._weight_norm(v, gain, 0))
        config = {"layer": "linear", "in": 6, "out": 5, "bias": False, "norm": "weight", "gain": "trained" if trained else "fixed"}
        write(fixture, name, config, tensors, forward)
    g = generator("prototypes")
    tensors = {"x": 3 * torch.randn((4, 6), generator=g), "weight": F.normalize(torch.randn((5, 6), generator=g))}
    write(fixture, "prototypes", {"layer": "prototypes", "k": 5}, tensors, lambda x, w: F.linear(F.normalize(x), w))


def dense(fixture: Fixture) -> None:
    for name, shape, bias in [("linear", (4, 6), True), ("linear_no_bias", (4, 6), False), ("linear_tokens", (2, 3, 6), True)]:
        g = generator(name)
        tensors = {"x": torch.randn(shape, generator=g), "weight": torch.randn((5, 6), generator=g) / 6**0.5}
        if bias:
            tensors["bias"] = torch.randn(5, generator=g)
        write(fixture, name, {"layer": "linear", "in": 6, "out": 5, "bias": bias}, tensors, F.linear)
    weight_norms(fixture)
    x = torch.randn((3, 4), generator=generator("gelu"))
    write(fixture, "gelu", {"layer": "gelu"}, {"x": x}, F.gelu)
    x = torch.randn((3, 4), generator=generator("relu"))
    write(fixture, "relu", {"layer": "relu"}, {"x": x}, F.relu)


def main() -> None:
    fixture = Fixture("layers")
    convolutions(fixture)
    norms(fixture)
    pools(fixture)
    dense(fixture)
    fixture.save()


if __name__ == "__main__":
    main()
