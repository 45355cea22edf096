"""bruit robustness."""

from __future__ import annotations

import csv
from pathlib import Path

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
