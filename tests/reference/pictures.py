"""Picture files of the kinds that photographs and collections come in, and what Pillow makes of them.

Files go to `fixtures/pictures/`, their pixels as Pillow decodes them (turned by EXIF, over white, to RGB) to `pictures.safetensors`,
`[H, W, 3]` from 0 to 255. Pillow clips pictures of 16 bits, so these are scaled by NumPy.
"""

import numpy as np
import torch
from PIL import Image, ImageOps

from common import FIXTURES, Fixture

FOLDER = FIXTURES / "pictures"


def smooth(height: int, width: int, channels: int) -> np.ndarray:
    """A picture without sharp edges, on which lossy codecs agree: `[H, W, C]` from 0 to 1."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [0.5 + 0.45 * np.sin(0.11 * (c + 1) * x + 0.07 * y + c) for c in range(channels)]
    return np.stack(waves, axis=-1)


def bytes_of(values: np.ndarray) -> np.ndarray:
    return np.round(values * 255).astype(np.uint8)


def rgb(path) -> np.ndarray:
    """A file as RGB, turned and over white."""
    image = ImageOps.exif_transpose(Image.open(path))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("RGB"))


def files(colour: Image.Image, grey: Image.Image) -> None:
    """Writes a file of each kind that Pillow writes."""
    colour.save(FOLDER / "plain.jpg", quality=95)
    colour.save(FOLDER / "progressive.jpg", quality=95, progressive=True)
    colour.save(FOLDER / "no_subsampling.jpg", quality=95, subsampling=0)
    grey.save(FOLDER / "grey.jpg", quality=95)
    colour.convert("CMYK").save(FOLDER / "cmyk.jpg", quality=95)
    for turned in range(2, 9):
        exif = Image.Exif()
        exif[0x0112] = turned
        colour.save(FOLDER / f"turned_{turned}.jpg", quality=95, exif=exif)
    colour.save(FOLDER / "plain.png")
    grey.save(FOLDER / "grey.png")
    grey.convert("1").save(FOLDER / "bilevel.png")
    palette = colour.quantize(16)
    palette.save(FOLDER / "palette.png")
    palette.save(FOLDER / "see_through_palette.png", transparency=3)
    alpha = Image.fromarray(bytes_of(smooth(grey.height, grey.width, 4)[..., 3]))
    Image.merge("RGBA", (*colour.split(), alpha)).save(FOLDER / "see_through.png")
    Image.merge("LA", (grey, alpha)).save(FOLDER / "see_through_grey.png")
    colour.save(FOLDER / "lossy.webp", quality=95)
    colour.save(FOLDER / "lossless.webp", lossless=True)
    Image.merge("RGBA", (*colour.split(), alpha)).save(FOLDER / "see_through.webp", lossless=True)
    colour.save(FOLDER / "plain.bmp")
    palette.save(FOLDER / "palette.bmp")
    colour.save(FOLDER / "plain.tiff")
    colour.save(FOLDER / "lzw.tif", compression="tiff_lzw")
    palette.save(FOLDER / "palette.gif")
    other = Image.fromarray(255 - np.asarray(colour)).quantize(16)
    palette.save(FOLDER / "animated.gif", save_all=True, append_images=[other])
    colour.save(FOLDER / "animated.webp", save_all=True, append_images=[other.convert("RGB")], lossless=True)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    values = smooth(20, 28, 3)
    colour, grey = Image.fromarray(bytes_of(values)), Image.fromarray(bytes_of(values[..., 0]))
    files(colour, grey)
    fixture = Fixture("pictures")
    for path in sorted(FOLDER.iterdir()):
        if not path.name.startswith("deep"):
            fixture.put(f"{path.name}/out", torch.from_numpy(rgb(path).astype(np.float32)))
            fixture.metadata[path.name] = Image.open(path).mode
    # 16 bits a channel.
    deep = np.round(values[..., 0] * 65535).astype(np.uint16)
    Image.fromarray(deep).save(FOLDER / "deep.png")
    Image.fromarray(deep).save(FOLDER / "deep.tif")
    scaled = np.repeat(np.round(deep / 257.0)[..., None], 3, axis=-1).astype(np.float32)
    for name in ("deep.png", "deep.tif"):
        fixture.put(f"{name}/out", torch.from_numpy(scaled))
        fixture.metadata[name] = "I;16"
    fixture.save()


if __name__ == "__main__":
    main()
