"""Compares pretrained ResNets with PyTorch, by their logits and by their accuracy:

    python3 tests/layers/check_resnet.py DATA                                      (needs torch, NumPy, Pillow)
    python3 tests/layers/check_resnet.py DATA build/release/none/apps/counterpoise      another program

DATA has weights/resnet{20,32,44,56}_cifar10.safetensors and cifar10/validation/CLASS/*.jpg. The files name neither network
nor normalization, so both are given on the command line. All images are decoded by Pillow and written as PNG first, so that
both programs see the same pixels: the accuracy must then be PyTorch's, to the image, and no logit may differ by more than
1e-4. (Here batch normalization is part of the convolutions, in PyTorch it is not.) The accuracy on the JPEG files themselves
is printed, too: two decoders of JPEG differ in the last bit of some pixels, and that changes the class of a few images.
"""
import csv
import os
import subprocess
import sys
import tempfile

import numpy
import torch
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.join(HERE, "golden"), os.path.join(ROOT, "apps", "scripts")]
from convert_weights import NORMALIZATIONS, read_safetensors  # noqa: E402
from make_resnet import CifarResNet  # noqa: E402

ACCURACIES = {20: 0.8103, 32: 0.8256, 44: 0.8267, 56: 0.8320}  # PyTorch's
TOLERANCE = 1e-4


def evaluate(program, weights, depth, data, folder):
    """The rows of predictions.csv."""
    done = subprocess.run([program, "eval", "--weights", weights, "--model", f"resnet{depth}", "--normalize", "imagenet",
                           "--image-size", "32", "--data", data, "--on", "validation", "--device", "cpu",
                           "--output", folder], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"resnet{depth}: {done.stderr.strip()}")
    with open(os.path.join(folder, "predictions.csv"), newline="") as file:
        return list(csv.DictReader(file))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    data = sys.argv[1]
    program = sys.argv[2] if len(sys.argv) > 2 else os.path.join(ROOT, "apps", "counterpoise")
    validation = os.path.join(data, "cifar10", "validation")
    classes = sorted(os.listdir(validation))
    torch.set_grad_enabled(False)
    mean, std = (torch.tensor(numbers).reshape(1, 3, 1, 1) for numbers in NORMALIZATIONS["imagenet"])
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        pixels = {}
        for name in classes:
            for split, most in ("train", 1), ("validation", None):
                os.makedirs(os.path.join(folder, "png", split, name))
                for file in sorted(os.listdir(os.path.join(validation, name)))[:most]:
                    image = Image.open(os.path.join(validation, name, file)).convert("RGB")
                    image.save(os.path.join(folder, "png", split, name, file + ".png"), compress_level=0)
                    pixels[name, file + ".png"] = numpy.asarray(image)
        for depth, expected in ACCURACIES.items():
            weights = os.path.join(data, "weights", f"resnet{depth}_cifar10.safetensors")
            rows = evaluate(program, weights, depth, os.path.join(data, "cifar10"), os.path.join(folder, f"jpg{depth}"))
            of_jpeg = sum(row["label"] == row["predicted"] for row in rows) / len(rows)
            rows = evaluate(program, weights, depth, os.path.join(folder, "png"), os.path.join(folder, f"png{depth}"))
            accuracy = sum(row["label"] == row["predicted"] for row in rows) / len(rows)

            model = CifarResNet((depth - 2) // 6, len(classes)).eval()
            state = {name: torch.from_numpy(array.copy()) for name, array in read_safetensors(weights).items()}
            model.load_state_dict(state, strict=False)
            missing = set(model.state_dict()) - set(state)
            assert all(name.endswith("num_batches_tracked") for name in missing), missing
            worst, correct = 0, 0
            for first in range(0, len(rows), 500):
                some = rows[first:first + 500]
                x = torch.from_numpy(numpy.stack([pixels[row["label"], os.path.basename(row["path"])] for row in some]))
                theirs = model((x.permute(0, 3, 1, 2).float() / 255 - mean) / std).numpy()
                ours = numpy.array([[float(row["logit:" + name]) for name in classes] for row in some])
                worst = max(worst, numpy.abs(ours - theirs).max())
                correct += sum(classes[k] == row["label"] for k, row in zip(theirs.argmax(axis=1), some))
            good = worst <= TOLERANCE and accuracy == correct / len(rows) and round(accuracy, 4) == expected
            failed += not good
            print(f"{'ok' if good else 'FAILED':6} resnet{depth}  accuracy {accuracy:.4f}, PyTorch's {correct / len(rows):.4f}, "
                  f"expected {expected:.4f}; from the JPEG files {of_jpeg:.4f}; largest difference of a logit {worst:.1e}",
                  flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
