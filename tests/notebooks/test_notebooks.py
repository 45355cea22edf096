"""The notebooks as they are kept, and executed on a few images."""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).parent.parent.parent
TOOL = ROOT / "tools" / "notebooks.py"
SECTIONS = {  # the seed's table of contents
    "en": ["1. Import", "2. Load and preprocess", "3. A dense", "4. An improved dense", "5. A convolutional",
           "6. An improved convolutional", "7. Cross-validation in five folds", "Conclusion"],
    "fr": ["1. Importer", "2. Charger et préparer", "3. Un réseau dense", "4. Un réseau dense amélioré",
           "5. Un réseau convolutif", "6. Un réseau convolutif amélioré", "7. Validation croisée à cinq plis",
           "Conclusion"],
}  # fmt: skip
MOST_BYTES = 1_500_000


def load_tool() -> Any:
    spec = importlib.util.spec_from_file_location("notebooks_tool", TOOL)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


tool = load_tool()
LANGUAGES = tuple(tool.NAMES)


def kept(lang: str, folder: Path = ROOT / "notebooks") -> nbformat.NotebookNode:
    return nbformat.reads((folder / tool.NAMES[lang]).read_text("utf-8"), as_version=4)


def code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(notebook: nbformat.NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [output for cell in code(notebook) for output in cell.outputs]


def words(notebook: nbformat.NotebookNode) -> str:
    """All that its outputs say."""
    data = [output.get("data", {}) for output in outputs(notebook)]
    said = [output.get("text", "") for output in outputs(notebook)]
    return "\n".join([*said, *(one.get(kind, "") for one in data for kind in ("text/plain", "text/markdown"))])


def test_both_have_the_sections_of_the_course() -> None:
    for lang, titles in SECTIONS.items():
        headings = re.findall(r"^## (.*)$", "\n".join(texts(tool.build(lang))), re.MULTILINE)
        assert len(headings) == len(titles)
        for heading, title in zip(headings, titles, strict=True):
            assert heading.startswith(title)


def test_they_differ_in_texts_and_in_the_language_alone() -> None:
    english, french = (tool.build(lang) for lang in LANGUAGES)
    assert [cell.cell_type for cell in english.cells] == [cell.cell_type for cell in french.cells]
    pairs = [(one.source, other.source) for one, other in zip(code(english), code(french), strict=True)]
    (different,) = ((one, other) for one, other in pairs if one != other)
    assert different[0].replace('lang = "en"', 'lang = "fr"') == different[1]
    for one, other in zip(texts(english), texts(french), strict=True):
        assert one != other or one == "## Conclusion"


def test_the_french_has_no_english_left_and_its_own_spaces() -> None:
    french = "\n".join(texts(tool.build("fr")))
    assert not re.search(r"\b(the|of|and|with|which)\b", french)
    assert not re.search(r"(?<! ) [;?!»%]|\w[;?!]|« ", re.sub(r"`[^`]*`", "", french))
    for word in ("jeu de données", "images d’entraînement", "images de test", "exactitude", "perte", "époque", "plis"):
        assert word in french
    for word in ("matrice de confusion", "validation croisée", "réseau dense", "réseau convolutif", "étalonnage"):
        assert word in french.lower()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_kept_was_made_from_this_source(lang: str) -> None:
    built = tool.build(lang)
    now = kept(lang)
    assert [(cell.cell_type, cell.id, cell.source) for cell in now.cells] == [
        (cell.cell_type, cell.id, cell.source) for cell in built.cells
    ]
    assert now.metadata == built.metadata


def shows_something(source: str) -> bool:
    """Whether a cell ends in an expression, or in a loop, which here prints."""
    plain = re.sub(r"^( *)%.*$", r"\1pass", source, flags=re.MULTILINE)
    return isinstance(ast.parse(plain).body[-1], ast.Expr | ast.For)


def check_whole(notebook: nbformat.NotebookNode) -> None:
    """Every cell was executed, in order; what shows something shows it; nothing else is said."""
    nbformat.validate(notebook)
    cells = code(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        assert bool(cell.outputs) == shows_something(cell.source), cell.source
        pictures = [output for output in cell.outputs if "image/png" in output.get("data", {})]
        assert len(pictures) == cell.source.count("bruit.plot_")
        assert cell.metadata == {}
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr"
            assert output.get("execution_count", cell.execution_count) == cell.execution_count
    said = words(notebook)
    assert "Warning" not in said
    assert "\x1b" not in said
    assert not re.search(r"(?<!\w)/\w+/\w", said)  # no path of a machine


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_kept_is_whole(lang: str) -> None:
    notebook = kept(lang)
    check_whole(notebook)
    assert "54000 6000 10000" in words(notebook)  # a real run, on all the images


def test_what_is_kept_is_small() -> None:
    assert sum((ROOT / "notebooks" / name).stat().st_size for name in tool.NAMES.values()) < MOST_BYTES


def test_both_run_on_a_few_images(tmp_path: Path) -> None:
    """As `make notebooks` does it; a machine that is set to another language changes nothing."""
    own = {"IPYTHONDIR": str(tmp_path / "ipython"), "JUPYTER_RUNTIME_DIR": str(tmp_path / "jupyter"), "LANGUAGE": "fr"}
    subprocess.run(
        [sys.executable, str(TOOL), "--out", str(tmp_path)],
        env=os.environ | own | {"BRUIT_NOTEBOOK_SAMPLE": "600"},
        capture_output=True,
        timeout=300,
        check=True,
    )
    english, french = (kept(lang, tmp_path) for lang in LANGUAGES)
    for notebook in (english, french):
        check_whole(notebook)
        assert "540 60 100" in words(notebook)
    assert "reads" in words(english)
    # The same networks, said in each language's way.
    figures = [re.findall(r"^\S+ +(\d+)[.,](\d+)\s?%", words(one), re.MULTILINE) for one in (english, french)]
    assert figures[0] == figures[1]
    assert len(figures[0]) >= 6
    assert re.search(r"\d,\d+\s%", words(french))


def test_texts_can_be_changed_without_executing_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = (tool.FOLDER / "source.md").read_text("utf-8")
    monkeypatch.setattr(tool, "FOLDER", tmp_path)
    (tmp_path / "source.md").write_text(source.replace("Look at the images", "Look closely"), "utf-8")
    english = tool.with_new_texts("en", kept("en"))
    assert "### Look closely" in "\n".join(texts(english))
    assert outputs(english) == outputs(kept("en"))
    (tmp_path / "source.md").write_text(source.replace("test_size=0.1", "test_size=0.2"), "utf-8")
    with pytest.raises(SystemExit, match="the code has changed too: execute it, without --texts"):
        tool.with_new_texts("en", kept("en"))


def install_cell() -> str:
    from IPython.core.inputtransformer2 import TransformerManager

    return TransformerManager().transform_cell(code(tool.build("en"))[0].source)


class Magics:
    """IPython's, which only remember what they were asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def run_line_magic(self, name: str, line: str) -> None:
        self.asked.append((name, line))


@pytest.mark.parametrize("there", ["nothing", "a folder beside it", "the folder above it", "bruit"])
def test_the_first_cell_installs_bruit_where_it_is_missing(
    there: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = {"a folder beside it": tmp_path / "here" / "bruit", "the folder above it": tmp_path}.get(there)
    (tmp_path / "here").mkdir()
    if where is not None:
        (where / "src" / "bruit").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    magics = Magics()
    if there != "bruit":
        # A folder of that name beside the notebook is found as a package without a file.
        missing = importlib.machinery.ModuleSpec("bruit", None) if where else None
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: missing)
    scope = {"get_ipython": lambda: magics}
    if there == "nothing":
        with pytest.raises(ImportError, match="bruit is not installed and no copy of it is here: put its folder"):
            exec(install_cell(), scope)
        return
    exec(install_cell(), scope)
    assert [name for name, _ in magics.asked] == ([] if there == "bruit" else ["pip"])
    if where is not None:
        assert scope["copy"] == where.resolve()
