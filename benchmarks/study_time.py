"""A whole `bruit study` beside the peer's 15 epochs alone: time and memory; and `bruit study --quick`.

    python study_time.py --keras-python PATH [--data DIR] [--runs 1] [--only quick] [--out FILE.json]

Each run times two processes one after the other, the peer first in even runs and the study first in odd ones,
then the quick study. The study is its whole process, imports and report in. The peer is `fit_seconds` of
keras_peer.py, its imports and the reading of its data out and the test set never evaluated, so the ratio errs
against bruit. Where the peer stops before its 15 epochs, its time for 15 at the pace that it had is given too.

Peak memory is that of the process and all its children: the larger of the sum of their resident sizes, looked
at every quarter of a second (Linux), and of what the system itself says of the biggest one.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import keras_peer

LIMIT_RATIO = 1.5
LIMIT_MEMORY_GB = 3.0
QUICK_SECONDS = 60.0


def resident_bytes(session: int) -> int:
    """Sum of the resident sizes of all processes of a session."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if int(fields[3]) == session:
            total += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return total


def timed(command: list[str], log: Path, environment: dict[str, str] | None = None) -> dict[str, Any]:
    """Runs one process with its standard error in `log`; its output, wall seconds and peak memory in bytes."""
    start = time.perf_counter()
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment,
            start_new_session=True,  # so that its children are known by their session
        )
    peak, ended = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.25):
            peak = max(peak, resident_bytes(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        assert process.stdout is not None
        output = process.stdout.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - start
    except BaseException:
        os.killpg(process.pid, signal.SIGTERM)
        raise
    finally:
        ended.set()
        watcher.join()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{log.read_text()[-2000:]}")
    biggest = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"output": output, "seconds": wall, "peak_bytes": max(peak, biggest)}


def time_peer(args: argparse.Namespace, data: Path, run: int, work: Path) -> dict[str, Any]:
    command = keras_peer.peer_command(
        args.keras_python, data, "--no-test", "--epochs", str(args.epochs), "--seed", str(run)
    )
    measured = timed(command, work / "peer.log", keras_peer.quiet_environment())
    end = keras_peer.json_rows(measured.pop("output"))[-1]
    full = end["fit_seconds"] * args.epochs / end["epochs"]
    return {**measured, "epochs": end["epochs"], "fit_seconds": end["fit_seconds"], "all_epochs_seconds": full}


def peer_timed_before(path: Path, run: int, epochs: int) -> dict[str, Any]:
    """The peer's times as time_to_accuracy.py wrote them; its process, which also read the test set, is not counted."""
    end = json.loads(path.read_text(encoding="utf-8"))["runs"][run]["peer_log"][-1]
    full = end["fit_seconds"] * epochs / end["epochs"]
    return {"epochs": end["epochs"], "fit_seconds": end["fit_seconds"], "all_epochs_seconds": full}


def time_study(work: Path, name: str, *options: str) -> dict[str, Any]:
    folder = work / name
    measured = timed([sys.executable, "-m", "bruit", "study", "--out", str(folder), *options], work / f"{name}.log")
    del measured["output"]
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    accuracies = {model: entry["test"]["accuracy"] for model, entry in results["models"].items()}
    # The first of the seed runs is a fold, counted already.
    entries = results.get("crossval", {}).values()
    folds = sum(len(entry["folds"]) + max(0, len(entry["seed_runs"]) - 1) for entry in entries)
    keras_peer.record_test_evaluations(
        keras_peer.TEST_LOG,
        "study_time.py",
        f"bruit study {' '.join(options)}".strip(),
        len(accuracies) + folds,
        "the study's own reading at its end: its models and its fold models",
    )
    return {**measured, "test_accuracy": accuracies, "fold_models": folds}


def spread(values: list[float]) -> str:
    return f"{min(values):10.1f}{statistics.median(values):10.1f}{max(values):10.1f}"


def verdict(ok: bool) -> str:
    return "ok" if ok else "MISSED"


def main() -> None:
    parser = argparse.ArgumentParser(description="Time and memory of `bruit study` against the peer's 15 epochs.")
    parser.add_argument("--keras-python", default=sys.executable, help="interpreter that has Keras and TensorFlow")
    parser.add_argument("--data", type=Path, help="folder of the course data for the peer; made when absent")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=keras_peer.EPOCHS, help="of the peer")
    parser.add_argument("--only", choices=["full", "quick"], help="leave out the other kind of study")
    parser.add_argument("--peer-from", type=Path, help="the JSON of a time_to_accuracy.py run just before: its peer")
    parser.add_argument("--keep", type=Path, help="leave the studies in this folder")
    parser.add_argument("--out", type=Path, help="write the figures here as JSON")
    args = parser.parse_args()

    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="bruit-study-time-") as temporary:
        work = args.keep or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        data = keras_peer.make_course_data(args.data or work / "course") if args.only != "quick" else work
        for run in range(args.runs):
            row: dict[str, Any] = {}
            if args.only != "quick":
                for side in ("peer", "study") if run % 2 == 0 else ("study", "peer"):
                    print(f"run {run + 1} of {args.runs}: {side}", file=sys.stderr, flush=True)
                    if side == "peer" and args.peer_from:
                        row["peer"] = peer_timed_before(args.peer_from, run, args.epochs)
                    elif side == "peer":
                        row["peer"] = time_peer(args, data, run, work)
                    else:
                        row["study"] = time_study(work, f"study-{run}", "--seed", str(run))
                row["ratio"] = row["study"]["seconds"] / row["peer"]["fit_seconds"]
                row["ratio_all_epochs"] = row["study"]["seconds"] / row["peer"]["all_epochs_seconds"]
            if args.only != "full":
                print(f"run {run + 1} of {args.runs}: quick study", file=sys.stderr, flush=True)
                row["quick"] = time_study(work, f"quick-{run}", "--quick", "--seed", str(run))
            runs.append(row)
            if args.out:  # after every run: an hour's figures should outlive an interruption
                result = {"machine": keras_peer.machine(), "n": len(runs), "runs": runs}
                args.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")

    print(f"machine: {keras_peer.machine()}   n = {len(runs)}")
    print(f"{'':34}{'min':>10}{'median':>10}{'max':>10}")
    for side in ("peer", "study", "quick"):
        rows = [row[side] for row in runs if "seconds" in row.get(side, {})]
        if rows:
            print(f"{side + ': process, s':34}" + spread([row["seconds"] for row in rows]))
            print(f"{side + ': peak memory, MB':34}" + spread([row["peak_bytes"] / 1e6 for row in rows]))
    if args.only != "quick":
        print(f"{'peer: fit, s':34}" + spread([row["peer"]["fit_seconds"] for row in runs]))
        print(f"{'peer: epochs':34}" + spread([row["peer"]["epochs"] for row in runs]))
        ratios = [row["ratio"] for row in runs]
        full = [row["ratio_all_epochs"] for row in runs]
        print(f"study / peer as it ran: {', '.join(f'{ratio:.2f}' for ratio in ratios)}")
        print(f"study / peer's {args.epochs} epochs: {', '.join(f'{ratio:.2f}' for ratio in full)}")
        print(
            f"required: at most {LIMIT_RATIO:g} times the peer's {args.epochs} epochs, in every run:"
            f" {verdict(max(full) <= LIMIT_RATIO)}, required / measured {LIMIT_RATIO / max(full):.2f} at worst"
        )
        peak = max(row["study"]["peak_bytes"] for row in runs) / 1e9
        ok = verdict(peak <= LIMIT_MEMORY_GB)
        print(f"study, peak memory {peak:.2f} GB (required: at most {LIMIT_MEMORY_GB:g}): {ok}")
    if args.only != "full":
        quick = statistics.median(row["quick"]["seconds"] for row in runs)
        print(f"quick study {quick:.0f} s (required: about {QUICK_SECONDS:.0f})")


if __name__ == "__main__":
    main()
