"""k-NN, linear probe and collapse measures by independent code, for tests/suite/eval.rs.

k-NN is knn_classifier of facebookresearch/dino eval_knn.py, the linear probe scikit-learn's LogisticRegression on features that
NumPy whitened, the effective rank RankMe by NumPy's SVD, alignment and uniformity the official functions of SsnL/align_uniform.
"""

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from common import Fixture

CLASSES, DIM = 5, 16


def samples(generator, centers, rows):
    labels = torch.randint(CLASSES, (rows,), generator=generator)
    scale = torch.linspace(0.1, 4.0, DIM)
    noise = torch.randn(rows, DIM, generator=generator)
    return (centers[labels] + 1.6 * noise) * scale + 2.0, labels


def knn(train, train_labels, test, k, temperature):
    train, test = F.normalize(train.double(), dim=1), F.normalize(test.double(), dim=1)
    similarity, index = (test @ train.T).topk(k, largest=True, sorted=True)
    votes = F.one_hot(train_labels[index], CLASSES).double()
    return (votes * (similarity / temperature).exp().unsqueeze(-1)).sum(1).argmax(1)


def whitened(x, min_variance=1e-6):
    """Mean and map of the principal components with at least that share of the largest variance."""
    mean = x.mean(0)
    variance, directions = np.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    share = variance / variance[-1]
    assert not ((share > min_variance / 1.1) & (share < min_variance * 1.1)).any(), "on the edge"
    kept = share >= min_variance
    return mean, directions[:, kept] / np.sqrt(variance[kept])


def linear(fixture, name, train, labels, test, l2):
    """The optimum of the linear probe: what it predicts, and the value of its objective."""
    x, y = train.double().numpy(), labels.numpy()
    mean, to = whitened(x)
    settings = {"C": 1 / (l2 * len(x))} if l2 else {"C": np.inf}
    model = LogisticRegression(solver="newton-cg", max_iter=100_000, tol=1e-12, **settings).fit((x - mean) @ to, y)
    fixture.put(f"{name}.predictions", torch.tensor(model.predict((test.double().numpy() - mean) @ to)))
    value = log_loss(y, model.predict_proba((x - mean) @ to), labels=model.classes_)
    fixture.put(f"{name}.objective", torch.tensor(value + l2 / 2 * (model.coef_**2).sum()))
    weight = model.coef_ @ to.T
    if len(model.classes_) > 2:
        fixture.put(f"{name}.weight", torch.tensor(weight.T))
        fixture.put(f"{name}.bias", torch.tensor(model.intercept_ - weight @ mean))


def steep(generator, rows, dim):
    """Features whose variances fall from 1 to 1e-12, of which each says as much about the class, and whose columns mix them."""
    labels = torch.randint(4, (rows,), generator=generator)
    centers = torch.randn(4, dim, generator=generator)
    mix = torch.linalg.qr(torch.randn(dim, dim, generator=generator).double()).Q
    x = (0.4 * centers[labels] + torch.randn(rows, dim, generator=generator)).double()
    return ((x * 10 ** (-6 * torch.arange(dim) / (dim - 1))) @ mix).float(), labels


def odd(generator, rows, dim):
    """Fewer rows than columns, some of these constant; no row of class 2, one of class 4."""
    labels = torch.tensor([0, 1, 3])[torch.arange(rows) % 3]
    labels[7] = 4
    x = torch.randn(rows, dim, generator=generator)
    x[:, ::5] = torch.linspace(-3, 300, len(range(0, dim, 5)))
    return x, labels


def rankme(x):
    s = np.linalg.svd(x.double().numpy(), compute_uv=False)
    p = s / s.sum()
    p = p[p > 0]
    return np.exp(-(p * np.log(p)).sum())


def align_loss(x, y, alpha=2):
    return (x - y).norm(p=2, dim=1).pow(alpha).mean()


def uniform_loss(x, t=2):
    return torch.pdist(x, p=2).pow(2).mul(-t).exp().mean().log()


def main():
    generator = torch.Generator().manual_seed(11)
    fixture = Fixture("eval")
    centers = torch.randn(CLASSES, DIM, generator=generator)
    train, train_labels = samples(generator, centers, 600)
    test, test_labels = samples(generator, centers, 300)
    for name, value in {"train": train, "train_labels": train_labels, "test": test, "test_labels": test_labels}.items():
        fixture.put(name, value)

    for k, temperature in [(1, 0.07), (20, 0.07), (50, 0.5)]:
        right = knn(train, train_labels, test, k, temperature) == test_labels
        fixture.put(f"knn.{k}", right.double().mean())

    for l2 in [0, 1e-3]:
        linear(fixture, f"linear.{l2:g}", train, train_labels, test, l2)

    tall = torch.randn(300, 6, generator=generator) @ torch.randn(6, 24, generator=generator) + 0.1
    wide = torch.randn(20, 48, generator=generator).relu()
    for name, x in {"tall": tall, "wide": wide}.items():
        fixture.put(name, x)
        z = F.normalize(x.double(), dim=1)
        fixture.put(f"{name}.std", z.std(dim=0).mean())
        fixture.put(f"{name}.rank", torch.tensor(rankme(x)))
        fixture.put(f"{name}.uniformity", uniform_loss(z))
    half = F.normalize(tall.double(), dim=1)
    fixture.put("tall.alignment", align_loss(half[:150], half[150:]))

    symmetric = torch.randn(30, 30, generator=generator).double()
    symmetric = (symmetric + symmetric.T).float()
    fixture.put("symmetric", symmetric)
    fixture.put("symmetric.eigenvalues", torch.linalg.eigvalsh(symmetric.double()))

    generator = torch.Generator().manual_seed(12)
    one, one_labels = torch.randn(90, 1, generator=generator), torch.arange(90) % 3
    one = 1e4 + 100 * (one + 0.8 * one_labels[:, None])
    for name, (x, y) in {"steep": steep(generator, 500, 40), "odd": odd(generator, 40, 60), "one": (one, one_labels)}.items():
        fixture.put(name, x)
        fixture.put(f"{name}.labels", y)
        for l2 in [1e-3] if name == "odd" else [0, 1e-3]:
            linear(fixture, f"{name}.{l2:g}", x, y, x, l2)
    fixture.save()


main()
