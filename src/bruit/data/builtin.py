"""Data sets that come with the package: MNIST, embedded as one compact file."""

import functools
import hashlib
import zipfile
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bruit.data.dataset import DataPair, Dataset
from bruit.errors import DataError

MNIST_FILE = Path(__file__).parent / "mnist" / "mnist.zip"
_MNIST_SHA256 = "3fad9448e7e0d76a0bf88d0e638b19f0e8443362c60a1ed6096ae18d2e421ff3"
_N, _N_TRAIN, _SIDE = 70_000, 60_000, 28


@functools.cache
def mnist() -> DataPair:
    """The original MNIST: 60,000 training and 10,000 test images, (28, 28) uint8, classes "0" to "9".

    Ids are 0...59,999 for the training images and 60,000...69,999 for the test images. The file is decoded
    once a process, in about a second; the arrays are shared and read-only.

    Source: Y. LeCun, C. Cortes and C. J. C. Burges, CC BY-SA 3.0 (see `mnist/LICENSE` beside this file).
    Raises `DataError` where the embedded file is missing or damaged.
    """
    images, labels = _decode_mnist(_read_checked(MNIST_FILE, _MNIST_SHA256))
    ids = np.arange(_N, dtype=np.int64)
    for array in (images, labels, ids):
        array.setflags(write=False)
    classes = tuple("0123456789")
    train, test = (
        Dataset(images=images[part], labels=labels[part], classes=classes, ids=ids[part])
        for part in (slice(_N_TRAIN), slice(_N_TRAIN, None))
    )
    return DataPair(name="mnist", train=train, test=test, findings=())


def ink_around(ink: NDArray[np.bool_]) -> NDArray[np.int8]:
    """How much ink surrounds each inked pixel: 0 (a lone pixel) to 12 (inside a stroke).

    ink: (N, H, W) bool. Returns (ink.sum(),), in the order of `images[ink]`. Of the eight neighbours the four nearest
    count twice. Embedded values are stored grouped by this number.
    """
    padded = np.pad(ink, ((0, 0), (1, 1), (1, 1))).view(np.int8)
    near = padded[:, :-2, 1:-1] + padded[:, 2:, 1:-1]
    columns = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    around: NDArray[np.int8] = (2 * near + columns[:, :, :-2] + columns[:, :, 2:])[ink]
    return around


def _read_checked(path: Path, sha256: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            "Cannot read the embedded data {path}: {error.strerror}; reinstall bruit.", path=path, error=error
        ) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DataError("The embedded data {path} are damaged (SHA-256 differs); reinstall bruit.", path=path)
    return content


def _decode_mnist(content: bytes) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Undo `tools/vendor_mnist.py`, which says how the file is laid out and why."""

    def member(name: str) -> NDArray[np.uint8]:
        return np.frombuffer(zipfile.ZipFile(BytesIO(content)).read(name), np.uint8)

    with ThreadPoolExecutor(1) as pool:  # decompression releases the interpreter lock
        pending_values = pool.submit(member, "values")
        labels = member("labels").astype(np.int64)
        ink = np.unpackbits(member("ink").reshape(_N, _SIDE, -1), axis=2, count=_SIDE).view(np.bool_)
        parts = (ink[start : start + 2000] for start in range(0, _N, 2000))  # they fit into the processor's cache
        around = np.concatenate([ink_around(part) for part in parts])
        grouped = pending_values.result()
    values, done = np.empty_like(grouped), 0
    for amount in range(13):
        here = np.flatnonzero(around == amount)
        values[here] = grouped[done : done + len(here)]
        done += len(here)
    by_class = np.zeros((_N, _SIDE, _SIDE), np.uint8)
    by_class[ink] = values
    images = np.empty_like(by_class)
    images[np.argsort(labels, kind="stable")] = by_class
    return images, labels
