"""Trains the recipe of "Real photographs" (apps/README.md) here and in PyTorch, and compares the accuracies.

    make && python3 apps/scripts/train_pytorch.py --data DIR                      # six seeds each, and a table
    python3 apps/scripts/train_pytorch.py --data DIR --seeds 1,2 --only pytorch   # PyTorch alone
    python3 apps/scripts/train_pytorch.py --data DIR --head-init glorot           # Keras's initial weights in the head
    python3 apps/scripts/train_pytorch.py --data DIR --draws own                  # PyTorch with its own random numbers

Both train a VGG11 with batch normalization, a quarter of its channels and one dense layer on 2000 cats and 2000 dogs of
64x64 pixels, with AdamW, a cosine schedule, flips and small rotations, and are evaluated on all validation images after
the last epoch. The accuracy of each run is appended to --results as soon as it is known; a run that is there already is
not repeated.

A seed decides which images are drawn, the initial weights, the order and the augmentation. PyTorch takes these from the
same random numbers as catdog, which are computed here again (core/random.h), so that the two of a pair differ only by
what computes them. With --draws own PyTorch takes them from its own generator; then a pair has only the recipe in
common, and a difference also contains the luck of the draw.

Needs torch, numpy and Pillow. PyTorch computes on the CPU in fp32.
"""
import argparse
import csv
import json
import math
import os
import re
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
CLASSES = ("cat", "dog")  # in the order of their names; the cat is the positive class
CHANNELS = (64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0)  # VGG11's; 0 is a pooling
PER_CLASS, SIZE, WIDTH, BATCH, LR, WEIGHT_DECAY, ROTATION = 2000, 64, 0.25, 32, 1e-3, 0.05, 0.03


def recipe(o):
    """The command line of catdog."""
    return [o.catdog, "--data", o.data, "--count", f"cat={PER_CLASS},dog={PER_CLASS}", "--image-size", SIZE, "--width",
            WIDTH, "--model", "vgg11_bn", "--epochs", o.epochs, "--batch-size", BATCH, "--optimizer", "adamw",
            "--weight-decay", WEIGHT_DECAY, "--lr", LR, "--augment", f"flip,rotate={ROTATION}", "--head-init",
            o.head_init, "--threads", o.threads, "--device", "cpu"]


# -- the random numbers -----------------------------------------------------------------------------------------------

def philox(key, low, high):
    """Four words for each counter (low, high): [N, 4] (kernels/philox.h). uint64, of which 32 bits are used."""
    mask, shift = numpy.uint64(0xFFFFFFFF), numpy.uint64(32)
    low, high = numpy.broadcast_arrays(numpy.asarray(low, numpy.uint64), numpy.asarray(high, numpy.uint64))
    k0, k1 = key & 0xFFFFFFFF, key >> 32
    c0, c1, c2, c3 = low & mask, low >> shift, high & mask, high >> shift
    for _ in range(10):
        p0, p1 = numpy.uint64(0xD2511F53) * c0, numpy.uint64(0xCD9E8D57) * c2
        c0, c2 = (p1 >> shift) ^ c1 ^ numpy.uint64(k0), (p0 >> shift) ^ c3 ^ numpy.uint64(k1)
        c1, c3 = p1 & mask, p0 & mask
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return numpy.stack([c0, c1, c2, c3], 1)


def mixed(x):
    x = (x + 0x9E3779B97F4A7C15) % 2**64
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    x = (x ^ x >> 27) * 0x94D049BB133111EB % 2**64
    return x ^ x >> 31


def key_of(seed, stream):
    return mixed(seed) ^ mixed(stream + 0x5BD1E995)


def high_of(a, b):
    return mixed(a + 1) ^ mixed(b + 0x632BE59B) * 2 % 2**64


