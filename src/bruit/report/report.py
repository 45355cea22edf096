"""The report of a study: one HTML file that opens offline and runs no script, and its figures as files beside it."""

from __future__ import annotations

import itertools
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bruit.data.findings import said
from bruit.errors import RunError
from bruit.evaluation.power_law import summary
from bruit.evaluation.robustness import standing
from bruit.evaluation.shares import ALIKE
from bruit.files import write_text
from bruit.locale import Numbers, mark, printable, translator
from bruit.noise.mixture import Mixture
from bruit.report import conclusion, pictures
from bruit.report.figures import Results, Samples, confidence_words, drawn, plots, ranked, shown_split, slug
from bruit.report.growth import more_images
from bruit.report.noise_words import seen_words, under_noise
from bruit.report.robustness import sets_by_name
from bruit.report.style import Look, looks

# The description of a layer is phrases and numbers: "convolution 16 → 32, 3 × 3, stride 2".
PHRASE = re.compile(r"[^\W\d_]{2,}(?:,? [^\W\d_]{2,})*")
# Values of settings that are words.
VALUES = (mark("constant"), mark("one-cycle"), mark("last"), mark("best"))


@dataclass(frozen=True)
class Section:
    """A part of the page: its anchor, its title in the reader's language, its template, and whom it is about."""

    anchor: str
    title: str
    template: str
    models: tuple[str, ...] = ()


def write(run_folder: Path, results: Results, lang: str = "en") -> Path:
    """Write report.html and figures/*.svg and *.png into a run folder; gives the path of report.html.

    results: what results.json holds, of a finished study or of one in progress, in which what is not known yet is
    absent; the pictures come from samples.npz, where there is one. Figures that show what they showed the last time are
    not drawn again. The same results give the same bytes.
    Raises RunError where samples.npz is damaged or the folder cannot be written.
    """
    results = _in_language(results, lang)
    samples = _samples(run_folder / "samples.npz")
    every_look = looks([name for key in ("models", "crossval", "learning_curve") for name in results.get(key, {})])
    figures = drawn(run_folder / "figures", plots(results, samples, every_look, lang))
    page = run_folder / "report.html"
    write_text(page, _render(results, samples, figures, every_look, lang))
    return page


def _in_language(results: Results, lang: str) -> Results:
    """The results with what they say of the models in `lang`; names of people's own stay as they are."""
    gettext = translator(lang).gettext
    command = {"command": gettext(results["command"])} if results.get("command") else {}

    def said(entry: Mapping[str, Any]) -> dict[str, Any]:
        spoken: dict[str, Any] = {key: gettext(entry[key]) for key in ("title", "summary") if entry.get(key)}
        if entry.get("layers"):
            spoken["layers"] = [PHRASE.sub(lambda phrase: gettext(phrase[0]), layer) for layer in entry["layers"]]
        return {**entry, **spoken}

    models = {name: said(entry) for name, entry in results.get("models", {}).items()}
    return {**results, **command, "models": models}


def _samples(path: Path) -> Samples:
    if not path.is_file():
        return {}
    try:
        # numpy.load leaves the file open where it is damaged.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as samples:
            return dict(samples)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        # What NumPy says of a damaged one is that it might be loaded by running what is in it.
        raise RunError("the pictures in {path} are damaged; run the study again with --resume", path=path) from error


def _sections(results: Results, lang: str) -> list[Section]:
    """The sections that the results fill, in the order of the walk through a study; baselines share one."""
    _ = translator(lang).gettext
    models = results.get("models", {})
    baselines = tuple(model for model, entry in models.items() if entry.get("family") == "baseline")
    networks = [model for model in models if model not in baselines]
    sections = [Section("data", _("The data"), "data.html")]
    for model in networks:
        sections.append(Section(f"model-{slug(model)}", _title(models[model], model), "model.html", (model,)))
    if baselines:
        sections.append(Section("baselines", _("Baselines"), "baselines.html", baselines))
    if results.get("augmentation"):
        sections.append(Section("augmentation", _("Does noise in training help?"), "augmentation.html"))
    if results.get("crossval"):
        sections.append(Section("crossval", _("K-fold cross-validation"), "crossval.html", tuple(results["crossval"])))
    if results.get("learning_curve"):
        curves = tuple(results["learning_curve"])
        sections.append(Section("learning-curve", _("Would more images help?"), "learning.html", curves))
    if results.get("comparison"):
        sections.append(Section("comparison", _("Comparison on the test set"), "comparison.html"))
    if results.get("robustness"):
        held = tuple(results["robustness"]["models"])
        sections.append(Section("robustness", _("How it holds up under noise"), "robustness.html", held))
    if results.get("conclusion"):
        sections.append(Section("conclusion", _("Conclusion"), "conclusion.html"))
    return [*sections, Section("made", _("How this was made"), "made.html")]


