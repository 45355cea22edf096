"""What a .keras file may hold; all else is refused in one line, before Keras is even imported."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from contextlib import suppress

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bruit.errors import ModelError
from bruit.outside.keras_archive import examined

from .files import dense_weights, h5, keras_bytes


def examine(content: bytes):
    return examined(io.BytesIO(content))


def test_a_plain_model_passes_and_only_what_is_known_of_it_is_copied() -> None:
    archive = examine(keras_bytes(metadata={"keras_version": "3.4.0", "bruit": {"name": "x"}, "other": 1}))
    assert archive.parameters == 7850
    assert archive.about == {"name": "x"}
    with zipfile.ZipFile(io.BytesIO(archive.content)) as copy:
        assert sorted(copy.namelist()) == ["config.json", "metadata.json", "model.weights.h5"]
        assert json.loads(copy.read("metadata.json")) == {"keras_version": "3.4.0"}
        config = json.loads(copy.read("config.json"))
        assert config == archive.model.config
        with h5py.File(io.BytesIO(copy.read("model.weights.h5"))) as weights:
            assert list(weights) == ["layers"]
            with h5py.File(io.BytesIO(h5())) as stored:
                for name in "01":
                    np.testing.assert_array_equal(
                        weights[f"layers/dense/vars/{name}"], stored[f"layers/dense/vars/{name}"]
                    )


def test_it_may_be_packed() -> None:
    assert examine(keras_bytes(packing=zipfile.ZIP_DEFLATED)).content == examine(keras_bytes()).content


NOT_UTF8 = "its config.json is no JSON ('utf-8' codec can't decode byte 0xff in position 0: invalid start byte)"
FILES = "expected config.json, metadata.json, model.weights.h5"


def altered() -> bytes:
    return keras_bytes().replace(b"softmax", b"sigmoid")


def encrypted() -> bytes:
    content = bytearray(keras_bytes())
    start = content.rindex(b"PK\x01\x02", 0, content.rindex(b"config.json"))
    content[start + 8] |= 1
    return bytes(content)


def twice() -> bytes:
    file = io.BytesIO(keras_bytes())
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("config.json", "{}")
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is no whole .keras file (File is not a zip file); copy it again"),
        (b"no zip at all", "it is no whole .keras file (File is not a zip file); copy it again"),
        (pickle.dumps(print), "it is no whole .keras file (File is not a zip file); copy it again"),
        (h5(), "it is an .h5 file, which Keras opens without its safe mode; save the model as .keras with Keras 3"),
        (keras_bytes()[:-200], "it is no whole .keras file (File is not a zip file); copy it again"),
        (altered(), "it is no whole .keras file (Bad CRC-32 for file 'config.json'); copy it again"),
        (encrypted(), "its config.json is packed in a way that Keras does not use"),
        (
            keras_bytes(packing=zipfile.ZIP_LZMA),
            "its config.json is packed in a way that Keras does not use",
        ),
        (keras_bytes(without="model.weights.h5"), f"it holds metadata.json, config.json; {FILES}"),
        (
            keras_bytes(more={"assets/vocabulary.txt": b"x"}),
            f"it holds metadata.json, config.json, model.weights.h5, assets/vocabulary.txt; {FILES}",
        ),
        (
            keras_bytes(without="config.json", more={"../config.json\n": b"{}"}),
            f"it holds metadata.json, model.weights.h5, ../config.json�; {FILES}",
        ),
        (twice(), f"it holds metadata.json, config.json, model.weights.h5, config.json; {FILES}"),
        (
            keras_bytes(without="model.weights.h5", more={"model.weights.npz": b""}),
            f"it holds metadata.json, config.json, model.weights.npz; {FILES}",
        ),
        (
            keras_bytes(b" " * (2**20 + 1), packing=zipfile.ZIP_DEFLATED),
            "its config.json promises 1,048,577 bytes, the limit is 1,048,576",
        ),
        (keras_bytes(b"[" * 2**20), "its config.json is nested too deeply"),
        (keras_bytes(b'{"a":' * 100_000), "its config.json is nested too deeply"),
        (keras_bytes(b"\xff\xfe"), NOT_UTF8),
        (keras_bytes(b'{"a": NaN}'), "its config.json is no JSON (NaN)"),
        (keras_bytes(b"[]"), "its config.json is no JSON object"),
        (keras_bytes({}), "its config.json describes no model"),
        (keras_bytes(metadata={}), "it is of Keras None; load it there, and save it with Keras 3"),
        (
            keras_bytes(metadata={"keras_version": "2.15.0"}),
            "it is of Keras 2.15.0; load it there, and save it with Keras 3",
        ),
    ],
)
def test_refused(content: bytes, message: str, refused) -> None:
    with refused(ModelError, message):
        examine(content)


def test_a_bomb_is_not_unpacked(monkeypatch, refused) -> None:
    monkeypatch.setenv("BRUIT_MAX_BYTES", "1M")
    bomb = keras_bytes(weights=bytes(8 * 2**20), packing=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 20_000
    with refused(ModelError, "its model.weights.h5 promises 8,388,608 bytes, the limit is 1,048,576"):
        examine(bomb)


def external_link(file: h5py.File) -> None:
    dense_weights(file)
    file["layers/dense/vars/2"] = h5py.ExternalLink("/etc/passwd", "x")


def soft_link(file: h5py.File) -> None:
    dense_weights(file)
    file["layers/again"] = h5py.SoftLink("/layers/dense")


def external_data(file: h5py.File) -> None:
    group = file.create_group("layers/dense/vars")
    group.create_dataset("0", (784, 10), "f4", external=[("/etc/passwd", 0, h5py.h5f.UNLIMITED)])


def virtual_data(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((784, 10), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (784, 10))
    file.create_group("layers/dense/vars").create_virtual_dataset("0", layout)


def shape_bomb(file: h5py.File) -> None:
    file.create_group("layers/dense/vars").create_dataset("0", (2**20, 2**20), "f4", chunks=(1024, 1024))


def packed_bomb(file: h5py.File) -> None:
    file.create_group("layers/dense/vars").create_dataset("0", data=np.zeros((1024, 1024)), compression="gzip")


def objects(file: h5py.File) -> None:
    file.create_group("layers/dense/vars").create_dataset("0", data=["a"], dtype=h5py.string_dtype())


def infinite(file: h5py.File) -> None:
    file["layers/dense/vars/0"] = np.array([1, np.inf])


def own_loop(file: h5py.File) -> None:
    group = file.create_group("layers")
    group["layers"] = group


def strange_name(file: h5py.File) -> None:
    file["layers/..\x1b[31m/0"] = np.zeros(3)


HOLDS = "its model.weights.h5 holds"


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (external_link, f"{HOLDS} a link, 2, to elsewhere"),
        (soft_link, f"{HOLDS} a link, again, to elsewhere"),
        (external_data, f"{HOLDS} 0, which is no plain array of numbers"),
        (virtual_data, f"{HOLDS} 0, which is no plain array of numbers"),
        (shape_bomb, f"{HOLDS} 0, which is no plain array of numbers"),
        (packed_bomb, f"{HOLDS} 0, which is no plain array of numbers"),
        (objects, f"{HOLDS} 0, which is no plain array of numbers"),
        (infinite, "its weights are not all numbers (NaN or infinite); train it again"),
        (own_loop, f"{HOLDS} layers, which Keras does not write"),
        (strange_name, f"{HOLDS} ..�[31m, which Keras does not write"),
    ],
)
def test_weights_are_plain_arrays(write, message: str, refused) -> None:
    with refused(ModelError, message):
        examine(keras_bytes(weights=h5(write)))


def test_weights_have_a_limit(monkeypatch, refused) -> None:
    def many(file: h5py.File) -> None:
        file["layers/a"] = file["layers/b"] = np.zeros(9000)
        for name in range(20):
            file[f"layers/more{name}"] = file["layers/a"]  # the same bytes under many names

    monkeypatch.setenv("BRUIT_MAX_BYTES", "1M")
    with refused(ModelError, "its model.weights.h5 promises 1,080,000 bytes, the limit is 1,048,576"):
        examine(keras_bytes(weights=h5(many)))


def test_truncated_weights() -> None:
    with pytest.raises(ModelError, match=r"^its model\.weights\.h5 is damaged \(.{5,80}\)$"):
        examine(keras_bytes(weights=h5()[:-3000]))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damage_is_noticed_or_does_no_harm(data) -> None:
    """Bytes changed or cut anywhere, in the archive or in its weights: read, or a ModelError and nothing else."""
    inner = data.draw(st.booleans())
    content = bytearray(h5() if inner else keras_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(len(content) // 2, len(content))) :]
    with suppress(ModelError):
        examine(keras_bytes(weights=bytes(content)) if inner else bytes(content))
