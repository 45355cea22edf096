"""The figures of models under noise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bruit
from bruit.errors import ConfigError, DataError
from bruit.report.robustness import curve_inputs, heat_inputs, write_curves, write_figure
from bruit.report.style import looks

SETS = [("fog", 1), ("fog", 2), ("shear", 1), ("shear", 2), ("zigzag", None)]


def results(suite: str = "severity", **models: list[float]) -> dict[str, Any]:
    """As `bruit.robustness` gives them, of two corruptions at two severities and one that has none."""
    keys = [name if at is None else f"{name}/{at}" for name, at in SETS]
    return {
        "suite": suite,
        "sets": [{"key": key, "name": name, "severity": at} for key, (name, at) in zip(keys, SETS, strict=True)],
        "models": {
            model: {
                "clean": {"accuracy": clean},
                "sets": {key: {"accuracy": value} for key, value in zip(keys, values, strict=True)},
            }
            for model, (clean, *values) in models.items()
        },
    }


@pytest.fixture
def two() -> dict[str, Any]:
    return results(cnn=[0.98, 0.9, 0.7, 0.8, 0.4, 0.5], mine=[0.96, 0.95, 0.93, 0.5, 0.1, 0.6])


@pytest.fixture
def without(two: dict[str, Any]) -> dict[str, Any]:
    sets = [one for one in two["sets"] if one["severity"] is None]
    return {**two, "suite": "mnist-c", "sets": sets}


def test_curves_begin_at_the_clean_images_and_the_first_panel_is_their_mean(two: dict[str, Any]) -> None:
    figure = bruit.plot_severities(two)
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles == ["mean", "fog", "shear"]
    mean, fog, _ = ([line.get_ydata() for line in ax.get_lines()] for ax in figure.axes)
    assert np.allclose(fog, [[98, 90, 70], [96, 95, 93]])
    assert np.allclose(mean, [[98, 85, 55], [96, 72.5, 51.5]])
    assert all(list(line.get_xdata()) == [0, 1, 2] for ax in figure.axes for line in ax.get_lines())
    assert len({ax.get_ylim() for ax in figure.axes}) == len({ax.get_xlim() for ax in figure.axes}) == 1


def test_models_keep_their_order_and_their_looks_and_differ_without_colour(two: dict[str, Any]) -> None:
    expected = looks(two["models"])
    figure = bruit.plot_severities(two)
    for ax in figure.axes:
        drawn = [(line.get_color(), line.get_marker()) for line in ax.get_lines()]
        assert drawn == [(expected[name].colour, expected[name].marker) for name in ("cnn", "mine")]
        assert len({marker for _, marker in drawn}) == 2
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["cnn", "mine"]


def test_the_heat_map_has_a_panel_for_each_model_and_every_figure(two: dict[str, Any]) -> None:
    figure = bruit.plot_robustness(two)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["cnn", "mine"]
    for ax, expected in zip(figure.axes, (["90.0", "70.0", "80.0", "40.0", "50.0"],) * 1, strict=False):
        assert [text.get_text() for text in ax.texts] == expected
        assert [tick.get_text() for tick in ax.get_yticklabels()] == ["fog", "shear", "zigzag"]
        assert ax.get_xlabel() == "Severity"


def test_without_severities_models_stand_side_by_side(without: dict[str, Any]) -> None:
    (ax,) = bruit.plot_robustness(without).axes
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["cnn", "mine"]
    assert [text.get_text() for text in ax.texts] == ["50.0", "60.0"]


def test_they_speak_french(two: dict[str, Any]) -> None:
    assert bruit.plot_severities(two, lang="fr").axes[0].get_title(loc="left") == "moyenne"
    figure = bruit.plot_robustness(two, lang="fr")
    assert figure.axes[0].get_xlabel() == "Gravité"
    assert figure.axes[0].texts[0].get_text() == "90,0"


def test_inputs_are_plain_and_say_all_that_is_drawn(two: dict[str, Any]) -> None:
    import json

    json.dumps(heat_inputs(two, {"cnn": "CNN", "mine": "Mine"}, "en"), allow_nan=False)
    json.dumps(curve_inputs(two, [{"title": "CNN"}, {"title": "Mine"}], "en"), allow_nan=False)


@pytest.mark.parametrize("write", [write_curves, write_figure])
def test_what_is_written_is_a_picture_with_something_on_it(two: dict[str, Any], tmp_path: Path, write: Any) -> None:
    from PIL import Image

    write(two, tmp_path / "one.png")
    with Image.open(tmp_path / "one.png") as image:
        assert image.format == "PNG"
        pixels = np.asarray(image.convert("L"))
    assert min(pixels.shape) > 250
    assert 0.02 < (pixels < 200).mean() < 0.9


def test_what_cannot_be_drawn_is_refused(without: dict[str, Any], refused: Any) -> None:
    with refused(ConfigError, "the suite mnist-c has no severities to draw curves over; take --suite severity"):
        bruit.plot_severities(without)
    for plot in (bruit.plot_robustness, bruit.plot_severities):
        with refused(DataError, "expected what bruit.robustness gave, received list"):
            plot([])


def test_the_report_draws_them_as_files_that_change_with_the_code_that_draws(
    two: dict[str, Any], tmp_path: Path
) -> None:
    from bruit.report import figures
    from bruit.report.svg import digest_of

    models = {"cnn": {"title": "A network"}, "mine": {"title": "$mine$"}}
    found = [plot for plot in figures._noise({"robustness": two, "models": models}, looks(models), "en")]
    assert [plot.name for plot in found] == ["severities", "robustness"]
    shown = figures.drawn(tmp_path, iter(found))
    for plot in found:
        assert digest_of(tmp_path / f"{plot.name}.svg") == figures._digest(plot)
        assert plot.label in shown[plot.name]
        for title in ("A network", "$mine$"):
            assert title in shown[plot.name]
        assert (tmp_path / f"{plot.name}.png").is_file()
    # The curves are in the page's own ink; the figures in the cells go with their shades, in light and in dark.
    assert "currentColor" in shown["severities"]
