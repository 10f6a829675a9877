"""Five steps of each optimizer on seeded tensors, for tests/suite/optim.rs.

SGD and AdamW are PyTorch's. LARS is written out as in facebookresearch/vicreg main_vicreg.py (plain) and
solo-learn solo/utils/lars.py (clipped). Run: python tests/reference/optim.py
"""

import numpy as np
import torch

from common import Fixture

STEPS = 5
LR = [float(np.float32(x)) for x in (0.3, 0.1, 0.05, 0.2, 0.01)]
DECAY = [float(np.float32(x)) for x in (0.01, 0.02, 0.0, 0.05, 0.01)]
SHAPES = {"weight": (17, 13), "bias": (13,)}


def torch_steps(make, params, grads):
    params = {k: torch.nn.Parameter(torch.tensor(v)) for k, v in params.items()}
    optimizer = make(list(params.values()))
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"], group["weight_decay"] = LR[step], DECAY[step]
        for name, p in params.items():
            p.grad = torch.tensor(grads[name][step])
        optimizer.step()
    return {k: p.detach().numpy() for k, p in params.items()}


def lars_official(p, grads, exclude, momentum=0.9, eta=0.001):
    p, mu = p.astype(np.float64), 0.0
    for g, lr, wd in zip(grads.astype(np.float64), LR, DECAY):
        if not (exclude and p.ndim == 1):
            g = g + wd * p
            p_norm, g_norm = np.linalg.norm(p), np.linalg.norm(g)
            g = g * (eta * p_norm / g_norm if p_norm > 0 and g_norm > 0 else 1.0)
        mu = momentum * mu + g
        p = p - lr * mu
    return p.astype(np.float32)


def lars_clipped(p, grads, exclude, momentum=0.9, eta=0.02, eps=1e-8):
    p, buf = p.astype(np.float64), None
    for g, lr, wd in zip(grads.astype(np.float64), LR, DECAY):
        if p.ndim != 1 or not exclude:
            p_norm, g_norm = np.linalg.norm(p), np.linalg.norm(g)
            if p_norm != 0 and g_norm != 0:
                rate = p_norm / (g_norm + p_norm * wd + eps) * eta
                g = (g + wd * p) * min(rate / lr, 1)
        buf = g if buf is None else momentum * buf + g
        p = p - lr * buf
    return p.astype(np.float32)


def main():
    rng = np.random.default_rng(7)
    params = {k: rng.normal(size=s).astype(np.float32) for k, s in SHAPES.items()}
    grads = {k: rng.normal(size=(STEPS, *s)).astype(np.float32) for k, s in SHAPES.items()}
    cases = {
        "sgd": torch_steps(lambda p: torch.optim.SGD(p, lr=1, momentum=0.9), params, grads),
        "sgd_plain": torch_steps(lambda p: torch.optim.SGD(p, lr=1), params, grads),
        "sgd_nesterov": torch_steps(lambda p: torch.optim.SGD(p, lr=1, momentum=0.8, nesterov=True), params, grads),
        "adamw": torch_steps(lambda p: torch.optim.AdamW(p, lr=1, betas=(0.9, 0.99), eps=1e-6), params, grads),
    }
    for exclude in (True, False):
        end = "" if exclude else "_all"
        cases["lars" + end] = {k: lars_official(v, grads[k], exclude) for k, v in params.items()}
        cases["lars_clip" + end] = {k: lars_clipped(v, grads[k], exclude) for k, v in params.items()}
    out = {f"param.{k}": v for k, v in params.items()} | {f"grad.{k}": v for k, v in grads.items()}
    out |= {f"{case}.{k}": v for case, result in cases.items() for k, v in result.items()}
    out |= {"lr": np.float32(LR), "weight_decay": np.float32(DECAY)}

    # Clipping as torch.nn.utils.clip_grad_norm_ does it, over both gradients of the first step.
    clipped = [torch.nn.Parameter(torch.tensor(v)) for v in params.values()]
    for p, g in zip(clipped, grads.values()):
        p.grad = torch.tensor(g[0])
    torch.nn.utils.clip_grad_norm_(clipped, 1.5)
    out |= {f"clip_norm.{k}": p.grad.numpy() for k, p in zip(params, clipped)}
    fixture = Fixture("optim")
    for key, value in out.items():
        fixture.put(key, torch.tensor(value))
    fixture.save()


main()
