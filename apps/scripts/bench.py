"""Times Counterpoise beside PyTorch, or beside another build of itself, and prints Markdown tables.

    make bench                                        # all tables; those of the GPU where there is one
    python3 apps/scripts/bench.py network resnets layers growth steps [--rounds 3] [--seconds 1]
    python3 apps/scripts/bench.py threads                           # 1, 2, 4, ... threads; not among "all"
    python3 apps/scripts/bench.py augment                           # the CPU's augmentation; not among "all"
    python3 apps/scripts/bench.py gpu operations [--precision bf16] [--cases "train 160 256"] [--thorough]
    python3 apps/scripts/bench.py network --against OLD/apps/bench --rounds 5 --statistic minimum

Two programs run in turn, one process after the other, so that other load on the machine affects both. A pair is one
run of each, ours first in every other pair; a table gives the medians of the runs, and the median of the pairs'
ratios. With `--statistic minimum` it gives the shortest run of each and their ratio, which other load disturbs least. A
ratio above 1 means that ours is faster.

The second program is PyTorch (`pip install torch`; its CPU build suffices for the CPU's tables). Without it our times
are printed alone. `--against` names another `bench` program instead, for example of an earlier commit built with the
same flags in a worktree of its own:

    git worktree add /tmp/old HEAD~1 && make -C /tmp/old apps/bench
    python3 apps/scripts/bench.py network --against /tmp/old/apps/bench --cases "train 160 16,infer 160 1"

Environment: BENCH is the path of our program, apps/bench by default. BENCH_TRY is that of one built with CUDA=emulated,
to try the GPU's tables on a machine without a GPU; PyTorch then runs on the CPU, and the times mean nothing.
"""
import argparse
import importlib.util
import json
import os
import re
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TRY = os.environ.get("BENCH_TRY")
BENCH = TRY or os.environ.get("BENCH") or os.path.join(HERE, "..", "bench")
PYTORCH = os.path.join(HERE, "bench_pytorch.py")

TABLES, GPU_TABLES = ("network", "resnets", "layers", "growth", "steps"), ("gpu", "operations")
ON_REQUEST = ("threads", "augment")
NETWORK_CASES = [(mode, size, batch) for mode in ("train", "infer") for size in (160, 224) for batch in (1, 16, 32)]
RESNET_CASES = [(model, mode, size, batch) for model, size, batch in (("resnet32", 32, 128), ("resnet18", 224, 16),
                                                                       ("resnet50", 224, 16))
                for mode in ("train", "infer")]
GPU_CASES = [(mode, size, batch) for mode in ("train", "infer") for size in (160, 224) for batch in (32, 128, 256)]


def say(text):
    print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


