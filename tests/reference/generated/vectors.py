"""Vectors and batches of them compared."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from . import steps
from .maker import Maker, apart, distinct
from .registry import production
from .sizes import Skip
from .values import Value, rounded


@production(weight=2)
def normalize(m: Maker) -> Value:
    v = m.pick(lambda v: v.rank > 0)
    axis = m.axis(v)
    if float(v.t.norm(dim=axis).min()) < 0.1:
        raise Skip
    args = [v] + ([] if axis == v.rank - 1 and m.chance(0.5) else [f"dim: {m.axis_text(axis, v.rank)}"])
    return m.call("normalize", args, v.shape, lambda x: steps.unit(x, axis), [v])


@production(weight=1.5)
def standardize(m: Maker) -> Value:
    v = m.pick(lambda v: v.rank > 0 and m.size(v.shape[0]) > 1)
    if float(v.t.var(0, unbiased=False).min()) < 0.01:
        raise Skip
    eps = m.one([1e-5, 0.1])
    f = lambda x: steps.centred(x, 0) / rounded((steps.variance(x, 0, 0) + eps).sqrt())
    return m.call("standardize", [v] + ([] if eps == 1e-5 else [f"eps: {eps}"]), v.shape, f, [v])


@production()
def covariance(m: Maker) -> Value:
    v = m.pick(lambda v: v.rank == 2 and m.size(v.shape[0]) > 1)
    biased = m.chance(0.3)
    f = lambda x: steps.covariance(x, 0 if biased else 1)
    return m.call("covariance", [v] + (["unbiased: false"] if biased else []), (v.shape[1],) * 2, f, [v])


@production()
def similarity(m: Maker) -> Value:
    name = m.kind(["cosine_similarity", "mse", "smooth_l1"])
    a = m.pick(lambda v: v.rank > 0)
    b = m.like(a.shape, a)
    if name == "cosine_similarity":
        if min(float(v.t.norm(dim=-1).min()) for v in (a, b)) < 0.1:
            raise Skip
        return m.call(name, [a, b], a.shape[:-1], steps.cosine_similarity, [a, b])
    if name == "mse":
        return m.call(name, [a, b], (), steps.mse, [a, b])
    beta = m.one([1, 0.5, 2])
    if not apart((a.t - b.t).abs(), [0, beta]):
        raise Skip
    f = lambda x, y: F.smooth_l1_loss(rounded(x - y), torch.zeros_like(x), beta=beta)
    return m.call(name, [a, b] + ([] if beta == 1 else [f"beta: {beta}"]), (), f, [a, b])


@production()
def distance(m: Maker) -> Value:
    a = m.pick(lambda v: v.rank == 2)
    b = m.pick(lambda v: v.rank == 2 and v.shape[1] == a.shape[1] and v is not a)
    if float(steps.squared_distance(a.t, b.t).min()) < 0.05:
        raise Skip
    plain = lambda x, y: rounded(steps.squared_distance(x, y)).sqrt()
    name, f = m.kind([("squared_distance", steps.squared_distance), ("pairwise_distance", plain)])
    return m.call(name, [a, b], (a.shape[0], b.shape[0]), f, [a, b])


@production()
def nearest(m: Maker) -> Value:
    a = m.pick(lambda v: v.rank == 2)
    own = m.chance(0.4)
    b = a if own else m.pick(lambda v: v.rank == 2 and v.shape[1] == a.shape[1])
    if min(float(v.t.norm(dim=-1).min()) for v in (a, b)) < 0.1 or (own and m.size(a.shape[0]) < 2):
        raise Skip
    def cosines(x, y):
        c = steps.unit(x) @ steps.unit(y).T
        return c - 3 * torch.eye(*c.shape, dtype=c.dtype) if own else c
    if not distinct(cosines(a.t, b.t), 1):
        raise Skip
    args = [a, b] + (["exclude: self"] if own else [])
    return m.call("nearest", args, a.shape[:1], lambda x, y: cosines(x, y).argmax(1), [a, b], kind="int")
