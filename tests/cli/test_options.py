"""What the commands share."""

from __future__ import annotations

import pytest

from bruit.cli.options import how_to_resume, names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, ("all",)),
        ("none", ()),
        ("", ()),
        ("dnn", ("dnn",)),
        (" dnn , cnn,,", ("dnn", "cnn")),
        ("dnn,cnn,dnn", ("dnn", "cnn")),
    ],
)
def test_names(text: str | None, expected: tuple[str, ...]) -> None:
    assert names(text, ("all",)) == expected


@pytest.mark.parametrize(
    ("stopped", "again"),
    [
        (["study"], "study --resume"),
        (["study", "--out", "a b", "--force"], "study --out 'a b' --resume"),
        (["--debug", "study", "--resume", "--quick"], "--debug study --quick --resume"),
        (["train", "dnn", "--out", "there"], "train dnn --out there --resume"),
        (["crossval", "dnn", "--out", "there"], "crossval dnn --out there"),
        (["--debug", "crossval", "dnn", "--out=there"], "--debug crossval dnn --out=there"),
    ],
)
def test_what_was_stopped_can_go_on(stopped: list[str], again: str) -> None:
    assert how_to_resume(stopped) == f"stopped; nothing is lost, go on with: bruit {again}"


@pytest.mark.parametrize("stopped", [["evaluate", "study"], ["crossval", "dnn", "study"], ["--debug"], []])
def test_other_commands_are_simply_called_again(stopped: list[str]) -> None:
    assert how_to_resume(stopped) == "stopped"
