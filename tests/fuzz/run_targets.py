"""The readers of what bruit has written: runs, trainings and models."""

from __future__ import annotations

import io
import tempfile
import zipfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
from data_targets import IMAGES, LABELS, N
from fuzzer import Target

from bruit.data.dataset import DataPair, Dataset


def with_member(whole: bytes, name: str, content: bytes) -> bytes:
    """An archive with one of its files replaced."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(whole)) as before, zipfile.ZipFile(file, "w") as out:
        for other in before.namelist():
            out.writestr(other, content if other == name else before.read(other))
    return file.getvalue()


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
    from bruit.training.member import Member

    recipe = ZOO["dnn"].recipe
    pair = few()
    model = new_model("dnn", ZOO["dnn"].config, pair.classes, pair.train.shape)
    assert recipe is not None
    assert isinstance(model, Network)
    Loop([Member(model, replace(recipe, epochs=2), pair.train, pair.test, 0, folder)]).restore()


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
    from bruit.studies.finished import read_results
    from bruit.studies.report import rebuild
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
               writes=True, renders=True),
        Target("samples.npz, reported", "samples.npz", (run["samples.npz"],), rebuild, run, cost=100, writes=True,
               renders=True),
        Target("samples.npz, an array in it", "samples.npz", (samples("examples"),), rebuild, run, cost=100,
               writes=True, renders=True,
               wrap=lambda content: with_member(run["samples.npz"], "examples.npy", content)),
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
