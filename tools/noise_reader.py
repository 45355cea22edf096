"""Train the model that tells which noise an image carries, src/bruit/models/noise_reader: make noise-reader.

A cnn-plus whose classes are kinds of noise. It has seen the first 50,000 training images of MNIST twelve times, each
time under another kind of noise, less a tenth for validation. What it confuses is measured on the last 10,000, the dev
images, and kept with it. No test set is read. A training that was stopped goes on, one that is done is only measured.
In float32: neighbouring grey levels differ by less than bf16 can tell.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import bruit
from bruit.evaluation.shares import class_shares
from bruit.files import read_json
from bruit.models.store import load_model, save_model
from bruit.models.trained import Trained
from bruit.models.zoo import entry
from bruit.noise.draws import Draws
from bruit.noise.kinds import KINDS, every_kind
from bruit.noise.mixture import Mixture, Part
from bruit.noise.recipes import find
from bruit.noise.registry import applied
from bruit.seals import seal
from bruit.studies.noise_in import MODEL as PLACE
from bruit.studies.noise_in import overlap

MODEL, SEED, DEV, COPIES, EPOCHS = "cnn-plus", 0, 10_000, 12, 8
WORK = Path(__file__).parents[1] / "benchmarks" / "out" / "noise_reader"
# Of the dev images under each kind: what is measured one by one, and on sets of so many.
MEASURED, SETS = 1000, (100, 1000)


def under_every_kind(clean: bruit.Dataset) -> bruit.Dataset:
    """Each image under COPIES kinds of noise that are drawn for it; the label is the kind."""
    images, labels = [], []
    for copy in range(COPIES):
        of = Draws(SEED, f"kind {copy}", clean.ids).choice(len(KINDS))
        draws = Draws(SEED, f"noise {copy}", clean.ids)
        images.append(every_kind(clean.images, of, draws))
        labels.append(of.astype(np.int64))
    names = tuple(str(kind) for kind in KINDS)
    return bruit.Dataset(np.concatenate(images), np.concatenate(labels), names, np.tile(clean.ids, COPIES))


def measured(model: Trained, dev: bruit.Dataset) -> dict[str, Any]:
    """What it confuses: image by image, all severities of a corruption together; and sets of one kind, as a whole."""
    names = list(dict.fromkeys(kind.name for kind in KINDS))
    name_of = np.array([names.index(kind.name) for kind in KINDS])
    confusion = np.zeros((len(names), len(names)), np.int64)
    wrong: dict[int, list[str]] = {n: [] for n in SETS}
    strayed: dict[int, list[float]] = {n: [] for n in SETS}
    overlaps = []
    for n, kind in enumerate(KINDS):
        recipe, part = find(*kind), dev.subset(np.arange(n % 10, len(dev), len(dev) // MEASURED))
        images = applied(recipe.make, part.images, Draws(SEED + 1, recipe.stream, part.ids))
        probabilities = model.probabilities(images)
        np.add.at(confusion, (name_of[n], name_of[probabilities.argmax(axis=1)]), 1)
        overlaps.append(overlap(images, Mixture((Part(kind.name, 1.0, (kind.severity,)),))))
        for size in SETS:
            shares, _ = class_shares(probabilities[:size])
            by_name = np.bincount(name_of, shares)
            likeliest = KINDS[int(np.where(name_of == by_name.argmax(), shares, 0).argmax())]
            near = kind.severity is None or abs((likeliest.severity or 0) - kind.severity) <= 1
            strayed[size].append(1 - float(by_name[name_of[n]]))
            if likeliest.name != kind.name or not near:
                wrong[size].append(f"{kind} as {likeliest}")
    print(f"one by one: {np.trace(confusion) / confusion.sum():.4f} of the corruptions right")
    for size, which in wrong.items():
        astray = np.array(strayed[size])
        print(f"sets of {size}: {len(KINDS) - len(which)} of {len(KINDS)} right within one severity; not {which}")
        print(
            f"  {astray.mean():.4f} of their images counted elsewhere, {astray.max():.4f} of {KINDS[astray.argmax()]}"
        )
    print(f"grey levels that overlap: {min(overlaps):.4f} at the least, {KINDS[int(np.argmin(overlaps))]}")
    for name, row in zip(names, confusion / confusion.sum(axis=1, keepdims=True), strict=True):
        if row[names.index(name)] < 0.95:
            others = ", ".join(f"{names[i]} {row[i]:.1%}" for i in np.argsort(-row)[:4] if names[i] != name)
            print(f"  {name}: {row[names.index(name)]:.1%} recognised; else {others}")
    return {
        "names": names,
        "confusion": confusion.tolist(),
        "sets": [
            {"n": n, "sets": len(KINDS), "wrong": which, "strayed": [float(np.mean(strayed[n])), max(strayed[n])]}
            for n, which in wrong.items()
        ],
        "least_overlap": min(overlaps),
    }


def learn(images: bruit.Dataset) -> None:
    """Train on these images into WORK."""
    recipe = entry(MODEL).recipe
    assert recipe is not None
    bruit.fit(
        MODEL,
        under_every_kind(images),
        recipe=replace(recipe, augmentation=None),
        epochs=EPOCHS,
        seed=SEED,
        folder=WORK,
        resume=True,
        precision="fp32",
        on_epoch=lambda model, row: print(
            f"epoch {row['epoch']}: validation {row['validation_accuracy']:.4f}, {row['seconds']:.0f} s", flush=True
        ),
    )


def main() -> None:
    train = bruit.load("mnist").train
    if not (WORK / "config.json").is_file():
        learn(train.subset(slice(0, -DEV)))
    model = load_model(WORK)
    about = {
        "seed": SEED,
        "seen": "mnist, the first 50,000 training images, under every kind of noise",
        "train": read_json(WORK / "config.json")["train"],
        "measured": measured(model, train.subset(slice(-DEV, None))),
    }
    save_model(model, PLACE, about)
    seal(PLACE, ("config.json", "weights.safetensors"))


if __name__ == "__main__":
    main()
