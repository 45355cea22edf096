"""samples.npz: every picture that the report shows, so that it can be rebuilt without the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bruit.data.dataset import DataPair, Dataset

PER_CLASS = 8
Pictures = dict[str, NDArray[np.generic]]


def data_samples(pair: DataPair, seed: int) -> Pictures:
    """Examples of each class, drawn at random, and the mean image of each class in both splits."""
    height, width = pair.train.shape
    examples = np.zeros((len(pair.classes), PER_CLASS, height, width), np.uint8)
    rng = np.random.default_rng(seed)
    for label in range(len(pair.classes)):
        chosen = rng.permutation(np.flatnonzero(pair.train.labels == label))[:PER_CLASS]
        examples[label, : len(chosen)] = pair.train.images[chosen]
    return {"examples": examples, "means_train": _class_means(pair.train), "means_test": _class_means(pair.test)}


def finding_samples(pair: DataPair, findings: Sequence[Mapping[str, Any]]) -> Pictures:
    """The examples of each finding of results["dataset"], under its place in the list."""
    splits = {"train": pair.train, "test": pair.test}
    return {
        f"findings/{place}": np.stack(
            [splits[example["split"]].images[example["index"]] for example in finding["examples"]]
        )
        for place, finding in enumerate(findings)
        if finding.get("examples")
    }


def _class_means(dataset: Dataset) -> NDArray[np.float32]:
    """(C, H, W) float32, 0…255; zero where a class has no image."""
    means = np.zeros((len(dataset.classes), *dataset.shape), np.float32)
    for label in np.unique(dataset.labels):
        means[label] = dataset.images[dataset.labels == label].mean(axis=0)
    return means
