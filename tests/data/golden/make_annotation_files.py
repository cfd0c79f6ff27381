"""Writes annotation_files.json: files of annotations as Python's libraries write them, and what these read from them.

    pip install pycocotools==2.0.11 Pillow imgviz==2.1.0 numpy
    python tests/data/golden/make_annotation_files.py

pycocotools encodes masks and computes their areas and boxes; Pillow writes PNGs with palettes, whose indices it reads;
imgviz has Pascal VOC's palette.
"""
import io
import json
import os
import tempfile

import imgviz
import numpy as np
from PIL import Image
from pycocotools import mask as masks
from pycocotools.coco import COCO

H, W = 24, 32
rng = np.random.default_rng(1)
y, x = np.mgrid[0:H, 0:W]
disc = ((x - 9.5) ** 2 + (y - 12) ** 2 < 60) & (x != 10)
noise = rng.random((H, W)) < 0.4
noise[0, 0] = True


def compressed(mask):
    rle = masks.encode(np.asfortranarray(mask.astype(np.uint8)))
    return {"size": rle["size"], "counts": rle["counts"].decode()}


def counts(mask):
    flat = mask.T.reshape(-1).astype(int)
    runs, value = [0], 0
    for pixel in flat:
        if pixel != value:
            runs.append(0)
            value = pixel
        runs[-1] += 1
    return {"size": [H, W], "counts": runs}


def shape(polygons=None, rle=None):
    rle = rle or masks.merge(masks.frPyObjects(polygons, H, W))
    return {"bbox": [float(v) for v in masks.toBbox(rle)], "area": float(masks.area(rle))}


parts = [[2, 3, 14.5, 3, 14.5, 11, 2, 11], [20, 5, 30, 5, 30, 17.25, 25, 20, 20, 17.25]]
long = np.zeros((200, 300), bool)
long[3:150, 7:290] = True
coco = {
    "info": {"description": "synthetic", "nested": [[[1, 2], {"a": []}]]},
    "licenses": [],
    "annotations": [
        {"id": 11, "image_id": 2, "category_id": 7, "segmentation": parts, "iscrowd": 0, **shape(parts)},
        {"id": 12, "image_id": 2, "category_id": 7, "segmentation": counts(noise), "iscrowd": 1,
         **shape(rle=compressed(noise))},
        {"id": 13, "image_id": 2, "category_id": 3, "segmentation": compressed(disc), "iscrowd": 0,
         "attributes": {"occluded": True}, **shape(rle=compressed(disc))},
        {"id": 14, "image_id": 2, "category_id": 3, "bbox": [4, 2.5, 20.65, 19], "area": 392.35, "iscrowd": 0,
         "keypoints": [10, 4, 2, 0, 0, 0, 12.25, 7, 1], "num_keypoints": 2, "segmentation": []},
        {"id": 5, "image_id": 1, "category_id": 7, "segmentation": compressed(long), "iscrowd": 0,
         **shape(rle=compressed(long))},
    ],
    "images": [{"id": 2, "file_name": "b/\u00e4.jpg", "height": H, "width": W, "license": 1, "coco_url": "http://x"},
               {"id": 1, "file_name": "a.jpg", "height": 200, "width": 300}],
    "categories": [{"id": 7, "name": "cat", "supercategory": "animal"},
                   {"id": 3, "name": "person", "supercategory": "person", "keypoints": ["nose", "left_eye", "right_eye"],
                    "skeleton": [[1, 2], [1, 3]]}],
}
with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
    json.dump(coco, file)
    file.flush()
    read = COCO(file.name)
expected = {}
for annotation in coco["annotations"]:
    if annotation["segmentation"]:
        mask = read.annToMask(annotation)
        # Of the long one, only its pixels' number.
        bits = "".join(map(str, mask.reshape(-1))) if mask.size < 1000 else ""
        expected[str(annotation["id"])] = {"pixels": int(mask.sum()), "bits": bits}


def png(image, **options):
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    file.seek(0)
    labels = np.array(Image.open(file)).astype(int)
    return {"bytes": file.getvalue().hex(), "size": list(labels.shape), "labels": labels.reshape(-1).tolist()}


def with_palette(labels, colors):
    image = Image.fromarray(labels.astype(np.uint8), "P")
    image.putpalette(np.asarray(colors, np.uint8).reshape(-1).tolist())
    return image


voc = imgviz.label_colormap()
few = rng.integers(0, 21, (7, 9))
few[0, :3] = 255
pngs = {
    "voc": png(with_palette(few, voc)),
    # Every other color is the same, so that colors do not say which label a pixel has.
    "repeated colors": png(with_palette(rng.integers(0, 6, (7, 9)), [[i % 2 * 90] * 3 for i in range(6)] + [[0] * 3] * 250)),
    "transparent": png(with_palette(rng.integers(0, 4, (5, 6)), voc[:4]), transparency=2),
    "1 bit": png(with_palette(rng.integers(0, 2, (5, 11)), voc[:2]), bits=1),
    "2 bits": png(with_palette(rng.integers(0, 4, (5, 11)), voc[:4]), bits=2),
    "4 bits": png(with_palette(rng.integers(0, 16, (5, 11)), voc[:16]), bits=4),
    "gray": png(Image.fromarray(rng.integers(0, 256, (5, 11)).astype(np.uint8), "L")),
    "1 bit of gray": png(Image.fromarray(rng.integers(0, 2, (5, 11)).astype(bool))),
    "16 bits": png(Image.fromarray(rng.integers(0, 65536, (5, 11)).astype(np.uint16))),
}
refused = {
    "rgb": png(Image.fromarray(rng.integers(0, 256, (3, 3, 3)).astype(np.uint8)))["bytes"],
    "gray and alpha": png(Image.fromarray(rng.integers(0, 256, (3, 3, 2)).astype(np.uint8), "LA"))["bytes"],
}

golden = {"coco": coco, "expected": expected, "pngs": pngs, "refused": refused,
          "palette": [[int(c) for c in voc[i]] for i in (0, 1, 2, 3, 4, 8, 15, 20, 64, 128, 200, 255)],
          "palette of": [0, 1, 2, 3, 4, 8, 15, 20, 64, 128, 200, 255]}
with open(os.path.join(os.path.dirname(__file__), "annotation_files.json"), "w") as file:
    json.dump(golden, file, separators=(",", ":"))
    file.write("\n")
