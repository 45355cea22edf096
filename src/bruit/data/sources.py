"""What DATA means: a name such as `mnist` or `mnist+course`, or files in any format that bruit reads."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import numpy as np

from bruit.data import csv_table, idx, image_folder, mat, npy, npz
from bruit.data.dataset import DataPair, Images, Unlabelled
from bruit.data.formats import pair_from_arrays, unlabelled
from bruit.data.public import named
from bruit.data.raw import Arrays
from bruit.data.scale import to_uint8
from bruit.data.streams import refuse_no_file, what_stands_at
from bruit.errors import DataError
from bruit.locale import Sentence

DEFAULT = "mnist+course"
NAMES = (
    *("mnist", "mnist+course", "mnist-c/fog"),
    *("mnist-c-archive/fog", "n-mnist/awgn", "emnist-digits", "usps", "affnist"),
)
FORMATS = Sentence(
    "a folder with {names}, an .npz, .mat or .csv file, IDX files (train-images-idx3-ubyte …), or folders of images "
    "(train/7/one.png …)",
    names=", ".join(npy.NPY_NAMES),
)
# One file may hold everything, or a folder two of them, one for each split.
_TABLES: dict[tuple[str, ...], Callable[[Path, Path | None], Arrays]] = {
    (".npz",): npz.read,
    (".mat",): mat.read,
    (".csv", ".csv.gz"): csv_table.read,
}


def load(data: str | Path | DataPair = DEFAULT, *, seed: int = 0) -> DataPair:
    """Load training and test images.

    data  a folder with train_images.npy, train_labels.npy, test_images.npy and test_labels.npy, an .npz, .mat or CSV
          file, IDX files or a folder of images (docs/formats.md says what each should hold), or a name:
          `mnist` (embedded),
          or NAME+RECIPE, which applies a noise recipe, as in `mnist+course` or `mnist+fog`; `mnist-c/fog` is
          `mnist+mnist-c/fog`;
          a public set that `bruit datasets fetch` has fetched: `emnist-digits`, `usps`, `affnist`, `n-mnist/awgn`,
          `mnist-c-archive/fog` (the published file, where `mnist-c/fog` is made anew);
          `mnist` comes before a folder that is called alike: say `./mnist`, or give a Path, for the folder; the names
          with a slash, and those of public sets, come after it
    seed  of the recipe's noise, if there is a recipe

    Returns a DataPair: `.train` and `.test` are Datasets of uint8 images (N, H, W), `.findings` what was
    noticed on the way. Where there are no labelled test images a tenth of the others is set aside as the test set.
    Raises DataError if there is no such data or it cannot be used as it is.
    """
    pair = load_to_check(data, seed=seed)
    if isinstance(pair, Unlabelled):
        path = Path(data)  # type: ignore[arg-type]
        raise DataError(
            "{path} holds images without labels; {where_labels_go}", path=path, where_labels_go=_where_labels_go(path)
        )
    return pair


def load_to_check(data: str | Path | DataPair | Unlabelled = DEFAULT, *, seed: int = 0) -> DataPair | Unlabelled:
    """The same, but images without labels, as one .npy file, are read too."""
    if isinstance(data, DataPair | Unlabelled):
        return data
    if not isinstance(data, str | Path) or not str(data):
        kind = Sentence("an empty text") if isinstance(data, str) else type(data).__name__
        raise DataError("expected the name or the path of data, received {kind}; see bruit.load", kind=kind)
    name, plus, recipe = str(data).partition("+")
    if name.startswith("mnist-c/") and isinstance(data, str) and not os.path.lexists(data):
        name, plus, recipe = "mnist", "+", name
    if name == "mnist" and isinstance(data, str):
        from bruit.data.builtin import mnist
        from bruit.noise.recipes import apply

        return apply(recipe, mnist(), seed) if plus else mnist()
    public = named(name) if isinstance(data, str) and not os.path.lexists(data) else None
    if public is not None:
        from bruit.data.fetched import load_fetched
        from bruit.noise.recipes import apply

        return apply(recipe, load_fetched(*public), seed) if plus else load_fetched(*public)
    path = Path(data)
    arrays = read(path)
    found, name = arrays.findings, path.resolve().name
    if arrays.train_labels is None:
        images = unlabelled(arrays.train_images, arrays.test_images, name)
        return replace(images, findings=images.findings + found)
    pair = pair_from_arrays(arrays.train_images, arrays.train_labels, arrays.test_images, arrays.test_labels, name)
    return replace(pair, findings=pair.findings + found)


def load_images(data: str | Path) -> Images:
    """The images alone, (N, H, W) uint8, where no labels are needed: of a source with two splits the test images.

    data  what `load` takes, but for names, and one .npy file or one image file. Raises DataError.
    """
    path = Path(data)
    if path.suffix.lower() in image_folder.SUFFIXES and path.is_file():
        raw = image_folder.read_file(path)
    else:
        arrays = read(path)
        raw = arrays.train_images if arrays.test_images is None else arrays.test_images
    return to_uint8(raw, "test")[0]


def read(path: Path) -> Arrays:
    """The arrays of any file or folder that bruit can read, as they stand in it, read-only. Raises DataError."""
    arrays = _read(path)
    for field in fields(arrays):
        array = getattr(arrays, field.name)
        if isinstance(array, np.ndarray):
            array.setflags(write=False)
    return arrays


def _read(path: Path) -> Arrays:
    if path.is_dir():
        return _read_folder(path)
    if not os.path.lexists(path):
        raise DataError(
            "no file, folder or data set is called {path}; expected {names}, or {FORMATS}",
            path=path,
            names=", ".join(NAMES),
            FORMATS=FORMATS,
        )
    if not path.exists():
        raise DataError(
            "{path} is {what_stands_at}; give the data itself", path=path, what_stands_at=what_stands_at(path)
        )
    name = path.name.lower()
    for endings, reader in _TABLES.items():
        if name.endswith(endings):
            return reader(path, None)
    if name.endswith(".npy"):
        refuse_no_file(path)
        return npy.read_file(path)
    if idx.NAME.fullmatch(name):
        return idx.read(path)
    if name.endswith(image_folder.SUFFIXES):
        raise DataError(
            "{path} is a single image; give the folder of all images, in folders by class: 7/one.png", path=path
        )
    raise DataError("{path} is in no format that bruit reads; expected {FORMATS}", path=path, FORMATS=FORMATS)


def _read_folder(folder: Path) -> Arrays:
    try:
        names = {path.name for path in folder.iterdir()}
    except OSError as error:
        raise DataError("cannot read {folder}: {error.strerror}", folder=folder, error=error) from error
    if names & set(npy.NPY_NAMES) or names >= set(npy.ONE_SPLIT):
        return npy.read_folder(folder)
    if any(idx.NAME.fullmatch(name) for name in names):
        return idx.read(folder)
    for endings, reader in _TABLES.items():
        tables = sorted(name for name in names if name.lower().endswith(endings))
        train = [name for name in tables if "train" in name.lower()]
        test = [name for name in tables if "test" in name.lower() and name not in train]
        if len(train) > 1 or (train and len(test) > 1):
            several = ", ".join(train if len(train) > 1 else test)
            raise DataError(
                "{folder} holds several files of one split ({several}); keep one, or give a single file",
                folder=folder,
                several=several,
            )
        if train:
            return reader(folder / train[0], folder / test[0] if test else None)
    if image_folder.is_one(folder):
        return image_folder.read(folder)
    found = ", ".join(sorted(name for name in names if not name.startswith("."))[:12])
    raise DataError(
        "{folder} holds nothing that bruit reads; expected {FORMATS}; found {found}",
        folder=folder,
        FORMATS=FORMATS,
        found=found or Sentence("nothing"),
    )


def _where_labels_go(path: Path) -> Sentence:
    """Where a source of its kind has its labels."""
    name = path.name.lower()
    if path.is_dir():
        return Sentence(
            "put the images into folders by class (7/one.png), or a file of labels beside those of the images"
        )
    if name.endswith(".npy"):
        return Sentence("put {names} into one folder, and give the folder", names=", ".join(npy.NPY_NAMES))
    if name.endswith((".csv", ".csv.gz")):
        return Sentence("add a column called label")
    if name.endswith((".npz", ".mat")):
        return Sentence("add them under a name that goes with that of the images, such as y_train beside x_train")
    return Sentence("put {name} beside it", name=path.name.replace("images", "labels").replace("idx3", "idx1"))
