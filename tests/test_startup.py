"""Nothing heavy is imported before it is needed: start-up is felt at every call."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = (
    "torch",
    "sklearn",
    "matplotlib",
    "seaborn",
    "scipy",
    "numpy",
    "safetensors",
    "joblib",
    "jinja2",
    "babel",
    "rich",
    "keras",
    "onnx",
    "onnxruntime",
)


def imported_by(code: str) -> set[str]:
    """The packages that are there after `code`, in a fresh process."""
    code += "\nimport json, sys\nprint('\\n' + json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import bruit; bruit.__version__; dir(bruit); bruit.DataError",
        "import bruit.cli",
        "import bruit.cli.commands",
        "from bruit.cli import bruit; bruit.main(['--help'], standalone_mode=False)",
        "from bruit.cli import bruit; bruit.main(['--version'], standalone_mode=False)",
        "from bruit.cli import bruit; bruit.main(['study', '--help'], standalone_mode=False)",
    ],
)
def test_light(code: str) -> None:
    assert imported_by(code) & set(HEAVY) == set()


def test_help_does_not_even_import_the_commands() -> None:
    code = "import sys\nfrom bruit.cli import bruit; bruit.main(['--help'], standalone_mode=False)\n"
    code += "assert [name for name in sys.modules if name.startswith('bruit.cli.')] == ['bruit.cli.language']"
    assert "bruit" in imported_by(code)


def test_data_and_noise_need_no_torch() -> None:
    code = "import bruit; bruit.load; bruit.apply_recipe; bruit.check; bruit.Dataset; bruit.Predictor"
    assert imported_by(code) & {"torch", "sklearn", "matplotlib", "jinja2", "PIL", "h5py"} == set()
