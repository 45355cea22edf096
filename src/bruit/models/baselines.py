"""Two cheap baselines from scikit-learn: what a model without layers makes of the same pixels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bruit.data.dataset import Dataset

Tensors = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Logistic:
    """Multinomial logistic regression on the pixels, L2-regularised, by L-BFGS."""

    regularisation: float = 1e-2
    iterations: int = 60

    def learn(self, train: Dataset) -> Tensors:
        """Weights (C, H·W) and biases (C,), float32, on pixels in 0…1."""
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=1 / self.regularisation / len(train), max_iter=self.iterations, tol=1e-3)
        with warnings.catch_warnings():
            # A fixed number of iterations is the recipe; what they leave on the table is less than the report's digits.
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(_rows(train.images), train.labels)
        weights, biases = model.coef_, model.intercept_
        if len(train.classes) == 2:  # scikit-learn keeps one row for two classes
            weights, biases = np.concatenate([-weights, weights]) / 2, np.concatenate([-biases, biases]) / 2
        # In the order in which they are stored: another one would change the last digits of their products.
        return {"weights": weights.astype(np.float32, order="C"), "biases": biases.astype(np.float32)}

    def log_probabilities(self, tensors: Tensors, images: NDArray[np.uint8], n_classes: int) -> NDArray[np.float32]:
        """Scores (N, C): log-probabilities but for a constant a row."""
        # Not as a matrix product: BLAS adds up in another order where an image stands elsewhere in its batch.
        return np.asarray(np.einsum("np,cp->nc", _rows(images), tensors["weights"]) + tensors["biases"], np.float32)


@dataclass(frozen=True)
class Neighbours:
    """k nearest neighbours by Euclidean distance of the pixels, votes weighted by closeness."""

    k: int = 5

    def learn(self, train: Dataset) -> Tensors:
        """Learning is remembering: images (N, H, W) uint8 and labels (N,) int64."""
        return {"images": np.ascontiguousarray(train.images), "labels": train.labels}

    def log_probabilities(self, tensors: Tensors, images: NDArray[np.uint8], n_classes: int) -> NDArray[np.float32]:
        """Logarithms (N, C) of the shares of votes."""
        from sklearn.neighbors import KNeighborsClassifier

        k = min(self.k, len(tensors["labels"]))
        model = KNeighborsClassifier(k, weights="distance", algorithm="brute").fit(
            _rows(tensors["images"]), tensors["labels"]
        )
        votes = np.zeros((len(images), n_classes), np.float32)
        votes[:, model.classes_] = model.predict_proba(_rows(images))
        # A class without a vote is not impossible: one more vote is shared among all classes.
        logs: NDArray[np.float32] = np.log((votes * k + np.float32(1 / n_classes)) / np.float32(k + 1))
        return logs


def _rows(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    return images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
