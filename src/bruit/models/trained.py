"""Trained models as Predictors: a network, several that read together, or one of scikit-learn's baselines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from bruit.data.dataset import Images
from bruit.errors import ModelError
from bruit.evaluation.calibration import apply_temperature, log_probabilities
from bruit.locale import mark
from bruit.models import networks
from bruit.models.baselines import Logistic, Neighbours, Tensors
from bruit.models.networks import Ensemble
from bruit.models.zoo import Config
from bruit.predictor import refuse_other_images
from bruit.training.device import Precision, choose_device

# Pixels that are read at once: few enough that what a network makes of them stays small.
PIXELS_AT_ONCE = 256 * 28 * 28


class Trained(ABC):
    """What both kinds share: a name, classes, an input size, a temperature, and probabilities from raw pixels.

    trained_on, source  how many images it has learned from, and where it was read from, as far as that is known
    seen                names of the data that it has learned from, one after the other; none where that is not known
    augmented           whether these were turned, shifted and the like at random as it learned
    views               it gives the mean of so many views of an image, shifted by up to a pixel; 1: the image alone
    """

    temperature: float
    views: int = 1
    trained_on: int | None = None
    source: str | None = None
    seen: tuple[str, ...] = ()
    augmented: bool = False

    def __init__(self, name: str, config: Config, classes: tuple[str, ...], shape: tuple[int, int]) -> None:
        self.name, self.config, self.classes, self.input_shape = name, config, tuple(classes), shape

    @abstractmethod
    def logits(self, images: Images) -> NDArray[np.float32]:
        """(N, H, W) uint8 → (N, C) float32, divided by the temperature."""

    def probabilities(self, images: Images) -> NDArray[np.float32]:
        """(N, H, W) uint8 → (N, C) float32, each row summing to 1. Raises DataError for other shapes or types."""
        refuse_other_images(self.name, self.input_shape, images)
        if len(images) == 0:
            return np.empty((0, len(self.classes)), np.float32)
        return apply_temperature(self.logits(np.ascontiguousarray(images)), 1.0)

    @abstractmethod
    def tensors(self) -> Tensors:
        """All that was learned, by name."""

    @abstractmethod
    def load_tensors(self, tensors: Tensors) -> None:
        """Take over what `tensors()` of a model with the same config gave. Raises ModelError if it does not fit."""


class Network(Trained):
    """A network of PyTorch's.

    precision  in which it is trained
    """

    def __init__(
        self,
        name: str,
        config: Config,
        classes: tuple[str, ...],
        shape: tuple[int, int],
        precision: Precision = "fp32",
    ) -> None:
        super().__init__(name, config, classes, shape)
        assert not isinstance(config, Logistic | Neighbours | Ensemble)
        self.precision = precision
        body = config.build(shape, len(classes))
        self.device = choose_device()
        self.module = networks.Reading(body).to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def parameters(self) -> int:
        return sum(parameter.numel() for parameter in self.module.parameters())

    @property
    def layers(self) -> list[str]:
        views = [] if self.views == 1 else [networks.AVERAGED]
        return [*networks.describe(self.module.body), *views]

    @property
    def views(self) -> int:
        n: int = self.module.n_views
        return n

    @views.setter
    def views(self, n: int) -> None:
        if type(n) is not int or n not in networks.VIEWS:
            raise ValueError(n)
        self.module.n_views = n

    @property
    def temperature(self) -> float:
        return float(self.module.temperature)

    @temperature.setter
    def temperature(self, value: float) -> None:
        self.module.temperature.fill_(value)

    def logits(self, images: Images, precision: Precision = "fp32") -> NDArray[np.float32]:
        """In float32, so that a model says the same on every machine, and as a file for other programs."""
        self.module.eval()
        autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=precision == "bf16")
        batch = max(1, PIXELS_AT_ONCE // (self.input_shape[0] * self.input_shape[1] * self.views))
        with torch.inference_mode(), autocast:
            parts = [
                self.module(torch.tensor(images[start : start + batch], device=self.device)).float()
                for start in range(0, len(images), batch)
            ]
        return torch.cat(parts).cpu().numpy()  # a GPU is waited for once

    def tensors(self) -> Tensors:
        return {name: tensor.detach().cpu().contiguous().numpy() for name, tensor in self.module.state_dict().items()}

    def load_tensors(self, tensors: Tensors) -> None:
        try:
            self.module.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in tensors.items()})
        except RuntimeError as error:
            raise ModelError(
                "the weights of {name} do not fit its config; they come from another model", name=self.name
            ) from error


class Together(Trained):
    """Networks that read together: the mean of what each makes of an image, by its own temperature.

    members      Networks of one config, classes and size
    temperature  of the mean, on top of theirs
    """

    def __init__(self, name: str, members: Sequence[Network]) -> None:
        first = members[0]
        assert not isinstance(first.config, Logistic | Neighbours | Ensemble)
        super().__init__(name, Ensemble(first.config, len(members)), first.classes, first.input_shape)
        self.members = tuple(members)
        self.temperature = 1.0

    @property
    def parameters(self) -> int:
        return sum(member.parameters for member in self.members)

    @property
    def layers(self) -> list[str]:
        """Those of one member."""
        return self.members[0].layers

    @property
    def views(self) -> int:
        """Of each member."""
        return self.members[0].views

    @views.setter
    def views(self, n: int) -> None:
        for member in self.members:
            member.views = n

    def logits(self, images: Images) -> NDArray[np.float32]:
        total = np.zeros((len(images), len(self.classes)), np.float32)
        for member in self.members:
            total += apply_temperature(member.logits(images), 1.0)
        return (log_probabilities(total / len(self.members)) / self.temperature).astype(np.float32)

    def tensors(self) -> Tensors:
        named = {f"{n}.{name}": array for n, one in enumerate(self.members) for name, array in one.tensors().items()}
        return named | {"temperature": np.array(self.temperature, np.float32)}

    def load_tensors(self, tensors: Tensors) -> None:
        parts: list[Tensors] = [{} for _ in self.members]
        try:
            for name, array in tensors.items():
                if name != "temperature":
                    n, _, own = name.partition(".")
                    parts[int(n)][own] = array
            self.temperature = float(tensors["temperature"])
        except (LookupError, ValueError, TypeError) as error:
            raise ModelError(
                "the weights of {name} do not fit its config; they come from another model", name=self.name
            ) from error
        for member, part in zip(self.members, parts, strict=True):
            member.load_tensors(part)


class Baseline(Trained):
    """One of scikit-learn's."""

    LAYERS: ClassVar[dict[type, list[str]]] = {
        Logistic: [mark("one weight for each pixel and class")],
        Neighbours: [mark("all training images, kept")],
    }

    def __init__(self, name: str, config: Config, classes: tuple[str, ...], shape: tuple[int, int]) -> None:
        super().__init__(name, config, classes, shape)
        assert isinstance(config, Logistic | Neighbours)
        self.learner = config
        self.temperature = 1.0
        self.layers = self.LAYERS[type(config)]
        self.learned: Tensors = {}

    @property
    def parameters(self) -> int:
        return 0 if isinstance(self.config, Neighbours) else sum(array.size for array in self.learned.values())

    def logits(self, images: Images) -> NDArray[np.float32]:
        logs = self.learner.log_probabilities(self.learned, images, len(self.classes))
        return logs / np.float32(self.temperature)

    def tensors(self) -> Tensors:
        return self.learned | {"temperature": np.array([self.temperature])}

    def load_tensors(self, tensors: Tensors) -> None:
        self.learned = dict(tensors)
        try:
            self.temperature = float(self.learned.pop("temperature")[0])
            trial = self.logits(np.zeros((1, *self.input_shape), np.uint8))
            if trial.shape != (1, len(self.classes)):
                raise ValueError(f"{trial.shape[1]} classes")
        except (KeyError, IndexError, ValueError) as error:
            raise ModelError(
                "the weights of {name} do not fit its config; they come from another model", name=self.name
            ) from error


def new_model(
    name: str, config: Config, classes: tuple[str, ...], shape: tuple[int, int], precision: Precision = "fp32"
) -> Network | Together | Baseline:
    """An untrained model; networks draw their first weights from PyTorch's current random stream."""
    if isinstance(config, Ensemble):
        return Together(name, [Network(name, config.member, classes, shape, precision) for _ in range(config.n)])
    if isinstance(config, Logistic | Neighbours):
        return Baseline(name, config, classes, shape)
    return Network(name, config, classes, shape, precision)
