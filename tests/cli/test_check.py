"""The data doctor's command."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import bruit
from bruit.data.dataset import DataPair
from bruit.evaluation.labels import WAYS


@pytest.fixture
def repeating(npy_folder, digits: DataPair):
    """A folder, the test images of which have five of training among them."""
    images = np.concatenate([digits.test.images[5:], digits.train.images[:5]])
    labels = np.concatenate([digits.test.labels[5:], digits.train.labels[:5]])
    return npy_folder(test_images=images, test_labels=labels)


def test_json_is_what_python_gives(cli, repeating) -> None:
    done = cli("check", repeating, "--json")
    assert (done.code, done.err) == (0, "")
    checked = json.loads(json.dumps(bruit.check(repeating).as_dict()))
    assert done.json | {"seconds": 0} == checked | {"seconds": 0}
    assert done.json["findings"][0]["code"] == "repeated"


def test_the_table_says_all_of_it(cli, repeating, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    done = cli("check", repeating)
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0].startswith("data: 600 training and 200 test images, checked in ")
    (row,) = [line for line in lines if " repeated " in line]
    for part in ("error", "both", "5 of 200 test images (2.50%)", "See train 0 (", ", test 195 (", "Remove them"):
        assert part in row
    for finding in bruit.check(repeating).findings:
        assert finding.message in done.out


@pytest.mark.parametrize("width", [30, 60, 80, 120])
def test_what_was_found_stands_at_any_width(cli, repeating, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    shown = cli("check", repeating).out
    assert "2.50%" in shown
    assert max(map(len, shown.splitlines())) <= width


def test_scripts_can_fail_on_what_is_found(cli, repeating, npy_folder) -> None:
    for fail_on in ("warning", "error"):
        done = cli("check", repeating, "--fail-on", fail_on)
        assert done.code == 1
        assert "repeated" in done.out
        assert done.err == ""
        assert cli("check", repeating, "--fail-on", fail_on, "--json").json["findings"]
    clean = npy_folder(folder="clean")
    assert cli("check", clean, "--fail-on", "error").code == 0


def test_what_cannot_be_read_is_one_line(cli, npy_folder) -> None:
    images = np.full((600, 28, 28), np.nan, np.float32)
    expected = "training images hold NaN or infinity, first in image 0; repair or remove those images"
    assert cli("check", npy_folder(train_images=images)).problem() == expected
    assert "nowhere" in cli("check", "nowhere").problem()


def test_labels(cli, npy_folder, digits: DataPair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bruit.studies.check.LABEL_MODEL", "dnn")
    labels = digits.train.labels.copy()
    labels[:9] = (labels[:9] + 5) % 10
    folder = npy_folder(train_labels=labels)
    done = cli("check", folder, "--labels", "--workers", "1")
    assert done.code == 0
    # How long it takes is up to the machine; a slow one shows how far it is, too.
    first, *rest = done.err.splitlines()
    assert re.fullmatch(r"This takes (less than a|about \d+) minutes?\.", first)
    assert all(re.fullmatch(r"Labels: \d+%, \d of 4 done.*", line) for line in rest)
    assert "→" in done.out
    suspects = cli("check", folder, "--labels", "--workers", "1", "--json").json["suspects"]
    assert {example["index"] for example in suspects if example["split"] == "train"} & set(range(9))
    few = npy_folder(digits, "few", train_labels=np.r_[np.zeros(599, int), 1], test_labels=np.zeros(200, int))
    assert cli("check", few, "--labels").problem().startswith("class 1 has 1 of 800 training images; 4 folds")


def test_images_without_labels(cli, digits: DataPair, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    np.save(tmp_path / "images.npy", digits.train.images)
    done = cli("check", tmp_path / "images.npy", "--json")
    assert (done.code, done.json["n"]) == (0, {"train": 600})
    assert {finding["code"] for finding in done.json["findings"]} == {"scale", "unlabelled"}
    assert cli("check", tmp_path / "images.npy").out.startswith("images.npy: 600 images, checked in ")
    expected = "images.npy holds images without labels, so none can be wrong; add them"
    assert cli("check", tmp_path / "images.npy", "--labels").problem() == expected


def test_the_ranking_of_labels_can_be_named(cli, npy_folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bruit.studies.check.LABEL_MODEL", "dnn")
    done = {by: cli("check", npy_folder(), "--labels-by", by, "--workers", "1", "--json") for by in WAYS}
    ranked = {by: [tuple(one.values()) for one in one.json["suspects"]] for by, one in done.items()}
    assert ranked["margin"] != ranked["cleanlab"]
    surest = {by: set(suspects[:20]) for by, suspects in ranked.items()}
    assert len(surest["margin"] & surest["cleanlab"]) >= 5


def test_noise_as_a_table_and_as_json(cli, npy_folder, digits: DataPair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    foggy = npy_folder(train_images=bruit.corrupt(digits.train.images, "fog", 2), folder="foggy")
    done = cli("check", foggy, "--noise")
    assert (done.code, done.err) == (0, "")
    table = done.out[done.out.index("train: noise in 600 of the images") :]
    train, test = table.split("test: noise in 200 of the images")
    assert any(line.split()[0] == "fog" for line in train.splitlines() if line.strip())
    assert "fog" not in test
    noise = cli("check", foggy, "--noise", "--json").json["noise"]
    assert noise["train"]["shares"][0]["name"] == "fog"
    assert noise["train"]["shares"][0]["severity"] == pytest.approx(2, abs=1)
    assert noise["test"]["shares"][0]["name"] in ("clean", "quantize")
    assert "noise" not in cli("check", foggy, "--json").json


def test_noise_of_images_without_labels_and_of_no_known_kind(cli, tmp_path, digits: DataPair) -> None:
    np.save(tmp_path / "images.npy", bruit.corrupt(bruit.corrupt(digits.train.images, "fog", 3), "impulse_noise", 2))
    done = cli("check", tmp_path / "images.npy", "--noise")
    assert done.code == 0
    assert " ".join(done.out.split()).count("there may be several corruptions on one image, or none of these") == 1
