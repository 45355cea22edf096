"""The digits that the page of `bruit serve` offers as examples: src/bruit/serving/web/samples.png.

    python tools/samples.py

One of each class, from the training images of MNIST (CC BY-SA 3.0, see src/bruit/data/mnist/LICENSE), side by side.
"""

from pathlib import Path

import numpy as np
from PIL import Image

import bruit
from bruit.data.builtin import mnist

PICTURE = Path(bruit.__file__).parent / "serving" / "web" / "samples.png"
# How many of each class are passed over: the first ones are not the most typical.
SKIPPED = 8


def main() -> None:
    train = mnist().train
    chosen = [np.flatnonzero(train.labels == label)[SKIPPED] for label in range(10)]
    Image.fromarray(np.hstack(train.images[chosen])).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
