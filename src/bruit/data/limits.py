"""How much bruit is willing to read: every limit on files that come from elsewhere, in one place.

They keep a file that lies about its size, or a bomb, from filling the memory. The first four can be changed by
environment variables of the same names with BRUIT_ before them: BRUIT_MAX_BYTES=8G.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from bruit.errors import ConfigError, DataError

# Bytes of one file or archive after decompression, and of the images of one folder when decoded.
MAX_BYTES = 4 * 2**30
# Bytes of memory that all large arrays together may take; what is more goes into temporary files.
MAX_MEMORY = 2**30
# Pixels of one image file.
MAX_PIXELS = 2**24
# Files in a folder of images.
MAX_FILES = 1_000_000
# Arrays in an archive, variables in a .mat file.
MAX_ARRAYS = 1000
# Bytes of one line of a table.
MAX_LINE = 2**24
# Deflate, which .gz, .npz and .mat files are made with, makes nothing smaller than this: whoever promises more lies.
DEFLATE_RATIO = 1032

_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}


def max_bytes() -> int:
    return _raised("BRUIT_MAX_BYTES", MAX_BYTES)


def max_memory() -> int:
    return _raised("BRUIT_MAX_MEMORY", MAX_MEMORY)


def max_pixels() -> int:
    return _raised("BRUIT_MAX_PIXELS", MAX_PIXELS)


def max_files() -> int:
    return _raised("BRUIT_MAX_FILES", MAX_FILES)


def refuse_bytes(path: Path, received: int) -> None:
    """Raise DataError if `received` bytes are more than bruit reads from one place."""
    if received > max_bytes():
        raise DataError(
            "{path} holds {received:,} bytes or more when unpacked, the limit is {max_bytes:,}; if you trust it, set "
            "BRUIT_MAX_BYTES higher",
            path=path,
            received=received,
            max_bytes=max_bytes(),
        )


def refuse_files(folder: Path, n: int) -> None:
    """Raise DataError if `folder` holds more files than bruit looks at."""
    if n > max_files():
        raise DataError(
            "{folder} holds more than {max_files:,} files, the limit; if you trust it, set BRUIT_MAX_FILES higher",
            folder=folder,
            max_files=max_files(),
        )


def _raised(variable: str, default: int) -> int:
    text = os.environ.get(variable, "").strip()
    if not text:
        return default
    number = re.fullmatch(r"([0-9]{1,18})([KMG]?)", text.upper())
    if number is None or int(number[1]) == 0:
        raise ConfigError(
            "expected {variable} as a whole number, such as 8000000000 or 8G, received {text!r}",
            variable=variable,
            text=text,
        )
    return int(number[1]) * _UNITS[number[2]]
