"""Stratified splits and folds that never part images of one source."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bruit.data.dataset import Dataset
from bruit.errors import ConfigError, DataError
from bruit.locale import Sentence

Index = NDArray[np.int64]
VALIDATION_PARTS = 10


def validation_split(dataset: Dataset, seed: int, parts: int = VALIDATION_PARTS) -> tuple[Index, Index]:
    """(index to train on, index to validate on): one part of `parts` of each class, but one image of it at least.

    Images of one source stay together. Raises DataError if a class has one image (or source) only.
    """
    need = Sentence("a validation split needs 2 of each class: add images of it, or remove the class")
    refuse_rare(dataset, 2, need)
    rng = np.random.default_rng(seed)
    chosen = []
    for label in range(len(dataset.classes)):
        sources = np.unique(dataset.ids[dataset.labels == label])
        chosen.append(rng.permutation(sources)[: max(1, round(len(sources) / parts))])
    held_out = np.isin(dataset.ids, np.concatenate(chosen))
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def folds(dataset: Dataset, k: int, seed: int) -> list[tuple[Index, Index]]:
    """k stratified folds: (index to train on, held-out index) each; the held-out indices are a partition.

    Raises ConfigError for k < 2, DataError if a class has fewer images (or sources) than `needed_for_folds`.
    """
    if k < 2:
        raise ConfigError("expected 2 folds or more, received {k}", k=k)
    least = needed_for_folds(k)
    need = Sentence(
        "{k} folds, each with a validation split of its own, need {least} of each class: "
        "add images of it, remove the class, or change the number of folds",
        k=k,
        least=least,
    )
    refuse_rare(dataset, least, need)
    return _parts(dataset, seed, k)


def needed_for_folds(k: int) -> int:
    """Images of a class: one to hold out in each fold, and outside of it two, to train on and to validate on."""
    return 4 if k == 2 else k


def _parts(dataset: Dataset, seed: int, k: int) -> list[tuple[Index, Index]]:
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    state = seed % 2**32  # as much as scikit-learn takes
    rows = np.zeros(len(dataset))
    if len(np.unique(dataset.ids)) == len(dataset):
        return list(StratifiedKFold(k, shuffle=True, random_state=state).split(rows, dataset.labels))
    grouped = StratifiedGroupKFold(k, shuffle=True, random_state=state)
    return list(grouped.split(rows, dataset.labels, groups=dataset.ids))


def refuse_rare(dataset: Dataset, least: int, need: Sentence) -> None:
    """Raise DataError if a class has fewer than `least` different sources; `need` says what they are for."""
    sources = [len(np.unique(dataset.ids[dataset.labels == label])) for label in range(len(dataset.classes))]
    rarest = int(np.argmin(sources))
    if sources[rarest] < least:
        n, apart = int(dataset.counts[rarest]), sources[rarest]
        copies = Sentence(" (copies of only {apart})", apart=apart) if apart < n else ""
        raise DataError(
            "class {classes} has {n} of {n_dataset:,} training images{copies}; {need}",
            classes=dataset.classes[rarest],
            n=n,
            n_dataset=len(dataset),
            copies=copies,
            need=need,
        )


def stratified_sample(dataset: Dataset, n: int, seed: int) -> Dataset:
    """About n images at random, every class in its proportion; all of them if there are no more than n.

    A rare class keeps what five folds need, or all that it has.
    """
    if len(dataset) <= n:
        return dataset
    rng = np.random.default_rng(seed)
    chosen = []
    for label in range(len(dataset.classes)):
        members = np.flatnonzero(dataset.labels == label)
        chosen.append(rng.permutation(members)[: max(needed_for_folds(5), round(n * len(members) / len(dataset)))])
    return dataset.subset(np.sort(np.concatenate(chosen)))
