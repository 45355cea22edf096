"""Training one model into a folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bruit.data.dataset import Dataset
from bruit.errors import ConfigError, RunError
from bruit.evaluation.calibration import without_temperature
from bruit.evaluation.summary import evaluate_split
from bruit.files import read_json, read_npy
from bruit.models.zoo import entry
from bruit.outside.export import write_to_read
from bruit.predictor import Predictor
from bruit.studies.evaluate import find_model
from bruit.training.claim import claim
from bruit.training.fit import fit
from bruit.training.member import CHECKPOINT, Progress
from bruit.training.start import digest, fitting
from bruit.training.stored import drop_damaged
from bruit.whole import whole

REQUEST = "training.json"


def train(
    name: str | None,
    train: Dataset,
    out: str | Path,
    *,
    start: str | Path | Predictor | None = None,
    seed: int = 0,
    epochs: int | None = None,
    seen: str | None = None,
    resume: bool = False,
    force: bool = False,
    on_begin: Callable[[], None] = lambda: None,
    on_progress: Callable[[Progress], None] | None = None,
) -> dict[str, Any]:
    """Train the zoo's model `name` into `out`: config.json, weights.safetensors, history.jsonl, validation predictions.

    `start` is a model to fine-tune: robust, RUN, RUN:NAME, a folder that `bruit train` wrote, or the model; `name` may
    then be None, as it is the same. To resume, it has to be what it was. `seen`: see `bruit.fit`.
    `on_begin` is called before it trains, which it does not where `resume` finds it finished.

    Returns {"name", "train", "start", "temperature", "validation": figures}; "start" is None, or what config.json says
    of it. Raises RunError if `out` holds something else, and as `bruit.fit` does.
    """
    out, seed, epochs = Path(out), whole("seed", seed), whole("epochs", epochs)
    found = find_model(start) if isinstance(start, str | Path) else start
    if name is None and found is None:
        raise ConfigError("expected a model's name, or a model to start from; see bruit models")
    name = str(getattr(found, "name", "")) if name is None else name
    before = None if found is None else fitting(found, name, train.shape)
    entry(name)
    request = {
        "model": name,
        "seed": seed,
        "epochs": epochs,
        "start": None if before is None else digest(before),
        "fingerprint": train.fingerprint(),
    }
    source = getattr(found, "source", None)
    if force and source and Path(source).resolve() == out.resolve():
        raise RunError("{out} is the model to start from, which --force would delete; choose another --out", out=out)
    with claim(out, REQUEST, request, resume=resume, force=force, stale=("config.json", CHECKPOINT)):
        drop_damaged(out)
        if not (out / "config.json").is_file():
            on_begin()
            settings: dict[str, Any] = {"epochs": epochs, "start": before, "seed": seed, "seen": seen}
            settings |= {"folder": out, "resume": resume, "before_stored": partial(write_to_read, folder=out)}
            fit(name, train, on_progress=on_progress, **settings)
        config = read_json(out / "config.json")
        probs, labels = np.array(read_npy(out / "val_probs.npy")), np.array(read_npy(out / "val_labels.npy"))
    uncalibrated = without_temperature(probs, config["temperature"])
    figures = evaluate_split(probs, uncalibrated, labels, config["classes"], np.arange(len(labels)), detail=False)
    told = {"name": name, "train": config["train"], "start": config.get("start"), "temperature": config["temperature"]}
    return told | {"validation": figures}
