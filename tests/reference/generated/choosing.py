"""Elements chosen by index, sorted, and tensors made of sizes."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from .maker import Maker, distinct
from .registry import production
from .sizes import Dim, Shape, Skip, dims_text
from .values import Value, whole


@production(weight=1.5)
def sort(m: Maker) -> Value:
    v = m.pick(lambda v: v.rank > 0)
    axis, down = m.axis(v), m.chance(0.4)
    if not distinct(v.t, axis):
        raise Skip
    args = [v, f"dim: {m.axis_text(axis, v.rank)}"] + (["descending: true"] if down else [])
    if m.kind([False, True]):
        return m.call("argsort", args, v.shape, lambda x: torch.argsort(x, axis, down), [v], kind="int")
    return m.call("sort", args, v.shape, lambda x: torch.sort(x, axis, down).values, [v])


@production()
def topk(m: Maker) -> Value:
    v = m.pick(lambda v: v.rank > 0)
    axis = m.axis(v)
    if not distinct(v.t, axis):
        raise Skip
    k = m.rng.randint(1, m.size(v.shape[axis]))
    shape = v.shape[:axis] + (Dim.of(k),) + v.shape[axis + 1:]
    args = [v, k, f"dim: {m.axis_text(axis, v.rank)}"]
    return m.call("topk", args, shape, lambda x: torch.topk(x, k, axis).values, [v])


def indices(m: Maker, fits, shape: Shape, below: int) -> Value:
    """Whole numbers from 0: of the pool, or given."""
    try:
        if m.chance(0.7):
            return m.pick(lambda v: fits(v) and bool((v.t >= 0).all()) and int(v.t.max()) < below, kind="int")
    except Skip:
        pass
    return m.input(shape, whole=below)


@production()
def gather(m: Maker) -> Value:
    v = m.pick(lambda v: v.rank > 0)
    axis = m.axis(v)
    rest = lambda s: s[:axis] + s[axis + 1:]
    shape = v.shape[:axis] + (Dim.of(m.rng.randint(1, 3)),) + v.shape[axis + 1:]
    i = indices(m, lambda i: i.rank == v.rank and rest(i.shape) == rest(v.shape), shape, m.size(v.shape[axis]))
    args = [v, i, f"dim: {m.axis_text(axis, v.rank)}"]
    return m.call("gather", args, i.shape, lambda x, i: torch.gather(x, axis, whole(i)), [v, i])


@production()
def index_select(m: Maker) -> Value:
    v = m.pick(lambda v: v.rank > 0)
    axis = m.axis(v)
    i = indices(m, lambda i: i.rank == 1, (Dim.of(m.rng.randint(1, 4)),), m.size(v.shape[axis]))
    args = [v, i] + ([] if axis == 0 and m.chance(0.5) else [f"dim: {m.axis_text(axis, v.rank)}"])
    shape = v.shape[:axis] + i.shape + v.shape[axis + 1:]
    return m.call("index_select", args, shape, lambda x, i: torch.index_select(x, axis, whole(i)), [v, i])


@production()
def take(m: Maker) -> Value:
    v = m.pick(lambda v: v.rank > 1)
    shape = (v.shape[0], Dim.of(m.rng.randint(1, 3)))
    i = indices(m, lambda i: i.rank == 2 and i.shape[0] == v.shape[0], shape, m.size(v.shape[1]))
    f = lambda x, i: torch.stack([sample[j] for sample, j in zip(x, whole(i))])
    return m.call("take", [v, i], i.shape + v.shape[2:], f, [v, i])


@production()
def place(m: Maker) -> Value:
    v = m.pick(lambda v: v.rank > 1)
    length = m.rng.randint(2, 5)
    i = indices(m, lambda i: i.rank == 2 and i.shape == v.shape[:2], v.shape[:2], length)
    def f(x, i):
        to = whole(i).reshape(i.shape + (1,) * (x.dim() - 2)).expand_as(x)
        return torch.zeros(x.shape[0], length, *x.shape[2:], dtype=x.dtype).scatter_add(1, to, x)
    return m.call("place", [v, i, length], v.shape[:1] + (Dim.of(length),) + v.shape[2:], f, [v, i])


@production()
def one_hot(m: Maker) -> Value:
    dim = m.one([Dim.of(s) for s in m.sizes] + [Dim.of(3), Dim.of(4)])
    n = m.size(dim)
    i = indices(m, lambda i: i.rank < 3, (Dim.of(m.one(m.sizes)),) if m.sizes else (), n)
    f = lambda i: F.one_hot(whole(i), n).bool()
    return m.call("one_hot", [i, dim.text()[0]], i.shape + (dim,), f, [i], kind="bool")


@production()
def made_of_sizes(m: Maker) -> Value:
    v = m.pick(lambda v: v.rank > 0)
    dim = v.shape[-1]
    n, text = m.size(dim), dim.text()[0]
    kind = m.kind(["arange", "eye", "linspace", "ones", "zeros"])
    if kind == "arange":
        return m.call("arange", [text], (dim,), lambda: torch.arange(n), [], kind="int")
    if kind == "eye":
        return m.call("eye", [text], (dim, dim), lambda: torch.eye(n, dtype=torch.bool), [], kind="bool")
    if kind == "linspace":
        return m.call("linspace", ["-1", 2, text], (dim,), lambda: torch.linspace(-1, 2, n, dtype=torch.float64), [])
    fill = torch.ones if kind == "ones" else torch.zeros
    sizes = [m.size(d) for d in v.shape]
    return m.call(kind, [dims_text(v.shape)], v.shape, lambda: fill(sizes, dtype=torch.float64), [])


def is_square(v: Value) -> bool:
    return v.rank == 2 and v.shape[0] == v.shape[1]


@production(weight=1.5)
def diagonal(m: Maker) -> Value:
    v = m.pick(is_square)
    if m.kind([True, False]):
        return m.call("diagonal", [v], v.shape[:1], torch.diagonal, [v])
    return m.call("off_diagonal", [v], v.shape, lambda x: x - torch.diag(torch.diagonal(x)), [v])
