"""Writes augment.json: an image with targets of every kind, augmented by imgaug 0.4.0 with fixed parameters.

imgaug is unmaintained since 2020 and needs an old NumPy, in an environment of its own:

    python3 -m venv imgaug-venv
    imgaug-venv/bin/pip install imgaug==0.4.0 "numpy<1.24" "opencv-python-headless<4.8" scikit-image==0.24.0
    imgaug-venv/bin/python tests/data/golden/make_augment.py

The shear of an affine transform is scikit-image's, whose meaning has changed: from 0.19 on it is that of tan. Heat maps
are interpolated with splines of order 3 by imgaug's Affine; here with order 1, as images. In its PerspectiveTransform
images and targets part by a fraction of a pixel, because cv2.warpPerspective counts from the centers of pixels and the
targets from their corners; of this one only the targets are stored.
"""
import json
import os

import cv2
import imgaug
import imgaug.augmenters as iaa
import numpy as np
import skimage
from imgaug.augmentables.batches import UnnormalizedBatch
from imgaug.augmentables import (BoundingBox, BoundingBoxesOnImage, HeatmapsOnImage, Keypoint, KeypointsOnImage,
                                 LineString, LineStringsOnImage, Polygon, PolygonsOnImage, SegmentationMapsOnImage)

H, W = 24, 32
shape = (H, W, 3)
# Smooth, because OpenCV rounds positions to 1/32 of a pixel.
y, x = np.mgrid[0:H, 0:W]
image = np.stack([127 + 90 * np.sin(0.21 * x + 0.3 * c) * np.cos(0.17 * y - 0.4 * c) for c in range(3)], -1)
image = np.round(image).astype(np.uint8)
rough = np.random.default_rng(1).integers(0, 256, (12, 16, 3), np.uint8)

