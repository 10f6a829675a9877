"""Steps of a program, and functions of the recipe that hold some."""

from __future__ import annotations

from .maker import Maker
from .registry import PRODUCTIONS, production
from .sizes import ONE, POSTFIX, Dim, Skip, dims_text
from .values import Value


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
