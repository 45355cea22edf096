"""Studies of seconds, without figures where a test is not about them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bruit
from bruit.data.dataset import DataPair
from bruit.studies import study as study_module

Study = Callable[..., dict[str, Any]]
TIMES = ("seconds", "created", "command", "images_per_second")


@pytest.fixture(scope="session")
def few(digits: DataPair) -> DataPair:
    """120 training and 60 test images of three classes, 28 x 28."""

    def part(dataset: bruit.Dataset, n: int) -> bruit.Dataset:
        index = np.concatenate([np.flatnonzero(dataset.labels == label)[:n] for label in range(3)])
        return bruit.Dataset(dataset.images[index], dataset.labels[index], ("0", "1", "2"), dataset.ids[index])

    return DataPair("few", part(digits.train, 40), part(digits.test, 20))


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_module, "_report", lambda run, results: None)


@pytest.fixture
def tiny(few: DataPair, tmp_path: Path, no_figures: None) -> Study:
    """bruit.study of `few` into tmp_path / "run", in about a second; everything can be said otherwise."""

    def run(data: Any = few, out: Path = tmp_path / "run", **otherwise: Any) -> dict[str, Any]:
        settings = {"models": ("logistic", "dnn"), "crossval": ("dnn",), "folds": 2, "repeats": 1, "epochs": 2}
        return bruit.study(data, out, **(settings | {"workers": 1} | otherwise))

    return run


def without_times(value: Any) -> Any:
    """Results less what may differ between two runs that computed the same."""
    if isinstance(value, dict):
        return {key: without_times(item) for key, item in value.items() if key not in TIMES}
    return [without_times(item) for item in value] if isinstance(value, list) else value


@pytest.fixture
def same_results() -> Callable[[Any, Any], None]:
    def check(one: Any, other: Any) -> None:
        assert without_times(one) == without_times(other)

    return check


@pytest.fixture(scope="session")
def undisturbed(few: DataPair, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """What `tiny` gives when nothing happens to it."""
    run = tmp_path_factory.mktemp("undisturbed") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_module, "_report", lambda run, results: None)
        models = {"models": ("logistic", "dnn"), "crossval": ("dnn",), "folds": 2, "repeats": 1, "epochs": 2}
        return bruit.study(few, run, workers=1, **models), run


@pytest.fixture(scope="session")
def computed() -> Callable[[Path], dict[str, bytes]]:
    """Every array and weight of a run folder."""

    def read(run: Path) -> dict[str, bytes]:
        paths = (path for path in sorted(run.rglob("*")) if path.suffix in (".npy", ".safetensors"))
        return {str(path.relative_to(run)): path.read_bytes() for path in paths}

    return read
