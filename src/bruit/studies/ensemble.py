"""The deep ensemble of a study at its best: its most promising network, trained again with other seeds; all of these
read together.

The members share their training and validation images, so that the validation images choose between it and the others,
and fit its temperature.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from bruit.data.dataset import Dataset
from bruit.evaluation.calibration import apply_temperature, fit_temperature
from bruit.files import read_json, write_npy
from bruit.models.store import load_together, save_model
from bruit.models.zoo import TOGETHER, entry
from bruit.outside.export import write_to_read
from bruit.seals import SEAL, broken, seal
from bruit.training.claim import remove
from bruit.training.member import write_history
from bruit.training.pool import Task
from bruit.training.recipe import derived_seed
from bruit.training.stored import FILES

PLACE, SUFFIX, MEMBERS = "ensemble", "-ensemble", 5


def member_tasks(base: Task) -> tuple[Task, ...]:
    """The trainings that `base` lacks to be an ensemble: alike but for the seed."""
    return tuple(
        replace(
            base, seed=derived_seed(base.seed, "member", n), folder=base.folder.parents[1] / PLACE / f"{base.name}-{n}"
        )
        for n in range(2, MEMBERS + 1)
    )


def folder_of(members: tuple[Task, ...]) -> Path:
    """Where the model is kept that these become with the network that they are alike."""
    return members[0].folder.parents[1] / "models" / f"{members[0].name}{SUFFIX}"


def drop_stale(models: tuple[Task, ...], members: tuple[Task, ...]) -> None:
    """Delete an ensemble that is damaged, or of which a member is to be trained again."""
    if members:
        whole = all(task.done for task in (*members, *(one for one in models if one.name == members[0].name)))
        if not whole or broken(folder_of(members)):
            remove(folder_of(members), ["config.json", SEAL])


def assemble(members: tuple[Task, ...], validation: Dataset) -> None:
    """Write the ensemble of the finished `members` and of the network that they are alike, unless it is there."""
    name, folder = members[0].name, folder_of(members)
    if not broken(folder):
        return
    folders = [folder.with_name(name), *(task.folder for task in members)]
    together = load_together(folders, SUFFIX)
    scores = together.logits(validation.images)
    together.temperature = fit_temperature(scores, validation.labels)
    configs = [read_json(one / "config.json") for one in folders]
    seconds = [one["train"]["seconds"] for one in configs]
    first, zoo = configs[0], entry(name)
    about = {
        "title": TOGETHER[name],
        "summary": zoo.summary,
        "family": zoo.family,
        "parameters": together.parameters,
        "layers": together.layers,
        "recipe": first["recipe"],
        "members": len(folders),
        "seed": first["seed"],
        "seen": first["seen"],
        "augmented": first["augmented"],
        "train": {**first["train"], "seconds": float(np.sum(seconds))},
    }
    write_history(folder, [])
    write_npy(folder / "val_labels.npy", validation.labels)
    write_npy(folder / "val_probs.npy", apply_temperature(scores, together.temperature))
    write_to_read(together, folder)
    save_model(together, folder, about)
    seal(folder, FILES)
