"""A peer: a network of notebook A or B, by its own recipe, in Keras on TensorFlow's CPU build.

    python keras_peer.py DATA [--network a-cnn-optimised] [--epochs N] [--seed 0] [--no-test | --test-once]
                         [--target ACC] [--every-steps K]

DATA holds train_images.npy, train_labels.npy, test_images.npy and test_labels.npy. The network, one of those in
keras_networks.py and notebook A's "optimised CNN" unless another is named, is trained on 80 % of the training
images and validated on the other 20 %.

JSON lines go to standard output, one object each, told apart by "kind":
- "start": versions, numbers of images, recipe, parameters (all, and those that are trained)
- "epoch" (the end of one) and "step" (with --every-steps): epoch, step, train_seconds, validation_accuracy,
  test_accuracy
- "end": train_seconds, fit_seconds, epochs, test_evaluations, and with --test-once test_accuracy

`train_seconds` runs from the first batch, tracing and compilation in, every evaluation out. Between two epochs
it stands still until the next first batch: TensorFlow sometimes waits there for seconds between one epoch's
iterator and the next, and the comparison should not rest on that. `fit_seconds` is what somebody running the
notebook waits for, those pauses and Keras' own validation pass after each epoch in; only the evaluations for
this log are out.

The top of this file needs only NumPy, so that the other benchmarks, which may live in an environment without
TensorFlow, take the data split and the subprocess call from it.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from keras_networks import NETWORKS, build, callbacks

DEFAULT = "a-cnn-optimised"
EPOCHS = NETWORKS[DEFAULT].epochs
VALIDATION_FRACTION = 0.2
TEST_LOG = Path(__file__).with_name("test_log.jsonl")
THREAD_LIMITS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def read_split(folder: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, H, W, 1) float32 in 0…1 and labels (N,) int64, whatever scale each file has."""
    images = np.load(folder / f"{name}_images.npy")
    labels = np.load(folder / f"{name}_labels.npy").astype(np.int64).reshape(-1)
    # The course's files mix scales: floats in 0…1 for training, uint8 for the test set.
    scale = 255.0 if images.dtype == np.uint8 or images.max() > 1.0 else 1.0
    images = (images.astype(np.float32) / np.float32(scale)).reshape(len(labels), *images.shape[1:3], 1)
    return images, labels


