"""Published results on noisy digits, each with its setting: what was trained on what. Settings are never compared.

Accuracies as fractions. `read`: by us, in the source itself; else a listing in another paper.
"""

from __future__ import annotations

from typing import NamedTuple

from bruit.locale import mark

CLEAN, ADAPTED = mark("clean images only"), mark("clean images, then adapted to each corruption without labels")
EACH = mark("a model for each corruption, trained on it")
SAME = mark("trained on the set itself")

ESP, BUFR = mark("ESP submission, table 1"), mark("cianeastwood/bufr, Results.md")


class Row(NamedTuple):
    """accuracy: on a set of the suite, or its mean over all sets where `set` is empty."""

    suite: str
    set: str
    who: str
    setting: str
    accuracy: float
    source: str
    read: bool = True


ROWS = (
    Row("mnist-c", "", "Naive + ESP", CLEAN, 0.9355, ESP),
    Row("mnist-c", "", "AugMix + DeepAugment", CLEAN, 0.9255, ESP),
    Row("mnist-c", "", "CNN", CLEAN, 0.9199, ESP),
    Row("mnist-c", "", "AugMix", CLEAN, 0.8564, ESP),
    Row("mnist-c", "", "SHOT", ADAPTED, 0.978, BUFR),
    Row("mnist-c", "", "15 × fine-tuned", EACH, 0.992, BUFR),
    Row("nmnist", "nmnist-awgn", "PCGAN-CHAR", SAME, 0.9843, "arXiv 1908.08987", read=False),
    Row("nmnist", "nmnist-motion-blur", "PCGAN-CHAR", SAME, 0.9920, "arXiv 1908.08987", read=False),
    Row("nmnist", "nmnist-contrast-awgn", "PCGAN-CHAR", SAME, 0.9725, "arXiv 1908.08987", read=False),
)


def of_suite(suite: str) -> list[dict[str, object]]:
    """The rows of a suite as plain values."""
    return [row._asdict() for row in ROWS if row.suite == suite]
