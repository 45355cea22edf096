"""How a network reads under noise, each training setting by itself: what was trained on what is never mixed.

    python benchmarks/robustness.py --list
    python benchmarks/robustness.py [--only clean leave-one-out/fog n-mnist] [--budget 30] [--epochs N]
    python benchmarks/robustness.py --model robust --test
    python benchmarks/robustness.py --table
    python benchmarks/robustness.py --test …

SETTINGS, below, says what each setting trains on and which noisy sets it is judged by; they are made of clean MNIST, at
the published severities. Trained are the first 48,000 training images, the next 2,000, under the same noise, fit the
temperature, and the last 10,000 are judged by (dev images). With --test 58,000 are trained on, 2,000 fit the
temperature, and the 10,000 test images are read, once; each reading is logged in test_log.jsonl.

--out holds a folder for each setting, DIR/dev/NAME or DIR/test/NAME: the model, readings.npy (sets, images, classes),
labels.npy and result.json. What is finished is not done again, what was stopped goes on from its last epoch, and what
was begun with other settings is refused. --model judges a model that is there (robust, a folder, FILE.onnx …) by all
sets. Intervals: noisy_sets.py.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from noisy_sets import each, overall, side_by_side
from robustness_runs import Setting, carry_out, chosen, columns, command_line, judge, place, run, split, zoos

from bruit.errors import RunError
from bruit.noise.mixture import Mixture, Part
from bruit.noise.recipes import NAMES_OF_NMNIST
from bruit.noise.registry import MNIST_C
from bruit.noise.sets import CLEAN, find_any
from bruit.training.device import limited_threads
from bruit.training.recipe import Augmentation

OUT = Path(__file__).parent / "out" / "robustness"

# ── The settings: what is to be tuned stands here. A setting takes the zoo's recipe with its own noise, augmentation
# and epochs, or that of its `base`, as replace(zoos(), focus=None).
# Of a part among the others of its mixture, where it is not 1.
ODDS: Mapping[str, float] = {CLEAN: 1.0}
AUGMENTATION = Augmentation(rotation=15, shift=0.04, scale=0.2, shear=0.2)
# Which corruptions of MNIST-C each augmentation resembles: what is trained with it has seen something like them.
RESEMBLES = {
    "rotation": ("rotate", "shear"),
    "shear": ("shear",),
    "contrast": ("fog",),
    "shift": ("translate",),
    "scale": ("scale",),
    "brightness": ("brightness", "fog"),
}
_FIRST = ("translate", "fog", "canny_edges", "impulse_noise", "glass_blur", "stripe")
HARDEST_FIRST = (*_FIRST, *(name for name in MNIST_C if name not in _FIRST))


def mixed(*names: str) -> Mixture:
    """Of which each image gets one, by ODDS, at its published severity."""
    return Mixture(tuple(Part(name, ODDS.get(name, 1.0), (find_any(name).default,)) for name in names))


def clean(name: str, augmented: str, augmentation: Augmentation | None) -> Setting:
    """Clean digits alone, behind a fixed preparation. No batch normalisation: noise shifts what it goes by."""
    says = f"clean digits, {augmented}, each prepared as evened.py has it; the textbook's network"
    base = replace(zoos("cnn"), schedule="one-cycle", keep="last")  # which noise upsets less, as do few epochs
    return Setting(name, says, None, ALL, 4, augmentation, base, "cnn", evened=True)


def leave_one_out(name: str) -> Setting:
    others = (one for one in MNIST_C if one != name)
    says = f"clean digits and the 14 corruptions of MNIST-C other than {name}, and nothing else"
    return Setting(f"leave-one-out/{name}", says, mixed(CLEAN, *others), (name,), epochs=15)


def n_mnist(name: str) -> Setting:
    says = f"digits, augmented as listed, under {name}, regenerated, as those that it is judged by"
    return Setting(f"n-mnist/{name.removeprefix('nmnist-')}", says, mixed(name), (name,), 16, zoos().augmentation)


ALL = (CLEAN, *MNIST_C)
SETTINGS = {
    setting.name: setting
    for setting in (
        Setting("clean", "clean digits, no augmentation at all", None, ALL, epochs=17),
        clean("clean-evened", "no augmentation at all", None),
        clean("clean-evened+augmentation", "augmented as listed", AUGMENTATION),
        *map(leave_one_out, HARDEST_FIRST),
        Setting("joint", "clean digits and MNIST-C, augmented as listed", mixed(*ALL), ALL, 52, zoos().augmentation),
        *map(n_mnist, NAMES_OF_NMNIST),
    )
}
# ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────


def described(setting: Setting, epochs: int | None = None) -> str:
    """A setting in words, with what each of its augmentations resembles."""
    recipe = setting.recipe(epochs)
    judged = "clean and MNIST-C" if setting.judged == ALL else ", ".join(setting.judged)
    lines = [f"{setting.name}: {setting.says}; epochs: {recipe.epochs}; judged by {judged}"]
    if recipe.noise is not None:
        lines.append(f"  noise: {recipe.noise.description}")
    for name, reach in (asdict(recipe.augmentation) if recipe.augmentation else {}).items():
        if reach:
            lines.append(f"  {name} ±{reach:g}: resembles {', '.join(RESEMBLES[name])}")
    return "\n".join(lines)


def work(asked: argparse.Namespace) -> None:
    """Do what is asked for, and print the table of what is there then."""
    settings = [] if asked.model else chosen(SETTINGS, asked.only, "see --list")
    if asked.list:
        print("\n".join(described(setting, asked.epochs) for setting in settings))
        return
    if not asked.table:
        images, deadline = split(asked.test, asked.images), time.monotonic() + 60 * asked.budget
        with limited_threads(asked.threads):
            for setting in settings:
                print(described(setting, asked.epochs), flush=True)
                print(overall({setting.name: run(setting, images, asked, deadline)["figures"]}) + "\n", flush=True)
            for name in asked.model or ():
                result = judge(name, images, asked)
                print(f"{name} has seen: {'; '.join(result['seen']) or 'unknown'}\n\n{each(result['figures'])}\n")
    there = columns(place(asked), SETTINGS)
    if not there:
        raise RunError("nothing is finished in {folder}", folder=place(asked))
    n = " or ".join(sorted({f"{told['n']:,}" for told in there.values()}))
    print(f"{n} {place(asked).name} images in each set, 95 % bootstrap intervals over images\n")
    print(f"{overall(there)}\n\n{side_by_side(there)}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command_line(__doc__, OUT, "robustness.py")
    parser.add_argument("--model", nargs="+", help="judge models that are there instead of training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--list", action="store_true", help="say what the settings are")
    return carry_out(work, parser, arguments)


if __name__ == "__main__":
    sys.exit(main())
