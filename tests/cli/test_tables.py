"""What results look like, at every width of a terminal."""

from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len

from bruit.cli import tables

MODELS = ("logistic", "dnn-plus", "cnn-plus")


def models(name: str = "mnist+course") -> dict[str, Any]:
    figures = {"accuracy": 0.9812, "accuracy_ci95": [0.97, 0.99], "nll": 0.123, "ece": 0.01}
    entry = {"validation": {"accuracy": 0.9765}, "test": figures, "train": {"seconds": 133.0}}
    dataset = {"name": name, "test": {"n": 10_000}}
    return {"winner": "cnn-plus", "models": dict.fromkeys(MODELS, entry), "dataset": dataset, "crossval": {}}


def compared(run: str = "r1") -> dict[str, Any]:
    rows = [
        {"run": run, "name": name, "data": "digits", "validation_accuracy": 0.9765, "accuracy": 0.9812,
         "accuracy_ci95": [0.97, 0.99], "winner": name == "cnn-plus"}
        for name in MODELS
    ]  # fmt: skip
    against = {"a": "cnn-plus", "b": "dnn-plus", "difference": 0.0312, "ci95": [0.02, 0.04], "mcnemar_p_holm": 1e-9}
    return {"models": rows, "comparison": [against]}


def evaluated(*classes: str) -> dict[str, Any]:
    rows = [{"class": name, "precision": 0.9, "recall": 0.9812, "f1": 0.95, "support": 1000} for name in classes]
    whole = {"accuracy": 0.93, "accuracy_ci95": [0.9, 0.95], "n": 3000, "nll": 0.1, "ece": 0.01, "most_confused": []}
    return {"source": "run", "model": "cnn-plus", "data": "digits", **whole, "per_class": rows}


@pytest.mark.parametrize("width", [20, 25, 30, 40, 50, 60, 80, 120])
@pytest.mark.parametrize(
    ("show", "results", "names"),
    [
        (tables.models_table, models(), MODELS),
        (tables.comparison_table, compared(), (*MODELS, "r1", "digits")),
        (tables.evaluation_table, evaluated("zero", "nine"), ("zero", "nine")),
    ],
)
def test_names_and_accuracies_stand_at_any_width(capsys, monkeypatch, width, show, results, names):
    monkeypatch.setenv("COLUMNS", str(width))
    show(results)
    shown = capsys.readouterr().out
    for name in names:
        assert name in shown
    assert shown.count("98.12%") == (2 if show is tables.evaluation_table else 3)
    assert max(map(cell_len, shown.splitlines())) <= width


def test_a_wide_terminal_shows_every_column_and_a_narrow_one_the_weightiest(capsys, monkeypatch):
    heads = {}
    for width in (100, 60, 40, 30):
        monkeypatch.setenv("COLUMNS", str(width))
        tables.models_table(models())
        heads[width] = " ".join(capsys.readouterr().out.splitlines()[2].split())
    assert heads == {
        100: "Model Validation Test 95 % interval NLL ECE Training",
        60: "Model Validation Test 95 % interval NLL",
        40: "Model Validation Test",
        30: "Model Test",
    }


def test_a_long_name_is_broken_before_figures_go(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    tables.comparison_table(compared(run="/tmp/one/of/my/many/runs/of/may"))
    shown = capsys.readouterr().out
    assert "Run " in shown.splitlines()[2]
    assert shown.count("98.12%") == 3


def test_the_chosen_model_is_marked_at_any_width(capsys, monkeypatch):
    for width in ("100", "30"):
        monkeypatch.setenv("COLUMNS", width)
        tables.models_table(models())
        assert "cnn-plus ←" in capsys.readouterr().out


def test_control_characters_do_not_reach_the_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    tables.models_table(models(name="da\x1b[31mta\x07\u202e"))
    tables.evaluation_table(evaluated("\x1b[2J", "two\nlines"))
    tables.comparison_table(compared(run="r\x1b]0;title\x07"))
    shown = capsys.readouterr().out
    assert all(character.isprintable() or character in "\n\N{NO-BREAK SPACE}" for character in shown)
    assert "da\N{REPLACEMENT CHARACTER}[31mta" in shown
    assert "two\N{REPLACEMENT CHARACTER}lines" in shown
    assert "2\N{NO-BREAK SPACE}min\N{NO-BREAK SPACE}13\N{NO-BREAK SPACE}s" in shown