class Random:
    """catdog's (core/random.h), many numbers at a time."""
    INIT, SHUFFLE, SUBSET, AUGMENT = 1, 2, 3, 4  # streams

    def __init__(self, seed, stream, a=0, b=0):
        self.key, self.high, self.used = key_of(seed, stream), high_of(a, b), 0

    def words(self, n):
        first, last = self.used // 4, (self.used + n + 3) // 4
        all_words = philox(self.key, numpy.arange(first, last), self.high).ravel()
        self.used += n
        return all_words[self.used - n - 4 * first:][:n]

    def uniform(self, n):
        return (self.words(n) >> numpy.uint64(8)).astype(numpy.float32) * numpy.float32(2**-24)

    def normal(self, n):
        u, v = self.uniform(2 * n).astype(numpy.float64).reshape(n, 2).T
        return (numpy.sqrt(-2 * numpy.log(1 - u)) * numpy.cos(6.283185307179586 * v)).astype(numpy.float32)

    def shuffled(self, items):
        items, words = list(items), iter(self.words(2 * max(0, len(items) - 1)).tolist())
        for i in range(len(items), 1, -1):
            j = (next(words) << 32 | next(words)) * i >> 64
            items[i - 1], items[j] = items[j], items[i - 1]
        return items


class SharedDraws:
    """What catdog draws with a seed. A sample is its index among the training images: all cats, then all dogs."""

    def __init__(self, seed):
        self.seed = seed

    def weights(self, model, head_init):
        rng = Random(self.seed, Random.INIT)
        for conv in [module for module in model.modules() if isinstance(module, nn.Conv2d)]:
            outputs, channels = conv.weight.shape[:2]
            values = rng.normal(conv.weight.numel()) * math.sqrt(2 / (outputs * 9))
            self.fill(conv.weight, values.reshape(outputs, 3, 3, channels).transpose(0, 3, 1, 2))
        weight, side = model[-1].weight, SIZE // 32
        inputs = weight.numel()
        if head_init == "normal":
            values = rng.normal(inputs) * 0.01
        else:
            values = (2 * rng.uniform(inputs) - 1) * math.sqrt(6 / (inputs + 1))
        self.fill(weight, values.reshape(side, side, -1).transpose(2, 0, 1).reshape(1, inputs))

    @staticmethod
    def fill(weight, values):
        with torch.no_grad():
            weight.copy_(torch.from_numpy(values.astype(numpy.float32)))

    def subset(self, members):
        orders = [Random(self.seed, Random.SUBSET, c).shuffled(own) for c, own in enumerate(members)]
        return [sample for order in orders for sample in order[:PER_CLASS]]

    def order(self, chosen, epoch):
        return Random(self.seed, Random.SHUFFLE, epoch).shuffled(chosen)

    def augmentation(self, samples, epoch):
        highs = [high_of(epoch, sample) for sample in samples]
        words = philox(key_of(self.seed, Random.AUGMENT), 0, numpy.array(highs, numpy.uint64))
        uniform = torch.from_numpy((words >> numpy.uint64(8)).astype(numpy.float32)) * 2**-24
        return uniform[:, 0], uniform[:, 1]


class OwnDraws:
    """The same from PyTorch's generator."""

    def __init__(self, seed):
        self.generator = torch.Generator().manual_seed(seed)

    def weights(self, model, head_init):
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu", generator=self.generator)
        if head_init == "normal":
            nn.init.normal_(model[-1].weight, 0, 0.01, generator=self.generator)
        else:
            nn.init.xavier_uniform_(model[-1].weight, generator=self.generator)

    def subset(self, members):
        return [sample for own in members for sample in self.order(own, 0)[:PER_CLASS]]

    def order(self, chosen, _):
        return [chosen[i] for i in torch.randperm(len(chosen), generator=self.generator).tolist()]

    def augmentation(self, samples, _):
        return torch.rand(len(samples), generator=self.generator), torch.rand(len(samples), generator=self.generator)


DRAWS = {"shared": SharedDraws, "own": OwnDraws}


# -- PyTorch ----------------------------------------------------------------------------------------------------------

