"""Reader: what is handed on untouched, what is prepared, and what is said of the rest."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bruit
from bruit.data.dataset import DataPair
from bruit.errors import ConfigError, DataError, ModelError
from bruit.predictor import Called, Predictor
from bruit.reading.reader import AT_ONCE, Reader


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader.load(threads=1)


def texts(readings) -> list[str]:
    return [one.text for one in readings]


def test_it_is_a_predictor_that_gives_what_the_same_weights_give_in_pytorch(reader: Reader, digits: DataPair) -> None:
    assert isinstance(reader, Predictor)
    assert (reader.name, reader.input_shape, reader.classes) == ("robust", (28, 28), tuple("0123456789"))
    images = digits.test.images
    expected = bruit.load_model("robust").probabilities(images)
    np.testing.assert_allclose(reader.probabilities(images), expected, atol=1e-5)
    assert reader.probabilities(images[:0]).shape == (0, 10)


def test_images_as_the_model_knows_them_are_read_as_they_are(reader: Reader, digits: DataPair) -> None:
    images = digits.test.images
    readings = reader.read(images)
    given = reader.probabilities(images)
    for image, row, reading in zip(images, given, readings, strict=True):
        (digit,) = reading.digits
        assert np.array_equal(digit.seen, image)
        assert digit.box is None
        assert np.array_equal(digit.probabilities, row)
        assert digit.label == str(row.argmax())
        assert digit.confidence == row.max()
        assert digit.runner_up_confidence == np.sort(row)[-2]
    labels = list(map(str, digits.test.labels))
    assert np.mean([a == b for a, b in zip(texts(readings), labels, strict=True)]) > 0.97


@pytest.mark.parametrize("kind", ["float", "bool", "16 bits", "inverted", "twice as large"])
def test_other_pixels_are_prepared(reader: Reader, digits: DataPair, kind: str) -> None:
    images = digits.test.images[:100]
    made = {
        "float": images / 255,
        "bool": images > 127,
        "16 bits": images.astype(np.uint16) * 257,
        "inverted": 255 - images,
        "twice as large": images.repeat(2, axis=1).repeat(2, axis=2),
    }[kind]
    right = np.mean([a == str(b) for a, b in zip(texts(reader.read(made)), digits.test.labels, strict=False)])
    assert right >= 0.95, right


def test_pictures_of_every_kind_in_one_call(reader: Reader, digits: DataPair, tmp_path: Path) -> None:
    image = digits.test.images[0]
    path = tmp_path / "digit.png"
    Image.fromarray(image).save(path)
    given = [path, str(path), path.read_bytes(), Image.fromarray(image), image]
    assert texts(reader.read(given)) == [str(digits.test.labels[0])] * 5
    for one in given:
        assert texts(reader.read(one)) == [str(digits.test.labels[0])]


def test_what_cannot_be_read_says_so_and_the_rest_is_read(reader: Reader, digits: DataPair, tmp_path: Path) -> None:
    (tmp_path / "no.png").write_bytes(b"no picture")
    blank = np.zeros((60, 60), np.uint8)
    first, second, third, fourth = reader.read(
        [tmp_path / "no.png", digits.test.images[0], blank, tmp_path / "gone.png"]
    )
    assert str(first.problem).startswith(f"{tmp_path / 'no.png'} is not a whole PNG, JPEG")
    assert second.text == str(digits.test.labels[0])
    assert second.problem is None
    assert str(third.problem) == "no digit found"
    assert str(fourth.problem) == f"cannot read {tmp_path / 'gone.png'}: there is no such file"
    assert [one.digits for one in (first, third, fourth)] == [(), (), ()]


def test_what_is_read_with_less_confidence_is_not_sure(reader: Reader, digits: DataPair) -> None:
    confidences = [one.digits[0].confidence for one in reader.read(digits.test.images)]
    least = float(np.median(confidences))
    for reading in reader.read(digits.test.images, min_confidence=least):
        (digit,) = reading.digits
        assert digit.sure == (digit.confidence >= least)
        assert digit.digit == (digit.label if digit.sure else None)
        assert reading.text == (digit.label if digit.sure else "?")


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_an_impossible_confidence_is_refused(reader: Reader, digits: DataPair, refused, value: float) -> None:
    with refused(ConfigError, f"expected min_confidence of 0 to 1, received {value}"):
        reader.read(digits.test.images[:1], min_confidence=value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((2, 2, 2, 2), np.uint8), "expected a picture as (H, W), received an array (2, 2, 2, 2)"),
        (np.full((28, 28), np.nan), "the pixels hold NaN or infinity; repair or remove them"),
        (3, "expected a picture as a file, its bytes, a Pillow image or an array, received int"),
    ],
)
def test_what_is_no_picture_says_so(reader: Reader, given, message: str) -> None:
    (reading,) = reader.read(given)
    assert isinstance(reading.problem, DataError)
    assert str(reading.problem) == message


def test_any_number_of_images_goes_through_in_blocks(reader: Reader, digits: DataPair, monkeypatch) -> None:
    images = np.concatenate([digits.train.images] * 8)
    parts = list(reader.stream(images))
    assert [len(part) for part in parts] == [AT_ONCE, len(images) - AT_ONCE]
    np.testing.assert_allclose(np.concatenate(parts)[:600], reader.probabilities(digits.train.images), atol=1e-6)


def test_several_threads_read_at_once(reader: Reader, digits: DataPair) -> None:
    expected, failed = texts(reader.read(digits.test.images)), []

    def read() -> None:
        for _ in range(3):
            if texts(reader.read(digits.test.images)) != expected:
                failed.append(True)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


def test_what_may_not_be_called_by_two_threads_at_once_is_not(digits: DataPair) -> None:
    inside = threading.Lock()

    def probabilities(images):
        assert inside.acquire(blocking=False)
        given = np.tile(np.float32([0.25, 0.75]), (len(images), 1))
        inside.release()
        return given

    reader = Reader(Called(probabilities, ("no", "yes"), (28, 28)))
    caught = []

    def read() -> None:
        try:
            for _ in range(50):
                reader.read(digits.test.images[:2])
        except BaseException as error:
            caught.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not caught


def test_models_of_a_run_are_read_without_pytorch(finished, digits: DataPair) -> None:
    script = f"""
