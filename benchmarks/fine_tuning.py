"""What fine-tuning gains: cnn-plus on few images of another kind, from the beginning and from a model that knows clean
MNIST.

    python benchmarks/fine_tuning.py --sizes 200 500 1000 2000 5000 --seeds 3
    python benchmarks/fine_tuning.py --kind digits --sizes 200 500 --seeds 3
    python benchmarks/fine_tuning.py --kind digits --sizes 200 500 --seeds 3 --start robust

Without --start, the start has seen the first 50,000 training images of MNIST, clean, for four epochs. The few images
are of the first 50,000 under the course recipe, judged on the last 10,000 (dev images; no test set is read); or those
of scikit-learn's digits, written by other people and 8 × 8 pixels, enlarged and judged on those that are not trained
on. A tenth of the few calibrates. Every row goes to --out as it is ready, and what is there is not trained again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np

import bruit
from bruit.training.device import limited_threads
from bruit.training.recipe import derived_seed
from bruit.training.splits import stratified_sample

OUT = Path(__file__).parent / "out" / "fine_tuning"
MODEL, DEV, START_EPOCHS = "cnn-plus", 10_000, 4


def course() -> tuple[bruit.Dataset, bruit.Dataset]:
    """50,000 noisy training images, and the 10,000 after them to judge by."""
    train = bruit.load("mnist+course").train
    return train.subset(slice(0, -DEV)), train.subset(slice(-DEV, None))


def digits() -> tuple[bruit.Dataset, None]:
    """scikit-learn's 1,797 digits as MNIST has them: 20 × 20 pixels, in the middle of 28 × 28."""
    from PIL import Image
    from sklearn.datasets import load_digits

    loaded = load_digits()
    images = np.zeros((len(loaded.images), 28, 28), np.uint8)
    for image, small in zip(images, loaded.images, strict=True):
        pixels = np.rint(small / 16 * 255).astype(np.uint8)
        image[4:24, 4:24] = np.asarray(Image.fromarray(pixels).resize((20, 20), Image.Resampling.BICUBIC))
    classes = tuple(str(name) for name in loaded.target_names)
    return bruit.Dataset(images, loaded.target.astype(np.int64), classes, np.arange(len(images))), None


def start() -> Any:
    """The model that knows clean MNIST, trained once."""
    folder = OUT / "start"
    if not (folder / "config.json").is_file():
        clean = bruit.load("mnist").train.subset(slice(0, -DEV))
        bruit.fit(MODEL, clean, epochs=START_EPOCHS, folder=folder, resume=True)
    return bruit.load_model(folder)


def rows(kind: str, named: str, sizes: list[int], seeds: int, done: set[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """The accuracy of each training that is not done, and of the start untouched (n = 0)."""
    pool, dev = {"course": course, "digits": digits}[kind]()
    before = start() if named == "start" else bruit.load_model(named)
    for n, seed in [(0, 0), *((n, seed) for n in sizes for seed in range(seeds))]:
        part = stratified_sample(pool, n, derived_seed(seed, "subset")) if n else None
        seen = np.isin(pool.ids, part.ids if part else [])
        judged_by = dev or pool.subset(np.flatnonzero(~seen))
        for begins in (named, "nothing") if n else (named,):
            if (kind, n, seed, begins) in done:
                continue
            begin = time.process_time()
            model = before
            if part:
                model = bruit.fit(MODEL, part, seed=seed, start=before if begins == named else None).model
            seconds = time.process_time() - begin
            right = model.probabilities(judged_by.images).argmax(axis=1) == judged_by.labels
            row = {"kind": kind, "n": n, "seed": seed, "from": begins, "accuracy": float(right.mean())}
            yield row | {"judged_by": len(right), "seconds": round(seconds, 1)}


def table(found: list[dict[str, Any]], named: str) -> None:
    """Mean ± standard deviation of the seeds, of each size."""
    print("| images | from nothing (seeds) | fine-tuned (seeds) | seconds |\n|---|---|---|---|")
    for kind, n in sorted({(row["kind"], row["n"]) for row in found}):
        cells, seconds = [], []
        for begins in ("nothing", named):
            there = [row for row in found if (row["kind"], row["n"], row["from"]) == (kind, n, begins)]
            values = [100 * row["accuracy"] for row in there]
            cells.append(f"{mean(values):.1f} ± {stdev(values):.1f} % ({len(values)})" if len(values) > 1 else
                         f"{values[0]:.1f} %" if values else "–")  # fmt: skip
            seconds.append(f"{mean(row['seconds'] for row in there):.0f}" if there else "–")
        print(f"| {kind}, {n:,} | {cells[0]} | {cells[1]} | {', '.join(seconds)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=("course", "digits"), default="course")
    parser.add_argument("--start", default="start", choices=("start", "robust"), help="what is fine-tuned")
    parser.add_argument("--sizes", type=int, nargs="+", default=[200, 500, 1000, 2000, 5000])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=OUT / "rows.jsonl")
    asked = parser.parse_args()
    if (asked.kind, asked.start) == ("course", "robust"):
        parser.error("robust has seen the images that --kind course judges by; take --kind digits")
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    found = [json.loads(line) for line in asked.out.read_text().splitlines()] if asked.out.is_file() else []
    done = {(row["kind"], row["n"], row["seed"], row["from"]) for row in found}
    with limited_threads(1), asked.out.open("a") as file:
        for row in rows(asked.kind, asked.start, asked.sizes, asked.seeds, done):
            found.append(row)
            print(json.dumps(row), file=file, flush=True)
            print(json.dumps(row), flush=True)
    table(found, asked.start)


if __name__ == "__main__":
    main()
