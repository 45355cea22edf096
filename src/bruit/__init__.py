"""bruit: which network reads noisy digit images, how far to trust it, and then the reading.

The public names; whatever is heavy is imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bruit.errors import BruitError, ConfigError, DataError, ModelError, RunError

if TYPE_CHECKING:
    from bruit.data.dataset import DataPair, Dataset, Example, Finding
    from bruit.data.sources import load
    from bruit.data.written import write_npy_folder
    from bruit.estimator import Classifier
    from bruit.models.zoo import describe_zoo
    from bruit.noise.recipes import apply as apply_recipe
    from bruit.noise.registry import corrupt
    from bruit.predictor import Predictor
    from bruit.reading.explain import Explanation, explain
    from bruit.reading.reader import Digit, Reader, Reading
    from bruit.report.robustness import plot_robustness, plot_severities
    from bruit.report.shown import (
        plot_accuracies,
        plot_confusion,
        plot_corruptions,
        plot_curves,
        plot_images,
        plot_mistakes,
    )
    from bruit.studies.check import Checkup, check
    from bruit.studies.compare import compare
    from bruit.studies.conclude import conclude
    from bruit.studies.evaluate import evaluate
    from bruit.studies.evaluate import find_model as load_model
    from bruit.studies.report import rebuild as rebuild_report
    from bruit.studies.robustness import robustness
    from bruit.studies.study import study
    from bruit.training.crossval import CrossValidation, cross_validate
    from bruit.training.fit import Fit, fit
    from bruit.training.learning import learning_curve
    from bruit.training.recipe import Augmentation, Recipe

__version__ = "0.1.0"

_HOMES = {
    "Augmentation": "bruit.training.recipe",
    "Checkup": "bruit.studies.check",
    "Classifier": "bruit.estimator",
    "CrossValidation": "bruit.training.crossval",
    "DataPair": "bruit.data.dataset",
    "Dataset": "bruit.data.dataset",
    "Digit": "bruit.reading.reader",
    "Example": "bruit.data.dataset",
    "Explanation": "bruit.reading.explain",
    "Finding": "bruit.data.dataset",
    "Fit": "bruit.training.fit",
    "Predictor": "bruit.predictor",
    "Reader": "bruit.reading.reader",
    "Reading": "bruit.reading.reader",
    "Recipe": "bruit.training.recipe",
    "apply_recipe": "bruit.noise.recipes:apply",
    "check": "bruit.studies.check",
    "compare": "bruit.studies.compare",
    "corrupt": "bruit.noise.registry",
    "conclude": "bruit.studies.conclude",
    "cross_validate": "bruit.training.crossval",
    "describe_zoo": "bruit.models.zoo",
    "evaluate": "bruit.studies.evaluate",
    "explain": "bruit.reading.explain",
    "fit": "bruit.training.fit",
    "learning_curve": "bruit.training.learning",
    "load": "bruit.data.sources",
    "load_model": "bruit.studies.evaluate:find_model",
    "plot_accuracies": "bruit.report.shown",
    "plot_confusion": "bruit.report.shown",
    "plot_corruptions": "bruit.report.shown",
    "plot_curves": "bruit.report.shown",
    "plot_images": "bruit.report.shown",
    "plot_mistakes": "bruit.report.shown",
    "plot_robustness": "bruit.report.robustness",
    "plot_severities": "bruit.report.robustness",
    "rebuild_report": "bruit.studies.report:rebuild",
    "robustness": "bruit.studies.robustness",
    "study": "bruit.studies.study",
    "write_npy_folder": "bruit.data.written",
}

__all__ = [
    "Augmentation",
    "BruitError",
    "Checkup",
    "Classifier",
    "ConfigError",
    "CrossValidation",
    "DataError",
    "DataPair",
    "Dataset",
    "Digit",
    "Example",
    "Explanation",
    "Finding",
    "Fit",
    "ModelError",
    "Predictor",
    "Reader",
    "Reading",
    "Recipe",
    "RunError",
    "__version__",
    "apply_recipe",
    "check",
    "compare",
    "conclude",
    "corrupt",
    "cross_validate",
    "describe_zoo",
    "evaluate",
    "explain",
    "fit",
    "learning_curve",
    "load",
    "load_model",
    "plot_accuracies",
    "plot_confusion",
    "plot_corruptions",
    "plot_curves",
    "plot_images",
    "plot_mistakes",
    "plot_robustness",
    "plot_severities",
    "rebuild_report",
    "robustness",
    "study",
    "write_npy_folder",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'bruit' has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    value = getattr(import_module(module), attribute or name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
