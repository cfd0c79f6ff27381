"""Times Counterpoise and PyTorch in turns, process by process, and prints the ratio of each pair.

    make bench                      # or: python3 apps/bench.py [--rounds 5] [--steps 3]

PyTorch is wanted only here: `pip install torch` (its CPU build suffices). Without it ours is printed alone. A pair is
one run of each right after the other, so that whatever else the machine does meets both; the table gives medians.
"""
import argparse
import json
import os
import resource
import statistics
import subprocess
import sys

CASES = [  # mode, picture size, batch
    ("train", 160, 16),
    ("infer", 160, 16),
    ("infer", 160, 1),
]


def run_pytorch(mode, size, batch, steps):
    """One process's worth of PyTorch: the same network, loss and optimizer; channels_last, its fastest layout."""
    import time

    import torch
    from torch import nn

    torch.manual_seed(1)
    layers, channels = [], 3
    for outputs in (64, 64, 0, 128, 128, 0, 256, 256, 256, 0, 512, 512, 512, 0, 512, 512, 512, 0):
        if outputs == 0:
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(channels, outputs, 3, padding=1), nn.ReLU(inplace=True)]
            channels = outputs
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(512 * (size // 32) ** 2, 1))
    model = model.to(memory_format=torch.channels_last)
    x = torch.rand(batch, 3, size, size).mul_(2).sub_(1).to(memory_format=torch.channels_last)
    y = (torch.arange(batch) % 2 == 0).float().unsqueeze(1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)
    loss_of = nn.BCEWithLogitsLoss()
    seconds = []
    for step in range(steps + 1):
        start = time.perf_counter()
        if mode == "train":
            optimizer.zero_grad()
            loss_of(model(x), y).backward()
            optimizer.step()
        else:
            with torch.inference_mode():
                model(x)
        if step > 0:
            seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": statistics.median(seconds), "peak_mib": peak, "threads": torch.get_num_threads()}))


def measure(command):
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--pytorch", nargs=3, metavar=("MODE", "SIZE", "BATCH"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.pytorch:
        mode, size, batch = options.pytorch
        return run_pytorch(mode, int(size), int(batch), options.steps)

    bench = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bench")
    try:
        import torch

        version = torch.__version__
    except ImportError:
        version = None
        print("PyTorch is missing (pip install torch): Counterpoise alone.")
    print(f"VGG16, fp32, medians of {options.rounds} pairs; PyTorch {version}")
    print(f"{'':22}{'ours':>10}{'PyTorch':>10}{'ratio':>8}{'our MiB':>10}{'PyTorch MiB':>13}")
    for mode, size, batch in CASES:
        ours, theirs = [], []
        for i in range(options.rounds):
            print(f"\r{mode} {size} batch {batch}: {i + 1}/{options.rounds}", end="", file=sys.stderr, flush=True)
            ours.append(measure([bench, mode, str(size), str(batch), str(options.steps)]))
            if version:
                theirs.append(measure([sys.executable, __file__, "--steps", str(options.steps), "--pytorch", mode,
                                       str(size), str(batch)]))
        print("\r\033[K", end="", file=sys.stderr, flush=True)
        median = lambda runs, key: statistics.median(run[key] for run in runs)
        row = f"{mode} {size}x{size} batch {batch:<4}{median(ours, 'seconds'):9.3f}s"
        if theirs:
            ratio = statistics.median(t["seconds"] / o["seconds"] for o, t in zip(ours, theirs))
            row += f"{median(theirs, 'seconds'):9.3f}s{ratio:7.2f}x"
            row += f"{median(ours, 'peak_mib'):10.0f}{median(theirs, 'peak_mib'):13.0f}"
        else:
            row += f"{'':18}{median(ours, 'peak_mib'):10.0f}"
        print(row, flush=True)
    print("ratio: how many times as fast as PyTorch we are")


if __name__ == "__main__":
    main()
