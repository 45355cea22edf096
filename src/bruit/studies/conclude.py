"""The conclusion of a study about models that were trained one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bruit.data.dataset import Dataset
from bruit.errors import ConfigError
from bruit.evaluation.comparison import choose_winner, compare_on_test
from bruit.evaluation.comparison import conclude as claims
from bruit.locale import language
from bruit.models.zoo import entry
from bruit.report.conclusion import sentences
from bruit.studies.evaluate import evaluate
from bruit.training.crossval import CrossValidation, summary
from bruit.training.fit import Fit


def conclude(
    fits: Sequence[Fit],
    validation: Dataset,
    test: Dataset,
    *,
    crossval: tuple[CrossValidation, Dataset] | None = None,
    lang: str | None = None,
) -> list[str]:
    """What a study's report concludes, in sentences with their figures, about models that `bruit.fit` gave.

    fits        one of each model
    validation  the images that they were validated on: they choose the winner
    test        the images that then compare it with the others
    crossval    a cross-validation and the data set that it divided: does the result depend on the training sample?
    lang        of the sentences ("en", "fr"); by default that of the machine

    Raises ConfigError for no fit or two of one model, DataError for images that do not fit the models.
    """
    names = [fit.model.name for fit in fits]
    if not names or len(set(names)) < len(names):
        raise ConfigError("expected one fit of each model, received {names}", names=", ".join(names) or "none")
    models: dict[str, dict[str, Any]] = {}
    right = {}
    for name, fit in zip(names, fits, strict=True):
        known = entry(name)
        models[name] = {
            "title": known.title,
            "family": known.family,
            "parameters": fit.model.parameters,
            "temperature": fit.model.temperature,
            "validation": evaluate(fit.model, validation),
            "test": evaluate(fit.model, test),
        }
        right[name] = np.asarray(fit.model.probabilities(test.images).argmax(axis=1) == test.labels)
    winner = choose_winner(models)
    results: dict[str, Any] = {"models": models, "winner": winner, "seed": 0}
    results["comparison"] = compare_on_test(right, winner, results["seed"])
    if crossval is not None:
        results["crossval"] = {crossval[0].name: _spread(*crossval)}
    results["conclusion"] = claims(results, right)
    return [" ".join(claim) for claim in sentences(results, lang or language())]


def _spread(result: CrossValidation, dataset: Dataset) -> Mapping[str, Any]:
    """As in results.json, but for the common test set, which the models of a cross-validation are not kept for."""
    seeds = [result.fits[0], *result.repeats] if result.repeats else []
    return summary(result, dataset.labels) | {
        "seed_runs": [{"accuracy": fit.accuracy} for fit in seeds],
        "test_std": None,
    }
