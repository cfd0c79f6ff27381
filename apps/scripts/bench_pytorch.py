"""One process of PyTorch for bench.py: does what apps/bench.cpp does, with its arguments, and prints one line of JSON.

    python3 apps/scripts/bench_pytorch.py train --size 160 --batch 16 --width 1 --threads 2 --seconds 1
    python3 apps/scripts/bench_pytorch.py train,infer --variant eager,compile --device cuda --precision bf16 --batch 256

Several modes or variants are timed one after the other, each with a line of its own, printed as soon as it is known. One
that fails then gets a line with its error, and the others go on.

Tensors are in channels_last, PyTorch's fastest layout on CPUs and for tensor cores. With BENCH_TRY in the environment
(see bench.py) the CPU stands in for the GPU.
"""
import argparse
import gc
import json
import os
import re
import resource
import statistics
import sys
import time

TRY = os.environ.get("BENCH_TRY")
CHANNELS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)  # VGG16's; 0 is a pooling
LAYERS = ((1, 3, 64), (1, 64, 64), (2, 64, 128), (2, 128, 128), (4, 128, 256), (4, 256, 256), (8, 256, 512),
          (8, 512, 512), (16, 512, 512))


def seconds_of(run, budget, warm_up=1, forget=None, wait=lambda: None, at_once=1):
    """The median duration of run() until wait() returns, which is called after `at_once` runs. After the warm-up comes
    forget(), if there is one, and then run() once more."""
    durations = []
    for _ in range(warm_up):
        run()
    wait()
    if forget:
        forget()
        run()
        wait()
    start = time.perf_counter()
    while not durations or time.perf_counter() - start < budget:
        before = time.perf_counter()
        for _ in range(at_once):
            run()
        wait()
        durations.append((time.perf_counter() - before) / at_once)
    return statistics.median(durations)


def vgg16(o):
    from torch import nn

    layers, channels = [], 3
    for outputs in CHANNELS:
        if outputs == 0:
            layers.append(nn.MaxPool2d(2))
        else:
            outputs = max(1, round(outputs * o.width))
            layers += [nn.Conv2d(channels, outputs, 3, padding=1), nn.ReLU(inplace=True)]
            channels = outputs
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * (o.size // 32) ** 2, 1))


def cifar_resnet(depth):
    """He et al. 2016 section 4.2, with the shortcuts of option A."""
    from torch import nn
    from torch.nn import functional

    class Block(nn.Module):
        def __init__(self, channels, planes, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(channels, planes, 3, stride, 1, bias=False)
            self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
            self.bn1, self.bn2 = nn.BatchNorm2d(planes), nn.BatchNorm2d(planes)
            self.stride, self.new = stride, planes - channels

        def forward(self, x):
            y = functional.relu(self.bn1(self.conv1(x)), inplace=True)
            y = self.bn2(self.conv2(y))
            if self.new:
                x = functional.pad(x[:, :, ::self.stride, ::self.stride],
                                   (0, 0, 0, 0, self.new // 2, self.new - self.new // 2))
            return functional.relu_(y.add_(x))

    layers, channels = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)], 16
    for stage, planes in enumerate((16, 32, 64)):
        for i in range((depth - 2) // 6):
            layers.append(Block(channels, planes, 2 if stage and i == 0 else 1))
            channels = planes
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 1))


def network_of(o):
    if o.model == "vgg16":
        return vgg16(o)
    if o.model in ("resnet18", "resnet34", "resnet50"):
        import torchvision
        return getattr(torchvision.models, o.model)(num_classes=1)
    return cifar_resnet(int(o.model[len("resnet"):]))


def pytorch_step(o):
    """A function that runs the training step or forward pass, and one that waits until the device has finished."""
    import torch
    from torch import nn

    device = "cpu"
    if o.device == "cuda" and not TRY:
        if not torch.cuda.is_available():
            sys.exit("this PyTorch sees no GPU")
        device = "cuda"
    bf16 = o.precision == "bf16"
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = o.precision != "fp32"
    torch.set_float32_matmul_precision("highest" if o.precision == "fp32" else "high")

    model = network_of(o).to(device, memory_format=torch.channels_last)
    model.train(o.mode == "train")
    x = torch.rand(o.batch, 3, o.size, o.size).mul_(2).sub_(1).to(memory_format=torch.channels_last)
    x = x.to(device, torch.bfloat16 if bf16 else torch.float32)
    y = (torch.arange(o.batch) % 2 == 0).float().unsqueeze(1).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9, fused=True if device == "cuda" else None)
    loss_of = nn.BCEWithLogitsLoss()
    network = {"eager": lambda: model, "compile": lambda: torch.compile(model),
               "max-autotune": lambda: torch.compile(model, mode="max-autotune-no-cudagraphs")}[o.variant]()

    def train():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, torch.bfloat16, enabled=bf16):
            loss = loss_of(network(x), y)
        loss.backward()
        optimizer.step()

    def infer():
        with torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=bf16):
            network(x).float().cpu()

    return train if o.mode == "train" else infer, torch.cuda.synchronize if device == "cuda" else lambda: None


