"""The figures of a split, and the schema of results.json that they must fit."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

import bruit.evaluation
from bruit.errors import DataError
from bruit.evaluation import (
    apply_temperature,
    choose_winner,
    compare_folds,
    compare_on_test,
    conclude,
    correct,
    evaluate_split,
    fit_temperature,
    summarise_crossval,
)

SCHEMA = json.loads((Path(bruit.evaluation.__file__).parents[1] / "studies" / "results.schema.json").read_text("utf-8"))
CLASSES = [str(i) for i in range(10)]
EPOCH = {
    "epoch": 1, "seconds": 3.1, "learning_rate": 0.001, "train_loss": 1.2, "train_accuracy": 0.6,
    "validation_loss": 0.9, "validation_accuracy": 0.7,
}  # fmt: skip


def logits_and_labels(seed: int, n: int, skill: float, classes: int = 10) -> tuple[np.ndarray, np.ndarray]:
    labels = np.random.default_rng(0).integers(classes, size=n)
    noise = np.random.default_rng([seed, n]).normal(size=(n, classes))
    return (2 * (noise + skill * np.eye(classes)[labels])).astype(np.float32), labels


def split(seed: int, n: int, skill: float, temperature: float, detail: bool, classes: int = 10) -> dict[str, Any]:
    logits, labels = logits_and_labels(seed, n, skill, classes)
    probs, raw = apply_temperature(logits, temperature), apply_temperature(logits, 1.0)
    return evaluate_split(probs, raw, labels, [str(i) for i in range(classes)], np.arange(n), detail)


def model(seed: int, skill: float, family: str) -> dict[str, Any]:
    temperature = fit_temperature(*logits_and_labels(seed, 500, skill))
    return {
        "title": "A model", "summary": "One sentence.", "family": family, "parameters": 1000 * seed,
        "recipe": {"epochs": 1, "optimizer": "adamw", "learning_rate": 0.001, "augment": True}, "layers": ["dense 10"],
        "train": {"seconds": 3.1, "epochs": 1, "images_per_second": 900.0, "n": 2500}, "history": [EPOCH],
        "temperature": temperature,
        "validation": split(seed, 500, skill, temperature, detail=False),
        "test": split(seed, 1000, skill, temperature, detail=True),
    }  # fmt: skip


def crossval(seed: int, skill: float) -> dict[str, Any]:
    logits, labels = logits_and_labels(seed, 2500, skill)
    probs = apply_temperature(logits, 1.0)
    right = correct(probs, labels).reshape(5, 500).mean(axis=1)
    folds = [
        {"fold": i, "n": 500, "n_train": 1800, "accuracy": float(a), "nll": 0.4, "seconds": 2.0,
         "test_accuracy": 0.9 + 0.001 * i,
         "history": [EPOCH]}
        for i, a in enumerate(right)
    ]  # fmt: skip
    repeats = [{"seed": s, "accuracy": 0.9 + 0.002 * s, "test_accuracy": 0.9 + 0.001 * s} for s in range(3)]
    return summarise_crossval(folds, repeats, probs, labels)


@pytest.fixture(scope="module")
def study() -> dict[str, Any]:
    """A finished study, all that can be computed made by the package's own functions."""
    skills = {"cnn-plus": (4, 4.0, "convolutional"), "cnn": (3, 3.0, "convolutional"), "dnn-plus": (2, 3.2, "dense")}
    models = {name: model(*made) for name, made in skills.items()}
    winner = choose_winner(models)
    right = {
        name: correct(apply_temperature(logits, 1.0), labels)
        for name, (seed, skill, _) in skills.items()
        for logits, labels in [logits_and_labels(seed, 1000, skill)]
    }
    entries = {"cnn-plus": crossval(4, 4.0), "dnn-plus": crossval(2, 3.2)}
    results = {
        "schema": 1, "status": "complete", "version": "0.1.0", "created": "2026-11-23T12:00:00+00:00",
        "command": "bruit study", "seed": 0, "quick": False, "seconds": 912.3,
        "dataset": {
            "name": "mnist+course", "fingerprint": "0af3", "classes": CLASSES, "shape": [28, 28],
            "train": {"n": 3000, "counts": [300] * 10}, "validation": {"n": 500},
            "test": {"n": 1000, "counts": [100] * 10}, "pixel_histogram": {"train": [9] * 256, "test": [9] * 256},
            "findings": [{"code": "scale", "severity": "warning", "split": "train", "message": "Floats in 0…1.",
                          "figure": {"highest": 1.0, "dtype": "float64"}}],
        },
        "models": models, "crossval": entries, "winner": winner,
        "comparison": compare_on_test(right, winner, seed=0), "crossval_comparison": compare_folds(entries),
        "environment": {"python": "3.12.1", "torch": "2.13.0", "numpy": "2.4.6", "bruit": "0.1.0", "machine": "x86_64",
                        "processor": "", "cores": 2, "threads": 2, "precision": "fp32", "device": "cpu"},
    }  # fmt: skip
    return results | {"conclusion": conclude(results, right)}


def problems(results: dict[str, Any]) -> list[str]:
    as_read = json.loads(json.dumps(results, allow_nan=False))
    return [error.message for error in jsonschema.Draft202012Validator(SCHEMA).iter_errors(as_read)]


