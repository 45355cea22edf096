"""What a training left in its folder: read again, and deleted where that is not possible any more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bruit.errors import DataError, ModelError
from bruit.files import read_text
from bruit.models.store import read_tensors
from bruit.outside.brought import EXPORTED
from bruit.seals import SEAL, broken
from bruit.training.claim import remove
from bruit.training.member import CHECKPOINT

# What a finished training leaves, but for what its model predicts later.
FILES = (
    *("config.json", "weights.safetensors", "history.jsonl", EXPORTED),
    *("val_labels.npy", "val_probs.npy", "held_out_probs.npy"),
)


def read_history(folder: Path) -> list[dict[str, Any]]:
    """The rows of history.jsonl. Raises DataError for a missing or damaged file."""
    path = folder / "history.jsonl"
    try:
        return [json.loads(line) for line in read_text(path).splitlines()]
    except OSError as error:
        raise DataError(
            "cannot read {path}: {error.strerror}; train the model again", path=path, error=error
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataError("{path} is damaged; train the model again", path=path) from error


def drop_damaged(folder: Path) -> None:
    """Delete what a resumed training could not go on from, so that it is made again.

    A checkpoint has to be whole; of a finished training everything has to be, or it is not finished any more. One that
    was killed as it ended may have left its checkpoint.
    """
    try:
        if (folder / CHECKPOINT).is_file():
            read_tensors(folder / CHECKPOINT)
    except ModelError:
        remove(folder, [CHECKPOINT])
    if (folder / "config.json").is_file():
        remove(folder, ["config.json", SEAL] if broken(folder) else [CHECKPOINT])
