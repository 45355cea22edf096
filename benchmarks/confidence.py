"""What confidence is worth under noise that a model has not seen, and what abstaining brings.

    python confidence.py [--model robust] [--images 2000] [--test] [--figure FILE.svg]

The corruptions that are not among the fifteen of MNIST-C, which the shipped model was trained on, at all their
severities; and its own kinds beside them. Of each set: accuracy, and how many digits are read with a confidence of 0.95
or more, and how many of those rightly; over all sets of a group the risk at a given coverage. By default of the first
dev images (the last 10,000 training images, of which the shipped model has seen other noisy versions: they flatter it);
with --test of the first test images, which are read once a set: test_log.jsonl counts it.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from keras_peer import TEST_LOG, record_test_evaluations
from noisy_sets import BENCHMARK, reading
from numpy.typing import NDArray

import bruit
from bruit.evaluation.selective import RiskCoverage, risk_coverage
from bruit.noise.registry import CORRUPTIONS, MNIST_C
from bruit.studies.evaluate import labels_for

DEV, SURE = 10_000, 0.95
COVERAGES = (1.0, 0.99, 0.95, 0.9, 0.8, 0.7)
# Not noise but another picture: dark on light.
LEFT_OUT = ("inverse",)
Readings = NDArray[np.float32]
Set = tuple[str, int | None]


def sets() -> dict[str, list[Set]]:
    """By group, the noisy sets."""
    others = [name for name in CORRUPTIONS if name not in (*MNIST_C, *LEFT_OUT)]
    unseen = [(name, severity) for name in others for severity in CORRUPTIONS[name].severities or (None,)]
    return {"unseen": unseen, "seen": [(name, None) for name in BENCHMARK]}


def row(name: str, told: RiskCoverage) -> str:
    coverage, risk = told.at_confidence(SURE)
    return f"| {name} | {1 - told.risk[-1]:.2%} | {coverage:.1%} | {1 - risk:.2%} |"


def draw(told: Mapping[str, RiskCoverage], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure((6, 3.6), layout="constrained")
    axes = figure.subplots()
    for name, one in told.items():
        every = np.unique(np.geomspace(max(1, len(one.risk) // 100), len(one.risk), 400).astype(int)) - 1
        axes.plot(100 * one.coverage[every], 100 * one.risk[every], label=f"{name} noise")
    axes.set(xlabel="read, % of all digits", ylabel="of these wrong, %", xlim=(40, 100), ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="robust")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--test", action="store_true")
    parser.add_argument("--figure", type=Path)
    asked = parser.parse_args()
    pair, model, groups = bruit.load("mnist"), bruit.Reader.load(asked.model), sets()
    dataset = (pair.test if asked.test else pair.train.subset(slice(-DEV, None))).subset(slice(asked.images))
    labels = labels_for(model, dataset)
    if asked.test:
        n = sum(map(len, groups.values()))
        why = f"confidence and abstaining, {n} sets made of the first {asked.images:,} test images"
        record_test_evaluations(TEST_LOG, "confidence.py", asked.model, n, why)
    given = {group: [reading(model, dataset, *one) for one in members] for group, members in groups.items()}
    print(f"{asked.model}, {len(dataset):,} {'test' if asked.test else 'dev'} images in each set\n")
    print(f"| noise | accuracy | read with {SURE:g} or more | of these right |", "|---|---|---|---|", sep="\n")
    for group, members in groups.items():
        by_kind: dict[str, list[Readings]] = {}
        for (name, _), probabilities in zip(members, given[group], strict=True):
            by_kind.setdefault(name, []).append(probabilities)
        for kind, parts in by_kind.items():
            print(row(f"`{kind}`", risk_coverage(np.concatenate(parts), np.tile(labels, len(parts)))))
    told = {
        group: risk_coverage(np.concatenate(probabilities), np.tile(labels, len(probabilities)))
        for group, probabilities in given.items()
    }
    for group, one in told.items():
        print(row(f"**all {group}**", one))
    print(f"\n| read, of all | {' | '.join(f'{share:.0%}' for share in COVERAGES)} |")
    print(f"|---|{'---|' * len(COVERAGES)}")
    for group, one in told.items():
        print(f"| wrong, {group} noise | {' | '.join(f'{one.at_coverage(share):.2%}' for share in COVERAGES)} |")
    if asked.figure:
        draw(told, asked.figure)


if __name__ == "__main__":
    main()
