"""Models on disk: config.json and weights.safetensors, read without executing anything."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load as decode
from safetensors.numpy import save as encode

from bruit.errors import DataError, ModelError
from bruit.files import read_bytes, read_json, write_atomically, write_json
from bruit.models.baselines import Logistic, Neighbours, Tensors
from bruit.models.networks import Convolutional, Dense, Ensemble, Normalised
from bruit.models.trained import Baseline, Network, Together, Trained, new_model
from bruit.models.zoo import Config
from bruit.seals import SEAL, refuse_broken

SCHEMA = 1
CHECKSUM = "sha256"
KINDS: dict[str, Callable[..., Config]] = {
    kind.__name__: kind for kind in (Logistic, Neighbours, Dense, Convolutional, Normalised)
}


def save_model(model: Trained, folder: Path, about: dict[str, Any]) -> None:
    """Write config.json (what it is, and `about`: how it came to be) and weights.safetensors, the weights first."""
    write_tensors(folder / "weights.safetensors", model.tensors())
    config = {
        "schema": SCHEMA,
        "name": model.name,
        **_plain(model.config),
        "classes": model.classes,
        "input_shape": model.input_shape,
        "temperature": model.temperature,
        "views": model.views,
    }
    write_json(folder / "config.json", config | about)


def load_model(folder: str | Path) -> Trained:
    """Read a model that a study or `bruit train` wrote. Raises ModelError if it is missing, damaged or not bruit's."""
    folder = Path(folder)
    if not (folder / "config.json").is_file():
        raise ModelError("{folder} holds no model (config.json is missing); expected RUN/models/NAME", folder=folder)
    try:
        refuse_broken(folder, "config.json", "weights.safetensors")
    except DataError as error:
        raise ModelError(
            "{error}; train the model again, or delete {seal} if the change was meant",
            error=error,
            seal=folder / SEAL,
        ) from error
    tensors = read_tensors(folder / "weights.safetensors")
    try:
        stored = read_json(folder / "config.json")
        height, width = (int(side) for side in stored["input_shape"])
        name, classes = str(stored["name"]), tuple(str(label) for label in stored["classes"])
        n = stored.get("train", {}).get("n")
        seen, augmented = tuple(map(str, stored.get("seen", ()))), bool(stored.get("augmented", False))
        config = _config(stored)
        if _size(config, (height, width), len(classes)) > sum(array.size for array in tensors.values()):
            raise ModelError("the weights of {name} do not fit its config; they come from another model", name=name)
        model = new_model(name, config, classes, (height, width))
        if (views := stored.get("views", 1)) != 1:
            if isinstance(model, Baseline):
                raise ValueError(f"{name} with views")
            model.views = views
    except (DataError, LookupError, TypeError, ValueError, AttributeError, RuntimeError, ArithmeticError) as error:
        raise ModelError("{path} is not a model's description; train it again", path=folder / "config.json") from error
    model.load_tensors(tensors)
    model.source, model.trained_on = str(folder), n if isinstance(n, int) else None
    model.seen, model.augmented = seen, augmented
    return model


def load_together(folders: Sequence[Path], suffix: str) -> Together:
    """The networks in `folders`, which read together, called as they are and `suffix`. Raises ModelError as
    `load_model`.
    """
    members: list[Network] = []
    for folder in folders:
        member = load_model(folder)
        if not isinstance(member, Network):
            raise ModelError("{folder} holds no network, which is all that reads together", folder=folder)
        if members and _kind(member) != _kind(members[0]):
            raise ModelError("{folder} holds another network than {first}", folder=folder, first=folders[0])
        members.append(member)
    first = members[0]
    together = Together(first.name + suffix, members)
    together.trained_on, together.seen, together.augmented = first.trained_on, first.seen, first.augmented
    return together


def _kind(network: Network) -> tuple[Any, ...]:
    """What is alike of networks that may read together."""
    return network.config, network.classes, network.input_shape, network.views


def _plain(config: Config) -> dict[str, Any]:
    """A config as JSON has it: its "kind" and its values; of an ensemble those of a member, and their number."""
    if isinstance(config, Ensemble):
        return {"kind": Ensemble.__name__, "config": {"member": _plain(config.member), "n": config.n}}
    return {"kind": type(config).__name__, "config": dataclasses.asdict(config)}


def _config(plain: dict[str, Any]) -> Config:
    """The config of which `_plain` was made. Raises LookupError, TypeError or ValueError for something else."""
    kind, values = plain["kind"], plain["config"]
    if kind == Ensemble.__name__:
        member, n = _config(values["member"]), values["n"]
        if isinstance(member, Logistic | Neighbours | Ensemble) or not isinstance(n, int) or n < 1:
            raise ValueError(f"an ensemble of {n} {values['member']['kind']}")
        return Ensemble(member, n)
    return KINDS[kind](**{name: tuple(one) if isinstance(one, list) else one for name, one in values.items()})


def _size(config: Config, shape: tuple[int, int], n_classes: int) -> int:
    """How many numbers a network learns, found out without making room for them."""
    if isinstance(config, Logistic | Neighbours):
        return 0
    if isinstance(config, Ensemble):
        return config.n * _size(config.member, shape, n_classes)
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in config.build(shape, n_classes).parameters())


def write_tensors(path: Path, tensors: Tensors) -> None:
    """Write arrays by name, atomically, with their checksum."""
    contiguous = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    content = encode(contiguous, {CHECKSUM: _checksum(contiguous)})
    write_atomically(path, lambda file: file.write(content))


def read_tensors(path: Path) -> Tensors:
    """Read arrays by name. Raises ModelError for a missing or damaged file."""
    try:
        content = read_bytes(path)
        tensors: Tensors = dict(decode(content))
        stored = _metadata(content).get(CHECKSUM)
        if stored not in (None, _checksum(tensors)):  # other programs write none
            raise ValueError("its checksum is another")
    except OSError as error:
        raise ModelError(
            "cannot read {path}: {error.strerror}; train the model again", path=path, error=error
        ) from error
    except (SafetensorError, ValueError) as error:
        raise ModelError("{path} is damaged; train the model again", path=path) from error
    return tensors


def _metadata(content: bytes) -> dict[str, str]:
    """What stands beside the tensors in the header of a safetensors file that could be decoded."""
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return dict(header.get("__metadata__") or {})


def _checksum(tensors: Tensors) -> str:
    sum_ = hashlib.sha256()
    for name, array in sorted(tensors.items()):
        sum_.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        sum_.update(array.tobytes())
    return sum_.hexdigest()
