"""How many views a second one thread makes by SimCLR's augmentation: sslrun against torchvision; see README.md.

`tensors` is torchvision's v2 on tensors of bytes, `PIL` what lightly does to PIL's images.
"""

import argparse
import json
import pathlib
import statistics
import sys
import time

from run import HERE, ROOT, last_line

# Side of a view, side of the picture, chance of blur, strength of colours: small pictures as in the paper's appendix on CIFAR-10.
SIZES = {32: (32, 0.0, 0.5), 96: (96, 0.5, 1.0), 224: (256, 0.5, 1.0)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sslrun", type=pathlib.Path, default=ROOT / "target/release/sslrun", help="the program")
    parser.add_argument("-o", "--output", type=pathlib.Path, help="a Markdown file to write the table to")
    parser.add_argument("--only", choices=["tensors", "PIL"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only:
        return print(json.dumps(theirs(args.sizes[0], args.only)))
    text = markdown({size: measure(size, args) for size in args.sizes})
    print(text)
    if args.output:
        args.output.write_text(text)


def measure(size, args):
    """Views a second by program, each round in a process of its own."""
    found = {"sslrun": [], "tensors": [], "PIL": []}
    for _ in range(args.rounds):
        found["sslrun"].append(ours(size, args))
        for kind in ["tensors", "PIL"]:
            found[kind].append(last_line([sys.executable, "-W", "ignore", __file__, size, "--only", kind]))
        shown = ", ".join(f"{who} {rates[-1]:.0f}" for who, rates in found.items())
        print(f"{size} pixels: {shown} views/s", file=sys.stderr, flush=True)
    return {who: statistics.median(rates) for who, rates in found.items()}


def ours(size, args):
    side, blur, strength = SIZES[size]
    command = [args.sslrun, "bench", HERE / "augment.ssl", "--only", "data", "--threads", 1, "--format", "json"]
    command += ["--data", f"shapes:train=256,test=64,size={side}"]
    for setting in (f"side={size}", f"blurred={blur}", f"strength={strength}"):
        command += ["--set", setting]
    return 2 * last_line(command)["samples_a_second"]


def theirs(size, kind):
    """Views a second on one thread, batches of 64 put together, for about two seconds."""
    import torch
    from PIL import Image

    torch.set_num_threads(1)
    torch.manual_seed(0)
    side, blur, strength = SIZES[size]
    coarse = torch.rand(256, 3, side // 8, side // 8)
    pictures = torch.nn.functional.interpolate(coarse, side, mode="bilinear").mul(255).byte()
    make = transform(size, blur, strength, kind)
    if kind == "PIL":
        pictures = [Image.fromarray(p.permute(1, 2, 0).numpy()) for p in pictures]
    batch = lambda start: torch.stack([make(pictures[(start + i) % 256]) for i in range(64)])
    batch(0)
    start, views = time.perf_counter(), 0
    while time.perf_counter() - start < 2:
        views += len(batch(views))
    return views / (time.perf_counter() - start)


def transform(size, blur, strength, kind):
    import torch
    from lightly.transforms.simclr_transform import SimCLRViewTransform
    from lightly.transforms.utils import IMAGENET_NORMALIZE
    from torchvision.transforms import v2

    if kind == "PIL":
        return SimCLRViewTransform(input_size=size, cj_strength=strength, gaussian_blur=blur)
    jitter = v2.ColorJitter(0.8 * strength, 0.8 * strength, 0.8 * strength, 0.2 * strength)
    return v2.Compose(
        [
            v2.RandomResizedCrop(size, scale=(0.08, 1.0), antialias=True),
            v2.RandomHorizontalFlip(),
            v2.RandomApply([jitter], p=0.8),
            v2.RandomGrayscale(0.2),
            v2.RandomApply([v2.GaussianBlur(size // 20 * 2 + 1, (0.1, 2.0))], p=blur),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(IMAGENET_NORMALIZE["mean"], IMAGENET_NORMALIZE["std"]),
        ]
    )


def markdown(found):
    lines = ["| view | sslrun | torchvision, tensors | lightly, PIL | times the better |", "|---|---:|---:|---:|---:|"]
    for size, rates in found.items():
        mine, tensors, pil = (rates[who] for who in ["sslrun", "tensors", "PIL"])
        ratio = mine / max(tensors, pil)
        lines.append(f"| {size} pixels | {mine:.0f} | {tensors:.0f} | {pil:.0f} | {ratio:.1f} |")
    return "Views a second on one thread, medians.\n\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
