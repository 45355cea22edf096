"""Figures as SVG: tidied for a file of its own, and from that file for a page that gives it its colours.

A tidied SVG carries no style sheet, no names that nothing refers to and no reference outside of itself, and the digest
of what it shows, so that it need not be drawn again.
"""

from __future__ import annotations

import hashlib
import io
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from bruit.files import read_bytes, write_atomically
from bruit.report.style import FONTS, GROUND, INK

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
HREF = f"{{{XLINK}}}href"
STROKES = "stroke-linejoin: round; stroke-linecap: butt"
PNG_DPI = 160
MARK = "\n<!-- "

ElementTree.register_namespace("", SVG)
ElementTree.register_namespace("xlink", XLINK)


def save(figure: Figure, svg: Path, digest: str) -> None:
    """Write a figure as `svg` and as PNG beside it, both on white; the SVG comes last and carries `digest`, and the
    checksum of both.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    # Class names may be in any script; a browser has the letters that the drawing library's own font lacks.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        # The canvases directly: Figure.savefig draws every figure twice.
        figure.set_dpi(PNG_DPI)
        figure.patch.set_facecolor("white")
        png = FigureCanvasAgg(figure)
        pixels = io.BytesIO()
        png.print_png(pixels, metadata={"Software": None})  # type: ignore[no-untyped-call]
        figure.set_layout_engine("none")  # where everything goes is settled
        figure.patch.set_facecolor("none")
        raw, nothing = io.BytesIO(), dict.fromkeys(("Creator", "Date", "Format", "Type"))
        FigureCanvasSVG(figure).print_svg(raw, metadata=nothing)  # type: ignore[no-untyped-call]
    content = tidy(raw.getvalue(), svg.stem)
    note = f"{MARK}{digest} {_checksum(content, pixels.getvalue())} -->\n".encode()
    write_atomically(svg.with_suffix(".png"), lambda file: file.write(pixels.getvalue()))
    write_atomically(svg, lambda file: file.write(content + note))


def tidy(raw: bytes, name: str) -> bytes:
    """The SVG that matplotlib writes, smaller, on white, and with ids that begin with `name`."""
    root = ElementTree.fromstring(raw)
    _remove(root, "style", "metadata")
    _rename_ids(root, name)
    for element in root.iter():
        for key, value in element.attrib.items():
            if key in ("d", "points", "x", "y", "width", "height", "transform", "viewBox", "style"):
                element.set(key, _shorter(value))
        if element.tag == f"{{{SVG}}}text":
            element.set("style", re.sub(r"font-family:[^;]*;? ?", "", element.get("style", "")))
        if "rotate(-0 " in element.get("transform", ""):
            del element.attrib["transform"]
        if not (element.text or "").strip():
            element.text = None
        element.tail = None
    # What matplotlib's own style sheet says; a style sheet here would reach the whole page.
    root.set("style", f"{STROKES}; font-family: {FONTS}")
    root.insert(0, ElementTree.Element(f"{{{SVG}}}rect", {"width": "100%", "height": "100%", "fill": "white"}))
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode").encode()


def digest_of(svg: Path) -> str | None:
    """The digest that `save` left in a file; None where it, or the PNG beside it, is missing, damaged or foreign."""
    try:
        content, mark, note = read_bytes(svg).rpartition(MARK.encode())
        pixels = read_bytes(svg.with_suffix(".png"))
    except OSError:
        return None
    digest, _, checksum = note.decode("ascii", "replace").removesuffix(" -->\n").partition(" ")
    return digest if mark and checksum == _checksum(content, pixels) else None


def _checksum(content: bytes, pixels: bytes) -> str:
    return hashlib.sha256(content + pixels).hexdigest()[:32]


def inline(svg: Path, label: str) -> str:
    """The SVG for a page: ground transparent, ink in the page's text colour, named `label` for who cannot see it."""
    root = ElementTree.parse(svg).getroot()
    for rect in root.findall(f"{{{SVG}}}rect[@fill='white']"):
        root.remove(rect)
    for element in root.iter():
        for key in ("style", "fill", "stroke"):
            if key in element.attrib:
                value = element.attrib[key].replace(INK, "currentColor").replace(GROUND, "var(--ground)")
                element.set(key, value)
    root.set("style", f"{STROKES}; --natural: {root.get('width')}")  # fonts are the page's own
    del root.attrib["height"]
    root.set("role", "img")
    root.set("aria-label", label)
    text = ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)
    return text.replace(f' xmlns="{SVG}"', "").replace(f' xmlns:xlink="{XLINK}"', "").replace("xlink:href", "href")


def _remove(root: ElementTree.Element, *tags: str) -> None:
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.rpartition("}")[2] in tags:
                parent.remove(child)


def _rename_ids(root: ElementTree.Element, name: str) -> None:
    """Short ids, unique in a page of many figures, for what is referred to; no id for anything else."""
    references = re.compile(r"url\(#([^)]+)\)")
    used: dict[str, str] = {}
    for element in root.iter():
        for key, value in element.attrib.items():
            found = [value[1:]] if key == HREF and value.startswith("#") else references.findall(value)
            for identifier in found:
                used.setdefault(identifier, f"{name}-{len(used)}")
    for element in root.iter():
        identifier = element.attrib.pop("id", None)
        if identifier in used:
            element.set("id", used[identifier])
        for key, value in element.attrib.items():
            if key == HREF and value.startswith("#"):
                element.set(key, f"#{used[value[1:]]}")
            else:
                element.set(key, references.sub(lambda match: f"url(#{used[match[1]]})", value))


def _shorter(value: str) -> str:
    """Numbers to a hundredth of a point, white space to one blank."""
    rounded = re.sub(r"-?\d+\.\d{3,}", lambda match: f"{float(match[0]):.2f}".rstrip("0").rstrip("."), value)
    return " ".join(rounded.split())
