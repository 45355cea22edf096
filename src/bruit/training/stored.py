"""What a training left in its folder: read again, and deleted where that is not possible any more."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bruit.errors import DataError, ModelError
from bruit.files import read_json, read_npy
from bruit.models.store import load_model, read_tensors
from bruit.training.claim import remove
from bruit.training.loop import CHECKPOINT


def read_history(folder: Path) -> list[dict[str, Any]]:
    """The rows of history.jsonl. Raises DataError for a missing or damaged file."""
    try:
        return [json.loads(line) for line in (folder / "history.jsonl").read_text("utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise DataError(
            "cannot read {folder}: {error}; train the model again", folder=folder / "history.jsonl", error=error
        ) from error


def drop_damaged(folder: Path, *, held_out: bool = False) -> None:
    """Delete what a resumed training could not go on from, so that it is made again.

    A checkpoint and predictions of the test images have to be whole; of a finished training everything has to be, or
    it is not finished any more.
    """
    readers: dict[str, Callable[[], object]] = {
        CHECKPOINT: lambda: read_tensors(folder / CHECKPOINT),
        "test_probs.npy": lambda: read_npy(folder / "test_probs.npy"),
        "config.json": lambda: _read_all(folder, held_out),
    }
    for name, read in readers.items():
        try:
            if (folder / name).is_file():
                read()
        except (DataError, ModelError):
            remove(folder, [name])
    if not (folder / "config.json").is_file():  # what a model predicted must not outlive it
        remove(folder, ["test_probs.npy"])


def _read_all(folder: Path, held_out: bool) -> None:
    load_model(folder)
    epochs = read_json(folder / "config.json").get("train", {}).get("epochs")
    if len(read_history(folder)) != epochs:
        raise DataError(
            "{folder} is not that of {epochs} epochs; train the model again",
            folder=folder / "history.jsonl",
            epochs=epochs,
        )
    for name in ("val_labels.npy", "val_probs.npy", *(["held_out_probs.npy"] if held_out else [])):
        read_npy(folder / name)
