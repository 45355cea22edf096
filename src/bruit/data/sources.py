"""What DATA means: a folder with the four .npy files, or a name such as `mnist` or `mnist+course`."""

from __future__ import annotations

from pathlib import Path

from bruit.data.dataset import DataPair
from bruit.data.formats import NPY_NAMES, read_npy_folder
from bruit.errors import DataError

DEFAULT = "mnist+course"


def load(data: str | Path | DataPair = DEFAULT, *, seed: int = 0) -> DataPair:
    """Load training and test images.

    data  a folder with train_images.npy, train_labels.npy, test_images.npy and test_labels.npy, or a name:
          `mnist` (embedded),
          or NAME+RECIPE, which applies a noise recipe, as in `mnist+course`;
          a name comes before a folder that is called alike: say `./mnist`, or give a Path, for the folder
    seed  of the recipe's noise, if there is a recipe

    Returns a DataPair: `.train` and `.test` are Datasets of uint8 images (N, H, W), `.findings` what was
    noticed on the way.
    Raises DataError if there is no such data or it cannot be used as it is.
    """
    if isinstance(data, DataPair):
        return data
    name, plus, recipe = str(data).partition("+")
    if name == "mnist" and isinstance(data, str):
        from bruit.data.builtin import mnist
        from bruit.noise.recipes import apply

        return apply(recipe, mnist(), seed) if plus else mnist()
    path = Path(data)
    if path.is_dir():
        return read_npy_folder(path)
    if path.exists():
        raise DataError(
            f"expected a folder or a name, received the file {path}; put {', '.join(NPY_NAMES)} into one folder"
        )
    raise DataError(
        f"no folder and no data set is called {data}; "
        f"expected a folder with {', '.join(NPY_NAMES)}, or mnist, mnist+course"
    )
