"""The losses of methods on seeded embeddings, in f64 on f32 inputs -> losses.safetensors.

Each is written here as the paper or its official code has it, and asserted to agree with lightly's where it has one.
Keys of a method: `METHOD/in.NAME` (inputs), `METHOD/loss`, `METHOD/loss.TERM` (each term, weighted as it enters the loss),
`METHOD/grad.NAME` (gradient of the loss to that input; none for an input behind a stop-gradient).
The metadata holds, for each method, its terms as JSON: name -> expression in the language over the inputs, where `N` is the
batch size (the fewest rows of an input).
"""

import json

import torch
import torch.nn.functional as F
from lightly.loss import (
    BarlowTwinsLoss, DCLLoss, KoLeoLoss, MMCRLoss, NegativeCosineSimilarity, NTXentLoss, TiCoLoss, VICRegLoss, WMSELoss,
)
from lightly.loss.lejepa_loss import SIGReg

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


def dcl(za: Tensor, zb: Tensor) -> Terms:
    """Decoupled contrastive loss (arXiv:2110.06848, eq. 6): the positive is not in the denominator."""
    za, zb = F.normalize(za, dim=1), F.normalize(zb, dim=1)
    temperature, away = 0.2, ~torch.eye(len(za), dtype=torch.bool)

    def one_sided(x: Tensor, y: Tensor) -> Tensor:
        negatives = torch.cat([(x @ other.T / temperature)[away].view(len(x), -1) for other in (x, y)], 1)
        return (negatives.logsumexp(1) - (x * y).sum(1) / temperature).mean()

    return {"contrast": (one_sided(za, zb) + one_sided(zb, za)) / 2}


def tico(za: Tensor, zb: Tensor, earlier: Tensor) -> Terms:
    """Covariance contrast with a running second moment (arXiv:2206.10698, algorithm 1), beta 0.9, rho 8."""
    za, zb = F.normalize(za, dim=1), F.normalize(zb, dim=1)
    c = 0.9 * earlier + 0.1 * (za.T @ za / len(za)).detach()
    return {"invariance": 1 - (za * zb).sum(1).mean(), "contrast": 8 * ((za @ c) * za).sum(1).mean()}


def w_mse(za: Tensor, zb: Tensor) -> Terms:
    """Whitening by the Cholesky factor, then the normalised distance (arXiv:2007.06346, section 3)."""
    def whiten(z: Tensor) -> Tensor:
        z = z - z.mean(0)
        covariance = (1 - 1e-4) * z.T @ z / (len(z) - 1) + 1e-4 * torch.eye(z.shape[1], dtype=z.dtype)
        return torch.linalg.solve_triangular(torch.linalg.cholesky(covariance), z.T, upper=False).T

    return {"align": (2 - 2 * F.cosine_similarity(whiten(za), whiten(zb))).mean()}


def mmcr(za: Tensor, zb: Tensor) -> Terms:
    """The nuclear norm of centroids (arXiv:2303.03307, section 3)."""
    centroid = (za + zb) / 2
    return {"capacity": -torch.linalg.svdvals(centroid).sum()}


def lejepa(za: Tensor, directions: Tensor) -> Terms:
    """The Epps-Pulley statistic of projections (arXiv:2511.08544, section 4), the trapezoidal rule on 17 knots in 0..3."""
    x = (za @ directions).unsqueeze(-1) * torch.linspace(0, 3, 17, dtype=torch.float64)
    gauss = torch.exp(-torch.linspace(0, 3, 17, dtype=torch.float64).square() / 2)
    error = (x.cos().mean(0) - gauss).square() + x.sin().mean(0).square()
    statistic = 2 * torch.trapezoid(error * gauss, dx=3 / 16, dim=-1) * len(za)
    return {"gaussian": statistic.mean()}


def simdino(za: Tensor) -> Terms:
    """The coding rate (arXiv:2006.08558, eq. 1) of unit vectors, distortion 0.5."""
    z = F.normalize(za, dim=1)
    n, d = z.shape
    return {"spread": torch.logdet(torch.eye(d, dtype=z.dtype) + d / (n * 0.25) * z.T @ z) / 2}


