"""Public data sets: which there are, and fetching them."""

from __future__ import annotations

from typing import Any

import click

from bruit.cli.completion import SETS
from bruit.cli.language import in_words, say, words
from bruit.cli.options import command, json_option, print_json
from bruit.locale import mark


@command()
@click.argument("asked", nargs=-1, metavar=mark("[fetch NAME]..."))
@click.option("--force", is_flag=True, help="Fetch again what is there.")
@json_option
def datasets(asked: tuple[str, ...], force: bool, as_json: bool) -> None:
    """List public data sets, or fetch one of them.

    NAME is mnist-c-archive, n-mnist, emnist-digits, usps or affnist. What is fetched is verified by its digest, kept,
    and from then on DATA by its name. A download that breaks off goes on when it is called again. Without a network
    put the files where --json says. BRUIT_CACHE names another folder for them.

    \b
    Examples:
      bruit datasets
      bruit datasets --json              with addresses, digests and where the files lie
      bruit datasets fetch usps
      bruit datasets fetch emnist-digits --force
    """
    if not asked:
        if force:
            raise click.UsageError(words("--force goes with fetch NAME"))
        return _show(as_json)
    action, *names = asked
    # All parts of a set are fetched together.
    name = names[0].partition("/")[0] if len(names) == 1 else ""
    if action != "fetch" or name not in SETS:
        raise click.UsageError(
            words("expected fetch NAME, with a NAME of {names}, received {asked}", names=", ".join(SETS),
                  asked=" ".join(asked))
        )  # fmt: skip
    _fetch(name, force, as_json)


def _show(as_json: bool) -> None:
    from bruit.cli.tables import show
    from bruit.data.cache import describe, root

    sets = describe()
    if as_json:
        return print_json(sets)
    unknown = words("not known")
    rows = [
        [
            one["name"],
            in_words(one["summary"]),
            words("{train:,} + {test:,}", **one["images"]),
            unknown if one["size"] is None else words("{size:.0f} MB", size=one["size"] / 1e6),
            one["licence"] or unknown,
            words("yes") if one["fetched"] else words("no"),
        ]
        for one in sets
    ]
    columns = ("Name", "What it is", "Images", "Size", "Licence", "Fetched")
    show(words("Public data sets"), columns, rows, words("They are kept in {folder}", folder=root()))


def _fetch(name: str, force: bool, as_json: bool) -> None:
    from bruit.cli.progress import bar
    from bruit.data.cache import fetch
    from bruit.data.public import PUBLIC

    one = PUBLIC[name]
    with bar(name) as advance:
        paths = fetch(one, force=force, progress=advance)
    fetched: dict[str, Any] = {"name": name, "data": one.data, "files": [str(path) for path in paths]}
    if as_json:
        return print_json(fetched)
    say("{name} is in {folder}, verified; as DATA: {data}", name=name, folder=paths[0].parent, data=", ".join(one.data))
