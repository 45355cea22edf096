"""Train `robust`, the model that comes with bruit, and put it into its place in the package: make model.

    python tools/robust.py [--dev] [--out DIR]

A cnn-plus that has seen the training images of MNIST under MIXTURE, drawn anew each epoch: clean, as the course recipe
noises them, under each of the fifteen corruptions of MNIST-C and each noise of n-MNIST. The last 2,000, under the same
mixture, fit its temperature. A training that was stopped goes on.

With --dev the last 10,000 training images are kept from it and judge it, and nothing goes into the package: by that
MIXTURE and EPOCHS are to be chosen. Without, the test images judge it, once, which benchmarks/test_log.jsonl counts.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import bruit
from bruit.files import read_json, write_json, write_text
from bruit.models.store import load_model, save_model
from bruit.noise.mixture import Mixture, Part
from bruit.noise.sets import find_any
from bruit.outside.export import export
from bruit.seals import seal
from bruit.studies.evaluate import SEEN, labels_for
from bruit.studies.places import SHIPPED
from bruit.training.claim import claim
from bruit.training.stored import drop_damaged

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
from keras_peer import TEST_LOG, machine, record_test_evaluations  # noqa: E402  (the benchmarks are scripts, no package)
from noisy_sets import BENCHMARK, benchmark, each, figures, overall, readings  # noqa: E402
from robustness_runs import split, under, zoos  # noqa: E402

MODEL, SEED, EPOCHS, FIRST = "cnn-plus", 0, 52, 500
# What is hard is seen more often; most of all the course recipe, which moves, turns and shrinks at once.
ODDS = {
    "clean": 1.5,
    "course": 16.0,
    **{"nmnist-awgn": 1.0, "nmnist-motion-blur": 0.7, "nmnist-contrast-awgn": 1.5},
    **{"canny_edges": 2.0, "shot_noise": 2.0, "glass_blur": 1.7, "impulse_noise": 1.7},
    **{"motion_blur": 0.8, "shear": 0.8, "scale": 0.8, "rotate": 0.8, "brightness": 0.8, "translate": 0.8},
    **{"stripe": 0.8, "fog": 0.8, "spatter": 0.8, "dotted_line": 0.8, "zigzag": 0.8},
}
MIXTURE = Mixture(tuple(Part(name, odds, (find_any(name).default,)) for name, odds in ODDS.items()))


def train(dev: bool, out: Path) -> None:
    """Train into `out`, from the last epoch that is there, unless it is finished. Raises RunError if it holds a
    training of another mixture.
    """
    images, recipe = split(test=not dev), replace(zoos(), noise=MIXTURE, epochs=EPOCHS)
    request = {"recipe": json.loads(json.dumps(asdict(recipe))), "seed": SEED, "images": len(images.train)}
    with claim(out, "training.json", request, resume=True):
        drop_damaged(out)
        if (out / "config.json").is_file():
            return
        bruit.fit(
            MODEL,
            images.train,
            under(MIXTURE, images.validation, SEED),
            recipe=recipe,
            epochs=EPOCHS,
            seed=SEED,
            seen=SEEN,
            folder=out,
            resume=True,
            on_epoch=lambda model, row: print(
                f"epoch {row['epoch']} of {EPOCHS}: validation {row['validation_accuracy']:.4f}", flush=True
            ),
        )


def ship(out: Path, folder: Path) -> None:
    """Put the model, the same as ONNX, its figures on the test images, and its card into the package."""
    model, trained, test = load_model(out), read_json(out / "config.json"), bruit.load("mnist").test
    why = "the figures of the shipped model, on noisy sets made of the test images"
    record_test_evaluations(TEST_LOG, "tools/robust.py", f"{MODEL} as robust", len(BENCHMARK), why)
    given, labels = readings(model, test, BENCHMARK, progress=print), labels_for(model, test)
    told: dict[str, Any] = {
        "made_by": "make model",
        "images": "the 10,000 test images of MNIST; noisy sets regenerated, seed 0",
        "figures": figures(BENCHMARK, given, labels),
        # What the tests measure again.
        "first": figures(BENCHMARK, given[:, :FIRST], labels[:FIRST]),
        "train": {
            **trained["train"],
            "mixture": Mixture.from_plain(trained["recipe"]["noise"]).description,
            "temperature": model.temperature,
            "machine": machine(),
        },
    }
    about = {
        "seen": [SEEN],
        "train": {"n": trained["train"]["n"], "epochs": trained["train"]["epochs"]},
        **{key: trained[key] for key in ("parameters", "layers", "seed", "augmented")},
    }
    save_model(model, folder, about)
    export(model, folder / "robust.onnx", force=True)
    write_json(folder / "benchmark.json", told)
    write_text(folder / "card.md", card(told, (folder / "robust.onnx").stat().st_size))
    seal(folder, ("config.json", "weights.safetensors", "robust.onnx", "benchmark.json", "card.md"))


def card(told: dict[str, Any], size: int) -> str:
    """The model card, with the figures of benchmark.json."""
    measured, trained = told["figures"], told["train"]
    return f"""# robust

The model that comes with bruit: it reads single digits, light on dark, centred in 28 × 28 pixels as MNIST's are,
through noise of unknown kind and severity. A convolutional network (`cnn-plus`), {size / 1e6:.1f} MB as `robust.onnx`:
raw pixels in, calibrated probabilities out; the same weights as safetensors, for fine-tuning (`bruit train FOLDER
--from robust`).

**Trained on** {trained["n"]:,} training images of MNIST, in each of {trained["epochs"]} epochs under noise drawn anew
(odds and names; severities as published): {trained["mixture"]}.
They were turned, shifted, scaled and brightened a little, too; each epoch but the first took 40 % of them, those that
had been read worst and a draw of the others. 2,000 more, under the same mixture, fit its temperature,
{trained["temperature"]:.3f}. So figures on MNIST's training images flatter it. Made by `{told["made_by"]}`.

**Measured on** {told["images"]}. In brackets 95 % bootstrap intervals over the images.

{overall({"robust": measured})}

{each(measured)}

**Not for** letters or several digits in one image; digits that are turned further than about 70°, dark on light or off
centre by more than a few pixels have to be prepared first. What noise it has not seen does to it is not known: measure
it with `bruit robustness robust` on images of your own. MNIST was written by Americans of the 1990s: ones and sevens as
they are written elsewhere it has hardly seen.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the model that comes with bruit.")
    parser.add_argument("--dev", action="store_true", help="keep the last 10,000 training images to judge it by")
    parser.add_argument("--out", type=Path, help="folder of the training, which goes on from there")
    asked = parser.parse_args()
    out = asked.out or BENCHMARKS / "out" / ("robust-dev" if asked.dev else "robust")
    train(asked.dev, out)
    if asked.dev:
        measured = benchmark(load_model(out), split(test=False).judged)
        print(overall({"robust": measured}), each(measured), sep="\n\n")
    else:
        ship(out, SHIPPED["robust"])
        print((SHIPPED["robust"] / "card.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
