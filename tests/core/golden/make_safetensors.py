"""Writes python.safetensors with Python's own safetensors: one tensor of every dtype that we read.

    python3 tests/core/golden/make_safetensors.py        (needs torch and safetensors)

safetensors orders the metadata again in each run, so the bytes differ but not what they say.
"""
import os

import torch
from safetensors.torch import save_file

nan, inf = float("nan"), float("inf")
floats = [0.0, -0.0, 1.0, -2.5, 65504.0, 6e-8, inf, -inf, nan, 0.1]
tensors = {
    "f64": torch.tensor(floats, dtype=torch.float64),
    "f32": torch.tensor(floats, dtype=torch.float32),
    "f16": torch.tensor(floats, dtype=torch.float16),
    "bf16": torch.tensor(floats, dtype=torch.bfloat16),
    "i64": torch.tensor([[0, -1, 2**62], [-(2**63), 2**63 - 1, 7]], dtype=torch.int64),
    "i32": torch.tensor([[-(2**31)], [2**31 - 1]], dtype=torch.int32),
    "u8": torch.arange(0, 256, 51, dtype=torch.uint8),
    "bool": torch.tensor([True, False, True]),
    "scalar": torch.tensor(3.5),
    "empty": torch.zeros(3, 0, 2),
    "matrix": torch.arange(6, dtype=torch.float32).reshape(2, 3),
}
folder = os.path.dirname(os.path.abspath(__file__))
metadata = {"format": "pt", "classes": '["cat", "dog"]', "note": "ü ≥ \"quoted\"\n"}
save_file(tensors, os.path.join(folder, "python.safetensors"), metadata=metadata)
