"""bruit robustness."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
from PIL import Image

import bruit
from bruit.noise.registry import MNIST_C


def test_models_side_by_side(cli, finished, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    models, data = [f"{finished.run}:cnn", f"{finished.run}:dnn"], finished.data
    tested = bruit.robustness(models, "mnist-c", data, seed=4)
    table, figure = tmp_path / "all.csv", tmp_path / "map.png"
    command = ("robustness", *models, "--data", data, "--seed", "4")
    shown = cli(*command, "--csv", table, "--figure", figure)
    assert shown.code == 0
    assert f"{tested['models'][models[0]]['mean']['accuracy']:.2%}" in shown.out
    for key in (*MNIST_C, "mCE"):
        assert key in shown.out
    rows = list(csv.DictReader(table.read_text("utf-8").splitlines()))
    assert len(rows) == 2 * 16
    for row in rows[1:16]:
        assert float(row["accuracy"]) == tested["models"][models[0]]["sets"][row["set"]]["accuracy"]
    with Image.open(figure) as image:
        assert min(image.size) > 300
    assert "is there already" in cli(*command, "--csv", table).problem()
    assert "expected a file called .png" in cli(*command, "--figure", tmp_path / "map.svg").problem()
    told = cli("robustness", models[0], "--data", data, "--suite", "course", "--json").json
    assert told["models"][models[0]]["sets"].keys() == {"course"}
    assert "expected a suite of" in cli("robustness", models[0], "--data", data, "--suite", "fog").problem()


def test_curves_over_severities(cli, finished, tmp_path: Path) -> None:
    model, curves = f"{finished.run}:dnn", tmp_path / "curves.png"
    command = ("robustness", model, "--data", finished.data, "--curves", curves)
    told = cli(*command, "--suite", "severity")
    assert told.code == 0
    assert f"Written: {curves}" in told.out
    with Image.open(curves) as image:
        assert image.format == "PNG"
        assert min(image.size) > 300
    for suite in ("mnist-c", "nmnist", "course"):
        refused = cli(*command, "--suite", suite, "--force").problem()
        assert refused == f"the suite {suite} has no severities to draw curves over; take --suite severity"


@pytest.mark.parametrize(("option", "ending"), [("--csv", ".csv"), ("--figure", ".png"), ("--curves", ".png")])
def test_a_file_that_cannot_be_written_is_said_before_any_work(
    cli, tmp_path: Path, monkeypatch, option: str, ending: str
) -> None:
    monkeypatch.setattr("bruit.studies.robustness.robustness", lambda *args, **more: pytest.fail("it worked"))
    in_the_way, folder = tmp_path / "file", tmp_path / f"folder{ending}"
    in_the_way.write_text("")
    folder.mkdir()

    def problem(path: Path, *more: str) -> str:
        return str(cli("robustness", "robust", "--suite", "severity", option, path, *more).problem())

    expected = f"{in_the_way / 'deep' / 'a'}{ending} cannot be written: {in_the_way} is no folder; choose another place"
    assert problem(in_the_way / "deep" / f"a{ending}") == expected
    for more in ((), ("--force",)):
        assert problem(folder, *more) == f"{folder} is a folder; choose another name, or move it away"
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # whoever runs this may write anywhere
    path = tmp_path / "new" / f"a{ending}"
    assert problem(path) == f"{path} cannot be written: {tmp_path} is not writable; choose another place"
