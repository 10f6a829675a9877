"""k-NN, linear probe and collapse measures by independent code, for tests/suite/eval.rs.

k-NN is knn_classifier of facebookresearch/dino eval_knn.py, the linear probe scikit-learn's LogisticRegression, the
effective rank RankMe by NumPy's SVD, alignment and uniformity the official functions of SsnL/align_uniform.
"""

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from common import Fixture

CLASSES, DIM, L2 = 5, 16, 1e-3


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

    scaler = StandardScaler().fit(train)
    model = LogisticRegression(C=1 / (L2 * len(train)), max_iter=10_000, tol=1e-10)
    model.fit(scaler.transform(train), train_labels)
    fixture.put("linear.predictions", torch.tensor(model.predict(scaler.transform(test))))
    weight = model.coef_ / scaler.scale_
    fixture.put("linear.weight", torch.tensor(weight.T))
    fixture.put("linear.bias", torch.tensor(model.intercept_ - weight @ scaler.mean_))

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
    fixture.save()


main()
