"""Small data sets written by the packages that people have them from: `fixtures/sets/`.

`datasets` and pyarrow for Parquet, webdataset for tar shards, and files of MNIST's form read back by torchvision. Every picture is of one
colour, which `expected.json` lists with its class: the order of rows is theirs.
"""

import gzip
import io
import json
import shutil
import struct
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import webdataset as wds
from PIL import Image
from torchvision.datasets import MNIST

from common import FIXTURES

FOLDER = FIXTURES / "sets"
NAMES = ["ant", "bee", "cow"]


def colour(i: int) -> tuple[int, int, int]:
    return (i * 11 % 256, i * 37 % 256, 200 - i)


def picture(i: int) -> Image.Image:
    """A picture of one colour, its size its own."""
    return Image.new("RGB", (12 + i % 3, 10 + i % 2), colour(i))


def png(i: int) -> bytes:
    out = io.BytesIO()
    picture(i).save(out, "PNG")
    return out.getvalue()


def hub(folder: Path) -> None:
    """As `datasets` writes a set with an image and a class label, one part in two files."""
    features = datasets.Features({"img": datasets.Image(), "fine_label": datasets.ClassLabel(names=NAMES)})
    rows = lambda numbers: {"img": [picture(i) for i in numbers], "fine_label": [i % 3 for i in numbers]}
    parts = {"train": [range(0, 4), range(4, 7)], "validation": [range(7, 10)]}
    for name, files in parts.items():
        for k, numbers in enumerate(files):
            path = folder / "data" / f"{name}-{k:05}-of-{len(files):05}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            datasets.Dataset.from_dict(rows(numbers), features=features).to_parquet(path)


def plain(folder: Path) -> None:
    """One file for each codec: a column of bytes and one of nullable names of classes."""
    folder.mkdir(parents=True)
    for codec in ("none", "snappy", "gzip", "brotli", "zstd", "lz4"):
        numbers = range(0, 10)
        table = pa.table({
            "bytes": pa.array([png(i) for i in numbers], pa.binary()),
            "class": pa.array([None if i == 4 else NAMES[i % 3] for i in numbers], pa.string()),
        })
        pq.write_table(table, folder / f"{codec}.parquet", compression=codec)


def shards(folder: Path) -> None:
    """As webdataset writes them."""
    for name, numbers in (("train-000000", range(0, 5)), ("train-000001", range(5, 8)), ("val-000000", range(8, 11))):
        folder.mkdir(parents=True, exist_ok=True)
        with wds.TarWriter(str(folder / f"{name}.tar"), mtime=0.0) as out:
            for i in numbers:
                out.write({"__key__": f"{i:06}", "png": png(i), "cls": i % 3, "json": {"caption": f"number {i}"}})
    read = wds.WebDataset([str(folder / "train-000000.tar")], shardshuffle=False).decode("rgb8").to_tuple("png", "cls")
    assert [int(cls) for _, cls in read] == [0, 1, 2, 0, 1]


def idx(folder: Path) -> None:
    """MNIST's form, one file packed, read back by torchvision."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, count in (("train", 6), ("t10k", 4)):
        start = 0 if part == "train" else 128
        pixels = np.arange(start, start + count * 5 * 4, dtype=np.uint8).reshape(count, 5, 4)
        labels = np.arange(count, dtype=np.uint8) % 3
        for what, values in (("images-idx3", pixels), ("labels-idx1", labels)):
            head = struct.pack(">I", 0x0800 + values.ndim) + b"".join(struct.pack(">I", n) for n in values.shape)
            (raw / f"{part}-{what}-ubyte").write_bytes(head + values.tobytes())
    for part, train in (("train", True), ("t10k", False)):
        known = MNIST(folder, train=train)
        assert known.data.shape[1:] == (5, 4) and known.targets.tolist() == [i % 3 for i in range(len(known))]
    for path in sorted(raw.iterdir()):
        target = folder / path.name
        if "train-images" in path.name:
            (folder / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes(), mtime=0))
        else:
            shutil.move(path, target)
    shutil.rmtree(folder / "MNIST")


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    hub(FOLDER / "hub")
    plain(FOLDER / "plain")
    shards(FOLDER / "shards")
    idx(FOLDER / "idx")
    expected = {"colours": [colour(i) for i in range(11)], "names": NAMES}
    (FOLDER / "expected.json").write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main()
