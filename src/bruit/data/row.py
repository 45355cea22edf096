"""The images of all splits in one row, as the checks look at them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bruit.data.dataset import Dataset, Example, Images, Split, Where
from bruit.data.measures import Index, Measures, measure

# Images that are sorted at once: of tens of millions, a part after the other.
PART = 2**20


@dataclass(frozen=True)
class Row:
    """Training images, and test images after them where there are any, with what was measured of each."""

    splits: Mapping[Split, Dataset]
    measured: Measures

    @classmethod
    def of(cls, splits: Mapping[Split, Dataset], on_progress: Callable[[int], None] = lambda done: None) -> Row:
        """Measures all images; `on_progress` is called with the number of those that are done."""
        return cls(splits, measure(*splits.values(), on_progress=on_progress))

    def __len__(self) -> int:
        return sum(map(len, self.splits.values()))

    @property
    def n_train(self) -> int:
        return len(next(iter(self.splits.values())))

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return next(iter(self.splits.values())).shape

    @property
    def pixels(self) -> int:
        return self.shape[0] * self.shape[1]

    @cached_property
    def shown(self) -> NDArray[np.bool_]:
        """(N,) which images are not blank."""
        return ~self.measured.blank

    def parts(self) -> Iterator[tuple[Split, Dataset, Measures]]:
        """Each split with its measures."""
        start = 0
        for split, dataset in self.splits.items():
            yield split, dataset, self.measured.part(slice(start, start + len(dataset)))
            start += len(dataset)

    def by_content(self) -> Iterator[Index]:
        """The images that are not blank, by index, in parts: those of equal content are in one, and content ascends
        from part to part.
        """
        n = -(-len(self) // PART)
        for part in range(n):
            low, high = (np.uint64(min(2**64 - 1, 2**64 * edge // n)) for edge in (part, part + 1))
            content = self.measured.content
            below = content <= high if part == n - 1 else content < high
            yield np.flatnonzero(self.shown & (content >= low) & below)

    def images(self, index: Index) -> Images:
        return self._of_each(index, lambda dataset: dataset.images)

    def labels(self, index: Index) -> NDArray[np.int64]:
        return self._of_each(index, lambda dataset: dataset.labels)

    def _of_each(self, index: Index, values: Callable[[Dataset], NDArray[Any]]) -> NDArray[Any]:
        first, *others = (values(dataset) for dataset in self.splits.values())
        if not others:
            return first[index]
        out = np.empty((len(index), *first.shape[1:]), first.dtype)
        in_test = index >= self.n_train
        out[~in_test] = first[index[~in_test]]
        out[in_test] = others[0][index[in_test] - self.n_train]
        return out

    def size(self, where: Where) -> int:
        """The number of images that a share is a share of: of those in both splits, the test images."""
        return self.n_train if where == "train" else len(self.splits["test"])

    def where(self, first: int, last: int) -> Where:
        """The split that images from `first` to `last` are in."""
        return "train" if last < self.n_train else "test" if first >= self.n_train else "both"

    def examples(self, index: Iterable[int]) -> list[Example]:
        """Images with their classes."""
        shown = []
        for i in index:
            split: Split = "train" if i < self.n_train else "test"
            here, dataset = int(i) - (0 if split == "train" else self.n_train), self.splits[split]
            shown.append(Example(split, here, dataset.classes[dataset.labels[here]]))
        return shown
