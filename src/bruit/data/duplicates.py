"""Images that occur twice, pixel for pixel: within a split, and across the two, where they are a leak."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from bruit.data.dataset import Finding, Where
from bruit.data.findings import MOST_EXAMPLES, find, graded
from bruit.data.near_copies import near_copies
from bruit.data.row import Row

EXAMPLE_PAIRS = MOST_EXAMPLES // 2
Pair = tuple[int, int]


def duplicates(row: Row, on_progress: Callable[[int, int], None] = lambda done, total: None) -> list[Finding]:
    """Exact and near copies, images of one source in both splits, and copies with different labels.

    Blank images are left out, since they are all alike. `on_progress` is called with the number of steps that are
    done, and their total.
    """
    return [*_repeated(row), *_shared_sources(row), *_within(row), *_conflicts(row), *near_copies(row, on_progress)]


def _leak(code: str, row: Row, images: int, pairs: Iterable[Pair]) -> list[Finding]:
    """The finding that so many test images share something with training images, as these pairs do."""
    if not images:
        return []
    total = row.size("test")
    first = sorted(pairs, key=lambda pair: pair[1])[:EXAMPLE_PAIRS]
    severity = graded(images / total, warning=0, error=0.01)
    examples = row.examples(i for pair in first for i in pair)
    return [find(code, severity, "both", examples, images=images, total=total, share=images / total)]


def _repeated(row: Row) -> list[Finding]:
    content, images = row.measured.content, 0
    pairs: list[Pair] = []
    for among in row.by_content():
        train, test = among[among < row.n_train], among[among >= row.n_train]
        leaked = test[np.isin(content[test], content[train])]
        images += len(leaked)
        pairs += [(int(train[np.argmax(content[train] == content[i])]), int(i)) for i in leaked[:EXAMPLE_PAIRS]]
    return _leak("repeated", row, images, pairs)


def _shared_sources(row: Row) -> list[Finding]:
    if len(row.splits) < 2:
        return []
    train, test = (dataset.ids for dataset in row.splits.values())
    leaked = np.flatnonzero(np.isin(test, train))
    pairs = [(int(np.argmax(train == test[i])), row.n_train + int(i)) for i in leaked[:EXAMPLE_PAIRS]]
    return _leak("shared-source", row, len(leaked), pairs)


def _within(row: Row) -> list[Finding]:
    found = []
    for place, split in enumerate(row.splits):
        images, pairs = 0, []
        for part in row.by_content():
            among = part[(part >= row.n_train) == (place == 1)]
            _, first, copy_of = np.unique(row.measured.content[among], return_index=True, return_inverse=True)
            again = np.delete(np.arange(len(among)), first)
            images += len(again)
            pairs += [(int(among[i]), int(among[first[copy_of[i]]])) for i in again[:EXAMPLE_PAIRS]]
        if images:
            total = row.size(split)
            figure = {"images": images, "total": total, "share": images / total}
            examples = row.examples(i for copy, one in sorted(pairs)[:EXAMPLE_PAIRS] for i in (one, copy))
            found.append(find("duplicates", graded(images / total, warning=0.01), split, examples, **figure))
    return found


def _conflicts(row: Row) -> list[Finding]:
    """Equal images with different labels."""
    images, first, last = 0, len(row), 0
    shown: list[int] = []
    for among in row.by_content():
        if not len(among):
            continue
        order = among[np.argsort(row.measured.content[among], kind="stable")]
        content, labels = row.measured.content[order], row.labels(order)
        starts = np.flatnonzero(np.append(True, content[1:] != content[:-1]))
        differ = np.minimum.reduceat(labels, starts) < np.maximum.reduceat(labels, starts)
        wrong = order[np.repeat(differ, np.diff(starts, append=len(order)))]
        if len(wrong):
            images, first, last = images + len(wrong), min(first, int(wrong.min())), max(last, int(wrong.max()))
            shown += wrong[:MOST_EXAMPLES].tolist()
    if not images:
        return []
    where: Where = row.where(first, last)
    return [find("conflict", "warning", where, row.examples(shown), images=images)]
