"""Generated programs, their losses and gradients by PyTorch in f64 on f32 inputs -> programs_1.safetensors, ...

A program is a recipe of inputs and a loss, made by the modules of generated/. The metadata holds its text, in whose first
line stand the sizes of its symbols. Keys: `CASE/given`, all inputs one behind the other, in the order of their
declarations; `CASE/want` (f64), the loss, each of its terms, and the gradient by each input, zeros where none flows;
`CASE/scale`, by how much each of these (the loss, each term, each gradient as a whole) moves where every result on the way,
forward and backward, is off by one part of itself: what rounding amounts to is that times the precision. Programs that
would move too far are left out, and those that lie near a kink, which no scale describes.

    programs.py                                       the fixtures: programs 0 to 319, and infinite.safetensors
    programs.py --from 10000 --count 5000 -o FOLDER   others, for a long run; of large tensors with --large
"""

from __future__ import annotations

import argparse
import math
import random
from pathlib import Path

import torch
from safetensors.torch import save_file

from common import FIXTURES, generator
from generated import choosing, elementwise, tokens
from generated.infinite import INFINITE, Case
from generated.maker import Limits, Maker
from generated.registry import PRODUCTIONS
from generated.sizes import ADD, MUL, POSTFIX, POW, Dim, Skip
from generated.structure import step
from generated.values import NOISE, Program, Tensor, Value, evaluate

# What takes indices and conditions.
USERS = [elementwise.arithmetic_of_conditions, elementwise.where, elementwise.logic, tokens.masked_mean,
         tokens.labelled, choosing.index_select, choosing.gather, choosing.take, choosing.place, choosing.one_hot]

# Programs of a fixture, and in one file.
COUNT, PER_FILE = 320, 160


def scalar(m: Maker, v: Value) -> Value:
    """A number made of a value, such that its gradient is seldom trivial."""
    if v.rank == 0:
        return v
    kind = m.rng.randrange(5)
    if kind == 0:
        v = m.make(f"{v.at(POSTFIX)} ^ 2", POW, v.shape, torch.square, [v])
    elif kind == 1:
        w = m.infix("+", ADD, v, m.number(0.3), v.shape, torch.add)
        v = m.call("sin", [w], v.shape, torch.sin, [w])
    elif kind < 4:
        w = m.partner(v, lambda w: w is not v)
        v = m.infix("*", MUL, v, w, m.broadcast(v.shape, w.shape), torch.mul)
    name, f = m.one([("mean", torch.mean), ("sum", torch.sum)])
    return m.call(name, [v], (), f, [v])


def start(rng: random.Random) -> Maker:
    """Sizes and first inputs."""
    symbols = rng.sample(["N", "D", "K", "T"], rng.randint(1, 3))
    sizes = {s: rng.choice(Limits.rare if rng.random() < 0.3 else Limits.usual) for s in symbols}
    m = Maker(rng, Program(sizes), [])
    dim = lambda: Dim.of(rng.choice(symbols)) if rng.random() < 0.75 else Dim.of(rng.choice([1, 2, 3, 4]))
    for _ in range(rng.choice([1, 1, 2, 2, 3])):
        try:
            rank = rng.choices([0, 1, 2, 3, 4], [0.3, 1.5, 4, 2.5, 1.2])[0]
            shape = tuple(dim() for _ in range(rank))
            m.input(shape, positive=rng.random() < 0.25)
            if rng.random() < 0.5 and rank:
                m.input(shape)
        except Skip:
            pass
    return m


def make(index: int, attempt: int) -> Program:
    """A program that holds one production at least that its number chooses."""
    rng = random.Random(f"program {index} {attempt}")
    m = start(rng)
    if not m.pool:
        raise Skip
    steps, focus = rng.randint(3, 11), PRODUCTIONS[index % len(PRODUCTIONS)][0]
    at, made = rng.randrange(steps), None
    for i in range(steps + 6):
        if made is None and i >= at:
            try:
                m.turn = index // len(PRODUCTIONS)
                v = made = focus(m)
            except Skip:
                m.turn = None
                v = step(m)
            m.turn = None
        elif i >= steps and made is not None:
            break
        else:
            v = step(m)
        # Long ones sooner than short ones; what has a name needs no other.
        if not v.text.isidentifier() and rng.random() < (0.35 if len(v.text) < 40 else 0.8):
            m.let(v)
        m.pool.append(v)
    if made is None:
        raise Skip
    if made.kind != "float" and not made.used:
        made = use(m, made)
    finish(m, made)
    return m.program


def use(m: Maker, made: Value) -> Value:
    """A real number made of an index or a condition."""
    m.pool = [v for v in m.pool if v is made or v.kind == "float"]
    while True:
        v = m.one(USERS)(m)
        m.pool.append(v)
        if v.kind == "float" and made.used:
            return v


def finish(m: Maker, made: Value) -> None:
    """A loss of what was made, and nothing left that it does not need but inputs."""
    last = [v for v in m.pool if v.kind == "float" and v.args and v.used == 0][-2:]
    ends = ([made] if made.kind == "float" and made.used == 0 and made not in last else []) + last
    if not ends:
        raise Skip
    for i, v in enumerate(ends):
        term = scalar(m, v)
        if m.chance(0.2):
            term = m.infix("*", MUL, m.number(0.5), term, (), torch.mul)
        m.program.terms.append((f"t{i}", term))
    if len(m.program.text()) > 900:
        raise Skip
    prune(m.program)
    if m.chance(0.3):
        # The language imposes no order.
        m.rng.shuffle(m.program.items)


