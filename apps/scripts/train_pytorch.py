"""Trains the recipe of "Real photographs" (apps/README.md) here and in PyTorch, seed by seed, and compares the accuracies.

    make && python3 apps/scripts/train_pytorch.py --data DIR                      # six seeds each, a table at the end
    python3 apps/scripts/train_pytorch.py --data DIR --seeds 1,2 --only pytorch   # PyTorch alone
    python3 apps/scripts/train_pytorch.py --data DIR --head-init glorot           # with Keras's initial weights in the head

Both train a VGG11 with batch normalization, a quarter of its channels and one dense layer on 2000 cats and 2000 dogs of
64x64 pixels, with AdamW, a cosine schedule, flips and small rotations, and are evaluated on all validation images after
the last epoch. The accuracy of each run is appended to --results as soon as it is known; a run that is there already is
not repeated. What a seed means differs between the two: each draws its own images, initial weights, order and
augmentation with it, so a pair has nothing but the recipe in common.

Needs torch, numpy and Pillow. PyTorch computes on the CPU in fp32.
"""
import argparse
import csv
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
CLASSES = ("dog", "cat")  # labels 0 and 1: the cat is the positive class
CHANNELS = (64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0)  # VGG11's; 0 is a pooling
PER_CLASS, SIZE, WIDTH, BATCH, LR, WEIGHT_DECAY, ROTATION = 2000, 64, 0.25, 32, 1e-3, 0.05, 0.03


def recipe(o):
    """The command line of catdog."""
    return [o.catdog, "--data", o.data, "--count", f"cat={PER_CLASS},dog={PER_CLASS}", "--image-size", SIZE, "--width",
            WIDTH, "--model", "vgg11_bn", "--epochs", o.epochs, "--batch-size", BATCH, "--optimizer", "adamw",
            "--weight-decay", WEIGHT_DECAY, "--lr", LR, "--augment", f"flip,rotate={ROTATION}", "--head-init",
            o.head_init, "--threads", o.threads, "--device", "cpu"]


# -- PyTorch ----------------------------------------------------------------------------------------------------------

def network(head_init):
    """torchvision's vgg11_bn with a quarter of the channels, its initial weights, and one dense layer."""
    layers, channels, size = [], 3, SIZE
    for outputs in CHANNELS:
        if outputs == 0:
            layers.append(nn.MaxPool2d(2))
            size //= 2
            continue
        outputs = round(outputs * WIDTH)
        conv = nn.Conv2d(channels, outputs, 3, padding=1)
        nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
        nn.init.zeros_(conv.bias)
        layers += [conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
        channels = outputs
    dense = nn.Linear(channels * size * size, 1)
    if head_init == "normal":
        nn.init.normal_(dense.weight, 0, 0.01)
    else:
        nn.init.xavier_uniform_(dense.weight)
    nn.init.zeros_(dense.bias)
    return nn.Sequential(nn.Sequential(*layers), nn.Flatten(), dense).to(memory_format=torch.channels_last)


def paths(data, split, label):
    folder = os.path.join(data, split, CLASSES[label])
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".jpg")]


def read(path, cache={}):
    """The image as bytes [3, SIZE, SIZE]."""
    if path not in cache:
        with Image.open(path) as image:
            pixels = image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR)
        cache[path] = torch.from_numpy(numpy.array(pixels).transpose(2, 0, 1).copy())
    return cache[path]


def stack(samples):
    """Bytes [N, 3, SIZE, SIZE] and labels [N, 1]."""
    return torch.stack([read(path) for path, _ in samples]), torch.tensor([[float(label)] for _, label in samples])


