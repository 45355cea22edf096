"""The French catalogue: collect the sentences that people see, see what it lacks, compile it.

    python tools/catalogue.py            add new sentences to src/bruit/locale/fr/…/bruit.po, drop those that are gone
    python tools/catalogue.py --check    name what is missing, and exit with 1 if anything is

Sentences come from the calls in KEYWORDS, from the report's templates, from the help of every command, and from click,
which asks the same catalogue for its own. Building the package compiles the catalogue (hatch_build.py); so does this.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import import_module
from inspect import cleandoc
from pathlib import Path
from string import Formatter

import click
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

import bruit

SOURCE = Path(bruit.__file__).parent
PO = SOURCE / "locale" / "fr" / "LC_MESSAGES" / "bruit.po"
ERRORS = ("BruitError", "DataError", "ConfigError", "ModelError", "RunError", "InputError", "RequestError")
KEYWORDS = {
    **dict.fromkeys((*ERRORS, "Sentence", "mark", "say", "words", "gettext", "_gettext", "_"), None),
    **dict.fromkeys(("Counted", "ngettext"), (1, 2)),
}
JINJA = {"extensions": "jinja2.ext.i18n", "trimmed": "true", "newstyle_gettext": "true", "silent": "false"}
Key = str | tuple[str, ...]


def collect() -> Catalog:
    """Every sentence that people see, untranslated."""
    found = Catalog(domain="bruit", project="bruit", charset="utf-8")
    methods = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
    for folder in (SOURCE, Path(click.__file__).parent):
        for file, _, message, comments, _ in extract_from_dir(
            folder, methods, {"**/templates/**.html": JINJA}, keywords=KEYWORDS, strip_comment_tags=True
        ):
            found.add(message, locations=[(Path(folder.name, file).as_posix(), 0)], auto_comments=comments)
    for place, text in help_texts():
        found.add(text, locations=[(place, 0)])
    return found


def help_texts() -> Iterator[tuple[str, str]]:
    """(where, paragraph) of the help of every command and option, as it is translated when it is shown."""
    from bruit.cli import COMMANDS, bruit

    commands = {name: getattr(import_module("bruit.cli.commands"), name) for name in COMMANDS}
    for name, command in {"bruit": bruit, **commands}.items():
        texts = [
            cleandoc(command.help),
            command.options_metavar,
            *(getattr(one, "help", None) for one in command.params),
        ]
        for text in filter(None, [*texts, COMMANDS.get(name)]):
            for paragraph in text.split("\n\n"):
                yield f"cli/{name}", paragraph


def missing(catalogue: Catalog, wanted: Catalog) -> list[str]:
    """What is wrong with a catalogue, a line each: no translation, an old one, or other fields than the English has."""
    wrong = []
    for message in wanted:
        if not message.id:
            continue
        there = catalogue.get(message.id)
        said = list(strings(there)) if there else []
        if not said or not all(said) or there.fuzzy:  # type: ignore[union-attr]
            wrong.append(f"no French: {message.id!r}")
        elif any(fields(text) != fields(english) for text, english in zip(said, strings_of(message.id), strict=False)):
            wrong.append(f"other fields: {message.id!r} | {said!r}")
    wrong += [f"no longer there: {message.id!r}" for message in catalogue if message.id and message.id not in wanted]
    return wrong


def strings(message: Message) -> tuple[str, ...]:
    """The translation, or its singular and plural."""
    return strings_of(message.string)


def strings_of(text: Key) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def fields(text: str) -> set[str]:
    """The names of what is filled in: {name:…} or %(name)s; a plural may leave its number out."""
    braces = {name for _, name, _, _ in _parsed(text) if name}
    return (braces | set(re.findall(r"%\((\w+)\)s", text))) - {"n"}


def _parsed(text: str) -> list[tuple[str, str | None, str | None, str | None]]:
    try:
        return list(Formatter().parse(text))
    except ValueError:  # braces that are meant as such
        return []


def read() -> Catalog:
    with PO.open("rb") as file:
        return read_po(file, locale="fr", domain="bruit")


class _Undated(Catalog):
    """A catalogue whose file changes only with its sentences."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:  # type: ignore[override]
        kept = ("Language", "Plural-Forms", "MIME-Version", "Content-Type", "Content-Transfer-Encoding")
        return [(name, value) for name, value in super().mime_headers if name in kept]


def update() -> Catalog:
    """The catalogue with every sentence that there is, and no other."""
    wanted, old = collect(), read() if PO.is_file() else Catalog(locale="fr")
    new = _Undated("fr", "bruit", "# The French sentences of bruit.", charset="utf-8", fuzzy=False)
    for message in wanted:
        if message.id:
            there = old.get(message.id)
            new.add(message.id, there.string if there else "", locations=message.locations)
    return new


def main() -> None:
    if sys.argv[1:] == ["--check"]:
        wrong = missing(read(), collect())
        print("\n".join(wrong) or "The catalogue is whole.")
        sys.exit(bool(wrong))
    catalogue = update()
    PO.parent.mkdir(parents=True, exist_ok=True)
    with PO.open("wb") as file:
        write_po(file, catalogue, width=120, sort_output=True, omit_header=False)
    with PO.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalogue)
    lacking = sum(not all(strings(message)) for message in catalogue if message.id)
    print(f"{PO}: {len(catalogue)} sentences, {lacking} without French")


if __name__ == "__main__":
    main()
