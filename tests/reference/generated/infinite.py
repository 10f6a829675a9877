"""Programs that meet infinities, as PyTorch computes them: each result is a term of its own, infinite or no number in the
same way.

Gradients are looked at where the language says what they are; elsewhere `stopgrad` stands, since PyTorch's own are an
accident of its formulas.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable

import torch
import torch.nn.functional as F

from common import sinkhorn_knopp

from .tokens import cut
from .values import Tensor, whole

INF, NAN = math.inf, math.nan

LINE = [INF, -INF, 0, 1.5, -2]
ROWS = [[INF, 0, 1], [-INF, -INF, -INF], [INF, INF, 2], [-INF, 1, 0.5], [INF, -INF, 0], [1, 2, 4]]
MASKED = [[0.5, -INF, 1.5], [-INF, -INF, 2], [1, 0.2, -0.7]]


@dataclass
class Case:
    """An expression over inputs `x` and `y`, and what PyTorch computes for it."""

    name: str
    expression: str
    f: Callable[..., Tensor]
    x: list
    y: list | None = None
    # Whether gradients are looked at.
    grad: bool = False

    def recipe(self, inputs: list[Tensor], value: Tensor) -> str:
        """A term for each element of the value."""
        given = [f"input {name}: {list(x.shape)}" for name, x in zip("xy", inputs)]
        v = self.expression if self.grad else f"stopgrad({self.expression})"
        if value.dim() > 1:
            v = f"reshape({v}, [{value.numel()}])"
        terms = [f"  t{i}: v[{i}]" for i in range(value.numel())] if value.dim() else ["  t0: v"]
        return "\n".join(["#", *given, f"let v = {v}", "loss {", *terms, "}"]) + "\n"

    def compute(self) -> tuple[str, list[Tensor], list[Tensor], list[Tensor]]:
        """The recipe, the inputs, the terms, and the gradients of their sum."""
        given = [self.x] if self.y is None else [self.x, self.y]
        inputs = [torch.tensor(x).float().double().requires_grad_() for x in given]
        value = self.f(*inputs)
        grads = [None] * len(inputs)
        if self.grad:
            grads = torch.autograd.grad(value.sum(), inputs, allow_unused=True)
        grads = [torch.zeros_like(x) if g is None else g for g, x in zip(grads, inputs)]
        return self.recipe(inputs, value), [x.detach() for x in inputs], list(value.detach().reshape(-1)), grads


def balanced(scores: Tensor, columns: list[int], iterations: int = 3) -> Tensor:
    """Rows and columns of zeros take no part in a balance: they stay, and the others are balanced as if they were not there."""
    rows = [i for i, row in enumerate(scores) if row.sum() > 0]
    result = torch.zeros_like(scores)
    result[torch.tensor(rows)[:, None], torch.tensor(columns)] = sinkhorn_knopp(scores[rows][:, columns], iterations)
    return result


number = lambda x: torch.tensor(x).double()

FUNCTIONS = [
    *(Case(name, f"{name}(x)", f, LINE) for name, f in {
        "exp": torch.exp, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "softplus": F.softplus, "erf": torch.erf,
        "relu": torch.relu, "abs": torch.abs, "sign": torch.sign, "gelu": F.gelu, "sin": torch.sin}.items()),
    Case("log", "log(x)", torch.log, [INF, 0, 1]),
    Case("sqrt", "sqrt(x)", torch.sqrt, [INF, 0, 4]),
    Case("inverse_erf", "inverse_erf(x)", torch.erfinv, [1, -1, 0.5, 0]),
    Case("clamp", "clamp(x, -1, 1)", lambda x: torch.clamp(x, -1, 1), LINE, grad=True),
    Case("clamp_below", "clamp(x, min: 0.5)", lambda x: torch.clamp(x, min=0.5), LINE),
    Case("reciprocal", "1 / x", torch.reciprocal, LINE),
    Case("square", "x ^ 2", torch.square, LINE, grad=True),
    Case("times_zero", "x * y", torch.mul, LINE, [0, 0, 0, 1, 2]),
    Case("minus_itself", "x - x", lambda x: x - x, LINE, grad=True),
    Case("plus", "x + y", torch.add, LINE, [INF, INF, -INF, 1, 2], grad=True),
    Case("by", "x / y", torch.div, LINE, [INF, 2, 0, -INF, 0]),
    Case("power", "x ^ 3", lambda x: x ** 3, LINE),
    Case("power_negative", "x ^ -2", lambda x: x ** -2, [INF, -INF, 2, 4]),
    Case("power_of_none", "x ^ 0", lambda x: x ** 0, [*LINE, NAN], grad=True),
    Case("power_of_tensors", "x ^ y", torch.pow, [INF, 0, 2, -2, 0, 0, -1], [-1, 0, INF, 3, 2, -1, 0.5]),
    Case("power_of_negative", "x ^ stopgrad(y)", lambda x, y: x ** y.detach(), [-2, -0.5, -3, -1], [2, 3, -1, 0],
         grad=True),
    Case("power_of_zero", "x ^ y", torch.pow, [0, 0, 0, 0, 2], [1, 2, 3, 0, 0], grad=True),
    Case("maximum", "maximum(x, 0.5)", lambda x: torch.maximum(x, number(0.5)), LINE, grad=True),
    Case("minimum", "minimum(1, x)", lambda x: torch.minimum(number(1), x), LINE, grad=True),
    Case("where", "where(x > 1, 0, x)", lambda x: torch.where(x > 1, 0, x), LINE, grad=True),
    Case("where_of", "where(y < 10, y, x)", lambda x, y: torch.where(y < 10, y, x), LINE, [1, INF, 2, INF, 3], grad=True),
    Case("comparison", "(x < y) + 2 * (x == y) + 4 * (x != y) + 8 * (x >= y)",
         lambda x, y: (x < y) + 2.0 * (x == y) + 4.0 * (x != y) + 8.0 * (x >= y), LINE, [INF, -INF, INF, 1, -2]),
]

OF_ROWS = [
    Case("sum", "sum(x, dim: 1)", lambda x: x.sum(1), ROWS, grad=True),
    Case("mean", "mean(x, dim: 0)", lambda x: x.mean(0), ROWS, grad=True),
    Case("max", "max(x, dim: 1)", lambda x: x.max(1).values, ROWS, grad=True),
    Case("min", "min(x, dim: 1)", lambda x: x.min(1).values, ROWS, grad=True),
    Case("max_all", "max(x)", torch.max, ROWS),
    Case("min_first", "min(x, dim: 0)", lambda x: x.min(0).values, ROWS),
    Case("argmax", "argmax(x, dim: 1)", lambda x: x.argmax(1).double(), ROWS),
    Case("argmin", "argmin(x, dim: 1)", lambda x: x.argmin(1).double(), ROWS),
    Case("logsumexp", "logsumexp(x, dim: 1)", lambda x: x.logsumexp(1), ROWS),
    Case("logsumexp_first", "logsumexp(x, dim: 0)", lambda x: x.logsumexp(0), ROWS),
    Case("logsumexp_masked", "logsumexp(x, dim: 1)", lambda x: x.logsumexp(1), MASKED, grad=True),
    Case("softmax", "softmax(x)", lambda x: x.softmax(1), ROWS),
    Case("softmax_masked", "softmax(x)[0] + 2 * softmax(x)[1] * x[2]",
         lambda x: x.softmax(1)[0] + 2 * x.softmax(1)[1] * x[2], MASKED, grad=True),
    Case("log_softmax", "log_softmax(x)", lambda x: x.log_softmax(1), ROWS),
    Case("log_softmax_masked", "log_softmax(x)[2]", lambda x: x.log_softmax(1)[2], MASKED),
    Case("cumsum", "cumsum(x, dim: 1)", lambda x: x.cumsum(1), ROWS),
    Case("cumsum_first", "cumsum(x, dim: 0)[5]", lambda x: x.cumsum(0)[5], ROWS),
    Case("sort", "sort(x, dim: 1)", lambda x: x.sort(1).values, ROWS),
    Case("sort_falling", "sort(x, dim: 0, descending: true)", lambda x: x.sort(0, True).values, ROWS),
    Case("topk", "topk(x, 1, dim: 1)[0..6, 0]", lambda x: x.topk(1, 1).values[:, 0], ROWS),
    Case("matmul", "x @ ones([3, 2])", lambda x: x @ torch.ones(3, 2).double(), ROWS),
    Case("index_select", "index_select(x, arange(2))[1]", lambda x: x[1], ROWS, grad=True),
    Case("place", "place(x, 0 * argsort(x, dim: 1), 2)",
         lambda x: torch.stack((x.sum(1), torch.zeros(6).double()), 1), ROWS),
]

METHODS = [
    Case("cross_entropy", "cross_entropy(y, x)", lambda x, y: F.cross_entropy(x, whole(y), reduction="none"),
         MASKED, [2, 2, 1], grad=True),
    Case("cross_entropy_of_none", "cross_entropy(y, x)", lambda x, y: F.cross_entropy(x, whole(y), reduction="none"),
         MASKED, [1, 2, 1]),
    Case("cross_entropy_of_probabilities", "cross_entropy(softmax(x), x)",
         lambda x: -(x.softmax(1) * x.log_softmax(1)).sum(1), MASKED),
    Case("normalize", "normalize(x)", F.normalize, [[INF, 1], [3, 4]]),
    Case("variance", "var(x, dim: 1)", lambda x: x.var(1), [[INF, 1], [3, 4]]),
    Case("mse", "mse(x, y)", F.mse_loss, [INF, 1], [INF, 0]),
    Case("patches", "patches(x, size: 2)", cut(2), [[[[INF], [1]], [[2], [-INF]]]], grad=True),
    Case("sinkhorn_column", "sinkhorn(x)", lambda x: balanced(x.exp(), [0, 2]),
         [[1, -INF, 0.5], [0.2, -INF, 2], [-1, -INF, 0], [0.3, -INF, 0.1]]),
    Case("sinkhorn_row", "sinkhorn(x, iterations: 5)", lambda x: balanced(x.exp(), [0, 1], 5),
         [[1, 0.5], [-INF, -INF], [-1, 0]]),
    Case("sinkhorn_probabilities", "sinkhorn(x, of: probabilities)", lambda x: balanced(x, [0, 2]),
         [[0.5, 0, 0.5], [0.1, 0, 0.9], [0.7, 0, 0.3]]),
]

# What is no number is passed on, and is the largest in an order.
NO_NUMBERS = [
    Case("nan_max", "max(x, dim: 1)", lambda x: x.max(1).values, [[NAN, 1], [2, NAN], [INF, NAN], [1, 2]]),
    Case("nan_min", "min(x, dim: 1)", lambda x: x.min(1).values, [[NAN, 1], [2, NAN], [-INF, NAN], [1, 2]]),
    Case("nan_argmax", "argmax(x, dim: 1)", lambda x: x.argmax(1).double(), [[1, NAN], [NAN, 2], [INF, NAN]]),
    Case("nan_sort", "sort(x, dim: 1)", lambda x: x.sort(1).values, [[2, NAN, 1], [NAN, INF, 0], [1, NAN, NAN]]),
    Case("nan_topk", "topk(x, 1, dim: 1)[0..2, 0]", lambda x: x.topk(1, 1).values[:, 0], [[2, NAN, 1], [1, 3, 2]]),
    Case("nan_maximum", "maximum(x, y) + minimum(x, y)", lambda x, y: torch.maximum(x, y) + torch.minimum(x, y),
         [NAN, 1, 2], [1, NAN, 3]),
    Case("nan_relu", "relu(x)", torch.relu, [NAN, 1]),
    Case("nan_where", "where(x == x, x, 0)", lambda x: torch.where(x == x, x, 0), [NAN, 1], grad=True),
]

INFINITE = FUNCTIONS + OF_ROWS + METHODS + NO_NUMBERS
