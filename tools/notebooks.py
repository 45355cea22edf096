"""Makes notebooks/study.ipynb (English) and notebooks/etude.ipynb (French) from notebooks/source.md.

    python tools/notebooks.py [--out FOLDER]
    python tools/notebooks.py --texts            takes over new texts, and keeps the outputs

The source holds each text in both languages and each piece of code once, so the two differ in their texts and in
`lang = …` alone. All cells are executed in English; then, in the same kernel, with the networks that it has trained,
those that show something are executed again in French.
BRUIT_NOTEBOOK_SAMPLE=600 executes them on that many images. It needs pip install -e '.[test]'.
"""

from __future__ import annotations

import argparse
import base64
import io
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

FOLDER = Path(__file__).parent.parent / "notebooks"
NAMES = {"en": "study.ipynb", "fr": "etude.ipynb"}
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
PART = re.compile(r"^<!-- (?P<lang>en|fr) -->\n(?P<text>.*?)(?=^<!--|^```python|\Z)|^```python\n(?P<code>.*?)^```$",
                  re.MULTILINE | re.DOTALL)  # fmt: skip


def build(lang: str) -> nbformat.NotebookNode:
    """The notebook in one language, not executed."""
    cells = []
    for part in PART.finditer((FOLDER / "source.md").read_text("utf-8")):
        if part["code"] is not None:
            cells.append(nbformat.v4.new_code_cell(part["code"].strip().replace('"LANG"', f'"{lang}"')))
        elif part["lang"] == lang:
            cells.append(nbformat.v4.new_markdown_cell(part["text"].strip()))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number:02d}"  # by default they are random
    return nbformat.v4.new_notebook(cells=cells, metadata=METADATA)


def execute() -> dict[str, nbformat.NotebookNode]:
    """Both notebooks with their outputs."""
    notebooks = {lang: build(lang) for lang in NAMES}
    here = {"metadata": {"path": FOLDER}}
    # What is printed line by line is one output, however fast it came.
    settings = {"timeout": None, "record_timing": False, "coalesce_streams": True}
    client = NotebookClient(notebooks["en"], resources=here, **settings)
    with client.setup_kernel():
        for lang, notebook in notebooks.items():
            client.nb = notebook
            count = 0
            for index, cell in enumerate(notebook.cells):
                if cell.cell_type != "code":
                    continue
                count += 1
                if lang == "en" or notebooks["en"].cells[index].outputs or "lang =" in cell.source:
                    client.execute_cell(cell, index)
                cell.execution_count = count
                for output in cell.outputs:
                    compact(output)
                    if "execution_count" in output:
                        output.execution_count = count
                print(f"{lang} {count}", file=sys.stderr, flush=True)
    return notebooks


def with_new_texts(lang: str, executed: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The outputs of `executed` between the texts of the source, whose code must be the same."""
    notebook = build(lang)
    before, now = ([cell for cell in one.cells if cell.cell_type == "code"] for one in (executed, notebook))
    if [cell.source for cell in before] != [cell.source for cell in now]:
        sys.exit("the code has changed too: execute it, without --texts")
    for old, new in zip(before, now, strict=True):
        new.outputs, new.execution_count = old.outputs, old.execution_count
    return notebook


def compact(output: nbformat.NotebookNode) -> None:
    """Store a picture in 64 colours, of which it has no more to the eye: a third of the bytes."""
    data = output.get("data", {})
    if "image/png" in data:
        file = io.BytesIO()
        picture = Image.open(io.BytesIO(base64.b64decode(data["image/png"]))).convert("RGB")
        picture.quantize(64, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
        data["image/png"] = base64.b64encode(file.getvalue()).decode()


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the notebooks from their source, and execute them.")
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--texts", action="store_true", help="change the texts alone, and execute nothing")
    args = parser.parse_args()
    if args.texts:
        made = {lang: with_new_texts(lang, nbformat.read(args.out / name, 4)) for lang, name in NAMES.items()}
    else:
        made = execute()
    for lang, notebook in made.items():
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / NAMES[lang]).write_text(nbformat.writes(notebook) + "\n", "utf-8")


if __name__ == "__main__":
    main()
