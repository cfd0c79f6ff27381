#!/usr/bin/env python3
"""Checks that TensorBoard reads our event files: pip install tensorboard

    ./apps/catdog --count cat=20,dog=60 --epochs 2 --image-size 32 --output /tmp/run    # or any other run
    python3 tests/apps/check_tensorboard.py /tmp/run

Every event file below the folders is read by TensorBoard's own loader and, record by record with its checksums, by a
reader written from the format's description. Both must find the same points. Prints the curves; exits with 1 if a file
is damaged or there is none.
"""
import math
import pathlib
import struct
import sys


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def records(path):
    """The content of each record of a TFRecord file."""
    data, at = path.read_bytes(), 0
    while at < len(data):
        length, crc = struct.unpack_from("<QI", data, at)
        assert crc == masked(data[at : at + 8]), f"{path}: byte {at}: checksum of a length"
        content = data[at + 12 : at + 12 + length]
        (crc,) = struct.unpack_from("<I", data, at + 12 + length)
        assert crc == masked(content), f"{path}: byte {at}: checksum of a record"
        yield content
        at += 16 + length


def own_points(path):
    from tensorboard.compat.proto.event_pb2 import Event

    first, *rest = [Event.FromString(content) for content in records(path)]
    assert first.file_version == "brain.Event:2", f"{path}: version {first.file_version!r}"
    return [(v.tag, e.step, e.wall_time, v.simple_value) for e in rest for v in e.summary.value]


def tensorboard_points(path):
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

    events = LegacyEventFileLoader(str(path)).Load()
    return [(v.tag, e.step, e.wall_time, v.simple_value) for e in events for v in e.summary.value]


def same(a, b):
    return len(a) == len(b) and all(
        p[:3] == q[:3] and (p[3] == q[3] or (math.isnan(p[3]) and math.isnan(q[3]))) for p, q in zip(a, b)
    )


def accumulated(path):
    """The curves as TensorBoard's pages get them: the number of points of each tag."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(path), size_guidance={"tensors": 0, "scalars": 0}).Reload()
    return {tag: len(accumulator.Scalars(tag)) for tag in accumulator.Tags()["scalars"]}


def main():
    files = sorted(path for folder in sys.argv[1:] for path in pathlib.Path(folder).rglob("events.out.tfevents.*"))
    if not files:
        sys.exit("no event files: give the folders of runs")
    for path in files:
        own = own_points(path)
        assert same(own, tensorboard_points(path)), f"{path}: TensorBoard reads other points"
        counts = {}
        for tag, *_ in own:
            counts[tag] = counts.get(tag, 0) + 1
        assert accumulated(path) == counts, f"{path}: {accumulated(path)} instead of {counts}"
        print(path)
        for tag in counts:
            step, value = [(step, value) for t, step, _, value in own if t == tag][-1]
            print(f"  {tag}: {counts[tag]} points, the last {value:g} at step {step}")


if __name__ == "__main__":
    main()
