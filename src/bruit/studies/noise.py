"""Noisy copies of a data set as files, with a manifest that says how they were made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import bruit
from bruit.data.dataset import DataPair, Dataset, Images
from bruit.data.npy import NPY_NAMES
from bruit.data.sources import load
from bruit.data.written import refuse_overwriting, refuse_place, write_npy_folder
from bruit.errors import DataError, RunError
from bruit.files import read_json, write_json
from bruit.locale import printable
from bruit.noise.draws import Draws
from bruit.noise.recipes import SUITE, Recipe, find
from bruit.noise.registry import MNIST_C, made, refuse_small
from bruit.seals import checksum
from bruit.training.claim import remove, sweep
from bruit.whole import whole

MANIFEST = "manifest.json"
LONGEST_MANIFEST = 2**20


def make_noisy(
    data: str | Path | DataPair,
    recipe: str,
    out: str | Path,
    *,
    severity: int | None = None,
    seed: int = 0,
    force: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Write a noisy copy of a data set into a folder, as four .npy files; or all of MNIST-C, as a folder for each set.

    data      see `bruit.load`
    recipe    see `bruit.apply_recipe`; or `mnist-c` for its fifteen sets, in folders by their names, as in the archive
    severity  of a corruption; by default the published one
    force     replace files that are there

    Of several sets each has such a manifest too; those that are there already, of the same recipe, seed and data, and
    whole, are kept: who was stopped goes on by the same command.

    Returns what it writes into manifest.json: recipe, severity, seed, versions, the data it was made of, and the
    SHA-256 of every file. Raises ConfigError, DataError or RunError, in which case no set is half written.
    """
    folder, seed = Path(out), whole("seed", seed)
    names = {name: f"{SUITE}/{name}" for name in MNIST_C} if recipe == SUITE and severity is None else {"": recipe}
    found = {place: find(one, severity) for place, one in names.items()}
    several = len(names) > 1
    there = [place for place in names if several and not force and (folder / place / MANIFEST).is_file()]
    for place in names:
        if place not in there:
            refuse_place(folder / place, force, "npy")
    refuse_overwriting(folder, force, (MANIFEST,))
    pair = load(data)
    fingerprint = pair.fingerprint()

    def about(name: str, recipe: Recipe | None) -> dict[str, Any]:
        return {
            "schema": 1,
            "version": bruit.__version__,
            "name": f"{pair.name}+{name}",
            "recipe": name,
            "severity": severity,
            "description": recipe.description if recipe else name,
            "mixture": recipe.mixture.plain() if recipe and recipe.mixture else None,
            "seed": seed,
            "data": {"name": pair.name, "fingerprint": fingerprint},
            "train": len(pair.train),
            "test": len(pair.test),
            "size": list(pair.train.shape),
        }

    kept = {place: _kept(folder / place, about(names[place], found[place])) for place in there}
    remove(folder, [MANIFEST])  # from now on it is not true of what is there
    refuse_small(pair.train.shape)
    total = len(pair.train) + len(pair.test)
    done = 0
    digests: dict[str, str] = {}

    def parts(one: Recipe, dataset: Dataset) -> Iterator[Images]:
        nonlocal done
        for part in made(one.make, dataset.images, Draws(seed, one.stream, dataset.ids)):
            yield part
            done += len(part)
            progress(done, len(names) * total)

    for place, one in names.items():
        own = kept.get(place)
        if own is None:
            if several:
                remove(folder / place, [MANIFEST])
                sweep(folder / place)
            files = write_npy_folder(pair, folder / place, force, made=partial(parts, found[place]))
            own = {path.name: checksum(path) for path in files}
            if several:
                write_json(folder / place / MANIFEST, about(one, found[place]) | {"sha256": own})
        else:
            done += total
            progress(done, len(names) * total)
        digests |= {(Path(place) / name).as_posix(): digest for name, digest in own.items()}
    manifest = about(recipe, None if several else found[""]) | {"sha256": digests}
    write_json(folder / MANIFEST, manifest)
    return manifest


def _kept(folder: Path, about: dict[str, Any]) -> dict[str, str]:
    """The SHA-256 of each file of a set that is there. Raises RunError where it is another one, or not whole."""
    try:
        manifest = read_json(folder / MANIFEST)
        digests = dict(manifest["sha256"])
        # The same images may lie in another folder now: their fingerprint decides, not the name.
        same = all(manifest[key] == value for key, value in about.items() if key not in ("name", "data"))
        same = same and manifest["data"]["fingerprint"] == about["data"]["fingerprint"]
        unchanged = digests == {name: checksum(folder / name) for name in NPY_NAMES}
    except (DataError, OSError, LookupError, TypeError, ValueError):
        same = unchanged = False
    if not same or not unchanged:
        raise RunError(
            "{folder} holds a set that was made otherwise, or has changed; delete it, choose another place, or add "
            "--force to make all of them again",
            folder=folder,
        )
    return digests


def seen_in(data: str | Path | DataPair, pair: DataPair) -> str:
    """What a model sees that learns from `pair`, which was loaded from `data`: its name, and, of a folder that
    `make_noisy` wrote, that of what it holds, as in "noisy (mnist+course)".
    """
    path = None if isinstance(data, DataPair) else Path(data) / MANIFEST
    try:
        if path is not None and path.stat().st_size < LONGEST_MANIFEST:
            return f"{pair.name} ({printable(read_json(path)['name'], 80)})"
    except (OSError, DataError, LookupError, TypeError):
        pass  # it was not, or is not any more
    return pair.name