def network():
    """torchvision's vgg11_bn with a quarter of the channels, and one dense layer."""
    layers, channels, size = [], 3, SIZE
    for outputs in CHANNELS:
        if outputs == 0:
            layers.append(nn.MaxPool2d(2))
            size //= 2
            continue
        outputs = round(outputs * WIDTH)
        layers += [nn.Conv2d(channels, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
        nn.init.zeros_(layers[-3].bias)
        channels = outputs
    dense = nn.Linear(channels * size * size, 1)
    nn.init.zeros_(dense.bias)
    return nn.Sequential(*layers, nn.Flatten(), dense).to(memory_format=torch.channels_last)


def files(data, split):
    """The images of both classes, each class in the order of the numbers in the names."""
    def numbers(name):
        return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]

    folders = [os.path.join(data, split, name) for name in CLASSES]
    return [[os.path.join(folder, name) for name in sorted(os.listdir(folder), key=numbers) if name.endswith(".jpg")]
            for folder in folders]


def read(path, cache={}):
    """The image as bytes [3, SIZE, SIZE]."""
    if path not in cache:
        with Image.open(path) as image:
            pixels = image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR)
        cache[path] = torch.from_numpy(numpy.array(pixels).transpose(2, 0, 1).copy())
    return cache[path]


def labels_of(members):
    """[N, 1]: 1 for cats, the first class."""
    return torch.tensor([[float(c == 0)] for c, own in enumerate(members) for _ in own])


def scaled(images):
    return (images.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)


def maps(flip, angle):
    """[N, 2, 3] for affine_grid(), of uniform numbers: half of the images are mirrored, all are rotated a little."""
    sign = torch.where(flip < 0.5, -1.0, 1.0)
    angle = (2 * angle - 1) * ROTATION * 2 * math.pi
    zero = torch.zeros_like(angle)
    rows = (torch.stack([sign * angle.cos(), -sign * angle.sin(), zero], 1),
            torch.stack([angle.sin(), angle.cos(), zero], 1))
    return torch.stack(rows, 1)


def augmented(images, theta):
    """Bilinear, and mirrored at the edges beyond them: as catdog's."""
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    return functional.grid_sample(images.float(), grid, "bilinear", "reflection", align_corners=False)


def accuracy(model, images, labels):
    model.eval()
    with torch.inference_mode():
        logits = torch.cat([model(scaled(batch)) for batch in images.split(100)])
    model.train()
    return ((logits > 0) == (labels > 0.5)).float().mean().item()


def run_pytorch(o, seed):
    draws, model = DRAWS[o.draws](seed), network()
    draws.weights(model, o.head_init)
    members = files(o.data, "train")
    labels, paths = labels_of(members), members[0] + members[1]
    first = len(members[0])
    chosen = draws.subset([range(first), range(first, len(paths))])
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=WEIGHT_DECAY)
    steps, step = o.epochs * math.ceil(len(chosen) / BATCH), 0
    for epoch in range(1, o.epochs + 1):
        order, losses = draws.order(chosen, epoch), []
        for start in range(0, len(order), BATCH):
            samples = order[start:start + BATCH]
            images = torch.stack([read(paths[i]) for i in samples])
            x = scaled(augmented(images, maps(*draws.augmentation(samples, epoch))))
            optimizer.param_groups[0]["lr"] = LR * (1 + math.cos(math.pi * step / steps)) / 2
            optimizer.zero_grad()
            loss = functional.binary_cross_entropy_with_logits(model(x), labels[samples])
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            step += 1
        print(f"PyTorch, seed {seed}, epoch {epoch}/{o.epochs}: loss {statistics.mean(losses):.4f}, of the first step "
              f"{losses[0]:.6f}", file=sys.stderr, flush=True)
    members = files(o.data, "validation")
    return accuracy(model, torch.stack([read(path) for own in members for path in own]), labels_of(members))


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
                if row["head_init"] == o.head_init and int(row["epochs"]) == o.epochs
                and row["draws"] in ("catdog", o.draws)}


def append(o, program, seed, value, seconds):
    new = not os.path.exists(o.results)
    with open(o.results, "a") as file:
        if new:
            file.write("program,draws,head_init,epochs,seed,accuracy,seconds\n")
        draws = o.draws if program == "pytorch" else "catdog"
        file.write(f"{program},{draws},{o.head_init},{o.epochs},{seed},{value:.6f},{seconds:.0f}\n")


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
    parser.add_argument("--draws", choices=DRAWS, default="shared", help="whose random numbers PyTorch takes")
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
