"""Figures and tables in files of their own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bruit.errors import ConfigError, RunError
from bruit.files import refuse_no_room_at, write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def refuse_file(path: Path, ending: str, force: bool) -> None:
    """Raise, before any work is done, where a file is there already, is called otherwise than what it will be, or
    cannot be written where it is to be.
    """
    if path.suffix.lower() != ending:
        raise ConfigError("expected a file whose name ends in {ending}, received {path}", ending=ending, path=path)
    if path.is_dir():
        raise RunError("{path} is a folder; choose another name, or move it away", path=path)
    refuse_no_room_at(path)
    if os.path.lexists(path) and not force:
        raise RunError("{path} is there already; choose another name, or add --force to replace it", path=path)


def write_png(path: Path, figure: Figure) -> None:
    """A figure as a PNG, cut to what is drawn."""
    write_atomically(path, lambda file: figure.savefig(file, format="png", dpi=150, bbox_inches="tight"))
