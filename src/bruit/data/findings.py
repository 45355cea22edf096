"""What the checks say: a finding is a code and figures, of which its sentences are made here, in any language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bruit.data.dataset import Example, Finding, Severity, Where
from bruit.locale import printable, translator

if TYPE_CHECKING:
    from bruit.locale import Numbers

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
MOST_EXAMPLES = 12
Figure = float | int | str


def find(
    code: str,
    severity: Severity,
    split: Where,
    examples: Iterable[Example] = (),
    /,
    **figure: Figure,
) -> Finding:
    """A finding with its English sentences; of the examples the first 12. `code` is one that `sentences` knows."""
    message, remedy = sentences(code, figure)
    return Finding(code, severity, split, message, figure, remedy, tuple(examples)[:MOST_EXAMPLES])


def graded(share: float, warning: float, error: float = float("inf")) -> Severity:
    """How bad a share, or another measure, is that is worth a warning, or an error, from these values on."""
    return "error" if share >= error else "warning" if share >= warning else "info"


def as_dict(finding: Finding) -> dict[str, Any]:
    """A finding as it stands in results.json."""
    return {
        "code": finding.code,
        "severity": finding.severity,
        "split": finding.split,
        "message": finding.message,
        "figure": dict(finding.figure),
        "remedy": finding.remedy,
        "examples": [as_plain(example) for example in finding.examples],
    }


def as_plain(example: Example) -> dict[str, Any]:
    """An example as it stands in results.json."""
    return {"split": example.split, "index": example.index, "note": example.note}


def said(finding: Mapping[str, Any], lang: str = "en") -> tuple[str, str]:
    """(message, remedy) of a finding of results.json; in English where there are no sentences in `lang`."""
    stored = str(finding["message"]), str(finding.get("remedy", ""))
    if lang == "en":
        return stored
    try:
        return sentences(finding["code"], finding["figure"], lang)
    except KeyError:  # of another version of bruit
        return stored


def sentences(code: str, figure: Mapping[str, Figure], lang: str = "en") -> tuple[str, str]:
    """(message, remedy) for the figures of a finding. Raises KeyError for a code or a figure that is not known."""
    from bruit.locale import Numbers  # Babel, which a file without findings does without

    message, remedy = _sentences(translator(lang).gettext)[code]
    numbers = Numbers(lang)
    shown = {name: _shown(name, value, numbers) for name, value in figure.items()}
    return message % shown, remedy % shown


def _shown(name: str, value: Figure, numbers: Numbers) -> str:
    if isinstance(value, str):
        return printable(value)
    if name == "p":
        return numbers.p_equation(value)
    if name.endswith(("share", "accuracy")):
        # What there is a little of is not none.
        return f"<{numbers.percent(0.0001)}" if 0 < value < 0.00005 else numbers.percent(value)
    return numbers.integer(value) if isinstance(value, int) else numbers.decimal(value, 2)


def _sentences(_: Callable[[str], str]) -> dict[str, tuple[str, str]]:
    """(message, remedy) of each code."""
    return {
        "scale": (
            _("%(images)s images of %(height)s × %(width)s pixels, %(dtype)s on a scale of %(scale)s."),
            "",
        ),
        "scale-mismatch": (
            _(
                "The two splits are on different scales: training images are %(train_dtype)s on %(train)s, test images "
                "are %(test_dtype)s on %(test)s. Fed as they are, a network trained on the one would fail on the "
                "other. Each split was brought to 0…255 by its own scale."
            ),
            _("Other programs that read these files must scale each split by itself, as was done here."),
        ),
        "rounded": (
            _("Rounded to steps of 1/255; no pixel moved by more than %(share)s of full scale."),
            "",
        ),
        "dim": (
            _("The images are dim: the brightest pixel is %(brightest)s of 255. They may have been scaled twice."),
            _("Compare the brightest pixel with what the file should hold, and save it again at full scale."),
        ),
        "few-bits": (
            _(
                "The brightest of these 16-bit pixels is %(brightest)s of 65535, so that no more than %(levels)s grey "
                "levels are left of 256: they may be of 10, 12 or 14 bits."
            ),
            _("Stretch them before they are read, as images * %(factor)s."),
        ),
        "made-grey": (
            _("%(images)s of %(total)s images were in colour or transparent; they were made grey, over white."),
            "",
        ),
        "not-used": (
            _("Not used of what is there (%(n)s in all): %(names)s."),
            _("Name them as docs/formats.md has it if they belong to the data."),
        ),
        "set-aside": (
            _(
                "There are no test images: %(images)s of the %(total)s training images, a tenth of each class, were "
                "set aside as the test set, drawn with seed %(seed)s. They are not trained on."
            ),
            "",
        ),
        "test-unlabelled": (
            _(
                "The test images have no labels and were not used: %(images)s of the %(total)s training images, a "
                "tenth of each class, were set aside as the test set, drawn with seed %(seed)s. They are not trained "
                "on."
            ),
            _("Add the labels of the test images, if there are any."),
        ),
        "unlabelled": (
            _("%(images)s images without labels: what needs labels was not checked."),
            _("Add labels, and classes, equal images with different labels and wrong labels are checked too."),
        ),
        "range": (
            _("%(images)s images of %(height)s × %(width)s pixels, with values of %(low)s to %(high)s."),
            "",
        ),
        "range-mismatch": (
            _("The brightest training pixel has %(train)s of 255, the brightest test pixel %(test)s."),
            _("Bring both splits to one scale before they become uint8."),
        ),
        "blank": (
            _("%(images)s of %(total)s images (%(share)s) are blank: their pixels all have nearly the same value."),
            _("Remove them, or find out where their content was lost."),
        ),
        "duplicates": (
            _("%(images)s of %(total)s images (%(share)s) repeat another one of the same split, pixel for pixel."),
            _("Keep one of each: repeated images count twice in every figure, and fall on both sides of a fold."),
        ),
        "repeated": (
            _("%(images)s of %(total)s test images (%(share)s) also occur in training, pixel for pixel."),
            _("Remove them from one of the splits: on these a model may remember instead of read."),
        ),
        "shared-source": (
            _("%(images)s of %(total)s test images (%(share)s) are made of the same source image as a training image."),
            _("Split by source, not by image: on these a model may remember instead of read."),
        ),
        "near-duplicates": (
            _(
                "%(images)s of %(total)s images (%(share)s) have a near copy in the same split (correlation of "
                "%(least)s or more)."
            ),
            _("Look at the pairs; keep one of each where they are copies and not merely alike."),
        ),
        "near-repeated": (
            _(
                "%(images)s of %(total)s test images (%(share)s) have a near copy in training (correlation of "
                "%(least)s or more)."
            ),
            _("Look at the pairs; remove copies from one of the splits, for on these a model may remember."),
        ),
        "near-stopped": (
            _(
                "More than %(pairs)s pairs of images are near copies. The search stopped there: there are more of them "
                "than are counted here."
            ),
            _("Look at the pairs; where a set repeats itself so much, keep one of each."),
        ),
        "conflict": (
            _("%(images)s images are equal, pixel for pixel, to one with another label: one of the two is wrong."),
            _("Look at them and correct the labels."),
        ),
        "near-conflict": (
            _("%(pairs)s pairs of near copies have different labels."),
            _("Look at them and correct the labels that are wrong."),
        ),
        "imbalance": (
            _(
                "The classes are uneven: %(n_largest)s images of class %(largest)s, %(n_smallest)s of class "
                "%(smallest)s."
            ),
            _("Add images of the rare classes, and read the figures class by class: accuracy hides them."),
        ),
        "missing-class": (
            _("No image at all of class %(classes)s."),
            _("Add images of it, or remove the class from both splits: nothing can be learned or said of it."),
        ),
        "class-shift": (
            _("Training and test have different shares of the classes: %(share)s of the images would have to change."),
            _("Draw both splits from one source, or weigh the figures by the shares that you expect in use."),
        ),
        "polarity": (
            _("The images are dark on light (%(share)s of them)."),
            _("Invert images that such a model is to read if they are light on dark."),
        ),
        "polarity-mixed": (
            _("%(images)s of %(total)s images (%(share)s) are of the other polarity: light and dark are exchanged."),
            _("Invert them, as 255 − images."),
        ),
        "polarity-mismatch": (
            _(
                "The splits are of different polarity: %(train_share)s of the training images are dark on light, and "
                "%(test_share)s of the test images."
            ),
            _("Invert one of the splits, as 255 − images."),
        ),
        "brightness": (
            _(
                "Test images differ in brightness: their mean is %(test)s, that of training images %(train)s "
                "(%(effect)s standard deviations)."
            ),
            _("Take both splits from one source, or train with brightness varied."),
        ),
        "contrast": (
            _(
                "Test images differ in contrast: their standard deviation is %(test)s, that of training images "
                "%(train)s (%(effect)s standard deviations)."
            ),
            _("Take both splits from one source, or train with contrast varied."),
        ),
        "pixels": (
            _(
                "The mean images of training and test differ, by %(effect)s standard deviations of a pixel on average "
                "and by up to %(largest)s grey levels."
            ),
            _("Compare the mean images: a shift, a rotation or another background shows there."),
        ),
        "alike": (
            _(
                "Training and test images look alike: a classifier that was to tell them apart is right in "
                "%(accuracy)s of %(n)s cases (guessing: 50%%; %(p)s)."
            ),
            "",
        ),
        "drift": (
            _(
                "Training and test images can be told apart: a classifier that was to do so is right in "
                "%(accuracy)s of %(n)s cases (guessing: 50%%; %(p)s)."
            ),
            _("Find out what differs; figures on these test images do not hold for images like the training ones."),
        ),
        "labels": (
            _("%(images)s of %(total)s labels (%(share)s) may be wrong: networks that never saw the image disagree."),
            _("Look at these images, the surest first, and correct the labels that are wrong."),
        ),
        "labels-doubtful": (
            _(
                "Networks that never saw the image disagree with %(images)s of %(total)s labels (%(share)s), too many "
                "to call these wrong: the networks, trained on %(trained)s images, may read badly, or many labels are "
                "wrong."
            ),
            _("Look at the surest of them: if their labels are right, more images are needed to judge the labels."),
        ),
    }
