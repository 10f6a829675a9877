"""Loops over places and over values."""

from __future__ import annotations

from typing import Callable

import torch
import torch.nn.functional as F

from .maker import Maker
from .registry import production
from .sizes import POSTFIX, Dim, Shape, Skip
from .structure import step
from .values import Tensor, Value, evaluate, rounded


@production(weight=3)
def comprehension(m: Maker) -> Value:
    """A value for each place of a dimension, or each of several tensors."""
    if m.inner:
        raise Skip
    v = m.pick(lambda v: v.rank > 0 and v.shape[0].number() is not None and m.size(v.shape[0]) < 5)
    n = v.shape[0].number()
    at = Value("i", POSTFIX, (), None, [], torch.tensor(0), "place")
    part = Value(f"{v.at(POSTFIX)}[i]", POSTFIX, v.shape[1:], lambda x, i: x[i], [v, at], v.t[0])
    body = Maker(m.rng, m.program, [part], inner=True, smooth=True)
    body.own = m.sizes
    if m.chance(0.5):
        w = m.pick(lambda w: m.broadcast(w.shape, part.shape) is not None)
        body.pool.append(w)
    for _ in range(m.rng.randint(1, 3)):
        body.pool.append(step(body))
    result = body.pool[-1]
    if result.text in (v.text, part.text):
        raise Skip
    skip = m.rng.randrange(n) if n > 2 and m.chance(0.3) else None
    places = [i for i in range(n) if i != skip]
    loop = f"{result} for i in 0..{n}" + (f" if i != {skip}" if skip is not None else "")
    text, fold, shape = folding(m, loop, result.shape, Dim.of(len(places)))
    return looped(m, text, shape, fold, result, at, places)


def folding(m: Maker, loop: str, shape: Shape, count: Dim) -> tuple[str, Callable[[list[Tensor]], Tensor], Shape]:
    """What becomes of `count` values of that shape: what is written for it, how it is computed, and its shape."""
    kind = m.one(["mean", "sum", "stack", "sum of each"] + (["concat"] if shape else []))
    if kind == "mean":
        return f"mean({loop})", lambda xs: torch.stack(xs).mean(), ()
    if kind == "sum":
        return f"sum({loop})", lambda xs: torch.stack(xs).sum(), ()
    if kind == "stack":
        return f"stack({loop})", torch.stack, (count, *shape)
    if kind == "concat":
        return f"concat({loop})", torch.cat, (shape[0] * count, *shape[1:])
    return f"sum({loop}, dim: 0)", lambda xs: torch.stack(xs).sum(0), shape


def looped(m: Maker, text: str, shape, fold, result: Value, at: Value, places: list[int]) -> Value:
    """`fold` of a value for each place."""
    outer = outside(result, at)
    def f(*given: Tensor) -> Tensor:
        rounds = []
        for i in places:
            cache = dict(zip(outer, given))
            cache[at] = torch.tensor(i)
            rounds.append(evaluate(result, cache))
        return fold(rounds)
    return m.make(text, POSTFIX, shape, f, outer)


def outside(value: Value, at: Value) -> list[Value]:
    """What a value is made of that does not depend on the place."""
    inside: dict[Value, bool] = {}
    def depends(v: Value) -> bool:
        if v not in inside:
            inside[v] = v is at or any([depends(a) for a in v.args])
        return inside[v]
    depends(value)
    seen: list[Value] = []
    def collect(v: Value) -> None:
        if not depends(v):
            if v not in seen:
                seen.append(v)
        else:
            for a in v.args:
                collect(a)
    collect(value)
    return seen


OF_TWO = [("u * v", lambda u, v: u * v), ("(u - v) ^ 2", lambda u, v: (u - v) ** 2),
          ("tanh(u) - 2 * v", lambda u, v: u.tanh() - 2 * v), ("mse(u, v)", F.mse_loss)]


@production()
def pairs(m: Maker) -> Value:
    """Something of every pair of values, or of values side by side."""
    of_pairs = m.kind([True, False])
    a = m.pick(lambda v: v.rank < 4)
    values = [a] + [m.like(a.shape) for _ in range(m.rng.randint(1, 2))]
    text, f = m.one(OF_TWO)
    if of_pairs:
        loop = f"u, v in pairs({', '.join(map(str, values))})"
        g = lambda *x: [rounded(f(u, v)) for i, u in enumerate(x) for j, v in enumerate(x) if i != j]
        count = len(values) * (len(values) - 1)
    else:
        loop = f"u, v in zip([{', '.join(map(str, values))}], [{', '.join(map(str, reversed(values)))}])"
        g = lambda *x: [rounded(f(u, v)) for u, v in zip(x, reversed(x))]
        count = len(values)
    shape = () if text.startswith("mse") else a.shape
    if m.chance(0.5):
        return m.call("mean", [f"{text} for {loop}"], (), lambda *x: torch.stack(g(*x)).mean(), values)
    return m.call("stack", [f"{text} for {loop}"], (Dim.of(count),) + shape, lambda *x: torch.stack(g(*x)), values)
