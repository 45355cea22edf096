"""How a study's networks hold up under noise: they are shown noisy copies of its own test images, once all is trained.

Nothing is chosen by what comes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bruit.data.dataset import DataPair, Dataset
from bruit.errors import ConfigError, DataError
from bruit.files import read_json, write_json
from bruit.models.store import load_model
from bruit.models.zoo import ZOO
from bruit.noise.registry import refuse_small
from bruit.seals import SEAL, broken, checksum, seal
from bruit.studies.robustness import robustness, suite_of
from bruit.training.device import limited_threads
from bruit.training.splits import stratified_sample

if TYPE_CHECKING:
    from bruit.studies.plan import Plan

PLACE, FILE = "robustness", "robustness.json"
SUITE = "severity"  # it contains the sets of MNIST-C as published
# About so many test images: enough to know an accuracy on one of the sets to within two percentage points, or four in a
# quick study, and their mean far better; all 10,000 of MNIST would take as long as some of the trainings.
SAMPLE, QUICK_SAMPLE = 2000, 500
# Seconds for the noise of an image, and what reading one takes of the time to learn from it: both rough.
NOISE, READING = 2e-5, 0.35


def refuse(pair: DataPair, models: Sequence[str], outside: Sequence[object]) -> None:
    """Raise, before anything is trained, where there is no network to show noise to, or the images are too small."""
    if not outside and not any(map(_is_network, models)):
        raise ConfigError(
            "only networks are shown noisy images, and among {models} there is none; add one, or leave out robustness",
            models=", ".join(models),
        )
    refuse_small(pair.train.shape)


def measure(run: Path, pair: DataPair, plan: Plan, progress: Callable[[int, int], None]) -> None:
    """Write what `bruit.robustness` says of the networks and the models from outside, unless it is there and whole."""
    ours = [task.folder.name for task in plan.models if _is_network(task.name)]
    ours += [folder.name for folder in plan.together]
    made_of = {name: checksum(run / "models" / name / SEAL) for name in (*ours, *(one.name for one in plan.outside))}
    folder = run / PLACE
    if not broken(folder) and read_json(folder / FILE)["made_of"] == made_of:
        return
    networks = [load_model(run / "models" / name) for name in ours]
    for network, name in zip(networks, ours, strict=True):
        network.name = name  # of the two that noise augments one and not the other
    few = replace(pair, test=_sample(pair.test, plan))
    # The study's own number of threads: the figures depend on it in their last digits, and on a busy machine threads of
    # one network wait for each other longer than they help.
    with limited_threads(plan.schedule.threads):
        found = robustness([*networks, *plan.outside], SUITE, few, seed=plan.settings.seed, progress=progress)
    write_json(folder / FILE, {"made_of": made_of, "results": found})
    seal(folder, (FILE,))


def kept(run: Path) -> dict[str, Any] | None:
    """results["robustness"], as far as the run has it."""
    try:
        return dict(read_json(run / PLACE / FILE)["results"])
    except DataError:
        return None


def seconds(plan: Plan, test: Dataset, expected: Sequence[float]) -> float:
    """About how long it takes, where the trainings of `plan` take the `expected` seconds each."""
    if not plan.settings.robustness:
        return 0.0
    shown = (len(suite_of(SUITE)) + 1) * len(_sample(test, plan))
    ours = {task.folder for task in (*plan.models, *plan.ensemble) if _is_network(task.name)}
    learning = (
        took / task.images_seen * (task.recipe.views if task.recipe else 1)
        for task, took in zip(plan.tasks, expected, strict=True)
        if task.folder in ours
    )
    return shown * (NOISE + READING * sum(learning))


def _is_network(model: str) -> bool:
    return ZOO[model].family != "baseline"


def _sample(test: Dataset, plan: Plan) -> Dataset:
    return stratified_sample(test, QUICK_SAMPLE if plan.settings.quick else SAMPLE, plan.settings.seed)
