"""Values and gradients of every operation, by PyTorch in f64 on f32 inputs -> ops.safetensors.

Keys of a case: `CASE/in0`, `CASE/in1`, ... (inputs), `CASE/out` (value), `CASE/cot` (seeded cotangent, shaped like the
value), `CASE/grad0`, ... (gradient of sum(out * cot) with respect to that input). An input without a gradient (an index,
labels) has no `grad` key; a case that has no gradient at all (argmax, one_hot) has no `cot`.
The metadata holds, for each case, the expression in the language over `x`, `y`, `z` (in0, in1, in2).
Ties (in max, sort, at the kinks of relu, abs, clamp) are avoided, but for the zeros given to `relu` and `abs`, where the
gradient is 0.
"""

from typing import Callable

import torch
import torch.nn.functional as F

from common import Fixture, generator, gradients, sinkhorn_knopp

Tensor = torch.Tensor
Make = Callable[[torch.Generator], Tensor]
EDGE = [-30.0, -20.5, -5.0, -1.5, -0.9, -1e-3, 0.0, 1e-3, 0.3, 2.0, 21.0, 30.0]


def normal(*shape: int, scale: float = 1.0, shift: float = 0.0) -> Make:
    return lambda g: shift + scale * torch.randn(shape, generator=g)


def positive(*shape: int, low: float = 0.2, high: float = 3.0) -> Make:
    return lambda g: low + (high - low) * torch.rand(shape, generator=g)


