"""A made-up study, small to compute and true to the real thing: every figure comes from simulated probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from bruit.evaluation.comparison import choose_winner, compare_on_test, conclude
from bruit.evaluation.folds import compare_folds, summarise_crossval
from bruit.evaluation.power_law import learning_curve
from bruit.evaluation.summary import evaluate_split

MODELS = {
    "logistic": ("Logistic regression", "baseline", 0.62, 7_850),
    "knn": ("k-nearest neighbours", "baseline", 0.78, 0),
    "dnn": ("Dense network", "dense", 0.84, 235_146),
    "dnn-plus": ("Dense network, improved", "dense", 0.943, 1_346_570),
    "cnn": ("Convolutional network", "convolutional", 0.918, 39_754),
    "cnn-plus": ("Convolutional network, improved", "convolutional", 0.988, 278_106),
}
DIGITS = tuple("0123456789")


class Study(NamedTuple):
    results: dict[str, Any]
    samples: dict[str, np.ndarray]

    def save(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(folder / "samples.npz", allow_pickle=False, **self.samples)
        return folder


def blobs(rng: np.random.Generator, labels: np.ndarray, side: int) -> np.ndarray:
    """(N, side, side) uint8: a soft spot, the place of which depends on the class, under noise."""
    rows, columns = np.mgrid[:side, :side] / side
    angle = labels[:, None, None] * 2.4
    far = (rows - 0.5 - 0.25 * np.sin(angle)) ** 2 + (columns - 0.5 - 0.25 * np.cos(angle)) ** 2
    noise = rng.normal(0, 0.08, (len(labels), side, side))
    return np.rint(255 * np.clip(np.exp(-far / 0.02) + noise, 0, 1)).astype(np.uint8)


def probabilities(rng: np.random.Generator, labels: np.ndarray, n_classes: int, accuracy: float) -> np.ndarray:
    """(N, C) of a model that is about so accurate, and a little surer than it should be."""
    scores = rng.gumbel(size=(len(labels), n_classes)).astype(np.float64)
    wrong = (labels + 1 + rng.geometric(0.5, len(labels))) % n_classes
    hard = rng.random(len(labels)) > accuracy
    scores[np.arange(len(labels)), np.where(hard, wrong, labels)] += 5 + 3 * rng.random(len(labels))
    scores[np.arange(len(labels)), labels] += 3.2 * hard * rng.random(len(labels))
    exps = np.exp(scores * 0.8)
    return exps / exps.sum(axis=1, keepdims=True)


def history(rng: np.random.Generator, epochs: int, accuracy: float) -> list[dict[str, float]]:
    falls = np.exp(-np.arange(1, epochs + 1) / (epochs / 4))
    noise = rng.normal(0, 0.006, (2, epochs)) * np.linspace(1, 0.2, epochs)
    return [
        {
            "epoch": i + 1,
            "seconds": 3.1,
            "learning_rate": 0.001,
            "train_loss": float(3 * (1 - accuracy) + 1.6 * falls[i]),
            "train_accuracy": float(accuracy - 0.01 - 0.5 * falls[i]),
            "validation_loss": float(3.4 * (1 - accuracy) + falls[i] + abs(noise[0, i])),
            "validation_accuracy": float(accuracy - 0.35 * falls[i] - abs(noise[1, i])),
        }
        for i in range(epochs)
    ]


def make_study(classes: Sequence[str] = DIGITS, side: int = 28, n: int = 1000, folds: int = 5, seed: int = 0) -> Study:
    """A finished study of six models and two cross-validations on `n` test images."""
    rng = np.random.default_rng(seed)
    c = len(classes)
    labels = {split: rng.permutation(np.arange(size) % c) for split, size in
              (("test", n), ("validation", max(c, n // 2)), ("train", 5 * n))}  # fmt: skip
    samples = {
        "examples": np.stack([blobs(rng, np.full(8, i), side) for i in range(c)]),
        "means_train": np.stack([blobs(rng, np.full(40, i), side).mean(0) for i in range(c)]).astype(np.float32),
        "means_test": np.stack([blobs(rng, np.full(40, i), side).mean(0) for i in range(c)]).astype(np.float32),
    }
    correct, models = {}, {}
    for name, (title, family, accuracy, parameters) in MODELS.items():
        evaluated = {}
        for split in ("validation", "test"):
            probs = probabilities(rng, labels[split], c, accuracy)
            sharp = probs**1.4 / (probs**1.4).sum(axis=1, keepdims=True)
            ids = np.arange(len(probs))
            evaluated[split] = evaluate_split(probs, sharp, labels[split], classes, ids, detail=split == "test")
        correct[name] = probs.argmax(axis=1) == labels["test"]
        worst = [mistake["index"] for mistake in evaluated["test"]["worst_mistakes"]]
        samples[f"mistakes/{name}"] = blobs(rng, labels["test"][worst], side)
        network = family != "baseline"
        models[name] = {
            "title": title,
            "summary": f"{title}: one sentence about what it is made of and why.",
            "family": family,
            "parameters": parameters,
            "recipe": {"epochs": 8, "batch_size": 256, "optimizer": "adamw", "learning_rate": 0.003, "augment": True}
            if network
            else {"C": 1.0},
            "layers": ["convolution 24, 3 × 3", "batch normalisation", "ReLU", "dense 10"] if network else [],
            "train": {"seconds": 8 + 100 * rng.random(), "epochs": 8, "images_per_second": 12_345.6, "n": 5 * n},
            "history": history(rng, 8, accuracy) if network else [],
            "temperature": 1.07,
            **evaluated,
        }
    crossval = {name: _crossval(rng, labels["train"], c, folds, MODELS[name][2]) for name in ("dnn-plus", "cnn-plus")}
    winner = choose_winner(models)
    hard = [rng.random(2000) for _ in range(3)]
    curve = [
        {size: one < 2.5 * size**-0.5 for size in (5 * n // 27, 5 * n // 9, 5 * n // 3, 5 * n, 15 * n)} for one in hard
    ]
    results: dict[str, Any] = {
        "schema": 1,
        "status": "complete",
        "version": "0.1.0",
        "created": "2026-11-23T12:00:00+00:00",
        "command": "bruit study --out run --seed 0",
        "seed": 0,
        "quick": False,
        "seconds": 712.3,
        "dataset": {
            "name": "mnist+course",
            "fingerprint": "5f1d0c9a7be24410",
            "classes": list(classes),
            "shape": [side, side],
            "train": {"n": 5 * n, "counts": np.bincount(labels["train"], minlength=c).tolist()},
            "validation": {"n": len(labels["validation"])},
            "test": {"n": n, "counts": np.bincount(labels["test"], minlength=c).tolist()},
            "pixel_histogram": {
                "train": np.bincount(samples["examples"].ravel(), minlength=256).tolist(),
                "test": np.bincount(samples["examples"][:, ::2].ravel(), minlength=256).tolist(),
            },
            "findings": [
                {
                    "code": "scale-differs",
                    "severity": "warning",
                    "split": "both",
                    "message": "Training images are float in 0…1, test images uint8 in 0…255; each was put on 0…255.",
                    "figure": {"train_max": 1.0, "test_max": 255},
                },
                {"code": "shape", "severity": "info", "split": "train", "message": "(N, 28, 28, 1).", "figure": {}},
            ],
        },
        "models": models,
        "crossval": crossval,
        "learning_curve": {"cnn-plus": learning_curve(curve)},
        "winner": winner,
        "comparison": compare_on_test(correct, winner, 0),
        "crossval_comparison": compare_folds(crossval),
        "environment": {"python": "3.11.2", "torch": "2.13.0", "machine": "x86_64", "cores": 2, "precision": "bf16"},
    }
    results["conclusion"] = conclude(results, correct)
    return Study(results, samples)


def _crossval(rng: np.random.Generator, labels: np.ndarray, c: int, k: int, accuracy: float) -> dict[str, Any]:
    probs = probabilities(rng, labels, c, accuracy)
    right = probs.argmax(axis=1) == labels
    parts = np.array_split(np.arange(len(labels)), k)
    folds = [
        {
            "fold": i,
            "n": len(part),
            "n_train": len(labels) - len(part),
            "accuracy": float(right[part].mean()),
            "nll": float(-np.log(probs[part, labels[part]]).mean()),
            "seconds": 50 + rng.random(),
            "test_accuracy": accuracy + rng.normal(0, 0.001),
            "history": history(rng, 8, accuracy + rng.normal(0, 0.002)),
        }
        for i, part in enumerate(parts)
    ]
    first = folds[0]
    seeds = [
        {"seed": s, "accuracy": first["accuracy"] + 0.002 * s, "test_accuracy": first["test_accuracy"] - 0.001 * s}
        for s in range(3)
    ]
    return summarise_crossval(folds, seeds, probs, labels)


@pytest.fixture(scope="session")
def make() -> Callable[..., Study]:
    return make_study


@pytest.fixture(scope="session")
def study() -> Study:
    """The usual finished study; who changes it, copies it first."""
    return make_study()
