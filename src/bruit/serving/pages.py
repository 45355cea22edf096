"""What is served as it is: read once when the server starts, so that no path ever comes from a request."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from pathlib import Path

from bruit import __version__
from bruit.locale import LANGUAGES
from bruit.serving.headers import PAGE_HEADERS, PAGE_POLICY, REPORT_POLICY
from bruit.serving.words import words

WEB = Path(__file__).parent / "web"
# Where each file is found: its name in the folder, and its type.
FILES = {
    "/style.css": ("style.css", "text/css; charset=utf-8"),
    "/app.js": ("app.js", "text/javascript; charset=utf-8"),
    "/ask.js": ("ask.js", "text/javascript; charset=utf-8"),
    "/draw.js": ("draw.js", "text/javascript; charset=utf-8"),
    "/show.js": ("show.js", "text/javascript; charset=utf-8"),
    "/docs.js": ("docs.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
    "/samples.png": ("samples.png", "image/png"),
    "/docs": ("docs.html", "text/html; charset=utf-8"),
    "/openapi.json": ("openapi.json", "application/json"),
}


@dataclass(frozen=True)
class Page:
    """Bytes, and the headers that they go with."""

    body: bytes
    headers: dict[str, str]


def static_pages() -> dict[str, Page]:
    """Every file, by its path."""
    return {path: _page((WEB / name).read_bytes(), kind) for path, (name, kind) in FILES.items()}


def index_pages() -> dict[str, Page]:
    """The page for people, by language."""
    template = (WEB / "index.html").read_text("utf-8")
    return {lang: _page(_filled(template, lang).encode(), "text/html; charset=utf-8", lang) for lang in LANGUAGES}


def report_page(report: bytes) -> Page:
    headers = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}
    return Page(report, {**headers, "content-security-policy": REPORT_POLICY, **PAGE_HEADERS})


def _page(body: bytes, kind: str, lang: str | None = None) -> Page:
    headers = {"content-type": kind, "cache-control": "no-cache", "content-security-policy": PAGE_POLICY}
    headers |= PAGE_HEADERS
    if lang is not None:
        headers |= {"content-language": lang, "vary": "Accept-Language"}
    return Page(body.replace(b"{{version}}", __version__.encode()), headers)


def _filled(template: str, lang: str) -> str:
    """The words where the page names them: {{undo}}."""
    said = {**words(lang), "lang": lang}
    return re.sub(r"\{\{(\w+)\}\}", lambda field: escape(said.get(field[1], field[0])), template)
