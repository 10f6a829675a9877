"""Every augmentation as torchvision's functional form applies given drawn parameters, on float images in 0..1 (HWC).

Keys: `INPUT/image` the two inputs; `CASE/out` a result. Metadata of a case: its input and parameters as JSON.
"""

import json

import torch
import torchvision.transforms.v2.functional as F

from common import Fixture, generator

fixture = Fixture("augment")


def picture(name: str, height: int, width: int) -> torch.Tensor:
    """Smooth colours with an edge, some noise, and pure black, white, grey and saturated pixels, as bytes / 255."""
    g = generator(name)
    coarse = torch.rand(1, 3, 4, 4, generator=g)
    image = F.resize(coarse, [height, width], antialias=True)[0]
    image[:, :, width // 2 :] *= 0.6
    image += 0.1 * torch.randn(3, height, width, generator=g)
    marks = [(0, 0, 0), (1, 1, 1), (0.5, 0.5, 0.5), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1), (1, 0, 1)]
    for i, colour in enumerate(marks):
        image[:, i // 3 + 2, i % 3 + 2] = torch.tensor(colour, dtype=torch.float32)
    return (image.clamp(0, 1) * 255).round() / 255


INPUTS = {"square": picture("square", 20, 20), "tall": picture("tall", 30, 17)}
for name, image in INPUTS.items():
    fixture.metadata[name] = json.dumps({"height": image.shape[1], "width": image.shape[2]})
    fixture.put(f"{name}/image", image.permute(1, 2, 0))


def case(name: str, word: str, source: str, out: torch.Tensor, **parameters) -> None:
    fixture.metadata[name] = json.dumps({"word": word, "input": source, **parameters})
    fixture.put(f"{name}/out", out.permute(1, 2, 0))


def crops() -> None:
    windows = [("square", 3, 2, 12, 17, 20), ("square", 0, 0, 20, 20, 10), ("square", 18, 1, 1, 2, 8)]
    windows += [("tall", 2, 4, 27, 11, 16), ("tall", 10, 2, 9, 12, 12)]
    for i, (source, top, left, height, width, size) in enumerate(windows):
        out = F.resized_crop(INPUTS[source], top, left, height, width, [size, size], antialias=True)
        case(f"crop{i}", "crop", source, out, top=top, left=left, height=height, width=width, size=size)


def sizes() -> None:
    for source, size in [("square", 30), ("square", 7), ("tall", 10), ("tall", 25)]:
        case(f"resize_{source}{size}", "resize", source, F.resize(INPUTS[source], [size], antialias=True), size=size)
    for source, size in [("square", 14), ("square", 15), ("tall", 12), ("tall", 18), ("tall", 33)]:
        case(f"center_{source}{size}", "center_crop", source, F.center_crop(INPUTS[source], [size, size]), size=size)
    for top, left in [(0, 0), (4, 4), (8, 1)]:
        out = F.crop(F.pad(INPUTS["tall"], [4, 4, 4, 4]), top, left, 30, 17)
        case(f"pad_crop{top}{left}", "pad_crop", "tall", out, top=top, left=left, padding=4)


JITTER = {
    "brightness": F.adjust_brightness,
    "contrast": F.adjust_contrast,
    "saturation": F.adjust_saturation,
    "hue": F.adjust_hue,
}


def colours() -> None:
    steps = [[(name, value)] for name in ["brightness", "contrast", "saturation"] for value in [0.0, 0.6, 1.4]]
    steps += [[("hue", value)] for value in [-0.5, -0.1, 0.05, 0.3]]
    steps.append([("hue", 0.08), ("contrast", 1.3), ("brightness", 0.7), ("saturation", 1.35)])
    steps.append([("saturation", 0.65), ("brightness", 1.4), ("hue", -0.1), ("contrast", 0.62)])
    for i, order in enumerate(steps):
        out = INPUTS["square"]
        for name, value in order:
            out = JITTER[name](out, value)
        case(f"jitter{i}", "jitter", "square", out, steps=order)
    case("grayscale", "grayscale", "square", F.rgb_to_grayscale(INPUTS["square"], num_output_channels=3))
    for threshold in [0, 128, 255]:
        out = F.solarize(INPUTS["square"], threshold / 255)
        case(f"solarize{threshold}", "solarize", "square", out, threshold=threshold)
    mean, std = [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]
    case("pixel_norm", "pixel_norm", "square", F.normalize(INPUTS["square"], mean, std), mean=mean, std=std)
    case("flip", "flip", "tall", F.horizontal_flip(INPUTS["tall"]))


def blurs() -> None:
    for source, kernel, sigma in [("square", 3, 0.1), ("square", 3, 1.7), ("tall", 7, 2.0), ("tall", 15, 4.0)]:
        out = F.gaussian_blur(INPUTS[source], [kernel, kernel], [sigma, sigma])
        case(f"blur_{source}{kernel}_{sigma}", "blur", source, out, kernel=kernel, sigma=sigma)


crops()
sizes()
colours()
blurs()
fixture.save()
