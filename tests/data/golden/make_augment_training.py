"""Writes augment_training.json: a small image, changed by torchvision and Pillow with fixed parameters, and the tables of
torchvision's policies.

    python3 -m venv torch-venv
    torch-venv/bin/pip install torch torchvision numpy pillow
    torch-venv/bin/python tests/data/golden/make_augment_training.py

Where Pillow has a function of the same name, the script checks that it agrees to a level of 255.
"""
import json
import math
import os

import numpy as np
import PIL
import torch
import torchvision
from PIL import Image, ImageEnhance, ImageOps
from torchvision.transforms.v2 import functional as F

H, W = 18, 20
random = np.random.default_rng(1)
y, x = np.mgrid[0:H, 0:W]
# The channels have different ranges; the first has all levels, and one of the others few.
rough = np.stack([
    np.clip(random.normal(128, 70, (H, W)), 0, 255),
    60 + 90 * np.exp(-((x - 8) ** 2 + (y - 9) ** 2) / 40) + random.normal(0, 5, (H, W)),
    np.where(random.random((H, W)) < 0.05, random.integers(0, 256, (H, W)), 200 - 3 * y),
], -1).round().astype(np.uint8)


def tensor(image):
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))


def case(kind, parameters, result, pillow=None):
    result = result.numpy().transpose(1, 2, 0)
    if pillow is not None:
        assert np.abs(np.asarray(pillow).astype(int) - result).max() <= 1, kind
    return {"kind": kind, "parameters": parameters, "rgb": result.tobytes().hex()}


image, photo = tensor(rough), Image.fromarray(rough)
levels = [
    case("invert", [], F.invert(image), ImageOps.invert(photo)),
    case("solarize", [100], F.solarize(image, 100), ImageOps.solarize(photo, 100)),
    case("posterize", [3], F.posterize(image, 3), ImageOps.posterize(photo, 3)),
    case("auto_contrast", [], F.autocontrast(image), ImageOps.autocontrast(photo)),
    case("equalize", [], F.equalize(image), ImageOps.equalize(photo)),
    case("sharpness", [0.3], F.adjust_sharpness(image, 0.3), ImageEnhance.Sharpness(photo).enhance(0.3)),
    case("sharpness", [1.9], F.adjust_sharpness(image, 1.9), ImageEnhance.Sharpness(photo).enhance(1.9)),
]

colors = [
    case("brightness", [0.4], F.adjust_brightness(image, 0.4), ImageEnhance.Brightness(photo).enhance(0.4)),
    case("brightness", [1.7], F.adjust_brightness(image, 1.7), ImageEnhance.Brightness(photo).enhance(1.7)),
    case("contrast", [0.3], F.adjust_contrast(image, 0.3), ImageEnhance.Contrast(photo).enhance(0.3)),
    case("contrast", [1.8], F.adjust_contrast(image, 1.8), ImageEnhance.Contrast(photo).enhance(1.8)),
    case("saturation", [0.2], F.adjust_saturation(image, 0.2), ImageEnhance.Color(photo).enhance(0.2)),
    case("saturation", [1.9], F.adjust_saturation(image, 1.9), ImageEnhance.Color(photo).enhance(1.9)),
    case("hue", [0.15], F.adjust_hue(image, 0.15)),
    case("hue", [-0.4], F.adjust_hue(image, -0.4)),
    case("grayscale", [], F.rgb_to_grayscale(image, 3), photo.convert("L").convert("RGB")),
]
# Parameters are top, left, height and width in the (padded) image, and the height and width of the result.
crops = [
    case("resized_crop", [3, 2, 12, 15, 7, 6], F.resized_crop(image, 3, 2, 12, 15, [7, 6], antialias=True)),
    case("resized_crop", [0, 5, 9, 8, 14, 20], F.resized_crop(image, 0, 5, 9, 8, [14, 20], antialias=True)),
    case("crop", [1, 5, 18, 20, 18, 20], F.crop(F.pad(image, [4, 4, 4, 4], fill=9), 1, 5, 18, 20)),
    case("erase", [2, 7, 5, 9], F.erase(image, 2, 7, 5, 9, torch.tensor([127, 127, 127], dtype=torch.uint8)[:, None, None])),
]

# Displacements in pixels; torchvision counts from -1 to 1.
right, down = 1.2 * np.sin(0.4 * x + 0.3 * y), 1.2 * np.cos(0.35 * x - 0.2 * y)
displacement = torch.from_numpy(np.stack([right * 2 / W, down * 2 / H], -1)[None])
elastic = case("elastic", [], F.elastic(image, displacement, fill=40))

here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "augment_training.json"), "w") as out:
    json.dump({
        "versions": {"torch": torch.__version__, "torchvision": torchvision.__version__, "pillow": PIL.__version__},
        "size": [H, W], "rough": rough.tobytes().hex(), "levels": levels, "colors": colors, "crops": crops,
        "elastic": elastic,
    }, out, separators=(",", ":"))
    out.write("\n")
