"""Symbolic sizes."""

from __future__ import annotations

# How tightly text binds, from docs/language.md.
OR, AND, NOT, COMPARE, ADD, MUL, NEG, POW, POSTFIX = range(9)


class Skip(Exception):
    """A step that cannot be taken with what there is."""


class Dim:
    """A polynomial with whole coefficients over named sizes."""

    def __init__(self, terms: dict[tuple[str, ...], int]):
        self.terms = {symbols: c for symbols, c in terms.items() if c}

    @staticmethod
    def of(x: Dim | str | int) -> Dim:
        if isinstance(x, Dim):
            return x
        return Dim({(x,): 1}) if isinstance(x, str) else Dim({(): x})

    def __add__(self, other: Dim) -> Dim:
        terms = dict(self.terms)
        for symbols, c in other.terms.items():
            terms[symbols] = terms.get(symbols, 0) + c
        return Dim(terms)

    def __mul__(self, other: Dim) -> Dim:
        terms: dict[tuple[str, ...], int] = {}
        for a, x in self.terms.items():
            for b, y in other.terms.items():
                key = tuple(sorted(a + b))
                terms[key] = terms.get(key, 0) + x * y
        return Dim(terms)

    def __sub__(self, other: Dim) -> Dim:
        return self + other * Dim.of(-1)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dim) and self.terms == other.terms

    def __hash__(self) -> int:
        return hash(frozenset(self.terms.items()))

    def number(self) -> int | None:
        """The number, if no symbol is left."""
        return self.terms.get((), 0) if set(self.terms) <= {()} else None

    def symbol(self) -> str | None:
        """The name, if it is nothing else."""
        symbols = [symbols for symbols, c in self.terms.items() if c == 1 and len(symbols) == 1]
        return symbols[0][0] if symbols and len(self.terms) == 1 else None

    def at(self, sizes: dict[str, int]) -> int:
        total = 0
        for symbols, c in self.terms.items():
            for symbol in symbols:
                c *= sizes[symbol]
            total += c
        return total

    def put(self, names: dict[str, Dim]) -> Dim:
        """The same with names replaced."""
        total = Dim({})
        for symbols, c in self.terms.items():
            product = Dim.of(c)
            for symbol in symbols:
                product = product * names.get(symbol, Dim.of(symbol))
            total = total + product
        return total

    def text(self) -> tuple[str, int]:
        """What is written for it, and how tightly that binds."""
        parts = []
        for symbols, c in sorted(self.terms.items(), key=lambda t: (t[1] < 0, -len(t[0]), t[0])):
            factors = ([str(abs(c))] if abs(c) != 1 or not symbols else []) + list(symbols)
            parts.append((c < 0, " * ".join(factors), len(factors)))
        if not parts:
            return "0", POSTFIX
        if parts[0][0]:
            raise Skip
        text = parts[0][1] + "".join((" - " if negative else " + ") + part for negative, part, _ in parts[1:])
        return text, ADD if len(parts) > 1 else MUL if parts[0][2] > 1 else POSTFIX

    def __repr__(self) -> str:
        return self.text()[0]


ONE = Dim.of(1)
Shape = tuple[Dim, ...]


def product(dims) -> Dim:
    total = ONE
    for dim in dims:
        total = total * dim
    return total


def dims_text(dims) -> str:
    return "[" + ", ".join(d.text()[0] for d in dims) + "]"
