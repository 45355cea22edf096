"""Limits, how they are raised, and that the documentation says them."""

from pathlib import Path

import pytest

from bruit.data import limits
from bruit.data.image_folder import SUFFIXES
from bruit.errors import ConfigError

DOCUMENT = Path(__file__).parents[2] / "docs" / "formats.md"


@pytest.mark.parametrize(
    ("text", "meant"), [("", 4 * 2**30), (" 12 ", 12), ("3k", 3 * 2**10), ("7M", 7 * 2**20), ("8G", 2**33)]
)
def test_an_environment_variable_raises_a_limit(monkeypatch, text, meant):
    monkeypatch.setenv("BRUIT_MAX_BYTES", text)
    assert limits.max_bytes() == meant


@pytest.mark.parametrize("text", ["0", "-1", "8GB", "1e9", "much", "٣", "9" * 30])
def test_a_limit_that_is_no_number(monkeypatch, refused, text):
    monkeypatch.setenv("BRUIT_MAX_PIXELS", text)
    with refused(
        ConfigError, f"expected BRUIT_MAX_PIXELS as a whole number, such as 8000000000 or 8G, received {text!r}"
    ):
        limits.max_pixels()


def test_the_limits_are_those_in_the_document():
    text = DOCUMENT.read_text("utf-8")
    assert f"`BRUIT_MAX_BYTES` | {limits.MAX_BYTES // 2**30}G |" in text
    assert f"`BRUIT_MAX_MEMORY` | {limits.MAX_MEMORY // 2**30}G |" in text
    assert f"`BRUIT_MAX_PIXELS` | {limits.MAX_PIXELS // 2**20}M |" in text
    assert f"`BRUIT_MAX_FILES` | {limits.MAX_FILES:,} |".replace(",", "") in text.replace(",", "")
    assert f"{limits.MAX_ARRAYS:,} arrays" in text
    assert f"{limits.MAX_LINE // 2**20} MiB" in text


def test_the_document_names_every_format():
    text = DOCUMENT.read_text("utf-8")
    for word in (".npy", ".npz", ".mat", ".csv", "IDX", "labels.csv", *SUFFIXES):
        assert word in text
