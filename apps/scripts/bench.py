"""Times Counterpoise and PyTorch in turns, process by process, and prints Markdown tables of both and their ratio.

    make bench                              # all tables; those of the GPU where there is one
    python3 apps/scripts/bench.py network layers growth steps [--rounds 3] [--seconds 1]
    python3 apps/scripts/bench.py gpu operations [--precision bf16] [--cases "train 160 256,infer 160 256"] [--thorough]

PyTorch is wanted only here: `pip install torch` (its CPU build suffices for the processor). Without it ours is printed
alone. A pair is one run of each right after the other, so that whatever else the machine does meets both; a table gives
the medians of the runs and of the pairs' ratios.
"""
import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time

# To try the GPU's tables where there is none: BENCH_TRY is the path of a `bench` whose GPU is an emulated one, and
# PyTorch takes the processor.
TRY = os.environ.get("BENCH_TRY")
BENCH = TRY or os.environ.get("BENCH") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench")
CHANNELS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)  # VGG16's; 0 is a pooling
LAYERS = ((1, 3, 64), (1, 64, 64), (2, 64, 128), (2, 128, 128), (4, 128, 256), (4, 256, 256), (8, 256, 512),
          (8, 512, 512), (16, 512, 512))

TABLES, GPU_TABLES = ("network", "layers", "growth", "steps"), ("gpu", "operations")
CASES = [(mode, size, batch) for mode in ("train", "infer") for size in (160, 224) for batch in (32, 128, 256)]

# -- PyTorch: what apps/bench.cpp does, in channels_last, PyTorch's fastest layout on processors and for tensor cores --


def seconds_of(run, budget, warm_up=1):
    durations = []
    for _ in range(warm_up):
        run()
    start = time.perf_counter()
    while not durations or time.perf_counter() - start < budget:
        before = time.perf_counter()
        run()
        durations.append(time.perf_counter() - before)
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


def pytorch_step(o):
    """The training step or forward pass that is asked for, as a function, and one that waits until all is done."""
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

    model = vgg16(o).to(device, memory_format=torch.channels_last)
    x = torch.rand(o.batch, 3, o.size, o.size).mul_(2).sub_(1).to(memory_format=torch.channels_last)
    x = x.to(device, torch.bfloat16 if bf16 else torch.float32)
    y = (torch.arange(o.batch) % 2 == 0).float().unsqueeze(1).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9, fused=True if device == "cuda" else None)
    loss_of = nn.BCEWithLogitsLoss()
    network = {"eager": lambda: model, "compile": lambda: torch.compile(model),
               "max-autotune": lambda: torch.compile(model, mode="max-autotune-no-cudagraphs")}[o.way]()

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

    def run():
        step()
        wait()

    seconds = seconds_of(run, o.seconds, 5 if o.device == "cuda" else 1)
    if o.device == "cuda" and not TRY:
        peak = torch.cuda.max_memory_reserved() / 2**20
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "peak_mib": peak, "threads": torch.get_num_threads()}


# What kernels are for, by their names: the first pattern that is found. Names of cuDNN's convolutions may say "gemm".
KERNELS = (("optimizer", "multi_tensor_apply|sgd"), ("pooling", "pool"),
           ("convolution dx", "dgrad"), ("convolution dw", "wgrad"), ("convolution forward", "fprop|conv"),
           ("product of matrices", "gemm|gemv|nvjet|cutlass|cublas|addmm|splitk"),
           ("reduction", "reduce|sum"), ("elementwise", "elementwise|relu|threshold|copy|bias|fill|triton"))


def pytorch_operations(o):
    """The kernels of a training step: seconds by kind, and the longest of those whose kind is not known."""
    import torch
    from torch.autograd import DeviceType
    from torch.profiler import ProfilerActivity, profile

    o.mode = "train"
    step, wait = pytorch_step(o)
    for _ in range(5):
        step()
    wait()
    on_card = not TRY
    with profile(activities=[ProfilerActivity.CUDA if on_card else ProfilerActivity.CPU]) as profiled:
        step()
        wait()
    kinds, others = {}, {}
    for event in profiled.events():
        if on_card and (event.device_type != DeviceType.CUDA or getattr(event, "is_user_annotation", False)):
            continue
        seconds = (event.time_range.elapsed_us() if on_card else event.self_cpu_time_total) / 1e6
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


# -- the comparison --


def say(text):
    print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


