"""Peers in one run: the five networks of notebooks A and B in Keras, and bruit's four, on the same images and machine.

    python peers.py --keras-python PATH [--data DIR] [--networks a-dnn cnn-plus …] [--seeds 3] [--out DIR]
    python peers.py --draw [--out DIR] [--figure docs/peers.svg]

Each network is trained by its own recipe, the peers by that of their notebook (keras_networks.py), bruit's by the
zoo's, on the same 48,000 training images; the other 12,000 validate, and where a recipe stops early, halves its
learning rate or keeps the best epoch, it goes by them. Each training has a process of its own, one after the other,
all cores (limits on threads in the environment are not passed on) and no GPU. Seed 0 of every network comes first,
then seed 1, and so on.

A finished training leaves NETWORK-SEED.json in --out and is not done again; a file of other settings there is
refused. In it `history` has a row an epoch: seconds of training since the first batch, compilation in, evaluation
out (`train_seconds` of keras_peer.py, the sum of `seconds` in bruit's `Fit.history`), and validation accuracy.
`call_seconds` is the whole call of fit, validation in. The test set is looked at once, when a training is over;
with --no-test not at all.

At the end, and with --draw instead of trainings, what is there is printed as a table and drawn (peers_figure.py).
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import importlib.metadata
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import accumulate
from pathlib import Path
from typing import Any

import keras_peer
import peers_figure
from keras_networks import NETWORKS as PEERS
from time_to_accuracy import bruit_dataset

import bruit
from bruit.errors import BruitError
from bruit.files import read_json, write_json

BRUIT = ("dnn", "dnn-plus", "cnn", "cnn-plus")
NETWORKS = (*PEERS, *BRUIT)
OUT = Path(__file__).parent / "out"
WHY = "peers in one run"
KERAS_VERSIONS = """
import importlib.metadata, json
names = ("keras", "tensorflow", "tensorflow_cpu", "numpy")
print(json.dumps({one.name: one.version for one in importlib.metadata.distributions() if one.name in names}))
"""

Training = tuple[str, int]


def in_order(networks: Sequence[str], seeds: int) -> list[Training]:
    """(network, seed) of each training: an interrupted run has something of every network."""
    return [(network, seed) for seed in range(seeds) for network in networks]


def file_of(out: Path, training: Training) -> Path:
    network, seed = training
    return out / f"{network}-{seed}.json"


def shared_settings(args: argparse.Namespace) -> dict[str, Any]:
    """What must be the same for all networks if they are to be compared."""
    machine = keras_peer.machine()
    digest = hashlib.sha256()
    for name in ("train_images.npy", "train_labels.npy"):
        digest.update((args.data / name).read_bytes())
    return {
        "images": args.images,
        "epochs": args.epochs,
        "test": not args.no_test,
        "data": digest.hexdigest()[:16],
        "machine": f"{machine['processor']}, {machine['cores']} cores",
    }


def recipe_of(network: str) -> dict[str, Any]:
    """A network and how it is trained, as plain values."""
    from bruit.models.zoo import entry

    if network in PEERS:
        return asdict(PEERS[network])
    zoo = entry(network)
    assert zoo.recipe is not None
    return {"config": asdict(zoo.config), **asdict(zoo.recipe)}


def versions(networks: Sequence[str], keras_python: str) -> dict[str, dict[str, str]]:
    """For each network the versions of what trains it; ends the program where Keras is needed and missing."""
    own = {"bruit": bruit.__version__, **{name: importlib.metadata.version(name) for name in ("torch", "numpy")}}
    keras: dict[str, str] = {}
    if not PEERS.keys().isdisjoint(networks):
        try:
            command = [keras_python, "-c", KERAS_VERSIONS]
            keras = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        except (OSError, subprocess.CalledProcessError, ValueError):  # no such program, or none that has Keras
            keras = {}
        if "keras" not in keras:
            raise SystemExit(f"{keras_python} has no Keras; name an interpreter that has it with --keras-python")
    return {network: keras if network in PEERS else own for network in networks}


def is_done(path: Path, settings: dict[str, Any]) -> bool:
    """Whether a training has left its file; ends the program with one line where the file is of other settings."""
    if not path.exists():
        return False
    there = read_run(path)["settings"]
    wanted = json.loads(json.dumps(settings))  # JSON knows no tuples
    other = [key for key in wanted | there if wanted.get(key) != there.get(key)]
    if other:
        raise SystemExit(f"{path} is of a training with other {', '.join(other)}; remove it, or choose another --out")
    return True


def read_run(path: Path) -> dict[str, Any]:
    """What a training has left; ends the program with one line where it is damaged."""
    try:
        run = read_json(path)
    except BruitError as error:
        raise SystemExit(str(error)) from error
    if not isinstance(run, dict) or not {"settings", "history"} <= run.keys():
        raise SystemExit(f"{path} is not of this script; remove it, or choose another --out")
    return run


def runs_there(out: Path, networks: Sequence[str], seeds: int) -> dict[str, list[dict[str, Any]]]:
    """The runs of each network that has any; ends the program with one line if they cannot be compared."""
    runs: dict[str, list[dict[str, Any]]] = {}
    for network in networks:
        paths = [file_of(out, (network, seed)) for seed in range(seeds)]
        if some := [read_run(path) for path in paths if path.exists()]:
            runs[network] = some
    peers_figure.refuse_mixture(runs)
    return runs


def train_peer(args: argparse.Namespace, training: Training) -> dict[str, Any]:
    """Trains one of the notebooks' networks in a process of its own."""
    network, seed = training
    options = ["--network", network, "--seed", str(seed), *passed_on(args)]
    options += ["--why", WHY] if args.no_test else ["--why", WHY, "--test-once"]
    rows = run_alone(keras_peer.peer_command(args.keras_python, args.data, *options))
    start, *epochs, end = rows
    keys = {"epoch": "epoch", "seconds": "train_seconds", "validation_accuracy": "validation_accuracy"}
    result = {
        "parameters": start["trained_parameters"],
        "history": [{key: row[of] for key, of in keys.items()} for row in epochs],
        "seconds": end["train_seconds"],
        "call_seconds": end["fit_seconds"],
        "validation_accuracy": epochs[-1]["validation_accuracy"],
    }
    return result if args.no_test else {**result, "test_accuracy": end["test_accuracy"]}