def _render(
    results: Results, samples: Samples, figures: Mapping[str, Markup], every_look: Mapping[str, Look], lang: str
) -> str:
    speaker = conclusion.Speaker(results.get("models", {}), lang, html=True)
    figure_numbers = itertools.count(1)
    environment = _environment(lang)
    return environment.get_template("report.html").render(
        r=results,
        models=results.get("models", {}),
        sections=_sections(results, lang),
        split=shown_split(results),
        # Until the test set is read, other models may still come and be chosen.
        winner=results.get("winner") if shown_split(results) == "test" else None,
        ranked=ranked(results, shown_split(results)),
        verdict=conclusion.verdict(results, lang, html=True),
        outsiders=conclusion.outsiders(results, lang, html=True),
        conclusion=conclusion.sentences(results, lang, html=True),
        more_images=lambda model, curve: more_images(summary(curve) | {"model": model}, speaker),
        **_noise(results, lang, speaker),
        figures=figures,
        next_figure=lambda: next(figure_numbers),
        looks=every_look,
        name=speaker.name,
        title=lambda model: printable(_title(results.get("models", {}).get(model, {}), model)),
        slug=slug,
        alike=ALIKE,
        mixture=lambda plain: [str(part) for part in Mixture.from_plain(plain).parts],
        n=speaker.numbers,
        lang=lang,
        settings=_settings(lang),
        confidence=lambda value: confidence_words(value, lang),
        errors=lambda figures: round(figures["n"] * (1 - figures["accuracy"])),
        findings=_findings(results["dataset"].get("findings", []), samples, lang),
        finished=[model for model, entry in results.get("crossval", {}).items() if "std" in entry],
        **_images(samples),
    )


def _noise(results: Results, lang: str, speaker: conclusion.Speaker) -> dict[str, Any]:
    """What the section on noise takes, of a study that has one."""
    found = results.get("robustness")
    if not found:
        return {}
    accuracies = {
        name: [[model["sets"][one["key"]]["accuracy"] for one in sets] for model in found["models"].values()]
        for name, sets in sets_by_name(found).items()
    }
    return {
        "noise_claim": under_noise(standing(found), speaker),
        "noisy_sets": accuracies,
        "seen": lambda entry: seen_words(entry, lang),
    }


@cache
def _environment(lang: str) -> Environment:
    environment = Environment(
        loader=PackageLoader("bruit.report"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_translations(translator(lang), newstyle=True)  # type: ignore[attr-defined]
    environment.policies["ext.i18n.trimmed"] = True
    environment.filters["printable"] = printable
    return environment


def _images(samples: Samples) -> dict[str, Any]:
    """What the templates show as pictures, by name and class or mistake."""
    train, test = pictures.stretched(samples.get("means_train"), samples.get("means_test"))
    return {
        "examples": [pictures.data_uri(pictures.strip(images)) for images in samples.get("examples", ())],
        "means_train": _uris(train),
        "means_test": _uris(test),
        "mistakes": {
            key.removeprefix("mistakes/"): _uris(images)
            for key, images in samples.items()
            if key.startswith("mistakes/")
        },
    }


def _findings(findings: Sequence[Mapping[str, Any]], samples: Samples, lang: str) -> list[dict[str, Any]]:
    """What the checks found, in the reader's language, with the pictures that there are of each."""
    shown = []
    for place, finding in enumerate(findings):
        message, remedy = said(finding, lang)
        images = samples.get(f"findings/{place}", ())
        # Pictures without their captions, or captions without pictures, show nothing.
        faces = [
            {"uri": pictures.data_uri(image)} | example
            for image, example in zip(images, finding.get("examples", []), strict=False)
        ]
        shown.append({**finding, "message": message, "remedy": remedy, "faces": faces})
    return shown


def _uris(images: np.ndarray | None) -> list[str]:
    return [] if images is None else [pictures.data_uri(image) for image in images]


def _title(entry: Mapping[str, Any], model: str) -> str:
    return str(entry.get("title", model))


def _settings(lang: str) -> Any:
    """A filter for flat dicts of settings: (label, value) pairs in words."""
    gettext, numbers = translator(lang).gettext, Numbers(lang)
    labels = {
        "epochs": gettext("epochs"),
        "batch_size": gettext("batch size"),
        "optimizer": gettext("optimizer"),
        "learning_rate": gettext("learning rate"),
        "weight_decay": gettext("weight decay"),
        "muon_learning_rate": gettext("learning rate of Muon"),
        "muon_weight_decay": gettext("weight decay of Muon"),
        "schedule": gettext("schedule"),
        "label_smoothing": gettext("label smoothing"),
        "dropout": gettext("dropout"),
        "views": gettext("views of an image, averaged"),
        "warmup": gettext("share of steps to warm up"),
        "keep": gettext("weights kept"),
        "augmentation_rotation": gettext("augmentation: rotation (± degrees)"),
        "augmentation_shift": gettext("augmentation: shift (± share of the side)"),
        "augmentation_scale": gettext("augmentation: scale (1 ± …)"),
        "augmentation_shear": gettext("augmentation: shear (± pixels sideways a pixel upwards)"),
        "augmentation_contrast": gettext("augmentation: contrast (1 ± …)"),
        "noise": gettext("augmentation: noise"),
        "augmentation_brightness": gettext("augmentation: brightness (± share of the range)"),
        "focus_hard": gettext("after the first epoch: share of the images taken for their loss"),
        "least_steps": gettext("batches, at the least"),
        "focus_easy": gettext("and share of the others drawn"),
        "python": gettext("Python"),
        "machine": gettext("machine"),
        "processor": gettext("processor"),
        "cores": gettext("cores"),
        "threads": gettext("threads"),
        "precision": gettext("precision"),
        "device": gettext("device"),
    }

    def words(value: Any) -> str:
        if value is None:
            return "–"
        if isinstance(value, bool):
            return gettext("yes") if value else gettext("no")
        if isinstance(value, int | float):
            return numbers.plain(value)
        if isinstance(value, list | tuple):
            return ", ".join(map(words, value))
        return printable(gettext(value) if value else value)

    return lambda items: [(labels.get(key, printable(key).replace("_", " ")), words(items[key])) for key in items]
