import shlex
import sys

import pytest

from bruit.shell import typed

WORDS = ["bruit", "study", "my data", "it's", "--out", "é"]


def test_a_shell_takes_it_apart_into_the_same_words() -> None:
    assert shlex.split(typed(WORDS)) == WORDS


def test_windows_quotes_its_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert typed([*WORDS[:3], r"C:\my run"]) == r'bruit study "my data" "C:\my run"'
