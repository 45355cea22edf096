"""Models from outside in a study: not trained, only read with, and never its winner.

What they were trained on is unknown. If they have seen the validation or the test images, their figures flatter them:
they stand in every table and comparison, marked, but the study does not choose among them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bruit.data.dataset import Dataset, Images
from bruit.errors import BruitError, ConfigError, DataError, RunError
from bruit.files import read_json, write_atomically, write_json, write_npy
from bruit.locale import mark
from bruit.outside.brought import Brought, bring
from bruit.seals import broken, seal

FAMILY = "outside"
SUMMARY = mark("Brought from outside; what it was trained on is unknown.")

Outside = Sequence[str | Path | Brought]


def bring_all(given: Outside | None, begun: Mapping[str, Any], run: Path) -> tuple[Brought, ...]:
    """The models from outside that are `given`, or else those with which the study in `run` was begun.

    Raises ConfigError for two of one name, RunError for one that the run has lost, and what `bring` raises.
    """
    if given is None:
        return tuple(_kept(name, told, run) for name, told in begun.get("outside", {}).items())
    brought = tuple(one if isinstance(one, Brought) else bring(one) for one in given)
    names = [one.name for one in brought]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError("two of the models are called {name}; rename one of the files", name=name)
    return brought


def settings(brought: Sequence[Brought]) -> dict[str, dict[str, Any]] | None:
    """What decides their predictions, by name; None where there are none."""
    told = {one.name: {"sha256": one.sha256, "scale": one.scale, "classes": list(one.classes)} for one in brought}
    return told or None


def refuse_other_data(brought: Sequence[Brought], data: Dataset) -> None:
    """Raise ConfigError for a model that does not read these images, or other classes."""
    for one in brought:
        if one.input_shape != data.shape:
            expected, received = (f"{h} × {w}" for h, w in (one.input_shape, data.shape))
            raise ConfigError(
                "{path} reads images of {expected} pixels, the data has {received}",
                path=one.path,
                expected=expected,
                received=received,
            )
        if set(one.classes) != set(data.classes):
            raise ConfigError(
                "{path} knows the classes {known}, the data has {classes}; name them with --classes, in the order of "
                "its outputs",
                path=one.path,
                known=", ".join(one.classes),
                classes=", ".join(data.classes),
            )


def keep(one: Brought, folder: Path, validation: Dataset) -> None:
    """Copy the file into its folder of the run, and write what it makes of the validation images; the seal last."""
    copy = folder / one.name
    if _digest(copy) != one.sha256:
        try:
            content = one.path.read_bytes()
        except OSError as error:
            raise RunError("cannot read {path}: {error.strerror}", path=one.path, error=error) from error
        if hashlib.sha256(content).hexdigest() != one.sha256:
            raise RunError("{path} changed while it was read; begin again", path=one.path)
        write_atomically(copy, lambda file: file.write(content))
    if not broken(folder):
        return
    write_npy(folder / "val_labels.npy", validation.labels)
    write_npy(folder / "val_probs.npy", _probabilities(one, validation.images, validation.classes))
    write_json(
        folder / "config.json",
        {
            "name": one.name,
            "title": one.name,
            "summary": SUMMARY,
            "family": FAMILY,
            "parameters": one.parameters,
            "layers": list(one.layers),
            "temperature": one.temperature,
            "classes": list(one.classes),
            "input_shape": list(one.input_shape),
            "recipe": {},
            "outside": {"format": one.kind, "sha256": one.sha256, "scale": one.scale},
        },
    )
    seal(folder, ("config.json", "val_labels.npy", "val_probs.npy", one.name))


def test(one: Brought, folder: Path, data: Dataset) -> None:
    """Write what it makes of the test images."""
    write_npy(folder / "test_probs.npy", _probabilities(one, data.images, data.classes))


def load_kept(folder: Path) -> Brought | None:
    """The model from outside that a study keeps in `folder`; None where it keeps one that it trained."""
    try:
        config = read_json(folder / "config.json")
        if config.get("family") != FAMILY:
            return None
        name, scale, classes = str(config["name"]), config["outside"]["scale"], config["classes"]
    except (DataError, AttributeError, KeyError, TypeError):
        return None
    return bring(folder / Path(name).name, scale=scale, classes=classes)


def _kept(name: str, told: Mapping[str, Any], run: Path) -> Brought:
    copy = run / "models" / name / name
    try:
        if _digest(copy) == told["sha256"]:
            return bring(copy, scale=told["scale"], classes=told["classes"])
    except (BruitError, KeyError, TypeError):
        pass
    raise RunError("{run} was begun with {name}, which it does not hold any more; name the file with --with beside "
                   "--resume", run=run, name=name)  # fmt: skip


def _probabilities(one: Brought, images: Images, classes: Sequence[str]) -> NDArray[np.float32]:
    """In the order of the data's classes."""
    columns = [one.classes.index(name) for name in classes]
    return np.ascontiguousarray(one.probabilities(images)[:, columns])


def _digest(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
