"""Builds the exported encoder in PyTorch; run as a program, checks the features it carries. Written by sslrun.

A picture is prepared as config.json says: resized and cut out (`view`, `input_size`), from 0 to 1, less `mean`, divided by `std`.
"""

from pathlib import Path

import torch
IMPORTS
from safetensors.torch import load_file

HERE = Path(__file__).resolve().parent


def load() -> torch.nn.Module:
    """The encoder: from pictures [N, C, H, W] to features [N, D]."""
    BUILD
    model.load_state_dict(load_file(HERE / "model.safetensors"), strict=True)
    return model.eval()


if __name__ == "__main__":
    check = load_file(HERE / "check.safetensors")
    with torch.no_grad():
        features = load()(check["pictures"])
    error = ((features - check["features"]).norm() / check["features"].norm()).item()
    print(f"features differ by {error:.1e} of their length")
    assert features.shape == check["features"].shape and error < 1e-4