def pytorch_network(o):
    import torch

    step, wait = pytorch_step(o)
    if o.device != "cuda":
        seconds = seconds_of(step, o.seconds)
        memory = {"peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
    elif TRY:  # the CPU stands in, and nothing counts its memory
        seconds, memory = seconds_of(step, o.seconds), {"allocated_mib": 0, "reserved_mib": 0}
    else:
        def forget():  # the choice of algorithms needs more memory than the steps that follow
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

        # Ten steps are enqueued before the first is waited for, as by our own bench.
        seconds = seconds_of(step, o.seconds, 5, forget, wait, at_once=10)
        memory = {"allocated_mib": torch.cuda.max_memory_allocated() / 2**20,
                  "reserved_mib": torch.cuda.max_memory_reserved() / 2**20}
    return {"seconds": seconds, **memory, "threads": torch.get_num_threads()}


# The kind of a kernel by its name: the first pattern that matches. cuDNN's convolutions may have "gemm" in their names.
KERNELS = (("optimizer", "multi_tensor_apply|sgd"), ("pooling", "pool"),
           ("convolution dx", "dgrad"), ("convolution dw", "wgrad"), ("convolution forward", "fprop|conv"),
           ("product of matrices", "gemm|gemv|nvjet|cutlass|cublas|addmm|splitk"),
           ("reduction", "reduce|sum"), ("elementwise", "elementwise|relu|threshold|copy|bias|fill|triton"))


def pytorch_operations(o):
    """The kernels of a training step: seconds by kind, and the longest kernels of unknown kind."""
    import torch
    from torch.autograd import DeviceType
    from torch.profiler import ProfilerActivity, profile

    o.mode = "train"
    step, wait = pytorch_step(o)
    for _ in range(5):
        step()
    wait()
    on_gpu = not TRY
    with profile(activities=[ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU]) as profiled:
        step()
        wait()
    kinds, others = {}, {}
    for event in profiled.events():
        if on_gpu and (event.device_type != DeviceType.CUDA or getattr(event, "is_user_annotation", False)):
            continue
        seconds = (event.time_range.elapsed_us() if on_gpu else event.self_cpu_time_total) / 1e6
        kind = next((kind for kind, names in KERNELS if re.search(names, event.name, re.IGNORECASE)), "other")
        kinds[kind] = kinds.get(kind, 0) + seconds
        if kind == "other":
            others[event.name] = others.get(event.name, 0) + seconds
    return {"kinds": kinds, "others": sorted(others.items(), key=lambda named: -named[1])[:5]}


def pytorch_layers(o):
    import torch
    from torch.nn import functional

    def random(*shape):
        return torch.rand(*shape).mul_(2).sub_(1).to(memory_format=torch.channels_last)

    table = []
    for shrink, channels, outputs in LAYERS:
        size = o.size // shrink
        x, dy = random(o.batch, channels, size, size), random(o.batch, outputs, size, size)
        w, bias = random(outputs, channels, 3, 3), torch.rand(outputs)

        def forward():
            with torch.inference_mode():
                functional.relu_(functional.conv2d(x, w, bias, padding=1))

        def gradient(mask):
            torch.ops.aten.convolution_backward(dy, x, w, None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1, mask)

        table.append({"size": size, "channels": channels, "outputs": outputs,
                      "forward": seconds_of(forward, o.seconds / 10),
                      "dx": seconds_of(lambda: gradient([True, False, False]), o.seconds / 10),
                      "dw": seconds_of(lambda: gradient([False, True, False]), o.seconds / 10)})
    return {"layers": table, "threads": torch.get_num_threads()}


def main():
    import torch

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modes")
    for name, kind, default in (("size", int, 160), ("batch", int, 16), ("width", float, 1), ("threads", int, 0),
                                ("seconds", float, 1)):
        parser.add_argument("--" + name, type=kind, default=default)
    for name, default in (("model", "vgg16"), ("device", "cpu"), ("precision", "fp32"), ("variant", "eager")):
        parser.add_argument("--" + name, default=default)
    o = parser.parse_args(sys.argv[1:])
    if o.threads:
        torch.set_num_threads(o.threads)
    torch.manual_seed(1)
    functions = {"layers": pytorch_layers, "operations": pytorch_operations}
    runs = [(mode, variant) for variant in o.variant.split(",") for mode in o.modes.split(",")]
    failures = 0
    for o.mode, o.variant in runs:
        line = {"mode": o.mode, "variant": o.variant, "size": o.size, "batch": o.batch, "model": o.model,
                "precision": o.precision,
                "pytorch": f"PyTorch {torch.__version__}, cuDNN {torch.backends.cudnn.version()}"}
        try:
            line.update(functions.get(o.mode, pytorch_network)(o))
        except Exception as error:  # out of memory, or no compiler for torch.compile
            if len(runs) == 1:
                raise
            line["error"] = (str(error).strip() or repr(error)).splitlines()[0]
            failures += 1
        print(json.dumps(line), flush=True)
        # The next begins as a process of its own would: without compiled code and with all memory free.
        torch._dynamo.reset()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
    sys.exit(1 if failures == len(runs) else 0)


if __name__ == "__main__":
    main()
