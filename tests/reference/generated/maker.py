"""How values are made out of others. Each is computed in f64 at once, so that what would be near a kink, a tie or a pole
is not made at all.
"""

from __future__ import annotations

import random

import torch

from .sizes import ADD, COMPARE, NEG, ONE, POSTFIX, Dim, Shape, Skip
from .values import Program, Tensor, Value

# What a value may be at most, and how near it may be to where a function is not smooth.
LARGEST, MARGIN = 60.0, 3e-3


class Limits:
    """How large tensors are: how many elements a value and an input may have, and the sizes of symbols."""

    value, given = 96, 30
    usual, rare = (2, 3, 4), (1, 2, 2, 3, 3, 4, 5)

    @classmethod
    def widen(cls) -> None:
        """Long enough that kernels work on vectors and in pieces."""
        cls.value, cls.given = 40_000, 4_000
        cls.usual, cls.rare = (2, 3, 4, 7, 17, 33), (1, 2, 5, 31, 40, 65)


class Maker:
    """Makes values out of those in its pool."""

    def __init__(self, rng: random.Random, program: Program, pool: list[Value],
                 inner: bool = False, smooth: bool = False):
        self.rng, self.program, self.pool, self.inner, self.smooth = rng, program, pool, inner, smooth
        self.own: dict[str, int] | None = None
        self.turn: int | None = None

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes that may be named: those of inputs, or of the signature."""
        return self.program.declared() if self.own is None else self.own

    # Choosing.

    def chance(self, p: float) -> bool:
        return self.rng.random() < p

    def one(self, items):
        items = list(items)
        if not items:
            raise Skip
        return self.rng.choice(items)

    def kind(self, items):
        """One of what a production may make: each in its turn where the program is to hold this production."""
        items = list(items)
        return items[self.turn % len(items)] if self.turn is not None else self.rng.choice(items)

    def pick(self, fits=lambda v: True, kind: str = "float") -> Value:
        """A value of the pool, sooner a new one or one that nothing uses."""
        found = [(i, v) for i, v in enumerate(self.pool) if v.kind == kind and fits(v)]
        if not found:
            raise Skip
        weights = [(4.0 if v.used == 0 else 1.0) * (1.0 + i / len(self.pool)) for i, v in found]
        return self.rng.choices([v for _, v in found], weights)[0]

    def like(self, shape: Shape, other_than: Value | None = None, positive: bool = False) -> Value:
        """A value of that shape: of the pool, or a new input."""
        fits = lambda v: v.shape == shape and v is not other_than and (not positive or float(v.t.min()) > 0.1)
        try:
            if self.chance(0.8):
                return self.pick(fits)
        except Skip:
            pass
        return self.input(shape, positive=positive)

    def size(self, dim: Dim) -> int:
        return dim.at(self.program.sizes if self.own is None else self.own)

    # Making.

    def make(self, text: str, level: int, shape, f, args: list[Value], kind: str = "float") -> Value:
        """A new value, unless it is none that a test can hold anything to."""
        t = f(*(a.t for a in args))
        shape = tuple(shape)
        assert list(t.shape) == [self.size(d) for d in shape], f"{text}: {list(t.shape)} is not {shape} of {self.sizes}"
        real = t.is_floating_point()
        if t.numel() == 0 or t.numel() > Limits.value or len(text) > 110:
            raise Skip
        if real and not (torch.isfinite(t).all() and float(t.abs().max()) < LARGEST):
            raise Skip
        for arg in args:
            arg.used += 1
        return Value(text, level, shape, f, args, t, kind)

    def call(self, name: str, args: list, shape, f, tensors: list[Value], kind: str = "float") -> Value:
        """`name(args)`, of texts and values."""
        return self.make(f"{name}({', '.join(map(str, args))})", POSTFIX, shape, f, tensors, kind)

    def infix(self, op: str, level: int, a: Value, b: Value, shape, f, kind: str = "float") -> Value:
        tight = level + 1
        if level == COMPARE:
            return self.make(f"{a.at(ADD)} {op} {b.at(ADD)}", level, shape, f, [a, b], kind)
        return self.make(f"{a.at(level)} {op} {b.at(tight)}", level, shape, f, [a, b], kind)

    def number(self, x: float) -> Value:
        """A number as a value."""
        text = f"{x:g}"
        return Value(text, NEG if x < 0 else POSTFIX, (), lambda: torch.tensor(float(text), dtype=torch.float64), [],
                     torch.tensor(float(text), dtype=torch.float64), "number")

    def size_number(self, dim: Dim) -> Value:
        """A size as a number."""
        text, level = dim.text()
        n = torch.tensor(float(self.size(dim)), dtype=torch.float64)
        return Value(text, level, (), lambda: n, [], n, "number")

    def input(self, shape: Shape, positive: bool = False, whole: int | None = None, draw=None) -> Value:
        """A new input: normal, positive, or whole numbers below a bound."""
        plain = all(d.symbol() in self.program.sizes or d.number() is not None for d in shape)
        count = 1
        for d in shape:
            count *= self.size(d)
        if self.inner or not plain or count > Limits.given or len(self.program.inputs) >= 4:
            raise Skip
        g = torch.Generator().manual_seed(self.rng.getrandbits(48))
        dims = [self.size(d) for d in shape]
        if whole is not None:
            t = torch.randint(whole, dims, generator=g).double()
        elif draw is not None:
            t = draw(g, dims).float().double()
        elif positive:
            t = (0.3 + 2 * torch.rand(dims, generator=g)).double()
        else:
            t = (torch.randn(dims, generator=g) * self.rng.choice([0.5, 1.0, 1.0, 2.0])).float().double()
        name = "xyzuvw"[len(self.program.inputs)]
        leaf = Value(name, POSTFIX, shape, None, [], t, "int" if whole is not None else "float")
        self.program.inputs.append((name, leaf))
        self.pool.append(leaf)
        return leaf

    def let(self, value: Value) -> Value:
        """Gives a value a name."""
        name = self.program.name("v")
        self.program.items.append(f"let {name} = {value}")
        value.text, value.level = name, POSTFIX
        return value

    # What values are like.

    def broadcast(self, a: Shape, b: Shape) -> Shape | None:
        """The shape that two go together in."""
        rank = max(len(a), len(b))
        a, b = (ONE,) * (rank - len(a)) + a, (ONE,) * (rank - len(b)) + b
        if any(x != y and x != ONE and y != ONE for x, y in zip(a, b)):
            return None
        return tuple(y if x == ONE else x for x, y in zip(a, b))

    def partner(self, v: Value, fits=lambda v: True) -> Value:
        """A value that goes together with `v`."""
        return self.pick(lambda w: self.broadcast(v.shape, w.shape) is not None and fits(w))

    def axis(self, v: Value, fits=lambda d: True) -> int:
        return self.one(i for i, d in enumerate(v.shape) if fits(d))

    def axis_text(self, axis: int, rank: int) -> str:
        """A dimension as it may be written, from either end."""
        return str(axis if self.chance(0.6) else axis - rank)


def apart(t: Tensor, points) -> bool:
    """Whether no element is near any of `points`."""
    return all(float((t - p).abs().min()) > MARGIN for p in points)


def distinct(t: Tensor, axis: int) -> bool:
    """Whether no two elements along a dimension are near each other."""
    if t.shape[axis] < 2:
        return True
    ordered = t.sort(axis).values
    return float(ordered.diff(dim=axis).min()) > MARGIN
