"""The report's figures of what is at hand in Python: a data set, a training, a test. For notebooks and scripts.

Each function gives a matplotlib Figure, which a notebook shows after `%matplotlib inline` and `figure.savefig` writes.
`lang` is the language of labels and numbers ("en", "fr"); by default that of the machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from bruit.data.dataset import Dataset, refuse_no_dataset
from bruit.errors import ConfigError, DataError
from bruit.locale import language, translator
from bruit.noise.registry import CORRUPTIONS, corrupt
from bruit.report.files import refuse_file, write_png
from bruit.report.style import OPAQUE, drawing, looks
from bruit.training.crossval import CrossValidation
from bruit.training.fit import Fit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUANTITIES = ("accuracy", "loss")


def plot_images(dataset: Dataset, n: int = 10, *, lang: str | None = None) -> Figure:
    """The first n images of each class that has some, a row for each; fewer where a class has fewer."""
    refuse_no_dataset(dataset)
    there = np.flatnonzero(dataset.counts)
    n = max(1, min(n, *dataset.counts[there]))
    images = np.stack([dataset.images[np.flatnonzero(dataset.labels == label)[:n]] for label in there])
    with drawing(OPAQUE):
        from bruit.report import sheets

        return sheets.examples(images, [dataset.classes[label] for label in there], lang or language())


def plot_curves(
    trained: Fit | CrossValidation, quantity: Literal["accuracy", "loss"] = "accuracy", *, lang: str | None = None
) -> Figure:
    """Accuracy or loss in training and validation, epoch by epoch; of a cross-validation the curves of every fold.

    Raises ConfigError for another quantity, DataError for a model without epochs (a baseline).
    """
    if not isinstance(trained, Fit | CrossValidation):
        raise DataError(
            "expected what bruit.fit or bruit.cross_validate gave, received {kind}", kind=type(trained).__name__
        )
    if quantity not in QUANTITIES:
        raise ConfigError("expected accuracy or loss, received {quantity}", quantity=quantity)
    with drawing(OPAQUE):
        from bruit.report import plots

        if isinstance(trained, CrossValidation):
            name, histories = trained.name, [fit.history for fit in trained.fits]
        else:
            name, histories = trained.model.name, [trained.history]
        if not all(histories):
            raise DataError("{name} is learned at once, without epochs: there is no curve to draw", name=name)
        look, lang = looks([name])[name], lang or language()
        if isinstance(trained, CrossValidation):
            return plots.fold_curves(histories, quantity, look, lang)
        return plots.curves(histories[0], quantity, look, lang)


def plot_confusion(figures: Mapping[str, Any], name: str = "", *, lang: str | None = None) -> Figure:
    """The confusion matrix in what `bruit.evaluate` gave: rows are true classes, columns predicted ones.

    name  of the model, which decides the colour
    """
    _refuse_no_figures(figures)
    with drawing(OPAQUE):
        from bruit.report import plots

        classes = [row["class"] for row in figures["per_class"]]
        return plots.confusion(figures["confusion"], classes, looks([name])[name], lang or language())


def plot_mistakes(figures: Mapping[str, Any], dataset: Dataset, n: int = 10, *, lang: str | None = None) -> Figure:
    """The surest mistakes that `bruit.evaluate` found in `dataset`, n at most: true class → what was read · how sure.

    Raises DataError if there are none.
    """
    _refuse_no_figures(figures)
    refuse_no_dataset(dataset)
    mistakes = figures["worst_mistakes"][:n]
    if not mistakes:
        raise DataError("there is no mistake to draw: all {n:,} images were read correctly", n=figures["n"])
    with drawing(OPAQUE):
        from bruit.report import sheets
        from bruit.report.figures import mistake_words

        lang = lang or language()
        captions = [mistake_words(mistake, lang) for mistake in mistakes]
        return sheets.mistakes(dataset.images[[mistake["index"] for mistake in mistakes]], captions, lang)


def plot_accuracies(figures: Mapping[str, Mapping[str, Any]], *, lang: str | None = None) -> Figure:
    """The accuracy of each model with its 95 % interval, most accurate first: {name: what `bruit.evaluate` gave}."""
    for one in figures.values() if isinstance(figures, Mapping) else [figures]:
        _refuse_no_figures(one)
    with drawing(OPAQUE):
        from bruit.report import plots

        lang = lang or language()
        look = looks(figures)
        rows = [
            {"title": name, "look": look[name], "accuracy": one["accuracy"], "ci95": one["accuracy_ci95"]}
            for name, one in sorted(figures.items(), key=lambda item: -item[1]["accuracy"])
        ]
        return plots.accuracies(rows, translator(lang).gettext("Accuracy (%)"), lang)


def plot_corruptions(images: NDArray[np.uint8], *, seed: int = 0, lang: str | None = None) -> Figure:
    """Every corruption at every severity on the same images, (N, H, W) uint8 side by side."""
    rows = []
    for name, corruption in CORRUPTIONS.items():
        made = [corrupt(images, name, severity, seed) for severity in corruption.severities or (None,)]
        rows.append(np.stack([np.concatenate(list(one), axis=1) for one in made]))
    with drawing(OPAQUE):
        from bruit.report import sheets

        return sheets.corruptions(rows, list(CORRUPTIONS), lang or language())


def write_corruptions(path: Path, force: bool) -> None:
    """The same of two digits of the embedded MNIST as a PNG. Raises RunError if the file is there, unless `force`."""
    from bruit.data.builtin import mnist

    refuse_file(path, ".png", force)
    write_png(path, plot_corruptions(mnist().test.images[[0, 7]]))


def _refuse_no_figures(figures: object) -> None:
    """Raise DataError for what is no figures of a model on a test set."""
    if not isinstance(figures, Mapping) or not {"accuracy", "per_class"} <= figures.keys():
        raise DataError("expected what bruit.evaluate gave, received {kind}", kind=type(figures).__name__)
