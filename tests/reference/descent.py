"""Six steps of a small net by two optimizers at once, in f64 on f32 inputs -> descent.safetensors.

The net is linear(12 -> 8) | tanh | linear(8 -> 4). AdamW updates the first layer (learning rate linear from 0.02 to 0.01, weight
decay cosine from 0.04 to 0.4), SGD (0.1, momentum 0.9, weight decay 0.01) the second, whose gradients are None in steps 1 and 2.
The loss is mean((y - 1)^2), in steps 0 and 1 with mean(|y|) added. Gradients are clipped: case `each` by parameter, case `norm`
all together, both to 0.5.
Keys: `x` (the six inputs), `init/NAME`, `CASE/K/loss` and `CASE/K/NAME` (after step K); NAME is `first.weight`, ...
"""

import math
from collections import OrderedDict

import torch
from torch import nn

from common import Fixture, generator

STEPS, CLIP = 6, 0.5


def build() -> nn.Module:
    layers = [("first", nn.Linear(12, 8)), ("tanh", nn.Tanh()), ("second", nn.Linear(8, 4))]
    net = nn.Sequential(OrderedDict(layers))
    g = generator("descent")
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=g) * 0.5)
    return net.double()


def steps(fixture: Fixture, case: str, x: torch.Tensor) -> None:
    net = build()
    adamw = torch.optim.AdamW(net.first.parameters(), lr=0.02)
    sgd = torch.optim.SGD(net.second.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    for k in range(STEPS):
        y = net(x[k].double())
        loss = ((y - 1) ** 2).mean()
        if k < 2:
            loss = loss + y.abs().mean()
        adamw.zero_grad()
        sgd.zero_grad()
        loss.backward()
        if 1 <= k < 3:
            for p in net.second.parameters():
                p.grad = None
        if case == "each":
            for p in net.parameters():
                nn.utils.clip_grad_norm_([p], CLIP)
        else:
            nn.utils.clip_grad_norm_(net.parameters(), CLIP)
        t = k / STEPS
        adamw.param_groups[0]["lr"] = 0.02 - 0.01 * t
        adamw.param_groups[0]["weight_decay"] = 0.4 + (0.04 - 0.4) * (1 + math.cos(math.pi * t)) / 2
        adamw.step()
        sgd.step()
        fixture.put(f"{case}/{k}/loss", loss)
        for name, p in net.named_parameters():
            fixture.put(f"{case}/{k}/{name}", p)


def main() -> None:
    fixture = Fixture("descent")
    x = torch.randn((STEPS, 6, 12), generator=generator("descent/x")) * 2
    fixture.put("x", x)
    for name, p in build().named_parameters():
        fixture.put(f"init/{name}", p)
    for case in ["each", "norm"]:
        steps(fixture, case, x)
    fixture.save()


if __name__ == "__main__":
    main()