def dinov2(za: Tensor) -> Terms:
    """The Kozachenko-Leonenko term (arXiv:2304.07193, section 4): the log of distances to nearest neighbours."""
    z = F.normalize(za, dim=1)
    nearest = (z @ z.T - 2 * torch.eye(len(z))).argmax(1)
    return {"spread": -((z - z[nearest]).norm(dim=1) + 1e-8).log().mean()}


def lightly_tico(za: Tensor, zb: Tensor, earlier: Tensor) -> Tensor:
    loss = TiCoLoss(beta=0.9, rho=8.0)
    loss.C = earlier
    return loss(za, zb)


def lightly_w_mse(za: Tensor, zb: Tensor) -> Tensor:
    loss = WMSELoss(embedding_dim=za.shape[1], eps=1e-4, w_size=len(za)).double()
    return loss(torch.cat((za, zb)))


def lightly_lejepa(za: Tensor, directions: Tensor) -> Tensor:
    loss = SIGReg(num_vectors=directions.shape[1])
    loss._generate_unit_vectors = lambda *_: directions
    # Its window in f64: the buffers are f32.
    t = torch.linspace(0, 3, 17, dtype=torch.float64)
    step = torch.full((17,), 2 * 3 / 16, dtype=torch.float64)
    step[[0, -1]] = 3 / 16
    loss.t, loss.phi, loss.weights = t, torch.exp(-t.square() / 2), step * torch.exp(-t.square() / 2)
    return loss(za)


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
    "dcl": (dcl, DCLLoss(temperature=0.2), [], {"contrast": "decoupled_nt_xent(za, zb, temperature: 0.2)"}),
    "tico": (tico, lightly_tico, ["earlier"], {
        "invariance": "1 - mean(cosine_similarity(za, zb))",
        "contrast": "8 * mean(sum(normalize(za) @ (0.9 * stopgrad(earlier) + 0.1 * stopgrad(normalize(za).T @ normalize(za) / N))"
        " * normalize(za), dim: 1))",
    }),
    "w_mse": (w_mse, lightly_w_mse, [], {"align": "mean(2 - 2 * cosine_similarity(whiten(za), whiten(zb)))"}),
    "mmcr": (mmcr, lambda za, zb: MMCRLoss(lmda=0)(za[:, None], zb[:, None]), [], {
        "capacity": "-nuclear_norm((za + zb) / 2)",
    }),
    "lejepa": (lejepa, lightly_lejepa, ["directions"], {
        "gaussian": "mean(epps_pulley(za @ stopgrad(directions)))",
    }),
    "dinov2": (dinov2, KoLeoLoss(), [], {"spread": "koleo(za)"}),
    "simdino": (simdino, None, [], {"spread": "coding_rate(normalize(za))"}),
}


def embeddings(method: str) -> dict[str, Tensor]:
    """Two views' embeddings that resemble each other, their columns of differing spread; a bank of unit rows for moco."""
    g = generator(method)
    n, d = (20, 6) if method == "w_mse" else (12, 24)
    spread = 0.3 + 1.4 * torch.rand(d, generator=g)
    shared = torch.randn((n, d), generator=g)
    view = lambda: (0.2 + (shared + 0.6 * torch.randn((n, d), generator=g))) * spread
    if method == "moco":
        return {"q": view(), "k": view(), "bank": F.normalize(torch.randn((40, d), generator=g), dim=1)}
    if method == "tico":
        rows = F.normalize(torch.randn((40, d), generator=g), dim=1)
        return {"za": view(), "zb": view(), "earlier": rows.T @ rows / 40}
    if method == "lejepa":
        return {"za": view(), "directions": F.normalize(torch.randn((d, 16), generator=g), dim=0)}
    if method in ("simdino", "dinov2"):
        return {"za": view()}
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
    grads = torch.autograd.grad(loss, trained.values(), retain_graph=True)
    if lightly is not None:
        theirs = lightly(*inputs.values())
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