class Comparison:
    def __init__(self, options, pytorch):
        self.rounds, self.seconds, self.pytorch = options.rounds, options.seconds, pytorch
        self.precision, self.cases, self.thorough = options.precision, options.cases, options.thorough

    def runs(self, mode, size, batch, width=1, threads=0):
        """Our results and PyTorch's, of `rounds` pairs."""
        threads = threads or len(os.sched_getaffinity(0))
        arguments = [mode, "--size", size, "--batch", batch, "--width", width, "--threads", threads, "--seconds",
                     self.seconds]
        arguments = [str(a) for a in arguments]
        ours, theirs = [], []
        for i in range(self.rounds):
            say(f"{' '.join(arguments[:-2])}: pair {i + 1} of {self.rounds}")
            ours.append(self.measure([BENCH] + arguments))
            if self.pytorch:
                theirs.append(self.measure([sys.executable, __file__, "--pytorch"] + arguments))
        say("")
        return ours, theirs

    @staticmethod
    def measure(command):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
        return json.loads(done.stdout)

    def cells(self, ours, theirs):
        """A time of ours, PyTorch's and the ratio, from lists of seconds."""
        mine = f"{statistics.median(ours) * 1e3:.4g}"
        if not theirs:
            return f"{mine} | - | -"
        ratio = statistics.median(t / o for o, t in zip(ours, theirs))
        return f"{mine} | {statistics.median(theirs) * 1e3:.4g} | {ratio:.2f}"

    def row(self, title, *case, **keywords):
        ours, theirs = self.runs(*case, **keywords)
        seconds, peak = ([[r[key] for r in runs] for runs in (ours, theirs)] for key in ("seconds", "peak_mib"))
        memory = " | ".join(f"{statistics.median(p):.0f}" if p else "-" for p in peak)
        print(f"| {title} | {self.cells(*seconds)} | {memory} |", flush=True)
        return statistics.median(seconds[0])

    HEADER = "| | ours, ms | PyTorch, ms | ratio | ours, MiB | PyTorch, MiB |\n|---|---|---|---|---|---|"

    def network(self):
        print(f"\n{self.HEADER}")
        for mode in "train", "infer":
            for size in 160, 224:
                for batch in 1, 16, 32:
                    self.row(f"{mode} {size}x{size}, batch {batch}", mode, size, batch)

    def layers(self):
        for size, batch in (160, 16), (160, 1), (224, 16):
            ours, theirs = self.runs("layers", size, batch)
            print(f"\nms at batch {batch} | forward: ours | PyTorch | ratio | dx: ours | PyTorch | ratio "
                  "| dw: ours | PyTorch | ratio\n" + "---|" * 9 + "---")
            for i, layer in enumerate(ours[0]["layers"]):
                times = [self.cells(*([r["layers"][i][p] for r in runs] for runs in (ours, theirs)))
                         for p in ("forward", "dx", "dw")]
                print(f"{layer['size']}x{layer['size']}, {layer['channels']} to {layer['outputs']} | "
                      + " | ".join(times))

    def growth(self):
        print(f"\n{self.HEADER}")
        for batch in 1, 2, 4, 8, 16, 32, 64:
            self.row(f"train 160x160, batch {batch}", "train", 160, batch)
        for size in 64, 96, 128, 160, 192, 224, 256:
            self.row(f"train {size}x{size}, batch 8", "train", size, 8)
        for width in 0.25, 0.5, 0.75, 1:
            self.row(f"train 160x160, batch 16, width {width}", "train", 160, 16, width=width)
        one, two = (self.row(f"train 160x160, batch 16, {threads} thread{'s' * (threads > 1)}", "train", 160, 16,
                             threads=threads) for threads in (1, 2))
        print(f"\nTwo threads are {one / two:.2f} times as fast as one.")

    def steps(self):
        """The ways of a convolution, each as many times as fast as the one before; PyTorch has no part in it."""
        runs = []
        for i in range(self.rounds):
            say(f"steps: run {i + 1} of {self.rounds}")
            runs.append(self.measure([BENCH, "steps", "--seconds", str(self.seconds)])["steps"])
        say("")
        print("\n| | forward, ms | times faster | error | dw, ms | times faster | error |\n|" + "---|" * 7)
        before = None
        for i, step in enumerate(runs[0]):
            now = [statistics.median(run[i][p] for run in runs) for p in ("forward", "dw")]
            faster = [f"{b / n:.1f}" for b, n in zip(before, now)] if before else ["", ""]
            print(f"| {step['name']} | {now[0] * 1e3:.4g} | {faster[0]} | {step['forward_error']:.1e} "
                  f"| {now[1] * 1e3:.4g} | {faster[1]} | {step['dw_error']:.1e} |")
            before = now

    def on_card(self, mode, size, batch):
        """The arguments of a run on the GPU."""
        return [str(a) for a in (mode, "--size", size, "--batch", batch, "--width", 0.05 if TRY else 1, "--seconds",
                                 self.seconds, "--device", "cuda", "--precision", self.precision)]

    def gpu(self):
        """Ours beside PyTorch's ways, of which the fastest is what the ratio is to."""
        ways = (["eager", "compile"] + ["max-autotune"] * self.thorough) if self.pytorch else []
        print("\n| | " + " | ".join([f"ours, {unit}" + "".join(f" | {way}, {unit}" for way in ways)
                                     + " | ratio" * (unit == "ms") for unit in ("ms", "MiB")]) + " |")
        print("|" + "---|" * (2 * len(ways) + 4))
        for mode, size, batch in self.cases or CASES:
            arguments = self.on_card(mode, size, batch)
            runs, failed = {name: [] for name in ["ours"] + ways}, {}
            for i in range(self.rounds):
                for name in runs:
                    if name in failed:
                        continue
                    say(f"{mode} {size}x{size}, batch {batch}, round {i + 1} of {self.rounds}: {name}")
                    command = [sys.executable, __file__, "--pytorch", "--way", name] if name in ways else [BENCH]
                    try:
                        runs[name].append(self.measure(command + arguments))
                    except RuntimeError as error:  # no memory, or no compiler for torch.compile: go on without it
                        if name == "ours":
                            raise
                        failed[name] = error
            say("")
            seconds, peak = ({name: statistics.median(run[key] for run in runs[name]) for name in runs
                              if name not in failed} for key in ("seconds", "peak_mib"))
            ratio = "-"
            if len(seconds) > 1:
                best = min((name for name in seconds if name != "ours"), key=seconds.get)
                pairs = zip(runs["ours"], runs[best])
                ratio = f"{statistics.median(theirs['seconds'] / ours['seconds'] for ours, theirs in pairs):.2f}"
            cells = [f"{seconds[name] * 1e3:.4g}" if name in seconds else "-" for name in runs] + [ratio]
            cells += [f"{peak[name]:.0f}" if name in peak else "-" for name in runs]
            print(f"| {mode} {size}x{size}, batch {batch} | " + " | ".join(cells) + " |", flush=True)
            for name, error in failed.items():
                print(f"bench: without {name} here: {error}", file=sys.stderr)

    # What our operations are for, in the words of KERNELS.
    KINDS = {"conv2d, bias, relu": "convolution forward", "conv2d dx": "convolution dx", "conv2d dw": "convolution dw",
             "max_pool2d": "pooling", "max_pool2d_grad": "pooling", "relu_bias_grad": "elementwise",
             "cast to bf16": "elementwise", "cast from bf16": "elementwise", "optimizer_step": "optimizer",
             "linear": "product of matrices", "linear dx": "product of matrices", "linear dw": "product of matrices"}

    def operations(self):
        """Where a training step's time goes: our operations one by one, and by kind beside PyTorch's kernels."""
        for size, batch in dict.fromkeys(case[1:] for case in self.cases or [("train", 224, 128)]):
            say(f"operations of {size}x{size}, batch {batch}")
            arguments = self.on_card("operations", size, batch)
            ours = self.measure([BENCH] + arguments)["operations"]
            theirs = {"kinds": {}, "others": []}
            if self.pytorch:
                theirs = self.measure([sys.executable, __file__, "--pytorch", "--way", "eager"] + arguments)
            say("")
            print(f"\n| train {size}x{size}, batch {batch} | on | times | ms each | ms |\n|---|---|---|---|---|")
            kinds = {}
            for row in ours:
                print(f"| {row['operation']} | {row['shape']} | {row['times']} | {row['seconds'] * 1e3:.4g} "
                      f"| {row['total'] * 1e3:.4g} |")
                kind = self.KINDS.get(row["operation"], row["operation"])
                kinds[kind] = kinds.get(kind, 0) + row["total"]
            print("\n| by kind | ours, ms | PyTorch, ms |\n|---|---|---|")
            names = sorted({**kinds, **theirs["kinds"]}, key=lambda kind: -kinds.get(kind, 0))
            for kind in names:
                cells = (f"{of[kind] * 1e3:.4g}" if kind in of else "-" for of in (kinds, theirs["kinds"]))
                print(f"| {kind} | " + " | ".join(cells) + " |")
            total = f"{sum(theirs['kinds'].values()) * 1e3:.4g}" if self.pytorch else "-"
            print(f"| all | {sum(kinds.values()) * 1e3:.4g} | {total} |")
            if theirs["others"]:
                print("\nOther: " + ", ".join(f"{name} {seconds * 1e3:.3g}" for name, seconds in theirs["others"]))


