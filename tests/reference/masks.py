"""How block-wise masks are distributed, by the algorithm of BEiT (masking_generator.py), drawn many times -> masks.safetensors.

Keys of a case: `CASE/hidden` (how often each patch is hidden, [rows, columns]), `CASE/count` (mean and standard deviation of
the number of hidden patches), `CASE/alike` (how often neighbours, side by side and one above the other, share their fate).
The metadata holds rows, columns, the number of patches asked for, the smallest block and the number of draws as JSON.
"""

import json
import math
import random

import torch

from common import Fixture, fnv1a

DRAWS = 20000


def add_block(mask: list[list[int]], room: int, smallest: int, rng: random.Random) -> int:
    """`_mask`: hides one more block of at most `room` patches that are not hidden yet; how many were added."""
    rows, columns = len(mask), len(mask[0])
    for _ in range(10):
        area = rng.uniform(smallest, room)
        aspect = math.exp(rng.uniform(math.log(0.3), math.log(1 / 0.3)))
        h, w = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if w < columns and h < rows:
            top, left = rng.randint(0, rows - h), rng.randint(0, columns - w)
            block = [(y, x) for y in range(top, top + h) for x in range(left, left + w)]
            new = [(y, x) for y, x in block if not mask[y][x]]
            if 0 < len(new) <= room:
                for y, x in new:
                    mask[y][x] = 1
                return len(new)
    return 0


def blockwise(rows: int, columns: int, wanted: int, smallest: int, rng: random.Random) -> list[list[int]]:
    """`__call__`: blocks until `wanted` patches are hidden, or none fits any more."""
    mask = [[0] * columns for _ in range(rows)]
    count = 0
    while count < wanted:
        new = add_block(mask, wanted - count, smallest, rng)
        if new == 0:
            break
        count += new
    return mask


def main() -> None:
    fixture = Fixture("masks")
    for name, rows, columns, wanted, smallest in [("beit", 14, 14, 75, 16), ("small", 8, 8, 26, 4), ("wide", 6, 12, 36, 4)]:
        rng = random.Random(fnv1a(name))
        masks = torch.tensor([blockwise(rows, columns, wanted, smallest, rng) for _ in range(DRAWS)], dtype=torch.float64)
        counts = masks.sum((1, 2))
        across = (masks[:, :, 1:] == masks[:, :, :-1]).double().mean()
        down = (masks[:, 1:] == masks[:, :-1]).double().mean()
        fixture.put(f"{name}/hidden", masks.mean(0))
        fixture.put(f"{name}/count", torch.stack([counts.mean(), counts.std()]))
        fixture.put(f"{name}/alike", torch.stack([across, down]))
        settings = {"rows": rows, "columns": columns, "wanted": wanted, "smallest": smallest, "draws": DRAWS}
        fixture.metadata[name] = json.dumps(settings)
    fixture.save()


if __name__ == "__main__":
    main()
