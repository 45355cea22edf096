"""The peers: five networks that two public notebooks (A and B) train on the course data, and how they train them.

The top of this file needs only the standard library, so that an environment without Keras can name them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Network:
    """A network's layers, from the image on, and its recipe.

    layers      convolutions are 3 × 3 with ReLU, pooling is 2 × 2 by maximum, dense layers have ReLU
    epochs      the most that it is trained for
    halve_after epochs without a lower validation loss after which the learning rate is halved; None is never
    stop_after  the same for the end of training; the weights stay those of the last epoch
    """

    title: str
    layers: str
    optimizer: str
    learning_rate: float
    batch_size: int
    epochs: int
    halve_after: int | None = None
    stop_after: int | None = None


NETWORKS = {
    "a-dnn": Network(
        "notebook A, DNN",
        "flatten, dense 256, dropout .3, dense 128, dropout .3, softmax 10",
        optimizer="RMSprop",
        learning_rate=1e-3,
        batch_size=128,
        epochs=15,
    ),
    "a-cnn": Network(
        "notebook A, CNN",
        "conv 128 valid, pool, conv 32 valid, pool, flatten, dropout .3, softmax 10",
        optimizer="Adam",
        learning_rate=1e-3,
        batch_size=64,
        epochs=15,
    ),
    "a-cnn-optimised": Network(
        "notebook A, optimised CNN",
        "conv 128 valid, norm, pool, conv 64 valid, norm, pool, flatten, dropout .3, dense 128, dropout .3, softmax 10",
        optimizer="Adam",
        learning_rate=1e-3,
        batch_size=32,
        epochs=15,
        halve_after=3,
        stop_after=5,
    ),
    "b-dnn": Network(
        "notebook B, DNN",
        "flatten, dense 256, dropout .3, dense 128, softmax 10",
        optimizer="RMSprop",
        learning_rate=1e-3,
        batch_size=128,
        epochs=100,
        stop_after=5,
    ),
    "b-cnn": Network(
        "notebook B, CNN",
        "conv 32 same, norm, conv 32 same, norm, pool, flatten, norm, dense 128, dropout .3, dense 128, dropout .3,"
        " softmax 10",
        optimizer="RMSprop",
        learning_rate=1e-4,
        batch_size=128,
        epochs=100,
        stop_after=5,
    ),
}


def build(network: Network) -> Any:
    """The Keras model, compiled as its notebook compiles it."""
    import keras

    model = keras.Sequential([keras.Input((28, 28, 1)), *map(layer, network.layers.split(", "))])
    optimizer = getattr(keras.optimizers, network.optimizer)(network.learning_rate)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def layer(words: str) -> Any:
    """The Keras layer that words of a network's `layers` name; raises ValueError for any others."""
    from keras import layers

    match words.split():
        case ["conv", filters, padding]:
            return layers.Conv2D(int(filters), 3, activation="relu", padding=padding)
        case ["norm"]:
            return layers.BatchNormalization()
        case ["pool"]:
            return layers.MaxPooling2D()
        case ["flatten"]:
            return layers.Flatten()
        case ["dropout", rate]:
            return layers.Dropout(float(rate))
        case ["dense", units]:
            return layers.Dense(int(units), activation="relu")
        case ["softmax", classes]:
            return layers.Dense(int(classes), activation="softmax")
    raise ValueError(f"no layer is called {words}")


def callbacks(network: Network) -> list[Any]:
    """What changes the learning rate or ends training, by the validation loss."""
    import keras

    found: list[Any] = []
    if network.halve_after:
        found.append(keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=network.halve_after))
    if network.stop_after:
        found.append(keras.callbacks.EarlyStopping(monitor="val_loss", patience=network.stop_after))
    return found
