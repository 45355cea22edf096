import os
import subprocess
import sys


def test_a_home_that_cannot_be_written_is_not_talked_about(tmp_path):
    code = (
        "from pathlib import Path\nfrom bruit.report.figures import Plot, _draw\n"
        "inputs = {'counts': {'train': [1, 2]}, 'classes': ['a', 'b'], 'lang': 'en'}\n"
        "_draw(Plot('counts', 'class_counts', inputs, ''), Path('counts.svg'), 'd')"
    )
    environment = {key: value for key, value in os.environ.items() if key != "MPLCONFIGDIR" and key[:4] != "XDG_"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path, env=environment | {"HOME": "/dev/null/home"}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "counts.svg").is_file()
