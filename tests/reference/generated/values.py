"""What a program is made of: values, which know their text in the language, their symbolic shape, and how PyTorch
computes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable

import torch

from .sizes import Shape, dims_text

Tensor = torch.Tensor


@dataclass(eq=False)
class Value:
    """A tensor of a program."""

    text: str
    level: int
    shape: Shape
    f: Callable[..., Tensor]
    args: list[Value]
    t: Tensor = None
    kind: str = "float"
    used: int = 0

    @property
    def rank(self) -> int:
        return len(self.shape)

    def at(self, level: int) -> str:
        """Its text where something binds as tightly as `level`."""
        return self.text if self.level >= level else f"({self.text})"

    def __str__(self) -> str:
        return self.text


NOISE: list[Callable[[Tensor], Tensor]] = []


def rounded(x: Tensor) -> Tensor:
    """A result, or its gradient on the way back, through the noise there is."""
    return NOISE[-1](x) if NOISE else x


def whole(i: Tensor) -> Tensor:
    """An index as PyTorch takes it; given ones are real numbers, as all inputs are."""
    return i.long()


def evaluate(value: Value, cache: dict[Value, Tensor]) -> Tensor:
    """The value given those in `cache`; every real number that goes into an operation or comes out of it is rounded."""
    if value not in cache:
        given = [rounded(evaluate(a, cache)) if a.kind == "float" else evaluate(a, cache) for a in value.args]
        result = value.f(*given)
        cache[value] = rounded(result) if value.kind == "float" else result
    return cache[value]


@dataclass
class Program:
    """A recipe in the making."""

    sizes: dict[str, int]
    inputs: list[tuple[str, Value]] = field(default_factory=list)
    items: list[str] = field(default_factory=list)
    terms: list[tuple[str, Value]] = field(default_factory=list)
    names: int = 0

    def name(self, stem: str) -> str:
        self.names += 1
        return f"{stem}{self.names}"

    def declared(self) -> dict[str, int]:
        """The sizes that an input names."""
        return {s: n for s, n in self.sizes.items() if any(d.symbol() == s for _, v in self.inputs for d in v.shape)}

    def text(self) -> str:
        given = [f"input {name}: {dims_text(v.shape)}" for name, v in self.inputs]
        terms = [f"  {name}: {value}" for name, value in self.terms]
        sizes = "# " + ", ".join(f"{s} = {n}" for s, n in self.declared().items())
        return "\n".join([sizes] + given + self.items + ["loss {"] + terms + ["}"]) + "\n"
