"""Sums, extremes, running sums and softmax."""

from __future__ import annotations

import torch

from . import steps
from .maker import Maker, distinct
from .registry import production
from .sizes import ONE, Shape, Skip, product
from .values import Value, rounded


def reduction(m: Maker, v: Value) -> tuple[list[int], bool, list[str], Shape]:
    """Dimensions to reduce, whether they stay, what is written for it, and the shape that comes out."""
    if v.rank == 0 or m.chance(0.15):
        axes, args = list(range(v.rank)), []
    else:
        axes = sorted(m.rng.sample(range(v.rank), m.rng.randint(1, min(v.rank, 3))))
        names = [m.axis_text(a, v.rank) for a in axes]
        if m.chance(0.3):
            names.reverse()
        args = [f"dim: {names[0] if len(names) == 1 and m.chance(0.8) else '[' + ', '.join(names) + ']'}"]
    keep = m.chance(0.4)
    args += ["keepdim: true"] if keep else []
    shape = tuple(ONE if i in axes else d for i, d in enumerate(v.shape) if keep or i not in axes)
    return axes, keep, args, shape


@production(smooth=True, weight=3)
def total(m: Maker) -> Value:
    name, f = m.kind([("sum", torch.sum), ("mean", torch.mean), ("logsumexp", steps.logsumexp)])
    v = m.pick()
    axes, keep, args, shape = reduction(m, v)
    # PyTorch takes no dimensions as all of them.
    g = (lambda x: f(x, dim=axes, keepdim=keep)) if axes else (lambda x: x)
    return m.call(name, [v] + args, shape, g, [v])


@production(weight=2)
def deviation(m: Maker) -> Value:
    name, f = m.kind([("var", steps.variance), ("std", lambda *x: rounded(steps.variance(*x)).sqrt())])
    v = m.pick(lambda v: v.rank > 0)
    axes, keep, args, shape = reduction(m, v)
    unbiased = m.chance(0.6)
    args += [] if unbiased else ["unbiased: false"]
    if unbiased and m.size(product(v.shape[a] for a in axes)) < 2:
        raise Skip
    g = lambda x: f(x, axes, int(unbiased), keep)
    if name == "std" and float(g(v.t).min()) < 0.05:
        raise Skip
    return m.call(name, [v] + args, shape, g, [v])


@production(weight=2)
def extreme(m: Maker) -> Value:
    name, f = m.kind([("max", torch.amax), ("min", torch.amin)])
    v = m.pick()
    axes, keep, args, shape = reduction(m, v)
    moved = v.t.permute([i for i in range(v.rank) if i not in axes] + axes)
    if not distinct(moved.flatten(v.rank - len(axes)) if axes else moved.reshape(1), -1):
        raise Skip
    g = (lambda x: f(x, dim=axes, keepdim=keep)) if axes else (lambda x: x)
    return m.call(name, [v] + args, shape, g, [v])


@production()
def place_of_extreme(m: Maker) -> Value:
    name, f = m.kind([("argmax", torch.argmax), ("argmin", torch.argmin)])
    v = m.pick(lambda v: v.rank > 0)
    if m.chance(0.1):
        if not distinct(v.t.flatten(), 0):
            raise Skip
        return m.call(name, [v], (), f, [v], kind="int")
    axis = m.axis(v)
    if not distinct(v.t, axis):
        raise Skip
    keep = m.chance(0.4)
    shape = tuple(ONE if i == axis else d for i, d in enumerate(v.shape) if keep or i != axis)
    args = [v, f"dim: {m.axis_text(axis, v.rank)}"] + (["keepdim: true"] if keep else [])
    return m.call(name, args, shape, lambda x: f(x, dim=axis, keepdim=keep), [v], kind="int")


@production(smooth=True)
def cumsum(m: Maker) -> Value:
    v = m.pick(lambda v: v.rank > 0) if m.chance(0.6) else m.pick(lambda v: v.rank > 2)
    axis = m.axis(v)
    return m.call("cumsum", [v, f"dim: {m.axis_text(axis, v.rank)}"], v.shape, lambda x: torch.cumsum(x, axis), [v])


@production(smooth=True, weight=2)
def softmax(m: Maker) -> Value:
    name, f = m.kind([("softmax", steps.softmax), ("log_softmax", steps.log_softmax)])
    v = m.pick(lambda v: v.rank > 0)
    axis = m.axis(v) if m.chance(0.6) else v.rank - 1
    args = [v] + ([] if axis == v.rank - 1 and m.chance(0.5) else [f"dim: {m.axis_text(axis, v.rank)}"])
    return m.call(name, args, v.shape, lambda x: f(x, axis), [v])
