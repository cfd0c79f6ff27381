"""Times Counterpoise and PyTorch in turns, process by process, and prints Markdown tables of both and their ratio.

    make bench                              # all four tables
    python3 apps/bench.py network layers growth steps [--rounds 3] [--seconds 1]

PyTorch is wanted only here: `pip install torch` (its CPU build suffices). Without it ours is printed alone. A pair is
one run of each right after the other, so that whatever else the machine does meets both; a table gives the medians of
the runs and of the pairs' ratios.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bench")
CHANNELS = (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0)  # VGG16's; 0 is a pooling
LAYERS = ((1, 3, 64), (1, 64, 64), (2, 64, 128), (2, 128, 128), (4, 128, 256), (4, 256, 256), (8, 256, 512),
          (8, 512, 512), (16, 512, 512))

TABLES = ("network", "layers", "growth", "steps")

# -- PyTorch: what apps/bench.cpp does, in channels_last, PyTorch's fastest layout on a processor --


def seconds_of(run, budget):
    durations = []
    run()
    start = time.perf_counter()
    while not durations or time.perf_counter() - start < budget:
        before = time.perf_counter()
        run()
        durations.append(time.perf_counter() - before)
    return statistics.median(durations)


def pytorch_network(o):
    import torch
    from torch import nn

    layers, channels = [], 3
    for outputs in CHANNELS:
        if outputs == 0:
            layers.append(nn.MaxPool2d(2))
        else:
            outputs = max(1, round(outputs * o.width))
            layers += [nn.Conv2d(channels, outputs, 3, padding=1), nn.ReLU(inplace=True)]
            channels = outputs
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * (o.size // 32) ** 2, 1))
    model = model.to(memory_format=torch.channels_last)
    x = torch.rand(o.batch, 3, o.size, o.size).mul_(2).sub_(1).to(memory_format=torch.channels_last)
    y = (torch.arange(o.batch) % 2 == 0).float().unsqueeze(1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)
    loss_of = nn.BCEWithLogitsLoss()

    def train():
        optimizer.zero_grad()
        loss_of(model(x), y).backward()
        optimizer.step()

    def infer():
        with torch.inference_mode():
            model(x)

    seconds = seconds_of(train if o.mode == "train" else infer, o.seconds)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "peak_mib": peak, "threads": torch.get_num_threads()}


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
    def __init__(self, rounds, seconds, pytorch):
        self.rounds, self.seconds, self.pytorch = rounds, seconds, pytorch

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
            sys.exit(f"bench: {' '.join(command)} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
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
        print("\n| | forward, ms | times faster | error | dw, ms | times faster | error |\n|---|---|---|---|---|---|---|")
        before = None
        for i, step in enumerate(runs[0]):
            now = [statistics.median(run[i][p] for run in runs) for p in ("forward", "dw")]
            faster = [f"{b / n:.1f}" for b, n in zip(before, now)] if before else ["", ""]
            print(f"| {step['name']} | {now[0] * 1e3:.4g} | {faster[0]} | {step['forward_error']:.1e} "
                  f"| {now[1] * 1e3:.4g} | {faster[1]} | {step['dw_error']:.1e} |")
            before = now


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"{', '.join(TABLES)} (default: all)")
    parser.add_argument("--rounds", type=int, default=3, help="pairs of runs for each number (default: 3)")
    parser.add_argument("--seconds", type=float, default=1, help="how long a run repeats its step (default: 1)")
    options = parser.parse_args()
    tables = options.tables or TABLES
    if options.rounds < 1 or options.seconds < 0:
        parser.error("--rounds must be at least 1, and --seconds not negative")
    for table in tables:
        if table not in TABLES:
            parser.error(f"unknown table {table}; valid are {', '.join(TABLES)}")
    # Asked of another process: what this one holds would count as its children's peak memory, which exec keeps.
    asked = subprocess.run([sys.executable, "-c", "import torch; print(torch.__version__)"], capture_output=True,
                           text=True)
    version = asked.stdout.strip() if asked.returncode == 0 else None
    if version is None:
        print("PyTorch is missing (pip install torch): Counterpoise alone.")
    print(f"VGG16, fp32, {len(os.sched_getaffinity(0))} threads, PyTorch {version or 'missing'}; medians of "
          f"{options.rounds} pairs; ratio: how many times as fast as PyTorch we are")
    comparison = Comparison(options.rounds, options.seconds, version is not None)
    for table in tables:
        getattr(comparison, table)()


def pytorch():
    """--pytorch MODE --size ...: one process's worth of PyTorch, with the arguments of apps/bench."""
    import torch

    parser = argparse.ArgumentParser()
    parser.add_argument("mode")
    for name, kind in ("size", int), ("batch", int), ("width", float), ("threads", int), ("seconds", float):
        parser.add_argument("--" + name, type=kind)
    o = parser.parse_args(sys.argv[2:])
    if o.threads:
        torch.set_num_threads(o.threads)
    torch.manual_seed(1)
    print(json.dumps((pytorch_layers if o.mode == "layers" else pytorch_network)(o)))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--pytorch"]:
        pytorch()
    else:
        main()
