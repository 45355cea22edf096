"""The readers of data: files of arrays, tables and images."""

from __future__ import annotations

import bz2
import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import public_files as public
import scipy.io
from fuzzer import Target
from PIL import Image

from bruit.data.fetched import read
from bruit.data.sources import load

N, SIDE = 12, 4
IMAGES = np.random.default_rng(0).integers(0, 256, (N, SIDE, SIDE), np.uint8)
LABELS = np.arange(N) % 2


def made_by(save: Callable[..., object], *args: Any, **named: Any) -> bytes:
    file = io.BytesIO()
    save(file, *args, **named)
    return file.getvalue()


def npy(array: Any) -> bytes:
    return made_by(np.save, np.asarray(array))


def mat(**named: Any) -> bytes:
    return made_by(scipy.io.savemat, {"X": IMAGES, "y": LABELS}, **named)


def image(form: str, mode: str = "L", index: int = 0, **more: Any) -> bytes:
    return made_by(Image.fromarray(IMAGES[index]).convert(mode).save, form, **more)


def hdf5() -> bytes:
    import h5py

    file = io.BytesIO()
    with h5py.File(file, "w", userblock_size=512) as archive:
        archive["X"], archive["y"] = IMAGES.T, LABELS[None]
    return bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM" + file.getvalue()[128:])


def archive(name: str) -> Callable[[bytes], bytes]:
    """An .npz whose checksums fit, of which the array called `name` is changed."""

    def wrap(content: bytes) -> bytes:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as out:
            for other, whole in {"x": npy(IMAGES), "y": npy(LABELS)}.items():
                out.writestr(f"{other}.npy", content if other == name else whole)
        return file.getvalue()

    return wrap


def packed_mat(content: bytes) -> bytes:
    """Compressed elements around changed ones."""
    whole, at, parts = mat(), 128, []
    while at < len(whole):
        size = 8 + struct.unpack("<I", whole[at + 4 : at + 8])[0]
        inner = zlib.compress(whole[at : at + size] if parts else content)
        parts.append(struct.pack("<II", 15, len(inner)) + inner)
        at += size
    return whole[:128] + b"".join(parts)


def first_element() -> bytes:
    whole = mat()
    return whole[128 : 136 + struct.unpack("<I", whole[132:136])[0]]


IDX = struct.pack(">HBB3I", 0, 8, 3, *IMAGES.shape) + IMAGES.tobytes()
IDX_LABELS = struct.pack(">HBBI", 0, 8, 1, N) + LABELS.astype(np.uint8).tobytes()
ROWS = "\n".join(f"{label},{','.join(map(str, one.ravel()))}" for one, label in zip(IMAGES, LABELS, strict=True))
HEAD = f"label,{','.join(f'p{i}' for i in range(SIDE * SIDE))}\n"
TABLE = {f"{i}.bmp": image("BMP", index=i) for i in range(8)}
ARCHIVE = made_by(np.savez, x=IMAGES, y=LABELS)
LISTED = "\n".join(["file,label", *(f"{i}.bmp,{i % 2}" for i in range(8))]).encode()
OTHERS = {f"{i % 2}/{i}.bmp": image("BMP", index=i) for i in range(2, 8)}
PICTURES = {
    "png": (image("PNG"), image("PNG", "RGBA"), image("PNG", "P"), image("PNG", "I;16")),
    "tiff": (image("TIFF"), image("TIFF", compression="tiff_lzw"), image("TIFF", "RGB", compression="tiff_deflate")),
    "bmp": (image("BMP"), image("BMP", "P"), image("BMP", "RGB")),
    "gif": (image("GIF", "P"),),
    "webp": (image("WEBP", "RGB"), image("WEBP", "RGB", lossless=True)),
    "jpeg": (image("JPEG"), image("JPEG", "RGB", progressive=True)),
}


def data(name: str) -> Callable[[Path], object]:
    return lambda folder: load(folder / name)


SPLITS = {split: (IMAGES, LABELS) for split in ("train", "test")}
LARGE, SMALL = (np.zeros((4, side, side), np.uint8) for side in (40, 16))
BATCH, PACKED = (public.affnist_mat(LARGE, LABELS[:4], LABELS[:4], do_compression=pack) for pack in (False, True))


