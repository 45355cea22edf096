"""What the readers of all formats hand on: arrays as they stand in the files."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bruit.data import room
from bruit.data.dataset import Finding, blocks
from bruit.data.findings import find
from bruit.errors import DataError
from bruit.locale import Sentence

Raw = NDArray[Any]
_IMAGES = ("x", "images", "image", "imgs", "data", "pixels")
_LABELS = ("y", "labels", "label", "targets", "target", "classes")
Role = tuple[str, str]


@dataclass(frozen=True)
class Arrays:
    """Images and labels of any shape, type and scale that `pair_from_arrays` takes; None for what is not there.

    Where a source has one split only it is the training one.
    """

    train_images: Raw
    train_labels: Raw | None = None
    test_images: Raw | None = None
    test_labels: Raw | None = None
    findings: tuple[Finding, ...] = ()


def roles(names: Iterable[str], path: Path) -> dict[Role, str]:
    """Which name means what: {("train", "images"): "x_train", …}; "train" also for what names no split.

    It knows x_train, train_images, X_train, trainX, test_y and the like; images and labels, X and y, arr_0 and arr_1.
    Raises DataError if no name means images, or two mean the same.
    """
    names = list(names)
    found: dict[Role, str] = {}
    for name in sorted(names, key=_may_name_classes):
        role = role_of(name, names)
        if role is None or (role in found and _may_name_classes(name)):
            continue
        if role in found:
            raise DataError(
                "{path} holds both {found} and {name}, which mean the same; keep one of them",
                path=path,
                found=found[role],
                name=name,
            )
        found[role] = name
    if all(kind != "images" for _, kind in found):
        listed = ", ".join(sorted(names)[:12]) or Sentence("nothing")
        raise DataError(
            "{path} holds no images by a known name; expected x_train, y_train, x_test, y_test, or train_images …, "
            "or images, labels, found {listed}",
            path=path,
            listed=listed,
        )
    return found


def _may_name_classes(name: str) -> bool:
    """Whether it may be called so because it names the classes, and no image's: that counts where labels are."""
    return "classes" in name.lower()


def role_of(name: str, names: Collection[str]) -> Role | None:
    """What `name` means among `names`, if anything."""
    if name in ("arr_0", "arr_1"):  # what numpy.savez calls arrays that were given no name
        return ("train", "images" if name == "arr_0" else "labels") if "arr_2" not in names else None
    plain = re.sub("[^a-z0-9]", "", name.lower())
    split = "train"
    for word, meant in (("training", "train"), ("train", "train"), ("testing", "test"), ("test", "test")):
        if plain != word and (plain.startswith(word) or plain.endswith(word)):
            split, plain = meant, plain.removeprefix(word) if plain.startswith(word) else plain.removesuffix(word)
            break
    if plain in _IMAGES:
        return split, "images"
    return (split, "labels") if plain in _LABELS else None


def from_roles(by_role: dict[Role, Raw], unused: Iterable[str] = ()) -> Arrays:
    """Arrays by their roles; a source that has test images only counts as one of a single split."""
    unused = sorted(unused)
    findings = [passed_over(unused)] if unused else []
    split = "train" if ("train", "images") in by_role else "test"
    test = by_role.get(("test", "images")) if split == "train" else None
    return Arrays(
        by_role[split, "images"],
        by_role.get((split, "labels")),
        test,
        by_role.get(("test", "labels")) if test is not None else None,
        tuple(findings),
    )


def joined(train: Arrays, test: Arrays | None, path: Path) -> Arrays:
    """Two sources of one split each as one of two."""
    if test is None:
        return train
    if train.test_images is not None or test.test_images is not None:
        raise DataError("a file in {path} holds both splits already; give that file itself", path=path)
    return Arrays(
        train.train_images, train.train_labels, test.train_images, test.train_labels, train.findings + test.findings
    )


def numbered(*texts: list[str] | None) -> list[Raw | None]:
    """Labels as text → int64 (N,) if every one is a whole number as Python writes it, else str ("07" is not 7)."""
    numbers = all(re.fullmatch("0|[1-9][0-9]{0,17}", text) for labels in texts for text in set(labels or ()))
    return [None if labels is None else np.array(labels, np.int64 if numbers else np.str_) for labels in texts]


def passed_over(names: list[str]) -> Finding:
    """The finding that something was there but not read."""
    listed = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
    return find("not-used", "info", "both", n=len(names), names=listed)


def to_grey(images: Raw) -> Raw:
    """(N, H, W, 3) uint8 → (N, H, W) uint8, by the luma of ITU-R 601, as Pillow does it."""
    grey = room.empty(images.shape[:3], np.uint8)
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    for part in blocks(images):
        grey[part] = np.rint(images[part].astype(np.float32) @ weights)
    return grey


def grey_finding(n: int, of: int) -> Finding:
    return find("made-grey", "info", "both", images=n, total=of)
