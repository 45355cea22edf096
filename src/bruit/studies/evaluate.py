"""One model on one data set: the figures that a study gives, for a model that is there already."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bruit.data import room
from bruit.data.dataset import DataPair, Dataset, Images
from bruit.data.sources import DEFAULT, load
from bruit.errors import ConfigError, DataError, ModelError
from bruit.evaluation.calibration import without_temperature
from bruit.evaluation.summary import evaluate_split
from bruit.files import read_npy
from bruit.locale import Sentence, mark
from bruit.models.store import load_model, load_together
from bruit.models.trained import Trained
from bruit.outside.brought import Brought, bring, is_file_of_a_model
from bruit.predictor import Predictor
from bruit.studies.outside import load_kept
from bruit.studies.places import FOLDS, SHIPPED, folder_of, graph_that_comes_with_bruit
from bruit.training.crossval import REQUEST as CROSS_VALIDATION

# Images that are handed to a model at once.
AT_ONCE = 2**14

SEEN = mark("mnist, clean and under course, all of MNIST-C and n-MNIST, drawn anew each epoch")


def find_model(
    model: str | Path, *, scale: str | None = None, classes: Sequence[str] | None = None
) -> Trained | Brought:
    """The model that `model` names: RUN (its winner), RUN:NAME, RUN:NAME-folds (the fold models of a cross-validation,
    which read together), a folder that `bruit train` or `bruit crossval` wrote, FILE.keras, FILE.onnx, or one that
    comes with bruit.

    scale    0-255, 0-1, -1-1 or mnist: what the pixels of a file that does not say it itself were made of
    classes  their names, in the order of its outputs, if they are not 0, 1, …; of a file that does not say it itself

    Raises ModelError where there is no such model or it cannot be used, ConfigError where a file needs more to be said.
    """
    if not isinstance(model, str | Path) or not str(model):
        kind = Sentence("an empty text") if isinstance(model, str) else type(model).__name__
        raise ModelError("expected the name or the path of a model, received {kind}; see bruit.load_model", kind=kind)
    if is_file_of_a_model(model):
        return bring(model, scale=scale, classes=classes)
    if scale is not None or classes is not None:
        raise ConfigError(
            "a model of bruit's own says its scale and its classes itself; leave out {what}",
            what=("--scale" if scale is not None else "--classes"),
        )
    graph = graph_that_comes_with_bruit(model)
    if graph is not None and str(model) not in SHIPPED:
        return bring(graph, name=str(model))
    folder = folder_of(str(model))
    if (folder / "folds.npy").is_file():
        k = int(np.max(read_npy(folder / "folds.npy"), initial=0)) + 1
        together = load_together([folder / f"fold-{fold}" for fold in range(k)], FOLDS)
        together.source = str(model)
        return together
    if (folder / CROSS_VALIDATION).is_file():
        raise ModelError("the cross-validation in {folder} is not finished; the same command goes on", folder=folder)
    found = load_kept(folder) or load_model(folder)
    if isinstance(found, Trained):
        found.source = str(model)
    return found


def evaluate(
    model: str | Path | Predictor,
    data: str | Path | DataPair | Dataset = DEFAULT,
    *,
    scale: str | None = None,
    classes: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Accuracy with its interval, NLL, ECE, confusion matrix and more of a model on a data set (a pair's test part).

    model           robust, RUN, RUN:NAME, a folder that `bruit train` wrote, FILE.keras, FILE.onnx, or any Predictor
    data            see `bruit.load`; or a Dataset
    scale, classes  see `bruit.load_model`

    Returns the dict of results.json's models.NAME.test. Raises ModelError or DataError if the two do not fit together.
    """
    predictor = model if isinstance(model, Predictor) else find_model(model, scale=scale, classes=classes)
    dataset = data if isinstance(data, Dataset) else load(data).test
    labels = labels_for(predictor, dataset)
    probabilities, uncalibrated = predicted(predictor, dataset.images)
    return evaluate_split(probabilities, uncalibrated, labels, predictor.classes, dataset.ids, detail=True)


def labels_for(predictor: Predictor, dataset: Dataset) -> NDArray[np.int64]:
    """(N,) labels as the model numbers its classes. Raises DataError if data and model do not fit together."""
    unknown = [name for name in dataset.classes if name not in predictor.classes]
    if unknown:
        raise DataError(
            "the model knows the classes {classes}; the data also has {unknown}; take other data, or, of a file, say "
            "its classes with --classes",
            classes=", ".join(predictor.classes),
            unknown=", ".join(unknown),
        )
    if dataset.shape != predictor.input_shape:
        expected, received = (f"{h} × {w}" for h, w in (predictor.input_shape, dataset.shape))
        raise DataError(
            "the model reads images of {expected} pixels, the data has {received}; resize them first",
            expected=expected,
            received=received,
        )
    # A data set need not hold every class that the model knows, nor number them alike.
    index = np.array([predictor.classes.index(name) for name in dataset.classes])
    labels: NDArray[np.int64] = index[dataset.labels]
    return labels


def predicted(predictor: Predictor, images: Images) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(N, C) probabilities with and without the temperature, block by block: the images may be more than memory."""
    temperature = getattr(predictor, "temperature", 1.0)
    calibrated, plain = (room.empty((len(images), len(predictor.classes)), np.float32) for _ in range(2))
    for start in range(0, len(images), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        given = np.asarray(predictor.probabilities(images[part]))
        if given.shape != calibrated[part].shape:
            raise ModelError(
                "the model gives {given.shape} for {n:,} images of {classes} classes; it should be one row an image",
                given=given,
                n=len(images[part]),
                classes=len(predictor.classes),
            )
        calibrated[part] = given
        plain[part] = without_temperature(calibrated[part], temperature)
    return calibrated, plain
