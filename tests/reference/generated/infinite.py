"""Programs that meet infinities, as PyTorch computes them: each result is a term of its own, infinite or no number in the same way.

Gradients are looked at where the language says what they are; `stopgrad` stands where PyTorch's own are an accident of its formulas.
"""

from __future__ import annotations

import math
from typing import Callable

import torch
import torch.nn.functional as F

from .steps import balance
from .tokens import cut

Tensor = torch.Tensor
INF, NAN = math.inf, math.nan

ROWS = [[INF, 0, 1], [-INF, -INF, -INF], [INF, INF, 2], [-INF, 1, 0.5], [INF, -INF, 0], [1, 2, 4]]
MASKED = [[0.5, -INF, 1.5], [-INF, -INF, 2], [1, 0.2, -0.7]]
LINE = [INF, -INF, 0, 1.5, -2]

# Name, inputs, expression with a vector or a number for its value, and what PyTorch computes.
Case = tuple[str, dict[str, list], str, Callable[..., Tensor]]


def line(name: str, f: Callable[[Tensor], Tensor]) -> Case:
    return f"inf_{name}", {"x": LINE}, f"stopgrad({name}(x))", f


def rows(name: str, call: str, f: Callable[[Tensor], Tensor], x: list = ROWS, grad: bool = False) -> Case:
    return name if name.startswith("nan") else f"inf_{name}", {"x": x}, call if grad else f"stopgrad({call})", f


def without_column(scores: Tensor) -> Tensor:
    """A column of zeros takes no part in a balance: it stays, and the others are balanced as if it were not there."""
    balanced = balance(scores[:, [0, 2]].detach(), 3)
    return torch.stack((balanced[:, 0], torch.zeros(len(scores)), balanced[:, 1]), 1)


