"""`bruit report`: from the run folder alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bruit.errors import RunError
from bruit.files import write_json
from bruit.seals import seal
from bruit.studies.report import rebuild
from bruit.studies.run import sealed_files


def test_the_report_is_rebuilt_byte_for_byte_without_data_and_models(finished, tmp_path: Path, monkeypatch) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished.run, run)
    shutil.rmtree(run / "figures")
    shutil.rmtree(run / "models")
    shutil.rmtree(run / "crossval")
    (run / "report.html").unlink()
    away = finished.data.with_name("away")
    finished.data.rename(away)
    try:
        assert rebuild(run) == run / "report.html"
    finally:
        away.rename(finished.data)
    assert (run / "report.html").read_bytes() == (finished.run / "report.html").read_bytes()
    before = {path.name: path.read_bytes() for path in (finished.run / "figures").iterdir()}
    assert {path.name: path.read_bytes() for path in (run / "figures").iterdir()} == before


def test_a_folder_without_a_finished_run_has_no_report(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no run"):
        rebuild(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("change", [{"models": 1}, {"dataset": {}}, {"seconds": "long"}])
def test_results_that_no_study_wrote_are_refused(finished, tmp_path: Path, change: dict[str, object]) -> None:
    run = tmp_path / "run"
    shutil.copytree(finished.run, run)
    write_json(run / "results.json", finished.results | change)
    seal(run, sealed_files(run))
    with pytest.raises(RunError, match=r"results\.json does not hold what a finished study writes; .*--resume$"):
        rebuild(run)
