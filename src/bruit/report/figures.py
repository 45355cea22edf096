"""Which figures the results call for, and the drawing of those that are not drawn yet.

A figure's file carries a digest of all that it shows and of the code that draws it; while the digest holds, the file is
read instead of drawn again, so that the report of a running study costs little each time it grows.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from markupsafe import Markup

from bruit.locale import Numbers, printable, translator
from bruit.report import pictures, svg
from bruit.report.robustness import curve_inputs, heat_inputs
from bruit.report.style import Look, drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Results = Mapping[str, Any]
Samples = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Plot:
    """A figure to be: its file name, the drawing function with its inputs, and what it shows, for who cannot see it."""

    name: str
    draw: str
    inputs: dict[str, Any]
    label: str


def plots(results: Results, samples: Samples, looks: Mapping[str, Look], lang: str) -> Iterator[Plot]:
    """Every figure that the results, finished or not, have the numbers for, in the order of the page."""
    yield from _overview(results, looks, lang)
    yield from _data(results["dataset"], samples, lang)
    for model, entry in results.get("models", {}).items():
        yield from _model(model, entry, results["dataset"]["classes"], samples, looks[model], lang)
    yield from _crossval(results, looks, lang)
    yield from _learning(results, looks, lang)
    yield from _noise(results, looks, lang)


def drawn(folder: Path, wanted: Iterator[Plot]) -> dict[str, Markup]:
    """Draw into `folder` as NAME.svg and NAME.png what is not there yet; give every figure by name, for the page."""
    shown = {}
    for plot in wanted:
        file = folder / f"{plot.name}.svg"
        digest = _digest(plot)
        if svg.digest_of(file) != digest:
            _draw(plot, file, digest)
        shown[plot.name] = Markup(svg.inline(file, plot.label))
    return shown


def slug(model: str) -> str:
    """A model's name as it stands in file names and in anchors of the page."""
    plain = re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-")
    return plain if plain == model else f"{plain}-{zlib.crc32(model.encode()):08x}"


def _draw(plot: Plot, file: Path, digest: str) -> None:
    with drawing():
        svg.save(drawing_of(plot)(**plot.inputs), file, digest)


def drawing_of(plot: Plot) -> Callable[..., Figure]:
    """The function that draws it."""
    for room in ("plots", "noise_plots", "sheets"):  # seconds, which a report of known figures does without
        drawings = import_module(f"bruit.report.{room}")
        if hasattr(drawings, plot.draw):
            return cast("Callable[..., Figure]", getattr(drawings, plot.draw))
    raise AttributeError(plot.draw)


def _digest(plot: Plot) -> str:
    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return [value.shape, str(value.dtype), hashlib.sha256(value.tobytes()).hexdigest()]
        if is_dataclass(value) and not isinstance(value, type):
            return asdict(value)
        raise TypeError(f"{type(value).__name__} has no digest")

    shown = json.dumps([plot.name, plot.draw, plot.inputs], default=plain)
    return hashlib.sha256((_code_digest() + shown).encode()).hexdigest()[:32]


@cache
def _code_digest() -> str:
    rooms = ("plots", "noise_plots", "sheets", "pictures", "style", "svg")
    sources = (Path(__file__).with_name(f"{name}.py") for name in rooms)
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest() + version("matplotlib")


