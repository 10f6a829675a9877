"""Tables of pictures and what is known of them, by pandas and pyarrow: `fixtures/tables/`.

`pairs.csv` and `pairs.parquet` hold the same rows: pictures in files, or encoded in the cells; captions, numbers, classes, lists of numbers,
a second picture, and a row in which things are missing. `numbers.csv` has no pictures.
"""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from common import FIXTURES

FOLDER = FIXTURES / "tables"
COLOURS = {"red": (180, 30, 30), "green": (30, 180, 30), "blue": (30, 30, 180)}
ROWS = 24


def picture(i: int, bright: bool) -> Image.Image:
    colour = list(COLOURS.values())[i % 3]
    return Image.new("RGB", (16, 16), tuple(min(255, c + 20 * bright + i) for c in colour))


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def rows() -> pd.DataFrame:
    name = [list(COLOURS)[i % 3] for i in range(ROWS)]
    return pd.DataFrame({
        "caption": [f"a {c} square, number {i}" for i, c in enumerate(name)],
        "weight": [0.5 * i for i in range(ROWS)],
        "site": [["north", "south"][i // 3 % 2] for i in range(ROWS)],
        "year of find": [1990 + i for i in range(ROWS)],
        "depth": [None if i == 5 else float(i) for i in range(ROWS)],
        "class": name,
        "split": ["test" if i % 4 == 3 else "train" for i in range(ROWS)],
    })


def main() -> None:
    (FOLDER / "pictures").mkdir(parents=True, exist_ok=True)
    table = rows()
    for i in range(ROWS):
        for kind, bright in (("a", False), ("b", True)):
            picture(i, bright).save(FOLDER / "pictures" / f"{kind}{i}.png")
    files = table.assign(path=[f"pictures/a{i}.png" for i in range(ROWS)], other=[f"pictures/b{i}.png" for i in range(ROWS)])
    files.to_csv(FOLDER / "pairs.csv", index=False)
    cells = {name: pa.array(table[name]) for name in table}
    cells["image"] = pa.array([{"bytes": png(picture(i, False)), "path": None} for i in range(ROWS)])
    cells["other"] = pa.array([png(picture(i, True)) for i in range(ROWS)])
    cells["place"] = pa.array([[i, i / 2, -i] for i in range(ROWS)], pa.list_(pa.float32()))
    cells["uneven"] = pa.array([[1.0] * (i % 3 + 1) for i in range(ROWS)])
    cells["seen"] = pa.array([i % 2 == 0 for i in range(ROWS)])
    pq.write_table(pa.table(cells), FOLDER / "pairs.parquet", row_group_size=10)
    x = np.random.default_rng(0).normal(size=(64, 2)).round(4)
    pd.DataFrame({"x": x[:, 0], "y": x[:, 1], "sum": x.sum(1).round(4), "class": (x[:, 0] > 0).astype(int)}).to_csv(FOLDER / "numbers.csv", index=False)


if __name__ == "__main__":
    main()
