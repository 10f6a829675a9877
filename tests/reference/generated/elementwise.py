"""Functions of each element, arithmetic, comparisons and choice."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from . import steps
from .maker import Maker, apart
from .registry import production
from .sizes import ADD, AND, COMPARE, MUL, NEG, NOT, ONE, OR, POSTFIX, POW, Dim, Skip
from .values import Tensor, Value


def real(t: Tensor) -> Tensor:
    return t if t.is_floating_point() else t.double()


def softplus(x: Tensor) -> Tensor:
    """Without the straight line that PyTorch's own is above 20."""
    return torch.logaddexp(x, torch.zeros_like(x))


SMOOTH = {"tanh": steps.tanh, "sigmoid": steps.sigmoid, "softplus": softplus, "sin": torch.sin, "cos": torch.cos,
          "gelu": F.gelu, "erf": torch.erf}
KINKED = {"relu": torch.relu, "abs": torch.abs, "sign": torch.sign}
BOUNDED = {"exp": (torch.exp, -9, 3.5), "log": (torch.log, 0.05, 99), "sqrt": (torch.sqrt, 0.02, 99),
           "inverse_erf": (torch.erfinv, -0.95, 0.95)}


@production(smooth=True, weight=2)
def smooth(m: Maker) -> Value:
    name = m.kind(SMOOTH)
    v = m.pick()
    return m.call(name, [v], v.shape, SMOOTH[name], [v])


@production(weight=2)
def bounded(m: Maker) -> Value:
    name = m.kind(BOUNDED)
    f, low, high = BOUNDED[name]
    v = m.pick(lambda v: float(v.t.min()) > low and float(v.t.max()) < high)
    return m.call(name, [v], v.shape, f, [v])


@production()
def kinked(m: Maker) -> Value:
    name = m.kind(KINKED)
    v = m.pick(lambda v: apart(v.t, [0]))
    return m.call(name, [v], v.shape, KINKED[name], [v])


@production()
def clamp(m: Maker) -> Value:
    v = m.pick()
    low, high = m.one([(-0.5, 0.5), (-1, 2), (0, None), (None, 1), (0.1, 0.7)])
    if not apart(v.t, [p for p in (low, high) if p is not None]):
        raise Skip
    args = [v] + ([f"min: {low}"] if low is not None else []) + ([f"max: {high}"] if high is not None else [])
    if low is not None and high is not None and m.chance(0.5):
        args = [v, low, high]
    return m.call("clamp", args, v.shape, lambda x: torch.clamp(x, low, high), [v])


@production(smooth=True)
def negate(m: Maker) -> Value:
    v = m.pick()
    return m.make(f"-{v.at(NEG)}", NEG, v.shape, torch.neg, [v])


@production()
def stopgrad(m: Maker) -> Value:
    v = m.pick()
    return m.call("stopgrad", [v], v.shape, torch.detach, [v])


@production(weight=2)
def power(m: Maker) -> Value:
    e = m.kind([0, 1, 2, 3, -1, 0.5, -0.5, 1.5, -2, 4, 2.5])
    if e in (0, 1, 2, 3, 4):
        v = m.pick()
    elif e == int(e):
        v = m.pick(lambda v: apart(v.t, [0]) and float(v.t.abs().min()) > 0.2)
    else:
        v = m.pick(lambda v: float(v.t.min()) > 0.1)
    return m.make(f"{v.at(POSTFIX)} ^ {e}", POW, v.shape, lambda x: x ** e, [v])


@production()
def power_of_tensors(m: Maker) -> Value:
    b = m.pick()
    if m.chance(0.4):
        n = m.one([2, 0.5, 3])
        return m.make(f"{n} ^ {b.at(POW)}", POW, b.shape, lambda e: n ** e, [b])
    whole = m.chance(0.3)
    a = m.partner(b, lambda v: apart(v.t, [0]) if whole else float(v.t.min()) > 0.1)
    if whole:
        small = lambda v: bool((v.t >= 0).all()) and int(v.t.max()) < 6
        e = m.pick(lambda v: m.broadcast(a.shape, v.shape) is not None and small(v), kind="int")
        f = lambda a, e: a ** real(e)
        return m.make(f"{a.at(POSTFIX)} ^ {e.at(POW)}", POW, m.broadcast(a.shape, e.shape), f, [a, e])
    return m.make(f"{a.at(POSTFIX)} ^ {b.at(POW)}", POW, m.broadcast(a.shape, b.shape), torch.pow, [a, b])