def _overview(results: Results, looks: Mapping[str, Look], lang: str) -> Iterator[Plot]:
    _ = translator(lang).gettext
    split = shown_split(results)
    rows = [
        {"title": entry.get("title", model), "look": looks[model]}
        | {key: entry[split][key] for key in ("accuracy", "accuracy_ci95")}
        for model, entry in ranked(results, split)
    ]
    if rows:
        axis = _("Accuracy on the test images (%)") if split == "test" else _("Accuracy on the validation images (%)")
        inputs = {"rows": [row | {"ci95": row["accuracy_ci95"]} for row in rows], "axis": axis, "lang": lang}
        yield Plot("accuracy", "accuracies", inputs, _("Accuracy of each model with its 95% interval"))
    pairs = [
        {"title": results["models"][row["b"]].get("title", row["b"]), "look": looks[row["b"]]}
        | {key: row[key] for key in ("difference", "ci95")}
        for row in sorted(results.get("comparison", []), key=lambda row: row["difference"])
    ]
    if pairs:
        axis = _("Lead of the chosen model (percentage points)")
        label = _("Difference in test accuracy between the chosen model and every other, with 95% intervals")
        yield Plot("differences", "differences", {"rows": pairs, "axis": axis, "lang": lang}, label)


def _data(dataset: Mapping[str, Any], samples: Samples, lang: str) -> Iterator[Plot]:
    _ = translator(lang).gettext
    classes = dataset["classes"]
    splits = {"train": _("training"), "test": _("test")}
    if "examples" in samples:
        inputs = {"images": samples["examples"], "classes": classes, "lang": lang}
        yield Plot("examples", "examples", inputs, _("Training images of each class"))
    counts = {name: dataset[key]["counts"] for key, name in splits.items() if "counts" in dataset.get(key, {})}
    if counts:
        inputs = {"counts": counts, "classes": classes, "lang": lang}
        yield Plot("class-counts", "class_counts", inputs, _("Number of images of each class"))
    histogram = {name: dataset["pixel_histogram"][key] for key, name in splits.items()
                 if key in dataset.get("pixel_histogram", {})}  # fmt: skip
    if histogram:
        inputs = {"counts": histogram, "lang": lang}
        yield Plot("pixel-histogram", "pixel_histogram", inputs, _("How often each pixel value occurs"))
    means = pictures.stretched(samples.get("means_train"), samples.get("means_test"))
    known = {name: images for name, images in zip(splits.values(), means, strict=True) if images is not None}
    if known:
        inputs = {"means": list(known.values()), "splits": list(known), "classes": classes, "lang": lang}
        yield Plot("class-means", "class_means", inputs, _("Mean image of each class"))


def _model(
    model: str, entry: Mapping[str, Any], classes: list[str], samples: Samples, look: Look, lang: str
) -> Iterator[Plot]:
    _ = translator(lang).gettext
    named = {"title": printable(entry.get("title", model))}
    stem, style = slug(model), {"look": look, "lang": lang}
    if entry.get("history"):
        for quantity, label in (
            ("accuracy", _("Accuracy of %(title)s in training and validation, epoch by epoch")),
            ("loss", _("Loss of %(title)s in training and validation, epoch by epoch")),
        ):
            inputs = {"history": _rows(entry["history"], quantity), "quantity": quantity, **style}
            yield Plot(f"{stem}-{quantity}", "curves", inputs, label % named)
    test = entry.get("test", {})
    if "confusion" in test:
        inputs = {"counts": test["confusion"], "classes": classes, **style}
        label = _("Confusion matrix of %(title)s on the test images")
        yield Plot(f"{stem}-confusion", "confusion", inputs, label % named)
    if entry.get("family") == "baseline":  # told in short
        return
    if "reliability" in test:
        inputs = {"rows": test["reliability"], **style}
        yield Plot(f"{stem}-reliability", "reliability", inputs, _("Reliability diagram of %(title)s") % named)
    images = samples.get(f"mistakes/{model}")
    if images is not None and len(images):
        captions = [mistake_words(mistake, lang) for mistake in test.get("worst_mistakes", [])]
        inputs = {"images": images, "captions": captions, "lang": lang}
        yield Plot(f"{stem}-mistakes", "mistakes", inputs, _("Surest mistakes of %(title)s") % named)


