"""Converts trained weights of other programs to safetensors that --pretrained and `eval` of this one read:

    python3 apps/scripts/convert_weights.py resnet50.pth resnet50.safetensors --model resnet50 --normalize imagenet
    python3 apps/scripts/convert_weights.py resnet32.th resnet32.safetensors --model resnet32 --normalize imagenet
    python3 apps/scripts/convert_weights.py vgg16.h5 vgg16.safetensors

INPUT is a state_dict of torchvision, timm or pytorch_resnet_cifar10 (.pth, .pt, .th; needs torch), Keras's VGG16 with or
without its top (.h5; needs h5py), or safetensors without metadata. The file that is written says which network it is for
and how images are normalized, so that neither must be given again. NumPy is needed in any case.
"""
import argparse
import json
import os
import struct
import sys

import numpy

# Means and standard deviations of pixels from 0 to 1, as in layers/models/models.cpp.
NORMALIZATIONS = {
    "none": None,
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "keras": ((123.68 / 255, 116.779 / 255, 103.939 / 255), (1 / 255, 1 / 255, 1 / 255)),
}
CIFAR = ("resnet20", "resnet32", "resnet44", "resnet56")
MODELS = (*CIFAR, "resnet18", "resnet34", "resnet50",
          *(f"vgg{depth}{norm}" for depth in (11, 13, 16, 19) for norm in ("", "_bn")))


def read_safetensors(path):
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    types = {"F32": numpy.float32, "F64": numpy.float64, "F16": numpy.float16, "I64": numpy.int64}
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] in types:
            begin, end = entry["data_offsets"]
            tensors[name] = numpy.frombuffer(data[begin:end], types[entry["dtype"]]).reshape(entry["shape"])
    return tensors


def write_safetensors(path, tensors, metadata):
    header, offset = {"__metadata__": metadata}, 0
    arrays = {name: numpy.ascontiguousarray(tensor, dtype="<f4") for name, tensor in tensors.items()}
    for name, array in arrays.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".part", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in arrays.values():
            file.write(array.tobytes())
    os.replace(path + ".part", path)


def read_torch(path):
    import torch
    state = torch.load(path, map_location="cpu", weights_only=True)
    for key in ("state_dict", "model"):  # checkpoints of training scripts
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    tensors = {}
    for name, tensor in state.items():
        name = name[len("module."):] if name.startswith("module.") else name
        if hasattr(tensor, "numpy") and not name.endswith("num_batches_tracked"):
            tensors[name] = tensor.detach().float().numpy()
    return tensors


def read_keras(path):
    """Keras's VGG16. Its kernels are [R, S, C, K], it reads B, G, R, and its first dense layer reads H, W, C."""
    import h5py
    layers = {}
    with h5py.File(path, "r") as file:
        def visit(name, item):
            if isinstance(item, h5py.Dataset):
                kind = "weight" if item.ndim > 1 else "bias"
                layers.setdefault(name.split("/")[-2], {})[kind] = numpy.asarray(item)
        (file["model_weights"] if "model_weights" in file else file).visititems(visit)
    tensors, index = {}, 0
    for block, count in enumerate((2, 2, 3, 3, 3), start=1):
        for i in range(1, count + 1):
            layer = layers[f"block{block}_conv{i}"]
            weight = layer["weight"].transpose(3, 2, 0, 1)
            tensors[f"features.{index}.weight"] = weight[:, ::-1] if index == 0 else weight
            tensors[f"features.{index}.bias"] = layer["bias"]
            index += 2  # the convolution and its relu
        index += 1  # the pooling
    for number, name in ((0, "fc1"), (3, "fc2"), (6, "predictions")):
        if name in layers:
            weight = layers[name]["weight"].T
            if number == 0:
                weight = weight.reshape(-1, 7, 7, 512).transpose(0, 3, 1, 2).reshape(len(weight), -1)
            tensors[f"classifier.{number}.weight"], tensors[f"classifier.{number}.bias"] = weight, layers[name]["bias"]
    return tensors


def head_of(tensors):
    """The weight of the last dense layer, or None."""
    for name in ("fc.weight", "linear.weight", "classifier.6.weight", "head.fc.weight", "classifier.0.weight"):
        if name in tensors:
            return tensors[name]
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("input", metavar="INPUT")
    parser.add_argument("output", metavar="OUTPUT")
    parser.add_argument("--model", choices=MODELS, help="the network (.h5: vgg16)")
    parser.add_argument("--normalize", choices=NORMALIZATIONS,
                        help="how images were normalized in training (default: imagenet; .h5: keras)")
    parser.add_argument("--image-size", type=int, help="their size (default: 224; resnet20 to resnet56: 32)")
    options = parser.parse_args()
    if not os.path.exists(options.input):
        sys.exit(f"convert_weights: {options.input}: there is no such file")
    keras = options.input.endswith((".h5", ".hdf5"))
    model = options.model or ("vgg16" if keras else None)
    if model is None:
        sys.exit(f"convert_weights: --model is needed: {options.input} does not say which network it is for")
    if keras and model != "vgg16":
        sys.exit("convert_weights: of Keras's networks only VGG16 is known")
    try:
        if keras:
            tensors = read_keras(options.input)
        elif options.input.endswith(".safetensors"):
            tensors = read_safetensors(options.input)
        else:
            tensors = read_torch(options.input)
    except ImportError as error:
        sys.exit(f"convert_weights: {options.input}: {error}; install it with pip")
    except Exception as error:  # a damaged file: what the libraries throw is not specified
        sys.exit(f"convert_weights: {options.input}: cannot be read: {type(error).__name__}: {error}")
    if not tensors:
        sys.exit(f"convert_weights: {options.input}: there are no weights in it")

    metadata = {"format": "pt", "model": model, "width": "1", "head": "imagenet",
                "image_size": str(options.image_size or (32 if model in CIFAR else 224))}
    head = head_of(tensors)
    if head is not None:
        metadata["outputs"] = str(head.shape[0])
    normalization = NORMALIZATIONS[options.normalize or ("keras" if keras else "imagenet")]
    if normalization:
        for key, numbers in zip(("mean", "std"), normalization):
            metadata[key] = ",".join(repr(number) for number in numbers)
    write_safetensors(options.output, tensors, metadata)
    print(f"{options.output}: {model}, {len(tensors)} tensors, {sum(t.size for t in tensors.values()):,} numbers")


if __name__ == "__main__":
    main()
