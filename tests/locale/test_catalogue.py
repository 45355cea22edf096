"""The French is whole: no sentence that people see is without it."""

import ast
import re
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

import bruit
from bruit.locale import translator

SOURCE = Path(bruit.__file__).parent
TOOL = SOURCE.parents[1] / "tools" / "catalogue.py"
# Prose that no person reads in bruit's words: fonts, patterns, attribute errors of Python's own kind, a file's comment.
NOT_SAID = re.compile(
    "has no attribute|system-ui|DejaVu|Glyph|^model name$|^outside upper left$|^in progress$|has no digest|"
    "default-src|^Bearer {|"
    "^# What this study|^# SHA-256|^bruit study --out|without a recipe$|^<span|"
    "^(convolution|dense|max pooling|, stride|dropout) {"
)
# What these say is a detail in parentheses, like the words of other libraries.
BUILTIN = ("ValueError", "EOFError", "BadZipFile")
PROSE = re.compile(r"[A-Za-z]{2,},? [A-Za-z]{2,}|[a-z]{3,} \{\}|\{\} [a-z]{2,}")


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = spec_from_file_location("catalogue", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_sentence_has_its_french(tool):
    wanted = tool.collect()
    assert len(wanted) > 500
    assert tool.missing(tool.read(), wanted) == [], "run python tools/catalogue.py, and translate what it adds"


def test_the_compiled_catalogue_is_the_one_in_the_source(tool):
    french = translator("fr")
    stale = [
        message.id
        for message in tool.read()
        if message.id and not message.pluralizable and french.gettext(message.id) != message.string
    ]
    assert stale == [], "run make, or pip install -e ., which compile the catalogue"


def test_what_is_missing_is_found(tool):
    from babel.messages.catalog import Catalog

    wanted, there = Catalog(locale="fr"), Catalog(locale="fr")
    for sentence in ("a {n}", "b {x}", "c"):
        wanted.add(sentence)
    there.add("b {x}", "b {y}")
    there.add("c", "")
    there.add("d", "d")
    assert [line.partition(":")[0] for line in tool.missing(there, wanted)] == [
        "no French",
        "other fields",
        "no French",
        "no longer there",
    ]


# Lists of the names that Keras gives to settings look like prose; Prometheus speaks English.
UNREAD = (SOURCE / "outside" / "keras_layers.py", SOURCE / "serving" / "metrics.py")
READ = [path for path in sorted(SOURCE.rglob("*.py")) if path not in UNREAD]


@pytest.mark.parametrize("path", READ, ids=lambda path: str(path.relative_to(SOURCE)))
def test_prose_in_the_source_is_in_the_catalogue(tool, path):
    """Sentences that no keyword marks would be missed by the collection itself."""
    known = sentences(tool)
    tree = ast.parse(path.read_text("utf-8"))
    documentation = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    documentation |= {
        argument
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in BUILTIN
        for argument in node.args
    }
    pieces = {value for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for value in node.values}
    unknown = [
        f"line {node.lineno}: {text!r}"
        for node in ast.walk(tree)
        if node not in documentation and node not in pieces
        for text in [_text(node)]
        if text and PROSE.search(text) and text not in known and not NOT_SAID.search(text)
    ]
    assert unknown == []


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return None


@cache
def sentences(tool: ModuleType) -> set[str]:
    return {text for message in tool.collect() for text in tool.strings_of(message.id)}