def _crossval(results: Results, looks: Mapping[str, Look], lang: str) -> Iterator[Plot]:
    _ = translator(lang).gettext
    rows = []
    for model, entry in results.get("crossval", {}).items():
        title, stem = results.get("models", {}).get(model, {}).get("title", model), f"crossval-{slug(model)}"
        histories = [fold["history"] for fold in entry.get("folds", []) if fold.get("history")]
        for quantity, label in (
            ("accuracy", _("Accuracy of %(title)s in every fold, epoch by epoch")),
            ("loss", _("Loss of %(title)s in every fold, epoch by epoch")),
        ):
            if histories:
                rows_of = [_rows(history, quantity) for history in histories]
                inputs = {"histories": rows_of, "quantity": quantity, "look": looks[model], "lang": lang}
                yield Plot(f"{stem}-{quantity}", "fold_curves", inputs, label % {"title": printable(title)})
        if "binomial_std" in entry:
            folds = {
                "folds": [fold["accuracy"] for fold in entry["folds"]],
                "test": [fold["test_accuracy"] for fold in entry["folds"] if "test_accuracy" in fold],
            }
            rows.append({"title": title, "look": looks[model], **folds}
                        | {key: entry[key] for key in ("mean", "binomial_std")})  # fmt: skip
    if rows:
        label = _("Accuracy of every fold’s model beside the spread that chance alone gives")
        yield Plot("crossval-spread", "fold_spread", {"rows": rows, "lang": lang}, label)


def _learning(results: Results, looks: Mapping[str, Look], lang: str) -> Iterator[Plot]:
    label = translator(lang).gettext("Share of images that %(title)s reads wrongly, against its training images")
    for model, curve in results.get("learning_curve", {}).items():
        title = results.get("models", {}).get(model, {}).get("title", model)
        inputs = {"curve": curve, "look": looks[model], "lang": lang}
        yield Plot(f"learning-{slug(model)}", "learning_curve", inputs, label % {"title": printable(title)})


def _noise(results: Results, looks: Mapping[str, Look], lang: str) -> Iterator[Plot]:
    _ = translator(lang).gettext
    found = results.get("robustness")
    if found:
        titles = {name: results.get("models", {}).get(name, {}).get("title", name) for name in found["models"]}
        models = [{"title": title, "look": looks[name]} for name, title in titles.items()]
        curves = curve_inputs(found, models, lang)
        yield Plot("severities", "severity_curves", curves, _("Accuracy of each model against the severity of noise"))
        yield Plot("robustness", "heat_map", heat_inputs(found, titles, lang), _("Accuracy on every noisy set"))


def _rows(history: Sequence[Mapping[str, Any]], quantity: str) -> list[dict[str, Any]]:
    """The part of a history that a figure shows: what else changes does not make it drawn again."""
    keys = ("epoch", f"train_{quantity}", f"validation_{quantity}")
    return [{key: row[key] for key in keys if key in row} for row in history]


def shown_split(results: Results) -> str:
    """The split whose figures the page leads with: the test set once it has been read, validation until then."""
    return "test" if any("test" in entry for entry in results.get("models", {}).values()) else "validation"


def ranked(results: Results, split: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The models that have figures on a split, most accurate first; among equals the winner."""
    known = [(model, entry) for model, entry in results.get("models", {}).items() if split in entry]
    return sorted(known, key=lambda item: (-float(item[1][split]["accuracy"]), item[0] != results.get("winner")))


def mistake_words(mistake: Mapping[str, Any], lang: str) -> str:
    """ "4 → 9 · 99.9%": the true class, what was read, and how sure the model was of it."""
    true, predicted = (printable(mistake[key], 10) for key in ("true", "predicted"))
    return f"{true} → {predicted} · {confidence_words(mistake['confidence'], lang)}"


def confidence_words(confidence: float, lang: str) -> str:
    """A confidence with one decimal, never rounded up to certainty."""
    numbers = Numbers(lang)
    return f">{numbers.percent(0.999, 1)}" if confidence > 0.999 else numbers.percent(confidence, 1)
