"""Writes vgg.json and vgg_layers.json: what PyTorch computes, for tests/layers/test_golden.cpp to agree with.

    python3 tests/layers/golden/make_vgg.py             (needs torch and torchvision; a quarter of a minute)
    python3 tests/layers/golden/make_vgg.py 400         chooses the images again, among so many: see Margin

Neither weights nor images are stored: both sides make them by the same formula, `numbers` below, and only PyTorch's
answers are written, to twelve digits. They are computed in float64, but for the losses called float32, whose last
digits depend on the machine.
"""
import json
import math
import os
import sys

import numpy
import torch
from torch.nn import functional
from torchvision.models import vgg

FOLDER = os.path.dirname(os.path.abspath(__file__))
PROJECTIONS = 16


# -- the numbers: the same formulas as in test_golden.cpp -------------------------------------------------------------

def hashes(name, count):
    """`count` words of 32 random bits: i mixed with the FNV-1a hash of the name by MurmurHash3's finaliser."""
    seed = 0x811C9DC5
    for byte in name.encode():
        seed = (seed ^ byte) * 0x01000193 % 2**32
    h = numpy.arange(count, dtype=numpy.uint32)
    h ^= numpy.uint32(seed)
    for shift, factor in (16, 0x85EBCA6B), (13, 0xC2B2AE35):
        h ^= h >> numpy.uint32(shift)
        h *= numpy.uint32(factor)
    return h ^ (h >> numpy.uint32(16))


def numbers(name, *shape):
    """A float64 tensor of this shape, uniform in [-1, 1): multiples of 2^-23, which a float holds exactly."""
    h = hashes(name, math.prod(shape))
    return torch.from_numpy((h >> numpy.uint32(8)) * 2.0**-23 - 1).reshape(shape)


def projections(name, x):
    """The sums of x with signs: bit b of the hash is set where the b-th has a minus. They stand for all of x, because
    the mean of their squares is on average its squared norm, and the same holds of a difference of two tensors."""
    h, x = hashes(name, x.numel()), x.double().flatten().numpy()
    return [float(numpy.where(h >> numpy.uint32(b) & numpy.uint32(1), -x, x).sum()) for b in range(PROJECTIONS)]


def weights(name, shape):
    """Weights for a tensor of the network, rounded to float: He-uniform, biases and running means small, the scales
    and running variances of batch normalization around 1."""
    u = numbers(name, *shape)
    if len(shape) > 1:
        u *= math.sqrt(6 / math.prod(shape[1:]))
    elif name.endswith(("bias", "running_mean")):
        u *= 0.125
    else:
        u = 1 + 0.5 * u
    return u.float()


def batch(spec, dtype):
    """Noise, on average darker or brighter by the class: image n is of class n % classes."""
    n, size, classes = spec["batch"], spec["image_size"], spec["classes"]
    labels = torch.arange(n) % classes
    brightness = (labels - (classes - 1) / 2).reshape(n, 1, 1, 1)
    return ((numbers(f"pictures {spec['seed']}", n, 3, size, size) + brightness) / 2).to(dtype), labels


# -- the networks -----------------------------------------------------------------------------------------------------

class LectureVgg(torch.nn.Module):
    """torchvision's features, and one dense layer."""

    def __init__(self, features, inputs, outputs):
        super().__init__()
        self.features = features
        self.classifier = torch.nn.Sequential(torch.nn.Linear(inputs, outputs))

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


def network(spec, dtype):
    columns = [c if c == "M" else round(c * spec["width"]) for c in vgg.cfgs["D"]]
    features = vgg.make_layers(columns, batch_norm=spec["name"].endswith("_bn"))
    channels, size = columns[-2], spec["image_size"] // 32
    if spec["head"] == "lectures":
        model = LectureVgg(features, channels * size * size, spec["outputs"])
    else:
        model = vgg.VGG(features, num_classes=spec["outputs"], init_weights=False)
        model.classifier[0] = torch.nn.Linear(channels * 7 * 7, 4096)
    state = model.state_dict()
    for name, tensor in state.items():
        if not name.endswith("num_batches_tracked"):
            state[name] = weights(name, tensor.shape)
    model.load_state_dict(state)
    return model.to(dtype)


def shapes(model):
    return {name: list(tensor.shape) for name, tensor in model.state_dict().items()}


def compute_loss(name, z, labels):
    if name == "cross-entropy":
        return functional.cross_entropy(z, labels)
    y = (labels == 1).to(z.dtype)
    bce = functional.binary_cross_entropy_with_logits(z.flatten(), y, reduction="none")
    if name == "bce":
        return bce.mean()
    assert name == "focal"  # gamma 2, alpha 0.5; p_t = e^-bce
    return (0.5 * (1 - torch.exp(-bce)) ** 2 * bce).mean()


def train(model, spec, dtype, after_backward=lambda step: None):
    """The losses of the steps, each before its update."""
    x, labels = batch(spec, dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=spec["lr"], momentum=0.9)
    losses = []
    for step in range(spec["steps"]):
        optimizer.zero_grad()
        loss = compute_loss(spec["loss"], model(x), labels)
        loss.backward()
        after_backward(step)
        optimizer.step()
        losses.append(loss.item())
    return losses


