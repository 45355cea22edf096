"""Every reader of foreign bytes. A new one is one more entry of TARGETS."""

from __future__ import annotations

import gzip
import io
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
from fuzzer import Target
from PIL import Image

from bruit.data.dataset import DataPair, Dataset
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


def with_member(whole: bytes, name: str, content: bytes) -> bytes:
    """An archive with one of its files replaced."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as before, zipfile.ZipFile(file, "w") as out:
        for other in before.namelist():
            out.writestr(other, content if other == name else before.read(other))
    return file.getvalue()


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


def formats() -> list[Target]:
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


def few() -> DataPair:
    return DataPair("few", *(Dataset(IMAGES, LABELS, ("0", "1"), np.arange(N) + start) for start in (0, N)))


@cache
def finished() -> dict[str, bytes]:
    """The files of a small finished run, and of a training in progress."""
    import bruit
    from bruit.training.fit import fit

    pair = few()
    with tempfile.TemporaryDirectory() as folder:
        run, begun = Path(folder, "run"), Path(folder, "begun")
        bruit.study(pair, run, models=("logistic",), crossval=(), workers=1)

        def stop(model: object, row: object) -> None:
            raise KeyboardInterrupt

        with suppress(KeyboardInterrupt):
            fit("dnn", pair.train, pair.test, epochs=2, folder=begun, on_epoch=stop)
        fit("cnn", pair.train, pair.test, epochs=1, folder=Path(folder, "cnn"))
        paths = [path for path in Path(folder).rglob("*") if path.is_file()]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def unsealed(under: str) -> dict[str, bytes]:
    """What stands in a folder of these, without its seal: a forger would leave it out."""
    return {
        name.removeprefix(under): content
        for name, content in finished().items()
        if name.startswith(under) and not name.endswith("SHA256SUMS")
    }


def without_checksum(tensors: bytes) -> bytes:
    from safetensors.numpy import load as decode
    from safetensors.numpy import save as encode

    return bytes(encode(decode(tensors)))


def read_session(folder: Path) -> None:
    import time

    from bruit.studies.run import session

    with session(folder, "bruit study", time.perf_counter()):
        pass


def read_checkpoint(folder: Path) -> None:
    from dataclasses import replace

    from bruit.models.trained import Network, new_model
    from bruit.models.zoo import ZOO
    from bruit.training.loop import Loop

    recipe = ZOO["dnn"].recipe
    pair = few()
    model = new_model("dnn", ZOO["dnn"].config, pair.classes, pair.train.shape)
    assert recipe is not None
    assert isinstance(model, Network)
    Loop(model, replace(recipe, epochs=2), pair.train, pair.test, 0, folder).restore()


def sealed_settings(content: bytes) -> bytes:
    from bruit.studies.run import _checksum

    note, _, settings = (content.decode("utf-8", "replace") + "\n\n").split("\n", 2)
    return f"{note}\n{_checksum(settings)}\n{settings}".encode()


def run_files() -> list[Target]:
    from bruit.files import read_json, read_npy
    from bruit.models.store import load_model
    from bruit.seals import broken, refuse_broken
    from bruit.studies.compare import compare
    from bruit.studies.evaluate import find_model
    from bruit.studies.report import rebuild
    from bruit.studies.results import read_results
    from bruit.studies.run import read_settings
    from bruit.training.claim import claim
    from bruit.training.stored import drop_damaged, read_history

    files, run = finished(), unsealed("run/")
    logistic, cnn = unsealed("run/models/logistic/"), unsealed("cnn/")

    def samples(name: str) -> bytes:
        return zipfile.ZipFile(io.BytesIO(run["samples.npz"])).read(f"{name}.npy")

    def check_seal(folder: Path) -> None:
        broken(folder)
        refuse_broken(folder, "config.json")

    def take(folder: Path) -> None:
        with claim(folder, "crossval.json", {"model": "dnn", "seed": 0}, resume=True):
            pass

    return [
        Target("study.toml", "study.toml", (run["study.toml"],), read_settings),
        Target("study.toml, checksum made to fit", "study.toml", (run["study.toml"],), read_settings,
               wrap=sealed_settings),
        Target("results.json", "results.json", (run["results.json"],), read_results, run, json=True),
        Target("results.json, compared", "results.json", (run["results.json"],), compare, run, json=True),
        Target("results.json, its winner", "results.json", (run["results.json"],), find_model, run, json=True, cost=2),
        Target("results.json, reported", "results.json", (run["results.json"],), rebuild, run, json=True, cost=100,
               writes=True),
        Target("samples.npz, reported", "samples.npz", (run["samples.npz"],), rebuild, run, cost=100, writes=True),
        Target("samples.npz, an array in it", "samples.npz", (samples("examples"),), rebuild, run, cost=100,
               writes=True, wrap=lambda content: with_member(run["samples.npz"], "examples.npy", content)),
        Target("findings.json", "findings.json", (run["findings.json"],),
               lambda folder: read_json(folder / "findings.json"), json=True),
        Target("history.jsonl", "history.jsonl", (files["cnn/history.jsonl"],), read_history),
        Target("config.json", "config.json", (cnn["config.json"], files["run/models/logistic/config.json"]), load_model,
               cnn, json=True, cost=2),
        Target("weights.safetensors, CNN", "weights.safetensors", (without_checksum(cnn["weights.safetensors"]),),
               load_model, cnn, cost=4),
        Target("weights.safetensors, baseline", "weights.safetensors",
               (without_checksum(logistic["weights.safetensors"]),), load_model, logistic),
        Target("checkpoint.safetensors", "checkpoint.safetensors", (files["begun/checkpoint.safetensors"],),
               drop_damaged, cost=2, writes=True),
        Target("checkpoint.safetensors, gone on from", "checkpoint.safetensors",
               (without_checksum(files["begun/checkpoint.safetensors"]),), read_checkpoint, cost=8),
        Target("test_probs.npy", "test_probs.npy", (run["models/logistic/test_probs.npy"],),
               lambda folder: read_npy(folder / "test_probs.npy")),
        Target("session.json", "session.json", (run["session.json"],), read_session, json=True, writes=True),
        Target("crossval.json", "crossval.json", (b'{"model": "dnn", "seed": 0}',), take, json=True, writes=True),
        Target("SHA256SUMS", "SHA256SUMS", (files["cnn/SHA256SUMS"],), check_seal, cnn),
    ]  # fmt: skip


def all_targets() -> list[Target]:
    return [*formats(), *run_files()]
