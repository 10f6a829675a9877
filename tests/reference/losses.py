"""The six joint-embedding losses on seeded embeddings, in f64 on f32 inputs -> losses.safetensors.

Each is written here as the paper or its official code has it, and asserted to agree with lightly's.
Keys of a method: `METHOD/in.NAME` (inputs), `METHOD/loss`, `METHOD/loss.TERM` (each term, weighted as it enters the loss),
`METHOD/grad.NAME` (gradient of the loss to that input; none for an input behind a stop-gradient).
The metadata holds, for each method, its terms as JSON: name -> expression in the language over the inputs, where `N` is the
batch size (rows of the inputs, but for `bank`).
"""

import json

import torch
import torch.nn.functional as F
from lightly.loss import BarlowTwinsLoss, NegativeCosineSimilarity, NTXentLoss, VICRegLoss

from common import Fixture, generator

Tensor = torch.Tensor
Terms = dict[str, Tensor]


def simclr(za: Tensor, zb: Tensor) -> Terms:
    """NT-Xent, google-research/simclr objective.py, halved: it adds the two views' means where the paper averages."""
    za, zb = F.normalize(za, dim=1), F.normalize(zb, dim=1)
    n, temperature = len(za), 0.5
    masked = torch.eye(n) * 1e9
    aa, bb = za @ za.T / temperature - masked, zb @ zb.T / temperature - masked
    ab, ba = za @ zb.T / temperature, zb @ za.T / temperature
    labels = torch.arange(n)
    loss_a = F.cross_entropy(torch.cat((ab, aa), 1), labels)
    loss_b = F.cross_entropy(torch.cat((ba, bb), 1), labels)
    return {"contrast": (loss_a + loss_b) / 2}


def moco(q: Tensor, k: Tensor, bank: Tensor) -> Terms:
    """InfoNCE with a queue, facebookresearch/moco builder.py; the bank's rows are normalised already."""
    q, k = F.normalize(q, dim=1), F.normalize(k, dim=1)
    positive = torch.einsum("nc,nc->n", q, k).unsqueeze(-1)
    negative = torch.einsum("nc,kc->nk", q, bank)
    logits = torch.cat((positive, negative), 1) / 0.2
    return {"contrast": F.cross_entropy(logits, torch.zeros(len(q), dtype=torch.long))}


def byol(p1: Tensor, p2: Tensor, z1: Tensor, z2: Tensor) -> Terms:
    """Normalised squared distance (BYOL eq. 2), the mean of both directions where the paper adds them."""
    def regression(p: Tensor, z: Tensor) -> Tensor:
        return (F.normalize(p, dim=1) - F.normalize(z, dim=1)).square().sum(1).mean()
    return {"align": (regression(p1, z2) + regression(p2, z1)) / 2}


def simsiam(p1: Tensor, p2: Tensor, z1: Tensor, z2: Tensor) -> Terms:
    """Symmetric negative cosine similarity, facebookresearch/simsiam main_simsiam.py."""
    similarity = torch.nn.CosineSimilarity(dim=1)
    return {"align": -(similarity(p1, z2).mean() + similarity(p2, z1).mean()) * 0.5}


def barlow_twins(za: Tensor, zb: Tensor) -> Terms:
    """Redundancy reduction, facebookresearch/barlowtwins main.py."""
    norm = torch.nn.BatchNorm1d(za.shape[1], affine=False).double()
    c = norm(za).T @ norm(zb) / len(za)
    diagonal = torch.diagonal(c)
    off_diagonal = c.square().sum() - diagonal.square().sum()
    return {"on_diagonal": (diagonal - 1).square().sum(), "off_diagonal": 0.0051 * off_diagonal}


def vicreg(za: Tensor, zb: Tensor) -> Terms:
    """Variance, invariance, covariance, facebookresearch/vicreg main_vicreg.py."""
    def hinge(z: Tensor) -> Tensor:
        return F.relu(1 - torch.sqrt(z.var(0) + 1e-4)).mean()

    def off_diagonal(z: Tensor) -> Tensor:
        z = z - z.mean(0)
        covariance = z.T @ z / (len(z) - 1)
        return (covariance.square().sum() - torch.diagonal(covariance).square().sum()) / z.shape[1]

    return {
        "invariance": 25 * F.mse_loss(za, zb),
        "variance": 25 * (hinge(za) + hinge(zb)) / 2,
        "covariance": off_diagonal(za) + off_diagonal(zb),
    }


