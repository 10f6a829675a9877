"""The standard library."""

from __future__ import annotations

import torch

from . import steps
from .maker import Maker, apart, distinct
from .registry import production
from .sizes import Skip
from .tokens import probabilities
from .values import Tensor, Value, rounded


def info_nce(q: Tensor, k: Tensor, t: float) -> Tensor:
    return steps.of_labels(torch.arange(len(q)), rounded(rounded(steps.unit(q)) @ rounded(steps.unit(k)).T) / t).mean()


def nt_xent(a: Tensor, b: Tensor, t: float) -> Tensor:
    z = rounded(steps.unit(torch.cat((a, b))))
    n = a.shape[0]
    logits = rounded(z @ z.T) / t - 1e9 * torch.eye(2 * n, dtype=z.dtype)
    return steps.of_labels(torch.cat((n + torch.arange(n), torch.arange(n))), logits).mean()


def decoupled_nt_xent(a: Tensor, b: Tensor, t: float) -> Tensor:
    x, y = rounded(steps.unit(a)), rounded(steps.unit(b))
    away = lambda u, v: rounded(u @ v.T) / t - 1e9 * torch.eye(len(u), dtype=u.dtype)
    negatives = lambda u, v: steps.logsumexp(torch.cat((away(u, u), away(u, v)), 1), 1)
    return rounded(negatives(x, y) + negatives(y, x)).mean() / 2 - rounded((x * y).sum(1)).mean() / t


def cross_correlation(a: Tensor, b: Tensor) -> Tensor:
    unit = lambda z: rounded(steps.centred(z, 0) / rounded((steps.variance(z, 0, 0) + 1e-5).sqrt()))
    return unit(a).T @ unit(b) / len(a)


def epps_pulley(x: Tensor) -> Tensor:
    t = torch.linspace(0, 3, 5, dtype=x.dtype)
    gauss, weight = torch.exp(-t ** 2 / 2), torch.tensor([0.5, 1, 1, 1, 0.5], dtype=x.dtype)
    angles = rounded(x[:, :, None] * t)
    mean = lambda waves: rounded(rounded(waves).mean(0))
    distance = rounded(mean(angles.cos()) - gauss) ** 2 + mean(angles.sin()) ** 2
    return len(x) * (rounded(distance) * gauss * weight).sum(1) * 2 * 3 / 4


def hinge_variance(z: Tensor) -> Tensor:
    return torch.relu(rounded(1 - rounded((steps.variance(z, 0) + 1e-4).sqrt()))).mean()


def off_diagonal_covariance(z: Tensor) -> Tensor:
    c = rounded(steps.covariance(z))
    return (c - torch.diag(torch.diagonal(c))).pow(2).sum() / z.shape[1]


def coding_rate(z: Tensor) -> Tensor:
    n, d = z.shape
    return torch.logdet(rounded(torch.eye(d, dtype=z.dtype) + d / (n * 0.25) * rounded(z.T @ z))) / 2


def sharpen(p: Tensor) -> Tensor:
    powers = rounded(rounded(p / p.amax(-1, keepdim=True)) ** 2)
    return powers / rounded(powers.sum(-1, keepdim=True))


def whiten(z: Tensor) -> Tensor:
    c = rounded((1 - 0.1) * steps.covariance(z) + 0.1 * torch.eye(z.shape[1], dtype=z.dtype))
    return torch.linalg.solve_triangular(rounded(torch.linalg.cholesky(c)), steps.centred(z, 0).T, upper=False).T


def unit_variance(x: Tensor) -> Tensor:
    return steps.centred(x, -1) / rounded((steps.variance(x, -1, 0, True) + 1e-5).sqrt())


def rows(m: Maker, shortest: float = 0.2, spread: float = 0.02) -> Value:
    """Vectors of a batch that are not too short, and columns that are not too narrow."""
    v = m.pick(lambda v: v.rank == 2 and min(m.size(v.shape[0]), m.size(v.shape[1])) > 1)
    if float(v.t.norm(dim=-1).min()) < shortest or float(v.t.var(0).min()) < spread:
        raise Skip
    return v


@production(weight=2)
def library_of_pairs(m: Maker) -> Value:
    name = m.kind(["info_nce", "nt_xent", "decoupled_nt_xent", "cross_correlation", "straight_through"])
    v = rows(m)
    w = m.like(v.shape, v)
    if float(w.t.norm(dim=-1).min()) < 0.2 or float(w.t.var(0).min()) < 0.02:
        raise Skip
    if name == "cross_correlation":
        return m.call(name, [v, w], (v.shape[1],) * 2, cross_correlation, [v, w])
    if name == "straight_through":
        f = lambda hard, soft: rounded(hard).detach() + rounded(soft - soft.detach())
        return m.call(name, [v, w], v.shape, f, [v, w])
    f = {"info_nce": info_nce, "nt_xent": nt_xent, "decoupled_nt_xent": decoupled_nt_xent}[name]
    t = m.one([0.5, 0.2])
    return m.call(name, [v, w, f"temperature: {t}"], (), lambda a, b: f(a, b, t), [v, w])


@production(weight=2)
def library(m: Maker) -> Value:
    f = m.kind([hinge_variance, off_diagonal_covariance, coding_rate, whiten, unit_variance, epps_pulley, sharpen])
    v = rows(m)
    if f is hinge_variance and not apart((v.t.var(0) + 1e-4).sqrt(), [1]):
        raise Skip
    if f is unit_variance and float(v.t.var(-1).min()) < 0.02:
        raise Skip
    if f is sharpen:
        p = probabilities(m, v.shape)
        if not distinct(p.t, -1):
            raise Skip
        return m.call("sharpen", [p, "temperature: 0.5"], p.shape, sharpen, [p])
    args = {whiten: ["eps: 0.1"], epps_pulley: ["knots: 5"]}.get(f, [])
    shape = v.shape if f in (whiten, unit_variance) else v.shape[1:] if f is epps_pulley else ()
    return m.call(f.__name__, [v] + args, shape, f, [v])
