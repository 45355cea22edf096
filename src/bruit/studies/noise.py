"""Noisy copies of a data set as files, with a manifest that says how they were made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import bruit
from bruit.data.dataset import DataPair
from bruit.data.sources import load
from bruit.data.written import refuse_overwriting, refuse_place, write_npy_folder
from bruit.errors import DataError
from bruit.files import read_json, write_json
from bruit.locale import printable
from bruit.noise.recipes import SUITE, apply, find
from bruit.noise.registry import MNIST_C
from bruit.seals import checksum
from bruit.training.claim import remove

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

    Returns what it writes into manifest.json: recipe, severity, seed, versions, the data it was made of, and the
    SHA-256 of every file. Raises ConfigError, DataError or RunError, in which case no set is half written.
    """
    folder = Path(out)
    names = {name: f"{SUITE}/{name}" for name in MNIST_C} if recipe == SUITE and severity is None else {"": recipe}
    found = [find(one, severity) for one in names.values()]
    for place in names:
        refuse_place(folder / place, force, "npy")
    refuse_overwriting(folder, force, (MANIFEST,))
    pair = load(data)
    remove(folder, [MANIFEST])  # from now on it is not true of what is there
    total = len(pair.train) + len(pair.test)
    digests: dict[str, str] = {}
    for n, (place, one) in enumerate(names.items()):
        advance = partial(_advance, progress, n * total, len(names) * total)
        noisy = apply(one, pair, seed, advance, severity=severity)
        for path in write_npy_folder(noisy, folder / place, force):
            digests[path.relative_to(folder).as_posix()] = checksum(path)
    manifest = {
        "schema": 1,
        "version": bruit.__version__,
        "name": f"{pair.name}+{recipe}",
        "recipe": recipe,
        "severity": severity,
        "description": recipe if recipe == SUITE else found[0].description,
        "mixture": asdict(found[0].mixture) if found[0].mixture else None,
        "seed": seed,
        "data": {"name": pair.name, "fingerprint": pair.fingerprint()},
        "train": len(pair.train),
        "test": len(pair.test),
        "size": list(pair.train.shape),
        "sha256": digests,
    }
    write_json(folder / MANIFEST, manifest)
    return manifest


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


def _advance(progress: Callable[[int, int], None], before: int, whole: int, done: int, total: int) -> None:
    """One of several sets as a part of them all."""
    progress(before + done, whole)
