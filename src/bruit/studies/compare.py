"""Several runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bruit.errors import RunError
from bruit.evaluation.comparison import compare_on_test
from bruit.evaluation.metrics import correct
from bruit.files import read_npy
from bruit.studies.finished import read_results, refusing_odd_results
from bruit.studies.results import refuse_damaged


def compare(runs: str | Path | Sequence[str | Path]) -> dict[str, Any]:
    """The models of finished runs, and each against the best of them where all were tested on the same images.

    Returns {"models": [{run, name, title, data, winner, validation_accuracy, n, accuracy, ...}], "comparison": rows as
    in results.json, with names RUN:NAME, or [] where the test images differ}. The best is the winner with the highest
    validation accuracy. Raises RunError for a folder without a finished run.
    """
    rows: list[dict[str, Any]] = []
    right: dict[str, np.ndarray] = {}
    fingerprints = set()
    named: dict[Path, Path] = {}
    for run in map(Path, [runs] if isinstance(runs, str | Path) else runs):
        named.setdefault(run.resolve(), run)
    for run in named.values():
        results = read_results(run)
        with refusing_odd_results(run):
            fingerprints.add(str(results["dataset"]["test"]["fingerprint"]))
            rows += _rows(run, results)
            right |= _right(run, results)
    if not rows:
        raise RunError("expected one run folder or more, received none")
    winners = [row for row in rows if row["winner"]]
    best = max(winners, key=lambda row: row["validation_accuracy"])
    comparison = compare_on_test(right, f"{best['run']}:{best['name']}", seed=0) if len(fingerprints) == 1 else []
    return {"models": rows, "comparison": comparison}


def _rows(run: Path, results: dict[str, Any]) -> list[dict[str, Any]]:
    """What is shown of each model of a run."""
    figures = ("n", "accuracy", "accuracy_ci95", "nll", "ece")
    rows = [
        {
            "run": str(run),
            "name": name,
            "title": str(model["title"]),
            "data": str(results["dataset"]["name"]),
            "winner": name == results["winner"],
            "validation_accuracy": float(model["validation"]["accuracy"]),
            **{figure: model["test"][figure] for figure in figures},
            "seconds": model.get("train", {}).get("seconds"),
        }
        for name, model in results["models"].items()
    ]
    if sum(row["winner"] for row in rows) != 1:
        raise ValueError("no winner")
    return rows


def _right(run: Path, results: dict[str, Any]) -> dict[str, NDArray[np.bool_]]:
    """For each model of a run, as RUN:NAME, which test images it is right about."""
    refuse_damaged(run, "test_labels.npy", *(f"models/{name}/test_probs.npy" for name in results["models"]))
    labels = np.array(read_npy(run / "test_labels.npy"))
    probabilities = {name: np.array(read_npy(run / "models" / name / "test_probs.npy")) for name in results["models"]}
    return {f"{run}:{name}": correct(probs, labels) for name, probs in probabilities.items()}