def lightly_moco(q: Tensor, k: Tensor, bank: Tensor) -> Tensor:
    loss = NTXentLoss(temperature=0.2, memory_bank_size=(len(bank), bank.shape[1]))
    loss.memory_bank.bank = bank.clone()
    loss.memory_bank.bank_ptr = torch.zeros(1, dtype=torch.long)
    return loss(q, k)


def lightly_simsiam(p1: Tensor, p2: Tensor, z1: Tensor, z2: Tensor) -> Tensor:
    loss = NegativeCosineSimilarity()
    return 0.5 * (loss(p1, z2) + loss(p2, z1))


BYOL = "mean(2 - 2 * cosine_similarity({p}, stopgrad({z})))"
SIMSIAM = "mean(-cosine_similarity({p}, stopgrad({z})))"
CORRELATION = "standardize(za).T @ standardize(zb) / N"


def both(term: str) -> str:
    return f"({term.format(p='p1', z='z2')} + {term.format(p='p2', z='z1')}) / 2"


# Each method: the formula, lightly's, the inputs that get no gradient, and the terms in the language.
METHODS = {
    "simclr": (simclr, NTXentLoss(temperature=0.5), [], {"contrast": "nt_xent(za, zb, temperature: 0.5)"}),
    "moco": (moco, lightly_moco, ["k", "bank"], {
        "contrast": "info_nce_with_bank(normalize(q), stopgrad(normalize(k)), stopgrad(bank), temperature: 0.2)",
    }),
    "byol": (byol, lambda *x: 2 + 2 * lightly_simsiam(*x), ["z1", "z2"], {"align": both(BYOL)}),
    "simsiam": (simsiam, lightly_simsiam, ["z1", "z2"], {"align": both(SIMSIAM)}),
    "barlow_twins": (barlow_twins, BarlowTwinsLoss(lambda_param=0.0051), [], {
        "on_diagonal": f"sum((1 - diagonal({CORRELATION})) ^ 2)",
        "off_diagonal": f"0.0051 * sum(off_diagonal({CORRELATION}) ^ 2)",
    }),
    "vicreg": (vicreg, VICRegLoss(25, 25, 1), [], {
        "invariance": "25 * mse(za, zb)",
        "variance": "25 * (hinge_variance(za) + hinge_variance(zb)) / 2",
        "covariance": "off_diagonal_covariance(za) + off_diagonal_covariance(zb)",
    }),
}


def embeddings(method: str) -> dict[str, Tensor]:
    """Two views' embeddings that resemble each other, their columns of differing spread; a bank of unit rows for moco."""
    g = generator(method)
    n, d = 12, 24
    spread = 0.3 + 1.4 * torch.rand(d, generator=g)
    shared = torch.randn((n, d), generator=g)
    view = lambda: (0.2 + (shared + 0.6 * torch.randn((n, d), generator=g))) * spread
    if method == "moco":
        return {"q": view(), "k": view(), "bank": F.normalize(torch.randn((40, d), generator=g), dim=1)}
    names = ["p1", "p2", "z1", "z2"] if method in ("byol", "simsiam") else ["za", "zb"]
    return {name: view() for name in names}


def write(fixture: Fixture, method: str) -> None:
    """Checks one method's formula against lightly and puts its numbers into the fixture."""
    formula, lightly, stopped, expressions = METHODS[method]
    inputs = embeddings(method)
    for name, value in inputs.items():
        fixture.put(f"{method}/in.{name}", value)
    inputs = {name: value.double().requires_grad_(name not in stopped) for name, value in inputs.items()}
    trained = {name: x for name, x in inputs.items() if x.requires_grad}
    terms = formula(*inputs.values())
    loss = sum(terms.values())
    theirs = lightly(*inputs.values())
    grads = torch.autograd.grad(loss, trained.values())
    torch.testing.assert_close(theirs, loss, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(torch.autograd.grad(theirs, trained.values()), grads, rtol=1e-5, atol=1e-8)
    assert terms.keys() == expressions.keys()
    fixture.put(f"{method}/loss", loss)
    for name, term in terms.items():
        fixture.put(f"{method}/loss.{name}", term)
    for name, grad in zip(trained, grads):
        fixture.put(f"{method}/grad.{name}", grad)
    fixture.metadata[method] = json.dumps(expressions)
    print(method, {name: round(term.item(), 4) for name, term in terms.items()})


def main() -> None:
    fixture = Fixture("losses")
    for method in METHODS:
        write(fixture, method)
    fixture.save()


if __name__ == "__main__":
    main()
