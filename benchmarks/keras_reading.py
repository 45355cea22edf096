"""How fast Keras predicts with a peer's network: run by reading.py in the environment that has Keras.

    KERAS_BACKEND=tensorflow python keras_reading.py IMAGES.npy [--network a-cnn-optimised] [--seconds 5]

The images are in memory as that network takes them, float32 (N, 28, 28, 1) in 0…1, before a clock runs. Timed are
`predict` with batches of several sizes, and the model called as a compiled function where the backend is TensorFlow;
of each the best of three. Prints one JSON object: what was tried, images a second.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from keras_networks import NETWORKS, build

BATCHES = (32, 256, 1024)


def best_of(n: int, call: Callable[[], Any], repeats: int = 3) -> float:
    """Images a second of a call that reads n, its best; the first call is not timed."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return n / min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images")
    parser.add_argument("--network", default="a-cnn-optimised", choices=NETWORKS)
    asked = parser.parse_args()
    images = (np.load(asked.images).astype(np.float32) / 255)[..., None]
    model = build(NETWORKS[asked.network])
    found = {}
    for batch in BATCHES:
        found[f"predict, batches of {batch}"] = best_of(
            len(images), partial(model.predict, images, batch_size=batch, verbose=0)
        )
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow

        compiled = tensorflow.function(lambda pixels: model(pixels, training=False))
        for batch in BATCHES:
            parts = [images[start : start + batch] for start in range(0, len(images) - batch + 1, batch)]

            def call(parts: list[Any] = parts) -> None:
                for part in parts:
                    compiled(part).numpy()

            found[f"compiled function, batches of {batch}"] = best_of(len(parts) * batch, call)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
