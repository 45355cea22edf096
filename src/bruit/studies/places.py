"""Where a model lies that somebody names."""

from __future__ import annotations

from pathlib import Path

import bruit
from bruit.errors import ModelError
from bruit.locale import Sentence
from bruit.studies.finished import SETTINGS, read_results

_MODELS = Path(bruit.__file__).parent / "models"
# The models that come with bruit, by name: the folder of each, see tools/robust.py.
SHIPPED = {"robust": _MODELS / "robust"}
# Where others are that are there to be read with alone, see tools/small.py: small/cnn-plus is cnn-plus.onnx.
SMALL = _MODELS / "small"
SMALL_NAMES = ("dnn", "dnn-plus", "cnn", "cnn-plus")
# What the fold models of a cross-validation are called when they read together: RUN:cnn-plus-folds.
FOLDS = "-folds"


def graph_that_comes_with_bruit(model: str | Path) -> Path | None:
    """The ONNX file of robust or small/NAME; None for another model, and where a file or folder is called so."""
    name = str(model)
    if Path(model).exists():
        return None
    if name in SHIPPED:
        return SHIPPED[name] / f"{name}.onnx"
    small = name.removeprefix("small/")
    return SMALL / f"{small}.onnx" if name.startswith("small/") and small in SMALL_NAMES else None


def folder_of(model: str) -> Path:
    """The folder of robust, RUN (its winner), RUN:NAME, RUN:NAME-folds, or of one that `bruit train` wrote.

    Raises ModelError where there is none, RunError for a run that is damaged.
    """
    if model in SHIPPED and not Path(model).exists():
        return SHIPPED[model]
    folder, _, name = (model, "", "") if Path(model).is_dir() else model.rpartition(":")
    if not folder or {"/", "\\"} & set(name):  # C:\run is a folder, not the model \run of C
        folder, name = model, ""
    run = Path(folder)
    if not run.is_dir():
        raise ModelError(
            "no folder or model is called {folder}; expected {shipped}, RUN, RUN:NAME, a folder that bruit train "
            "wrote, FILE.keras or FILE.onnx",
            folder=folder,
            shipped=", ".join(SHIPPED),
        )
    if name or (run / SETTINGS).is_file():
        if not name:
            if not (run / "results.json").is_file():
                raise ModelError("{run} has no winner yet; resume the study, or name a model as {run}:NAME", run=run)
            name = str(read_results(run)["winner"])
        if name.endswith(FOLDS) and (run / "crossval" / name.removesuffix(FOLDS) / "folds.npy").is_file():
            return run / "crossval" / name.removesuffix(FOLDS)
        if not (run / "models" / name / "config.json").is_file():
            there = sorted(path.parent.name for path in run.glob("models/*/config.json"))
            raise ModelError(
                "{run} has no finished model {name}; there are {there}",
                run=run,
                name=name,
                there=", ".join(there) or Sentence("none"),
            )
        run = run / "models" / name
    return run