keypoints = [(3.5, 4.25), (20, 11.5), (31.75, 23), (16, 12)]
boxes = [(4, 3, 15.5, 20), (10, 8, 30, 12.5)]
polygons = [[(5, 4), (25, 2), (28.5, 18), (14, 10), (6, 21)]]
lines = [[(1, 1), (12, 20), (30, 5), (31, 22)]]
my, mx = np.mgrid[0:H // 2, 0:W // 2]
heat = np.round(np.exp(-((mx - 6) ** 2 + (my - 5) ** 2) / 18), 3).astype(np.float32)
segments = ((mx - 8) ** 2 / 4 + (my - 6) ** 2 < 8).astype(np.int32) + 2 * ((mx > 11) & (my > 7)).astype(np.int32)


def corners(points):
    return [[round(float(p[0]), 5), round(float(p[1]), 5)] for p in points]


def augmented(augmenter, with_image=True, with_maps=True):
    batch = UnnormalizedBatch(
        images=[image.copy()],
        keypoints=[KeypointsOnImage([Keypoint(*p) for p in keypoints], shape)],
        bounding_boxes=[BoundingBoxesOnImage([BoundingBox(*b) for b in boxes], shape)],
        polygons=[PolygonsOnImage([Polygon(p) for p in polygons], shape)],
        line_strings=[LineStringsOnImage([LineString(p) for p in lines], shape)],
        heatmaps=[HeatmapsOnImage(heat, shape)],
        segmentation_maps=[SegmentationMapsOnImage(segments, shape)])
    a = next(augmenter.augment_batches([batch], background=False))
    out = a.images_aug[0]
    result = {
        "size": list(out.shape[:2]),
        "keypoints": corners([(k.x, k.y) for k in a.keypoints_aug[0].keypoints]),
        "boxes": [corners([(b.x1, b.y1), (b.x2, b.y2)]) for b in a.bounding_boxes_aug[0].bounding_boxes],
        "polygons": [corners(p.exterior) for p in a.polygons_aug[0].polygons],
        "lines": [corners(s.coords) for s in a.line_strings_aug[0].line_strings],
    }
    if with_image:
        result["rgb"] = out.tobytes().hex()
    if with_maps:
        h, s = a.heatmaps_aug[0].get_arr(), a.segmentation_maps_aug[0].get_arr()
        result["map_size"] = list(s.shape[:2])
        result["heat"] = [round(float(v), 3) for v in h.ravel()]
        result["segments"] = "".join(str(int(v)) for v in s.ravel())
    return result


def affine(mode="constant", fit_output=False, with_image=True, **parameters):
    """Parameters of data/augment/augmenters.h's Affine."""
    p = {"scale_x": 1, "scale_y": 1, "translate_x": 0, "translate_y": 0, "rotate": 0, "shear_x": 0, "shear_y": 0}
    p.update(parameters)
    augmenter = iaa.Affine(
        scale={"x": p["scale_x"], "y": p["scale_y"]},
        translate_percent={"x": p["translate_x"], "y": p["translate_y"]}, rotate=p["rotate"],
        shear={"x": p["shear_x"], "y": p["shear_y"]}, order=1, mode=mode, fit_output=fit_output)
    augmenter._order_heatmaps = 1
    border = {"edge": "replicate", "symmetric": "reflect", "reflect": "reflect_101"}.get(mode, mode)
    return {"kind": "affine", "border": border, "fit_output": fit_output, **p,
            **augmented(augmenter, with_image and not fit_output, mode == "constant" and not fit_output)}


def perspective(seed, keep_size):
    augmenter = iaa.PerspectiveTransform(scale=0.08, keep_size=keep_size, seed=seed)
    drawn, draw = [], augmenter._draw_samples
    augmenter._draw_samples = lambda *arguments: drawn.append(draw(*arguments)) or drawn[-1]
    result = augmented(augmenter, False, False)
    sampled = drawn[0]
    h, w = sampled.max_heights[0], sampled.max_widths[0]
    to = np.array([[[0, 0], [w, 0], [w, h], [0, h]]], np.float64)
    source = cv2.perspectiveTransform(to, np.linalg.inv(sampled.matrices[0]))[0]
    return {"kind": "perspective", "from": [[float(v) for v in p] for p in source], "to": result["size"], **result}


def sides(kind, augmenter, change, keep_size, **more):
    exact = not keep_size
    return {"kind": kind, "change": change, "keep_size": keep_size, **augmented(augmenter, exact, exact), **more}


cases = [
    {"kind": "horizontal_flip", **augmented(iaa.Fliplr(1.0))},
    {"kind": "vertical_flip", **augmented(iaa.Flipud(1.0), False)},
    sides("crop", iaa.Crop(px=(4, 2, 6, 8), keep_size=False), [4, 2, 6, 8], False),
    sides("crop", iaa.Crop(px=(4, 2, 6, 8), keep_size=True), [4, 2, 6, 8], True),
    sides("crop_and_pad", iaa.CropAndPad(px=(6, -4, 2, 8), keep_size=False), [6, -4, 2, 8], False),
    sides("crop_and_pad", iaa.CropAndPad(percent=(0.25, 0.125, -0.25, -0.0625), keep_size=True), [6, 4, -6, -2], True),
    {"kind": "resize", **augmented(iaa.Resize({"height": 34, "width": 40}, interpolation="linear"), True, False)},
    {"kind": "resize", **augmented(iaa.Resize({"height": 10, "width": 20}, interpolation="linear"), False, False)},
    affine(rotate=25),
    affine(scale_x=1.25, scale_y=0.8, with_image=False),
    affine(shear_x=15),
    affine(shear_y=-12, with_image=False),
    affine(translate_x=0.125, translate_y=-0.0833),
    affine(scale_x=1.1, scale_y=0.9, translate_x=-0.06, translate_y=0.1, rotate=-17, shear_x=8, shear_y=5),
    affine("edge", rotate=40),
    affine("reflect", rotate=40),
    affine("symmetric", rotate=40),
    affine(fit_output=True, rotate=30, shear_x=10),
    perspective(1, True),
    perspective(2, True),
    perspective(3, False),
]

pixels = []
for name, augmenter, parameters in [
    ("blur", iaa.GaussianBlur(0.6), [0.6]),
    ("blur", iaa.GaussianBlur(1.9), [1.9]),
    ("blur", iaa.GaussianBlur(3.0), [3.0]),
    ("contrast", iaa.LinearContrast(1.37), [1.37]),
    ("contrast", iaa.LinearContrast(0.6), [0.6]),
    ("sharpen", iaa.Sharpen(0.3, 1.15), [0.3, 1.15]),
    ("sharpen", iaa.Sharpen(1.0, 0.8), [1.0, 0.8]),
    ("multiply", iaa.Multiply(1.23), [1.23]),
    ("multiply", iaa.Multiply(0.7), [0.7]),
    ("add", iaa.Add(-31), [-31]),
    ("add", iaa.Add(40), [40]),
]:
    pixels.append({"kind": name, "parameters": parameters, "rgb": augmenter(image=rough.copy()).tobytes().hex()})

here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "augment.json"), "w") as out:
    json.dump({
        "versions": {"imgaug": imgaug.__version__, "scikit-image": skimage.__version__, "opencv": cv2.__version__},
        "size": [H, W], "rgb": image.tobytes().hex(), "keypoints": keypoints,
        "boxes": [[b[:2], b[2:]] for b in boxes], "polygons": polygons, "lines": lines,
        "map_size": list(segments.shape), "heat": [round(float(v), 3) for v in heat.ravel()],
        "segments": "".join(str(int(v)) for v in segments.ravel()), "cases": cases,
        "rough_size": list(rough.shape[:2]), "rough": rough.tobytes().hex(), "pixels": pixels,
    }, out, separators=(",", ":"))
    out.write("\n")
