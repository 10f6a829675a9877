"""Linear algebra, and balanced assignments."""

from __future__ import annotations

import math

import torch

from common import sinkhorn_knopp

from . import steps
from .choosing import is_square
from .maker import Maker
from .registry import production
from .sizes import ADD, MUL, POSTFIX, Skip
from .values import Value


def positive_definite(m: Maker) -> Value:
    v = m.pick(lambda v: v.rank in (2, 3))
    *lead, rows, columns = v.shape
    flipped = m.make(f"{v.at(POSTFIX)}.T", POSTFIX, (*lead, columns, rows), lambda x: x.transpose(-1, -2), [v])
    square = m.infix("@", MUL, v, flipped, (*lead, rows, rows), torch.matmul)
    n, text = m.size(rows), rows.text()[0]
    scale = m.one([1, 2, 0.5])
    f = lambda a: a + scale * torch.eye(n, dtype=a.dtype)
    added = f"{scale} * eye({text})" if scale != 1 else f"eye({text})"
    return m.make(f"{square} + {added}", ADD, square.shape, f, [square])


@production(weight=1.5)
def factor(m: Maker) -> Value:
    a = positive_definite(m)
    if m.kind([True, False]):
        return m.call("logdet", [a], a.shape[:-2], torch.logdet, [a])
    return m.call("cholesky", [a], a.shape, torch.linalg.cholesky, [a])


@production()
def factor_of_any(m: Maker) -> Value:
    """Only the lower triangle is read, and the gradient is symmetric."""
    v = m.pick(is_square)
    n, text = m.size(v.shape[0]), v.shape[0].text()[0]
    add = float(v.t.abs().sum(1).max()) + 1
    f = lambda x: torch.linalg.cholesky(x + math.ceil(add) * torch.eye(n, dtype=x.dtype))
    return m.call("cholesky", [f"{v.at(ADD)} + {math.ceil(add)} * eye({text})"], v.shape, f, [v])


@production()
def triangular_solve(m: Maker) -> Value:
    a = m.pick(lambda v: v.rank in (2, 3) and v.shape[-1] == v.shape[-2])
    if float(a.t.diagonal(dim1=-2, dim2=-1).abs().min()) < 0.4:
        raise Skip
    b = m.pick(lambda v: v.rank == a.rank and v.shape[:-1] == a.shape[:-1])
    upper, turned = m.chance(0.4), m.chance(0.4)
    def f(a, b):
        t = torch.triu(a) if upper else torch.tril(a)
        t = t.transpose(-1, -2) if turned else t
        return torch.linalg.solve_triangular(t, b, upper=upper != turned)
    args = [a, b] + (["transpose: true"] if turned else []) + (["upper: true"] if upper else [])
    return m.call("triangular_solve", args, b.shape, f, [a, b])


@production()
def spectrum(m: Maker) -> Value:
    known = lambda v: v.shape[-1] == v.shape[-2] or None not in (v.shape[-1].number(), v.shape[-2].number())
    v = m.pick(lambda v: v.rank in (2, 3))
    s = torch.linalg.svdvals(v.t)
    if float(s.min()) < 0.1 or (s.shape[-1] > 1 and float(-s.diff(dim=-1).max()) < 0.1):
        raise Skip
    if known(v) and m.kind([True, False]):
        least = v.shape[-1] if m.size(v.shape[-1]) < m.size(v.shape[-2]) else v.shape[-2]
        return m.call("singular_values", [v], v.shape[:-2] + (least,), torch.linalg.svdvals, [v])
    return m.call("nuclear_norm", [v], v.shape[:-2], lambda x: torch.linalg.svdvals(x).sum(-1), [v])


@production(weight=1.5)
def sinkhorn(m: Maker) -> Value:
    v = m.pick(lambda v: v.rank in (2, 3))
    epsilon, iterations = m.one([1, 0.5, 0.1]), m.one([3, 1, 5])
    args = [v] + ([f"epsilon: {epsilon}"] if epsilon != 1 else [])
    args += [f"iterations: {iterations}"] if iterations != 3 else []
    if float(v.t.abs().max()) / epsilon > 40:
        raise Skip
    balanced = lambda rows: sinkhorn_knopp(torch.exp(rows / epsilon), iterations).detach()
    if v.rank == 3 and m.chance(0.5):
        f = lambda x: torch.stack([balanced(x[:, t]) for t in range(x.shape[1])], 1)
        return m.call("sinkhorn", args + ["per: position"], v.shape, f, [v])
    return m.call("sinkhorn", args, v.shape, lambda x: balanced(x.flatten(0, -2)).reshape(x.shape), [v])
