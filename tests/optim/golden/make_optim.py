"""Writes optim.json: the steps that PyTorch's optimizers take, for tests/optim/test_optim.cpp to agree with.

    python3 tests/optim/golden/make_optim.py        (needs torch)

Two parameters get the gradients of a bowl that is not round. The second one gets none in the second step: PyTorch
then leaves it, and its count of steps, as they are. Some runs clip the gradients by their norm, and all keep the
exponential moving average of the parameters. Everything is computed in float64.
"""
import json
import os

import torch
from torch.optim.swa_utils import get_ema_multi_avg_fn

FOLDER = os.path.dirname(os.path.abspath(__file__))
RATES = [0.1, 0.1, 0.05, 0.2, 0.01, 0.1]
CASES = [
    ("sgd", {}),
    ("sgd", {"momentum": 0.9}),
    ("sgd", {"weight_decay": 0.1}),
    ("sgd", {"momentum": 0.9, "weight_decay": 0.1}),
    ("sgd", {"momentum": 0.8, "nesterov": True}),
    ("sgd", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("adam", {}),
    ("adam", {"weight_decay": 0.1}),
    ("adamw", {}),
    ("adamw", {"weight_decay": 0.1}),
]
CLIPPED = [("sgd", {"momentum": 0.9}), ("adamw", {"weight_decay": 0.1})]
MAX_NORM = 1.5
DECAY = 0.15  # of the average
CLASSES = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


def trajectory(name, options, max_norm=0):
    a = torch.tensor([1.0, -2.0, 0.5, 0.0], dtype=torch.float64, requires_grad=True)
    b = torch.tensor([3.0, 1e-3], dtype=torch.float64, requires_grad=True)
    options = {"weight_decay": 0.0, **options}  # AdamW has another default
    optimizer = CLASSES[name]([a, b], lr=1.0, **options)
    bowl = torch.tensor([1.0, 0.3, -2.0, 5.0], dtype=torch.float64)
    average = [a.detach().clone(), b.detach().clone()]
    steps = []
    for step, rate in enumerate(RATES):
        optimizer.zero_grad(set_to_none=True)
        loss = (bowl * (a - 0.25) ** 2).sum()
        if step != 1:
            loss = loss + (b ** 3).sum()
        loss.backward()
        if max_norm:
            torch.nn.utils.clip_grad_norm_([a, b], max_norm)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        with torch.no_grad():
            get_ema_multi_avg_fn(DECAY)(average, [a.detach(), b.detach()], 0)
        steps.append({"a": a.tolist(), "b": b.tolist(), "average_of_a": average[0].tolist()})
    params = {key.replace("_", "-"): float(value) for key, value in options.items()}
    return {"optimizer": name, "params": params, "max_norm": max_norm, "steps": steps}


with open(os.path.join(FOLDER, "optim.json"), "w") as file:
    runs = [json.dumps(trajectory(name, options)) for name, options in CASES]
    runs += [json.dumps(trajectory(name, options, MAX_NORM)) for name, options in CLIPPED]
    file.write('{"rates": %s, "decay": %s, "runs": [\n%s\n]}\n' % (json.dumps(RATES), DECAY, ",\n".join(runs)))
