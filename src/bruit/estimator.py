"""The zoo's models as a scikit-learn classifier, for its cross-validation, searches, calibration and pipelines."""

from __future__ import annotations

import math
import operator
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from bruit.data.dataset import Dataset, Images
from bruit.errors import ConfigError, DataError
from bruit.locale import Sentence
from bruit.models.trained import PIXELS_AT_ONCE, new_model
from bruit.models.zoo import entry
from bruit.training.device import Precision, limited_threads
from bruit.training.fit import fit as train
from bruit.training.recipe import derived_seed
from bruit.training.splits import VALIDATION_PARTS, Index, validation_split

# Images that are read at once, always as many: see `Classifier.predict_proba`.
BATCH = 128
# PyTorch has one random stream and one number of threads for the whole process.
ALONE = threading.RLock()


class InputError(DataError, ValueError):
    """X or y that cannot be used as they are; a ValueError too, because that is what scikit-learn expects."""


class Classifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A model of the zoo as a scikit-learn estimator.

    model         its name, see `bruit models`
    epochs        instead of the recipe's own; None for these
    random_state  int, numpy.random.RandomState, or None to draw a seed from NumPy's global stream. The same int gives
                  the same weights as `bruit.fit` does with that seed, whatever n_jobs is: each training runs in one
                  thread
    image_shape   (height, width), for X of (N, features); None takes a square number of features as a square image,
                  any other as one line
    precision     "bf16" or "fp32"; None for what is faster on this machine

    X is (N, H, W), (N, H, W, 1) or (N, features). uint8 is taken as it is. All else (bool, integers, floats) is scaled
    so that the range of values seen in `fit` becomes 0…255, rounded to uint8; `range_` keeps that range, and what lies
    outside of it later is clipped. So floats in 0…1 give what their uint8 images give, if 0 and 1 both occur in `fit`.

    y is (N,) labels of any kind. As in `bruit.fit`, a tenth of each class is set apart for the calibration temperature
    and, where the recipe says so, to choose the best epoch. Classes of fewer than ten images are trained on in full; if
    fewer than 100 images are left to take tenths of, all are trained on and the temperature stays 1.

    After `fit`: classes_ (C,), n_features_in_ (pixels of an image), image_shape_ (height, width), range_ (low, high) or
    None for uint8, model_ (a Predictor), history_ (a row for each epoch).
    """

    def __init__(
        self,
        model: str = "cnn-plus",
        *,
        epochs: int | None = None,
        random_state: Any = 0,
        image_shape: tuple[int, int] | None = None,
        precision: Precision | None = None,
    ) -> None:
        self.model = model
        self.epochs = epochs
        self.random_state = random_state
        self.image_shape = image_shape
        self.precision = precision

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train on X, (N, H, W), (N, H, W, 1) or (N, features), and y, (N,) labels of two classes or more.

        Raises ValueError for X or y that cannot be used, ConfigError for a parameter that makes no sense, ModelError
        if training diverges.
        """
        entry(str(self.model))
        if self.precision not in (None, "bf16", "fp32"):
            raise ConfigError(
                'expected "bf16", "fp32" or None as precision, received {precision!r}', precision=self.precision
            )
        rows, given = _as_rows(X)
        rows, y = validate_data(self, rows, y)
        check_classification_targets(y)
        classes, labels = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise InputError(
                "expected 2 classes or more in y, received 1 class, {classes[0]}; add images of others", classes=classes
            )
        shape = _image_shape(self.image_shape, given, rows.shape[1])
        value_range = None if rows.dtype == np.uint8 else (float(rows.min()), float(rows.max()))
        images = _as_images(rows, value_range, shape)
        dataset = Dataset(images, labels.astype(np.int64), tuple(map(str, classes)), np.arange(len(images)))
        seed = _seed(self.random_state)
        held_out = _held_out(dataset, seed)
        with _alone():
            fitted = train(
                self.model,
                dataset.subset(np.setdiff1d(dataset.ids, held_out)),
                dataset.subset(held_out) if len(held_out) else dataset,
                epochs=self.epochs,
                seed=seed,
                precision=self.precision,
            )
        if len(held_out) == 0:  # what was trained on says nothing of how often the model errs
            fitted.model.temperature = 1.0
        self.classes_, self.image_shape_, self.range_ = classes, shape, value_range
        self.model_, self.history_ = fitted.model, fitted.history
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """X as in `fit` → (N, C) float32, each row summing to 1, columns in the order of `classes_`.

        An image's probabilities do not depend on the others in X, not even in their last digit: all are read in batches
        of one size, the last one filled up. Raises ValueError for X that cannot be used, NotFittedError before `fit`.
        """
        check_is_fitted(self)
        rows, given = _as_rows(X)
        rows = validate_data(self, rows, reset=False)
        (height, width), shape = self.image_shape_, given or self.image_shape_
        if shape != (height, width):
            raise InputError(
                "expected images of {height} × {width}, as in fit, received {shape[0]} × {shape[1]}",
                height=height,
                width=width,
                shape=shape,
            )
        images = _as_images(rows, self.range_, shape)
        size = max(1, min(BATCH, PIXELS_AT_ONCE // (height * width)))
        probabilities = np.empty((len(images), len(self.classes_)), np.float32)
        with _alone():
            for start in range(0, len(images), size):
                part = images[start : start + size]
                batch = np.zeros((size, height, width), np.uint8)
                batch[: len(part)] = part
                probabilities[start : start + size] = self.model_.probabilities(batch)[: len(part)]
        return probabilities

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """X as in `fit` → (N,) the most probable label of each image. Raises as `predict_proba` does."""
        probabilities = self.predict_proba(X)
        labels: NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return labels

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """For pickling: the model as arrays, so that one from a GPU can be read where there is none."""
        state = dict(super().__getstate__())
        if "model_" in state:
            model = state["model_"]
            about = (model.name, model.config, model.classes, model.input_shape)
            state["model_"] = (about, model.tensors())
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "model_" in state:
            about, tensors = state["model_"]
            with ALONE, torch.random.fork_rng(devices=[]):  # new weights are drawn, and replaced
                model = new_model(*about)
            model.load_tensors(tensors)
            state = state | {"model_": model}
        super().__setstate__(state)


@contextmanager
def _alone() -> Iterator[None]:
    """One thread, and no other training in this process, so that nothing but the seed enters the weights."""
    with ALONE, limited_threads(1):
        yield


def _as_rows(X: ArrayLike) -> tuple[ArrayLike, tuple[int, int] | None]:
    """What scikit-learn can validate: images as rows of pixels, with their (height, width); all else as it is."""
    array: Any = X if hasattr(X, "ndim") else np.asarray(X)
    if array.ndim < 3:
        return X, None
    shape = tuple(array.shape)
    if len(shape) > 4 or shape[3:] not in ((), (1,)):
        raise InputError("expected images as (N, H, W), (N, H, W, 1) or (N, features), received {shape}", shape=shape)
    n, height, width = shape[:3]
    return np.asarray(array).reshape(n, height * width), (height, width)


def _image_shape(asked: Any, given: tuple[int, int] | None, n_features: int) -> tuple[int, int]:
    """(height, width) of the images: as `asked` for, as they were `given`, or a square or a line of n_features."""
    if asked is None:
        side = math.isqrt(n_features)
        return given or ((side, side) if side * side == n_features else (1, n_features))
    try:
        height, width = (operator.index(side) for side in asked)
    except (TypeError, ValueError) as error:
        raise ConfigError("expected image_shape as (height, width), received {asked!r}", asked=asked) from error
    if min(height, width) < 1 or height * width != n_features or given not in (None, (height, width)):
        received = (
            Sentence("images of {given[0]} × {given[1]}", given=given)
            if given
            else Sentence("{n_features} features", n_features=n_features)
        )
        raise ConfigError(
            "expected images of {height} × {width}, as image_shape says, received {received}",
            height=height,
            width=width,
            received=received,
        )
    return height, width


def _as_images(rows: NDArray[Any], value_range: tuple[float, float] | None, shape: tuple[int, int]) -> Images:
    """(N, H·W) of any type → (N, H, W) uint8, a copy: uint8 as it is, other values by the range seen in fit."""
    if rows.dtype == np.uint8:
        return np.array(rows).reshape(-1, *shape)
    if value_range is None:
        if rows.dtype.kind == "f":
            raise InputError(
                "expected X as uint8, as in fit, received {rows.dtype}; convert it, or fit on floats", rows=rows
            )
        value_range = (0.0, 255.0)
    low, high = value_range
    unit = 1.0 if math.isfinite(high - low) else 0.5  # the span of the largest numbers is none itself
    span = (high * unit - low * unit) or 1.0
    pixels = np.empty(rows.shape, np.uint8)
    for start in range(0, len(rows), 4096):
        part = slice(start, start + 4096)
        with np.errstate(over="ignore"):
            scaled = (rows[part].astype(np.float64) * unit - low * unit) / span * 255
        pixels[part] = np.rint(scaled).clip(0, 255)
    return pixels.reshape(-1, *shape)


def _seed(random_state: Any) -> int:
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def _held_out(dataset: Dataset, seed: int) -> Index:
    """Index of the images for the temperature: those of `bruit.fit`, but none of rare classes or from few images."""
    frequent = dataset.counts >= VALIDATION_PARTS
    members = np.flatnonzero(frequent[dataset.labels])
    if len(members) < VALIDATION_PARTS**2:
        return members[:0]
    labels = (np.cumsum(frequent) - 1)[dataset.labels[members]]
    names = tuple(np.array(dataset.classes)[frequent])
    enough = Dataset(dataset.images[members], labels, names, dataset.ids[members])
    return members[validation_split(enough, derived_seed(seed, "validation"))[1]]
