"""From JPEG files on disk to views of 224 pixels, on one core, beside torchvision: pictures a second.

    cargo build --release
    python benches/photographs.py [FOLDER] [--sslrun target/release/sslrun] [--torchvision python]

Pictures are made here, of FOLDER's or of drawn ones: JPEGs of 500 x 375 and of 4000 x 3000 (quality 90). `decode` is a picture decoded and a
few pixels of it taken, `crop` a random resized crop and a flip, `simclr` SimCLR's pipeline. torchvision decodes by its own libjpeg-turbo and
works on uint8 tensors, or by Pillow on its pictures; the better of both counts.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torchvision.io import decode_jpeg, read_file
from torchvision.transforms import v2

torch.set_num_threads(1)
SIZES = {"500x375": ((500, 375), 64), "4000x3000": ((4000, 3000), 12)}
VIEWS = {
    "decode": "center_crop(8)",
    "crop": "crop(0.2..1, size: 224) | flip()",
    "simclr": "crop(0.2..1, size: 224) | flip() | jitter(0.4, 0.4, 0.4, 0.1) | grayscale() | blur(p: 0.5)",
}
RECIPE = """views { a: %s }
branch f { encoder: global_avgpool | linear(2) }
loss { l: mean(f(a) * f(a)) }
train { batch: 4; optimizer: sgd(lr: 0.1) }
"""


def sources(folder: str | None) -> list[Image.Image]:
    """Photographs to make others of."""
    if folder:
        paths = [p for p in sorted(Path(folder).rglob("*")) if p.suffix.lower() in (".jpg", ".jpeg", ".png")]
        return [Image.open(p).convert("RGB") for p in paths[:16]]
    y, x = np.mgrid[0:300, 0:400]
    drawn = lambda k: np.stack([127 + 60 * np.sin(x / (9 + k) + c) + 60 * np.cos(y / (7 + 2 * k) - c) for c in range(3)], -1)
    noise = np.random.default_rng(0).normal(0, 6, (300, 400, 3))
    return [Image.fromarray(np.clip(drawn(k) + noise, 0, 255).astype(np.uint8)) for k in range(8)]


def theirs(name: str) -> list:
    """torchvision's steps for the same view."""
    if name == "decode":
        return []
    steps = [v2.RandomResizedCrop(224, scale=(0.2, 1.0), antialias=True), v2.RandomHorizontalFlip()]
    if name == "simclr":
        steps += [v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8), v2.RandomGrayscale(p=0.2)]
        steps += [v2.RandomApply([v2.GaussianBlur(23, sigma=(0.1, 2.0))], p=0.5)]
    return steps + [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * 3, [0.25] * 3)]


def torchvision_rate(name: str, paths: list[Path]) -> float:
    transform = v2.Compose(theirs(name)) if theirs(name) else (lambda image: image)
    ways = [lambda p: transform(decode_jpeg(read_file(str(p)))), lambda p: transform(Image.open(p).convert("RGB"))]
    best = 0.0
    with torch.inference_mode():
        for way in ways:
            for run in range(3):
                start = time.perf_counter()
                for path in paths:
                    way(path)
                if run:
                    best = max(best, len(paths) / (time.perf_counter() - start))
    return best


def our_rate(sslrun: str, name: str, folder: Path) -> float:
    recipe = folder / f"{name}.ssl"
    recipe.write_text(RECIPE % VIEWS[name])
    data = f'folder("{folder / "pictures"}", size: 224, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25])'
    best = 0.0
    for _ in range(2):
        command = [sslrun, "bench", str(recipe), "--only", "data", "--threads", "1", "--cache", "0", "--format", "json"]
        done = subprocess.run(command + ["--data", data], capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        best = max(best, json.loads(done.stdout)["samples_a_second"])
    return best


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--sslrun", default="target/release/sslrun")
    args = parser.parse_args()
    known = sources(args.folder)
    print(f"torch {torch.__version__}, one thread")
    for title, (size, count) in SIZES.items():
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            pictures = folder / "pictures"
            pictures.mkdir()
            for i in range(count):
                # No two are the same: what stands in both parts of a set would be left out.
                part = known[i % len(known)]
                part = part.crop((i // len(known), 0, part.width, part.height))
                part.resize(size, Image.Resampling.BICUBIC).save(pictures / f"{i:03}.jpg", quality=90)
            paths = sorted(pictures.iterdir())
            for name in VIEWS:
                ours, other = our_rate(args.sslrun, name, folder), torchvision_rate(name, paths)
                print(f"{title:>9} {name:>7}: sslrun {ours:7.1f}   torchvision {other:7.1f}   ratio {ours / other:5.2f}", flush=True)


if __name__ == "__main__":
    main()