def prune(program: Program) -> None:
    """Drops definitions that nothing uses."""
    while True:
        texts = program.items + [v.text for _, v in program.terms]
        name = lambda item: item.split()[1].split("(")[0]
        used = lambda item: any(name(item) in words(text) for text in texts if text is not item)
        kept = [item for item in program.items if used(item)]
        if kept == program.items:
            return
        program.items = kept


def words(text: str) -> set[str]:
    return set("".join(c if c.isalnum() or c == "_" else " " for c in text).split())


def signs(x: Tensor, g: torch.Generator) -> Tensor:
    return 2 * torch.randint(2, x.shape, generator=g, dtype=x.dtype) - 1


class Noise(torch.autograd.Function):
    """Every element off by a part of itself, forward and backward."""

    @staticmethod
    def forward(ctx, x: Tensor, part: float, g: torch.Generator) -> Tensor:
        ctx.part, ctx.g = part, g
        return x * (1 + part * signs(x, g))

    @staticmethod
    def backward(ctx, grad: Tensor):
        return grad * (1 + ctx.part * signs(grad, ctx.g)), None, None


def compute(program: Program) -> list[Tensor]:
    """The loss, each term and the gradient by each input."""
    leaves = [v.t.clone().requires_grad_() for _, v in program.inputs]
    cache = {v: leaf for (_, v), leaf in zip(program.inputs, leaves)}
    terms = [evaluate(v, cache) for _, v in program.terms]
    loss = sum(terms)
    grads = torch.autograd.grad(loss, leaves, allow_unused=True) if loss.requires_grad else [None] * len(leaves)
    grads = [torch.zeros_like(x) if g is None else g for g, x in zip(grads, leaves)]
    return [t.detach() for t in [loss] + terms + grads]


def moves(program: Program, want: list[Tensor], part: float, name: str) -> list[float]:
    """By how many parts of `part` each result moves under noise, at the most of some draws."""
    g = generator(f"{name} {part}")
    most = [0.0] * len(want)
    for _ in range(6):
        NOISE.append(lambda x: Noise.apply(x, part, g))
        got = compute(program)
        NOISE.pop()
        most = [max(m, float((a - b).abs().max()) / part) for m, a, b in zip(most, got, want)]
    return most


def measure(program: Program, name: str) -> tuple[list[Tensor], list[float]]:
    """Results and scales, if the program is one to hold a test to."""
    want = compute(program)
    sizes = [float(t.abs().max()) for t in want]
    if not all(map(math.isfinite, sizes)) or max(sizes) > 1e4:
        raise Skip
    fine, coarse = moves(program, want, 1e-9, name), moves(program, want, 1e-5, name)
    for size, a, b in zip(sizes, fine, coarse):
        floor = 1e-3 * max(sizes)
        if not (b <= 3 * a + floor and a <= 3 * b + floor and a <= 2e3 * max(size, floor)):
            raise Skip
    return want, [max(a, b, size) for a, b, size in zip(fine, coarse, sizes)]


def build(index: int) -> tuple[Program, list[Tensor], list[float]]:
    for attempt in range(400):
        del NOISE[:]
        try:
            program = make(index, attempt)
            return (program, *measure(program, f"{index}"))
        except Skip:
            continue
        except RuntimeError as e:
            # PyTorch refuses a matrix that noise has made singular.
            if "linalg" in str(e) or "cholesky" in str(e):
                continue
            raise
    raise RuntimeError(f"no program {index}")


def tensors(given: list[Tensor], want: list[Tensor], scale: list[float]) -> dict[str, Tensor]:
    flat = lambda all: torch.cat([t.reshape(-1) for t in all])
    return {"given": flat(given).float(), "want": flat(want).double(), "scale": torch.tensor(scale).float()}


def infinite(case: Case) -> tuple[str, dict[str, Tensor]]:
    """A program with infinities; what is finite of it is of size 1 or so."""
    text, given, terms, grads = case.compute()
    want = [sum(terms), *terms, *grads]
    size = lambda t: float(torch.where(t.isfinite(), t, 0).abs().max())
    return text, tensors(given, want, [max(1.0, size(t)) for t in want])


def write(path: Path, programs: dict[str, tuple[str, dict[str, Tensor]]]) -> None:
    data = {f"{case}/{key}": t for case, (_, parts) in programs.items() for key, t in parts.items()}
    save_file(data, str(path), metadata={case: text for case, (text, _) in programs.items()})
    print(f"{path.name}: {len(programs)} programs, {path.stat().st_size} bytes")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--large", action="store_true", help="tensors that kernels work on in vectors and pieces")
    parser.add_argument("-o", type=Path, default=FIXTURES)
    args = parser.parse_args()
    if args.large:
        Limits.widen()
    args.o.mkdir(exist_ok=True, parents=True)
    torch.set_num_threads(1)
    made = {}
    for i in range(args.first, args.first + args.count):
        program, want, scale = build(i)
        made[f"p{i}"] = (program.text(), tensors([v.t for _, v in program.inputs], want, scale))
    names = list(made)
    for n, at in enumerate(range(0, len(names), PER_FILE)):
        write(args.o / f"programs_{n + 1}.safetensors", {name: made[name] for name in names[at:at + PER_FILE]})
    if args.first == 0:
        write(args.o / "infinite.safetensors", {case.name: infinite(case) for case in INFINITE})


if __name__ == "__main__":
    main()
