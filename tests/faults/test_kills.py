"""A study that is killed at any moment ends, once resumed, as if it had not been."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest
from harness import FULL, Warm, assert_alike, resume, study

# Each trial is killed so many times in a row, each time at a random moment of what is left.
TRIALS, IN_A_ROW = (24, 3) if FULL else (3, 3)
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGINT, signal.SIGTERM)


@pytest.fixture(scope="module")
def duration(warm: Warm, data: Path, tmp_path_factory: pytest.TempPathFactory) -> float:
    """Seconds that a study takes: the quickest of three, as the first one of a process also warms up."""
    times = []
    for _ in range(3):
        start = time.monotonic()
        assert warm.run(*study(data, tmp_path_factory.mktemp("timed") / "run")).code == 0
        times.append(time.monotonic() - start)
    return min(times)


@pytest.mark.parametrize("trial", range(TRIALS))
def test_killed_at_random_moments(
    trial: int, warm: Warm, data: Path, whole: Path, duration: float, tmp_path: Path, trials
) -> None:
    rng, run, command = random.Random(trial), tmp_path / "run", study(data, tmp_path / "run")
    left = duration
    for kill in range(IN_A_ROW):
        what = SIGNALS[(trial + kill) % len(SIGNALS)]
        # The first kills of all trials together are spread evenly over the whole duration.
        moment = duration * (trial + rng.random()) / TRIALS if kill == 0 else left * rng.random()
        # What was done is not done again, but a tenth of a study is its start and its report.
        left = max(left - moment, duration / 10)
        with trials(f"killed by {what.name}", f"{kill}th of trial {trial}, after {moment:.3f} s") as told:
            child = warm.start(*command)
            time.sleep(moment)
            child.kill(what)
            ended = child.wait()
            assert "Traceback" not in ended.err, ended
            if what == signal.SIGKILL:
                assert ended.code in (0, -9), ended
            elif ended.code != 0:
                assert ended.code in (128 + what, -what), ended
                if ended.code > 0 and ended.err:  # else it had not begun, or was done
                    *_, last = ended.err.splitlines()
                    assert last.startswith("bruit: stopped; nothing is lost, go on with: bruit "), ended
            told("resumed alike" if ended.code else "done before")
        command = resume(run) if (run / "study.toml").is_file() else study(data, run, "--resume")
    ended = warm.run(*command)
    assert ended.code == 0, ended
    assert_alike(run, whole)


STEPS = ("open", "rename", "mkdir", "unlink", "fsync")


@pytest.mark.parametrize("kind", STEPS)
def test_killed_at_each_step_of_its_writing(
    kind: str, warm: Warm, data: Path, whole: Path, tmp_path: Path, trials
) -> None:
    """The moment before a file is opened for writing, synced, renamed or deleted, or a folder made."""
    counts = count(warm, study(data, tmp_path / "count"))
    steps = range(counts[kind])
    for k in steps if FULL else random.Random(kind).sample(steps, min(2, len(steps))):
        run = tmp_path / f"{kind}-{k}"
        with trials(f"killed before each {kind}", k) as told:
            ended = warm.run(*study(data, run), step=(kind, k, "SIGKILL"), silent=True)
            assert ended.code == -9, ended
            command = resume(run) if (run / "study.toml").is_file() else study(data, run, "--resume")
            ended = warm.run(*command, silent=True)
            assert ended.code == 0, ended
            assert_alike(run, whole, figures=False)
            told("resumed alike")


def count(warm: Warm, command: list[str]) -> dict[str, int]:
    import json

    ended = warm.run(*command, count=True, silent=True)
    assert ended.code == 0, ended
    return json.loads(ended.err.splitlines()[-1])