class Comparison:
    def __init__(self, options, pytorch):
        self.rounds, self.seconds, self.precision = options.rounds, options.seconds, options.precision
        self.cases, self.thorough = options.cases, options.thorough
        self.statistic = min if options.statistic == "minimum" else statistics.median
        # The second program: its name in tables, and its command line before the arguments of apps/bench.
        self.other, self.command = "PyTorch", [sys.executable, PYTORCH] if pytorch else None
        if options.against:
            self.other, self.command = "other build", [options.against]

    def runs(self, mode, size, batch, width=1, threads=0, model="vgg16"):
        """The results of our program and of the second one, of `rounds` pairs."""
        threads = threads or len(os.sched_getaffinity(0))
        arguments = [mode, "--size", size, "--batch", batch, "--width", width, "--threads", threads, "--seconds",
                     self.seconds]
        arguments = [str(a) for a in arguments + (["--model", model] if model != "vgg16" else [])]
        ours, theirs = [], []
        for i in range(self.rounds):
            say(f"{' '.join(arguments[:-2])}: pair {i + 1} of {self.rounds}")
            pair = [(ours, [BENCH])] + ([(theirs, self.command)] if self.command else [])
            for results, command in pair[::1 if i % 2 == 0 else -1]:
                results.append(self.measure(command + arguments))
        say("")
        return ours, theirs

    def ratio(self, ours, theirs):
        if self.statistic is min:
            return min(theirs) / min(ours)
        return statistics.median(t / o for o, t in zip(ours, theirs))

    @staticmethod
    def measure(command):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()[-500:]}")
        return json.loads(done.stdout.splitlines()[-1])

    def cells(self, ours, theirs):
        """Our time, the other's and the ratio, from lists of seconds."""
        mine = f"{self.statistic(ours) * 1e3:.4g}"
        if not theirs:
            return f"{mine} | - | -"
        return f"{mine} | {self.statistic(theirs) * 1e3:.4g} | {self.ratio(ours, theirs):.2f}"

    def header(self):
        print(f"\n| | ours, ms | {self.other}, ms | ratio | ours, MiB | {self.other}, MiB |\n" + "|---" * 6 + "|")

    def row(self, title, *case, **keywords):
        ours, theirs = self.runs(*case, **keywords)
        seconds, peak = ([[r[key] for r in runs] for runs in (ours, theirs)] for key in ("seconds", "peak_mib"))
        memory = " | ".join(f"{statistics.median(p):.0f}" if p else "-" for p in peak)
        print(f"| {title} | {self.cells(*seconds)} | {memory} |", flush=True)
        return self.statistic(seconds[0])

    def network(self):
        self.header()
        for mode, size, batch in self.cases or NETWORK_CASES:
            self.row(f"{mode} {size}x{size}, batch {batch}", mode, size, batch)

    def resnets(self):
        self.header()
        for model, mode, size, batch in RESNET_CASES:
            self.row(f"{model} {mode} {size}x{size}, batch {batch}", mode, size, batch, model=model)

    def layers(self):
        for size, batch in (160, 16), (160, 1), (224, 16):
            ours, theirs = self.runs("layers", size, batch)
            print(f"\nms at batch {batch} | " + " | ".join(f"{p}: ours | {self.other} | ratio"
                                                          for p in ("forward", "dx", "dw")) + "\n" + "---|" * 9 + "---")
            for i, layer in enumerate(ours[0]["layers"]):
                times = [self.cells(*([r["layers"][i][p] for r in runs] for runs in (ours, theirs)))
                         for p in ("forward", "dx", "dw")]
                print(f"{layer['size']}x{layer['size']}, {layer['channels']} to {layer['outputs']} | "
                      + " | ".join(times))

    def growth(self):
        self.header()
        for batch in 1, 2, 4, 8, 16, 32, 64:
            self.row(f"train 160x160, batch {batch}", "train", 160, batch)
        for size in 64, 96, 128, 160, 192, 224, 256:
            self.row(f"train {size}x{size}, batch 8", "train", size, 8)
        for width in 0.25, 0.5, 0.75, 1:
            self.row(f"train 160x160, batch 16, width {width}", "train", 160, 16, width=width)
        one, two = (self.row(f"train 160x160, batch 16, {threads} thread{'s' * (threads > 1)}", "train", 160, 16,
                             threads=threads) for threads in (1, 2))
        print(f"\nTwo threads are {one / two:.2f} times as fast as one.")

    def threads(self):
        """One case (160x160 in batches of 16 by default) by 1, 2, 4, ... threads, up to the number of cores."""
        for mode, size, batch in self.cases or [("train", 160, 16)]:
            self.header()
            times, cores = {}, len(os.sched_getaffinity(0))
            for threads in (n for n in (1, 2, 4, 8, 16, 32, 64) if n <= cores):
                times[threads] = self.row(f"{mode} {size}x{size}, batch {batch}, {threads} thread{'s' * (threads > 1)}",
                                          mode, size, batch, threads=threads)
            print("\nTimes faster than with one thread: "
                  + ", ".join(f"{times[1] / times[n]:.2f} with {n}" for n in times if n > 1))

    def steps(self):
        """The algorithms for a convolution, each with its speed-up over the one before; there is no second program."""
        runs = []
        for i in range(self.rounds):
            say(f"steps: run {i + 1} of {self.rounds}")
            runs.append(self.measure([BENCH, "steps", "--seconds", str(self.seconds)])["steps"])
        say("")
        print("\n| | forward, ms | times faster | error | dw, ms | times faster | error |\n|" + "---|" * 7)
        before = None
        for i, step in enumerate(runs[0]):
            now = [self.statistic([run[i][p] for run in runs]) for p in ("forward", "dw")]
            faster = [f"{b / n:.1f}" for b, n in zip(before, now)] if before else ["", ""]
            print(f"| {step['name']} | {now[0] * 1e3:.4g} | {faster[0]} | {step['forward_error']:.1e} "
                  f"| {now[1] * 1e3:.4g} | {faster[1]} | {step['dw_error']:.1e} |")
            before = now

    def augment(self):
        """Images per second of the usual augmentation, by torchvision and albumentations, too."""
        threads = len(os.sched_getaffinity(0))
        arguments = ["--size", "224", "--threads", str(threads), "--seconds", str(self.seconds)]
        commands = {"ours": [BENCH, "augment"]}
        for library in ("torchvision", "albumentations") if self.other == "PyTorch" else ():
            if importlib.util.find_spec(library):
                commands[library] = [sys.executable, os.path.join(HERE, "bench_augment.py"), library]
            else:
                print(f"{library} is missing (pip install {library}): without it.")
        if self.other != "PyTorch":
            commands[self.other] = self.command + ["augment"]
        rates = {name: [] for name in commands}
        for i in range(self.rounds):
            for name in list(commands)[::1 if i % 2 == 0 else -1]:
                say(f"augment, round {i + 1} of {self.rounds}: {name}")
                rates[name].append(self.measure(commands[name] + arguments)["images_per_second"])
        say("")
        print(f"\n| 500x375 to 224x224, {threads} threads | images per second | ours, times faster |\n|---|---|---|")
        for name, of in rates.items():
            ratio = statistics.median(o / r for o, r in zip(rates["ours"], of))
            print(f"| {name} | {statistics.median(of):.0f} | {'' if name == 'ours' else f'{ratio:.2f}'} |", flush=True)

    @staticmethod
    def memory(runs):
        """The peak of the memory allocated, and of that reserved on the GPU, in MiB."""
        return " / ".join(f"{statistics.median(run.get(key, 0) for run in runs):.0f}"
                          for key in ("allocated_mib", "reserved_mib"))

    def on_gpu(self, mode, size, batch):
        """The arguments of a run on the GPU."""
        return [str(a) for a in (mode, "--size", size, "--batch", batch, "--width", 0.05 if TRY else 1, "--seconds",
                                 self.seconds, "--device", "cuda", "--precision", self.precision)]

    def gpu(self):
        """Our times, as they are and with --compile, beside PyTorch's eager and compiled modes, or the other build's; the
        ratio is that of the fastest of each. Memory is given as allocated / reserved."""
        variants = {}
        ours = {"ours": [BENCH], "ours, compiled": [BENCH, "--compile"]}
        if self.command:
            names = ["eager", "compile"] + ["max-autotune"] * self.thorough
            variants = {name: self.command + ["--variant", name] for name in names}
            if self.other != "PyTorch":
                ours, variants = {"ours": [BENCH]}, {self.other: self.command}
        commands = {**ours, **variants}
        print("\n| | " + " | ".join([" | ".join(f"{name}, {unit}" for name in commands) + " | ratio" * (unit == "ms")
                                     for unit in ("ms", "MiB")]) + " |")
        print("|" + "---|" * (2 * len(commands) + 2))
        for mode, size, batch in self.cases or GPU_CASES:
            arguments = self.on_gpu(mode, size, batch)
            # (What --compile compiles is part of a training step alone.)
            runs = {name: [] for name in commands if mode == "train" or "compiled" not in name}
            failed = {}
            for i in range(self.rounds):
                for name in runs:
                    if name in failed:
                        continue
                    say(f"{mode} {size}x{size}, batch {batch}, round {i + 1} of {self.rounds}: {name}")
                    try:
                        run = self.measure(commands[name] + arguments)
                        runs[name].append(run)
                        if "then no more" in run.get("graph", ""):
                            print(f"bench: {name}: {run['graph']}", file=sys.stderr)
                    except RuntimeError as error:  # out of memory, or no compiler for torch.compile: go on without it
                        if name == "ours":
                            raise
                        failed[name] = error
            say("")
            done = [name for name in runs if name not in failed]
            seconds = {name: [run["seconds"] for run in runs[name]] for name in done}
            fastest = [min((name for name in group if name in seconds), default=None,
                           key=lambda name: self.statistic(seconds[name])) for group in (ours, variants)]
            ratio = "-" if None in fastest else f"{self.ratio(*(seconds[name] for name in fastest)):.2f}"
            cells = [f"{self.statistic(seconds[name]) * 1e3:.4g}" if name in seconds else "-" for name in commands]
            cells += [ratio]
            cells += [self.memory(runs[name]) if name in done else "-" for name in commands]
            print(f"| {mode} {size}x{size}, batch {batch} | " + " | ".join(cells) + " |", flush=True)
            for name, error in failed.items():
                print(f"bench: without {name} here: {error}", file=sys.stderr)

    # The kinds of our operations, named as in KERNELS of bench_pytorch.py.
    KINDS = {"conv2d, bias, relu": "convolution forward", "conv2d dx": "convolution dx", "conv2d dw": "convolution dw",
             "pad_channels": "elementwise", "max_pool2d": "pooling", "max_pool2d_grad": "pooling",
             "relu_bias_grad": "elementwise", "cast from bf16": "elementwise",
             "optimizer_step": "optimizer", "linear": "product of matrices", "linear dx": "product of matrices",
             "linear dw": "product of matrices"}

    def by_kind(self, operations):
        kinds = {}
        for row in operations:
            if not row["times"]:  # the copy, which no step does
                continue
            kind = self.KINDS.get(row["operation"], row["operation"])
            kinds[kind] = kinds.get(kind, 0) + row["total"]
        return kinds

    def operations(self):
        """The time of a training step's operations, one by one, and by kind beside that of the second program."""
        for size, batch in dict.fromkeys(case[1:] for case in self.cases or [("train", 224, 128)]):
            say(f"operations of {size}x{size}, batch {batch}")
            arguments = self.on_gpu("operations", size, batch)
            ours = self.measure([BENCH] + arguments)["operations"]
            theirs = self.measure(self.command + arguments) if self.command else {"kinds": {}}
            if "operations" in theirs:
                theirs = {"kinds": self.by_kind(theirs["operations"])}
            say("")
            print(f"\n| train {size}x{size}, batch {batch} | on | times | ms each | ms | GB/s | TFLOP/s |\n|"
                  + "---|" * 7)
            for row in ours:
                rates = [f"{row[rate]:.4g}" if rate in row else "" for rate in ("gb_per_s", "tflop_per_s")]
                print(f"| {row['operation']} | {row['shape']} | {row['times']} | {row['seconds'] * 1e3:.4g} "
                      f"| {row['total'] * 1e3:.4g} | " + " | ".join(rates) + " |")
            kinds = self.by_kind(ours)
            print(f"\n| by kind | ours, ms | {self.other}, ms |\n|---|---|---|")
            names = sorted({**kinds, **theirs["kinds"]}, key=lambda kind: -kinds.get(kind, 0))
            for kind in names:
                cells = (f"{of[kind] * 1e3:.4g}" if kind in of else "-" for of in (kinds, theirs["kinds"]))
                print(f"| {kind} | " + " | ".join(cells) + " |")
            total = f"{sum(theirs['kinds'].values()) * 1e3:.4g}" if self.command else "-"
            print(f"| all | {sum(kinds.values()) * 1e3:.4g} | {total} |")
            if theirs.get("others"):
                print("\nOther: " + ", ".join(f"{name} {seconds * 1e3:.3g}" for name, seconds in theirs["others"]))


