from __future__ import annotations

import zipfile

import pytest

from bruit.errors import ConfigError, ModelError, RunError
from bruit.outside import export as module
from bruit.outside.brought import bring
from bruit.outside.export import export
from bruit.outside.keras_in import open_keras
from bruit.outside.keras_out import keras_content
from bruit.outside.onnx_in import open_onnx
from bruit.outside.onnx_out import onnx_content

EITHER = pytest.mark.parametrize(
    ("kind", "content_of", "open_again"), [("onnx", onnx_content, open_onnx), ("keras", keras_content, open_keras)]
)


@EITHER
def test_a_file_that_would_answer_otherwise_is_not_written(
    zoo, tmp_path, monkeypatch, kind, content_of, open_again
) -> None:
    monkeypatch.setattr(module, "_difference", lambda model, opened: 2e-4)
    with pytest.raises(ModelError, match=rf"^dnn as {kind} differs from itself by 2\.0e-04, more than 0\.0001; try "):
        export(zoo["dnn"], tmp_path / f"dnn.{kind}", kind)
    assert not list(tmp_path.iterdir())


@EITHER
def test_a_difference_is_noticed(zoo, kind, content_of, open_again) -> None:
    opened = open_again(content_of(zoo["dnn"]))
    assert module._difference(zoo["dnn"], opened) < 1e-4
    assert module._difference(zoo["cnn"], opened) > 0.01


def test_a_file_is_replaced_only_when_told(zoo, refused, tmp_path) -> None:
    path = tmp_path / "model.onnx"
    path.write_text("mine")
    with refused(RunError, f"{path} is there already; add --force to replace it, or choose another --out"):
        export(zoo["dnn"], path)
    assert path.read_text() == "mine"
    export(zoo["dnn"], path, force=True)
    assert bring(path).classes == zoo["dnn"].classes


def test_the_ending_says_the_format(zoo, refused, tmp_path) -> None:
    assert export(zoo["logistic"], tmp_path / "a.keras")["format"] == "keras"
    assert zipfile.is_zipfile(tmp_path / "a.keras")
    assert export(zoo["logistic"], tmp_path / "a.onnx")["format"] == "onnx"
    for kind, name in (("keras", "a.zip"), ("onnx", "b.keras"), (None, "c.h5"), (None, "model")):
        message = f"expected a file called .{kind or 'onnx'}, received {tmp_path / name}; choose another --out"
        with refused(ConfigError, message):
            export(zoo["logistic"], tmp_path / name, kind)
        assert not (tmp_path / name).exists()


def test_what_came_from_outside_is_not_exported(zoo, refused, tmp_path) -> None:
    export(zoo["logistic"], tmp_path / "a.onnx")
    brought = bring(tmp_path / "a.onnx")
    message = f"{tmp_path / 'a.onnx'} was not trained by bruit, which exports its own models alone"
    with refused(ModelError, message):
        export(brought, tmp_path / "b.keras")