def parse_cases(text):
    cases = []
    for case in text.split(","):
        match = re.fullmatch(r"\s*(train|infer)\s+(\d+)\s+(\d+)\s*", case)
        if not match:
            raise argparse.ArgumentTypeError(f'"{case}" is not "train SIZE BATCH" or "infer SIZE BATCH"')
        cases.append((match[1], int(match[2]), int(match[3])))
    return cases


def find_card():
    """What our program computes with on the GPU; where it finds none, None and why."""
    done = subprocess.run([BENCH, "infer", "--device", "cuda", "--size", "32", "--batch", "1", "--width",
                           "0.05" if TRY else "1", "--seconds", "0"], capture_output=True, text=True)
    return (json.loads(done.stdout)["device"], "") if done.returncode == 0 else (None, done.stderr.strip())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", metavar="TABLE",
                        help=f"{', '.join(TABLES)}; on a GPU {', '.join(GPU_TABLES)} (default: all)")
    parser.add_argument("--rounds", type=int, default=3, help="pairs of runs for each number (default: 3)")
    parser.add_argument("--seconds", type=float, default=1, help="how long a run repeats its step (default: 1)")
    card_only = parser.add_argument_group("on a GPU")
    card_only.add_argument("--precision", choices=("bf16", "tf32", "fp32"), default="bf16", help="(default: bf16)")
    card_only.add_argument("--cases", type=parse_cases, metavar="CASES",
                           help='rows of the table, as "train 160 256,infer 160 256": sizes and batches')
    card_only.add_argument("--thorough", action="store_true", help="PyTorch also compiled with max-autotune")
    options = parser.parse_args()
    if options.rounds < 1 or options.seconds < 0:
        parser.error("--rounds must be at least 1, and --seconds not negative")
    for table in options.tables:
        if table not in TABLES + GPU_TABLES:
            parser.error(f"unknown table {table}; valid are {', '.join(TABLES + GPU_TABLES)}")
    GPU, absence = None, ""
    if not options.tables or set(options.tables) & set(GPU_TABLES):
        GPU, absence = find_card()
    tables = options.tables or TABLES + (GPU_TABLES if GPU else ())
    on_card = [table for table in tables if table in GPU_TABLES]
    if on_card and not GPU:
        sys.exit(absence)
    # Asked of another process: what this one holds would count as its children's peak memory, which exec keeps.
    asked = subprocess.run([sys.executable, "-c", "import torch; print(torch.__version__, torch.cuda.is_available())"],
                           capture_output=True, text=True)
    version, sees_card = asked.stdout.split() if asked.returncode == 0 else (None, None)
    if version is None:
        print("PyTorch is missing (pip install torch): Counterpoise alone.")
    elif on_card and sees_card != "True" and not TRY:
        sys.exit(f"bench: PyTorch {version} sees no GPU: install its build with CUDA, or name the processor's tables "
                 f"({', '.join(TABLES)})")
    comparison = Comparison(options, version is not None)
    ratio = f"medians of {options.rounds} pairs; ratio: how many times as fast as PyTorch we are"
    if len(on_card) < len(tables):
        print(f"VGG16, fp32, {len(os.sched_getaffinity(0))} threads, PyTorch {version or 'missing'}; {ratio}")
    for table in tables:
        if table in on_card:
            print(f"\nVGG16, {options.precision}, {GPU}, PyTorch {version or 'missing'}; {ratio}")
        try:
            getattr(comparison, table)()
        except RuntimeError as error:
            sys.exit(f"bench: {error}")


def pytorch():
    """--pytorch MODE --size ...: one process's worth of PyTorch, with the arguments of apps/bench."""
    import torch

    parser = argparse.ArgumentParser()
    parser.add_argument("mode")
    for name, kind in ("size", int), ("batch", int), ("width", float), ("threads", int), ("seconds", float):
        parser.add_argument("--" + name, type=kind)
    for name, default in ("device", "cpu"), ("precision", "fp32"), ("way", "eager"):
        parser.add_argument("--" + name, default=default)
    o = parser.parse_args(sys.argv[2:])
    if o.threads:
        torch.set_num_threads(o.threads)
    torch.manual_seed(1)
    modes = {"layers": pytorch_layers, "operations": pytorch_operations}
    print(json.dumps(modes.get(o.mode, pytorch_network)(o)))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--pytorch"]:
        pytorch()
    else:
        main()
