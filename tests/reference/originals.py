"""CIFAR-100 and STL-10 in their original binary files, and arrays of numpy: `fixtures/originals/`.

What torchvision's own readers make of them is in `originals.safetensors`: `SET/PART/pixels` as `[N, H, W, 3]` from 0 to 255, and `labels`, -1
where there is none. torchvision reads CIFAR-100 from its pickled form, which is written to a folder for the while, with the same pictures.
"""

import pickle
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch
from torchvision.datasets import CIFAR100, STL10

from common import FIXTURES, Fixture

FOLDER = FIXTURES / "originals"
fixture = Fixture("originals")


def pictures(count: int, side: int, shift: int) -> np.ndarray:
    """Smooth pictures, `[N, 3, side, side]`, that differ along both sides and by channel."""
    n, c, y, x = np.ogrid[0:count, 0:3, 0:side, 0:side]
    return ((n * 53 + shift + c * 70 + y * 2 + x // 2) % 256).astype(np.uint8)


def put(name: str, pixels: np.ndarray, labels) -> None:
    fixture.put(f"{name}/pixels", torch.from_numpy(np.ascontiguousarray(pixels).astype(np.float32)))
    fixture.put(f"{name}/labels", torch.tensor(np.asarray(labels), dtype=torch.float32))


def cifar100() -> None:
    folder = FOLDER / "cifar100" / "cifar-100-binary"
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as place:
        pickled = Path(place) / CIFAR100.base_folder
        pickled.mkdir()
        for part, count in (("train", 4), ("test", 3)):
            pixels = pictures(count, 32, 0 if part == "train" else 128)
            fine, coarse = [(i * 37 + count) % 100 for i in range(count)], [(i * 7 + count) % 20 for i in range(count)]
            records = [bytes([c, f]) + p.tobytes() for c, f, p in zip(coarse, fine, pixels)]
            (folder / f"{part}.bin").write_bytes(b"".join(records))
            entry = {"data": pixels.reshape(count, -1), "fine_labels": fine, "coarse_labels": coarse}
            (pickled / part).write_bytes(pickle.dumps(entry))
            fixture.put(f"cifar100/{part}/coarse", torch.tensor(coarse, dtype=torch.float32))
        names = {"fine_label_names": [f"fine {i}" for i in range(100)], "coarse_label_names": [f"coarse {i}" for i in range(20)]}
        (pickled / "meta").write_bytes(pickle.dumps(names))
        for name, lines in names.items():
            (folder / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines))

        class Unchecked(CIFAR100):
            train_list = [["train", None]]
            test_list = [["test", None]]
            meta = {"filename": "meta", "key": "fine_label_names", "md5": None}

        for part in ("train", "test"):
            read = Unchecked(place, train=part == "train")
            put(f"cifar100/{part}", read.data, read.targets)
            assert read.classes[5] == "fine 5"


def stl10() -> None:
    folder = FOLDER / "stl10" / STL10.base_folder
    folder.mkdir(parents=True)
    for part, count in (("train", 2), ("unlabeled", 2), ("test", 2)):
        columns = pictures(count, 96, {"train": 0, "unlabeled": 90, "test": 180}[part]).transpose(0, 1, 3, 2)
        (folder / f"{part}_X.bin").write_bytes(np.ascontiguousarray(columns).tobytes())
        if part != "unlabeled":
            (folder / f"{part}_y.bin").write_bytes(bytes((i * 4 + count) % 10 + 1 for i in range(count)))
    (folder / "class_names.txt").write_text("".join(f"class {i}\n" for i in range(10)))

    class Unchecked(STL10):
        def _check_integrity(self) -> bool:
            return True

    for part in ("train+unlabeled", "test"):
        read = Unchecked(FOLDER / "stl10", split=part)
        # Every third row and column will do.
        put(f"stl10/{part.split('+')[0]}", read.data.transpose(0, 2, 3, 1)[:, ::3, ::3], read.labels)
        assert read.classes[3] == "class 3"


def arrays() -> None:
    grey = pictures(12, 8, 0)[:, 0]
    colour = pictures(12, 8, 0).transpose(0, 2, 3, 1)
    labels = (np.arange(12) % 3).astype(np.uint8)
    np.savez(FOLDER / "mnist.npz", x_train=grey[:8], y_train=labels[:8], x_test=grey[8:], y_test=labels[8:])
    parts = {"train": slice(0, 6), "val": slice(6, 8), "test": slice(8, 12)}
    medical = {f"{part}_images": colour[some] for part, some in parts.items()}
    medical |= {f"{part}_labels": labels[some, None].astype(np.int64) for part, some in parts.items()}
    np.savez_compressed(FOLDER / "medmnist.npz", **medical)
    folder = FOLDER / "folder"
    folder.mkdir()
    np.save(folder / "x.npy", (pictures(12, 8, 0) / np.float32(255)).astype(np.float32))
    np.save(folder / "y.npy", np.where(np.arange(12) == 5, -1, labels.astype(np.int32)))
    np.save(FOLDER / "bands.npy", np.concatenate([pictures(12, 8, 0), pictures(12, 8, 40)], axis=1).astype(np.uint16) * 16)
    put("arrays", colour, labels)


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    cifar100()
    stl10()
    arrays()
    fixture.save()


if __name__ == "__main__":
    main()
