"""Files of other programs as Predictors."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest

from bruit.cli import options
from bruit.errors import ConfigError, DataError, ModelError
from bruit.outside.brought import REFUSED, SCALES, Brought, Opened, bring, image_shape, is_file_of_a_model
from bruit.predictor import Predictor

from .files import keras_bytes
from .test_onnx_in import DENSE, SOFTMAX, WEIGHTS, onnx_bytes

IMAGES = np.random.default_rng(0).integers(0, 256, (9, 28, 28)).astype(np.uint8)


@pytest.fixture
def onnx(tmp_path: Path) -> Path:
    (tmp_path / "made.onnx").write_bytes(onnx_bytes())
    return tmp_path / "made.onnx"


@pytest.mark.parametrize(
    ("scale", "pixels"),
    [
        ("0-255", IMAGES.astype(np.float64)),
        ("0-1", IMAGES / 255),
        ("-1-1", IMAGES / 127.5 - 1),
        ("mnist", (IMAGES / 255 - 0.1307) / 0.3081),
    ],
)
def test_pixels_become_what_they_were_in_training(onnx: Path, scale: str, pixels) -> None:
    model = bring(onnx, scale=scale)
    scores = pixels.reshape(9, -1) @ WEIGHTS.astype(np.float64)
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities = model.probabilities(IMAGES)
    np.testing.assert_allclose(probabilities, scores / scores.sum(axis=1, keepdims=True), atol=1e-5)
    assert probabilities.dtype == np.float32
    assert isinstance(model, Predictor)
    assert (model.name, model.kind, model.scale, model.input_shape) == ("made.onnx", "onnx", scale, (28, 28))
    assert model.sha256 == hashlib.sha256(onnx.read_bytes()).hexdigest()
    assert model.probabilities(IMAGES[:0]).shape == (0, 10)
    with pytest.raises(DataError, match=r"made\.onnx expects images as uint8 \(N, 28, 28\), received float64"):
        model.probabilities(pixels)


def test_the_command_line_offers_these_scales() -> None:
    assert tuple(SCALES) == options.SCALES


def test_logits_become_probabilities(tmp_path: Path) -> None:
    flatten, product = DENSE
    product.output[0] = "y"
    (tmp_path / "logits.onnx").write_bytes(onnx_bytes([flatten, product]))
    product.output[0] = "l"
    (tmp_path / "softmax.onnx").write_bytes(onnx_bytes([flatten, product, SOFTMAX]))
    logits, softmax = (bring(tmp_path / f"{name}.onnx", scale="0-1") for name in ("logits", "softmax"))
    np.testing.assert_allclose(logits.probabilities(IMAGES), softmax.probabilities(IMAGES), atol=1e-6)


def test_a_file_that_does_not_say_its_scale_is_refused(onnx: Path, refused) -> None:
    names = "0-255, 0-1, -1-1, mnist"
    message = f"{onnx} does not say which pixels it takes; add --scale, one of {names}, as it was trained"
    with refused(ConfigError, message):
        bring(onnx)
    with refused(ConfigError, f"expected a scale of {names}, received 0-2"):
        bring(onnx, scale="0-2")


def test_classes_are_numbers_unless_they_are_said(onnx: Path, refused) -> None:
    assert bring(onnx, scale="0-1").classes == tuple("0123456789")
    assert bring(onnx, scale="0-1", classes=list("abcdefghij")).classes == tuple("abcdefghij")
    for classes in ("abc", "aabcdefghi"):
        message = f"{onnx} has 10 outputs; expected as many names of classes, each once, received {', '.join(classes)}"
        with refused(ConfigError, message):
            bring(onnx, scale="0-1", classes=list(classes))


@pytest.mark.parametrize("stated", [{"classes": ["a"]}, {"classes": "abcdefghij"}, {"classes": list("aaaaaaaaaa")}])
def test_classes_that_a_file_says_must_fit(tmp_path: Path, stated) -> None:
    (tmp_path / "x.keras").write_bytes(keras_bytes(metadata={"keras_version": "3.1", "bruit": stated}))
    with pytest.raises(ModelError, match=r"cannot be used: it .* export it again$"):
        bring(tmp_path / "x.keras", scale="0-1")


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((28, 20), (28, 20)),
        ((28, 20, 1), (28, 20)),
        ((1, 28, 20), (28, 20)),
        ((784,), (28, 28)),
        ((1, 1, 1), (1, 1)),
    ],
)
def test_the_layout_is_told_by_the_input(shape, expected) -> None:
    assert image_shape(shape) == expected


@pytest.mark.parametrize("shape", [(28, 28, 3), (3, 28, 28), (783,), (), (2, 2, 2, 2)])
def test_other_layouts_are_refused(shape) -> None:
    with pytest.raises(ModelError, match=r"it reads inputs of the shape .*; expected grey images, "):
        image_shape(shape)


def test_no_file_and_no_whole_file(tmp_path: Path, refused, monkeypatch) -> None:
    path = tmp_path / "none.keras"
    with refused(ModelError, f"{path} cannot be used: No such file or directory"):
        bring(path)
    path.write_bytes(keras_bytes()[:-9])
    message = "it is no whole .keras file (File is not a zip file); copy it again"
    with refused(ModelError, f"{path} cannot be used: {message}"):
        bring(path)
    monkeypatch.setenv("BRUIT_MAX_BYTES", "1K")
    size = path.stat().st_size
    message = f"it has {size:,} bytes, the limit is 1,024; if you trust it, set BRUIT_MAX_BYTES higher"
    with refused(ModelError, f"{path} cannot be used: {message}"):
        bring(path)


@pytest.mark.parametrize("suffix", REFUSED)
def test_files_that_can_run_code_are_not_opened(tmp_path: Path, refused, suffix: str) -> None:
    class Harm:
        def __reduce__(self):
            return Path.touch, (tmp_path / "harm",)

    path = tmp_path / f"model{suffix}"
    path.write_bytes(pickle.dumps(Harm()))
    assert is_file_of_a_model(path)
    message = f"a {suffix} file can run code when it is opened; export it as .onnx or .keras"
    with refused(ModelError, f"{path} cannot be used: {message}"):
        bring(path)
    assert not (tmp_path / "harm").exists()


def test_a_name_of_a_run_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "run.keras").mkdir()
    assert not is_file_of_a_model(tmp_path / "run.keras")
    assert not is_file_of_a_model(f"{tmp_path}:student.keras")
    assert not is_file_of_a_model("run:dnn")
    assert is_file_of_a_model("there/MODEL.KERAS")


def opened(outputs: np.ndarray, gives="probabilities", numbers: int = 1) -> Brought:
    calls = iter(outputs)
    made = Opened(lambda pixels: np.array([next(calls) for _ in pixels]), (2, 2), 2, gives, False, numbers, 0, (), {})
    return Brought(Path("x.onnx"), "", made, "0-1", ("a", "b"))


@pytest.mark.parametrize(
    ("rows", "gives", "message"),
    [
        ([[0.5, 0.6]], "probabilities", "x.onnx gives numbers that are no probabilities; end it with a softmax"),
        ([[-0.5, 1.5]], "probabilities", "x.onnx gives numbers that are no probabilities; end it with a softmax"),
        ([[np.nan, 0]], "probabilities", "x.onnx gives no finite numbers; train it again"),
        ([[np.inf, 0]], "logits", "x.onnx gives no finite numbers; train it again"),
        ([[1, 2, 3]], "logits", "x.onnx gives no finite numbers; train it again"),
    ],
)
def test_what_is_no_probability_is_said(rows, gives, message: str, refused) -> None:
    with refused(ModelError, message):
        opened(np.array(rows), gives).probabilities(np.zeros((1, 2, 2), np.uint8))


def test_large_models_read_few_images_at_once() -> None:
    sizes = []
    made = Opened(
        lambda pixels: (sizes.append(len(pixels)), np.full((len(pixels), 2), 0.5))[1],
        (2, 2),
        2,
        "probabilities",
        False,
        2**24,
        0,
        (),
        {},
    )
    Brought(Path("x.onnx"), "", made, "0-1", ("a", "b")).probabilities(np.zeros((5, 2, 2), np.uint8))
    assert sizes == [2, 2, 1]


def test_onnxruntime_is_quiet(onnx: Path, capfd) -> None:
    bring(onnx, scale="0-1").probabilities(IMAGES)
    assert capfd.readouterr().err == ""
