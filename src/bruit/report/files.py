"""Figures and tables in files of their own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bruit.errors import ConfigError, RunError
from bruit.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def refuse_file(path: Path, ending: str, force: bool) -> None:
    """Raise, before any work is done, where a file is there already, is called otherwise than what it will be, or
    cannot be written where it is to be.
    """
    if path.suffix.lower() != ending:
        raise ConfigError("expected a file called {ending}, received {path}", ending=ending, path=path)
    if path.is_dir():
        raise RunError("{path} is a folder; choose another name, or move it away", path=path)
    above = next(one for one in path.absolute().parents if os.path.lexists(one))
    if not above.is_dir():
        raise RunError("{path} cannot be written: {above} is no folder; choose another place", path=path, above=above)
    if not os.access(above, os.W_OK | os.X_OK):
        raise RunError(
            "{path} cannot be written: {above} is not writable; choose another place", path=path, above=above
        )
    if os.path.lexists(path) and not force:
        raise RunError("{path} is there already; choose another name, or add --force to replace it", path=path)


def write_png(path: Path, figure: Figure) -> None:
    """A figure as a PNG, cut to what is drawn."""
    write_atomically(path, lambda file: figure.savefig(file, format="png", dpi=150, bbox_inches="tight"))
