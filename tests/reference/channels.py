"""Pictures of one channel and of more than three: files as Pillow, tifffile and numpy write them, and augmentations by torchvision.

Files go to `fixtures/channels/`, what they hold as bytes, `[H, W, C]` from 0 to 255, to `channels.safetensors` as `FILE/out`; metadata of a
file: the channels it is read with. Augmentations have keys as in `augment.py`. Needs tifffile (2025 or newer) besides the rest.
"""

import json

import numpy as np
import tifffile
import torch
import torchvision.transforms.v2.functional as F
from PIL import Image

from common import FIXTURES, Fixture, generator
from pictures import bytes_of, smooth

FOLDER = FIXTURES / "channels"
fixture = Fixture("channels")


def scaled(values: np.ndarray, most: float) -> np.ndarray:
    return np.round(values.astype(np.float64) / most * 255)


def file(name: str, out: np.ndarray, wanted: int | None = None) -> None:
    out = out[..., None] if out.ndim == 2 else out
    fixture.put(f"{name}/out", torch.from_numpy(np.ascontiguousarray(out).astype(np.float32)))
    fixture.metadata[name] = str(wanted or out.shape[2])


def files() -> None:
    values = smooth(20, 28, 5)
    small, deep = bytes_of(values), np.round(values * 65535).astype(np.uint16)
    grey, colour = Image.fromarray(small[..., 0]), Image.fromarray(small[..., :3])
    grey.save(FOLDER / "grey.png")
    file("grey.png", small[..., 0])
    Image.fromarray(deep[..., 0]).save(FOLDER / "deep.png")
    file("deep.png", scaled(deep[..., 0], 65535))
    colour.save(FOLDER / "colour.png")
    file("colour.png", np.asarray(colour.convert("L")), 1)
    Image.fromarray(small[..., :4], "RGBA").save(FOLDER / "four.png")
    file("four.png", small[..., :4])
    Image.merge("LA", (grey, Image.fromarray(small[..., 1]))).save(FOLDER / "two.png")
    file("two.png", small[..., :2])
    plain = dict(photometric="minisblack", metadata=None)
    tifffile.imwrite(FOLDER / "five.tif", small, planarconfig="contig", compression="zlib", **plain)
    file("five.tif", small)
    planes = np.ascontiguousarray(deep[..., :4].transpose(2, 0, 1))
    tifffile.imwrite(FOLDER / "planes.tif", planes, planarconfig="separate", **plain)
    file("planes.tif", scaled(deep[..., :4], 65535))
    tifffile.imwrite(FOLDER / "pages.tif", np.ascontiguousarray(deep.transpose(2, 0, 1)), imagej=True)
    file("pages.tif", scaled(deep, 65535))
    tifffile.imwrite(FOLDER / "floats.tif", values[..., :4].astype(np.float32), planarconfig="contig", tile=(16, 16), **plain)
    file("floats.tif", scaled(values[..., :4].astype(np.float32), 1))
    tifffile.imwrite(FOLDER / "grey.tif", deep[..., 0], **plain)
    file("grey.tif", scaled(deep[..., 0], 65535))
    np.save(FOLDER / "last.npy", small)
    file("last.npy", small)
    np.save(FOLDER / "first.npy", np.ascontiguousarray(values[..., :4].astype(np.float32).transpose(2, 0, 1)))
    file("first.npy", scaled(values[..., :4].astype(np.float32), 1))
    np.save(FOLDER / "fortran.npy", np.asfortranarray(deep.astype(">u2")))
    file("fortran.npy", scaled(deep, 65535))
    np.save(FOLDER / "flat.npy", values[..., 0].astype(np.float16))
    file("flat.npy", scaled(values[..., 0].astype(np.float16), 1))


def picture(name: str, channels: int, height: int, width: int) -> torch.Tensor:
    g = generator(name)
    image = F.resize(torch.rand(1, channels, 4, 4, generator=g), [height, width], antialias=True)[0]
    image[:, :, width // 2 :] *= 0.6
    return ((image + 0.1 * torch.randn(channels, height, width, generator=g)).clamp(0, 1) * 255).round() / 255


def case(name: str, word: str, source: str, out: torch.Tensor, **parameters) -> None:
    fixture.metadata[name] = json.dumps({"word": word, "input": source, **parameters})
    fixture.put(f"{name}/out", out.permute(1, 2, 0))


def augmentations() -> None:
    for source, channels, height, width in [("one", 1, 30, 17), ("two", 2, 9, 12), ("four", 4, 20, 25), ("seven", 7, 11, 20)]:
        image = picture(source, channels, height, width)
        fixture.metadata[source] = json.dumps({"height": height, "width": width})
        fixture.put(f"{source}/image", image.permute(1, 2, 0))
        for i, (top, left, h, w, size) in enumerate([(1, 2, 7, 8, 16), (0, 0, height, width, 5), (3, 1, 1, 2, 8)]):
            out = F.resized_crop(image, top, left, h, w, [size, size], antialias=True)
            case(f"{source}_crop{i}", "crop", source, out, top=top, left=left, height=h, width=w, size=size)
        case(f"{source}_resize", "resize", source, F.resize(image, [10], antialias=True), size=10)
        case(f"{source}_center", "center_crop", source, F.center_crop(image, [12, 12]), size=12)
        out = F.crop(F.pad(image, [4, 4, 4, 4]), 8, 1, height, width)
        case(f"{source}_pad_crop", "pad_crop", source, out, top=8, left=1, padding=4)
        case(f"{source}_flip", "flip", source, F.horizontal_flip(image))
        case(f"{source}_blur", "blur", source, F.gaussian_blur(image, [5, 5], [1.3, 1.3]), kernel=5, sigma=1.3)
        case(f"{source}_solarize", "solarize", source, F.solarize(image, 0.5), threshold=127.5)
        mean, std = [0.1 * c + 0.2 for c in range(channels)], [0.05 * c + 0.1 for c in range(channels)]
        case(f"{source}_norm", "pixel_norm", source, F.normalize(image, mean, std), mean=mean, std=std)
    one = picture("one", 1, 30, 17)
    out = F.adjust_hue(F.adjust_saturation(F.adjust_contrast(F.adjust_brightness(one, 1.3), 0.6), 0.5), 0.2)
    steps = [("brightness", 1.3), ("contrast", 0.6), ("saturation", 0.5), ("hue", 0.2)]
    case("one_jitter", "jitter", "one", out, steps=steps)
    case("one_grayscale", "grayscale", "one", F.rgb_to_grayscale(one, num_output_channels=1))


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    files()
    augmentations()
    fixture.save()


if __name__ == "__main__":
    main()
