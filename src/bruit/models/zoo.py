"""The zoo: every model that bruit trains, by name. A new model is one more entry."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from bruit.errors import ConfigError
from bruit.locale import mark
from bruit.models.baselines import Logistic, Neighbours
from bruit.models.networks import Convolutional, Dense, Ensemble, Normalised
from bruit.training.recipe import Augmentation, Focus, Recipe

Family = Literal["baseline", "dense", "convolutional"]
Config = Logistic | Neighbours | Dense | Convolutional | Normalised | Ensemble


@dataclass(frozen=True)
class Entry:
    """A model of the zoo: what it is called, what it is made of, and, for networks, how it is trained; `best` is the
    recipe that takes the time it needs, where that is another.
    """

    title: str
    summary: str
    family: Family
    config: Config
    recipe: Recipe | None = None
    best: Recipe | None = None

    def recipe_for(self, best: bool) -> Recipe | None:
        """How it is trained; or, where it may take the time it needs, how it is trained at its best."""
        return self.best or self.recipe if best else self.recipe


_DNN_PLUS = Recipe(
    epochs=12,
    batch_size=128,
    optimizer="adamw",
    learning_rate=8e-3,
    schedule="one-cycle",
    weight_decay=0.05,
    augmentation=Augmentation(rotation=10, shift=0.05, scale=0.05, brightness=0.1),
    least_steps=1200,
)
ZOO: dict[str, Entry] = {
    "logistic": Entry(
        mark("Logistic regression"),
        mark("One weight for each pixel and class: what a straight line can do."),
        "baseline",
        Logistic(),
    ),
    "knn": Entry(
        mark("Nearest neighbours"),
        mark("The five most similar training images vote."),
        "baseline",
        Neighbours(),
    ),
    "dnn": Entry(
        mark("DNN"),
        mark("Two dense layers with dropout, as the notebooks train it."),
        "dense",
        Dense((256, 128), dropout=0.3),
        Recipe(epochs=15, batch_size=128, optimizer="rmsprop", learning_rate=1e-3, keep="best", least_steps=600),
    ),
    "dnn-plus": Entry(
        mark("DNN, improved"),
        mark("Three wider dense layers with batch normalisation, a one-cycle schedule and augmentation."),
        "dense",
        Dense((1024, 512, 256), batch_norm=True),
        _DNN_PLUS,
        # Longer training is what it lacks, and to know that a shifted digit is the same: docs/models.md.
        best=replace(_DNN_PLUS, epochs=48, views=9),
    ),
    "cnn": Entry(
        mark("CNN"),
        mark("Convolutions, max pooling and dropout: the network of the textbooks."),
        "convolutional",
        Convolutional((32, 64, 64), dropout=0.3),
        Recipe(epochs=8, batch_size=64, optimizer="adam", learning_rate=1e-3, keep="best", least_steps=600),
    ),
    "cnn-plus": Entry(
        mark("CNN, improved"),
        mark(
            "Five convolutions with batch normalisation, trained by Muon with augmentation, most of all on hard images."
        ),
        "convolutional",
        Normalised((16, 32, 96, 128, 128), strides=(1, 2, 2, 1, 1)),
        Recipe(
            epochs=17,
            batch_size=128,
            optimizer="muon",
            learning_rate=6e-3,
            schedule="one-cycle",
            weight_decay=0.05,
            muon_learning_rate=0.02,
            muon_weight_decay=0.2,
            label_smoothing=0.1,
            augmentation=Augmentation(rotation=10, shift=0.05, scale=0.06, brightness=0.05),
            focus=Focus(hard=0.2, easy=0.25),
            least_steps=1200,
        ),
    ),
}
# What the networks are called where noise augments their training images.
AUGMENTED = {
    "dnn": mark("DNN, augmented by noise"),
    "dnn-plus": mark("DNN, improved, augmented by noise"),
    "cnn": mark("CNN, augmented by noise"),
    "cnn-plus": mark("CNN, improved, augmented by noise"),
}
# What five of a network are called that read together.
TOGETHER = {
    "dnn": mark("DNN, five together"),
    "dnn-plus": mark("DNN, improved, five together"),
    "cnn": mark("CNN, five together"),
    "cnn-plus": mark("CNN, improved, five together"),
}


def entry(name: str) -> Entry:
    """The zoo's entry for `name`; raises ConfigError that lists the names there are."""
    if name not in ZOO:
        raise ConfigError("no model is called {name}; choose among {zoo}", name=name, zoo=", ".join(ZOO))
    return ZOO[name]


def describe_zoo() -> list[dict[str, Any]]:
    """Every model as plain values: name, title, family, summary, config, recipe, and best, the recipe of a study at its
    best where that is another.
    """
    return [
        {
            "name": name,
            "title": model.title,
            "family": model.family,
            "summary": model.summary,
            "config": asdict(model.config),
            "recipe": asdict(model.recipe) if model.recipe else None,
            "best": asdict(model.best) if model.best else None,
        }
        for name, model in ZOO.items()
    ]