def parse_cases(text):
    cases = []
    for case in text.split(","):
        match = re.fullmatch(r"\s*(train|infer)\s+(\d+)\s+(\d+)\s*", case)
        if not match:
            raise argparse.ArgumentTypeError(f'"{case}" is not "train SIZE BATCH" or "infer SIZE BATCH"')
        cases.append((match[1], int(match[2]), int(match[3])))
    return cases


def find_gpu():
    """The GPU that our program finds, or None and the reason."""
    done = subprocess.run([BENCH, "infer", "--device", "cuda", "--size", "32", "--batch", "1", "--width",
                           "0.05" if TRY else "1", "--seconds", "0"], capture_output=True, text=True)
    return (json.loads(done.stdout)["device"], "") if done.returncode == 0 else (None, done.stderr.strip())


def find_pytorch():
    """PyTorch's version, or None, and whether it sees a GPU. Another process imports it: peak memory is inherited by
    child processes, so that theirs would be wrong."""
    done = subprocess.run([sys.executable, "-c", "import torch; print(torch.__version__, torch.cuda.is_available())"],
                          capture_output=True, text=True)
    version, sees_gpu = done.stdout.split() if done.returncode == 0 else (None, None)
    return version, sees_gpu == "True"


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", metavar="TABLE",
                        help=f"{', '.join(TABLES)}; on a GPU {', '.join(GPU_TABLES)} (default: all); {', '.join(ON_REQUEST)}")
    parser.add_argument("--rounds", type=int, default=3, help="pairs of runs for each number (default: 3)")
    parser.add_argument("--seconds", type=float, default=1, help="how long a run repeats its step (default: 1)")
    parser.add_argument("--against", metavar="PROGRAM", help="another bench program to compare with, not PyTorch")
    parser.add_argument("--statistic", choices=("median", "minimum"), default="median", help="(default: median)")
    parser.add_argument("--cases", type=parse_cases, metavar="CASES",
                        help='rows of network, gpu and operations, as "train 160 256,infer 160 256": size, batch')
    gpu_only = parser.add_argument_group("on a GPU")
    gpu_only.add_argument("--precision", choices=("bf16", "tf32", "fp32"), default="bf16", help="(default: bf16)")
    gpu_only.add_argument("--thorough", action="store_true", help="PyTorch also compiled with max-autotune")
    options = parser.parse_args()
    if options.rounds < 1 or options.seconds < 0:
        parser.error("--rounds must be at least 1, and --seconds not negative")
    for program in filter(None, [BENCH, options.against]):
        if not os.access(program, os.X_OK):
            parser.error(f"{program} is missing; run make apps/bench")
    for table in options.tables:
        if table not in TABLES + GPU_TABLES + ON_REQUEST:
            parser.error(f"unknown table {table}; valid are {', '.join(TABLES + GPU_TABLES + ON_REQUEST)}")
    return options


