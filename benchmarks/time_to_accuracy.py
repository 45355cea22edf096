"""Time to the peer's best test accuracy: notebook A's optimised CNN against bruit's `cnn-plus`, side by side.

    python time_to_accuracy.py --keras-python PATH [--data DIR] [--runs 3] [--bruit-images 24000] [--out FILE.json]

Each run trains both, one after the other, the peer first in even runs and bruit first in odd ones, each in a
fresh process, on the same 48,000 training images (the other 12,000 validate). The target is the peer's best
test accuracy at the end of any of its epochs in that run, or 96.73 % (its published figure), whichever is
lower. The peer's time is that of its first evaluation that meets the target.

Both clocks run from the first batch, compilation in, evaluation out (for the peer see keras_peer.py; for bruit
it is `Fit.seconds`). Beside that stands bruit's time for the whole call of `fit`, validation and all, which no
definition can flatter. bruit's training is a short one of `cnn-plus`: its layers and optimisers, one pass over
--bruit-images of the 48,000 in batches of 64, without augmentation and focus, which pay only later; it counts as
reaching the target only at its end. How many images are enough was found out on dev images (docs/models.md).

The test set is looked at after every epoch of the peer and once in a run of bruit, for this comparison and
nothing else: neither side chooses anything by it. Every look is counted in test_log.jsonl.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras_peer
import numpy as np

if TYPE_CHECKING:
    from bruit.data.dataset import Dataset

PUBLISHED = 0.9673
REQUIRED_RATIO = 60.0
BATCH_SIZE = 64


def bruit_dataset(data: Path, name: str) -> Dataset:
    """The images of a split, as the peer reads them, in the bytes that bruit takes."""
    from bruit.data.dataset import Dataset

    images, labels = keras_peer.read_split(data, name)
    pixels = np.rint(images[..., 0] * 255).astype(np.uint8)
    return Dataset(pixels, labels, tuple("0123456789"), np.arange(len(labels), dtype=np.int64))


def bruit_side(data: Path, images: int, epochs: int, seed: int, test_log: Path) -> dict[str, Any]:
    """Trains `cnn-plus` once, in this process, and evaluates it on the test set once, when it is trained."""
    from bruit.models.zoo import entry
    from bruit.training.fit import fit

    recipe = entry("cnn-plus").recipe
    assert recipe is not None
    short = replace(recipe, epochs=epochs, batch_size=BATCH_SIZE, augmentation=None, focus=None, least_steps=0)
    train, test = bruit_dataset(data, "train"), bruit_dataset(data, "test")
    fit_index, validation_index = keras_peer.training_and_validation(len(train), seed)
    fit_index = np.random.default_rng(seed).permutation(fit_index)[:images]
    start = time.perf_counter()
    fitted = fit(
        "cnn-plus", train.subset(fit_index), train.subset(validation_index), recipe=short, seed=seed, epochs=epochs
    )
    call_seconds = time.perf_counter() - start
    accuracy = float((fitted.model.probabilities(test.images).argmax(axis=1) == test.labels).mean())
    keras_peer.record_test_evaluations(
        test_log, "time_to_accuracy.py", f"cnn-plus, {epochs} x {images} images", 1, "time to accuracy"
    )
    return {
        "train_seconds": fitted.seconds,
        "call_seconds": call_seconds,
        "validation_accuracy": fitted.history[-1]["validation_accuracy"],
        "test_accuracy": accuracy,
        "history": fitted.history,
    }


def run_bruit(args: argparse.Namespace, data: Path, run: int) -> dict[str, Any]:
    """The bruit side in a fresh process and with an empty compiler cache: nothing is left from earlier runs."""
    command = [sys.executable, str(Path(__file__).resolve()), "--bruit-side", "--data", str(data)]
    command += [
        "--seed",
        str(run),
        "--bruit-images",
        str(args.bruit_images),
        "--bruit-epochs",
        str(args.bruit_epochs),
        "--test-log",
        str(args.test_log),
    ]
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": cache}
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return keras_peer.json_rows(done.stdout)[-1]


def run_peer(args: argparse.Namespace, data: Path, run: int) -> list[dict[str, Any]]:
    options = ["--epochs", str(args.peer_epochs), "--seed", str(run), "--every-steps", str(args.every_steps)]
    options += ["--why", "time to accuracy", "--test-log", str(args.test_log)]
    command = keras_peer.peer_command(args.keras_python, data, *options)
    environment = keras_peer.quiet_environment()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return keras_peer.json_rows(done.stdout)


def compare(peer: list[dict[str, Any]], bruit: dict[str, Any]) -> dict[str, Any]:
    """What one run shows: the target, both times, and their ratios (None where bruit missed the target)."""
    evaluated = [row for row in peer if "test_accuracy" in row]
    best = max(row["test_accuracy"] for row in evaluated if row["kind"] == "epoch")
    target = min(best, PUBLISHED)
    peer_seconds = next(row["train_seconds"] for row in evaluated if row["test_accuracy"] >= target)
    reached = bruit["test_accuracy"] >= target
    return {
        "target": target,
        "peer_best": best,
        "peer_seconds": peer_seconds,
        "bruit_accuracy": bruit["test_accuracy"],
        "bruit_seconds": bruit["train_seconds"],
        "bruit_call_seconds": bruit["call_seconds"],
        "ratio": peer_seconds / bruit["train_seconds"] if reached else None,
        "call_ratio": peer_seconds / bruit["call_seconds"] if reached else None,
        "peer_log": peer,
        "bruit_log": bruit,
    }


def print_table(runs: list[dict[str, Any]], args: argparse.Namespace) -> None:
    print(f"machine: {keras_peer.machine()}   n = {len(runs)}")
    start = runs[0]["peer_log"][0]
    versions = f"Keras {start['keras']} on TensorFlow {start['tensorflow']}"
    print(f"peer: notebook A's optimised CNN, up to {args.peer_epochs} epochs, {versions}")
    passes = f"{args.bruit_epochs} x {args.bruit_images} of the {start['n_train']} training images"
    print(f"bruit: cnn-plus, {passes}, in batches of {BATCH_SIZE}, not augmented")
    columns: dict[str, Callable[[dict[str, Any]], Any]] = {
        "target %": lambda run: 100 * run["target"],
        "peer best %": lambda run: 100 * run["peer_best"],
        "peer s": lambda run: run["peer_seconds"],
        "bruit %": lambda run: 100 * run["bruit_accuracy"],
        "bruit s": lambda run: run["bruit_seconds"],
        "call s": lambda run: run["bruit_call_seconds"],
        "ratio": lambda run: run["ratio"],
        "call ratio": lambda run: run["call_ratio"],
    }
    print(f"{'run':>8}" + "".join(f"{name:>13}" for name in columns))
    table = [[column(run) for column in columns.values()] for run in runs]
    reached = all(run["ratio"] is not None for run in runs)
    for number, row in enumerate(table, 1):
        print_row(str(number), row)
    if reached:
        for label, summary in (("min", min), ("median", statistics.median), ("max", max)):
            print_row(label, [summary(values) for values in zip(*table, strict=True)])
    ok = reached and min(run["ratio"] for run in runs) >= REQUIRED_RATIO
    print(f"required: at least {REQUIRED_RATIO:g} times sooner, in every run: {'ok' if ok else 'MISSED'}")


def print_row(label: str, values: list[float | None]) -> None:
    print(f"{label:>8}" + "".join(f"{'not reached':>13}" if value is None else f"{value:13.2f}" for value in values))


def main() -> None:
    parser = argparse.ArgumentParser(description="Time to the peer's best test accuracy, bruit against Keras.")
    parser.add_argument("--keras-python", default=sys.executable, help="interpreter that has Keras and TensorFlow")
    parser.add_argument("--data", type=Path, help="folder of the course data for both sides; made when absent")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--bruit-epochs", type=int, default=1, help="length of cnn-plus' schedule")
    parser.add_argument("--bruit-images", type=int, default=24_000, help="how many of the training images it sees")
    parser.add_argument("--peer-epochs", type=int, default=keras_peer.EPOCHS)
    parser.add_argument("--every-steps", type=int, default=0, help="evaluate the peer each so many batches too")
    parser.add_argument("--test-log", type=Path, default=keras_peer.TEST_LOG)
    parser.add_argument("--out", type=Path, help="write the figures here as JSON")
    parser.add_argument("--bruit-side", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.bruit_side:
        print(json.dumps(bruit_side(args.data, args.bruit_images, args.bruit_epochs, args.seed, args.test_log)))
        return

    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="bruit-time-to-accuracy-") as temporary:
        data = keras_peer.make_course_data(args.data or Path(temporary) / "course")
        for run in range(args.runs):
            peer: list[dict[str, Any]] = []
            bruit: dict[str, Any] = {}
            for side in ("peer", "bruit") if run % 2 == 0 else ("bruit", "peer"):
                print(f"run {run + 1} of {args.runs}: {side}", file=sys.stderr, flush=True)
                if side == "peer":
                    peer = run_peer(args, data, run)
                else:
                    bruit = run_bruit(args, data, run)
            runs.append(compare(peer, bruit))
            if args.out:  # after every run: an hour's figures should outlive an interruption
                settings = {
                    "bruit_images": args.bruit_images,
                    "bruit_epochs": args.bruit_epochs,
                    "peer_epochs": args.peer_epochs,
                }
                result = {"machine": keras_peer.machine(), "n": len(runs), **settings, "runs": runs}
                args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print_table(runs, args)


if __name__ == "__main__":
    main()
