"""Whole epochs, data pipeline included: sslrun against lightly's transform and a DataLoader; see README.md."""

import argparse
import importlib
import json
import pathlib
import statistics
import sys
import time

from run import HERE, ROOT, last_line

# Each trains on views by `simclr_augment(scale: 0.4..1)`.
CASES = ["simclr", "vicreg"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=CASES, help=f"of {', '.join(CASES)}; all if left out")
    parser.add_argument("--images", type=int, default=1024, help="pictures of 32 pixels in an epoch")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workers", type=int, nargs="*", default=[0, 2], help="of the DataLoader: the best of these counts")
    parser.add_argument("--sslrun", type=pathlib.Path, default=ROOT / "target/release/sslrun", help="the program")
    parser.add_argument("-o", "--output", type=pathlib.Path, help="a Markdown file to write the table to")
    parser.add_argument("--only", choices=["plain", "channels_last"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.only:
        return print(json.dumps(theirs(args)))
    text = markdown({case: measure(case, args) for case in args.cases}, args)
    print(text)
    if args.output:
        args.output.write_text(text)


def measure(case, args):
    """Seconds an epoch by program, each round in a process of its own."""
    found = {}
    own = [case, "--images", args.images, "--batch", args.batch, "--threads", args.threads]
    for _ in range(args.rounds):
        found.setdefault("sslrun", []).append(ours(case, args))
        for layout in ["plain", "channels_last"]:
            for workers in args.workers:
                command = [sys.executable, "-W", "ignore", __file__, *own, "--only", layout, "--workers", workers]
                found.setdefault(f"{layout}, {workers} workers", []).append(last_line(command))
        print(case, {who: round(seconds[-1], 2) for who, seconds in found.items()}, file=sys.stderr, flush=True)
    return {who: statistics.median(seconds) for who, seconds in found.items()}


def ours(case, args):
    steps = args.images // args.batch
    command = [args.sslrun, "bench", HERE / f"{case}.ssl", "--set", f"train.batch={args.batch}", "--only", "loop"]
    command += ["--data", f"shapes:train={args.images},test=64", "--threads", args.threads, "--format", "json"]
    return sum(last_line(command + ["--warm", 1, "--steps", steps])["looped"])


class InMemory:
    """Pictures as PIL has them, as a data set is after it was read."""

    def __init__(self, count, transform):
        import torch
        from PIL import Image

        coarse = torch.rand(count, 3, 8, 8)
        pictures = torch.nn.functional.interpolate(coarse, 32, mode="bilinear").mul(255).byte()
        self.pictures = [Image.fromarray(p.permute(1, 2, 0).numpy()) for p in pictures]
        self.transform = transform

    def __len__(self):
        return len(self.pictures)

    def __getitem__(self, index):
        return self.transform(self.pictures[index])


def theirs(args):
    """Seconds of an epoch after one step to warm up."""
    import torch
    from lightly.transforms import SimCLRTransform

    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    net, step = importlib.import_module(args.cases[0]).build(args.batch, args.only)
    layout = torch.channels_last if args.only == "channels_last" else torch.contiguous_format
    net.to(memory_format=layout).train()
    transform = SimCLRTransform(input_size=32, cj_strength=0.5, min_scale=0.4, gaussian_blur=0.0)
    loader = torch.utils.data.DataLoader(
        InMemory(args.images, transform),
        batch_size=args.batch,
        shuffle=True,
        drop_last=True,
        num_workers=args.workers[0],
        persistent_workers=args.workers[0] > 0,
    )
    run = lambda views: step([view.to(memory_format=layout) for view in views])
    run(next(iter(loader)))
    start = time.perf_counter()
    for views in loader:
        run(views)
    return time.perf_counter() - start


def markdown(found, args):
    lines = ["| case | sslrun | PyTorch | the better | ratio |", "|---|---:|---:|---|---:|"]
    for case, seconds in found.items():
        mine = seconds.pop("sslrun")
        best = min(seconds, key=seconds.get)
        lines.append(f"| {case} | {mine:.2f} | {seconds[best]:.2f} | {best} | {mine / seconds[best]:.2f} |")
    head = f"Seconds an epoch of {args.images} pictures in steps of {args.batch}, medians of {args.rounds}."
    return f"{head}\n\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
