"""How block-wise masks are distributed, by the algorithm of BEiT (masking_generator.py), and inverse ones, by that of CAPI (data.py),
drawn many times -> masks.safetensors.

Keys of a case: `CASE/hidden` (how often each patch is hidden, [rows, columns]), `CASE/count` (mean and standard deviation of
the number of hidden patches), `CASE/alike` (how often neighbours, side by side and one above the other, share their fate).
The metadata holds rows, columns, the number of patches asked for and of draws as JSON; of block-wise masks the smallest block, of
inverse ones whether they go over the edges.
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


def inverse(rows: int, columns: int, wanted: int, roll: bool, rng: random.Random) -> list[list[int]]:
    """InverseBlockMasking: everything but one block is hidden, whose patches count row by row until enough are kept."""
    kept = rows * columns - wanted
    low = max(math.log(0.5), math.log(kept / columns**2))
    high = min(math.log(2), math.log(rows**2 / (kept + 1e-5)))
    aspect = math.exp(rng.uniform(low, high))
    h, w = math.ceil(math.sqrt(kept * aspect)), math.ceil(math.sqrt(kept / aspect))
    top, left = rng.randint(0, rows - h), rng.randint(0, columns - w)
    block = [(y, x) for y in range(top, top + h) for x in range(left, left + w)][:kept]
    down, across = (rng.randint(0, rows - 1), rng.randint(0, columns - 1)) if roll else (0, 0)
    mask = [[1] * columns for _ in range(rows)]
    for y, x in block:
        mask[(y + down) % rows][(x + across) % columns] = 0
    return mask


def keep(fixture: Fixture, name: str, settings: dict, draw) -> None:
    """Draws many masks and keeps how they are distributed."""
    rng = random.Random(fnv1a(name))
    masks = torch.tensor([draw(**settings, rng=rng) for _ in range(DRAWS)], dtype=torch.float64)
    counts = masks.sum((1, 2))
    across = (masks[:, :, 1:] == masks[:, :, :-1]).double().mean()
    down = (masks[:, 1:] == masks[:, :-1]).double().mean()
    fixture.put(f"{name}/hidden", masks.mean(0))
    fixture.put(f"{name}/count", torch.stack([counts.mean(), counts.std()]))
    fixture.put(f"{name}/alike", torch.stack([across, down]))
    fixture.metadata[name] = json.dumps({key: int(value) for key, value in settings.items()} | {"draws": DRAWS})


def main() -> None:
    fixture = Fixture("masks")
    for name, rows, columns, wanted, smallest in [("beit", 14, 14, 75, 16), ("small", 8, 8, 26, 4), ("wide", 6, 12, 36, 4)]:
        keep(fixture, name, {"rows": rows, "columns": columns, "wanted": wanted, "smallest": smallest}, blockwise)
    for name, rows, columns, wanted, roll in [("capi", 14, 14, 127, True), ("unrolled", 14, 14, 127, False), ("broad", 6, 12, 47, False)]:
        keep(fixture, name, {"rows": rows, "columns": columns, "wanted": wanted, "roll": roll}, inverse)
    fixture.save()


if __name__ == "__main__":
    main()