def train_bruit(args: argparse.Namespace, training: Training) -> dict[str, Any]:
    """Trains one of bruit's networks in a process of its own."""
    network, seed = training
    command = [sys.executable, str(Path(__file__).resolve()), "--bruit-side", network, "--bruit-seed", str(seed)]
    return run_alone([*command, "--data", str(args.data), *passed_on(args)])[-1]


def passed_on(args: argparse.Namespace) -> list[str]:
    """The options that both sides take."""
    given = {"--epochs": args.epochs, "--images": args.images, "--test-log": args.test_log}
    options = [word for name, value in given.items() if value is not None for word in (name, str(value))]
    return [*options, "--no-test"] if args.no_test else options


def run_alone(command: list[str]) -> list[dict[str, Any]]:
    """The JSON lines of a process with all cores and no GPU; ends the program with one line if it fails."""
    environment = keras_peer.with_all_cores() | {"CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment)
    if done.returncode:
        raise SystemExit(f"a training ended with {done.returncode}: {' '.join(command)}")
    return keras_peer.json_rows(done.stdout)


def bruit_side(args: argparse.Namespace) -> dict[str, Any]:
    """Trains one of bruit's networks in this process, and looks at the test set once, when it is trained."""
    from bruit.training.fit import fit

    images = bruit_dataset(args.data, "train")
    fit_index, validation_index = keras_peer.training_and_validation(len(images), args.bruit_seed)
    train, validation = images.subset(fit_index[: args.images]), images.subset(validation_index)
    start = time.perf_counter()
    fitted = fit(args.bruit_side, train, validation, seed=args.bruit_seed, epochs=args.epochs)
    call_seconds = time.perf_counter() - start
    seconds = accumulate(row["seconds"] for row in fitted.history)
    # Of the weights that are kept and tested, which need not be those of the last epoch.
    kept = (fitted.validation_probabilities.argmax(axis=1) == validation.labels).mean()
    result = {
        "parameters": fitted.model.parameters,
        "history": [
            {"epoch": row["epoch"], "seconds": now, "validation_accuracy": row["validation_accuracy"]}
            for row, now in zip(fitted.history, seconds, strict=True)
        ],
        "seconds": fitted.seconds,
        "call_seconds": call_seconds,
        "validation_accuracy": float(kept),
    }
    if not args.no_test:
        test = bruit_dataset(args.data, "test")
        right = fitted.model.probabilities(test.images).argmax(axis=1) == test.labels
        result["test_accuracy"] = float(right.mean())
        keras_peer.record_test_evaluations(args.test_log, "peers.py", args.bruit_side, 1, WHY)
    return result


def train_all(
    args: argparse.Namespace, settings: dict[Training, dict[str, Any]], train: Callable[[Training], dict[str, Any]]
) -> None:
    """Does the trainings that have left no file, in order, after a look at all the files that are there."""
    waiting = [one for one in settings if not is_done(file_of(args.out, one), settings[one])]
    for number, training in enumerate(waiting, 1):
        network, seed = training
        print(f"training {number} of {len(waiting)}: {network}, seed {seed}", file=sys.stderr, flush=True)
        run = {"settings": settings[training], **train(training)}
        run["ended"] = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        write_json(file_of(args.out, training), run)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the notebooks' networks and bruit's, and draw their curves.")
    parser.add_argument("--keras-python", default=sys.executable, help="interpreter that has Keras and TensorFlow")
    parser.add_argument("--data", type=Path, default=OUT / "course", help="folder of the course data; made when absent")
    parser.add_argument(
        "--networks", nargs="+", choices=NETWORKS, default=NETWORKS, metavar="NAME", help="some of them"
    )
    parser.add_argument("--seeds", type=int, default=3, help="how many: 0, 1, 2 …")
    parser.add_argument("--epochs", type=int, help="instead of each recipe's own (to try the script)")
    parser.add_argument("--images", type=int, help="train on the first so many images only (to try the script)")
    parser.add_argument("--no-test", action="store_true", help="leave the test set alone")
    parser.add_argument("--test-log", type=Path, default=keras_peer.TEST_LOG)
    parser.add_argument("--out", type=Path, default=OUT / "peers", help="where the file of each training goes")
    parser.add_argument("--figure", type=Path, help="draw here, .svg or .png")
    parser.add_argument("--draw", action="store_true", help="train nothing; print and draw what is there")
    parser.add_argument("--bruit-side", help=argparse.SUPPRESS)
    parser.add_argument("--bruit-seed", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.figure and args.figure.suffix not in (".svg", ".png"):
        parser.error(f"expected a file that ends in .svg or .png, received {args.figure}")
    if args.bruit_side:
        print(json.dumps(bruit_side(args)))
        return
    if not args.draw:
        args.out.mkdir(parents=True, exist_ok=True)
        keras_peer.make_course_data(args.data)
        shared, of_each = shared_settings(args), versions(args.networks, args.keras_python)
        settings = {
            (network, seed): {
                "network": network,
                "seed": seed,
                **shared,
                "recipe": recipe_of(network),
                "versions": of_each[network],
            }
            for network, seed in in_order(args.networks, args.seeds)
        }
        train_all(args, settings, lambda one: (train_peer if one[0] in PEERS else train_bruit)(args, one))

    runs = runs_there(args.out, args.networks, args.seeds)
    if not runs:
        raise SystemExit(f"{args.out} has no file of such a training")
    print(peers_figure.table(runs))
    if args.figure:
        peers_figure.save(peers_figure.draw(runs), args.figure)
        print(args.figure, file=sys.stderr)


if __name__ == "__main__":
    main()