def scaled(images):
    return (images.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def random_maps(n, generator):
    """[N, 2, 3] for affine_grid(): mirrored in half of the images, and rotated by up to ROTATION whole turns."""
    flip = torch.where(torch.rand(n, generator=generator) < 0.5, -1.0, 1.0)
    angle = (2 * torch.rand(n, generator=generator) - 1) * ROTATION * 2 * math.pi
    zero = torch.zeros(n)
    rows = (torch.stack([flip * angle.cos(), -flip * angle.sin(), zero], 1),
            torch.stack([angle.sin(), angle.cos(), zero], 1))
    return torch.stack(rows, 1)


def augmented(images, maps):
    """Bilinear, and mirrored at the edges beyond them: as catdog's."""
    grid = functional.affine_grid(maps, list(images.shape), align_corners=False)
    return functional.grid_sample(images.float(), grid, "bilinear", "reflection", align_corners=False)


def accuracy(model, images, labels):
    model.eval()
    with torch.inference_mode():
        logits = torch.cat([model(scaled(batch)) for batch in images.split(100)])
    model.train()
    return ((logits > 0) == (labels > 0.5)).float().mean().item()


def train(model, images, labels, epochs, order, maps, after_epoch=lambda epoch, loss: None):
    """order(epoch) is a permutation, maps(epoch, samples) the augmentation of a batch; epochs count from 1."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=WEIGHT_DECAY)
    steps = epochs * math.ceil(len(images) / BATCH)
    step = 0
    for epoch in range(1, epochs + 1):
        losses = []
        for samples in order(epoch).split(BATCH):
            optimizer.param_groups[0]["lr"] = LR * (1 + math.cos(math.pi * step / steps)) / 2
            optimizer.zero_grad()
            x = scaled(augmented(images[samples], maps(epoch, samples)))
            loss = functional.binary_cross_entropy_with_logits(model(x), labels[samples])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            step += 1
        after_epoch(epoch, statistics.mean(losses))


def run_pytorch(o, seed):
    torch.manual_seed(seed)
    model = network(o.head_init)
    generator = torch.Generator().manual_seed(seed)
    chosen = []
    for label in range(2):
        files = paths(o.data, "train", label)
        chosen += [(files[i], label) for i in torch.randperm(len(files), generator=generator)[:PER_CLASS].tolist()]
    images, labels = stack(chosen)
    validation = stack([(path, label) for label in range(2) for path in paths(o.data, "validation", label)])
    train(model, images, labels, o.epochs, lambda _: torch.randperm(len(images), generator=generator),
          lambda _, samples: random_maps(len(samples), generator),
          lambda epoch, loss: print(f"PyTorch, seed {seed}, epoch {epoch}/{o.epochs}: loss {loss:.4f}", file=sys.stderr))
    return accuracy(model, *stack([(path, label) for label in range(2) for path in paths(o.data, "validation", label)]))


# -- both -------------------------------------------------------------------------------------------------------------

def run_ours(o, seed):
    with tempfile.TemporaryDirectory() as folder:
        command = [*map(str, recipe(o)), "--seed", str(seed), "--output", folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with open(os.path.join(folder, "result.json")) as file:
            return json.load(file)["accuracy"]


RUNS = {"ours": run_ours, "pytorch": run_pytorch}


def known(o):
    """The accuracies in the file of results, by program and seed."""
    if not os.path.exists(o.results):
        return {}
    with open(o.results, newline="") as file:
        return {(row["program"], int(row["seed"])): float(row["accuracy"]) for row in csv.DictReader(file)
                if row["head_init"] == o.head_init and int(row["epochs"]) == o.epochs}


def append(o, program, seed, value, seconds):
    new = not os.path.exists(o.results)
    with open(o.results, "a") as file:
        if new:
            file.write("program,head_init,epochs,seed,accuracy,seconds\n")
        file.write(f"{program},{o.head_init},{o.epochs},{seed},{value:.6f},{seconds:.0f}\n")


def mean_and_error(values):
    return statistics.mean(values), statistics.stdev(values) / math.sqrt(len(values))


def table(o, found):
    """Markdown: a row for each seed that both have, the means and the mean difference with its standard error."""
    pairs = [(seed, found["ours", seed], found["pytorch", seed]) for seed in o.seeds
             if ("ours", seed) in found and ("pytorch", seed) in found]
    lines = ["| seed | ours | PyTorch | difference |", "|---|---|---|---|"]
    lines += [f"| {seed} | {ours:.4f} | {theirs:.4f} | {ours - theirs:+.4f} |" for seed, ours, theirs in pairs]
    if len(pairs) > 1:
        columns = [[ours for _, ours, _ in pairs], [theirs for _, _, theirs in pairs],
                   [ours - theirs for _, ours, theirs in pairs]]
        (a, ea), (b, eb), (d, ed) = map(mean_and_error, columns)
        lines.append(f"| mean ± standard error | {a:.4f} ± {ea:.4f} | {b:.4f} ± {eb:.4f} | {d:+.4f} ± {ed:.4f} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="folder with train/CLASS/*.jpg and validation/CLASS/*.jpg")
    parser.add_argument("--seeds", default="1,2,3,4,5,6")
    parser.add_argument("--only", choices=RUNS, help="run one of the two")
    parser.add_argument("--head-init", choices=("normal", "glorot"), default="normal")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--catdog", default=os.path.join(ROOT, "apps", "catdog"))
    parser.add_argument("--results", default="train_pytorch.csv", help="the file of results, which is added to")
    o = parser.parse_args()
    o.seeds = [int(seed) for seed in o.seeds.split(",")]
    torch.set_num_threads(o.threads)
    found = known(o)
    for seed in o.seeds:
        for program in RUNS:
            if (program, seed) in found or o.only not in (None, program):
                continue
            start = time.perf_counter()
            found[program, seed] = RUNS[program](o, seed)
            append(o, program, seed, found[program, seed], time.perf_counter() - start)
    if not o.only:
        print(table(o, found))


if __name__ == "__main__":
    main()
