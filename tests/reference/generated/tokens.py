"""Distributions, attention and patches."""

from __future__ import annotations

import math
from typing import Callable

from . import steps
from .choosing import indices
from .maker import Maker
from .registry import production
from .sizes import ONE, Dim, Shape, Skip
from .values import Tensor, Value, rounded


def probabilities(m: Maker, shape: Shape) -> Value:
    """Rows that sum to one."""
    try:
        v = m.pick(lambda v: v.shape == shape)
    except Skip:
        v = m.input(shape)
    return m.call("softmax", [v], shape, lambda x: steps.softmax(x, -1), [v])


@production(weight=1.5)
def divergence(m: Maker) -> Value:
    name = m.kind(["kl", "entropy", "cross_entropy"])
    v = m.pick(lambda v: v.rank > 0)
    p = probabilities(m, v.shape)
    rest = v.shape[:-1]
    if name == "entropy":
        return m.call(name, [p], rest, lambda p: -(p * rounded(p.log())).sum(-1), [p])
    if name == "kl":
        q = probabilities(m, v.shape)
        if q.text == p.text:
            raise Skip
        f = lambda p, q: rounded(p * rounded(rounded(p.log()) - rounded(q.log()))).sum(-1)
        return m.call(name, [p, q], rest, f, [p, q])
    return m.call(name, [p, v], rest, lambda p, x: -rounded(p * rounded(steps.log_softmax(x, -1))).sum(-1), [p, v])


@production()
def labelled(m: Maker) -> Value:
    v = m.pick(lambda v: v.rank > 0)
    i = indices(m, lambda i: i.shape == v.shape[:-1], v.shape[:-1], m.size(v.shape[-1]))
    return m.call("cross_entropy", [i, v], v.shape[:-1], steps.of_labels, [i, v])


@production(weight=2)
def attention(m: Maker) -> Value:
    q = m.pick(lambda v: v.rank == 3)
    n, _, d = q.shape
    try:
        k = m.pick(lambda v: v.rank == 3 and v.shape[0] == n and v.shape[2] == d)
    except Skip:
        k = m.input((n, Dim.of(m.rng.randint(1, 3)), d))
    v = m.like(k.shape)
    # The heads must divide the width whatever it is.
    whole = math.gcd(*d.terms.values())
    heads = m.one(h for h in range(1, whole + 1) if whole % h == 0) if m.chance(0.7) else 1
    def f(*qkv):
        apart = [x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in qkv]
        scores = rounded(apart[0] @ apart[1].transpose(-1, -2)) / math.sqrt(apart[0].shape[-1])
        weights = rounded(steps.softmax(scores, -1))
        return (weights @ apart[2]).transpose(1, 2).flatten(2)
    args = [q, k, v] + ([f"heads: {heads}"] if heads > 1 or m.chance(0.3) else [])
    return m.call("attention", args, q.shape, f, [q, k, v])


def cut(size: int) -> Callable[[Tensor], Tensor]:
    """MAE's `patchify`, of images in channels-last order."""
    def f(x):
        n, h, w, c = x.shape
        x = x.reshape(n, h // size, size, w // size, size, c).permute(0, 1, 3, 2, 4, 5)
        return x.reshape(n, (h // size) * (w // size), size * size * c)
    return f


@production(weight=1.5)
def patches(m: Maker) -> Value:
    even = lambda d: all(c % 2 == 0 for c in d.terms.values())
    try:
        v = m.pick(lambda v: v.rank == 4 and even(v.shape[1]) and even(v.shape[2]))
    except Skip:
        v = m.input((Dim.of(m.one(m.sizes)) if m.sizes else ONE, Dim.of(2), Dim.of(m.one([2, 4])), ONE))
    half = [Dim({s: c // 2 for s, c in d.terms.items()}) for d in v.shape[1:3]]
    shape = (v.shape[0], half[0] * half[1], Dim.of(4) * v.shape[3])
    if m.chance(0.3) and float(cut(2)(v.t).var(-1).min()) > 0.02:
        def f(x):
            p = cut(2)(x)
            return steps.centred(p, -1) / rounded((steps.variance(p, -1, keepdim=True) + 1e-6).sqrt())
        return m.call("patches", [v, "size: 2", "normalize: true"], shape, f, [v])
    return m.call("patches", [v, "size: 2"], shape, cut(2), [v])


@production()
def unpatches(m: Maker) -> Value:
    fours = lambda d: all(c % 4 == 0 for c in d.terms.values())
    v = m.pick(lambda v: v.rank == 3 and v.shape[1].number() is not None and fours(v.shape[2]))
    count = v.shape[1].number()
    rows = m.one(r for r in range(1, count + 1) if count % r == 0)
    columns = count // rows
    channels = Dim({s: c // 4 for s, c in v.shape[2].terms.items()})
    def f(x):
        n, _, d = x.shape
        x = x.reshape(n, rows, columns, 2, 2, d // 4).permute(0, 1, 3, 2, 4, 5)
        return x.reshape(n, 2 * rows, 2 * columns, d // 4)
    args = [v, "size: 2"] + ([] if rows == columns and m.chance(0.5) else [f"grid: [{rows}, {columns}]"])
    return m.call("unpatches", args, (v.shape[0], Dim.of(2 * rows), Dim.of(2 * columns), channels), f, [v])


@production()
def masked_mean(m: Maker) -> Value:
    v = m.pick(lambda v: v.rank in (2, 3))
    mask = m.pick(lambda b: b.shape == v.shape[:2], kind="bool")
    per = m.chance(0.5)
    def f(x, mask):
        x, mask = x.mean(-1) if x.dim() == 3 else x, mask.double()
        if per:
            return ((x * mask).sum(1) / mask.sum(1).clamp(min=1)).mean()
        return (x * mask).sum() / mask.sum().clamp(min=1)
    return m.call("masked_mean", [v, mask] + (["per: sample"] if per else []), (), f, [v, mask])
