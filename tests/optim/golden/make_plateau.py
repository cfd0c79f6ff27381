"""Writes plateau.json: the learning rates of PyTorch's ReduceLROnPlateau, for tests/optim/test_plateau.cpp to agree with.

    python3 tests/optim/golden/make_plateau.py        (needs torch)
"""
import json
import os
import random

import torch

FOLDER = os.path.dirname(os.path.abspath(__file__))
random.seed(4)
runs = []
for i in range(24):
    options = {"mode": ["max", "min"][i % 2], "factor": [0.1, 0.5][i // 2 % 2], "patience": [0, 1, 3][i % 3],
               "threshold": [1e-4, 0.05, 0][i // 3 % 3], "cooldown": [0, 2][i // 4 % 2], "min_lr": [0, 0.02][i // 6 % 2]}
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, eps=0, **options)
    metrics, rates = [], []
    for epoch in range(40):
        progress = 1 - 0.8 ** (epoch / 2)
        metric = round(progress + random.uniform(-0.05, 0.05), 3 - i % 2)
        metrics.append(metric if options["mode"] == "max" else round(1.2 - metric, 3))
        schedule.step(metrics[-1])
        rates.append(optimizer.param_groups[0]["lr"])
    runs.append({"options": options, "metrics": metrics, "rates": rates, "best": schedule.best,
                 "bad_epochs": schedule.num_bad_epochs})
with open(os.path.join(FOLDER, "plateau.json"), "w") as file:
    file.write("[\n%s\n]\n" % ",\n".join(map(json.dumps, runs)))
