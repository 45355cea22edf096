"""What people look at: one HTML page and its figures, made from a run folder and its results alone."""

from bruit.report.conclusion import sentences
from bruit.report.report import write

__all__ = ["sentences", "write"]
