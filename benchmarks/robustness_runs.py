"""What robustness.py and best.py do with a setting: train it once, judge it once, and keep both in its folder."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from evened import Evened, evened
from keras_peer import TEST_LOG, machine, record_test_evaluations
from noisy_sets import BENCHMARK, benchmark, figures, readings

import bruit
from bruit.errors import BruitError, DataError, RunError
from bruit.files import read_json, read_npy, write_json, write_npy
from bruit.models.zoo import entry
from bruit.noise.draws import Draws
from bruit.noise.mixture import Mixture, mix
from bruit.outside.brought import Brought
from bruit.studies.evaluate import labels_for
from bruit.training.claim import claim
from bruit.training.loop import CHECKPOINTS
from bruit.training.recipe import Augmentation, Recipe, derived_seed
from bruit.training.start import digest
from bruit.training.stored import drop_damaged

MODEL, DEV, VALIDATION = "cnn-plus", 10_000, 2_000
REQUEST, RESULT = "training.json", "result.json"


def zoos(model: str = MODEL, best: bool = False) -> Recipe:
    """The zoo's own recipe of `model`, or that at its best."""
    recipe = entry(model).recipe_for(best)
    assert recipe is not None
    return recipe


@dataclass(frozen=True)
class Setting:
    """One training and what it is judged by.

    says     what it is, in a sentence
    noise    what becomes of a training image, drawn anew each epoch; None: it stays clean
    judged   the sets that its model is judged by
    base     the recipe of which epochs, noise and augmentation are replaced
    model    of the zoo
    data     what the images are of, see `split`
    evened   the model is shown all images prepared, see evened.py
    """

    name: str
    says: str
    noise: Mixture | None
    judged: tuple[str, ...]
    epochs: int
    augmentation: Augmentation | None = None
    base: Recipe = field(default_factory=zoos)
    model: str = MODEL
    data: str = "mnist"
    evened: bool = False

    def recipe(self, epochs: int | None = None) -> Recipe:
        return replace(self.base, epochs=epochs or self.epochs, noise=self.noise, augmentation=self.augmentation)


class Split(NamedTuple):
    """The images of a setting."""

    train: bruit.Dataset
    validation: bruit.Dataset
    judged: bruit.Dataset


def split(test: bool, images: int | None = None, data: str = "mnist") -> Split:
    """The embedded MNIST, clean or noised once (mnist+course), or the first so many images of each part."""
    pair = bruit.load(data)
    known = pair.train if test else pair.train.subset(slice(0, -DEV))
    judged = pair.test if test else pair.train.subset(slice(-DEV, None))
    parts = (known.subset(slice(0, -VALIDATION)), known.subset(slice(-VALIDATION, None)), judged)
    return Split(*(part.subset(slice(images)) for part in parts))


def under(noise: Mixture | None, images: bruit.Dataset, seed: int) -> bruit.Dataset:
    """Validation images under the noise of the training, made once."""
    if noise is None:
        return images
    draws = Draws(derived_seed(seed, "noise of validation"), noise.stream, images.ids)
    return replace(images, images=mix(noise, images.images, draws))


def run(setting: Setting, images: Split, asked: argparse.Namespace, deadline: float) -> dict[str, Any]:
    """The result of a setting: the one that is there, or what its training, begun or gone on with, comes to.

    Raises RunError if its folder was begun with other settings, or where the deadline passes.
    """
    assert not setting.evened or setting.noise is None  # noise falls on images, not on what is made of them
    folder = place(asked) / setting.name
    recipe = setting.recipe(asked.epochs)
    request = {
        "setting": setting.name,
        "model": setting.model,
        "data": setting.data,
        "evened": setting.evened,
        "recipe": json.loads(json.dumps(asdict(recipe))),
        "judged": list(setting.judged),
        "images": {name: len(part) for name, part in images._asdict().items()},
        "seed": asked.seed,
    }
    with claim(folder, REQUEST, request, resume=True):
        if not (folder / RESULT).is_file():
            drop_damaged(folder)
            if not (folder / "config.json").is_file():
                train(setting, recipe, images, folder, asked.seed, deadline)
            trained = bruit.load_model(folder)
            model = Evened(trained) if setting.evened else trained
            log(asked, f"{setting.model}, {setting.name}", len(setting.judged))
            given = readings(model, images.judged, setting.judged, asked.seed)
            labels = labels_for(model, images.judged)
            write_npy(folder / "readings.npy", given)
            write_npy(folder / "labels.npy", labels)
            told = {"says": setting.says, "figures": figures(setting.judged, given, labels)}
            config = read_json(folder / "config.json")
            told |= {key: config[key] for key in ("train", "temperature")}
            write_json(folder / RESULT, request | told | about(asked))
        return dict(read_json(folder / RESULT))


