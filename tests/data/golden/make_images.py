"""Writes images.json: image files as Pillow writes and decodes them, its resizing, and rotations
by SciPy. Bytes are in hexadecimal, HWC.

    python3 tests/data/golden/make_images.py        (needs Pillow, NumPy and SciPy)
"""
import io
import json
import math
import os

import numpy as np
import PIL
import scipy
from PIL import Image
from scipy.ndimage import affine_transform

random = np.random.default_rng(1)


def image(pixels):
    return {"height": pixels.shape[0], "width": pixels.shape[1], "rgb": pixels.tobytes().hex()}


def file(source, tolerance, expected=None, **options):
    """A file, and what its decoded pixels may differ from Pillow's by."""
    buffer = io.BytesIO()
    source.save(buffer, **options)
    if expected is None:
        expected = np.array(Image.open(io.BytesIO(buffer.getvalue())).convert("RGB"))
    return {"bytes": buffer.getvalue().hex(), "tolerance": tolerance, **image(expected)}


y, x = np.mgrid[0:17, 0:18]
gradient = np.stack([12 * x, 12 * y, 250 - 6 * (x + y)], 2).astype(np.uint8)
rgb = Image.fromarray(gradient)
gray16 = (gradient[:, :, 0].astype(np.uint16) << 8) + 77
jpeg = {"format": "JPEG", "quality": 90, "optimize": True}

files = {
    "baseline.jpg": file(rgb, 4, subsampling=0, **jpeg),
    "half.jpg": file(rgb, 6, subsampling=2, restart_marker_blocks=1, **jpeg),
    "progressive.jpg": file(rgb, 6, subsampling=2, progressive=True, **jpeg),
    "gray.jpg": file(rgb.convert("L"), 2, **jpeg),
    "rgb.png": file(rgb, 0, format="PNG"),
    "alpha.png": file(Image.merge("RGBA", (*rgb.split(), rgb.getchannel(0))), 0, format="PNG"),
    "palette.png": file(rgb.quantize(13), 0, format="PNG"),
    "bilevel.png": file(rgb.convert("1"), 0, format="PNG"),
    "16bit.png": file(Image.fromarray(gray16), 0, gradient[:, :, [0, 0, 0]], format="PNG"),
    "rgb.bmp": file(rgb, 0, format="BMP"),
    "palette.bmp": file(rgb.quantize(13), 0, format="BMP"),
}
cmyk = io.BytesIO()
rgb.convert("CMYK").resize((8, 8)).save(cmyk, **jpeg)

source = random.integers(0, 256, (17, 23, 3), np.uint8)
sizes = [(7, 9), (17, 10), (12, 23), (25, 11), (5, 31), (1, 1), (17, 23)]
parts = [  # left, top, right, bottom
    {"part": part, **image(np.array(Image.fromarray(source).resize((w, h), Image.Resampling.BILINEAR, box=part)))}
    for part, w, h in (((3.5, 1.25, 20, 15), 7, 9), ((0, 2, 9.75, 6), 20, 4), ((5, 0, 17, 3.5), 3, 11))
]
resized = [
    image(np.array(Image.fromarray(source).resize((w, h), Image.Resampling.BILINEAR)))
    for h, w in sizes
]


def rotated(pixels, angle):
    """Counter-clockwise about the center: the place in `pixels` of (y, x) is M (y, x) + offset."""
    c, s = math.cos(angle), math.sin(angle)
    matrix = np.array([[c, s], [-s, c]])
    center = (np.array(pixels.shape[:2]) - 1) / 2
    offset = center - matrix @ center
    planes = [
        affine_transform(pixels[:, :, k].astype(float), matrix, offset, order=1, mode="reflect")
        for k in range(3)
    ]
    return {"angle": angle, "pixels": np.stack(planes, 2).round(2).ravel().tolist()}


small = random.integers(0, 256, (4, 9, 3), np.uint8)
golden = {
    "versions": f"Pillow {PIL.__version__}, SciPy {scipy.__version__}",
    "files": files,
    "cmyk": cmyk.getvalue().hex(),
    "resize": {"source": image(source), "resized": resized, "parts": parts},
    "rotate": {
        "source": image(small),
        "rotated": [rotated(small, a) for a in (0.1, -0.7, 1.25, -6.2)],
    },
}
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "images.json")
with open(path, "w") as out:
    json.dump(golden, out, separators=(",", ":"))
    out.write("\n")
