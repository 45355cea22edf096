"""Recipes: named ways to make a noisy data set from a clean one."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bruit.data.dataset import DataPair, Dataset
from bruit.errors import ConfigError
from bruit.locale import mark
from bruit.noise.course import course
from bruit.noise.draws import Draws

Images = NDArray[np.uint8]
Progress = Callable[[int, int], None]

# Pixels handled at once by one worker: its arrays stay in the processor's cache, and all of them within 500 MB.
_PIXELS_AT_ONCE = 100_000
_MOST_WORKERS = 16


class Recipe(NamedTuple):
    """description: one line; make: (N, H, W) uint8 images and their draws → noisy images, same shape and type."""

    description: str
    make: Callable[[Images, Draws], Images]


RECIPES: dict[str, Recipe] = {
    "course": Recipe(
        mark("rotated by up to 72°, shifted by up to 20 %, shrunk by 20 %, made up to 20 % lighter or darker"), course
    ),
}


def apply(recipe: str, pair: DataPair, seed: int = 0, progress: Progress | None = None) -> DataPair:
    """Noisy copy of `pair` under the recipe of that name (see `RECIPES`), named "pair+recipe".

    Labels, ids and findings are kept. The noise of an image depends on (seed, recipe, id) alone. `progress` is called
    with the number of images done and their total. Raises ConfigError for an unknown recipe.
    """
    if recipe not in RECIPES:
        raise ConfigError(
            "unknown recipe {recipe!r}; choose one of: {recipes}", recipe=recipe, recipes=", ".join(RECIPES)
        )
    total = len(pair.train) + len(pair.test)
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total)

    train, test = (_remake(recipe, dataset, seed, advance) for dataset in (pair.train, pair.test))
    return DataPair(name=f"{pair.name}+{recipe}", train=train, test=test, findings=pair.findings)


def _remake(recipe: str, dataset: Dataset, seed: int, advance: Callable[[int], None]) -> Dataset:
    make = RECIPES[recipe].make
    draws = Draws(seed, recipe, dataset.ids)
    size = max(1, _PIXELS_AT_ONCE // (dataset.shape[0] * dataset.shape[1]))
    parts = [slice(start, start + size) for start in range(0, len(dataset), size)]
    images = np.empty_like(dataset.images)

    def fill(part: slice) -> int:
        images[part] = make(dataset.images[part], draws.subset(part))
        return len(images[part])

    with ThreadPoolExecutor(min(_MOST_WORKERS, os.cpu_count() or 1)) as pool:
        for count in pool.map(fill, parts):
            advance(count)
    return Dataset(images, dataset.labels, dataset.classes, dataset.ids)
