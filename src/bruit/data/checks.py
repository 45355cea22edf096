"""The data doctor: what a person should know about images and labels before a model learns from them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from bruit.data.dataset import DataPair, Dataset, Example, Finding, Severity, Split, Unlabelled, Where
from bruit.data.drift import drift
from bruit.data.duplicates import duplicates
from bruit.data.findings import MOST_EXAMPLES, SEVERITIES, Figure, find, graded
from bruit.data.measures import Index
from bruit.data.row import Row

Progress = Callable[[int, int], None]
# Between edge and inside, in standard deviations of the image: less does not show which of them is the ground.
_POLAR = 0.1
# The share of images of the other polarity from which a split is mixed.
_MIXED = 0.01


def diagnose(data: DataPair | Unlabelled, on_progress: Progress = lambda done, total: None) -> tuple[Finding, ...]:
    """All findings about a data set: those made while it was read, and those of every check; the worst first.

    Nothing is drawn at random, and the order of the images does not matter to the figures. Labels are checked only
    where equal images disagree on them; `bruit.check(…, labels=True)` looks for wrong ones. `on_progress` is called
    with how much is done, and how much there is to do: half of it is to measure the images.
    """
    n = sum(map(len, data.splits.values()))
    on_progress(0, 2 * n)
    row = Row.of(data.splits, on_progress=lambda done: on_progress(done, 2 * n))
    known = {finding.split for finding in data.findings if finding.code == "scale"}
    found = [*ranges(row, known), *blanks(row), *classes(row), *polarity(row), *drift(row)]
    found += duplicates(row, on_progress=lambda done, total: on_progress(n + n * done // total, 2 * n))
    on_progress(2 * n, 2 * n)
    return tuple(worst_first([*data.findings, *found]))


def worst_first(findings: list[Finding]) -> list[Finding]:
    """Errors, warnings, then notes; each in the order in which they were found."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def ranges(row: Row, known: Collection[Where] = ()) -> list[Finding]:
    """Sizes and values of each split, but for those that are known; and splits on different scales."""
    found = []
    brightest = {}
    for split, dataset, measured in row.parts():
        brightest[split] = int(measured.high.max())
        if split not in known:
            height, width = dataset.shape
            low, high = int(measured.low.min()), int(measured.high.max())
            figure = {"images": len(dataset), "height": height, "width": width, "low": low, "high": high}
            found.append(find("range", "info", split, (), **figure))
    if max(brightest.values()) > 3 * min(brightest.values()):
        found.append(find("range-mismatch", "error", "both", (), **brightest))
    return found


def blanks(row: Row) -> list[Finding]:
    """Images on which nothing is to be seen."""
    found = []
    for split, dataset, measured in row.parts():
        index = np.flatnonzero(measured.blank)
        if len(index):
            figure = _part(index, dataset)
            severity = graded(figure["share"], warning=0, error=0.5)
            found.append(find("blank", severity, split, _examples(split, index, dataset), **figure))
    return found


def classes(row: Row) -> list[Finding]:
    """Classes that a split lacks, and classes of very different sizes."""
    found = []
    for split, dataset in row.splits.items():
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


def polarity(row: Row) -> list[Finding]:
    """Dark on light or light on dark: what is lighter at the edge of an image than inside is taken for dark on light.

    Where most images of a split do not show which, nothing is said of it.
    """
    found = []
    dark_shares: dict[str, float] = {}
    for split, dataset, measured in row.parts():
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
            for split, dataset, _ in row.parts()
            for example in _examples(split, np.arange(min(6, len(dataset))), dataset)
        ]
        found.append(find("polarity-mismatch", "error", "both", examples, **dark_shares))
    return found


def _part(index: Index, dataset: Dataset) -> dict[str, Any]:
    return {"images": len(index), "total": len(dataset), "share": len(index) / len(dataset)}


def _examples(split: Split, index: Index, dataset: Dataset) -> list[Example]:
    return [Example(split, int(i), dataset.classes[dataset.labels[i]]) for i in index[:MOST_EXAMPLES]]
