"""Several runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bruit.errors import RunError
from bruit.evaluation.comparison import compare_on_test
from bruit.evaluation.metrics import correct
from bruit.files import read_npy
from bruit.studies.results import read_results


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
        labels = np.array(read_npy(run / "test_labels.npy"))
        fingerprints.add(results["dataset"]["test"]["fingerprint"])
        for name, model in results["models"].items():
            key = f"{run}:{name}"
            right[key] = correct(np.array(read_npy(run / "models" / name / "test_probs.npy")), labels)
            rows.append(
                {
                    "run": str(run),
                    "name": name,
                    "title": model["title"],
                    "data": results["dataset"]["name"],
                    "winner": name == results["winner"],
                    "validation_accuracy": model["validation"]["accuracy"],
                    **{figure: model["test"][figure] for figure in ("n", "accuracy", "accuracy_ci95", "nll", "ece")},
                    "seconds": model.get("train", {}).get("seconds"),
                }
            )
    if not rows:
        raise RunError("expected one run folder or more, received none")
    winners = [row for row in rows if row["winner"]]
    best = max(winners, key=lambda row: row["validation_accuracy"])
    comparison = compare_on_test(right, f"{best['run']}:{best['name']}", seed=0) if len(fingerprints) == 1 else []
    return {"models": rows, "comparison": comparison}
