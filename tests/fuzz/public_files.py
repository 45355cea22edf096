"""Small files of the form in which public data sets are published, made of any images and labels."""

from __future__ import annotations

import bz2
import gzip
import io
import struct
import tarfile
import zipfile
from typing import Any

import numpy as np
import scipy.io


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def npy(array: np.ndarray, **how: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **how)
    return file.getvalue()


def mat(variables: dict[str, Any], **how: Any) -> bytes:
    file = io.BytesIO()
    scipy.io.savemat(file, variables, **how)
    return file.getvalue()


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


Splits = dict[str, tuple[np.ndarray, np.ndarray]]


def mnist_c(splits: Splits, names: tuple[str, ...] = ("fog",), method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """mnist_c.zip: the images have a channel."""
    members = {}
    for name in names:
        for split, (images, labels) in splits.items():
            members[f"mnist_c/{name}/{split}_images.npy"] = npy(images[..., None])
            members[f"mnist_c/{name}/{split}_labels.npy"] = npy(labels)
    return zipped(members, method)


def emnist(splits: Splits) -> bytes:
    """EMNIST's gzip.zip: the images lie on their sides."""
    members = {"gzip/emnist-digits-mapping.txt": b"0 48\n"}
    for split, (images, labels) in splits.items():
        start = f"gzip/emnist-digits-{split}"
        members[f"{start}-images-idx3-ubyte.gz"] = gzip.compress(idx(images.transpose(0, 2, 1)), mtime=0)
        members[f"{start}-labels-idx1-ubyte.gz"] = gzip.compress(idx(labels), mtime=0)
    return zipped(members, zipfile.ZIP_STORED)


def n_mnist(splits: Splits, name: str = "mnist-with-awgn.mat", compress: bool = False) -> bytes:
    """A .gz of n-MNIST: tar and gzip around a .mat file with flat images and one-hot labels."""
    variables = {}
    for split, (images, labels) in splits.items():
        variables[f"{split}_x"] = images.reshape(len(images), -1)
        variables[f"{split}_y"] = np.eye(10, dtype=np.uint8)[labels]
    content, file = mat(variables, do_compression=compress), io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return gzip.compress(file.getvalue(), mtime=0)


def usps_text(images: np.ndarray, labels: np.ndarray) -> bytes:
    """LIBSVM's lines: labels 1…10, pixels −1…1."""
    lines = []
    for image, label in zip(images.reshape(len(images), -1) / 127.5 - 1, labels, strict=True):
        lines.append(f"{label + 1} " + " ".join(f"{place}:{value:.6f}" for place, value in enumerate(image, 1)) + " \n")
    return "".join(lines).encode()


def usps(images: np.ndarray, labels: np.ndarray) -> bytes:
    return bz2.compress(usps_text(images, labels))


def affnist_mat(images: np.ndarray, labels: np.ndarray, sources: np.ndarray, **how: Any) -> bytes:
    """A batch: a struct, in which images are columns."""
    n = len(images)
    fields = {
        "affine_transform": np.zeros((3, 3, n)),
        "inverse": np.zeros((3, 3, n)),
        "image": images.reshape(n, -1).T,
        "number": np.arange(1.0, n + 1)[None],
        "label_one_of_n": np.eye(10, dtype=np.uint8)[labels].T,
        "label_int": labels[None].astype(np.uint8),
        "human_readable_transform": np.zeros((6, n)),
        "source": sources[None].astype(float),
    }
    return mat({"affNISTdata": fields}, **how)
