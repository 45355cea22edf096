"""Noise as augmentation: which, and whether a model that sees it in training reads better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bruit.data.dataset import Dataset
from bruit.errors import ConfigError
from bruit.evaluation.comparison import compare_on_test
from bruit.evaluation.metrics import correct
from bruit.files import read_npy
from bruit.locale import Sentence
from bruit.models.zoo import ZOO
from bruit.noise.mixture import Mixture, Part, read
from bruit.noise.recipes import SUITE
from bruit.noise.registry import MNIST_C
from bruit.noise.sets import CLEAN, find_any
from bruit.studies.noise_in import noise_in
from bruit.training.pool import Task

AUTO, SUFFIX = "auto", "-augmented"


def settle(asked: str | Path, train: Dataset) -> dict[str, Any]:
    """What is `asked` for, as plain values: {"asked"}, with the "mixture", unless there is no noise to augment by.

    asked  "auto": the noise that the training images carry, which is given as "noise"; FILE.toml; the name of a
           corruption or of a set, or mnist-c for its fifteen corruptions. Half of the images stay as they are

    Raises ConfigError for an unknown name, and for a file that is no mixture.
    """
    plain: dict[str, Any] = {"asked": str(asked)}
    if asked == AUTO:
        noise = noise_in(train.images)
        plain["noise"], mixture = noise.as_dict(), noise.mixture()
    else:
        mixture = _named(str(asked))
    return plain if mixture is None else plain | {"mixture": mixture.plain()}


def refuse_other(asked: object) -> None:
    """Raise ConfigError for what is neither a text nor a path."""
    if not isinstance(asked, str | Path):
        raise ConfigError(
            "expected {auto}, FILE.toml or the name of a corruption to augment by, received {asked!r}",
            auto=AUTO,
            asked=asked,
        )


def _named(asked: str) -> Mixture:
    if asked.endswith(".toml"):
        return read(asked)
    if asked == CLEAN:
        raise ConfigError("{asked} is no noise to augment by; leave it out", asked=asked)
    names = MNIST_C if asked == SUITE else (asked.removeprefix(f"{SUITE}/"),)
    try:
        parts = tuple(Part(name, 1.0, (find_any(name).default,)) for name in names)
    except ConfigError as error:
        raise ConfigError(
            "expected {auto}, FILE.toml or the name of a corruption to augment by, received {asked!r}: {error}",
            auto=AUTO,
            asked=asked,
            error=error,
        ) from error
    return Mixture.half_clean(parts)


def augmented_task(augment: Mapping[str, Any] | None, tasks: tuple[Task, ...], favourite: str) -> Task | None:
    """The training that a study adds: that of its most promising network, from the same weights, under the mixture.

    Raises ConfigError where no network is trained.
    """
    if augment is None or "mixture" not in augment:
        return None
    base = most_promising(tasks, favourite)
    if base is None:
        raise ConfigError(
            "expected a network among the models to augment by noise, received {models}; add {model}",
            models=", ".join(task.name for task in tasks) or Sentence("none"),
            model=favourite,
        )
    mixture = Mixture.from_plain(augment["mixture"])
    return replace(
        base,
        folder=base.folder.with_name(base.name + SUFFIX),
        seen=f"{base.seen}+{mixture.description if augment['asked'] == AUTO else augment['asked']}",
        noise=mixture,
    )


def most_promising(tasks: tuple[Task, ...], favourite: str) -> Task | None:
    """The training of the network `favourite`, or else of the last network; None where there is none."""
    networks = [task for task in tasks if ZOO[task.name].recipe is not None]
    return next((task for task in networks if task.name == favourite), networks[-1] if networks else None)


def section(augment: Mapping[str, Any], task: Task | None, run: Path, seed: int) -> dict[str, Any]:
    """results["augmentation"]: what was asked for and found, and, once it is trained, whether it helped on validation:
    "comparison", as of two models on a test set, the one with noise first.
    """
    if task is None:
        return dict(augment)
    told = {**augment, "model": task.folder.name, "base": task.name}
    folders = {name: run / "models" / name for name in (task.folder.name, task.name)}
    if not all((folder / "config.json").is_file() for folder in folders.values()):
        return told
    right: dict[str, NDArray[np.bool_]] = {
        name: correct(np.array(read_npy(folder / "val_probs.npy")), np.array(read_npy(folder / "val_labels.npy")))
        for name, folder in folders.items()
    }
    return told | {"n": len(task.validation), "comparison": compare_on_test(right, task.folder.name, seed)[0]}
