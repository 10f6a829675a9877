"""Operations step by step as the language has them, each step rounded, for measuring what rounding amounts to; without
noise PyTorch's own.
"""

from __future__ import annotations

from typing import Callable

import torch
import torch.nn.functional as F

from .values import NOISE, Tensor, rounded, whole


def by_steps(own: Callable[..., Tensor]):
    """PyTorch's own function, but where there is noise the steps that are decorated."""
    def add(steps: Callable[..., Tensor]) -> Callable[..., Tensor]:
        return lambda *args, **kwargs: (steps if NOISE else own)(*args, **kwargs)
    return add


def saturating(f: Callable[[Tensor], Tensor], slope: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A function whose slope is computed from its result, which has been rounded by then."""
    @by_steps(f)
    def g(x: Tensor) -> Tensor:
        y = f(x.detach())
        return y + (x - x.detach()) * slope(rounded(y)).detach()
    return g


tanh = saturating(torch.tanh, lambda y: 1 - y * y)
sigmoid = saturating(torch.sigmoid, lambda y: y * (1 - y))


@by_steps(torch.logsumexp)
def logsumexp(x: Tensor, dim, keepdim: bool = False) -> Tensor:
    top = x.detach().amax(dim, keepdim=True)
    total = rounded(rounded(rounded(torch.exp(rounded(x - top))).sum(dim, keepdim=True)).log()) + top
    return total if keepdim else total.sum(dim)


@by_steps(torch.softmax)
def softmax(x: Tensor, axis: int) -> Tensor:
    powers = rounded(torch.exp(rounded(x - x.detach().amax(axis, keepdim=True))))
    return rounded(powers) / rounded(rounded(powers).sum(axis, keepdim=True))


@by_steps(torch.log_softmax)
def log_softmax(x: Tensor, axis: int) -> Tensor:
    return rounded(x) - rounded(logsumexp(rounded(x), axis, True))


@by_steps(lambda i, x: F.cross_entropy(x.movedim(-1, 1) if x.dim() > 2 else x, whole(i), reduction="none"))
def of_labels(i: Tensor, x: Tensor) -> Tensor:
    """The cross entropy of labels."""
    return logsumexp(x, -1) - x.gather(-1, whole(i).unsqueeze(-1)).squeeze(-1)


@by_steps(lambda x, axis=-1: F.normalize(x, dim=axis))
def unit(x: Tensor, axis: int = -1) -> Tensor:
    """Vectors of length 1."""
    return x / rounded(rounded((x * x).sum(axis, keepdim=True)).sqrt())


def centred(x: Tensor, axes) -> Tensor:
    return rounded(x - rounded(x.mean(axes, keepdim=True)))


@by_steps(lambda x, axes, correction=1, keepdim=False: torch.var(x, axes, correction=correction, keepdim=keepdim))
def variance(x: Tensor, axes, correction: int = 1, keepdim: bool = False) -> Tensor:
    count = x.numel() / max(x.sum(axes).numel(), 1)
    return rounded((centred(x, axes) ** 2).sum(axes, keepdim=keepdim)) / (count - correction)


@by_steps(lambda x, correction=1: torch.cov(x.T, correction=correction).reshape(x.shape[1], x.shape[1]))
def covariance(x: Tensor, correction: int = 1) -> Tensor:
    c = centred(x, 0)
    return rounded(c.T @ c) / (x.shape[0] - correction)


@by_steps(lambda x, y: F.cosine_similarity(x, y, -1))
def cosine_similarity(x: Tensor, y: Tensor) -> Tensor:
    return rounded(unit(x) * unit(y)).sum(-1)


@by_steps(lambda x, y: ((x[:, None] - y[None]) ** 2).sum(-1))
def squared_distance(x: Tensor, y: Tensor) -> Tensor:
    """The squared distance of every row to every row."""
    long = lambda x: rounded((x * x).sum(1))
    return rounded(rounded(long(x)[:, None] - 2 * rounded(x @ y.T)) + long(y))


@by_steps(F.mse_loss)
def mse(x: Tensor, y: Tensor) -> Tensor:
    return (rounded(x - y) ** 2).mean()
