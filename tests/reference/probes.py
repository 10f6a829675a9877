"""The penalty of the linear probe chosen on held-out rows, and few-shot probes, by scikit-learn, for tests/suite/probes.rs.

Rows are held out and drawn as src/eval/held_out.rs and few_shot.rs say, written anew here: the generator of src/random.rs, too.
"""

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from common import Fixture, generator

CLASSES, DIM = 6, 48
CANDIDATES = [1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0]
WORD = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
    return z ^ (z >> 31)


def turn(x, k):
    return ((x << k) | (x >> (64 - k))) & WORD


class Rng:
    """xoshiro256++ as src/random.rs seeds it."""

    def __init__(self, seeds):
        key = GOLDEN
        for seed in seeds:
            key = mix(turn(key, 17) ^ mix((seed + GOLDEN) & WORD))
        self.s = []
        for _ in range(4):
            key = (key + GOLDEN) & WORD
            self.s.append(mix(key))

    def next(self):
        s = self.s
        result = (turn((s[0] + s[3]) & WORD, 23) + s[0]) & WORD
        t = (s[1] << 17) & WORD
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = turn(s[3], 45)
        return result

    def below(self, n):
        while True:
            wide = self.next() * n
            if wide & WORD >= n or wide & WORD >= (1 << 64) % n:
                return wide >> 64

    def permutation(self, n):
        order = list(range(n))
        for i in range(n - 1, 0, -1):
            j = self.below(i + 1)
            order[i], order[j] = order[j], order[i]
        return order


def held_out(labels):
    """Every fifth row of each class; of two to four rows the last."""
    out = np.zeros(len(labels), bool)
    for c in np.unique(labels):
        rows = np.flatnonzero(labels == c)
        out[rows[4::5]] = True
        if 2 <= len(rows) < 5:
            out[rows[-1]] = True
    return out


def few(labels, share, seed):
    """max(1, round(share n)) rows of each class, halves rounded up."""
    told = []
    for c in np.unique(labels):
        rows = np.flatnonzero(labels == c)
        count = min(max(1, int(np.floor(share * len(rows) + 0.5))), len(rows))
        told += [rows[i] for i in Rng([seed, int(c)]).permutation(len(rows))[:count]]
    return np.sort(told)


def whitening(x):
    mean = x.mean(0)
    variance, directions = np.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    assert variance[0] / variance[-1] > 1e-5, "all components are kept"
    return lambda y: (y - mean) @ (directions / np.sqrt(variance))


def fit(z, y, l2):
    settings = {"solver": "newton-cg", "max_iter": 100_000, "tol": 1e-12}
    return LogisticRegression(C=1 / (l2 * len(z)), **settings).fit(z, y)


def samples(name, centers, rows):
    g = generator(name)
    labels = torch.randint(CLASSES, (rows,), generator=g)
    labels[0] = CLASSES - 1
    scale = torch.linspace(0.2, 3.0, DIM)
    x = (centers[labels] + 1.8 * torch.randn(rows, DIM, generator=g)) * scale - 1.0
    return x, labels


def chosen(fixture, x, y, test):
    """The candidate that is best on the rows held out, the larger of equals, and what the probe with it predicts."""
    out = held_out(y)
    white = whitening(x[~out])
    right = [np.mean(fit(white(x[~out]), y[~out], l2).predict(white(x[out])) == y[out]) for l2 in CANDIDATES]
    best = max(range(len(CANDIDATES)), key=lambda i: (right[i], CANDIDATES[i]))
    print("held out:", right)
    assert 0 < best < len(CANDIDATES) - 1 and right[best] > sorted(right)[-2], "the best is one, and inside"
    white = whitening(x)
    fixture.put("chosen.l2", torch.tensor(CANDIDATES[best]))
    fixture.put("chosen.predictions", torch.tensor(fit(white(x), y, CANDIDATES[best]).predict(white(test))))
    fixture.put("chosen.held_out", torch.tensor(np.flatnonzero(out)))


def few_shot(fixture, x, y, test, test_labels):
    white = whitening(x)
    for share in [0.01, 0.1]:
        accuracies = []
        for seed in range(5):
            rows = few(y, share, seed)
            model = fit(white(x[rows]), y[rows], 0.1)
            accuracies.append(np.mean(model.predict(white(test)) == test_labels))
            fixture.put(f"few.{share}.{seed}.rows", torch.tensor(rows))
        print(share, accuracies)
        fixture.put(f"few.{share}.mean", torch.tensor(np.mean(accuracies)))
        fixture.put(f"few.{share}.deviation", torch.tensor(np.std(accuracies, ddof=1)))


def main():
    fixture = Fixture("probes")
    centers = torch.randn(CLASSES, DIM, generator=generator("probes.centers"))
    train, labels = samples("probes.train", centers, 260)
    test, test_labels = samples("probes.test", centers, 200)
    for name, value in {"train": train, "train.labels": labels, "test": test, "test.labels": test_labels}.items():
        fixture.put(name, value)
    x, y, t = train.double().numpy(), labels.numpy(), test.double().numpy()
    chosen(fixture, x, y, t)
    few_shot(fixture, x, y, t, test_labels.numpy())
    fixture.save()


main()
