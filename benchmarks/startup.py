"""How long `bruit --help` takes as a whole process, beside `python -c pass` under the same interpreter.

    python startup.py [--runs 30] [--out FILE.json]

The two alternate, after one unmeasured pair that fills the caches, so a change in the machine's speed meets both alike.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from keras_peer import machine

LIMIT = 5.0


def seconds(command: list[str]) -> float:
    """Wall time of one process, from its start to its exit."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description="Start-up of `bruit --help` against a bare interpreter.")
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--out", type=Path, help="write the figures here as JSON")
    args = parser.parse_args()

    script = Path(sys.executable).with_name("bruit.exe" if os.name == "nt" else "bruit")
    bruit = [str(script)] if script.exists() else [sys.executable, "-m", "bruit"]
    commands = {"python -c pass": [sys.executable, "-c", "pass"], "bruit --help": [*bruit, "--help"]}
    for command in commands.values():
        seconds(command)
    times: dict[str, list[float]] = {name: [] for name in commands}
    for run in range(args.runs):
        for name in sorted(commands, reverse=run % 2 == 1):
            times[name].append(seconds(commands[name]))

    medians = {name: statistics.median(values) for name, values in times.items()}
    ratio = medians["bruit --help"] / medians["python -c pass"]
    print(f"machine: {machine()}   n = {args.runs} pairs   started as: {' '.join(Path(part).name for part in bruit)}")
    print(f"{'':16}{'min':>9}{'median':>9}{'max':>9}  ms")
    for name, values in times.items():
        print(f"{name:16}" + "".join(f"{1000 * v:9.1f}" for v in (min(values), medians[name], max(values))))
    print(f"ratio of medians {ratio:.2f} (required: at most {LIMIT:g}) {'ok' if ratio <= LIMIT else 'MISSED'}")
    if args.out:
        result = {"machine": machine(), "n": args.runs, "seconds": times, "ratio_of_medians": ratio, "limit": LIMIT}
        args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
