"""results.json: every number that is shown anywhere, from the files of a run folder alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bruit.data.dataset import DataPair, Dataset, pixel_counts
from bruit.data.findings import as_dict
from bruit.errors import DataError, RunError
from bruit.evaluation.calibration import without_temperature
from bruit.evaluation.comparison import choose_winner, compare_on_test, conclude
from bruit.evaluation.folds import compare_folds, summarise_crossval
from bruit.evaluation.metrics import correct
from bruit.evaluation.summary import evaluate_split
from bruit.files import read_json, read_npy
from bruit.noise.mixture import Mixture
from bruit.seals import refuse_broken
from bruit.studies.finished import how_to_resume
from bruit.training.crossval import CrossValidation, FoldFit
from bruit.training.stored import read_history

TOGETHER = "together"


def refuse_damaged(run: Path, *names: str) -> None:
    """Raise RunError for the first of the files `names` that has changed since the run was finished."""
    try:
        refuse_broken(run, *names)
    except DataError as error:
        raise RunError(
            "{error}; make it again with {how_to_resume}", error=error, how_to_resume=how_to_resume(run)
        ) from error


def dataset_section(pair: DataPair, fingerprint: str, n_validation: int) -> dict[str, Any]:
    """results["dataset"], from the images themselves; kept as findings.json."""
    # Ids number the test images after the training images; which test images they are does not depend on those.
    test = replace(pair.test, ids=np.arange(len(pair.test)))

    def histogram(dataset: Dataset) -> list[int]:
        counts: list[int] = pixel_counts(dataset.images).tolist()
        return counts

    return {
        "name": pair.name,
        "fingerprint": fingerprint,
        "classes": list(pair.classes),
        "shape": list(pair.train.shape),
        "train": {"n": len(pair.train), "counts": pair.train.counts.tolist()},
        "validation": {"n": n_validation},
        "test": {"n": len(pair.test), "fingerprint": test.fingerprint(), "counts": pair.test.counts.tolist()},
        "pixel_histogram": {"train": histogram(pair.train), "test": histogram(pair.test)},
        "findings": [as_dict(finding) for finding in pair.findings],
    }


def model_section(folder: Path, classes: list[str], test: tuple[NDArray[Any], NDArray[Any]] | None) -> dict[str, Any]:
    """results["models"][NAME] of a finished training; with its test figures where (labels, ids) and
    test_probs.npy are there.
    """
    config = read_json(folder / "config.json")
    temperature = config["temperature"]

    def figures(probs_file: str, labels: NDArray[Any], ids: NDArray[Any], detail: bool) -> dict[str, Any]:
        probs = np.array(read_npy(folder / probs_file))
        return evaluate_split(probs, without_temperature(probs, temperature), labels, classes, ids, detail)

    labels = np.array(read_npy(folder / "val_labels.npy"))
    told = ("title", "summary", "family", "parameters", "layers", "train", "temperature", "outside", "members")
    section = {
        **{key: config[key] for key in told if key in config},
        "recipe": flat(config["recipe"]),
        "history": read_history(folder) if "train" in config else [],
        "validation": figures("val_probs.npy", labels, np.arange(len(labels)), detail=False),
    }
    if test is not None and (folder / "test_probs.npy").is_file():
        section["test"] = figures("test_probs.npy", *test, detail=True)
    return section


def crossval_section(
    crossval: CrossValidation, folder: Path, labels: NDArray[Any], test_labels: NDArray[Any] | None
) -> dict[str, Any]:
    """results["crossval"][NAME] of a finished cross-validation; with the fold models' test figures where they
    are there.
    """

    def row(fit: FoldFit, place: str) -> dict[str, Any]:
        figures = {
            "fold": fit.fold,
            "n": fit.n,
            "n_train": fit.n_train,
            "accuracy": fit.accuracy,
            "nll": fit.nll,
            "seconds": fit.seconds,
        }
        return figures | {"history": fit.history} | test_accuracy(place)

    def test_accuracy(place: str) -> dict[str, float]:
        path = folder / place / "test_probs.npy"
        if test_labels is None or not path.is_file():
            return {}
        return {"test_accuracy": float(correct(np.array(read_npy(path)), test_labels).mean())}

    rows = [row(fit, f"fold-{fit.fold}") for fit in crossval.fits]
    runs = [(crossval.fits[0], "fold-0")] + [(fit, f"repeat-{i}") for i, fit in enumerate(crossval.repeats, start=1)]
    seeds = [{"seed": fit.seed, "accuracy": fit.accuracy} | test_accuracy(place) for fit, place in runs]
    if "test_accuracy" not in rows[0]:
        return {"k": len(rows), "folds": rows}
    return summarise_crossval(rows, seeds, crossval.oof_probabilities, labels)


def complete(results: dict[str, Any], run: Path) -> dict[str, Any]:
    """Add what needs all models: the winner, the comparisons, the conclusion."""
    if results["models"]:
        trained = {name: model for name, model in results["models"].items() if model["family"] != "outside"}
        if trained:
            results["winner"] = choose_winner(trained)
    tested = {name for name, model in results["models"].items() if "test" in model}
    right: dict[str, NDArray[np.bool_]] = {}
    if tested:
        labels = np.array(read_npy(run / "test_labels.npy"))
        right = {
            name: correct(np.array(read_npy(run / "models" / name / "test_probs.npy")), labels)
            for name in results["models"]
            if name in tested
        }
    if right and results.get("winner") in right:
        results["comparison"] = compare_on_test(right, results["winner"], results["seed"])
    for name, entry in results.get("crossval", {}).items():
        if tested and "mean" in entry:
            entry[TOGETHER] = _fold_models_together(run, name, entry["k"], results)
    finished = {name: entry for name, entry in results.get("crossval", {}).items() if "mean" in entry}
    if finished:
        results["crossval_comparison"] = compare_folds(finished)
    results["conclusion"] = conclude(results, right)
    return results


def _fold_models_together(run: Path, name: str, k: int, results: dict[str, Any]) -> dict[str, Any]:
    """What the k fold models make of the test images as one: the mean of their probabilities; and whether they read
    better than the model that was trained once.
    """
    labels = np.array(read_npy(run / "test_labels.npy"))
    folds = [np.array(read_npy(run / "crossval" / name / f"fold-{fold}" / "test_probs.npy")) for fold in range(k)]
    probs = np.mean(folds, axis=0, dtype=np.float32)
    figures = evaluate_split(probs, probs, labels, results["dataset"]["classes"], np.arange(len(labels)), detail=False)
    told = {"n_models": k} | {key: figures[key] for key in ("accuracy", "accuracy_ci95", "nll", "ece")}
    if "test" not in results["models"].get(name, {}):
        return told
    alone = correct(np.array(read_npy(run / "models" / name / "test_probs.npy")), labels)
    right = {TOGETHER: correct(probs, labels), name: alone}
    return told | {"comparison": compare_on_test(right, TOGETHER, results["seed"])[0]}


def flat(recipe: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as one level: augmentation.rotation → augmentation_rotation."""
    plain: dict[str, Any] = {}
    for key, value in recipe.items():
        if key == "noise" and value is not None:
            plain[key] = Mixture.from_plain(value).description
        elif isinstance(value, dict):
            plain |= flat(value, f"{prefix}{key}_")
        elif value is not None and (value or not prefix):  # a range of 0 is none
            plain[prefix + key] = value
    return plain
