"""The data doctor as a step of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bruit.data.checks import Progress, diagnose, worst_first
from bruit.data.dataset import DataPair, Dataset, Example, Finding, Severity, Split, Unlabelled
from bruit.data.findings import SEVERITIES, as_dict, as_plain, find, graded
from bruit.data.sources import DEFAULT, load_to_check
from bruit.errors import DataError
from bruit.evaluation.labels import refuse_way, suspect_labels
from bruit.whole import refuse_no_flag

if TYPE_CHECKING:
    from bruit.studies.noise_in import Noise

# The models that judge the labels: soon trained, and right about nearly all images. Few images are gone through more
# often, for as many batches as three epochs of MNIST have: 300 would be judged after 12 of them.
LABEL_MODEL, LABEL_FOLDS, LABEL_EPOCHS, LABEL_STEPS = "cnn-plus", 4, 3, 600
# Networks that read more of the labels otherwise have not shown that they can read.
DOUBTFUL = 0.1
# Of each split so many are ranked even where fewer are suspect: what is hard to read is often labelled wrongly.
LABELS_LISTED = 100


@dataclass(frozen=True)
class Checkup:
    """What the data doctor found.

    n         number of images of each split
    findings  the worst first
    seconds   that it took, without reading the files
    suspects  every label that may be wrong, and 100 of each split at the least, the surest of each split first, with
              "given → suggested" as its note; None where labels were not checked
    noise     what noise the images of each split carry, see `bruit.studies.noise_in`; None where it was not asked for
    """

    name: str
    n: Mapping[str, int]
    findings: tuple[Finding, ...]
    seconds: float
    suspects: tuple[Example, ...] | None = None
    noise: Mapping[str, Noise] | None = None

    def at_least(self, severity: Severity) -> list[Finding]:
        """The findings that are so bad or worse."""
        bad = SEVERITIES[: SEVERITIES.index(severity) + 1]
        return [finding for finding in self.findings if finding.severity in bad]

    def as_dict(self) -> dict[str, Any]:
        """All of it as plain values, for JSON."""
        plain = {"name": self.name, "n": dict(self.n), "seconds": self.seconds}
        plain["findings"] = [as_dict(finding) for finding in self.findings]
        if self.suspects is not None:
            plain["suspects"] = [as_plain(example) for example in self.suspects]
        if self.noise is not None:
            plain["noise"] = {split: found.as_dict() for split, found in self.noise.items()}
        return plain


def check(
    data: str | Path | DataPair | Unlabelled = DEFAULT,
    *,
    labels: bool = False,
    labels_by: str = "margin",
    noise: bool = False,
    seed: int = 0,
    workers: int | None = None,
    on_progress: Progress = lambda done, total: None,
    on_begin: Callable[..., None] = lambda left, schedule: None,
    on_board: Callable[..., None] | None = None,
) -> Checkup:
    """Examine training and test images: sizes and scales, blank images, copies and leaks, classes, polarity, drift.

    data         see `bruit.load`; what it refuses, as NaN, is refused here too. Images without labels will do
    labels       look for wrong labels too: networks are trained on folds of all images, which takes minutes
    labels_by    how these are ranked: "margin" or "cleanlab", see `bruit.evaluation.labels.suspect_labels`
    noise        estimate which corruptions the images carry, and how severely, too
    seed, workers, on_begin, on_board
                 for the trainings, see `bruit.cross_validate`; with the same seed they suspect the same labels
    on_progress  called with how much of the other checks is done, and how much there is

    Raises DataError if the data cannot be read, or have too few images of a class for the folds.
    """
    refuse_way(labels_by)
    refuse_no_flag("noise", noise)
    read = load_to_check(data)
    if labels and isinstance(read, Unlabelled):
        raise DataError("{name} holds images without labels, so none can be wrong; add them", name=read.name)
    start = time.perf_counter()
    findings, suspects = list(diagnose(read, on_progress)), None
    if isinstance(read, DataPair) and labels:
        suspects, wrong = _check_labels(
            read, labels_by, seed=seed, workers=workers, on_begin=on_begin, on_board=on_board
        )
        findings = worst_first([*findings, *wrong])
    n: dict[str, int] = {split: len(dataset) for split, dataset in read.splits.items()}
    found = _noise(read) if noise else None
    return Checkup(read.name, n, tuple(findings), time.perf_counter() - start, suspects, found)


def _noise(read: DataPair | Unlabelled) -> dict[str, Noise]:
    from bruit.studies.noise_in import noise_in

    return {split: noise_in(dataset.images) for split, dataset in read.splits.items()}


def _check_labels(pair: DataPair, by: str, **options: Any) -> tuple[tuple[Example, ...], list[Finding]]:
    """Every label of both splits judged by networks that did not see its image, nor another one of its source."""
    from bruit.models.zoo import entry
    from bruit.training.crossval import cross_validate

    one, other = pair.train, pair.test
    together = Dataset(
        np.concatenate([one.images, other.images]),
        np.concatenate([one.labels, other.labels]),
        pair.classes,
        np.concatenate([one.ids, other.ids]),
    )
    recipe = entry(LABEL_MODEL).recipe
    assert recipe is not None
    trained = len(together) * (LABEL_FOLDS - 1) // LABEL_FOLDS
    epochs = replace(recipe, epochs=LABEL_EPOCHS, least_steps=LABEL_STEPS).for_images(trained).epochs
    result = cross_validate(LABEL_MODEL, together, k=LABEL_FOLDS, epochs=epochs, **options)
    suspects: list[Example] = []
    findings = []
    parts: tuple[tuple[Split, slice], ...] = (("train", slice(len(one))), ("test", slice(len(one), None)))
    judged = {
        split: suspect_labels(result.oof_probabilities[part], together.labels[part], least=LABELS_LISTED, by=by)
        for split, part in parts
    }
    # The networks are the same for both splits, so they can read, or they cannot.
    doubtful = sum(n_wrong for _, _, n_wrong in judged.values()) > DOUBTFUL * len(together)
    for split, part in parts:
        given = together.labels[part]
        index, suggested, n_wrong = judged[split]
        ranked = [
            Example(split, int(i), f"{pair.classes[given[i]]} → {pair.classes[better]}")
            for i, better in zip(index, suggested, strict=True)
        ]
        suspects += ranked
        total = len(given)
        if n_wrong:
            figure: dict[str, Any] = {"images": n_wrong, "total": total, "share": n_wrong / total}
            if doubtful:
                findings.append(find("labels-doubtful", "warning", split, ranked[:n_wrong], **figure, trained=trained))
            else:
                severity = graded(figure["share"], warning=0.01)
                findings.append(find("labels", severity, split, ranked[:n_wrong], **figure))
    return tuple(suspects), findings