COMPARISONS = [("<", torch.lt), ("<=", torch.le), (">", torch.gt), (">=", torch.ge), ("!=", torch.ne), ("==", torch.eq)]
INFIX = {"+": (ADD, torch.add), "-": (ADD, torch.sub), "*": (MUL, torch.mul), "/": (MUL, torch.div)}


@production(smooth=True, weight=5)
def arithmetic(m: Maker) -> Value:
    op = m.one(["+", "-", "*", "*", "/"])
    level, f = INFIX[op]
    a = m.pick()
    b = m.partner(a, lambda v: op != "/" or float(v.t.abs().min()) > 0.2)
    if m.smooth and op == "/":
        raise Skip
    if op != "/" and m.chance(0.5):
        a, b = b, a
    return m.infix(op, level, a, b, m.broadcast(a.shape, b.shape), f)


@production(smooth=True, weight=3)
def arithmetic_of_numbers(m: Maker) -> Value:
    op = m.one("+-**/")
    level, f = INFIX[op]
    v = m.pick()
    symbols = list(m.sizes)
    if symbols and m.chance(0.5):
        dim = Dim.of(m.one(symbols))
        if m.chance(0.3):
            dim = m.one([dim + ONE, dim * Dim.of(2), dim * Dim.of(m.one(symbols)), dim + Dim.of(m.one(symbols))])
        n = m.size_number(dim)
    else:
        n = m.number(m.one([0.5, 2, 3, -1, 0.1, 1, 0, -0.25, 1e-3]))
        if m.chance(0.15):
            name = m.program.name("q")
            m.program.items.append(f"param {name} = {n}")
            n.text, n.level = name, POSTFIX
    if op == "/" and (float(n.t) == 0 or m.chance(0.3)):
        if m.smooth or float(v.t.abs().min()) < 0.2:
            raise Skip
        return m.infix(op, level, n, v, v.shape, f)
    if op != "/" and m.chance(0.5):
        return m.infix(op, level, n, v, v.shape, f)
    return m.infix(op, level, v, n, v.shape, f)


@production()
def arithmetic_of_conditions(m: Maker) -> Value:
    c = m.pick(kind=m.one(["bool", "int"]))
    v = m.partner(c)
    shape = m.broadcast(c.shape, v.shape)
    op = m.one("+-*")
    level, f = INFIX[op]
    if m.chance(0.5):
        return m.infix(op, level, v, c, shape, lambda a, b: f(a, real(b)))
    return m.infix(op, level, c, v, shape, lambda a, b: f(real(a), b))


@production()
def extreme_of_two(m: Maker) -> Value:
    a = m.pick()
    b = m.partner(a, lambda v: v is not a and apart(a.t - v.t, [0]))
    name, f = m.kind([("maximum", torch.maximum), ("minimum", torch.minimum)])
    return m.call(name, [a, b], m.broadcast(a.shape, b.shape), f, [a, b])


@production()
def comparison(m: Maker) -> Value:
    op, f = m.kind(COMPARISONS)
    a = m.pick()
    if m.chance(0.5):
        b = m.number(m.one([0, 0.5, -0.3, 1]))
        if not apart(a.t, [float(b.t)]):
            raise Skip
        return m.infix(op, COMPARE, a, b, a.shape, f, kind="bool")
    b = m.partner(a, lambda v: v is not a and apart(a.t - v.t, [0]))
    return m.infix(op, COMPARE, a, b, m.broadcast(a.shape, b.shape), f, kind="bool")


@production()
def logic(m: Maker) -> Value:
    a = m.pick(kind="bool")
    if m.chance(0.3):
        return m.make(f"not {a.at(COMPARE)}", NOT, a.shape, torch.logical_not, [a], kind="bool")
    b = m.pick(lambda v: m.broadcast(a.shape, v.shape) is not None and v is not a, kind="bool")
    op, level, f = m.one([("and", AND, torch.logical_and), ("or", OR, torch.logical_or)])
    return m.make(f"{a.at(level)} {op} {b.at(level + 1)}", level, m.broadcast(a.shape, b.shape), f, [a, b], kind="bool")


@production()
def where(m: Maker) -> Value:
    c = m.pick(kind="bool")
    a = m.partner(c)
    shape = m.broadcast(c.shape, a.shape)
    if m.chance(0.4):
        n = m.number(m.one([0, 1, -2]))
        first, second, args = (a, n, [c, a, n]) if m.chance(0.5) else (n, a, [c, n, a])
        return m.call("where", [c, first, second], shape, torch.where, args)
    b = m.pick(lambda v: m.broadcast(shape, v.shape) is not None)
    return m.call("where", [c, a, b], m.broadcast(shape, b.shape), torch.where, [c, a, b])
