"""From files as people have them to Dataset: uint8 images, whole-number labels."""

from __future__ import annotations

import sys

import numpy as np

from bruit.data import room
from bruit.data.dataset import DataPair, Dataset, Finding, Split, Unlabelled, refuse_two_sizes
from bruit.data.findings import find
from bruit.data.holdout import set_aside, set_aside_finding
from bruit.data.raw import Raw
from bruit.data.scale import SPLIT_NAMES, scale_mismatch, to_uint8
from bruit.errors import DataError

SPLITS: tuple[Split, Split] = ("train", "test")


def pair_from_arrays(
    train_images: Raw,
    train_labels: Raw,
    test_images: Raw | None = None,
    test_labels: Raw | None = None,
    name: str = "arrays",
) -> DataPair:
    """Images and labels in memory as a pair; the classes are the values that occur in `train_labels`.

    Images may be (N, H, W), (N, H, W, 1), (N, 1, H, W) or (N, H·W), of uint8, bool, integers, or floats in 0…1,
    −1…1 or 0…255, each split on a scale of its own; labels (N,), (N, 1) or one-hot. Raises DataError.
    Without test images and their labels, a tenth of each class is set aside as the test set, and a finding says so.
    """
    raws: dict[Split, Raw] = {"train": train_images}
    labels: dict[Split, Raw] = {"train": train_labels}
    if test_images is not None and test_labels is not None:
        raws["test"], labels["test"] = test_images, test_labels
    images, findings = _all_to_uint8(raws)
    values = {split: label_values(raw, len(images[split]), split) for split, raw in labels.items()}
    n_train = len(images["train"])
    ids: dict[Split, Raw] = {"train": np.arange(n_train)}
    if "test" in images:
        ids["test"] = np.arange(n_train, n_train + len(images["test"]))
    else:
        aside = set_aside(images["train"], values["train"])
        findings.append(set_aside_finding(aside, unlabelled=test_images is not None))
        ids = {"train": np.flatnonzero(~aside), "test": np.flatnonzero(aside)}
        images = {split: room.take(images["train"], ids[split]) for split in SPLITS}
        values = {split: values["train"][ids[split]] for split in SPLITS}

    if values["train"].dtype.kind != values["test"].dtype.kind:
        raise DataError(
            "expected labels of one kind, received {dtype} in training and "
            "{dtype2} in test; write both as whole numbers or both as text",
            dtype=labels["train"].dtype,
            dtype2=labels["test"].dtype,
        )
    known = np.unique(values["train"])
    if len(known) < 2:
        raise DataError("expected at least two classes in the training labels, received only {known[0]}", known=known)
    unseen = np.setdiff1d(values["test"], known)
    if len(unseen):
        listed = ", ".join(str(value) for value in unseen[:8])
        raise DataError(
            "test labels {listed} never occur in training; remove those test images or add training images",
            listed=listed,
        )
    classes = tuple(str(value) for value in known)
    train, test = (
        Dataset(images[split], np.searchsorted(known, values[split]), classes, ids[split]) for split in SPLITS
    )
    return DataPair(name, train, test, tuple(findings))


def unlabelled(images: Raw, others: Raw | None = None, name: str = "arrays") -> Unlabelled:
    """Images without labels, and others of the same size as their test set where there are some."""
    raws: dict[Split, Raw] = {"train": images} if others is None else {"train": images, "test": others}
    read, findings = _all_to_uint8(raws)
    splits: dict[Split, Dataset] = {}
    done = 0
    for split, stack in read.items():
        splits[split] = Dataset(stack, np.zeros(len(stack), np.int64), ("",), np.arange(done, done + len(stack)))
        done += len(stack)
    findings.append(find("unlabelled", "info", "both" if len(splits) > 1 else "train", images=done))
    return Unlabelled(name, splits, tuple(findings))


def _all_to_uint8(raws: dict[Split, Raw]) -> tuple[dict[Split, Raw], list[Finding]]:
    """The images of each split, and what was noticed; all of one size."""
    done = {split: to_uint8(raw, split) for split, raw in raws.items()}
    findings = [finding for _, _, noticed in done.values() for finding in noticed]
    if len(done) == 2:
        (train, one, _), (test, other, _) = done["train"], done["test"]
        if one != other:
            findings.insert(0, scale_mismatch((one, other), (raws["train"].dtype, raws["test"].dtype)))
        refuse_two_sizes(train.shape[1:], test.shape[1:])
    return {split: images for split, (images, _, _) in done.items()}, findings


def label_values(raw: Raw, n_images: int, split: Split) -> Raw:
    """Labels (N,), (N, 1) or one-hot (N, C) → (N,) int64 or str values, as they stand in the file."""
    name = SPLIT_NAMES[split]
    if len(raw.shape) == 0 or raw.shape[0] != n_images:
        raise DataError(
            "expected one {name} label for each of the {n_images:,} images, received shape {raw.shape}",
            name=name,
            n_images=n_images,
            raw=raw,
        )
    if raw.ndim == 2 and raw.shape[1] == 1:
        raw = raw[:, 0]
    if raw.dtype.kind == "S" and raw.ndim == 1:
        try:
            raw = np.char.decode(raw, "utf-8")
        except UnicodeDecodeError as error:
            raise DataError("the {name} labels are bytes that are no UTF-8; save them as text", name=name) from error
    if raw.dtype.kind == "U" and raw.ndim == 1:
        texts = np.array(raw, raw.dtype.newbyteorder("="))
        if texts.nbytes and texts.view(np.uint32).max() > sys.maxunicode:
            raise DataError("the {name} labels are damaged: they hold what is no character; copy them again", name=name)
        return texts
    if raw.dtype.kind not in "buif":
        raise DataError(
            "expected whole numbers or text as {name} labels, received dtype {raw.dtype}", name=name, raw=raw
        )
    values = raw.astype(np.int64) if raw.dtype.kind == "b" else np.asarray(raw)
    if not np.all(np.isfinite(values)):
        raise DataError(
            "expected whole numbers as {name} labels, received NaN or infinity; label or remove those images", name=name
        )
    if values.ndim == 2:
        if not (np.isin(values, (0, 1)).all() and (values.sum(axis=1) == 1).all()):
            raise DataError(
                "expected {name} labels as (N,), (N, 1) or one-hot (N, C), received {values.shape} that is not one-hot",
                name=name,
                values=values,
            )
        return np.asarray(np.argmax(values, axis=1), np.int64)
    if values.ndim != 1:
        raise DataError(
            "expected {name} labels as (N,), (N, 1) or one-hot (N, C), received shape {raw.shape}", name=name, raw=raw
        )
    fractions = values[values != np.rint(values)] if values.dtype.kind == "f" else values[:0]
    if len(fractions):
        raise DataError(
            "expected whole numbers as {name} labels, received fractions such as {fractions[0]}",
            name=name,
            fractions=fractions,
        )
    low, high = values.min(), values.max()
    if low < 0 or high >= 2**63:
        wrong = low if low < 0 else high
        raise DataError(
            "expected {name} labels of 0 or more, in 64 bits, received {wrong}; remove or relabel those images",
            name=name,
            wrong=wrong,
        )
    return values.astype(np.int64)
