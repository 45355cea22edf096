"""Train the four small models that come with bruit, and put them into their place in the package: make small.

    python tools/small.py [--dev] [--only cnn-plus …] [--out DIR]

Plain and improved, dense and convolutional, each on the course recipe's noisy MNIST as it is given: what the page of
`bruit serve` compares; and small/cnn-plus, with a sixth of the operations of the zoo's, is for many images. 58,000
are trained on, 2,000 fit the temperature. With --dev the last 10,000 training images are kept from them and judge them,
and nothing goes into the package. Without, the test images judge them, once each: benchmarks/test_log.jsonl.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import bruit
from bruit.files import read_json, write_json, write_text
from bruit.models.networks import Dense, Normalised
from bruit.models.store import load_model
from bruit.models.zoo import ZOO, entry
from bruit.outside.export import export
from bruit.seals import seal
from bruit.studies.places import SMALL

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
from keras_peer import TEST_LOG, machine, record_test_evaluations  # noqa: E402  (the benchmarks are scripts, no package)
from robustness_runs import split  # noqa: E402

DATA, SEED, FIRST = "mnist+course", 0, 500
# The improved ones with fewer weights than the zoo's, and as many epochs as that leaves time for.
SMALLER = {
    "dnn-plus": (Dense((256, 256, 128), batch_norm=True), 48),
    "cnn-plus": (Normalised((8, 16, 32, 48, 64), strides=(1, 2, 2, 1, 1)), 60),
}
NAMES = ("dnn", "dnn-plus", "cnn", "cnn-plus")


def train(name: str, dev: bool, out: Path) -> Path:
    """Train one, from the last epoch that is there; where it lies then."""
    images, folder = split(test=not dev, data=DATA), out / name
    if name in SMALLER:
        config, epochs = SMALLER[name]
        recipe = entry(name).recipe
        assert recipe is not None
        ZOO[name] = replace(entry(name), config=config, recipe=replace(recipe, epochs=epochs))
    if not (folder / "config.json").is_file():
        bruit.fit(
            name,
            images.train,
            images.validation,
            seed=SEED,
            seen=DATA,
            folder=folder,
            resume=True,
            on_epoch=lambda model, row: print(
                f"{name}, epoch {row['epoch']}: validation {row['validation_accuracy']:.4f}", flush=True
            ),
        )
    return folder


def measured(folder: Path, name: str, dev: bool) -> dict[str, Any]:
    """Its figures on images that it has not seen, and what it is."""
    images, model, trained = split(test=not dev, data=DATA), load_model(folder), read_json(folder / "config.json")
    if not dev:
        record_test_evaluations(TEST_LOG, "tools/small.py", f"small {name}", 1, "the figures of the shipped model")
    figures = bruit.evaluate(model, images.judged)
    told = {key: figures[key] for key in ("n", "accuracy", "accuracy_ci95", "nll", "ece")}
    # What the tests measure again.
    told["first"] = bruit.evaluate(model, images.judged.subset(slice(FIRST)))["accuracy"]
    return told | {"parameters": trained["parameters"], "epochs": trained["train"]["epochs"]}


def row(name: str, told: dict[str, Any]) -> str:
    low, high = told["accuracy_ci95"]
    accuracy = f"{told['accuracy']:.2%} ({100 * low:.2f}–{100 * high:.2f})"
    return f"| `{name}` | {told['parameters']:,} | {told['epochs']} | {accuracy} | {told['ece']:.2%} |"


def table(figures: dict[str, Any]) -> str:
    head = ["| model | weights | epochs | accuracy, 95 % interval | ECE |", "|---|---|---|---|---|"]
    return "\n".join(head + [row(name, told) for name, told in figures.items()])


def ship(folders: dict[str, Path], figures: dict[str, Any]) -> None:
    """Put the models as ONNX, their figures and their card into the package."""
    for name, folder in folders.items():
        export(load_model(folder), SMALL / f"{name}.onnx", force=True)
    write_json(SMALL / "benchmark.json", {"made_by": "make small", "figures": figures, "machine": machine()})
    write_text(
        SMALL / "card.md",
        f"""# The small models

What the page of `bruit serve` compares when no run is served: the four networks of bruit, plain and improved, dense
and convolutional, trained on 58,000 images of the course recipe's noisy MNIST, as they are given; 2,000 more fit the
temperature. The improved ones are smaller than those of a study. Made by `make small`. To read digits take `robust`,
which has seen more kinds of noise.

On the recipe's 10,000 test images:

{table(figures)}
""",
    )
    seal(SMALL, (*(f"{name}.onnx" for name in folders), "benchmark.json", "card.md"))


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the small models that come with bruit.")
    parser.add_argument("--dev", action="store_true", help="keep the last 10,000 training images to judge them by")
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--out", type=Path, help="folder of the trainings, which go on from there")
    asked = parser.parse_args()
    out = asked.out or BENCHMARKS / "out" / ("small-dev" if asked.dev else "small")
    folders = {name: train(name, asked.dev, out) for name in asked.only}
    figures = {name: measured(folder, name, asked.dev) for name, folder in folders.items()}
    print(table(figures))
    if not asked.dev and tuple(folders) == NAMES:
        ship(folders, figures)


if __name__ == "__main__":
    main()