def gradients(model):
    """Of each parameter the gradient's norm and projections."""
    return {name: {"norm": p.grad.norm().item(), "projections": projections(name, p.grad)}
            for name, p in model.named_parameters()}


SMALL = {"name": "vgg16", "width": 1 / 16, "image_size": 64, "head": "lectures", "outputs": 1, "batch": 4, "classes": 2,
         "loss": "bce"}


def training_case(watch, loss, lr, outputs, seed):
    spec = {**SMALL, "image_size": 32, "batch": 8, "loss": loss, "lr": lr, "steps": 20, "outputs": outputs,
            "classes": max(2, outputs), "seed": seed}
    model = watch(network(spec, torch.float64))
    return {**spec, "shapes": shapes(model), "float64": train(model, spec, torch.float64),
            "float32": train(network(spec, torch.float32), spec, torch.float32)}


def gradient_case(watch, width, image_size, batch_size, entries, seed):
    spec = {**SMALL, "width": width, "image_size": image_size, "batch": batch_size, "seed": seed}
    model = watch(network(spec, torch.float64))
    x, labels = batch(spec, torch.float64)
    compute_loss(spec["loss"], model(x), labels).backward()
    whole = {name: p.grad for name, p in model.named_parameters() if p.numel() <= entries}
    return {**spec, "shapes": shapes(model), "gradients": gradients(model), "whole": whole}


def batch_norm_case(watch, seed):
    spec = {**SMALL, "name": "vgg16_bn", "lr": 0.001, "steps": 3, "seed": seed}
    model = watch(network(spec, torch.float64))
    x, _ = batch(spec, torch.float64)
    with torch.no_grad():
        train_logits = network(spec, torch.float64)(x)
    first = {}

    def after_backward(step):
        if step == 0:
            first.update(gradients(model))

    losses = train(model, spec, torch.float64, after_backward)
    running = {name: b.clone() for name, b in model.named_buffers() if not name.endswith("tracked")}
    with torch.no_grad():
        eval_logits = model.eval()(x)
    return {**spec, "shapes": shapes(model), "train_logits": train_logits, "losses": losses, "gradients": first,
            "running": running, "eval_logits": eval_logits}


def imagenet_case(watch, seed):
    spec = {**SMALL, "head": "imagenet", "image_size": 96, "outputs": 10, "seed": seed}
    model = watch(network(spec, torch.float64).eval())
    with torch.no_grad():
        return {**spec, "shapes": shapes(model), "logits": model(batch(spec, torch.float64)[0])}


# -- kinks ------------------------------------------------------------------------------------------------------------

class TooClose(Exception):
    pass


class Margin:
    """How far a network keeps from the kinks: the smallest |x| before a relu, and the smallest lead of the largest in
    a window of a pooling, each divided by the standard deviation of its layer. Another order of summation moves x by
    about 1e-6. Where that is enough to put some x on the other side, the gradient jumps by 1e-3, in PyTorch as
    here, and no two programs agree; so the images below are chosen, in PyTorch alone, to keep clear of it."""

    def __init__(self, enough=0.0):
        self.value, self.enough = math.inf, enough

    def __call__(self, model):
        for module in model.modules():
            if isinstance(module, torch.nn.ReLU):
                module.register_forward_pre_hook(lambda _, x: self.see(x[0].detach(), x[0].detach().abs()))
            elif isinstance(module, torch.nn.MaxPool2d):
                module.register_forward_pre_hook(lambda _, x: self.see(x[0].detach(), self.leads(x[0].detach())))
        return model

    def see(self, x, distances):
        self.value = min([self.value, *(distances.min() / x.std()).flatten().tolist()])
        if self.value < self.enough:
            raise TooClose

    @staticmethod
    def leads(x):
        """Where the largest is 0, relu passes no gradient and a tie does not matter."""
        top = x.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4).topk(2).values
        lead = top[..., 0] - top[..., 1]
        return torch.where(top[..., 0] > 0, lead, math.inf)


def choose(make, *arguments, seeds):
    """The seed of the images that keep farthest from the kinks."""
    best, chosen = 0.0, None
    for seed in range(seeds):
        margin = Margin(best)
        try:
            make(margin, *arguments, seed)
            best, chosen = margin.value, seed
        except TooClose:
            pass
    return chosen


# -- single operations ------------------------------------------------------------------------------------------------

