"""What a .keras file holds: examined before Keras opens it, and handed to it as a copy of what passed.

The file is a zip archive of a config, some metadata, and the weights as HDF5. Of the weights the copy has plain arrays
of numbers only: no links, no data kept in other files (CVE-2026-1669), no shapes that promise more than is stored
(CVE-2026-0897).
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from bruit.data.limits import DEFLATE_RATIO, max_bytes
from bruit.errors import ConfigError, ModelError
from bruit.locale import printable
from bruit.outside.keras_config import Described, described

CONFIG, METADATA, WEIGHTS = FILES = ("config.json", "metadata.json", "model.weights.h5")
# Bytes of the two JSON files; arrays and groups of the weights, and how deep these lie.
MAX_JSON, MAX_NODES, MAX_DEPTH = 2**20, 5000, 24
ABOUT = "bruit"


@dataclass(frozen=True)
class Archive:
    """A .keras file that may be opened.

    content     a copy that holds nothing but what passed
    model       what its config describes
    parameters  numbers among its weights
    about       what bruit wrote into it about itself; {} for a model of another program
    """

    content: bytes
    model: Described
    parameters: int
    about: dict[str, Any]


def examined(file: IO[bytes]) -> Archive:
    """Read a .keras file as far as it can be trusted. Raises ModelError, which says what is wrong with it."""
    try:
        start = file.read(8)
        if start == b"\x89HDF\r\n\x1a\n":
            raise ModelError(
                "it is an .h5 file, which Keras opens without its safe mode; save the model as .keras with Keras 3"
            )
        with zipfile.ZipFile(file) as archive:
            config, metadata, weights = _members(archive)
    except (ModelError, ConfigError):
        raise
    except Exception as error:  # zipfile fails in many ways
        raise ModelError("it is no whole .keras file ({error}); copy it again", error=_words(error)) from error
    about = _json(metadata, METADATA)
    version = about.get("keras_version")
    if not isinstance(version, str) or not version.startswith("3."):
        raise ModelError(
            "it is of Keras {version}; load it there, and save it with Keras 3", version=printable(version, 20)
        )
    model = described(_json(config, CONFIG))
    copied, parameters = _copied(weights)
    content = io.BytesIO()
    write(content, model.config, copied, {"keras_version": version})
    own = about.get(ABOUT)
    return Archive(content.getvalue(), model, parameters, own if isinstance(own, dict) else {})


def write(file: IO[bytes], config: object, weights: bytes, metadata: dict[str, Any]) -> None:
    """Write a .keras file, the same bytes for the same content."""
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in (
            (METADATA, json.dumps(metadata, ensure_ascii=False).encode()),
            (CONFIG, json.dumps(config, ensure_ascii=False).encode()),
            (WEIGHTS, weights),
        ):
            archive.writestr(zipfile.ZipInfo(name), content)


def _members(archive: zipfile.ZipFile) -> tuple[bytes, bytes, bytes]:
    members = archive.infolist()
    names = [info.filename for info in members]
    if sorted(names) != sorted(FILES):
        raise ModelError(
            "it holds {names}; expected {files}",
            names=printable(", ".join(names), 120) or "nothing",
            files=", ".join(FILES),
        )
    contents = []
    for name, most in ((CONFIG, MAX_JSON), (METADATA, MAX_JSON), (WEIGHTS, max_bytes())):
        info = archive.getinfo(name)
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ModelError("its {name} is packed in a way that Keras does not use", name=name)
        if info.file_size > most or info.file_size > DEFLATE_RATIO * (info.compress_size + 1):
            raise ModelError(
                "its {name} promises {n:,} bytes, the limit is {most:,}", name=name, n=info.file_size, most=most
            )
        contents.append(archive.read(info))
    config, metadata, weights = contents
    return config, metadata, weights


def _json(content: bytes, name: str) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise ValueError(constant)

    try:
        value = json.loads(content.decode("utf-8"), parse_constant=refuse)
    except RecursionError as error:
        raise ModelError("its {name} is nested too deeply", name=name) from error
    except ValueError as error:
        raise ModelError("its {name} is no JSON ({error})", name=name, error=_words(error)) from error
    if not isinstance(value, dict):
        raise ModelError("its {name} is no JSON object", name=name)
    return value


def _copied(content: bytes) -> tuple[bytes, int]:
    """The weights of the layers as a new HDF5 file, and how many numbers they are."""
    try:
        import h5py
    except ImportError as error:
        raise ConfigError(
            "reading a .keras file needs Keras; install it, in the folder of bruit: pip install -e '.[keras]'"
        ) from error
    copy = io.BytesIO()
    copier = _Copier(h5py)
    try:
        with h5py.File(io.BytesIO(content), "r") as stored, h5py.File(copy, "w") as target:
            copier.copy(stored, target, 0)
    except ModelError:
        raise
    except Exception as error:  # HDF5 fails in many ways
        raise ModelError("its {name} is damaged ({error})", name=WEIGHTS, error=_words(error)) from error
    return copy.getvalue(), copier.numbers


class _Copier:
    """Groups and arrays from one HDF5 file to another, as long as they are plain."""

    def __init__(self, h5py: Any) -> None:
        self.h5py = h5py
        self.nodes = self.numbers = self.bytes = 0

    def copy(self, source: Any, target: Any, depth: int) -> None:
        for name in source:
            self.nodes += 1
            if depth == 0 and name == "optimizer":
                continue
            if self.nodes > MAX_NODES or depth > MAX_DEPTH or not re.fullmatch(r"\w{1,200}", name):
                raise ModelError("its {file} holds {name}, which Keras does not write",
                                 file=WEIGHTS, name=printable(name, 60))  # fmt: skip
            # A link may lead into another file, and so may the data of an array.
            if not isinstance(source.get(name, getlink=True), self.h5py.HardLink):
                raise ModelError("its {file} holds a link, {name}, to elsewhere", file=WEIGHTS, name=name)
            node = source[name]
            if isinstance(node, self.h5py.Group):
                self.copy(node, target.create_group(name), depth + 1)
            else:
                target.create_dataset(name, data=self._array(node, name))

    def _array(self, node: Any, name: str) -> np.ndarray:
        plain: list[Callable[[], bool]] = [
            lambda: isinstance(node, self.h5py.Dataset) and node.shape is not None and node.dtype.kind in "fiu",
            lambda: node.external is None and not node.is_virtual,
            lambda: node.id.get_create_plist().get_nfilters() == 0,
            lambda: node.id.get_storage_size() >= node.size * node.dtype.itemsize,
        ]
        if not all(test() for test in plain):
            raise ModelError("its {file} holds {name}, which is no plain array of numbers", file=WEIGHTS, name=name)
        self.bytes += node.nbytes
        self.numbers += node.size
        if self.bytes > max_bytes():
            raise ModelError("its {name} promises {n:,} bytes, the limit is {most:,}",
                             name=WEIGHTS, n=self.bytes, most=max_bytes())  # fmt: skip
        array: np.ndarray = node[()]
        if not np.isfinite(array).all():
            raise ModelError("its weights are not all numbers (NaN or infinite); train it again")
        return array


def _words(error: Exception) -> str:
    """What a library says of a damaged file, in one short line."""
    return printable(" ".join(str(error).split()) or type(error).__name__, 80)
