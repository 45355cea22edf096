"""Training one model into a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bruit.data.dataset import Dataset
from bruit.evaluation.calibration import without_temperature
from bruit.evaluation.summary import evaluate_split
from bruit.files import read_json, read_npy
from bruit.models.zoo import entry
from bruit.training.claim import claim
from bruit.training.fit import fit
from bruit.training.loop import CHECKPOINT, Progress
from bruit.training.stored import drop_damaged
from bruit.training.whole import whole

REQUEST = "training.json"


def train(
    name: str,
    train: Dataset,
    out: str | Path,
    *,
    seed: int = 0,
    epochs: int | None = None,
    resume: bool = False,
    force: bool = False,
    on_begin: Callable[[], None] = lambda: None,
    on_progress: Callable[[Progress], None] | None = None,
) -> dict[str, Any]:
    """Train the zoo's model `name` into `out`: config.json, weights.safetensors, history.jsonl, validation predictions.

    `on_begin` is called before it trains, which it does not where `resume` finds it finished.

    Returns {"name", "train", "temperature", "validation": figures}. Raises RunError if `out` holds something else.
    """
    out, seed, epochs = Path(out), whole("seed", seed), whole("epochs", epochs)
    entry(name)
    request = {"model": name, "seed": seed, "epochs": epochs, "fingerprint": train.fingerprint()}
    with claim(out, REQUEST, request, resume=resume, force=force, stale=("config.json", CHECKPOINT)):
        drop_damaged(out)
        if not (out / "config.json").is_file():
            on_begin()
            fit(name, train, epochs=epochs, seed=seed, folder=out, resume=resume, on_progress=on_progress)
        config = read_json(out / "config.json")
        probs, labels = np.array(read_npy(out / "val_probs.npy")), np.array(read_npy(out / "val_labels.npy"))
    uncalibrated = without_temperature(probs, config["temperature"])
    figures = evaluate_split(probs, uncalibrated, labels, config["classes"], np.arange(len(labels)), detail=False)
    return {"name": name, "train": config["train"], "temperature": config["temperature"], "validation": figures}
