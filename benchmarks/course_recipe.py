"""How fast the course recipe makes its 70,000 noisy images, and how fast the embedded MNIST is read.

PYTHONPATH=src python benchmarks/course_recipe.py --runs 10
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bruit.data.builtin import mnist
from bruit.noise.recipes import apply


def seconds(run: Callable[[], object], runs: int) -> list[float]:
    """The time of each run; one more goes before, uncounted."""
    run()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return times


def processor() -> str:
    """Its name and the number of cores that this process may use."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {cores} cores"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    runs = parser.parse_args().runs

    clean = mnist()
    images = len(clean.train) + len(clean.test)
    jobs = {
        "read the embedded MNIST": mnist.__wrapped__,
        "course recipe": lambda: apply("course", clean),
    }
    print(f"{processor()}; Python {platform.python_version()}, NumPy {np.__version__}; {images:,} images, n = {runs}\n")
    print("| job | median s | min – max s | standard deviation s | images/s |")
    print("|---|---|---|---|---|")
    for job, run in jobs.items():
        times = seconds(run, runs)
        median, spread = statistics.median(times), statistics.stdev(times) if runs > 1 else float("nan")
        low, high = min(times), max(times)
        print(f"| {job} | {median:.2f} | {low:.2f} – {high:.2f} | {spread:.2f} | {images / median:,.0f} |")


if __name__ == "__main__":
    main()
