"""One warm process and one undisturbed run for all trials; a table of them all at the end of `make faults`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
from harness import FULL, Warm, study

from bruit.data.dataset import DataPair

Trials = Callable[..., AbstractContextManager[Callable[[str], None]]]


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    server = Warm()
    yield server
    server.close()


@pytest.fixture(scope="session")
def data(digits: DataPair, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120 training and 60 test images of three classes."""
    folder = tmp_path_factory.mktemp("data") / "few"
    folder.mkdir()
    for split, dataset, n in (("train", digits.train, 40), ("test", digits.test, 20)):
        index = np.concatenate([np.flatnonzero(dataset.labels == label)[:n] for label in range(3)])
        np.save(folder / f"{split}_images.npy", dataset.images[index])
        np.save(folder / f"{split}_labels.npy", dataset.labels[index])
    return folder


@pytest.fixture(scope="session")
def whole(warm: Warm, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run that nothing happened to."""
    run = tmp_path_factory.mktemp("whole") / "run"
    ended = warm.run(*study(data, run))
    assert ended.code == 0, ended
    return run


@pytest.fixture
def trials(record_property: Callable[[str, object], None]) -> Iterator[Trials]:
    """`with trials(fault, where) as told: …; told(outcome)` counts one trial; those that fail are told all together."""
    failures: list[str] = []

    @contextmanager
    def trial(fault: str, where: object = "") -> Iterator[Callable[[str], None]]:
        outcomes = ["alike"]
        try:
            yield outcomes.append
        except AssertionError as error:
            outcomes.append("FAILED")
            failures.append(f"{fault}, {where}: {error}")
        record_property("trial", (fault, outcomes[-1]))

    yield trial
    assert not failures, f"{len(failures)} trials failed\n" + "\n\n".join(failures)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not FULL:
        return
    trials: Counter[tuple[str, str]] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") != "call":
                continue
            trials.update(value for name, value in report.user_properties if name == "trial")
    rows: dict[str, Counter[str]] = {}
    for (fault, outcome), n in trials.items():
        rows.setdefault(fault, Counter())[outcome] += n
    terminalreporter.section("faults")
    for fault, outcomes in sorted(rows.items()):
        told = ", ".join(f"{n} {outcome}" for outcome, n in outcomes.most_common())
        terminalreporter.write_line(f"{fault:44} {sum(outcomes.values()):6}   {told}")
    terminalreporter.write_line(f"{'all':44} {sum(trials.values()):6}")
