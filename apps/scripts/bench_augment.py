"""The usual augmentation for training on ImageNet by another library, for bench.py: images per second, as JSON.

    python3 apps/scripts/bench_augment.py torchvision --threads 2 --seconds 1 --size 224
    python3 apps/scripts/bench_augment.py albumentations --threads 2 --seconds 1 --size 224

From a decoded image of 500 x 375 pixels to normalized floats: random resized crop, flip, color jitter (0.4, 0.4, 0.4,
0.1). Each thread is a process of its own, as a worker of PyTorch's DataLoader is, in which the library has one thread.
"""
import argparse
import json
import multiprocessing
import os
import time

import numpy as np

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def colorful():
    i, j = np.arange(375)[:, None], np.arange(500)[None, :]
    channels = np.broadcast_arrays(i * 255 // 375, j * 255 // 500, (i * 7 + j * 3) % 256)
    return np.ascontiguousarray(np.stack(channels, 2).astype(np.uint8))


def torchvision_pipeline(size):
    import torch
    from torchvision.transforms import v2

    torch.set_num_threads(1)
    # (Tensors of bytes as long as possible: torchvision's own advice for speed.)
    pipeline = v2.Compose([v2.RandomResizedCrop(size, antialias=True), v2.RandomHorizontalFlip(),
                           v2.ColorJitter(0.4, 0.4, 0.4, 0.1), v2.ToDtype(torch.float32, scale=True),
                           v2.Normalize(MEAN, DEVIATION)])
    image = torch.from_numpy(colorful()).permute(2, 0, 1).contiguous()
    return lambda: pipeline(image)


def albumentations_pipeline(size):
    import albumentations as A
    import cv2

    cv2.setNumThreads(1)
    pipeline = A.Compose([A.RandomResizedCrop((size, size)), A.HorizontalFlip(p=0.5),
                          A.ColorJitter(brightness=(0.6, 1.4), contrast=(0.6, 1.4), saturation=(0.6, 1.4),
                                        hue=(-0.1, 0.1), p=1), A.Normalize(MEAN, DEVIATION)])
    image = colorful()
    return lambda: pipeline(image=image)["image"]


def work(options, ready, rates):
    run = {"torchvision": torchvision_pipeline, "albumentations": albumentations_pipeline}[options.library](options.size)
    for _ in range(20):
        run()
    ready.wait()
    images, start = 0, time.perf_counter()
    while time.perf_counter() - start < options.seconds:
        run()
        images += 1
    rates.put(images / (time.perf_counter() - start))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("library", choices=("torchvision", "albumentations"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--size", type=int, default=224)
    options = parser.parse_args()
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    ready, rates = multiprocessing.Barrier(options.threads), multiprocessing.Queue()
    workers = [multiprocessing.Process(target=work, args=(options, ready, rates)) for _ in range(options.threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise SystemExit(f"bench_augment.py: {options.library} failed")
    print(json.dumps({"images_per_second": sum(rates.get() for _ in workers)}))


if __name__ == "__main__":
    main()
