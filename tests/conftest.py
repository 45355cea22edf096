"""Small real data for all tests: some hundred images of the embedded MNIST, clean and under the course recipe."""

from __future__ import annotations

import os
import signal

# Networks this small only wait for each other's threads. It must be said before PyTorch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Whatever the person who runs the tests speaks.
os.environ["LANGUAGE"] = "en"
# A shell starts what runs in its background with Ctrl-C ignored, and so would be every program that the tests start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import copy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bruit.data.builtin import mnist
from bruit.data.dataset import DataPair, Dataset
from bruit.errors import BruitError
from bruit.noise.recipes import apply

NpyFolder = Callable[..., Path]
Refused = Callable[[type[BruitError], str], AbstractContextManager[None]]


def first_of_each_class(dataset: Dataset, n: int) -> Dataset:
    """The first n images of each class, in the order of the data set."""
    index = [np.flatnonzero(dataset.labels == label)[:n] for label in range(len(dataset.classes))]
    return dataset.subset(np.sort(np.concatenate(index)))


@pytest.fixture(scope="session")
def digits() -> DataPair:
    """600 training and 200 test images of MNIST, clean, as many of each class."""
    return DataPair("digits", first_of_each_class(mnist().train, 60), first_of_each_class(mnist().test, 20))


@pytest.fixture(scope="session")
def noisy(digits: DataPair) -> DataPair:
    """The same images under the course recipe."""
    return apply("course", digits)


@pytest.fixture
def npy_folder(tmp_path: Path, digits: DataPair) -> NpyFolder:
    """Writes the four files of a pair (of `digits`, if none is given) with numpy.save, and says where.

    npy_folder(test_images=array) writes that array instead; npy_folder(test_images=None) leaves the file out.
    """

    def write(pair: DataPair = digits, folder: str = "data", **instead: np.ndarray | None) -> Path:
        arrays = {
            "train_images": pair.train.images,
            "train_labels": pair.train.labels,
            "test_images": pair.test.images,
            "test_labels": pair.test.labels,
        }
        assert instead.keys() <= arrays.keys()
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        for name, array in (arrays | instead).items():
            if array is not None:
                np.save(tmp_path / folder / f"{name}.npy", array)
        return tmp_path / folder

    return write


@pytest.fixture
def refused() -> Refused:
    """`with refused(DataError, "the whole message"):` checks type and text, and that it is one line."""

    @contextmanager
    def expect(kind: type[BruitError], message: str) -> Iterator[None]:
        with pytest.raises(kind) as caught:
            yield
        assert str(caught.value) == message
        assert "\n" not in message

    return expect


@pytest.fixture(scope="session")
def zoo(digits: DataPair) -> dict[str, Any]:
    """Every model of the zoo after an epoch on some hundred images."""
    from bruit.models.zoo import ZOO
    from bruit.training.fit import fit

    return {name: fit(name, digits.train, epochs=1).model for name in ZOO}


@dataclass(frozen=True)
class Finished:
    """A tiny study from start to end.

    on_the_way    the results of each report that was written before the last
    test_read_in  the stages in which a model was shown a test image
    """

    run: Path
    data: Path
    results: dict[str, Any]
    on_the_way: list[dict[str, Any]]
    test_read_in: set[str]


@pytest.fixture(scope="session")
def finished(digits: DataPair, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A study of four models and one cross-validation in three folds; its training images are floats in 0…1."""
    import bruit
    from bruit.models.trained import Baseline, Network
    from bruit.report import report

    data, run = tmp_path_factory.mktemp("finished") / "digits", tmp_path_factory.mktemp("finished") / "run"
    data.mkdir()
    np.save(data / "train_images.npy", digits.train.images / np.float32(255))
    np.save(data / "train_labels.npy", digits.train.labels)
    np.save(data / "test_images.npy", digits.test.images)
    np.save(data / "test_labels.npy", digits.test.labels)

    secret = {image.tobytes() for image in digits.test.images}
    stages, on_the_way, test_read_in = ["start"], [], set()
    write = report.write

    def spied_write(folder: Path, results: dict[str, Any], lang: str = "en") -> Path:
        on_the_way.append(copy.deepcopy(results))
        return write(folder, results, lang)

    def spied(logits: Callable[..., Any]) -> Callable[..., Any]:
        def look(self: Any, images: np.ndarray, *more: Any) -> Any:
            if any(image.tobytes() in secret for image in images):
                test_read_in.add(stages[-1])
            return logits(self, images, *more)

        return look

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(report, "write", spied_write)
        for kind in (Baseline, Network):
            patch.setattr(kind, "logits", spied(kind.logits))
        results = bruit.study(
            data,
            run,
            models=("logistic", "knn", "dnn", "cnn"),
            crossval=("dnn",),
            folds=3,
            repeats=1,
            epochs=2,
            workers=1,
            on_stage=lambda stage: stages.append(stage.name),
        )
    return Finished(run, data, results, on_the_way[:-1], test_read_in)
