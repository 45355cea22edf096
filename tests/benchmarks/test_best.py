"""benchmarks/best.py trains the recipes of a study at its best, each on one kind of images alone."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import bruit
from bruit.models.zoo import ZOO

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import best
import robustness_runs as runs


@pytest.mark.parametrize("setting", best.SETTINGS.values(), ids=best.SETTINGS)
def test_each_is_the_recipe_at_its_best(setting) -> None:
    assert setting.recipe() == ZOO[setting.model].recipe_for(best=True)
    assert setting.recipe().noise is None
    assert setting.data == best.DATA[setting.name.partition("/")[0]]


def test_on_the_course_set_only_the_given_noisy_images_are_there() -> None:
    given, clean = bruit.load("mnist+course"), bruit.load("mnist")
    for test in (False, True):
        parts = runs.split(test, images=50, data="mnist+course")
        for part in parts:
            whole = given.test if test and part is parts.judged else given.train
            index = part.ids - (60_000 if whole is given.test else 0)
            np.testing.assert_array_equal(part.images, whole.images[index])
        assert (parts.train.images != clean.train.images[:50]).any(axis=(1, 2)).all()


def test_the_command_line(capsys, tmp_path) -> None:
    asked = ["--only", "course/dnn-plus", "--images", "200", "--epochs", "1", "--out", str(tmp_path)]
    assert best.main([*asked, "--table"]) == 1
    assert capsys.readouterr().err == f"nothing is finished in {tmp_path}\n"
    assert best.main([*asked, "--seeds", "2"]) == 0
    told = capsys.readouterr().out
    assert "dnn-plus at its best, mnist+course alone, seed 1\n" in told
    assert best.main([*asked, "--table"]) == 0
    row = capsys.readouterr().out.splitlines()[-1]
    assert row == told.splitlines()[-1]
    accuracy, each = row.split(" | ")[1:3]
    values = [float(one) for one in each.split(", ")]
    assert accuracy == f"{np.mean(values):.2f} ± {np.std(values, ddof=1):.2f} %"
    assert best.main(["--only", "clean/dnn"]) == 1
    assert capsys.readouterr().err.startswith("no setting is called clean/dnn; there are course/dnn-plus")
    with pytest.raises(SystemExit):
        best.main(["--test", "--images", "5"])
