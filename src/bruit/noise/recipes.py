"""Recipes: named ways to make a noisy data set from a clean one."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from typing import NamedTuple

from bruit.data.dataset import DataPair, Dataset
from bruit.errors import ConfigError
from bruit.locale import Sentence
from bruit.noise.draws import Draws
from bruit.noise.mixture import Mixture, mix, read
from bruit.noise.pixels import Images
from bruit.noise.registry import CORRUPTIONS, MNIST_C, applied, refuse_small, settled
from bruit.noise.sets import SETS, find_any
from bruit.whole import whole

Progress = Callable[[int, int], None]
SUITE = "mnist-c"


class Recipe(NamedTuple):
    """description: one line; make: (N, H, W) uint8 images and their draws → noisy images, same shape and type.

    stream: what the draws are for. Two recipes of one corruption make the same noise of it.
    mixture: what is mixed, if it is one.
    """

    description: str
    make: Callable[[Images, Draws], Images]
    stream: str
    mixture: Mixture | None = None


def _corruption(name: str, severity: int | None = None) -> Recipe:
    corruption = find_any(name)
    at = settled(corruption, severity)
    return Recipe(corruption.summary, lambda images, draws: corruption.make(images, at, draws), name)


RECIPES: dict[str, Recipe] = {
    **{name: _corruption(name) for name in SETS},
    **{f"{SUITE}/{name}": _corruption(name) for name in MNIST_C},
}
NAMES_OF_NMNIST = tuple(name for name in RECIPES if name.startswith("nmnist-"))


def find(name: str, severity: int | None = None) -> Recipe:
    """The recipe of that name: one of `RECIPES`, a corruption, or a file FILE.toml with a mixture.

    severity  of a corruption; by default the published one

    Raises ConfigError for an unknown recipe, with the nearest ones, and for a severity where there is none.
    """
    single = name.removeprefix(f"{SUITE}/")
    if single in CORRUPTIONS and (name in RECIPES or single == name):
        return _corruption(single, severity)
    if severity is not None:
        raise ConfigError("only a corruption has severities, not the recipe {name}; leave it out", name=name)
    if name in RECIPES:
        return RECIPES[name]
    if name.endswith(".toml"):
        mixed = read(name)
        return Recipe(mixed.description, partial(mix, mixed), mixed.stream, mixed)
    if name == SUITE:
        raise ConfigError(
            "{suite} is {n} sets; name one of them, as {suite}/fog, or write all with bruit noise", suite=SUITE, n=15
        )
    near = get_close_matches(name, [*RECIPES, *CORRUPTIONS], n=3)
    raise ConfigError(
        "unknown recipe {recipe!r}; {choose}",
        recipe=name,
        choose=Sentence("did you mean {near}?", near=", ".join(near))
        if near
        else Sentence("choose one of {recipes}, a corruption (see bruit corruptions) or FILE.toml", recipes=_listed()),
    )


def _listed() -> str:
    return ", ".join(name for name in RECIPES if "/" not in name)


def apply(
    recipe: str, pair: DataPair, seed: int = 0, progress: Progress | None = None, *, severity: int | None = None
) -> DataPair:
    """Noisy copy of `pair` under the recipe of that name (see `find`), named "pair+recipe".

    Labels, ids and findings are kept. The noise of an image depends on (seed, recipe, id) alone. `progress` is called
    with the number of images done and their total. Raises ConfigError for an unknown recipe or severity, DataError for
    images that are too small.
    """
    found, seed = find(recipe, severity), whole("seed", seed)
    refuse_small(pair.train.shape)
    total = len(pair.train) + len(pair.test)
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total)

    def noisy(dataset: Dataset) -> Dataset:
        images = applied(found.make, dataset.images, Draws(seed, found.stream, dataset.ids), advance)
        return Dataset(images, dataset.labels, dataset.classes, dataset.ids)

    return DataPair(f"{pair.name}+{recipe}", noisy(pair.train), noisy(pair.test), pair.findings)
