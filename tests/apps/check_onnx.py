"""Compares the ONNX files of `catdog export` with `catdog eval`, by ONNX Runtime:

    python3 tests/apps/check_onnx.py              (needs onnx, onnxruntime, NumPy, Pillow; built programs; ten minutes)
    python3 tests/apps/check_onnx.py vgg16        only the cases whose name contains "vgg16"
    python3 tests/apps/check_onnx.py "" build/release/none/apps/catdog     another program

Each case trains a network for a few steps, evaluates and exports it. ONNX Runtime then computes logits from the bytes
of the same images, which must agree with predictions.csv to 1e-4 (of the logit, where it is larger than 1), and so must
the decisions. PNG files of the network's size are used, so that decoding and resizing leave no difference.
"""

import csv
import json
import os
import re
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from PIL import Image

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CATDOG = os.path.join(ROOT, "apps", "catdog") if len(sys.argv) < 3 else sys.argv[2]
TOLERANCE = 1e-4


def catdog(*arguments):
    done = subprocess.run([CATDOG, *arguments], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"catdog {' '.join(arguments)}: {done.stderr}")
    return done.stdout


def write_images(folder, size, classes):
    """Blobs, brighter from class to class, S x S: 32 images to train on in all and 24 to validate on."""
    rng = np.random.default_rng(size)
    for split, count in (("train", 32 // len(classes)), ("validation", 24 // len(classes))):
        for label, name in enumerate(classes):
            os.makedirs(os.path.join(folder, split, name))
            for i in range(count):
                coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
                smooth = Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)
                image = np.asarray(smooth, dtype=np.int32)
                image = np.clip(image + rng.integers(-20, 21, image.shape) + (2 * label / (len(classes) - 1) - 1) * 40, 0, 255)
                Image.fromarray(image.astype(np.uint8)).save(os.path.join(folder, split, name, f"{name}.{i}.png"))


def check(name, size, flags, evaluation=(), steps=4):
    names = ("cat", "dog", "fox", "hen")[:4 if "four classes" in name else 2]
    """Returns the number of nodes and the largest difference of a logit, of a probability, and the disagreements."""
    with tempfile.TemporaryDirectory() as folder:
        data, run, scored, model = (os.path.join(folder, part) for part in ("data", "run", "eval", "model.onnx"))
        write_images(data, size, names)
        # Glorot's larger initial weights in the head: after so few steps the others give nearly the same logit for all.
        catdog("--data", data, "--image-size", str(size), "--batch-size", "8", "--epochs", "1", "--max-steps",
               str(steps), "--device", "cpu", "--augment", "none", "--head-init", "glorot", "--output", run, *flags)
        weights = os.path.join(run, "last.safetensors")
        catdog("eval", "--weights", weights, "--data", data, "--device", "cpu", "--output", scored, *evaluation)
        catdog("export", "--weights", weights, "--output", model, *evaluation)

        graph = onnx.load(model)
        onnx.checker.check_model(graph, full_check=True)
        assert [(o.domain, o.version) for o in graph.opset_import] == [("", 17)] and graph.ir_version == 8
        metadata = {p.key: p.value for p in graph.metadata_props}
        classes = json.loads(metadata["classes"])
        assert classes == list(names)
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        assert [(i.name, i.type, i.shape) for i in session.get_inputs()] == [
            ("image", "tensor(uint8)", ["N", size, size, 3])]

        with open(os.path.join(scored, "predictions.csv"), newline="") as file:
            rows = list(csv.DictReader(file))
        images = []
        for row in rows:
            path = row["path"] if os.path.exists(row["path"]) else os.path.join(data, row["path"])
            images.append(np.asarray(Image.open(path).convert("RGB")))
        logit, probability = session.run(["logit", "probability"], {"image": np.stack(images)})
        assert logit.shape == probability.shape and logit.shape[0] == len(rows) == 24
        if len(classes) > 2:
            ours = np.array([[float(row["logit:" + c]) for c in classes] for row in rows])
            e = np.exp(ours - ours.max(axis=1, keepdims=True))
            return {
                "nodes": len(graph.graph.node),
                "logit": float(np.max(np.abs(logit - ours) / np.maximum(1, np.abs(ours)))),
                "probability": float(np.max(np.abs(probability - e / e.sum(axis=1, keepdims=True)))),
                "range": (float(ours.min()), float(ours.max())),
                "decisions": sum(classes[k] != row["predicted"] for k, row in zip(logit.argmax(axis=1), rows)),
            }
        threshold, positive = float(metadata["threshold"]), classes.index(metadata["positive"])
        ours = np.array([float(row["logit"]) for row in rows])
        assert np.ptp(ours) > 100 * TOLERANCE, f"{name}: the logits of all images are equal"
        if logit.shape[1] == 1:
            theirs, score = logit[:, 0], probability[:, 0]
        else:
            theirs, score = logit[:, positive] - logit[:, 1 - positive], probability[:, positive]
        if "mse" in name:
            expected = np.clip(ours + 0.5, 0, 1)
        else:
            expected = 1 / (1 + np.exp(-ours))
        with open(os.path.join(scored, "result.json")) as file:
            result = json.load(file)
        decided = int((score >= threshold).sum())
        return {
            "nodes": len(graph.graph.node),
            "logit": float(np.max(np.abs(theirs - ours) / np.maximum(1, np.abs(ours)))),
            "probability": float(np.max(np.abs(score - expected))),
            "range": (float(ours.min()), float(ours.max())),
            "decisions": abs(decided - result["tp"] - result["fp"]),
        }


def cases():
    registry = re.search(r"--model NAME\s+The network:([\w\s,-]+?)\s*\[", catdog("--help-all")).group(1)
    names = [name.strip() for name in registry.split(",")]
    for model in names:
        small = ["--model", model, "--width", "0.0625", "--lr", "0.001"]
        yield f"{model}", 32, small, ()
        yield f"{model} cross-entropy", 48, [*small, "--loss", "cross-entropy"], ()
        yield f"{model} ldam (cosine)", 32, [*small, "--loss", "ldam"], ()
        yield f"{model} imagenet", 32, [*small, "--head", "imagenet"], ()
        yield f"{model} imagenet ldam (cosine)", 64, [*small, "--head", "imagenet", "--loss", "ldam"], ()
        yield f"{model} four classes", 32, small, ()
    small = ["--width", "0.125", "--lr", "0.001"]
    yield "vgg16 four classes temperature adjusted", 32, [
        *small, "--temperature", "--adjust-logits", "1", "--count", "cat=8,dog=6,fox=4,hen=3", "--hold-out", "0.2"], ()
    yield "vgg16 mse", 32, [*small, "--loss", "mse"], ()
    yield "vgg16 temperature", 32, [*small, "--temperature"], ()
    yield "vgg16 temperature cross-entropy f1 dog", 32, [
        *small, "--loss", "cross-entropy", "--temperature", "--threshold", "f1", "--positive", "dog",
        "--adjust-logits", "1", "--count", "cat=5,dog=13"], ()
    yield "vgg16 adjusted", 32, [*small, "--adjust-logits", "1", "--count", "cat=5,dog=13"], ()
    yield "vgg16 threshold", 32, small, ("--threshold", "0.43")
    yield "vgg16 imagenet 160", 160, [*small, "--head", "imagenet"], ()
    yield "vgg16 imagenet 224", 224, [*small, "--head", "imagenet"], ()
    for model in ("vgg16", "vgg11_bn"):
        yield f"{model} whole 160", 160, ["--model", model, "--width", "1", "--lr", "0.0001"], ()


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    worst, failed, count = 0.0, 0, 0
    print(f"onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}")
    for name, size, flags, evaluation in cases():
        if wanted not in name:
            continue
        r = check(name, size, flags, evaluation)
        bad = not r["logit"] <= TOLERANCE or not r["probability"] <= TOLERANCE or r["decisions"]
        print(f"{'FAILED' if bad else 'ok':6} {name:40} {r['nodes']:3} nodes  logit {r['logit']:.1e}  probability "
              f"{r['probability']:.1e}  (logits {r['range'][0]:.3g} to {r['range'][1]:.3g})", flush=True)
        worst, failed, count = max(worst, r["logit"]), failed + bool(bad), count + 1
    print(f"{count} networks, {failed} failed; the largest difference of a logit: {worst:.1e}")
    return 1 if failed or not count else 0


if __name__ == "__main__":
    sys.exit(main())
