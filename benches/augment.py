"""torchvision's side of augment.rs: images a second on one thread, from images in memory to normalised float tensors.

    python benches/augment.py
"""

import time

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import v2

torch.set_num_threads(1)
MEAN, STD = [0.5] * 3, [0.25] * 3


def pipeline(size, blur, kernel):
    steps = [v2.RandomResizedCrop(size, scale=(0.2, 1.0), antialias=True), v2.RandomHorizontalFlip()]
    steps += [v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8), v2.RandomGrayscale(p=0.2)]
    if blur > 0:
        steps.append(v2.RandomApply([v2.GaussianBlur(kernel, sigma=(0.1, 2.0))], p=blur))
    return steps


FINISH = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]


def photographs(count, height, width):
    c, x, y = np.arange(3), np.arange(width)[:, None], np.arange(height)[:, None, None]
    wave = np.sin(x * 0.05 + c) + np.cos(y * 0.03 - c)
    noise = np.random.default_rng(0).integers(0, 8, (count, height, width, 3))
    return ((128 + 50 * wave).astype(np.uint8) ^ noise).astype(np.uint8)


def rate(transform, images, count):
    best = 0.0
    for run in range(4):
        start = time.perf_counter()
        for i in range(count):
            transform(images[i % len(images)])
        if run > 0:
            best = max(best, count / (time.perf_counter() - start))
    return best


with torch.inference_mode():
    for size, (height, width), blur, kernel in [(32, (32, 32), 0, 3), (96, (96, 96), 0.5, 9), (224, (375, 500), 0.5, 23)]:
        arrays = photographs(16, height, width)
        pil = [Image.fromarray(a) for a in arrays]
        tensors = [torch.from_numpy(a).permute(2, 0, 1).contiguous() for a in arrays]
        steps, count = pipeline(size, blur, kernel), {32: 1000, 96: 400, 224: 80}[size]
        found = {
            "PIL": rate(v2.Compose(steps + FINISH), pil, count),
            "uint8 tensors": rate(v2.Compose(steps + FINISH), tensors, count),
            "float tensors": rate(v2.Compose(FINISH[:2] + steps + FINISH[2:]), tensors, count),
        }
        text = "   ".join(f"{name} {value:7.0f}" for name, value in found.items())
        print(f"{size:>6} px  images/s: {text}   best {max(found.values()):7.0f}", flush=True)
