"""Writes augment_training.json: a small image, changed by torchvision and Pillow with fixed parameters, and the tables of
torchvision's policies.

    python3 -m venv torch-venv
    torch-venv/bin/pip install torch torchvision numpy pillow
    torch-venv/bin/python tests/data/golden/make_augment_training.py

Where Pillow has a function of the same name, the script checks that it agrees to a level of 255, or 2.5 where it rounds
in between.
"""
import json
import math
import os

import numpy as np
import PIL
import torch
import torchvision
from PIL import Image, ImageEnhance, ImageOps
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

H, W = 16, 20
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
sharpness = [
    case("sharpness", [0.3], F.adjust_sharpness(image, 0.3), ImageEnhance.Sharpness(photo).enhance(0.3)),
    case("sharpness", [1.9], F.adjust_sharpness(image, 1.9), ImageEnhance.Sharpness(photo).enhance(1.9)),
]
# Of numbers from 0 to 1, where torchvision does not round down in between, as it does with bytes.
def color(kind, parameters, change, pillow=None):
    exact = change(image.float() / 255)
    if pillow is not None:
        assert np.abs(np.asarray(pillow).astype(float) - 255 * exact.numpy().transpose(1, 2, 0)).max() <= 2.5, kind
    return case(kind, parameters, (255 * exact).round().to(torch.uint8))


colors = [
    color("brightness", [0.4], lambda v: F.adjust_brightness(v, 0.4), ImageEnhance.Brightness(photo).enhance(0.4)),
    color("brightness", [1.7], lambda v: F.adjust_brightness(v, 1.7), ImageEnhance.Brightness(photo).enhance(1.7)),
    color("contrast", [0.3], lambda v: F.adjust_contrast(v, 0.3), ImageEnhance.Contrast(photo).enhance(0.3)),
    color("contrast", [1.8], lambda v: F.adjust_contrast(v, 1.8), ImageEnhance.Contrast(photo).enhance(1.8)),
    color("saturation", [0.2], lambda v: F.adjust_saturation(v, 0.2), ImageEnhance.Color(photo).enhance(0.2)),
    color("saturation", [1.9], lambda v: F.adjust_saturation(v, 1.9), ImageEnhance.Color(photo).enhance(1.9)),
    color("hue", [0.15], lambda v: F.adjust_hue(v, 0.15)),
    color("hue", [-0.4], lambda v: F.adjust_hue(v, -0.4)),
    color("grayscale", [], lambda v: F.rgb_to_grayscale(v, 3), photo.convert("L").convert("RGB")),
]
# Parameters are top, left, height and width in the (padded) image, and the height and width of the result.
crops = [
    case("resized_crop", [3, 2, 12, 15, 7, 6], F.resized_crop(image, 3, 2, 12, 15, [7, 6], antialias=True)),
    case("resized_crop", [0, 5, 9, 8, 14, 20], F.resized_crop(image, 0, 5, 9, 8, [14, 20], antialias=True)),
    case("crop", [1, 5, 16, 20, 16, 20], F.crop(F.pad(image, [4, 4, 4, 4], fill=9), 1, 5, 16, 20)),
    case("erase", [2, 7, 5, 9], F.erase(image, 2, 7, 5, 9, torch.tensor([127, 127, 127], dtype=torch.uint8)[:, None, None])),
]

# The operations of the policies, and their magnitudes.
policy = v2.TrivialAugmentWide(interpolation="bilinear")
operations = [
    case(kind, [m], policy._apply_image_or_video_transform(image, kind, m, "bilinear", policy._fill), pillow)
    for kind, m, pillow in [
        ("ShearX", 0.3, None), ("ShearY", -0.2, None), ("TranslateX", -5.9, None), ("TranslateY", 3.2, None),
        ("Rotate", 25.0, None), ("Posterize", 4, ImageOps.posterize(photo, 4)),
        ("Solarize", 0.4, ImageOps.solarize(photo, 102)), ("AutoContrast", 0.0, ImageOps.autocontrast(photo)),
        ("Equalize", 0.0, ImageOps.equalize(photo)), ("Invert", 0.0, ImageOps.invert(photo))]]


def magnitudes(space, bins):
    tables = {}
    for name, (table, signed) in space.items():
        values = table(bins, H, W)
        tables[name] = {"signed": signed, "values": [] if values is None else [round(float(v), 4) for v in values]}
    return tables


tables = {
    "RandAugment": magnitudes(v2.RandAugment._AUGMENTATION_SPACE, 31),
    "TrivialAugmentWide": magnitudes(v2.TrivialAugmentWide._AUGMENTATION_SPACE, 31),
    "AutoAugment": magnitudes(v2.AutoAugment._AUGMENTATION_SPACE, 10),
}
policies = {name: v2.AutoAugment(v2.AutoAugmentPolicy(name))._policies for name in ["cifar10", "imagenet"]}

# Displacements in pixels; torchvision counts from -1 to 1.
right, down = 1.2 * np.sin(0.4 * x + 0.3 * y), 1.2 * np.cos(0.35 * x - 0.2 * y)
displacement = torch.from_numpy(np.stack([right * 2 / W, down * 2 / H], -1)[None])
elastic = case("elastic", [], F.elastic(image, displacement))

here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "augment_training.json"), "w") as out:
    json.dump({
        "versions": {"torch": torch.__version__, "torchvision": torchvision.__version__, "pillow": PIL.__version__},
        "size": [H, W], "rough": rough.tobytes().hex(), "sharpness": sharpness, "colors": colors, "crops": crops,
        "elastic": elastic,
        "operations": operations, "tables": tables, "policies": policies,
    }, out, separators=(",", ":"))
    out.write("\n")
