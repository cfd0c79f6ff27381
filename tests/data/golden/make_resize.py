"""Writes resize.json: images resized as tf.image.resize does it with method "bilinear" and without antialiasing, which
is what Keras's image_dataset_from_directory calls. The numbers are PyTorch's interpolate(mode="bilinear",
align_corners=False, antialias=False) in float64, whose positions (i + 1/2) * from / to - 1/2 and weights are the same.

    python3 tests/data/golden/make_resize.py        (needs NumPy and PyTorch)
"""
import json
import os

import numpy as np
import torch

random = np.random.default_rng(3)
images = []
for height, width, sizes in [
    (17, 23, [(7, 9), (17, 10), (25, 11), (5, 31), (1, 1), (17, 23), (3, 4)]),
    (5, 4, [(16, 16), (2, 3), (5, 9)]),
]:
    source = random.integers(0, 256, (height, width, 3), np.uint8)
    x = torch.tensor(source.astype(np.float64)).permute(2, 0, 1)[None]
    resized = []
    for h, w in sizes:
        y = torch.nn.functional.interpolate(x, (h, w), mode="bilinear", align_corners=False, antialias=False)
        numbers = y[0].permute(1, 2, 0).reshape(-1).tolist()
        resized.append({"height": h, "width": w, "numbers": [round(v, 4) for v in numbers]})
    images.append({"height": height, "width": width, "rgb": source.tobytes().hex(), "resized": resized})

here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "resize.json"), "w") as out:
    json.dump({"torch": torch.__version__, "images": images}, out, separators=(",", ":"))
    out.write("\n")
