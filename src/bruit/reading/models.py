"""The model of a reader, opened without PyTorch wherever that is possible."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bruit.errors import ConfigError
from bruit.files import read_json
from bruit.predictor import Predictor
from bruit.reading.graph import Graph
from bruit.studies.places import folder_of, graph_that_comes_with_bruit


def open_model(
    model: str | Path,
    *,
    threads: int | None = None,
    scale: str | None = None,
    classes: Sequence[str] | None = None,
) -> Predictor:
    """See `Reader.load`."""
    graph = graph_that_comes_with_bruit(model)
    if graph is not None:
        if scale is not None or classes is not None:
            raise ConfigError(
                "a model of bruit's own says its scale and its classes itself; leave out {what}",
                what="--scale" if scale is not None else "--classes",
            )
        return Graph(graph, str(model), threads)
    from bruit.outside.brought import EXPORTED, bring, is_file_of_a_model
    from bruit.seals import refuse_broken

    if not is_file_of_a_model(model):
        folder = folder_of(str(model))
        if (folder / EXPORTED).is_file():
            refuse_broken(folder, EXPORTED, "config.json")
            return bring(folder / EXPORTED, name=str(read_json(folder / "config.json").get("name", EXPORTED)))
    try:
        from bruit.studies.evaluate import find_model

        return find_model(model, scale=scale, classes=classes)
    except ImportError as error:
        raise ConfigError(
            "{model} holds no {file}, and to read with it as it is needs PyTorch ({error}); install it, in the folder "
            "of bruit: pip install -e '.[train]'",
            model=model,
            file=EXPORTED,
            error=error,
        ) from error