import sys
sys.modules["torch"] = None
import numpy as np
import bruit
for model in ({str(finished.run)!r}, "{finished.run}:dnn"):
    reader = bruit.Reader.load(model)
    images = np.load({str(finished.data / "test_images.npy")!r})
    print(reader.name, "".join(one.text for one in reader.read(images)))
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    for line, name in zip(said.splitlines(), (finished.results["winner"], "dnn"), strict=True):
        expected = bruit.load_model(f"{finished.run}:{name}").probabilities(digits.test.images).argmax(1)
        assert line.split() == [name, "".join(map(str, expected))]


def test_what_is_no_graph_is_read_as_it_is(finished, digits: DataPair, monkeypatch, refused) -> None:
    reader = Reader.load(f"{finished.run}:knn")
    expected = bruit.load_model(f"{finished.run}:knn").probabilities(digits.test.images[:20])
    np.testing.assert_allclose(reader.probabilities(digits.test.images[:20]), expected)
    monkeypatch.setitem(sys.modules, "bruit.studies.evaluate", None)
    with pytest.raises(ConfigError, match=r"^.*:knn holds no model\.onnx, and to read with it as it is needs PyTorch"):
        Reader.load(f"{finished.run}:knn")


def test_a_graph_that_has_changed_is_refused(finished, tmp_path: Path) -> None:
    import shutil

    folder = shutil.copytree(finished.run / "models" / "dnn", tmp_path / "dnn")
    content = bytearray((folder / "model.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "model.onnx").write_bytes(content)
    with pytest.raises(DataError, match=r"model\.onnx is not as it was written: its checksum is another"):
        Reader.load(folder)


@pytest.mark.parametrize("model", ["nothing", "nothing:dnn", ""])
def test_a_model_that_is_not_there_is_refused(model: str) -> None:
    with pytest.raises(ModelError):
        Reader.load(model)
