"""Whether test images look like training images: brightness, contrast, mean image, a classifier that tells them apart.

Judged by the size of the effect: with many images any difference is significant.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc, chdtrc

from bruit.data.dataset import DataPair, Dataset, Example, Finding, Images, Split
from bruit.data.findings import find, graded
from bruit.data.measures import Index, Measures, lowest, pooled
from bruit.data.row import Row

_SAMPLE = 5000
# Standard deviations by which the means of two splits differ: small, and medium, in Cohen's words.
_NOTED, _WARNED = 0.2, 0.5
_TOLD_APART, _EASILY = 0.55, 0.6
_ALPHA = 0.001
# Below so many images of each split a classifier can say nothing.
_FEWEST = 50
_POOLED = 10
_SHOWN = 6


def drift(row: Row) -> list[Finding]:
    """Findings about differences between the splits, from up to 5,000 images of each with the same share of each class.

    The sample is chosen by the images' content, so it depends on neither a seed nor their order.
    """
    if len(row.splits) < 2:
        return []
    pair = DataPair("", row.splits["train"], row.splits["test"])
    train, test = (measured for _, _, measured in row.parts())
    found = _class_shift(pair)
    at = matched_sample(pair, train, test)
    if not len(at[0]):
        return found
    found += _moments(train, test, at)
    found += _mean_images(pair, at)
    return found + _told_apart(pair, at)


def matched_sample(pair: DataPair, train: Measures, test: Measures) -> tuple[Index, Index]:
    """(index of training images, index of test images), as many of each class in both, in an order that is as good as
    random.
    """
    both = np.minimum(pair.train.counts, pair.test.counts)
    wanted = np.floor(both * min(1, _SAMPLE / max(1, both.sum()))).astype(np.int64)

    def first(dataset: Dataset, content: NDArray[np.uint64]) -> Index:
        chosen = [lowest(content, dataset.labels == label, int(n)) for label, n in enumerate(wanted)]
        index = np.concatenate(chosen)
        return index[np.argsort(content[index], kind="stable")]

    return first(pair.train, train.content), first(pair.test, test.content)


def _class_shift(pair: DataPair) -> list[Finding]:
    """Total variation distance of the classes' shares, and a chi-square test of homogeneity."""
    counts = np.stack([pair.train.counts, pair.test.counts])[:, (pair.train.counts + pair.test.counts) > 0]
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / counts.sum()
    p = float(chdtrc(max(1, counts.shape[1] - 1), ((counts - expected) ** 2 / expected).sum()))
    shares = counts / counts.sum(axis=1, keepdims=True)
    distance = float(np.abs(shares[0] - shares[1]).sum() / 2)
    if distance < 0.05 or p >= _ALPHA:
        return []
    return [find("class-shift", graded(distance, warning=0.1), "both", share=distance, p=p)]


def _moments(train: Measures, test: Measures, at: tuple[Index, Index]) -> list[Finding]:
    found = []
    for code, one, other in (("brightness", train.mean, test.mean), ("contrast", train.std, test.std)):
        values = one[at[0]].astype(np.float64), other[at[1]].astype(np.float64)
        means = [float(value.mean()) for value in values]
        # Less than a grey level of spread is rounding, not a yardstick.
        spread = max(1.0, float(np.sqrt((values[0].var() + values[1].var()) / 2)))
        effect = (means[1] - means[0]) / spread
        # What is certain of it: the end of its interval that is closer to zero.
        certain = abs(effect) - 2 * np.sqrt(2 / len(at[0]))
        if certain >= _NOTED:
            examples = [*_usual("train", values[0], at[0]), *_usual("test", values[1], at[1])]
            figure = {"train": means[0], "test": means[1], "effect": effect}
            found.append(find(code, graded(certain, warning=_WARNED), "both", examples, **figure))
    return found


def _usual(split: Split, values: NDArray[np.float64], index: Index) -> list[Example]:
    """The images of which a measure is nearest to its mean."""
    order = np.argsort(np.abs(values - values.mean()), kind="stable")
    return [Example(split, int(i)) for i in index[order[:_SHOWN]]]


