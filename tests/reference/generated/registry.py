"""The list of productions: functions that make one more value out of those there are."""

from __future__ import annotations

from typing import Callable

from .maker import Maker
from .values import Value

PRODUCTIONS: list[tuple[Callable[[Maker], Value], bool, float]] = []


def production(smooth: bool = False, weight: float = 1.0):
    """Adds a production; a smooth one may stand where the values that it meets are not known beforehand."""
    def add(f):
        PRODUCTIONS.append((f, smooth, weight))
        return f
    return add
