"""Writes resnet.json: what PyTorch computes with ResNets, for tests/layers/test_golden_resnet.cpp to agree with.

    python3 tests/layers/golden/make_resnet.py          (needs torch and torchvision; two minutes)
    python3 tests/layers/golden/make_resnet.py 100      chooses the images again, among so many

Weights and images come from the formulas of make_vgg.py, beside this script, and are not stored. resnet18 and resnet50
are torchvision's; resnet20 is written out here, after section 4.2 of He et al. 2016 with the shortcuts of option A.
"""

import torch
import torchvision
from make_vgg import batch, case, compute_loss, gradients, numbers, shapes, train, weights, write
from torch import nn
from torch.nn import functional


class CifarBlock(nn.Module):
    def __init__(self, channels, planes, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.relu1, self.relu2 = nn.ReLU(), nn.ReLU()
        self.stride, self.new = stride, planes - channels

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu1(self.bn1(self.conv1(x)))))
        if self.new:
            before = self.new // 2
            x = functional.pad(x[:, :, ::self.stride, ::self.stride], (0, 0, 0, 0, before, self.new - before))
        return self.relu2(y + x)


class CifarResNet(nn.Module):
    def __init__(self, blocks, outputs):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU()
        channels = 16
        for stage in range(3):
            layer = []
            for i in range(blocks):
                layer.append(CifarBlock(channels, 16 << stage, 2 if stage and i == 0 else 1))
                channels = 16 << stage
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layer))
        self.linear = nn.Linear(64, outputs)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


def network(spec, dtype):
    if spec["name"] == "resnet20":
        model = CifarResNet(3, spec["outputs"])
    else:
        model = getattr(torchvision.models, spec["name"])(num_classes=spec["outputs"])
        for module in model.modules():
            if isinstance(module, nn.ReLU):
                module.inplace = False
    state = model.state_dict()
    for name, tensor in state.items():
        if not name.endswith("num_batches_tracked"):
            state[name] = weights(name, tensor.shape)
    model.load_state_dict(state)
    return model.to(dtype)


COMMON = {"width": 1, "head": "imagenet", "loss": "cross-entropy"}


def gradient_case(watch, name, image_size, batch_size, outputs, seed):
    """Logits, gradients and running statistics of one step in training mode, then logits and gradients in evaluation
    mode. (In training mode the gradients of resnet50 are so badly conditioned that PyTorch's own float32 and float64
    differ by some percent; in evaluation mode they agree.)"""
    spec = {**COMMON, "name": name, "image_size": image_size, "batch": batch_size, "outputs": outputs,
            "classes": outputs, "seed": seed}
    model = watch(network(spec, torch.float64))
    x, labels = batch(spec, torch.float64)
    logits = model(x)
    compute_loss(spec["loss"], logits, labels).backward()
    result = {**spec, "shapes": shapes(model), "train_logits": logits.detach(), "gradients": gradients(model)}
    running = {key: b.clone() for key, b in model.named_buffers()
               if not key.endswith("tracked") and b.numel() <= 128}
    model.zero_grad()
    logits = model.eval()(x)
    (logits * numbers("dz", *logits.shape)).sum().backward()  # not a loss, whose exponentials would amplify rounding
    return {**result, "running": running, "eval_logits": logits.detach(), "eval_gradients": gradients(model)}


def training_case(watch, name, image_size, batch_size, outputs, lr, seed):
    spec = {**COMMON, "name": name, "image_size": image_size, "batch": batch_size, "outputs": outputs,
            "classes": outputs, "seed": seed, "lr": lr, "steps": 20}
    model = watch(network(spec, torch.float64))
    result = {**spec, "float64": train(model, spec, torch.float64),
              "float32": train(network(spec, torch.float32), spec, torch.float32)}
    print("float32 differs by", max(abs(a / b - 1) for a, b in zip(result["float32"], result["float64"])), flush=True)
    return result


def main():
    torch.set_num_threads(1)
    write("resnet.json", {
        "gradients": [
            case(gradient_case, "resnet20", 32, 4, 3, seed=0),
            case(gradient_case, "resnet18", 64, 4, 3, seed=0),
            case(gradient_case, "resnet50", 64, 4, 3, seed=0),
        ],
        "training": [
            case(training_case, "resnet20", 32, 8, 3, 0.0001, seed=0),
            case(training_case, "resnet18", 64, 4, 3, 2e-6, seed=0),
            case(training_case, "resnet50", 64, 4, 3, 1e-10, seed=0),
        ],
    })


if __name__ == "__main__":
    main()
