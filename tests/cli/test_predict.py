"""bruit predict and bruit explain."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from bruit.cli import readings
from bruit.data.dataset import DataPair


@pytest.fixture
def scans(tmp_path: Path, digits: DataPair) -> Path:
    """Two digits, and between them what is none."""
    folder = tmp_path / "scans"
    folder.mkdir()
    Image.fromarray(digits.test.images[0]).save(folder / "a.png")
    (folder / "b.png").write_bytes(b"no picture")
    Image.fromarray(255 - digits.test.images[1]).resize((90, 90)).save(folder / "c.jpg")
    return folder


def labels(digits: DataPair) -> list[str]:
    return list(map(str, digits.test.labels))


def test_json_has_an_object_for_each_digit_and_the_rest_is_named(cli, scans: Path, digits: DataPair) -> None:
    told = cli("predict", scans, "--json")
    assert told.code == 1
    assert [line for line in told.err.splitlines() if line] == [
        f"bruit: {scans / 'b.png'} is not a whole PNG, JPEG, TIFF, BMP, WebP or GIF image (10 bytes); "
        "replace or remove it"
    ]
    first, second = told.json
    assert first["file"] == str(scans / "a.png")
    assert set(first) == {"file", "digit", "confidence", "runner_up", "runner_up_confidence"}
    assert set(second) == {"file", "digit", "confidence", "runner_up", "runner_up_confidence", "box"}
    assert [first["digit"], second["digit"]] == labels(digits)[:2]
    left, top, right, bottom = second["box"]
    assert 0 <= left < right <= 90
    assert 0 <= top < bottom <= 90


def test_a_table_for_people(cli, scans: Path, digits: DataPair) -> None:
    told = cli("predict", scans / "a.png", scans / "c.jpg", "--top-k", "3")
    assert told.code == 0
    for word in ("Read", "File", "Digit", "Confidence", "a.png", "c.jpg", "Then", "Box", *labels(digits)[:2]):
        assert word in told.out


def test_csv_of_a_stack_has_a_line_for_each_image(cli, tmp_path: Path, digits: DataPair) -> None:
    np.save(tmp_path / "many.npy", digits.test.images)
    told = cli("predict", tmp_path / "many.npy", "--csv", "--top-k", "3")
    assert told.code == 0
    rows = list(csv.DictReader(io.StringIO(told.out)))
    assert [int(row["index"]) for row in rows] == list(range(200))
    assert np.mean([row["digit"] == label for row, label in zip(rows, labels(digits), strict=True)]) > 0.97
    for row in rows:
        likely = [float(row[key]) for key in ("confidence", "runner_up_confidence", "confidence_3")]
        assert likely == sorted(likely, reverse=True)
        assert len({row["digit"], row["runner_up"], row["digit_3"]}) == 3
    as_json = cli("predict", tmp_path / "many.npy", "--json", "--top-k", "3").json
    assert [one["top"][2][0] for one in as_json] == [row["digit_3"] for row in rows]
    assert as_json[5].items() >= {"file": str(tmp_path / "many.npy"), "index": 5}.items()


def test_below_the_least_confidence_there_is_no_guess(cli, tmp_path: Path, digits: DataPair) -> None:
    np.save(tmp_path / "many.npy", digits.test.images)
    told = cli("predict", tmp_path / "many.npy", "--json", "--min-confidence", "0.999")
    assert told.code == 0
    assert {one["digit"] is None for one in told.json} == {True, False}
    assert all((one["digit"] is None) == (one["confidence"] < 0.999) for one in told.json)
    assert "unsure" in cli("predict", tmp_path / "many.npy", "--min-confidence", "0.9999").out
    lines = cli("predict", tmp_path / "many.npy", "--csv", "--min-confidence", "0.999").out.splitlines()[1:]
    assert [one["digit"] is None for one in told.json] == [",," in line.split(",0.")[0] + "," for line in lines]


def test_blank_images_of_a_stack_are_named(cli, tmp_path: Path, digits: DataPair) -> None:
    images = digits.test.images[:6].copy()
    images[3] = 255
    np.save(tmp_path / "some.npy", images)
    told = cli("predict", tmp_path / "some.npy", "--json")
    assert (told.code, told.err) == (1, f"bruit: {tmp_path / 'some.npy'}[3]: no digit found\n")
    assert [one["index"] for one in told.json] == [0, 1, 2, 4, 5]


def test_nothing_that_can_be_read_is_an_empty_list(cli, tmp_path: Path) -> None:
    told = cli("predict", tmp_path / "gone.png", "--json")
    assert (told.code, told.json) == (1, [])
    assert told.err == f"bruit: cannot read {tmp_path / 'gone.png'}: there is no such file\n"


def test_show_writes_what_the_model_saw_and_replaces_nothing(
    cli, scans: Path, digits: DataPair, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    for _ in range(2):
        assert cli("predict", scans / "a.png", "--show", seen).code == 0
    assert sorted(path.name for path in seen.iterdir()) == ["a-1.png", "a-2.png"]
    with Image.open(seen / "a-1.png") as image:
        assert np.array_equal(np.asarray(image), digits.test.images[0])
    np.save(tmp_path / "some.npy", digits.test.images[:3])
    assert cli("predict", tmp_path / "some.npy", "--show", tmp_path / "more").code == 0
    assert sorted(path.name for path in (tmp_path / "more").iterdir()) == [f"some.npy-{n}-1.png" for n in range(3)]


def test_standard_input(cli, scans: Path, digits: DataPair, monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO((scans / "a.png").read_bytes())))
    (one,) = cli("predict", "-", "--json").json
    assert (one["file"], one["digit"]) == ("stdin", labels(digits)[0])


def test_a_long_table_says_how_much_is_left_out(cli, tmp_path: Path, digits: DataPair, monkeypatch) -> None:
    monkeypatch.setattr(readings, "MOST_ROWS", 5)
    np.save(tmp_path / "many.npy", digits.test.images)
    told = cli("predict", tmp_path / "many.npy")
    assert told.out.splitlines()[-1] == "… and 195 more; --csv and --json print all of them"


def test_a_run_reads(cli, finished, digits: DataPair) -> None:
    told = cli("predict", finished.data / "test_images.npy", "--model", f"{finished.run}:dnn", "--json")
    assert told.code == 0
    assert len(told.json) == 200


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x.png", "--csv", "--json"), "--csv and --json are two ways of printing; take one of them"),
        (("x.png", "--min-confidence", "2"), "2.0 is not in the range 0<=x<=1"),
        ((), "Missing argument"),
    ],
)
def test_wrong_usage(cli, arguments: tuple[str, ...], message: str) -> None:
    told = cli("predict", *arguments)
    assert told.code == 2
    assert message in told.err


def test_explain_says_why(cli, scans: Path, digits: DataPair, tmp_path: Path) -> None:
    told = cli("explain", scans / "a.png", "--figure", tmp_path / "why.png")
    assert told.code == 0
    first, second, third = told.out.splitlines()
    assert first.startswith(f"{labels(digits)[0]}, ")
    assert second.startswith("Most like it, of the training images (number, correlation): ")
    assert third == f"The figure: {tmp_path / 'why.png'}"
    with Image.open(tmp_path / "why.png") as drawn:
        assert drawn.size[1] == 28 * 6 + 24
    problem = cli("explain", scans / "a.png", "--figure", tmp_path / "why.png").problem()
    assert problem == f"{tmp_path / 'why.png'} is there already; choose another name, or add --force to replace it"


def test_explain_as_json(cli, scans: Path, digits: DataPair) -> None:
    told = cli("explain", scans / "c.jpg", "--nearest", "2", "--json")
    (one,) = told.json
    assert one["digit"] == labels(digits)[1]
    assert np.array(one["heat"]).shape == (28, 28)
    assert [set(near) for near in one["nearest"]] == [{"index", "label", "similarity"}] * 2
    assert "box" in one
    assert cli("explain", scans / "c.jpg", "--nearest", "0", "--json").json[0]["nearest"] == []


def test_explain_of_nothing(cli, tmp_path: Path) -> None:
    Image.fromarray(np.full((50, 50), 250, np.uint8)).save(tmp_path / "blank.png")
    assert cli("explain", tmp_path / "blank.png").problem() == "no digit found"
    assert json.loads(cli("predict", tmp_path / "blank.png", "--json").out) == []


def test_what_a_stranger_tried(cli, scans: Path, tmp_path: Path, monkeypatch) -> None:
    digit = scans / "a.png"
    assert cli("predict", digit, "--threads", "100000", "--json").code == 0
    assert "expected min_confidence of 0 to 1, received nan" in cli("predict", digit, "--min-confidence", "nan").err
    (tmp_path / "file").write_text("mine")
    told = cli("predict", digit, "--show", tmp_path / "file")
    assert (told.code, (tmp_path / "file").read_text()) == (2, "mine")
    assert f"expected a folder for --show, received the file {tmp_path / 'file'}" in told.err
    problem = cli("predict", digit, "--classes", "a,b").problem()
    assert problem == "a model of bruit's own says its scale and its classes itself; leave out --classes"
    monkeypatch.setattr("sys.stdin", None)
    assert cli("predict", "-", "--json").err == "bruit: stdin is empty; expected an image or a .npy file\n"
    assert cli("predict", "no\nbruit: forged.png", "--json").err.count("\n") == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_is_not_waited_for(cli, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    told = cli("predict", tmp_path / "pipe.png", "--json")
    assert told.code == 1
    assert str(tmp_path / "pipe.png") in told.err


def test_a_long_line_of_digits_is_read(cli, tmp_path: Path, digits: DataPair) -> None:
    row = np.concatenate([255 - digits.test.images[at % 200] for at in range(120)], axis=1).repeat(2, 0).repeat(2, 1)
    Image.fromarray(row).save(tmp_path / "line.png")
    assert row.shape[1] > 6000
    read = "".join(one["digit"] for one in cli("predict", tmp_path / "line.png", "--json").json)
    expected = "".join(labels(digits)[:120])
    assert abs(len(read) - len(expected)) <= 6