def layer_case(op, inputs, **params):
    """y = op(inputs), and the gradients of sum(y dy) with dy from `numbers`. Images are N, C, H, W."""
    key = " ".join(map(str, [op, *params.values(), *inputs.values()]))
    x = {name: numbers(key + name, *shape).requires_grad_() for name, shape in inputs.items()}
    running = {}
    if op == "conv2d":
        y = functional.conv2d(x["x"], x["weight"], x.get("bias"), params["stride"], params["pad"])
    elif op in ("max_pool2d", "avg_pool2d"):
        y = getattr(functional, op)(x["x"], params["window"], params["stride"], params["pad"])
    elif op == "adaptive_avg_pool2d":
        y = functional.adaptive_avg_pool2d(x["x"], (params["rows"], params["columns"]))
    elif op == "batch_norm":
        channels = inputs["weight"]
        running = {"running_mean": numbers(key + "running_mean", *channels),
                   "running_var": 1 + 0.5 * numbers(key + "running_var", *channels)}
        y = functional.batch_norm(x["x"], running["running_mean"], running["running_var"], x["weight"], x["bias"],
                                  params["training"], params["momentum"], params["eps"])
    elif op == "log_softmax":
        y = functional.log_softmax(x["x"], dim=1)
    (y * numbers(key + "dy", *y.shape)).sum().backward()
    return {"key": key, "op": op, **params, "inputs": inputs, "shape": list(y.shape), "y": y.detach(),
            "running": running, "gradients": {name: tensor.grad for name, tensor in x.items()}}


def layer_cases():
    def conv(x, weight, stride, pad, bias=True):
        inputs = {"x": x, "weight": weight, **({"bias": weight[:1]} if bias else {})}
        return layer_case("conv2d", inputs, stride=stride, pad=pad)

    def norm(training, momentum=0.1, eps=1e-5):
        return layer_case("batch_norm", {"x": [3, 2, 2, 3], "weight": [2], "bias": [2]}, training=training,
                          momentum=momentum, eps=eps)

    image = [2, 2, 5, 6]
    return [
        conv([2, 3, 5, 4], [2, 3, 3, 3], 1, 1),
        conv([1, 4, 9, 8], [5, 4, 3, 3], 1, 1),
        conv(image, [3, 2, 3, 3], 2, 1),
        conv(image, [3, 2, 3, 3], 1, 0, bias=False),
        conv([1, 2, 7, 6], [2, 2, 5, 5], 3, 2),
        conv(image, [3, 2, 1, 1], 1, 0),
        conv(image, [3, 2, 1, 1], 2, 0, bias=False),
        layer_case("max_pool2d", {"x": image}, window=2, stride=2, pad=0),
        layer_case("max_pool2d", {"x": image}, window=3, stride=2, pad=1),
        layer_case("avg_pool2d", {"x": image}, window=2, stride=2, pad=0),
        layer_case("avg_pool2d", {"x": image}, window=3, stride=2, pad=1),
        layer_case("adaptive_avg_pool2d", {"x": [2, 2, 7, 8]}, rows=3, columns=3),
        layer_case("adaptive_avg_pool2d", {"x": [2, 2, 3, 2]}, rows=7, columns=5),
        layer_case("adaptive_avg_pool2d", {"x": image}, rows=1, columns=1),
        norm(training=True),
        norm(training=True, momentum=0.3, eps=1e-3),
        norm(training=False),
        layer_case("log_softmax", {"x": [4, 5]}),
    ]


# -- writing ----------------------------------------------------------------------------------------------------------

def text(value, indent=""):
    """JSON with a line for each list of numbers."""
    if isinstance(value, torch.Tensor):
        value = value.flatten().tolist()
    if isinstance(value, dict) or (isinstance(value, list) and value and isinstance(value[0], dict)):
        inner = indent + " "
        if isinstance(value, dict):
            lines = [f"{inner}{json.dumps(key)}: {text(item, inner)}" for key, item in value.items()]
        else:
            lines = [inner + text(item, inner) for item in value]
        left, right = "{}" if isinstance(value, dict) else "[]"
        return left + "\n" + ",\n".join(lines) + f"\n{indent}{right}" if lines else left + right
    if isinstance(value, list):
        return "[" + ", ".join(text(item) for item in value) + "]"
    return f"{value:.12g}" if isinstance(value, float) else json.dumps(value)


def write(name, value):
    with open(os.path.join(FOLDER, name), "w") as file:
        file.write(text(value) + "\n")


def case(make, *arguments, seed):
    """What make() computes with this seed or, if the command line says how many to try, with the best one."""
    if len(sys.argv) > 1:
        seed = choose(make, *arguments, seeds=int(sys.argv[1]))
    margin = Margin()
    result = make(margin, *arguments, seed)
    print(f"{make.__name__}{arguments}: seed {seed} keeps {margin.value:.1e} from the kinks", flush=True)
    return {"margin": margin.value, **result}


def main():
    torch.set_num_threads(1)
    write("vgg_layers.json", layer_cases())
    write("vgg.json", {
        "training": [
            case(training_case, "bce", 0.003, 1, seed=376),
            case(training_case, "focal", 0.01, 1, seed=221),
            case(training_case, "cross-entropy", 0.001, 3, seed=330),
        ],
        "gradients": [
            case(gradient_case, 1 / 16, 64, 4, 300, seed=1993),
            case(gradient_case, 1, 32, 2, 100, seed=781),
        ],
        "batch_norm": case(batch_norm_case, seed=838),
        "imagenet": case(imagenet_case, seed=0),
    })


if __name__ == "__main__":
    main()
