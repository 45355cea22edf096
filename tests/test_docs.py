"""The README and the help texts say what is so."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import bruit
from bruit.cli import COMMANDS
from bruit.cli import bruit as group

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
FRENCH = (ROOT / "README.fr.md").read_text("utf-8")
commands = importlib.import_module("bruit.cli.commands")


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def readme_commands() -> Iterator[list[str]]:
    """Every `bruit …` of the README, in a block or within a sentence, as arguments."""
    languages = ("console", "sh", "bash", "powershell")
    lines = [line for language in languages for block in blocks(language) for line in block.splitlines()]
    lines = [line.strip().removeprefix("$ ") for line in lines]
    lines += re.findall(r"`((?:bruit|python -m bruit) [^`\n]+)`", README)
    for line in lines:
        program, *arguments = shlex.split(line.replace("\\", "/"), comments=True) or [""]
        if arguments[:2] == ["-m", "bruit"]:
            yield arguments[2:]
        elif program.rpartition("/")[2] == "bruit":
            yield arguments


def help_commands() -> Iterator[list[str]]:
    """Every example of the help texts; what follows two spaces or more says what it does."""
    for text in [group.help, *(getattr(commands, name).help for name in COMMANDS)]:
        for line in inspect.cleandoc(text or "").partition("Example")[2].splitlines():
            if line.startswith("  bruit "):
                yield shlex.split(re.split(r"\s{2,}", line.strip())[0])[1:]


EXAMPLES = sorted({tuple(arguments) for arguments in [*readme_commands(), *help_commands()]})


def test_examples_are_found() -> None:
    assert ("study",) in EXAMPLES
    assert len(list(readme_commands())) >= 8
    assert {arguments[0] for arguments in help_commands()} == set(COMMANDS)
    assert {arguments[0] for arguments in readme_commands()} >= set(COMMANDS)


@pytest.mark.parametrize("arguments", EXAMPLES, ids=" ".join)
def test_every_example_is_understood(arguments: tuple[str, ...]) -> None:
    name, *rest = arguments
    with group.make_context("bruit", [name]) as context:
        command = group.get_command(context, name)
        assert command is not None, name
        with command.make_context(name, rest, parent=context) as inner:
            assert inner.params
            check_names(inner)


def check_names(context: click.Context) -> None:
    """Names of models and recipes in an example are ones that there are."""
    from bruit.cli.options import names
    from bruit.models.zoo import ZOO
    from bruit.noise.recipes import SUITE, find

    given = context.params
    if context.command.name == "crossval" or (context.command.name == "train" and not given["start"]):
        assert given["model"] in ZOO
    for listed in ("models_", "crossval_"):
        assert set(names(given.get(listed), ())) <= set(ZOO)
    if given.get("recipe", SUITE) != SUITE:
        assert find(given["recipe"], given["severity"])


@pytest.mark.parametrize("arguments", [one for one in EXAMPLES if one[0] in ("models",)], ids=" ".join)
def test_cheap_examples_run(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    group.main(list(arguments), standalone_mode=False)
    assert "cnn-plus" in capsys.readouterr().out


def test_every_command_is_in_the_readme() -> None:
    for name in COMMANDS:
        assert f"`bruit {name}" in README


@pytest.mark.parametrize("block", blocks("python"))
def test_python_of_the_readme_uses_what_there_is(block: str) -> None:
    tree = ast.parse(block)
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "bruit"
    }
    imported = {
        name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "bruit"
        for name in node.names
    }
    assert used | imported
    assert used | imported <= set(bruit.__all__)


@pytest.mark.parametrize("block", blocks("python"))
def test_python_of_the_readme_runs(
    block: str, digits, monkeypatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """As it stands, but on a few images."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("bruit.data.builtin.mnist", lambda: digits)
    bruit.load  # noqa: B018
    exec(compile(block, "README.md", "exec"), {"__name__": "readme"})
    assert "\n" in capsys.readouterr().out


def test_links_of_the_readme_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    for link in links:
        if not link.startswith("http"):
            assert (ROOT / link).exists(), link


def test_every_system_has_its_way_to_install() -> None:
    """The same parts, with the same pins, by the words of each shell."""
    extras = re.findall(r"""pip install -c constraints\.txt -e ['"]\.\[(\w+)\]['"]""", README)
    assert extras == ["train", "train"]
    pinned = re.findall(r"^torch==(.*)$", (ROOT / "constraints.txt").read_text("utf-8"), re.MULTILINE)
    assert re.findall(r"pip install torch==(\S+)", README) == pinned


def test_make_targets_of_the_readme_exist() -> None:
    targets = re.findall(r"make ([a-z-]+)", "\n".join([*blocks("console"), *re.findall(r"`(make [^`]*)`", README)]))
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert {"study", "test"} <= set(targets)
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_size_of_the_embedded_data_is_the_one_in_the_readme() -> None:
    from bruit.data.builtin import MNIST_FILE

    (size,) = re.findall(r"one file of ([\d.]+) MB", README)
    assert float(size) == pytest.approx(MNIST_FILE.stat().st_size / 1e6, abs=0.06)


@pytest.mark.parametrize("language", ["console", "powershell", "python"])
def test_the_french_readme_has_the_same_code(language: str) -> None:
    def without_comments(text: str) -> list[list[str]]:
        return [[line.partition("#")[0].rstrip() for line in block.splitlines()] for block in blocks(language, text)]

    assert without_comments(FRENCH) == without_comments(README)


def test_the_french_readme_has_the_same_parts_commands_figures_and_links() -> None:
    def rows(text: str, n_cells: int) -> list[list[str]]:
        cells = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `")]
        return [row for row in cells if len(row) == n_cells]

    def figures(text: str) -> list[str]:
        return [re.findall(r"`[^`]+`|[\d.]+", " ".join(row).replace(",", ".")) for row in rows(text, 4)]

    def levels(text: str) -> list[str]:
        return re.findall("^#+ ", text, re.MULTILINE)

    assert levels(FRENCH) == levels(README)
    assert [command for command, _ in rows(FRENCH, 2)] == [command for command, _ in rows(README, 2)] != []
    assert figures(FRENCH) == figures(README) != []
    links = re.findall(r"\]\(([^)#]+)", FRENCH)
    assert links
    assert all(link.startswith("http") or (ROOT / link).exists() for link in links)
