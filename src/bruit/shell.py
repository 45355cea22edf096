"""Commands as people type them."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Iterable


def typed(words: Iterable[str]) -> str:
    """A command as one line that the shell of this system takes apart into the same words."""
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
