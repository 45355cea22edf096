"""The improved networks at their best, each by itself: accuracy on the course set and on clean MNIST, over seeds.

    python benchmarks/best.py [--only course/dnn-plus clean] [--seeds 3] [--budget MINUTES] [--epochs N]
    python benchmarks/best.py --table
    python benchmarks/best.py --test …

A network takes the recipe of `bruit study --best`, and sees one set of images alone: on the course set the noisy ones
that are given, never the clean ones of which they were made, and no noise drawn anew. Trained are the first 48,000
training images, the next 2,000 fit the temperature, and the last 10,000 are judged by (dev images). With --test 58,000
are trained on, 2,000 fit the temperature, and the 10,000 test images are read, once; each reading is logged in
test_log.jsonl.

--out holds a folder for each seed and training; what is finished is not done again, what was stopped goes on from its
last epoch, and what was begun with other settings is refused.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from robustness_runs import RESULT, Setting, carry_out, chosen, command_line, place, run, split, zoos

from bruit.errors import RunError
from bruit.files import read_json
from bruit.noise.sets import CLEAN
from bruit.training.device import limited_threads

OUT = Path(__file__).parent / "out" / "best"
DATA = {"course": "mnist+course", "clean": "mnist"}


def at_its_best(images: str, model: str) -> Setting:
    """A network of the zoo that sees these images alone, and is judged by others of their kind, as they are."""
    recipe = zoos(model, best=True)
    says = f"{model} at its best, {DATA[images]} alone"
    name = f"{images}/{model}"
    return Setting(name, says, None, (CLEAN,), recipe.epochs, recipe.augmentation, recipe, model, DATA[images])


SETTINGS = {
    one.name: one
    for one in (
        at_its_best("course", "dnn-plus"),
        at_its_best("course", "cnn-plus"),
        at_its_best("clean", "cnn-plus"),
    )
}


def of_seed(asked: argparse.Namespace, seed: int) -> argparse.Namespace:
    return argparse.Namespace(**{**vars(asked), "seed": seed, "out": asked.out / f"seed-{seed}"})


def finished(asked: argparse.Namespace, setting: Setting) -> list[dict[str, Any]]:
    """The results that are there, by seed."""
    folders = (place(of_seed(asked, seed)) / setting.name for seed in range(asked.seeds))
    return [dict(read_json(folder / RESULT)) for folder in folders if (folder / RESULT).is_file()]


def line(setting: Setting, results: Sequence[dict[str, Any]]) -> str:
    """A row of the table: mean ± standard deviation over the seeds, and each."""
    of_one = [one["figures"]["sets"][CLEAN] for one in results]
    seen = [100 * one["accuracy"] for one in of_one]
    spread = f" ± {stdev(seen):.2f}" if len(seen) > 1 else ""
    each = ", ".join(f"{value:.2f}" for value in seen)
    error = mean(100 * one["ece"] for one in of_one)
    minutes = mean(one["train"]["seconds"] for one in results) / 60
    cells = (setting.name, f"{mean(seen):.2f}{spread} %", each, f"{error:.2f} %", f"{minutes:.0f}")
    return "| " + " | ".join(cells) + " |"


def work(asked: argparse.Namespace) -> None:
    settings = chosen(SETTINGS, asked.only, f"there are {', '.join(SETTINGS)}")
    if not asked.table:
        deadline = time.monotonic() + 60 * asked.budget
        images = {data: split(asked.test, asked.images, data) for data in {setting.data for setting in settings}}
        with limited_threads(asked.threads):
            for seed in range(asked.seeds):
                for setting in settings:
                    print(f"{setting.says}, seed {seed}", flush=True)
                    run(setting, images[setting.data], of_seed(asked, seed), deadline)
    rows = [line(setting, results) for setting in settings if (results := finished(asked, setting))]
    if not rows:
        raise RunError("nothing is finished in {folder}", folder=asked.out)
    print(f"| {place(asked).name} images | accuracy | each seed | ECE | minutes |", "|---|---|---|---|---|", sep="\n")
    print("\n".join(rows))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = command_line(__doc__, OUT, "best.py")
    parser.add_argument("--seeds", type=int, default=3, help="how many: 0, 1, 2 …")
    return carry_out(work, parser, arguments)


if __name__ == "__main__":
    sys.exit(main())
