"""How fast bruit reads: starting up, in bulk, and in how much memory.

    python reading.py --startup [--runs 20]
    python reading.py --bulk [--keras-python PATH] [--model small/cnn-plus] [--images 50000]
    python reading.py --memory [--gigabytes 10] [--model small/cnn-plus]

--startup: whole processes, `bruit predict digit.png` beside `python -c "import numpy"`, in turns, medians.

--bulk: a memory-mapped .npy of dev images (the last 10,000 training images of mnist+course, repeated) by `Reader`,
best of three; beside it the same model by onnxruntime alone, its best of several batches and threads, the images in
memory; the whole command with its CSV; and, with --keras-python, the Python of an environment that has Keras
(requirements-bench.txt), the peer's network there, its best of several ways. Accuracy is that on the dev images.

--memory: the peak memory of `bruit predict` on a file of so many bytes, which is sparse and takes no room on disk, and
on a tenth of it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from flat_memory import measured
from keras_peer import json_rows, machine, with_all_cores
from keras_reading import best_of
from startup import seconds

import bruit
from bruit.files import write_npy
from bruit.reading.graph import Graph
from bruit.reading.stacks import read_stack

HERE = Path(__file__).parent
DEV = 10_000
LIMITS = {"startup": 4.0, "keras": 5.0, "onnxruntime": 0.7}


def startup(asked: argparse.Namespace) -> None:
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        digit, photo = Path(folder, "digit.png"), Path(folder, "photo.jpg")
        image = Image.fromarray(bruit.load("mnist").train.images[-1])
        image.save(digit)
        Image.eval(image, lambda value: 255 - value).resize((300, 300)).save(photo)
        commands = {
            'python -c "import numpy"': [sys.executable, "-c", "import numpy"],
            "bruit predict digit.png": [sys.executable, "-m", "bruit", "predict", str(digit)],
            "bruit predict photo.jpg": [sys.executable, "-m", "bruit", "predict", str(photo)],
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for run in range(asked.runs + 1):
            for name, command in commands.items():
                took = seconds(command)
                if run:  # the first fills the caches
                    times[name].append(took)
    medians = {name: statistics.median(values) for name, values in times.items()}
    bare = next(iter(medians.values()))
    print(f"n = {asked.runs} each, medians; at most {LIMITS['startup']:g} times wanted")
    for name, value in medians.items():
        print(f"{name:28}{1000 * value:8.0f} ms{value / bare:8.2f} times")


def bulk(asked: argparse.Namespace) -> None:
    dev = bruit.load("mnist+course").train.subset(slice(-DEV, None))
    images = np.resize(dev.images, (asked.images, *dev.images.shape[1:]))
    reader = bruit.Reader.load(asked.model)
    right = (np.concatenate(list(reader.stream(dev.images))).argmax(1) == dev.labels).mean()
    print(f"{asked.model}: {right:.2%} of the {DEV:,} dev images; {len(images):,} images, best of 3")
    rows: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "images.npy")
        write_npy(path, images)
        mapped = np.load(path, mmap_mode="r")
        rows["Reader.stream, mapped"] = best_of(len(images), lambda: list(reader.stream(mapped)))
        rows["read_stack, mapped"] = best_of(len(images), lambda: list(read_stack(reader, mapped)))
        command = [sys.executable, "-m", "bruit", "predict", str(path), "--model", asked.model, "--csv"]
        rows["bruit predict --csv, whole process"] = len(images) / min(seconds(command) for _ in range(3))
        alone = {}
        for threads in {1, os.cpu_count() or 1}:
            graph = reader.model
            assert isinstance(graph, Graph)
            session = Graph(graph.path, graph.name, threads)._session
            for batch in (32, 64, 256, 1024):
                parts = [images[start : start + batch] for start in range(0, len(images), batch)]

                def call(session: Any = session, parts: list[Any] = parts) -> None:
                    for part in parts:
                        session.run(None, {"images": part})

                alone[f"{threads} threads, batches of {batch}"] = best_of(len(images), call, 1)
        best = max(alone, key=lambda name: alone[name])
        rows[f"onnxruntime alone, {best}"] = ceiling = alone[best]
        keras = keras_rows(asked.keras_python, path) if asked.keras_python else {}
        rows |= keras
    for name, value in rows.items():
        print(f"{name:60}{value:10,.0f} images/s")
    ours = rows["read_stack, mapped"]
    print(f"of onnxruntime alone: {ours / ceiling:.2f} (at least {LIMITS['onnxruntime']:g} wanted)")
    if keras:
        print(f"of Keras at its best: {ours / max(keras.values()):.2f} (at least {LIMITS['keras']:g} wanted)")


def keras_rows(python: str, images: Path) -> dict[str, float]:
    """What Keras reaches on TensorFlow, the backend that is fastest on processors."""
    command = [python, str(HERE / "keras_reading.py"), str(images)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=with_all_cores(), cwd=HERE)
    (found,) = json_rows(done.stdout)
    return {f"Keras on TensorFlow, {name}": value for name, value in found.items()}


def memory(asked: argparse.Namespace) -> None:
    for share in (0.1, 1.0):
        n = int(asked.gigabytes * 1e9 * share) // 784
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "images.npy")
            np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(n, 28, 28)).flush()
            told = measured([sys.executable, "-m", "bruit", "predict", str(path), "--model", asked.model, "--csv"])
        speed = n / told["seconds"]
        print(
            f"{n * 784 / 1e9:6.1f} GB, {n:11,} images: {told['anonymous_mb']:6,} MB at most beside the file's pages, "
            f"{speed:8,.0f} images/s",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--startup", action="store_true")
    parser.add_argument("--bulk", action="store_true")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--model", default="small/cnn-plus")
    parser.add_argument("--gigabytes", type=float, default=10)
    parser.add_argument("--keras-python", help="of an environment with requirements-bench.txt")
    asked = parser.parse_args()
    print(f"machine: {machine()}")
    for name, measure in (("startup", startup), ("bulk", bulk), ("memory", memory)):
        if getattr(asked, name):
            measure(asked)


if __name__ == "__main__":
    main()