def _mean_images(pair: DataPair, at: tuple[Index, Index]) -> list[Finding]:
    one, other = (
        dataset.images[index].reshape(len(index), -1).astype(np.float32)
        for dataset, index in zip((pair.train, pair.test), at, strict=True)
    )
    difference = other.mean(axis=0) - one.mean(axis=0)
    spread = np.maximum(8, np.sqrt((one.var(axis=0) + other.var(axis=0)) / 2))
    # Less what two samples of one source would differ by.
    effect = float(np.sqrt(max(0.0, float(np.mean((difference / spread) ** 2)) - 2 / len(one))))
    if effect < _NOTED:
        return []
    largest = float(np.abs(difference).max())
    return [find("pixels", graded(effect, warning=_WARNED), "both", effect=effect, largest=largest)]


def _told_apart(pair: DataPair, at: tuple[Index, Index]) -> list[Finding]:
    """A classifier two-sample test (Lopez-Paz & Oquab 2017): logistic regression on pooled pixels and their squares.

    Each half is classified by a model of the other half; the p-value of the better half by the binomial distribution,
    times two.
    """
    n = len(at[0])
    if n < _FEWEST:
        return []
    features = _features(np.concatenate([pair.train.images[at[0]], pair.test.images[at[1]]]))
    is_test = np.repeat([0.0, 1.0], n)
    half = np.tile(np.arange(n) % 2, 2)
    scores = np.empty(2 * n)
    p_values = []
    for held_out in (0, 1):
        learn, judge = half != held_out, half == held_out
        scores[judge] = _logistic(features[learn], is_test[learn], features[judge])
        right = int(((scores[judge] > 0) == (is_test[judge] > 0.5)).sum())
        p_values.append(float(bdtrc(right - 1, int(judge.sum()), 0.5)) if right else 1.0)
    accuracy = float(((scores > 0) == (is_test > 0.5)).mean())
    p = min(1.0, 2 * min(p_values))
    figure: dict[str, float | int] = {"accuracy": accuracy, "n": 2 * n, "p": p}
    if accuracy < _TOLD_APART or p >= _ALPHA:
        return [find("alike", "info", "both", (), **figure)]
    unlike = np.argsort(scores, kind="stable")
    examples = [Example("train", int(at[0][i])) for i in unlike[unlike < n][:_SHOWN]]
    examples += [Example("test", int(at[1][i - n])) for i in unlike[unlike >= n][::-1][:_SHOWN]]
    return [find("drift", graded(accuracy, warning=_EASILY), "both", examples, **figure)]


def _features(images: Images) -> NDArray[np.float64]:
    """(n, 2·h·w) pooled pixels, and their squared distance from mid-grey, which shows contrast."""
    pixels = pooled(images, _POOLED).astype(np.float64)
    grey = pooled(np.full_like(images[:1], 255), _POOLED) / 2
    return np.concatenate([pixels, (pixels - grey) ** 2], axis=1)


def _logistic(
    features: NDArray[np.float64], target: NDArray[np.float64], of: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Log-odds of `of` under a ridge logistic regression of 0/1 `target` on `features`, fitted by Newton's method."""
    mean, spread = features.mean(axis=0), features.std(axis=0)
    spread[spread < 1e-6 * max(1.0, float(spread.max(initial=0)))] = np.inf  # what does not vary tells nothing
    x = np.c_[(features - mean) / spread, np.ones(len(features))]
    ridge = np.full(x.shape[1], 0.01 * len(x))
    weights = np.zeros(x.shape[1])
    for _ in range(8):
        chance = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (chance - target) + ridge * weights
        curvature = (x * (chance * (1 - chance))[:, None]).T @ x
        weights -= np.linalg.solve(curvature + np.diag(ridge), slope)
    return np.asarray(np.c_[(of - mean) / spread, np.ones(len(of))] @ weights)