def public_sets() -> list[Target]:
    """Archives of public sets; what changes lies within their checksums."""

    def one(kind: str, part: str = "", files: tuple[str, ...] = ("set",)) -> Callable[[Path], object]:
        return lambda folder: read(kind, part, [folder / file for file in files], kind)

    usps, affnist = ("set", "test"), one("affnist", files=("set", "test"))
    return [
        Target("MNIST-C, zip", "set", (public.mnist_c(SPLITS),), one("mnist-c-archive", "fog")),
        Target("EMNIST, zip", "set", (public.emnist(SPLITS),), one("emnist-digits")),
        Target("n-MNIST, tar.gz", "set", (public.n_mnist(SPLITS),), one("n-mnist")),
        Target("n-MNIST, within gzip", "set", (gzip.decompress(public.n_mnist(SPLITS)),), one("n-mnist"),
               wrap=lambda content: gzip.compress(content, 1, mtime=0)),
        Target("USPS, bzip2", "set", (public.usps(SMALL, LABELS[:4]),), one("usps", files=usps),
               {"test": public.usps(SMALL, LABELS[:4])}),
        Target("USPS, lines", "set", (public.usps_text(SMALL, LABELS[:4]), b"1 1:0.5\n2 3:-1\n"),
               one("usps", files=usps), {"test": public.usps(SMALL, LABELS[:4])}, wrap=bz2.compress),
        Target("affNIST, zip", "set", (public.zipped({"1.mat": BATCH, "2.mat": BATCH}),), affnist,
               {"test": public.zipped({"test.mat": BATCH})}),
        Target("affNIST, a batch", "set", (BATCH, PACKED), affnist, {"test": public.zipped({"test.mat": BATCH})},
               wrap=lambda content: public.zipped({"1.mat": content})),
    ]  # fmt: skip


def data_files() -> list[Target]:
    return [
        Target("npy, images", "images.npy", (npy(IMAGES), npy(IMAGES / 255.0), npy(IMAGES.reshape(N, -1))), load,
               {"labels.npy": npy(LABELS)}),
        Target("npy, labels", "labels.npy", (npy(LABELS), npy(LABELS.astype(str)), npy(np.eye(2)[LABELS])), load,
               {"images.npy": npy(IMAGES)}),
        Target("npz", "set.npz", (ARCHIVE, made_by(np.savez_compressed, x=IMAGES, y=LABELS)),
               data("set.npz")),
        Target("npz, an array in it", "set.npz", (npy(IMAGES), npy(np.asfortranarray(IMAGES))), data("set.npz"),
               wrap=archive("x")),
        Target("IDX, images", "images-idx3-ubyte", (IDX,), load, {"labels-idx1-ubyte": IDX_LABELS}),
        Target("IDX, labels", "labels-idx1-ubyte", (IDX_LABELS,), load, {"images-idx3-ubyte": IDX}),
        Target("IDX, gzipped", "images-idx3-ubyte.gz", (gzip.compress(IDX, mtime=0),), load,
               {"labels-idx1-ubyte": IDX_LABELS}),
        Target("IDX, within gzip", "images-idx3-ubyte.gz", (IDX,), load, {"labels-idx1-ubyte": IDX_LABELS},
               wrap=lambda content: gzip.compress(content, 1, mtime=0)),
        Target("mat 5", "set.mat", (mat(), mat(do_compression=True)), data("set.mat")),
        Target("mat 5, within zlib", "set.mat", (first_element(),), data("set.mat"), wrap=packed_mat),
        Target("mat 7.3", "set.mat", (hdf5(),), data("set.mat")),
        Target("CSV", "train.csv",
               ((HEAD + ROWS).encode(), ROWS.encode(), ROWS.replace(",", ";").encode()), load),
        Target("CSV, gzipped", "train.csv.gz", (gzip.compress(ROWS.encode(), mtime=0),), load),
        Target("labels.csv", "labels.csv", (LISTED,), load, TABLE),
        *(Target(f"image, {form}", f"1/1.{form}", seeds, load, OTHERS) for form, seeds in PICTURES.items()),
    ]  # fmt: skip
