"""Writes optim.json: the steps that PyTorch's optimizers take, for tests/optim/test_optim.cpp to agree with.

    python3 tests/optim/golden/make_optim.py        (needs torch)

Two parameters get the gradients of a bowl that is not round. The second one gets none in the second step: PyTorch
then leaves it, and its count of steps, as they are. Everything is computed in float64.
"""
import json
import os

import torch

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
CLASSES = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


def trajectory(name, options):
    a = torch.tensor([1.0, -2.0, 0.5, 0.0], dtype=torch.float64, requires_grad=True)
    b = torch.tensor([3.0, 1e-3], dtype=torch.float64, requires_grad=True)
    options = {"weight_decay": 0.0, **options}  # AdamW has another default
    optimizer = CLASSES[name]([a, b], lr=1.0, **options)
    bowl = torch.tensor([1.0, 0.3, -2.0, 5.0], dtype=torch.float64)
    steps = []
    for step, rate in enumerate(RATES):
        optimizer.zero_grad(set_to_none=True)
        loss = (bowl * (a - 0.25) ** 2).sum()
        if step != 1:
            loss = loss + (b ** 3).sum()
        loss.backward()
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        steps.append({"a": a.tolist(), "b": b.tolist()})
    params = {key.replace("_", "-"): float(value) for key, value in options.items()}
    return {"optimizer": name, "params": params, "steps": steps}


with open(os.path.join(FOLDER, "optim.json"), "w") as file:
    runs = [json.dumps(trajectory(name, options)) for name, options in CASES]
    file.write('{"rates": %s, "runs": [\n%s\n]}\n' % (json.dumps(RATES), ",\n".join(runs)))