def test_split_figures_by_hand() -> None:
    probs = np.array([[0.8, 0.2], [0.4, 0.6], [0.7, 0.3], [0.1, 0.9]], dtype=np.float32)
    labels, ids = np.array([0, 1, 1, 1]), np.array([5, 6, 7, 8])
    figures = evaluate_split(probs, np.full((4, 2), 0.5), labels, ["a", "b"], ids, detail=True)
    assert (figures["n"], figures["accuracy"]) == (4, 0.75)
    assert figures["accuracy_ci95"] == pytest.approx([0.3006, 0.9544], abs=1e-4)
    assert figures["nll"] == pytest.approx(-np.log([0.8, 0.6, 0.3, 0.9]).mean(), rel=1e-6)
    assert figures["nll_uncalibrated"] == pytest.approx(np.log(2))
    assert figures["ece_uncalibrated"] == pytest.approx(0.25)
    assert figures["confusion"] == [[1, 0], [1, 2]]
    assert [row["recall"] for row in figures["per_class"]] == pytest.approx([1, 2 / 3])
    assert figures["most_confused"] == [{"true": "b", "predicted": "a", "count": 1, "fraction_of_true": 1 / 3}]
    assert [(row["index"], row["id"]) for row in figures["worst_mistakes"]] == [(2, 7)]


def test_detail_is_left_out_on_validation() -> None:
    brief, full = (split(1, 300, 2.0, 1.3, detail) for detail in (False, True))
    assert brief.items() <= full.items()
    assert set(full) - set(brief) == {"confusion", "per_class", "most_confused", "reliability", "worst_mistakes"}


def test_detail_agrees_with_itself_over_26_classes() -> None:
    figures = split(1, 700, 2.5, 1.2, detail=True, classes=26)
    confusion = np.array(figures["confusion"])
    assert confusion.shape == (26, 26)
    assert np.trace(confusion) / confusion.sum() == figures["accuracy"]
    assert sum(row["support"] for row in figures["per_class"]) == figures["n"] == 700
    assert sum(row["n"] for row in figures["reliability"]) == 700
    assert len(figures["most_confused"]) == 10
    assert len(figures["worst_mistakes"]) == 25


def test_one_image_and_a_class_without_images() -> None:
    figures = evaluate_split([[0.2, 0.8]], [[0.4, 0.6]], [1], ["a", "b"], [9], detail=True)
    assert figures["accuracy"] == 1
    assert figures["accuracy_ci95"][0] < 0.5
    assert figures["per_class"][0] == {"class": "a", "precision": 0, "recall": 0, "f1": 0, "support": 0}


def test_classes_and_ids_must_fit() -> None:
    with pytest.raises(DataError, match="2 class names"):
        evaluate_split([[0.2, 0.8]], [[0.4, 0.6]], [1], ["a", "b", "c"], [9], detail=False)
    with pytest.raises(DataError, match="one id"):
        evaluate_split([[0.2, 0.8]], [[0.4, 0.6]], [1], ["a", "b"], [9, 10], detail=True)


def test_schema_is_itself_valid_and_takes_a_finished_study(study: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert problems(study) == []
    assert {claim["key"] for claim in study["conclusion"]} >= {"families", "sample_dependence", "folds_differ"}


def test_schema_takes_a_study_in_progress(study: dict[str, Any]) -> None:
    start = {key: study[key] for key in ("schema", "version", "created", "command", "seed", "quick")}
    running = start | {"status": "in progress"}
    assert problems(running) == []
    untested = {key: value for key, value in study["models"]["cnn"].items() if key != "test"}
    no_test_yet = [
        {k: v for k, v in fold.items() if k != "test_accuracy"} for fold in study["crossval"]["cnn-plus"]["folds"]
    ]
    running |= {
        "dataset": study["dataset"],
        "models": {"cnn": untested},
        "crossval": {"cnn-plus": {"k": 5, "folds": no_test_yet[:2]}},
    }
    assert problems(running) == []
    assert problems(running | {"status": "complete"})


def change(results: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    changed = json.loads(json.dumps(results))
    *way, last = path.split("/")
    at = changed
    for step in way:
        at = at[int(step)] if isinstance(at, list) else at[step]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return changed


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("status", "done"),
        ("created", "yesterday"),
        ("winner", None),
        ("surprise", 1),
        ("models/cnn/test", None),
        ("models/cnn/test/accuracy", 97.0),
        ("models/cnn/test/accuracy_ci95", [0.9]),
        ("models/cnn/validation/confusion", [[1]]),
        ("models/cnn/history/0/train_loss", "low"),
        ("models/cnn/recipe/layers", [1, 2]),
        ("crossval/cnn-plus/std", None),
        ("crossval/cnn-plus/folds/0/test_accuracy", None),
        ("comparison/0/mcnemar_p", 1.5),
        ("conclusion/0/key", "winner_maybe"),
        ("conclusion/0/values/p_holm", None),
        ("dataset/pixel_histogram/train", [1, 2, 3]),
        ("environment/precision", "fp64"),
    ],
)
def test_schema_refuses_what_the_contract_does_not_hold(study: dict[str, Any], path: str, value: Any) -> None:
    assert problems(change(study, path, value))
