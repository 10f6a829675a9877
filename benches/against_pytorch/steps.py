"""What the scripts of this folder share: networks, and a training step timed in a process of its own."""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import torch
import torchvision

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = HERE.parent.parent / "target/release/sslrun"
GAP, SIDE = 4, 96  # pixels between the pictures of a contact sheet, and about how large they are shown


def peak_memory():
    """The most memory this process has held, in bytes (Linux)."""
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def cifar_resnet18():
    """torchvision's ResNet-18 with a stem for small images, without its classifier."""
    net = torchvision.models.resnet18()
    net.conv1 = torch.nn.Conv2d(3, 64, kernel_size=3, stride=1, padding=1, bias=False)
    net.maxpool = torch.nn.Identity()
    net.fc = torch.nn.Identity()
    return net


def views_of(sslrun, batch, sizes):
    """The views of some pictures that the recipe beside the running script makes, read off a contact sheet, and normalised."""
    with tempfile.TemporaryDirectory() as folder:
        sheet = pathlib.Path(folder) / "views.png"
        recipe = HERE / f"{pathlib.Path(sys.argv[0]).stem}.ssl"
        command = [sslrun, "views", recipe, "--samples", str(batch), "-o", sheet]
        subprocess.run(command, check=True, capture_output=True)
        pixels = torchvision.io.read_image(str(sheet)).float() / 255
    largest = (pixels.shape[1] - GAP) // batch - GAP
    factor = max(SIDE // max(sizes), 1)
    step = largest + GAP

    def view(column, side):
        at = lambda k: slice(GAP + k * step, GAP + k * step + side * factor, factor)
        return torch.stack([pixels[:, at(row), at(column)] for row in range(batch)])

    # The first column is the picture itself.
    views = [view(1 + v, side) for v, side in enumerate(sizes)]
    mean = views[0].mean(dim=(0, 2, 3), keepdim=True)
    std = views[0].std(dim=(0, 2, 3), keepdim=True)
    return [((view - mean) / std).contiguous() for view in views]


def main(build, size=32, views=2):
    """Times `build(batch, variant)`: a network and a function that trains it on a list of views.

    Prints one line of JSON: the seconds of each timed step, the peak of memory, and what of it was held before anything but
    the imports. `views` are how many there are, of `size` pixels, or the size of each.
    """
    imported = peak_memory()
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--variant", default="plain", help="channels_last, or another that the script knows")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--warm", type=int, default=1, help="steps that are not timed")
    parser.add_argument("--steps", type=int, default=3, help="steps that are timed")
    parser.add_argument("--sslrun", type=pathlib.Path, default=PROGRAM, help="the program, which makes the views")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    net, step = build(args.batch, args.variant)
    sizes = [size] * views if isinstance(views, int) else views
    pictures = views_of(args.sslrun, args.batch, sizes)
    if args.variant == "channels_last":
        net.to(memory_format=torch.channels_last)
        pictures = [view.to(memory_format=torch.channels_last) for view in pictures]
    net.train()
    seconds = []
    for _ in range(args.warm + args.steps):
        start = time.perf_counter()
        loss = step(pictures)
        seconds.append(time.perf_counter() - start)
    assert torch.isfinite(loss), loss
    print(json.dumps({"seconds": seconds[args.warm :], "peak": peak_memory(), "imported": imported}))
