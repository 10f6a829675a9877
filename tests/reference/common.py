"""What the reference scripts share: seeded inputs, gradients in f64, and writing a fixture."""

from pathlib import Path

import torch
from safetensors.torch import save_file

FIXTURES = Path(__file__).parent / "fixtures"


def fnv1a(text: str) -> int:
    """The 32-bit FNV-1a hash of a text's UTF-8 bytes."""
    h = 0x811C9DC5
    for byte in text.encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    return h


def generator(name: str) -> torch.Generator:
    """A generator seeded by a name, so that adding a case leaves the others as they were."""
    return torch.Generator().manual_seed(fnv1a(name))


def gradients(out: torch.Tensor, inputs: list[torch.Tensor], cotangent: torch.Tensor) -> list[torch.Tensor]:
    """The gradient of sum(out * cotangent) with respect to each input; zeros where nothing flows."""
    grads = torch.autograd.grad((out * cotangent).sum(), inputs, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for g, x in zip(grads, inputs)]


def sinkhorn_knopp(scores: torch.Tensor, iterations: int = 3) -> torch.Tensor:
    """swav/main_swav.py, distributed_sinkhorn after the exponential, on one process: `[N, K]`."""
    q = scores.T / scores.sum()
    k, b = q.shape
    for _ in range(iterations):
        q = q / q.sum(dim=1, keepdim=True) / k
        q = q / q.sum(dim=0, keepdim=True) / b
    return (q * b).T


class Fixture:
    """Named f32 tensors and a line of metadata a case, written as one safetensors file."""

    def __init__(self, name: str):
        self.path = FIXTURES / f"{name}.safetensors"
        self.tensors: dict[str, torch.Tensor] = {}
        self.metadata: dict[str, str] = {}

    def put(self, key: str, value: torch.Tensor) -> None:
        """Adds a tensor, rounded to f32 and laid out contiguously."""
        assert key not in self.tensors, f"{key} twice"
        assert torch.isfinite(value).all(), f"{key} is not finite"
        self.tensors[key] = value.detach().to(torch.float32).contiguous().clone()

    def save(self) -> None:
        """Writes the file and says how large it is."""
        self.path.parent.mkdir(exist_ok=True)
        save_file(self.tensors, str(self.path), metadata=self.metadata)
        print(f"{self.path.name}: {len(self.metadata)} cases, {self.path.stat().st_size} bytes")