def training_and_validation(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the 80 % that both sides train on and of the 20 % that they validate on."""
    order = np.random.default_rng(seed).permutation(n)
    n_validation = round(n * VALIDATION_FRACTION)
    return np.sort(order[n_validation:]), np.sort(order[:n_validation])


def record_test_evaluations(log: Path, script: str, model: str, n_evaluations: int, why: str) -> None:
    """One line in the log that counts how often benchmarks have looked at the test set."""
    if n_evaluations:
        date = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        row = {"date": date, "script": script, "model": model, "n_evaluations": n_evaluations, "why": why}
        with log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def make_course_data(folder: Path, seed: int = 0) -> Path:
    """The course data as four files, written by `bruit noise` unless the folder has them already."""
    if not (folder / "train_images.npy").exists():
        command = [sys.executable, "-m", "bruit", "noise", "mnist", "--recipe", "course"]
        subprocess.run([*command, "--seed", str(seed), "--out", str(folder)], check=True, stdout=sys.stderr)
    return folder


def peer_command(keras_python: str, data: Path, *options: str) -> list[str]:
    """The command line that runs this file under the interpreter that has TensorFlow."""
    return [keras_python, str(Path(__file__).resolve()), str(data), *options]


def json_rows(text: str) -> list[dict[str, Any]]:
    """The JSON lines in a program's standard output."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def quiet_environment() -> dict[str, str]:
    """The environment of this process, for one that runs Keras on TensorFlow."""
    return {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}


def with_all_cores() -> dict[str, str]:
    """The same without limits on threads: those of one side only would hold back one side only."""
    return {key: value for key, value in quiet_environment().items() if key not in THREAD_LIMITS}


def machine() -> dict[str, Any]:
    """What a figure needs beside it: processor, usable cores, memory in GiB, system."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    flags = ""
    if cpuinfo.exists():
        fields = dict(
            [part.strip() for part in line.split(":", 1)]
            for line in cpuinfo.read_text().split("\n\n")[0].splitlines()
            if ":" in line
        )
        processor, flags = fields.get("model name", processor), fields.get("flags", "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": processor,
        "cores": cores,
        "memory_gib": round(memory, 1),
        "avx512_bf16": "avx512_bf16" in flags.split(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def train(args: argparse.Namespace, emit: Any) -> int:
    """Trains the network, hands each row to `emit`, and returns how often it looked at the test set."""
    os.environ.update(quiet_environment())
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(args.seed)
    images, labels = read_split(args.data, "train")
    fit_index, validation_index = training_and_validation(len(labels), args.seed)
    fit_index = fit_index[: args.images]
    validation = images[validation_index], labels[validation_index]
    test = None if args.no_test or args.test_once else read_split(args.data, "test")
    network = NETWORKS[args.network]
    epochs = args.epochs or network.epochs
    model = build(network)

    # Not model.evaluate: called in the middle of an epoch, it would reset the training metrics of that epoch.
    predict = tf.function(lambda batch: tf.argmax(model(batch, training=False), axis=1), reduce_retracing=True)

    def accuracy(split: tuple[np.ndarray, np.ndarray]) -> float:
        batches = range(0, len(split[1]), 1000)
        guesses = np.concatenate([predict(tf.constant(split[0][i : i + 1000])).numpy() for i in batches])
        return float((guesses == split[1]).mean())

    class Clock(keras.callbacks.Callback):  # type: ignore[misc]
        """Two stopwatches (see the top of the file) and the rows of the log."""

        started = running_since = train_seconds = fit_seconds = log_seconds = 0.0
        epoch = step = evaluations = 0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.epoch = epoch + 1

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if batch == 0:
                self.running_since = time.perf_counter()
                self.started = self.started or self.running_since

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.step += 1
            last = batch + 1 == self.params["steps"]
            if last or (args.every_steps and self.step % args.every_steps == 0):
                now = time.perf_counter()
                self.train_seconds += now - self.running_since
                if not last:  # the last step of an epoch has its row in on_epoch_end
                    self.write("step", accuracy(validation))
                    self.running_since = time.perf_counter()
                    self.log_seconds += self.running_since - now

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            now = time.perf_counter()
            self.fit_seconds = now - self.started - self.log_seconds
            self.write("epoch", float(logs["val_accuracy"]))
            self.log_seconds += time.perf_counter() - now

        def write(self, kind: str, validation_accuracy: float) -> None:
            row = {"kind": kind, "epoch": self.epoch, "step": self.step, "train_seconds": self.train_seconds}
            row["validation_accuracy"] = validation_accuracy
            if test is not None:
                self.evaluations += 1
                row["test_accuracy"] = accuracy(test)
                if args.target is not None and row["test_accuracy"] >= args.target:
                    self.model.stop_training = True
            emit(row)

    emit(
        {
            "kind": "start",
            "network": args.network,
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
            "n_train": len(fit_index),
            "n_validation": len(validation[1]),
            "parameters": model.count_params(),
            "trained_parameters": sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
            "batch_size": network.batch_size,
            "epochs": epochs,
            "seed": args.seed,
        }
    )
    clock = Clock()
    model.fit(
        images[fit_index],
        labels[fit_index],
        batch_size=network.batch_size,
        epochs=epochs,
        validation_data=validation,
        callbacks=[clock, *callbacks(network)],
        verbose=0,
    )
    end = {"kind": "end", "epochs": clock.epoch, "train_seconds": clock.train_seconds, "fit_seconds": clock.fit_seconds}
    if args.test_once:
        clock.evaluations += 1
        end["test_accuracy"] = accuracy(read_split(args.data, "test"))
    emit({**end, "test_evaluations": clock.evaluations})
    return clock.evaluations


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a notebook's network in Keras on TensorFlow's CPU build.")
    parser.add_argument("data", type=Path, help="folder of the four .npy files; made by `bruit noise` when absent")
    parser.add_argument("--network", choices=NETWORKS, default=DEFAULT)
    parser.add_argument("--epochs", type=int, help="instead of as many as the notebook has")
    parser.add_argument("--seed", type=int, default=0, help="of the split, the weights and the batches")
    parser.add_argument("--target", type=float, help="stop at this test accuracy (0 to 1)")
    parser.add_argument("--every-steps", type=int, default=0, help="evaluate each so many batches too")
    looks = parser.add_mutually_exclusive_group()
    looks.add_argument("--no-test", action="store_true", help="leave the test set alone")
    looks.add_argument("--test-once", action="store_true", help="look at the test set at the end and not before")
    parser.add_argument("--images", type=int, help="train on the first so many images only (to try the script)")
    parser.add_argument("--why", default="benchmark log", help="the reason that the log of test evaluations gives")
    parser.add_argument("--test-log", type=Path, default=TEST_LOG)
    args = parser.parse_args()
    if args.target is not None and (args.no_test or args.test_once):
        parser.error("--target needs the test set as training goes on; leave out --no-test and --test-once")
    make_course_data(args.data)
    evaluations = train(args, lambda row: print(json.dumps(row), flush=True))
    record_test_evaluations(args.test_log, "keras_peer.py", NETWORKS[args.network].title, evaluations, args.why)


if __name__ == "__main__":
    main()