def main():
    options = parse_options()
    gpu, absence = None, ""
    if not options.tables or set(options.tables) & set(GPU_TABLES):
        gpu, absence = find_gpu()
    tables = options.tables or TABLES + (GPU_TABLES if gpu else ())
    on_gpu = [table for table in tables if table in GPU_TABLES]
    if on_gpu and not gpu:
        sys.exit(absence)
    version, sees_gpu = (None, False) if options.against else find_pytorch()
    second = options.against or f"PyTorch {version or 'missing'}"
    if not options.against and version is None:
        print("PyTorch is missing (pip install torch): Counterpoise alone.")
    elif not options.against and on_gpu and not sees_gpu and not TRY:
        sys.exit(f"bench: PyTorch {version} sees no GPU: install its build with CUDA, or name the CPU's tables "
                 f"({', '.join(TABLES)})")
    comparison = Comparison(options, version is not None)
    ratio = f"{options.statistic} of {options.rounds} pairs; ratio: the second program's time over ours"
    if len(on_gpu) < len(tables):
        print(f"fp32, VGG16 where no other network is named, {len(os.sched_getaffinity(0))} threads; ours and {second}; {ratio}")
    for table in tables:
        if table in on_gpu:
            print(f"\nVGG16, {options.precision}, {gpu}; ours and {second}; {ratio}")
        try:
            getattr(comparison, table)()
        except RuntimeError as error:
            sys.exit(f"bench: {error}")


if __name__ == "__main__":
    main()