def distinct(*shape: int) -> Make:
    """Values at least 0.1 apart, shuffled: no ties, and no order that rounding could turn."""
    count = torch.Size(shape).numel()
    return lambda g: ((torch.randperm(count, generator=g) - count // 2) * 0.1 + 0.03).reshape(shape)


def probabilities(*shape: int) -> Make:
    return lambda g: torch.softmax(torch.randn(shape, generator=g), -1)


def spd(n: int) -> Make:
    """A symmetric matrix with eigenvalues of at least 1/2."""
    def make(g: torch.Generator) -> Tensor:
        a = torch.randn(n, n, generator=g)
        return a @ a.T / n + 0.5 * torch.eye(n)
    return make


def attention(heads: int) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Attention of several heads, as PyTorch's own of one batch of heads."""
    def f(*qkv: Tensor) -> Tensor:
        apart = [x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in qkv]
        return F.scaled_dot_product_attention(*apart).transpose(1, 2).flatten(2)
    return f


def lower(n: int) -> Make:
    return lambda g: torch.tril(torch.randn(n, n, generator=g), -1) + torch.diag(1 + torch.rand(n, generator=g))


def fixed(values: list, *shape: int) -> Make:
    return lambda g: torch.tensor(values, dtype=torch.float32).reshape(shape or (len(values),))


def whole(values: list, *shape: int) -> Make:
    """Whole numbers, stored as floats and given to the operation as integers."""
    def make(g: torch.Generator) -> Tensor:
        return torch.tensor(values, dtype=torch.int64).reshape(shape or (len(values),))
    return make


ARITHMETIC = [
    ("add", "x + y", lambda x, y: x + y, normal(3, 4), normal(3, 4)),
    ("add_row", "x + y", lambda x, y: x + y, normal(3, 4), normal(4)),
    ("add_number", "x + 1.5", lambda x: x + 1.5, normal(3, 4)),
    ("add_both_broadcast", "x + y", lambda x, y: x + y, normal(3, 1), normal(1, 4)),
    ("add_scalar_tensor", "x + y", lambda x, y: x + y, normal(3, 4), normal()),
    ("sub", "x - y", lambda x, y: x - y, normal(3, 4), normal(3, 4)),
    ("sub_column", "x - y", lambda x, y: x - y, normal(3, 4), normal(3, 1)),
    ("sub_from_number", "2 - x", lambda x: 2 - x, normal(3, 4)),
    ("negate", "-x", lambda x: -x, normal(3, 4)),
    ("mul", "x * y", lambda x, y: x * y, normal(3, 4), normal(3, 4)),
    ("mul_outer", "x * y", lambda x, y: x * y, normal(3, 1), normal(4)),
    ("mul_rank3", "x * y", lambda x, y: x * y, normal(2, 3, 4), normal(3, 1)),
    ("mul_itself", "x * x", lambda x: x * x, normal(3, 4)),
    ("div", "x / y", lambda x, y: x / y, normal(3, 4), positive(3, 4)),
    ("div_column", "x / y", lambda x, y: x / y, normal(3, 4), positive(3, 1)),
    ("div_number", "x / 0.5", lambda x: x / 0.5, normal(3, 4)),
    ("reciprocal", "1 / x", lambda x: 1 / x, positive(3, 4)),
    ("pow_2", "x ^ 2", lambda x: x ** 2, fixed([-2, -0.5, 0, 0.5, 1, 3], 2, 3)),
    ("pow_3", "x ^ 3", lambda x: x ** 3, fixed([-2, -0.5, 0, 0.5, 1, 3], 2, 3)),
    ("pow_half", "x ^ 0.5", lambda x: x ** 0.5, positive(3, 4)),
    ("pow_minus_1", "x ^ -1", lambda x: x ** -1, positive(3, 4)),
    ("pow_of_number", "2 ^ x", lambda x: 2 ** x, normal(3, 4)),
    ("pow", "x ^ y", lambda x, y: x ** y, positive(3, 4), normal(3, 4)),
    ("pow_column", "x ^ y", lambda x, y: x ** y, positive(3, 4), normal(3, 1)),
    ("precedence", "-x ^ 2 * y + 1", lambda x, y: -(x ** 2) * y + 1, normal(3, 4), normal(3, 4)),
]

CHOICE = [
    ("where_gt", "where(x > 0, x, y)", lambda x, y: torch.where(x > 0, x, y), normal(3, 4), normal(3, 4)),
    ("where_lt", "where(x < y, x, 3 * y)", lambda x, y: torch.where(x < y, x, 3 * y), normal(3, 4), normal(3, 4)),
    ("where_ge", "where(x >= y, x, 3 * y)", lambda x, y: torch.where(x >= y, x, 3 * y), fixed([1, 2, 3]), fixed([3, 2, 1])),
    ("where_le", "where(x <= y, x, 3 * y)", lambda x, y: torch.where(x <= y, x, 3 * y), fixed([1, 2, 3]), fixed([3, 2, 1])),
    ("where_eq", "where(x == y, x, 3 * y)", lambda x, y: torch.where(x == y, x, 3 * y), fixed([1, 2, 3]), fixed([3, 2, 1])),
    ("where_ne", "where(x != y, x, 3 * y)", lambda x, y: torch.where(x != y, x, 3 * y), fixed([1, 2, 3]), fixed([3, 2, 1])),
    ("where_broadcast", "where(x > 0, y, 0)", lambda x, y: torch.where(x > 0, y, torch.zeros_like(y)), normal(3, 1), normal(3, 4)),
    ("stopgrad", "x * stopgrad(x)", lambda x: x * x.detach(), normal(3, 4)),
]

ELEMENTWISE = [
    ("exp", "exp(x)", torch.exp, fixed([-30, -3, -1, 0, 0.5, 1, 2, 3], 2, 4)),
    ("log", "log(x)", torch.log, fixed([0.1, 0.4, 0.9, 1, 1.1, 2, 10, 50], 2, 4)),
    ("log_small", "log(x)", torch.log, fixed([1e-6, 2e-6, 5e-6])),
    ("sqrt", "sqrt(x)", torch.sqrt, fixed([0.1, 0.4, 0.9, 1, 1.1, 2, 10, 50], 2, 4)),
    ("sqrt_small", "sqrt(x)", torch.sqrt, fixed([1e-6, 2e-6, 5e-6])),
    ("abs", "abs(x)", torch.abs, fixed(EDGE, 3, 4)),
    ("sin", "sin(x)", torch.sin, normal(3, 4, scale=3)),
    ("cos", "cos(x)", torch.cos, normal(3, 4, scale=3)),
    ("tanh", "tanh(x)", torch.tanh, fixed(EDGE, 3, 4)),
    ("sigmoid", "sigmoid(x)", torch.sigmoid, fixed(EDGE, 3, 4)),
    ("softplus", "softplus(x)", F.softplus, fixed(EDGE, 3, 4)),
    ("relu", "relu(x)", torch.relu, fixed(EDGE, 3, 4)),
    ("gelu", "gelu(x)", F.gelu, fixed(EDGE, 3, 4)),
    ("gelu_normal", "gelu(x)", F.gelu, normal(4, 6)),
    ("erf", "erf(x)", torch.erf, fixed(EDGE, 3, 4)),
    ("inverse_erf", "inverse_erf(x)", torch.erfinv, fixed([-0.999, -0.9, -0.5, -1e-3, 0, 1e-4, 0.1, 0.7, 0.95, 0.9999], 2, 5)),
    ("normal_quantile", "normal_quantile(x)", torch.special.ndtri, fixed([0.01, 0.1, 0.3, 0.5, 0.8, 0.98], 2, 3)),
    ("clamp", "clamp(x, -1, 1)", lambda x: torch.clamp(x, -1, 1), fixed(EDGE, 3, 4)),
]

STATISTICS = [
    ("var", "var(x)", torch.var), ("var_dim", "var(x, dim: 0)", lambda x: torch.var(x, 0)),
    ("var_biased", "var(x, dim: 0, unbiased: false)", lambda x: torch.var(x, 0, unbiased=False)),
    ("var_dims", "var(x, dim: [0, 2])", lambda x: torch.var(x, (0, 2))),
    ("var_keepdim", "var(x, dim: 1, keepdim: true)", lambda x: torch.var(x, 1, keepdim=True)),
    ("std", "std(x)", torch.std), ("std_dim", "std(x, dim: 0)", lambda x: torch.std(x, 0)),
    ("std_biased", "std(x, dim: 2, unbiased: false)", lambda x: torch.std(x, 2, unbiased=False)),
]


def reductions() -> list:
    """Sum, mean, logsumexp over one, several and all dimensions, kept or not."""
    cases = []
    for name, f in [("sum", torch.sum), ("mean", torch.mean), ("logsumexp", torch.logsumexp)]:
        for variant, args, call in [
            ("", "", {"dim": (0, 1, 2)}),
            ("_dim", ", dim: 1", {"dim": (1,)}),
            ("_last", ", dim: -1", {"dim": (-1,)}),
            ("_dims", ", dim: [0, 2]", {"dim": (0, 2)}),
            ("_keepdim", ", dim: 1, keepdim: true", {"dim": (1,), "keepdim": True}),
        ]:
            cases.append((name + variant, f"{name}(x{args})", lambda x, f=f, call=call: f(x, **call), normal(4, 3, 5)))
    large = fixed([1000, 1001, 999, -1000, -1001, -1002], 2, 3)
    cases.append(("logsumexp_large", "logsumexp(x, dim: 1)", lambda x: torch.logsumexp(x, 1), large))
    return cases + [case + (normal(4, 3, 5),) for case in STATISTICS]


EXTREMES = [
    ("max", "max(x)", torch.max, distinct(3, 4)),
    ("max_dim", "max(x, dim: 1)", lambda x: torch.amax(x, 1), distinct(3, 4)),
    ("max_dims", "max(x, dim: [0, 2])", lambda x: torch.amax(x, (0, 2)), distinct(2, 3, 4)),
    ("max_keepdim", "max(x, dim: 0, keepdim: true)", lambda x: torch.amax(x, 0, True), distinct(3, 4)),
    ("min", "min(x)", torch.min, distinct(3, 4)),
    ("min_dim", "min(x, dim: 0)", lambda x: torch.amin(x, 0), distinct(3, 4)),
    ("cumsum", "cumsum(x, dim: 1)", lambda x: torch.cumsum(x, 1), normal(3, 5)),
    ("cumsum_first", "cumsum(x, dim: 0)", lambda x: torch.cumsum(x, 0), normal(3, 5)),
    ("sort", "sort(x, dim: 0)", lambda x: torch.sort(x, 0).values, distinct(6, 3)),
    ("sort_last", "sort(x, dim: 1)", lambda x: torch.sort(x, 1).values, distinct(3, 6)),
    ("sort_descending", "sort(x, dim: 0, descending: true)", lambda x: torch.sort(x, 0, True).values, distinct(6, 3)),
    ("topk", "topk(x, 3, dim: 1)", lambda x: torch.topk(x, 3, 1).values, distinct(3, 6)),
    ("topk_first", "topk(x, 2, dim: 0)", lambda x: torch.topk(x, 2, 0).values, distinct(5, 3)),
]

SHAPES = [
    ("matmul", "x @ y", torch.matmul, normal(3, 4), normal(4, 5)),
    ("matmul_batched", "x @ y", torch.matmul, normal(2, 3, 4), normal(2, 4, 5)),
    ("matmul_broadcast", "x @ y", torch.matmul, normal(2, 3, 4), normal(4, 5)),
    ("transpose", "x.T", lambda x: x.T, normal(3, 4)),
    ("gram", "x @ x.T", lambda x: x @ x.T, normal(3, 4)),
    ("reshape", "reshape(x, [6, 4])", lambda x: x.reshape(6, 4), normal(2, 3, 4)),
    ("slice_rows", "x[1..3]", lambda x: x[1:3], normal(4, 3)),
    ("slice", "slice(x, dim: 1, from: 1, to: 3)", lambda x: x[:, 1:3], normal(3, 4)),
    ("slice_rank3", "slice(x, dim: 1, from: 1, to: 3)", lambda x: x[:, 1:3], normal(2, 4, 3)),
    ("gather", "gather(x, y, dim: 1)", lambda x, y: torch.gather(x, 1, y), normal(3, 4), whole([0, 3, 1, 1, 2, 2], 3, 2)),
    ("gather_rows", "gather(x, y, dim: 0)", lambda x, y: torch.gather(x, 0, y), normal(3, 4), whole([0, 2, 1, 1, 2, 2, 0, 0], 2, 4)),
    ("concat", "concat(x, y, dim: 1)", lambda x, y: torch.cat((x, y), 1), normal(3, 2), normal(3, 4)),
    ("concat_rows", "concat(x, y, dim: 0)", lambda x, y: torch.cat((x, y), 0), normal(2, 3), normal(4, 3)),
    ("concat_three", "concat(x, y, z, dim: 0)", lambda *xs: torch.cat(xs, 0), normal(2, 3), normal(1, 3), normal(4, 3)),
    ("stack", "stack(x, y)", lambda x, y: torch.stack((x, y)), normal(2, 3), normal(2, 3)),
    ("diagonal", "diagonal(x)", torch.diagonal, normal(4, 4)),
    ("off_diagonal", "off_diagonal(x)", lambda x: x - torch.diag(torch.diagonal(x)), normal(4, 4)),
]


def standardize(x: Tensor) -> Tensor:
    return (x - x.mean(0)) / torch.sqrt(x.var(0, unbiased=False) + 1e-5)


def cross_entropy(target: Tensor, logits: Tensor) -> Tensor:
    return -(target * F.log_softmax(logits, -1)).sum(-1)


LARGE = fixed([100, 101, 98, -100, -90, -95, 0, 50, 49.5], 3, 3)
NEURAL = [
    ("normalize", "normalize(x)", lambda x: F.normalize(x, dim=-1), normal(4, 6)),
    ("normalize_rank3", "normalize(x)", lambda x: F.normalize(x, dim=-1), normal(2, 3, 4)),
    ("normalize_scaled", "normalize(x)", lambda x: F.normalize(x, dim=-1), normal(4, 6, scale=1e-3)),
    ("standardize", "standardize(x)", standardize, normal(8, 5, scale=2, shift=1)),
    ("standardize_flat", "standardize(x)", standardize, normal(8, 5, scale=3e-3)),
    ("softmax", "softmax(x, dim: 1)", lambda x: torch.softmax(x, 1), normal(3, 5)),
    ("softmax_first", "softmax(x, dim: 0)", lambda x: torch.softmax(x, 0), normal(3, 5)),
    ("softmax_large", "softmax(x, dim: 1)", lambda x: torch.softmax(x, 1), LARGE),
    ("log_softmax", "log_softmax(x, dim: 1)", lambda x: torch.log_softmax(x, 1), normal(3, 5)),
    ("log_softmax_large", "log_softmax(x, dim: 1)", lambda x: torch.log_softmax(x, 1), LARGE),
    ("covariance", "covariance(x)", lambda x: torch.cov(x.T), normal(6, 4, shift=1)),
    ("cosine_similarity", "cosine_similarity(x, y)", F.cosine_similarity, normal(4, 6), normal(4, 6)),
    ("cross_entropy", "cross_entropy(x, y)", cross_entropy, probabilities(4, 5), normal(4, 5)),
    ("cross_entropy_large", "cross_entropy(x, y)", cross_entropy, probabilities(3, 3), LARGE),
    ("cross_entropy_labels", "cross_entropy(x, y)", lambda t, l: F.cross_entropy(l, t, reduction="none"), whole([1, 0, 4, 1]), normal(4, 5)),
    ("kl", "kl(x, y)", lambda p, q: (p * (p.log() - q.log())).sum(-1), probabilities(4, 5), probabilities(4, 5)),
    ("mse", "mse(x, y)", F.mse_loss, normal(4, 5), normal(4, 5)),
    ("smooth_l1", "smooth_l1(x, y)", F.smooth_l1_loss, normal(4, 5, scale=2), normal(4, 5)),
    ("attention", "attention(x, y, z)", F.scaled_dot_product_attention, normal(2, 3, 4), normal(2, 5, 4), normal(2, 5, 4)),
    ("attention_heads", "attention(x, y, z, heads: 3)", attention(3), normal(2, 4, 6), normal(2, 4, 6), normal(2, 4, 6)),
    ("entropy", "entropy(x)", lambda p: -(p * p.log()).sum(-1), probabilities(4, 5)),
    ("pairwise_distance", "pairwise_distance(x, y)", torch.cdist, normal(4, 3), normal(5, 3)),
]

def positionwise(scores: Tensor) -> Tensor:
    """capi: one problem for each position, over the samples."""
    return torch.stack([sinkhorn_knopp(torch.exp(scores[:, t] / 0.06)) for t in range(scores.shape[1])], 1)


def sela(p: Tensor, lamb: float = 10) -> Tensor:
    """self-label/sinkhornknopp.py, optimize_L_sk: the assignment before the argmax, rows scaled to sum to one."""
    PS = (p ** lamb).T
    K, N = PS.shape
    c, err, counter = torch.full((N, 1), 1 / N, dtype=p.dtype), 1e6, 0
    while err > 1e-1:
        r = (1 / K) / (PS @ c)
        c_new = ((1 / N) / (r.T @ PS)).T
        if counter % 10 == 0:
            err = torch.nansum(torch.abs(c / c_new - 1))
        c = c_new
        counter += 1
    return (PS * c.T * r).T * N


def nearest(x: Tensor, bank: Tensor) -> Tensor:
    return (F.normalize(x) @ F.normalize(bank).T).argmax(1)


def nearest_other(x: Tensor) -> Tensor:
    """dinov2/loss/koleo_loss.py, pairwise_NNs_inner."""
    x = F.normalize(x)
    dots = x @ x.T
    dots.view(-1)[:: (x.shape[0] + 1)].fill_(-1)
    return dots.argmax(1)


ASSIGNMENT = [
    ("sharpen", "sharpen(x, 0.25)", lambda p: p ** 4 / (p ** 4).sum(1, keepdim=True), probabilities(4, 5)),
    ("straight_through", "straight_through(x, y * y)", lambda x, y: y * y + (x - y * y).detach(), normal(3, 4), normal(3, 4)),
]
TARGETS = [
    ("sinkhorn", "sinkhorn(x, epsilon: 0.05)", lambda x: sinkhorn_knopp(torch.exp(x / 0.05)), normal(7, 5, scale=0.3)),
    ("sinkhorn_divided", "sinkhorn(x / 0.05, iterations: 1)", lambda x: sinkhorn_knopp(torch.exp(x / 0.05), 1), normal(7, 5, scale=0.3)),
    ("sinkhorn_large", "sinkhorn(x)", lambda x: sinkhorn_knopp(torch.exp(x - x.max())), fixed([200, 195, 190, 199, 201, 180, 185, 200, 207], 3, 3)),
    ("sinkhorn_positions", "sinkhorn(x, epsilon: 0.06, per: position)", positionwise, normal(6, 3, 4, scale=0.2)),
    ("sinkhorn_tokens", "sinkhorn(x, epsilon: 0.1)", lambda x: sinkhorn_knopp(torch.exp(x / 0.1).flatten(0, 1)).reshape(x.shape), normal(4, 3, 5, scale=0.3)),
    ("sinkhorn_probabilities", "sinkhorn(x, of: probabilities)", sinkhorn_knopp, probabilities(6, 4)),
    ("sinkhorn_tolerance", "sinkhorn(x, of: probabilities, epsilon: 1 / 10, tolerance: 0.1)", sela, probabilities(12, 4)),
    ("nearest", "nearest(x, y)", nearest, normal(5, 4), normal(7, 4)),
    ("nearest_other", "nearest(x, x, exclude: self)", nearest_other, normal(6, 3)),
    ("nearest_rows", "index_select(y, nearest(x, y))", lambda x, y: y[nearest(x, y)], normal(5, 4), normal(7, 4)),
]

ALGEBRA = [
    ("cholesky", "cholesky(x @ x.T + eye(4))", lambda x: torch.linalg.cholesky(x @ x.T + torch.eye(4)), normal(4, 4)),
    ("triangular_solve", "triangular_solve(x, y)", lambda l, b: torch.linalg.solve_triangular(l, b, upper=False), lower(4), normal(4, 3)),
    ("logdet", "logdet(x)", torch.logdet, spd(4)),
    ("logdet_gram", "logdet(x.T @ x + eye(4))", lambda x: torch.logdet(x.T @ x + torch.eye(4)), normal(6, 4)),
    ("nuclear_norm", "nuclear_norm(x)", lambda x: torch.linalg.svdvals(x).sum(), normal(5, 3)),
    ("nuclear_norm_wide", "nuclear_norm(x)", lambda x: torch.linalg.svdvals(x).sum(), normal(3, 6)),
    ("singular_values", "singular_values(x)", torch.linalg.svdvals, normal(5, 3)),
]

VALUES = [
    ("argmax", "argmax(x, dim: 1)", lambda x: torch.argmax(x, 1), distinct(3, 4)),
    ("argmax_first", "argmax(x, dim: 0)", lambda x: torch.argmax(x, 0), distinct(3, 4)),
    ("one_hot", "one_hot(x, 4)", lambda x: F.one_hot(x, 4), whole([2, 0, 3, 2, 1])),
    ("arange", "arange(5)", lambda: torch.arange(5)),
    ("eye", "eye(3)", lambda: torch.eye(3)),
    ("linspace", "linspace(-1, 2, 7)", lambda: torch.linspace(-1, 2, 7, dtype=torch.float64)),
    ("normalize_zero", "normalize(x)", lambda x: F.normalize(x, dim=-1), fixed([3, 4, 0, 0], 2, 2)),
]


def write(fixture: Fixture, case: tuple, differentiable: bool = True) -> None:
    """Computes one case and puts its tensors and expression into the fixture."""
    name, expression, f, *makes = case
    g = generator(name)
    inputs = [make(g) for make in makes]
    for i, x in enumerate(inputs):
        fixture.put(f"{name}/in{i}", x)
    inputs = [x.double().requires_grad_(differentiable) if x.is_floating_point() else x for x in inputs]
    out = f(*inputs)
    fixture.put(f"{name}/out", out)
    fixture.metadata[name] = expression
    if not differentiable:
        return
    cotangent = torch.randn(out.shape, generator=g)
    fixture.put(f"{name}/cot", cotangent)
    floats = [i for i, x in enumerate(inputs) if x.is_floating_point()]
    for i, grad in zip(floats, gradients(out, [inputs[i] for i in floats], cotangent.double())):
        fixture.put(f"{name}/grad{i}", grad)


def main() -> None:
    fixture = Fixture("ops")
    for case in ARITHMETIC + CHOICE + ELEMENTWISE + reductions() + EXTREMES + SHAPES + NEURAL + ASSIGNMENT + ALGEBRA:
        write(fixture, case)
    for case in VALUES + TARGETS:
        write(fixture, case, differentiable=False)
    fixture.save()


if __name__ == "__main__":
    main()