INFINITE: list[Case] = [
    line("exp", torch.exp), line("tanh", torch.tanh), line("sigmoid", torch.sigmoid), line("softplus", F.softplus), line("erf", torch.erf),
    line("relu", torch.relu), line("abs", torch.abs), line("sign", torch.sign), line("gelu", F.gelu), line("sin", torch.sin),
    ("inf_log", {"x": [INF, 0, 1]}, "stopgrad(log(x))", torch.log),
    ("inf_sqrt", {"x": [INF, 0, 4]}, "stopgrad(sqrt(x))", torch.sqrt),
    ("inf_inverse_erf", {"x": [1, -1, 0.5, 0]}, "stopgrad(inverse_erf(x))", torch.erfinv),
    ("inf_clamp", {"x": LINE}, "clamp(x, -1, 1)", lambda x: torch.clamp(x, -1, 1)),
    ("inf_clamp_below", {"x": LINE}, "stopgrad(clamp(x, min: 0.5))", lambda x: torch.clamp(x, min=0.5)),
    ("inf_reciprocal", {"x": LINE}, "stopgrad(1 / x)", torch.reciprocal),
    ("inf_square", {"x": LINE}, "x ^ 2", torch.square),
    ("inf_times_zero", {"x": LINE, "y": [0, 0, 0, 1, 2]}, "stopgrad(x * y)", torch.mul),
    ("inf_minus_itself", {"x": LINE}, "x - x", lambda x: x - x),
    ("inf_plus", {"x": LINE, "y": [INF, INF, -INF, 1, 2]}, "x + y", torch.add),
    ("inf_by", {"x": LINE, "y": [INF, 2, 0, -INF, 0]}, "stopgrad(x / y)", torch.div),
    ("inf_power", {"x": LINE}, "stopgrad(x ^ 3)", lambda x: x ** 3),
    ("inf_power_negative", {"x": [INF, -INF, 2, 4]}, "stopgrad(x ^ -2)", lambda x: x ** -2),
    ("inf_power_of_tensors", {"x": [INF, 0, 2, -2, 0, 0, -1], "y": [-1, 0, INF, 3, 2, -1, 0.5]}, "stopgrad(x ^ y)", torch.pow),
    ("inf_power_of_negative", {"x": [-2, -0.5, -3, -1], "y": [2, 3, -1, 0]}, "x ^ stopgrad(y)", lambda x, y: x ** y.detach()),
    ("inf_power_of_zero", {"x": [0, 0, 0], "y": [1, 2, 3]}, "x ^ y", torch.pow),
    ("inf_maximum", {"x": LINE}, "maximum(x, 0.5)", lambda x: torch.maximum(x, torch.tensor(0.5).double())),
    ("inf_minimum", {"x": LINE}, "minimum(1, x)", lambda x: torch.minimum(torch.tensor(1.0).double(), x)),
    ("inf_where", {"x": LINE}, "where(x > 1, 0, x)", lambda x: torch.where(x > 1, torch.zeros_like(x), x)),
    ("inf_where_of", {"x": LINE, "y": [1, INF, 2, INF, 3]}, "where(y < 10, y, x)", lambda x, y: torch.where(y < 10, y, x)),
    ("inf_comparison", {"x": LINE, "y": [INF, -INF, INF, 1, -2]}, "(x < y) + 2 * (x == y) + 4 * (x != y) + 8 * (x >= y)",
     lambda x, y: (x < y) * 1.0 + 2.0 * (x == y) + 4.0 * (x != y) + 8.0 * (x >= y)),
    rows("sum", "sum(x, dim: 1)", lambda x: x.sum(1), grad=True),
    rows("mean", "mean(x, dim: 0)", lambda x: x.mean(0), grad=True),
    rows("max", "max(x, dim: 1)", lambda x: x.max(1).values, grad=True),
    rows("min", "min(x, dim: 1)", lambda x: x.min(1).values, grad=True),
    rows("max_all", "max(x)", torch.max),
    rows("min_first", "min(x, dim: 0)", lambda x: x.min(0).values),
    rows("argmax", "argmax(x, dim: 1)", lambda x: x.argmax(1).double()),
    rows("argmin", "argmin(x, dim: 1)", lambda x: x.argmin(1).double()),
    rows("logsumexp", "logsumexp(x, dim: 1)", lambda x: x.logsumexp(1)),
    rows("logsumexp_first", "logsumexp(x, dim: 0)", lambda x: x.logsumexp(0)),
    rows("logsumexp_masked", "logsumexp(x, dim: 1)", lambda x: x.logsumexp(1), MASKED, grad=True),
    rows("softmax", "reshape(softmax(x), [18])", lambda x: x.softmax(1).flatten()),
    rows("softmax_masked", "softmax(x)[0] + 2 * softmax(x)[1] * x[2]", lambda x: x.softmax(1)[0] + 2 * x.softmax(1)[1] * x[2], MASKED, grad=True),
    rows("log_softmax", "reshape(log_softmax(x), [18])", lambda x: x.log_softmax(1).flatten()),
    rows("log_softmax_masked", "log_softmax(x)[2]", lambda x: x.log_softmax(1)[2], MASKED),
    rows("cumsum", "reshape(cumsum(x, dim: 1), [18])", lambda x: x.cumsum(1).flatten()),
    rows("cumsum_first", "cumsum(x, dim: 0)[5]", lambda x: x.cumsum(0)[5]),
    rows("sort", "reshape(sort(x, dim: 1), [18])", lambda x: x.sort(1).values.flatten()),
    rows("sort_falling", "reshape(sort(x, dim: 0, descending: true), [18])", lambda x: x.sort(0, True).values.flatten()),
    rows("topk", "topk(x, 1, dim: 1)[0..6, 0]", lambda x: x.topk(1, 1).values[:, 0]),
    rows("matmul", "reshape(x @ ones([3, 2]), [12])", lambda x: (x @ torch.ones(3, 2).double()).flatten()),
    rows("index_select", "index_select(x, arange(2))[1]", lambda x: x[1], grad=True),
    rows("place", "reshape(place(x, 0 * argsort(x, dim: 1), 2), [12])", lambda x: torch.stack((x.sum(1), torch.zeros(6).double()), 1).flatten()),
    ("inf_cross_entropy", {"x": MASKED, "y": [2, 2, 1]}, "cross_entropy(y, x)",
     lambda x, y: F.cross_entropy(x, y.long(), reduction="none")),
    ("inf_cross_entropy_of_none", {"x": MASKED, "y": [1, 2, 1]}, "stopgrad(cross_entropy(y, x))",
     lambda x, y: F.cross_entropy(x, y.long(), reduction="none")),
    ("inf_cross_entropy_of_probabilities", {"x": MASKED}, "stopgrad(cross_entropy(softmax(x), x))",
     lambda x: -(x.softmax(1) * x.log_softmax(1)).sum(1)),
    ("inf_normalize", {"x": [[INF, 1], [3, 4]]}, "stopgrad(reshape(normalize(x), [4]))", lambda x: F.normalize(x).flatten()),
    ("inf_variance", {"x": [[INF, 1], [3, 4]]}, "stopgrad(var(x, dim: 1))", lambda x: x.var(1)),
    ("inf_mse", {"x": [INF, 1], "y": [INF, 0]}, "stopgrad(mse(x, y))", F.mse_loss),
    ("inf_patches", {"x": [[[[INF], [1]], [[2], [-INF]]]]}, "reshape(patches(x, size: 2), [4])", lambda x: cut(2)(x).flatten()),
    ("inf_sinkhorn_column", {"x": [[1, -INF, 0.5], [0.2, -INF, 2], [-1, -INF, 0], [0.3, -INF, 0.1]]}, "reshape(sinkhorn(x), [12])",
     lambda x: without_column(torch.exp(x))),
    ("inf_sinkhorn_row", {"x": [[1, 0.5], [-INF, -INF], [-1, 0]]}, "reshape(sinkhorn(x, iterations: 5), [6])",
     lambda x: torch.cat((balance(torch.exp(x[::2].detach()), 5)[:1], torch.zeros(1, 2), balance(torch.exp(x[::2].detach()), 5)[1:]))),
    ("inf_sinkhorn_probabilities", {"x": [[0.5, 0, 0.5], [0.1, 0, 0.9], [0.7, 0, 0.3]]}, "reshape(sinkhorn(x, of: probabilities), [9])",
     lambda x: without_column(x)),
    # From here on values that are no number: a reduction passes them on.
    rows("nan_max", "max(x, dim: 1)", lambda x: x.max(1).values, [[NAN, 1], [2, NAN], [INF, NAN], [1, 2]]),
    rows("nan_min", "min(x, dim: 1)", lambda x: x.min(1).values, [[NAN, 1], [2, NAN], [-INF, NAN], [1, 2]]),
    rows("nan_argmax", "argmax(x, dim: 1)", lambda x: x.argmax(1).double(), [[1, NAN], [NAN, 2], [INF, NAN]]),
    rows("nan_sort", "reshape(sort(x, dim: 1), [9])", lambda x: x.sort(1).values.flatten(), [[2, NAN, 1], [NAN, INF, 0], [1, NAN, NAN]]),
    rows("nan_topk", "topk(x, 1, dim: 1)[0..2, 0]", lambda x: x.topk(1, 1).values[:, 0], [[2, NAN, 1], [1, 3, 2]]),
    ("nan_maximum", {"x": [NAN, 1, 2], "y": [1, NAN, 3]}, "stopgrad(maximum(x, y) + minimum(x, y))",
     lambda x, y: torch.maximum(x, y) + torch.minimum(x, y)),
    ("nan_relu", {"x": [NAN, 1]}, "stopgrad(relu(x))", torch.relu),
    ("nan_where", {"x": [NAN, 1]}, "where(x == x, x, 0)", lambda x: torch.where(x == x, x, torch.zeros_like(x))),
]


def terms(case: Case) -> tuple[str, list[Tensor], Tensor, list[Tensor]]:
    """The recipe, the inputs, its terms, and the gradients of their sum."""
    _, given, expression, f = case
    inputs = [torch.tensor(x, dtype=torch.float32).double().requires_grad_() for x in given.values()]
    stopped = expression.startswith("stopgrad(")
    value = f(*(x.detach() for x in inputs) if stopped else inputs).reshape(-1)
    scalar = value.numel() == 1 and len(f(*inputs).shape) == 0
    text = ["#"] + [f"input {n}: {list(x.shape)}" for n, x in zip(given, inputs)] + [f"let v = {expression}", "loss {"]
    text += ["  t0: v"] if scalar else [f"  t{i}: v[{i}]" for i in range(value.numel())]
    grads = [None] * len(inputs)
    if value.requires_grad:
        grads = torch.autograd.grad(value.sum(), inputs, allow_unused=True)
    grads = [torch.zeros_like(x) if g is None else g for g, x in zip(grads, inputs)]
    return "\n".join(text + ["}"]) + "\n", [x.detach() for x in inputs], value.detach(), grads
