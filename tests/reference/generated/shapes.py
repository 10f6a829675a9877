"""Shapes changed, elements moved, matrices multiplied."""

from __future__ import annotations

import torch

from .maker import Maker
from .registry import production
from .sizes import MUL, ONE, POSTFIX, POW, Dim, product
from .values import Value


@production(smooth=True)
def transpose(m: Maker) -> Value:
    v = m.pick(lambda v: v.rank > 1)
    if m.chance(0.6):
        *lead, rows, columns = v.shape
        return m.make(f"{v.at(POSTFIX)}.T", POSTFIX, (*lead, columns, rows), lambda x: x.transpose(-1, -2), [v])
    a, b = m.axis(v), m.axis(v)
    shape = list(v.shape)
    shape[a], shape[b] = shape[b], shape[a]
    args = [v, m.axis_text(a, v.rank), m.axis_text(b, v.rank)]
    return m.call("transpose", args, shape, lambda x: x.transpose(a, b), [v])


@production(smooth=True, weight=2)
def reshape(m: Maker) -> Value:
    v = m.pick(lambda v: v.rank > 0)
    dims = list(v.shape)
    for _ in range(m.rng.randint(1, 3)):
        i = m.rng.randrange(len(dims))
        if m.chance(0.3):
            m.rng.shuffle(dims)
        elif i + 1 < len(dims) and m.chance(0.7):
            dims[i:i + 2] = [dims[i] * dims[i + 1]]
        elif dims[i].number() in (4, 6, 8):
            dims[i:i + 1] = [Dim.of(2), Dim.of(dims[i].number() // 2)]
        elif len(dims) < 4:
            dims.insert(i, ONE)
    shape = tuple(dims)
    written = [d.text()[0] for d in dims]
    if m.chance(0.5):
        written[m.rng.randrange(len(dims))] = "-1"
    sizes = [m.size(d) for d in shape]
    return m.call("reshape", [v, "[" + ", ".join(written) + "]"], shape, lambda x: x.reshape(sizes), [v])


@production(smooth=True)
def flatten(m: Maker) -> Value:
    v = m.pick(lambda v: v.rank > 1)
    return m.call("flatten", [v], (v.shape[0], product(v.shape[1:])), lambda x: x.flatten(1), [v])


def bounds(m: Maker, dim: Dim) -> tuple[str, str, int, int, Dim]:
    """A part of a dimension: what is written for its ends, where they are, and how long it is."""
    n, size = m.size(dim), dim.number()
    text = dim.text()[0]
    if size is not None:
        a = m.rng.randrange(size)
        b = m.rng.randint(a + 1, size)
        shown = lambda i: str(i if i == size or m.chance(0.5) else i - size)
        return (str(a) if a == 0 else shown(a)), shown(b), a, b, Dim.of(b - a)
    cut = m.rng.randint(1, n - 1) if n > 1 else 0
    return m.one([
        (str(cut), text, cut, n, dim - Dim.of(cut)),
        ("0", text, 0, n, dim),
        ("0", str(n - cut), 0, n - cut, Dim.of(n - cut)),
        ("0", f"-{cut}", 0, n - cut, dim - Dim.of(cut)) if cut else ("0", text, 0, n, dim),
        (f"-{n - cut}", text, cut, n, Dim.of(n - cut)),
        ("0", f"{text} - {cut}" if cut else text, 0, n - cut, dim - Dim.of(cut)),
    ])


@production(smooth=True, weight=3)
def index(m: Maker) -> Value:
    v = m.pick(lambda v: v.rank > 0)
    written, where, shape = [], [], []
    for axis in range(m.rng.randint(1, min(v.rank, 3))):
        dim, n = v.shape[axis], m.size(v.shape[axis])
        if m.chance(0.5):
            i = m.rng.randrange(n)
            written.append(str(i if m.chance(0.5) else i - n))
            where.append(i)
        else:
            a, b, start, end, length = bounds(m, dim)
            written.append(f"{a}..{b}")
            where.append(slice(start, end))
            shape.append(length)
    shape += v.shape[len(where):]
    return m.make(f"{v.at(POSTFIX)}[{', '.join(written)}]", POSTFIX, shape, lambda x: x[tuple(where)], [v])


@production(smooth=True)
def slice_along(m: Maker) -> Value:
    v = m.pick(lambda v: v.rank > 0)
    axis = m.axis(v)
    a, b, start, end, length = bounds(m, v.shape[axis])
    args = [v, f"dim: {m.axis_text(axis, v.rank)}"]
    args += ([f"from: {a}"] if a != "0" or m.chance(0.5) else []) + [f"to: {b}"]
    shape = v.shape[:axis] + (length,) + v.shape[axis + 1:]
    return m.call("slice", args, shape, lambda x: x.narrow(axis, start, end - start), [v])


@production(smooth=True, weight=2)
def concat(m: Maker) -> Value:
    a = m.pick(lambda v: v.rank > 0)
    axis = m.axis(a)
    rest = lambda s: s[:axis] + s[axis + 1:]
    fits = lambda v: v.rank == a.rank and rest(v.shape) == rest(a.shape)
    parts = [a] + [m.pick(fits) for _ in range(m.rng.randint(1, 2))]
    m.rng.shuffle(parts)
    length = parts[0].shape[axis]
    for part in parts[1:]:
        length = length + part.shape[axis]
    args = parts + ([] if axis == 0 and m.chance(0.5) else [f"dim: {m.axis_text(axis, a.rank)}"])
    return m.call("concat", args, a.shape[:axis] + (length,) + a.shape[axis + 1:], lambda *x: torch.cat(x, axis), parts)


@production(smooth=True)
def stack(m: Maker) -> Value:
    a = m.pick(lambda v: v.rank < 3)
    parts = [a] + [m.pick(lambda v: v.shape == a.shape) for _ in range(m.rng.randint(1, 2))]
    axis = m.rng.randint(0, a.rank)
    args = parts + ([] if axis == 0 and m.chance(0.5) else [f"dim: {m.axis_text(axis, a.rank + 1)}"])
    shape = a.shape[:axis] + (Dim.of(len(parts)),) + a.shape[axis:]
    return m.call("stack", args, shape, lambda *x: torch.stack(x, axis), parts)


@production(smooth=True, weight=3)
def matmul(m: Maker) -> Value:
    a = m.pick(lambda v: v.rank > 0)
    inner = a.shape[-1]
    fits = lambda v: v.rank > 0 and v.shape[-2 if v.rank > 1 else -1] == inner and (
        v.rank < 3 or a.rank < 3 or m.broadcast(a.shape[:-2], v.shape[:-2]) is not None)
    flipped = lambda v: v.rank > 1 and v.shape[-1] == inner and (
        v.rank < 3 or a.rank < 3 or m.broadcast(a.shape[:-2], v.shape[:-2]) is not None)
    if m.chance(0.5):
        b = m.pick(flipped)
        text, level = f"{b.at(POSTFIX)}.T", POSTFIX
        f, last = (lambda x, y: x @ y.transpose(-1, -2)), b.shape[-2]
    else:
        b = m.pick(fits)
        text, level, f, last = b.at(POW), b.level, torch.matmul, b.shape[-1]
    lead = m.broadcast(a.shape[:-2], b.shape[:-2]) if b.rank > 1 else a.shape[:-2]
    shape = lead + (a.shape[-2:-1] if a.rank > 1 else ()) + ((last,) if b.rank > 1 else ())
    if m.chance(0.2):
        return m.call("matmul", [a, text], shape, f, [a, b])
    return m.make(f"{a.at(MUL)} @ {text}", MUL, shape, f, [a, b])
