"""Functions of a recipe, loops and lists."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from .maker import Maker
from .registry import PRODUCTIONS, production
from .sizes import ONE, POSTFIX, Dim, Skip, dims_text
from .values import Tensor, Value, evaluate, rounded


def step(m: Maker) -> Value:
    """One more value, by some production."""
    for _ in range(40):
        try:
            f = m.rng.choices([f for f, smooth, _ in PRODUCTIONS if smooth or not m.smooth],
                              [weight for _, smooth, weight in PRODUCTIONS if smooth or not m.smooth])[0]
            return f(m)
        except Skip:
            continue
    raise Skip


@production(weight=3)
def function(m: Maker) -> Value:
    """A call of a function of the recipe, whose signature names sizes anew."""
    if m.inner:
        raise Skip
    args = [m.pick(lambda v: v.rank > 0) for _ in range(m.rng.randint(1, 2))]
    letters = m.rng.sample(["N", "D", "K", "A", "B", "M", "T", "S"], 8)
    names: dict[Dim, str] = {}
    for d in (d for a in args for d in a.shape):
        if d not in names and (d.number() is None or m.chance(0.7)) and d != ONE:
            names[d] = letters[len(names)]
    inside = lambda d: Dim.of(names[d]) if d in names else d
    if any(inside(d).number() is None and d not in names for a in args for d in a.shape):
        raise Skip
    params = [Value("ab"[i], POSTFIX, tuple(map(inside, a.shape)), lambda x: x, [a], a.t) for i, a in enumerate(args)]
    body = Maker(m.rng, m.program, list(params), inner=True, smooth=m.smooth)
    body.own = {name: m.size(d) for d, name in names.items()}
    lines = []
    for _ in range(m.rng.randint(1, 4)):
        v = step(body)
        if v.kind == "float" and m.chance(0.3):
            lines.append(f"  let c{len(lines)} = {v}")
            v.text, v.level = f"c{len(lines) - 1}", POSTFIX
        body.pool.append(v)
    result = next(v for v in reversed(body.pool) if v.kind == "float")
    name = m.program.name("f")
    signature = ", ".join(f"{p}: {dims_text(p.shape)}" for p in params)
    # A line that begins with an operator would go on with the one before.
    last = f"({result})" if result.text.startswith("-") else str(result)
    text = f" {{\n{chr(10).join(lines)}\n  {last}\n}}" if lines else f" = {result}"
    back = {symbol: d for d, symbol in names.items()}
    made = m.call(name, args, [d.put(back) for d in result.shape], lambda x: x, [result])
    m.program.items.append(f"let {name}({signature}){text}")
    return made


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
    kind = m.one(["mean", "sum", "stack", "sum0"] + (["concat"] if result.rank else []))
    fold = {"mean": lambda xs: torch.stack(xs).mean(), "sum": lambda xs: torch.stack(xs).sum(), "stack": torch.stack,
            "sum0": lambda xs: torch.stack(xs).sum(0), "concat": torch.cat}[kind]
    shape = {"mean": (), "sum": (), "stack": (Dim.of(len(places)),) + result.shape, "sum0": result.shape,
             "concat": (result.shape[0] * Dim.of(len(places)),) + result.shape[1:] if result.rank else ()}[kind]
    return looped(m, f"{kind.rstrip('0')}({loop}{', dim: 0' if kind == 'sum0' else ''})", shape, fold, result, at, places)


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


@production()
def pairs(m: Maker) -> Value:
    """Something of every pair of values, or of values side by side."""
    of_pairs = m.kind([True, False])
    a = m.pick(lambda v: v.rank < 4)
    values = [a] + [m.like(a.shape) for _ in range(m.rng.randint(1, 2))]
    text, f = m.one([("u * v", lambda u, v: u * v), ("(u - v) ^ 2", lambda u, v: (u - v) ** 2), ("tanh(u) - 2 * v", lambda u, v: u.tanh() - 2 * v),
                     ("mse(u, v)", lambda u, v: F.mse_loss(u, v))])
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
