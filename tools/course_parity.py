"""What Keras' own layers make of a few digits, for the tests: `tests/data/course_parity.npz`.

    pip install keras==3.15.1 tensorflow-cpu==2.21.0
    PYTHONPATH=src KERAS_BACKEND=tensorflow python tools/course_parity.py

The layers draw their own parameters; these are stored beside their output. `square/...` holds the first eight MNIST
training images, `oblong/...` a 12 × 17 cut of the next four.
"""

from pathlib import Path

import keras
import numpy as np

from bruit.data.builtin import mnist

OUT = Path(__file__).parents[1] / "tests" / "data" / "course_parity.npz"


def course_by_keras(images: np.ndarray) -> dict[str, np.ndarray]:
    """(N, H, W) uint8 → the layers' output (N, H, W) float32 in 0...1 and the parameters that they drew."""
    rotation = keras.layers.RandomRotation(0.2, seed=1)
    translation = keras.layers.RandomTranslation(0.2, 0.2, seed=2)
    zoom = keras.layers.RandomZoom((0.2, 0.2), seed=3)
    brightness = keras.layers.RandomBrightness((-0.2, 0.2), value_range=(0, 1), seed=4)

    result = keras.ops.convert_to_tensor(images[..., None].astype(np.float32) / 255)
    drawn = {}
    for layer in (rotation, translation, zoom, brightness):
        drawn[layer] = layer.get_random_transformation(result, training=True)
        result = layer.transform_images(result, drawn[layer], training=True)
    translations = np.asarray(drawn[translation]["translations"])
    return {
        "output": np.asarray(result)[..., 0],
        "radians": np.radians(np.asarray(drawn[rotation]["angle"], np.float64)),
        "right": translations[:, 0],
        "down": translations[:, 1],
        "brightness": np.asarray(drawn[brightness]["rgb_delta"])[:, 0, 0, 0],
    }


if __name__ == "__main__":
    digits = mnist().train.images
    cases = {"square": digits[:8], "oblong": digits[8:12, 4:16, 5:22]}
    arrays = {f"{case}/{key}": a for case, images in cases.items() for key, a in course_by_keras(images).items()}
    np.savez_compressed(OUT, **arrays)
    print(f"{OUT.name}: {OUT.stat().st_size:,} bytes, Keras {keras.__version__} on {keras.backend.backend()}")