def train(setting: Setting, recipe: Recipe, images: Split, folder: Path, seed: int, deadline: float) -> None:
    """Train into `folder`, from the last epoch that is there, until the deadline."""
    if time.monotonic() > deadline:
        raise RunError("the budget is over before {name} is trained; the same command goes on", name=setting.name)
    saved = ceil(recipe.epochs / CHECKPOINTS)

    def on_epoch(model: object, row: Mapping[str, Any]) -> None:
        epoch = row["epoch"]
        rest = f"validation {row['validation_accuracy']:.4f}, {row['seconds']:.0f} s"
        print(f"{setting.name}: epoch {epoch} of {recipe.epochs}, {rest}", flush=True)
        if time.monotonic() > deadline and epoch < recipe.epochs and epoch % saved == 0:
            raise RunError(
                "the budget is over after epoch {epoch} of {epochs} of {name}; the same command goes on",
                epoch=epoch,
                epochs=recipe.epochs,
                name=setting.name,
            )

    parts = [images.train, under(setting.noise, images.validation, seed)]
    if setting.evened:
        parts = [replace(part, images=evened(part.images)) for part in parts]
    bruit.fit(
        setting.model,
        *parts,
        recipe=recipe,
        epochs=recipe.epochs,  # exactly: few images are not gone through more often
        seed=seed,
        seen=setting.data if setting.noise is None else f"{setting.data}+{setting.noise.description}",
        folder=folder,
        resume=True,
        on_epoch=on_epoch,
    )


def judge(name: str, images: Split, asked: argparse.Namespace) -> dict[str, Any]:
    """The result of a model that is there: figures on all sets. Raises RunError where one of other settings is."""
    model = bruit.load_model(name)
    known = model.sha256 if isinstance(model, Brought) else digest(model)
    request = {"model": name, "digest": known, "images": {"judged": len(images.judged)}, "seed": asked.seed}
    path = place(asked) / "models" / f"{Path(name).name}-{known[:8]}.json"
    if not path.is_file():
        log(asked, name, len(BENCHMARK))
        told = {"seen": list(getattr(model, "seen", ())), "figures": benchmark(model, images.judged, seed=asked.seed)}
        write_json(path, request | told | about(asked))
    found = dict(read_json(path))
    if any(found.get(key) != value for key, value in request.items()):
        raise RunError("{path} is of other settings; repeat them, or choose another --out", path=path)
    return found


def chosen(settings: Mapping[str, Setting], names: Sequence[str] | None, instead: str) -> list[Setting]:
    """The settings of these names or groups, in their own order. Raises RunError, which says `instead`, for others."""
    for name in names or ():
        if not any(name in (one, one.partition("/")[0]) for one in settings):
            raise RunError("no setting is called {name}; {instead}", name=name, instead=instead)
    return [one for one in settings.values() if not names or {one.name, one.name.partition("/")[0]} & set(names)]


def command_line(description: str | None, out: Path, script: str) -> argparse.ArgumentParser:
    """The options of a script that trains settings."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="settings, or groups of them: what is before the /")
    parser.add_argument("--test", action="store_true", help="train on all training images, judge by the test images")
    parser.add_argument("--epochs", type=int, help="instead of the settings' own")
    parser.add_argument("--images", type=int, help="the first so many of each part alone (to try the script)")
    parser.add_argument("--budget", type=float, default=float("inf"), metavar="MINUTES", help="stop at an epoch's end")
    parser.add_argument("--threads", type=int, default=1, help="of the network's arithmetic")
    parser.add_argument("--out", type=Path, default=out)
    parser.add_argument("--test-log", type=Path, default=TEST_LOG)
    parser.add_argument("--table", action="store_true", help="print what is there")
    parser.set_defaults(script=script)
    return parser


def carry_out(
    work: Callable[[argparse.Namespace], None], parser: argparse.ArgumentParser, arguments: Sequence[str] | None
) -> int:
    """Do the work of a script; the exit code."""
    asked = parser.parse_args(arguments)
    if asked.test and asked.images:
        parser.error("--images is for trying, which the test set is not for")
    try:
        work(asked)
    except BruitError as problem:
        print(problem, file=sys.stderr)
        return 1
    return 0


def place(asked: argparse.Namespace) -> Path:
    return Path(asked.out) / ("test" if asked.test else "dev")


def about(asked: argparse.Namespace) -> dict[str, Any]:
    """What a figure needs beside it."""
    return {"split": place(asked).name, "threads": asked.threads, "version": bruit.__version__, "machine": machine()}


def log(asked: argparse.Namespace, model: str, sets: int) -> None:
    """Count the readings of the test images, before there are any."""
    if asked.test:
        why = f"a model in its own setting, {sets} {'set' if sets == 1 else 'sets'} made of the test images"
        record_test_evaluations(asked.test_log, asked.script, model, sets, why)


def columns(folder: Path, settings: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The figures that are there, by setting; those of a group, as leave-one-out, come from a model for each set.

    Raises DataError where the models of a group were judged by different images.
    """
    found: dict[str, dict[str, Any]] = {}
    groups: dict[str, list[str]] = {}
    for name in settings:
        if (folder / name / RESULT).is_file():
            groups.setdefault(name.partition("/")[0], []).append(name)
    for group, names in groups.items():
        results = [read_json(folder / name / RESULT) for name in names]
        if len({(one["images"]["judged"], one["seed"]) for one in results}) > 1:
            raise DataError("{group} was judged by different images; choose another --out for some", group=group)
        sets = [one for result in results for one in result["judged"]]
        given = np.concatenate([read_npy(folder / name / "readings.npy") for name in names])
        found[group] = figures(sets, given, np.array(read_npy(folder / names[0] / "labels.npy")))
    for path in sorted((folder / "models").glob("*.json")):
        found[path.stem] = read_json(path)["figures"]
    return found
