"""Folders of image files: train/7/*.png and test/7/*.png, or 7/*.png, or files beside a labels.csv."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path, PurePosixPath

from bruit.data.image_files import Reader
from bruit.data.limits import refuse_files
from bruit.data.raw import Arrays, Raw, grey_finding, numbered, passed_over
from bruit.data.streams import opened, refuse_no_file, text_lines
from bruit.errors import DataError
from bruit.locale import Sentence

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif")
LABELS = "labels.csv"
_SPLITS = {"train": "train", "training": "train", "test": "test", "testing": "test"}
_FILE_NAMES = ("file", "filename", "image", "path", "name")
_LABEL_NAMES = ("label", "class", "target", "digit", "y")


@dataclass
class _Listing:
    """The images of one split: their files, a label for each where there are any, and what was passed over."""

    files: list[Path] = field(default_factory=list)
    labels: list[str] | None = None
    others: list[str] = field(default_factory=list)


def is_one(folder: Path) -> bool:
    """Whether there is an image in `folder`, or in a folder in it, or one deeper."""
    inner = _folders(folder)
    deeper = (two for one in inner for two in _folders(one))
    return any(_is_image(path) for place in chain([folder], inner, deeper) for path in _entries(place))


def read(folder: Path) -> Arrays:
    """All images of a folder; the names of the folders in it, or labels.csv with columns file and label, say what is
    on them. Without either there are no labels.

    Colour becomes grey, over white where it is transparent; of an animation the first frame is read. All images must
    be of one size. Raises DataError.
    """
    splits: dict[str, Path] = {}
    for path in [] if (folder / LABELS).is_file() else _folders(folder):
        split = _SPLITS.get(path.name.lower())
        if split is None:
            continue
        if split in splits:
            raise DataError(
                "{folder} holds both {name} and {path.name}; keep one of them",
                folder=folder,
                name=splits[split].name,
                path=path,
            )
        splits[split] = path
    listings = {split: _listing(path) for split, path in splits.items()} if splits else {"train": _listing(folder)}
    for split, listing in listings.items():
        if not listing.files:
            wanted = ", ".join(SUFFIXES)
            raise DataError(
                "{get} holds no images; expected files such as 7/one.png ({wanted})",
                get=splits.get(split, folder),
                wanted=wanted,
            )
    reader = Reader(folder)
    stacks = {split: reader.read(listing.files) for split, listing in listings.items()}
    first = "train" if "train" in stacks else "test"
    second = "test" if first == "train" and "test" in stacks else None
    others = sorted(name for listing in listings.values() for name in listing.others)
    if splits:
        others += [path.name for path in _entries(folder) if path not in splits.values()]
    n = sum(len(stack) for stack in stacks.values())
    findings = [passed_over(others)] if others else []
    findings += [grey_finding(reader.coloured, n)] if reader.coloured else []
    train_labels, test_labels = numbered(listings[first].labels, listings[second].labels if second else None)
    return Arrays(stacks[first], train_labels, stacks[second] if second else None, test_labels, tuple(findings))


def read_file(path: Path) -> Raw:
    """One image file as (1, H, W), uint8 or uint16. Raises DataError."""
    refuse_no_file(path)
    return Reader(path.parent).read([path])


def _listing(folder: Path) -> _Listing:
    if (folder / LABELS).is_file():
        return _listed(folder)
    classes = {one: [path for path in _entries(one) if _is_image(path)] for one in _folders(folder)}
    classes = {one: files for one, files in classes.items() if files}
    here = [path for path in _entries(folder) if _is_image(path)]
    if classes and here:
        raise DataError(
            "{folder} holds both images, such as {here[0].name}, and folders of images, such as "
            "{name}; put every image into the folder of its class",
            folder=folder,
            here=here,
            name=next(iter(classes)).name,
        )
    files = here or [path for files in classes.values() for path in files]
    refuse_files(folder, len(files))
    places = [folder, *classes]
    known = {*files, *classes}
    others = [str(path.relative_to(folder)) for place in places for path in _entries(place) if path not in known]
    labels = [path.parent.name for path in files] if classes else None
    return _Listing(files, labels, others)


def _listed(folder: Path) -> _Listing:
    """What labels.csv lists."""
    table = folder / LABELS
    listing = _Listing(labels=[])
    seen: set[Path] = set()
    columns: tuple[int, int] | None = None
    delimiter = ","
    with opened(table, Sentence("a CSV table")) as file:
        for number, text in text_lines(file, table):
            if columns is None:
                delimiter = max(",;\t", key=text.count)
            cells = [cell.strip() for cell in next(csv.reader([text], delimiter=delimiter))]
            if columns is None:
                columns = _columns(cells, table)
                continue
            where = Sentence("{path}, line {number}", path=table, number=number)
            if len(cells) <= max(columns):
                raise DataError(
                    "{where}: expected a file and its label, received {text!r}", where=where, text=text[:60]
                )
            name, label = (cells[column] for column in columns)
            if not label:
                raise DataError(
                    "{where}: no label for {name}; label that image or remove the line", where=where, name=name
                )
            # Nothing outside the folder is read because a table says so.
            if not name or "\\" in name or PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
                raise DataError(
                    "{where}: expected a file in {folder}, received {name!r}", where=where, folder=folder, name=name
                )
            path = folder / name
            if path in seen:
                raise DataError("{where}: {name} is listed twice; keep one of the lines", where=where, name=name)
            if not path.is_file():
                raise DataError(
                    "{where}: there is no file {path}; put it there or remove the line", where=where, path=path
                )
            seen.add(path)
            listing.files.append(path)
            listing.labels.append(label)  # type: ignore[union-attr]
            refuse_files(folder, len(listing.files))
    missing = [path for path in _entries(folder) if _is_image(path) and path not in seen]
    if missing:
        raise DataError(
            "{table} has no line for {n_missing:,} of the images, the first of them {missing[0].name}; "
            "label or remove them",
            table=table,
            n_missing=len(missing),
            missing=missing,
        )
    return listing


def _columns(cells: list[str], table: Path) -> tuple[int, int]:
    names = [cell.lower() for cell in cells]
    files = [column for column, name in enumerate(names) if name in _FILE_NAMES]
    labels = [column for column, name in enumerate(names) if name in _LABEL_NAMES]
    if len(files) != 1 or len(labels) != 1:
        raise DataError(
            "{table}, line 1: expected the columns file,label, received {cells!r}",
            table=table,
            cells=",".join(cells)[:60],
        )
    return files[0], labels[0]


def _entries(folder: Path) -> list[Path]:
    """What is in a folder, hidden things left out, sorted by name."""
    try:
        with os.scandir(folder) as entries:
            names = []
            for entry in entries:
                if not entry.name.startswith((".", "__MACOSX")):
                    names.append(entry.name)
                refuse_files(folder, len(names))
    except OSError as error:
        raise DataError("cannot read {folder}: {error.strerror}", folder=folder, error=error) from error
    return [folder / name for name in sorted(names)]


def _folders(folder: Path) -> list[Path]:
    return [path for path in _entries(folder) if path.is_dir()]


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()
