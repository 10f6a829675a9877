"""Three whole training steps of a small net, in f64 on f32 inputs -> training.safetensors.

The net is linear(12 -> 16, bias) | batchnorm | relu | linear(16 -> 8, bias); the two views go through it one after the
other, `a` first, so that its running statistics move twice a step. The loss is VICReg's (25, 25, 1). SGD with
momentum 0.9 and weight decay 1e-3 on every parameter, learning rate 0.01, 0.005, 0.002; after each step a moving average of
the parameters with decay 0.9 (which begins as a copy).
Keys: `init/NAME` (the start), `stepK/a`, `stepK/b` (inputs, K = 1, 2, 3), `stepK/loss`, `stepK/loss.TERM`, `stepK/za`, `stepK/zb`
(embeddings), `stepK/grad.NAME`, `stepK/NAME` (after the step), `stepK/ema.NAME`; NAME is `linear1.weight`, `linear1.bias`, `norm.weight`,
`norm.bias`, `norm.running_mean`, `norm.running_var`, `linear2.weight`, `linear2.bias`. The metadata of `init` holds the settings as JSON.
The gradient of `linear1.bias` is zero but for rounding, as batch norm follows: compare that one absolutely.
"""

import copy
import json
from collections import OrderedDict

import torch
from torch import nn

from common import Fixture, generator
from losses import vicreg

RATES = [0.01, 0.005, 0.002]
MOMENTUM, DECAY, EMA = 0.9, 1e-3, 0.9


def build() -> nn.Module:
    """The net in f64, its seeded parameters representable in f32, its norm's affine part away from one and zero."""
    layers = [("linear1", nn.Linear(12, 16)), ("norm", nn.BatchNorm1d(16)), ("relu", nn.ReLU()), ("linear2", nn.Linear(16, 8))]
    net = nn.Sequential(OrderedDict(layers))
    g = generator("training")
    with torch.no_grad():
        for name, p in net.named_parameters():
            p.copy_(torch.randn(p.shape, generator=g) * 0.3 + (1 if name == "norm.weight" else 0))
    return net.double()


def step(fixture: Fixture, k: int, net: nn.Module, average: nn.Module, optimizer: torch.optim.SGD) -> None:
    """One step on fresh views; everything it computes goes into the fixture."""
    g = generator(f"step{k}")
    shared = torch.randn((10, 12), generator=g)
    views = {name: shared + 0.5 * torch.randn((10, 12), generator=g) for name in "ab"}
    embeddings = {f"z{name}": net(x.double()) for name, x in views.items()}
    terms = vicreg(*embeddings.values())
    loss = sum(terms.values())
    optimizer.zero_grad()
    loss.backward()
    grads = {f"grad.{name}": p.grad.clone() for name, p in net.named_parameters()}
    optimizer.param_groups[0]["lr"] = RATES[k - 1]
    optimizer.step()
    with torch.no_grad():
        for slow, p in zip(average.parameters(), net.parameters()):
            slow.mul_(EMA).add_(p, alpha=1 - EMA)
    state = {name: value for name, value in net.state_dict().items() if value.is_floating_point()}
    slow = {f"ema.{name}": p for name, p in average.named_parameters()}
    losses = {"loss": loss} | {f"loss.{name}": term for name, term in terms.items()}
    for key, value in (views | embeddings | losses | grads | state | slow).items():
        fixture.put(f"step{k}/{key}", value)
    print(f"step {k}: loss {loss.item():.4f}")


def main() -> None:
    fixture = Fixture("training")
    net = build()
    for name, value in net.state_dict().items():
        if value.is_floating_point():
            fixture.put(f"init/{name}", value)
    average = copy.deepcopy(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=RATES[0], momentum=MOMENTUM, weight_decay=DECAY)
    for k in range(1, 4):
        step(fixture, k, net, average, optimizer)
    settings = {"momentum": MOMENTUM, "weight_decay": DECAY, "lr": RATES, "ema": EMA, "batchnorm_momentum": 0.1}
    fixture.metadata["init"] = json.dumps(settings)
    fixture.save()


if __name__ == "__main__":
    main()
