"""Files that Keras itself wrote, as it writes them; and files that pass the check but do not fit together."""

from __future__ import annotations

import subprocess
import sys
import zipfile

import numpy as np
import pytest

from bruit.errors import ConfigError, ModelError
from bruit.outside import keras_in
from bruit.outside.brought import bring
from bruit.outside.keras_in import import_keras, open_keras

from .files import PLAIN, changed, functional, h5, images, keras_bytes, layer, sequential, tensor

keras = import_keras()
layers = keras.layers
SIDE = (12, 12)


def sequential_cnn():
    return keras.Sequential(
        [
            keras.Input((*SIDE, 1)),
            layers.RandomRotation(0.1),
            layers.RandomZoom(0.1),
            layers.Conv2D(4, 3, padding="same", activation="relu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.SeparableConv2D(6, 3, activation="gelu"),
            layers.DepthwiseConv2D(3),
            layers.LeakyReLU(negative_slope=0.2),
            layers.GlobalAveragePooling2D(),
            layers.Dropout(0.5, seed=3),
            layers.Dense(10, activation="softmax"),
        ]
    )


def functional_residual():
    entry = keras.Input((1, *SIDE))
    x = layers.Permute((2, 3, 1))(entry)
    shared = layers.Conv2D(4, 3, padding="same", use_bias=False)
    x = layers.PReLU()(layers.GroupNormalization(2)(layers.Conv2D(4, 1)(x)))
    x = layers.Add()([x, shared(x)])
    x = layers.Concatenate()([x, shared(x)])
    x = layers.LayerNormalization()(layers.Flatten()(layers.AveragePooling2D(2)(layers.ZeroPadding2D(1)(x))))
    return keras.Model(entry, layers.Softmax()(layers.Dense(10)(layers.GaussianNoise(0.1)(x))))


def nested():
    body = keras.Sequential([keras.Input((144,)), layers.Dense(8, activation="tanh"), layers.ELU()], name="body")
    head = keras.Sequential([layers.Dense(10)], name="head")
    return keras.Sequential([keras.Input((144,)), body, layers.GaussianDropout(0.1), head])


def not_built_by_hand():
    model = keras.Sequential([layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(10)])
    model.build((None, *SIDE))
    return model


MADE = [(sequential_cnn, (*SIDE, 1), "probabilities"), (functional_residual, (1, *SIDE), "probabilities")]
MADE += [(nested, (144,), "logits"), (not_built_by_hand, SIDE, "logits")]


@pytest.mark.parametrize(("make", "shape", "gives"), MADE)
@pytest.mark.parametrize("compiled", [False, True])
def test_a_model_that_keras_wrote_reads_as_in_keras(tmp_path, make, shape, gives, compiled) -> None:
    model = make()
    rng = np.random.default_rng(0)
    pixels = rng.random((20, *shape), np.float32)
    if compiled:
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.fit(pixels, rng.integers(0, 10, 20), epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    opened = open_keras((tmp_path / "model.keras").read_bytes())
    assert (opened.shape, opened.outputs, opened.gives, opened.about) == (shape, 10, gives, {})
    assert opened.pixels == (make is not_built_by_hand)
    np.testing.assert_allclose(opened.run(pixels), model.predict(pixels, verbose=0), atol=1e-6)
    assert opened.parameters == model.count_params()


def refused_by_keras(config) -> str:
    with pytest.raises(ModelError) as caught:
        open_keras(keras_bytes(config))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_weights_that_do_not_fit_are_refused() -> None:
    wide = sequential(images(28, 28), layer("Flatten"), layer("Dense", units=12, activation="softmax"))
    assert refused_by_keras(wide) == "its layers learn 9,420 numbers, its weights are 7,850"
    narrow = sequential(images(28, 28), layer("Flatten"), layer("Dense", units=8, activation="softmax"))
    assert refused_by_keras(narrow).startswith("Keras cannot use it (")


@pytest.mark.parametrize("settings", [{"kind": "Flatten"}, {"kind": "Dense", "units": 784}])
def test_a_circle_is_refused(settings) -> None:
    one, two = layer(name="one", **settings), layer(name="two", **settings)
    circle = [(one, [tensor("two", 784)]), (two, [tensor("one", 784)])]
    end = layer("Dense", units=10, activation="softmax")
    circular = functional((images(784), []), *circle, (end, [tensor("two", 784)]))
    assert refused_by_keras(circular).startswith("Keras cannot use it (")
    itself = functional((images(784), []), (end, [tensor("dense", 784)]))
    assert refused_by_keras(itself).startswith("Keras cannot use it (")


def test_a_promise_of_weights_takes_no_memory(tmp_path) -> None:
    """Layers of 16 GiB and a file of kilobytes: nothing is filled before the weights are compared."""
    wide = [layer("Dense", name=f"d{i}", units=2**16) for i in range(3)]
    bomb = sequential(images(28, 28), layer("Flatten"), *wide, layer("Dense", units=10, activation="softmax"))
    (tmp_path / "bomb.keras").write_bytes(keras_bytes(bomb))
    code = (
        "import resource, sys\n"
        "from bruit.errors import ModelError\n"
        "from bruit.outside.keras_in import import_keras, open_keras\n"
        "import_keras()\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n"
        "    open_keras(open(sys.argv[1], 'rb').read())\n"
        "except ModelError as error:\n"
        "    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "bomb.keras")], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < (200 if sys.platform != "darwin" else 200_000) * 1024


def test_outputs_are_one_for_each_class(refused) -> None:
    flat = layer("Dense", units=10, activation="softmax")
    content = keras_bytes(
        sequential(images(28, 28), flat),
        h5(lambda file: (write(file, "0", (28, 10)), write(file, "1", (10,)))),
    )
    with refused(ModelError, "it gives outputs of the shape (None, 28, 10); expected (N, C), one for each class"):
        open_keras(content)


def write(file, name: str, shape: tuple[int, ...]) -> None:
    file[f"layers/dense/vars/{name}"] = np.zeros(shape, np.float32)


def test_what_a_model_makes_of_an_image_has_a_limit(tmp_path, refused) -> None:
    """Layers without weights that double what is there, again and again."""
    double = [layer("ZeroPadding2D", name=f"z{i}", padding=[[64, 64], [64, 64]]) for i in range(40)]
    end = layer("Dense", units=2, activation="softmax")
    model = sequential(images(28, 28, 1), *double, layer("GlobalMaxPooling2D"), end)
    (tmp_path / "big.keras").write_bytes(
        keras_bytes(model, h5(lambda file: (write(file, "0", (1, 2)), write(file, "1", (2,)))))
    )
    with pytest.raises(ModelError, match=r"it makes [\d,]+ numbers of one image, the limit is 67,108,864$"):
        bring(tmp_path / "big.keras", scale="0-1")


def test_what_fails_only_when_it_reads_is_said_too() -> None:
    end = layer("Dense", units=10, activation="softmax")
    opened = open_keras(keras_bytes(sequential(images(28, 28), layer("Flatten"), layer("ELU", alpha=None), end)))
    with pytest.raises(ModelError, match=r"^Keras cannot use it \(.*ELU"):
        opened.run(np.zeros((1, 28, 28), np.float32))


def test_keras_is_not_imported_for_a_file_that_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(keras_in, "import_keras", lambda: pytest.fail("Keras was imported"))
    with pytest.raises(ModelError, match="it has a layer Lambda"):
        open_keras(keras_bytes(sequential(images(28, 28), layer("Lambda"))))


def test_keras_opens_the_copy_and_not_the_file(monkeypatch) -> None:
    seen = {}

    def load_model(path, **settings):
        with zipfile.ZipFile(path) as archive:
            seen.update(settings, config=archive.read("config.json"))
        raise ValueError("seen\nenough")

    monkeypatch.setattr(keras.saving, "load_model", load_model)
    with pytest.raises(ModelError, match=r"^Keras cannot use it \(seen\)$"):
        open_keras(keras_bytes())
    assert (seen["safe_mode"], seen["compile"]) == (True, False)
    assert b"compile_config" not in seen["config"]


def test_never_on_tensorflow(monkeypatch, refused) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    message = "Keras was imported on tensorflow; bruit needs it on PyTorch: set KERAS_BACKEND to torch"
    with refused(ConfigError, message):
        import_keras()
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    monkeypatch.delitem(sys.modules, "keras")
    with refused(ConfigError, "KERAS_BACKEND is tensorflow; bruit needs Keras on PyTorch: set it to torch"):
        import_keras()


def test_on_pytorch_unless_somebody_wants_another() -> None:
    code = "from bruit.outside.keras_in import import_keras; print(import_keras().backend.backend())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "torch\n"


def test_without_keras_it_says_how_to_install_it(monkeypatch, refused) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    with refused(
        ConfigError, "a .keras file needs Keras 3; install it, in the folder of bruit: pip install -e '.[keras]'"
    ):
        open_keras(keras_bytes())


def test_the_plain_model_of_these_tests_opens() -> None:
    opened = open_keras(keras_bytes())
    assert opened.parameters == 7850
    given = opened.run(np.zeros((3, 28, 28), np.float32))
    np.testing.assert_allclose(given, 0.1, atol=1e-6)
    assert (
        open_keras(keras_bytes(changed(PLAIN, "config", "layers", 3, "config", "activation", to=None))).gives
        == "logits"
    )
