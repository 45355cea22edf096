"""The data doctor: what a person should know about images and labels before a model learns from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bruit.data.dataset import DataPair, Dataset, Example, Finding
from bruit.data.drift import drift
from bruit.data.duplicates import duplicates
from bruit.data.findings import MOST_EXAMPLES, SEVERITIES, Figure, Severity, Split, find, graded, loaded_remedy
from bruit.data.measures import Measures, measure

Progress = Callable[[int, int], None]
# Between edge and inside, in standard deviations of the image: less does not show which of them is the ground.
_POLAR = 0.1
# The share of images of the other polarity from which a split is mixed.
_MIXED = 0.01


def diagnose(pair: DataPair, on_progress: Progress = lambda done, total: None) -> tuple[Finding, ...]:
    """All findings about a pair: those made while it was read, and those of every check; the worst first.

    Nothing is drawn at random, and the order of the images does not matter to the figures. Labels are checked only
    where equal images disagree on them; `bruit.check(…, labels=True)` looks for wrong ones. `on_progress` is called
    with the number of steps done and their total.
    """
    steps = 5
    on_progress(0, steps)
    train = measure(pair.train)
    on_progress(1, steps)
    test = measure(pair.test)
    on_progress(2, steps)
    found = [*ranges(pair, train, test), *blanks(pair, train, test), *classes(pair), *polarity(pair, train, test)]
    found += drift(pair, train, test)
    on_progress(3, steps)
    found += duplicates(pair, train, test)
    on_progress(steps, steps)
    known = {finding.code for finding in found}
    read = [
        replace(finding, remedy=finding.remedy or loaded_remedy(finding.code))
        for finding in pair.findings
        if finding.code not in known
    ]
    return tuple(worst_first([*read, *found]))


def worst_first(findings: list[Finding]) -> list[Finding]:
    """Errors, warnings, then notes; each in the order in which they were found."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def ranges(pair: DataPair, train: Measures, test: Measures) -> list[Finding]:
    """Sizes and values of each split, unless the reader of its files has said them; and splits on different scales."""
    said = {finding.split for finding in pair.findings if finding.code == "scale"}
    found = []
    for split, dataset, measured in _splits(pair, train, test):
        if split not in said:
            height, width = dataset.shape
            low, high = int(measured.low.min()), int(measured.high.max())
            figure = {"images": len(dataset), "height": height, "width": width, "low": low, "high": high}
            found.append(find("range", "info", split, (), **figure))
    brightest = {"train": int(train.high.max()), "test": int(test.high.max())}
    if max(brightest.values()) > 3 * min(brightest.values()):
        found.append(find("range-mismatch", "error", "both", (), **brightest))
    return found


def blanks(pair: DataPair, train: Measures, test: Measures) -> list[Finding]:
    """Images on which nothing is to be seen."""
    found = []
    for split, dataset, measured in _splits(pair, train, test):
        index = np.flatnonzero(measured.blank)
        if len(index):
            figure = _part(index, dataset)
            severity = graded(figure["share"], warning=0, error=0.5)
            found.append(find("blank", severity, split, _examples(split, index, dataset), **figure))
    return found


def classes(pair: DataPair) -> list[Finding]:
    """Classes that a split lacks, and classes of very different sizes."""
    found = []
    splits: tuple[tuple[Split, Dataset], ...] = (("train", pair.train), ("test", pair.test))
    for split, dataset in splits:
        counts, names = dataset.counts, dataset.classes
        missing = [names[label] for label in np.flatnonzero(counts == 0)]
        if missing:
            listed = ", ".join(missing[:12]) + (", …" if len(missing) > 12 else "")
            severity: Severity = "error" if split == "train" else "warning"
            found.append(find("missing-class", severity, split, classes=listed))
        largest = int(np.argmax(counts))
        smallest = int(np.argmin(np.where(counts, counts, counts.max() + 1)))
        ratio = float(counts[largest] / counts[smallest])
        if ratio >= 3:
            examples = _examples(split, np.flatnonzero(dataset.labels == smallest), dataset)
            figure: dict[str, Figure] = {"largest": names[largest], "smallest": names[smallest]}
            figure |= {"n_largest": int(counts[largest]), "n_smallest": int(counts[smallest])}
            found.append(find("imbalance", graded(ratio, warning=10), split, examples, **figure))
    return found


def polarity(pair: DataPair, train: Measures, test: Measures) -> list[Finding]:
    """Dark on light or light on dark: what is lighter at the edge of an image than inside is taken for dark on light.

    Where most images of a split do not show which, nothing is said of it.
    """
    found = []
    dark_shares: dict[str, float] = {}
    for split, dataset, measured in _splits(pair, train, test):
        dark, light = measured.lighter_inside < -_POLAR, measured.lighter_inside > _POLAR
        clear = int(dark.sum() + light.sum())
        if clear < len(dataset) / 2:
            continue
        share = float(dark.sum() / clear)
        dark_shares[f"{split}_share"] = share
        if min(share, 1 - share) >= _MIXED:
            index = np.flatnonzero(light if share > 0.5 else dark)
            examples = _examples(split, index, dataset)
            found.append(find("polarity-mixed", "warning", split, examples, **_part(index, dataset)))
        elif share > 0.5:
            found.append(find("polarity", "info", split, _examples(split, np.flatnonzero(dark), dataset), share=share))
    if len({share > 0.5 for share in dark_shares.values()}) == 2:
        examples = [
            example
            for split, dataset, _ in _splits(pair, train, test)
            for example in _examples(split, np.arange(min(6, len(dataset))), dataset)
        ]
        found.append(find("polarity-mismatch", "error", "both", examples, **dark_shares))
    return found


def _splits(pair: DataPair, train: Measures, test: Measures) -> Iterator[tuple[Split, Dataset, Measures]]:
    yield "train", pair.train, train
    yield "test", pair.test, test


def _part(index: NDArray[np.int64], dataset: Dataset) -> dict[str, Any]:
    return {"images": len(index), "total": len(dataset), "share": len(index) / len(dataset)}


def _examples(split: Split, index: NDArray[np.int64], dataset: Dataset) -> list[Example]:
    return [Example(split, int(i), dataset.classes[dataset.labels[i]]) for i in index[:MOST_EXAMPLES]]
