"""Train `robust`, the model that comes with bruit, and put it into its place in the package: make robust.

A cnn-plus that has seen the first 50,000 training images of MNIST twice, clean and under the course recipe, less a
tenth for validation. The last 10,000, the dev images, it has not seen, so that what is built on it can be judged by
them. No test set is read. A training that was stopped goes on.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import bruit
from bruit.models.store import save_model
from bruit.seals import seal
from bruit.studies.evaluate import SEEN, SHIPPED

MODEL, SEED, DEV = "cnn-plus", 0, 10_000
WORK = Path(__file__).parents[1] / "benchmarks" / "out" / "robust"


def both_kinds(part: slice) -> bruit.Dataset:
    """The clean and the noisy images; an image and its noisy copy share their id."""
    clean, noisy = (bruit.load(name).train.subset(part) for name in ("mnist", "mnist+course"))

    def both(name: str) -> np.ndarray:
        return np.concatenate([getattr(clean, name), getattr(noisy, name)])

    return bruit.Dataset(both("images"), both("labels"), clean.classes, both("ids"))


def main() -> None:
    fitted = bruit.fit(
        MODEL,
        both_kinds(slice(0, -DEV)),
        seed=SEED,
        folder=WORK,
        resume=True,
        on_epoch=lambda model, row: print(
            f"epoch {row['epoch']}: validation {row['validation_accuracy']:.4f}, {row['seconds']:.0f} s", flush=True
        ),
    )
    about = {
        "parameters": fitted.model.parameters,
        "layers": fitted.model.layers,
        "seed": SEED,
        "seen": [SEEN],
        "augmented": fitted.model.augmented,
        "train": {"n": fitted.n, "epochs": len(fitted.history)},
    }
    save_model(fitted.model, SHIPPED["robust"], about)
    seal(SHIPPED["robust"], ("config.json", "weights.safetensors"))
    shipped = bruit.load_model("robust")
    for name in ("mnist", "mnist+course"):
        dev = bruit.load(name).train.subset(slice(-DEV, None))
        told = bruit.evaluate(shipped, dev)
        print(f"dev images of {name}: accuracy {told['accuracy']:.4f}, NLL {told['nll']:.4f}, ECE {told['ece']:.4f}")


if __name__ == "__main__":
    main()
