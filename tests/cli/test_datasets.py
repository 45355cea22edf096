"""`bruit datasets`, without a network."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import public_files as made
import pytest
from click.shell_completion import ShellComplete

import bruit
from bruit.cli import bruit as group
from bruit.cli.completion import SETS
from bruit.cli.options import how_to_resume
from bruit.data import cache
from bruit.data.public import PUBLIC, Remote


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BRUIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


def test_the_names_of_the_help_are_those_that_there_are() -> None:
    assert tuple(PUBLIC) == SETS


def test_the_list(cli, place: Path) -> None:
    done = cli("datasets")
    assert done.code == 0
    for name in PUBLIC:
        assert f"  {name}  " in done.out
    assert done.out.count("  no  ") == len(PUBLIC)
    assert f"They are kept in {place}\n" in done.out
    assert "CC BY 4.0" in done.out
    assert "562 MB" in done.out
    for remote in PUBLIC["usps"].files:
        path = cache.place(PUBLIC["usps"], remote)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert cli("datasets").out.count("  yes  ") == 1


def test_the_list_for_programs(cli, place: Path) -> None:
    sets = {one["name"]: one for one in cli("datasets", "--json").json}
    assert list(sets) == list(PUBLIC)
    usps = sets["usps"]
    assert usps["images"] == {"train": 7291, "test": 2007}
    assert (usps["licence"], usps["size"], usps["fetched"]) == (None, None, False)
    assert usps["files"][1] == {
        "url": "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/usps.t.bz2",
        "size": None,
        "digest": "md5:8ea070ee2aca1ac39742fdd1ef5ed118",
        "facts": "torchvision.datasets.USPS",
        "path": str(place / "usps" / "usps.t.bz2"),
        "here": False,
    }
    assert sets["n-mnist"]["data"] == ["n-mnist/awgn", "n-mnist/motion-blur", "n-mnist/contrast-awgn"]


def test_what_cannot_be_reached_is_one_line(cli, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remote = Remote("http://127.0.0.1:1/usps.bz2")
    monkeypatch.setitem(PUBLIC, "usps", replace(PUBLIC["usps"], files=(remote,)))
    said = (
        "cannot reach 127.0.0.1:1 (Connection refused); download http://127.0.0.1:1/usps.bz2 on another machine and "
        f"put it as {place}/usps/usps.bz2"
    )
    assert cli("datasets", "fetch", "usps").problem() == said
    assert cli("datasets", "fetch", "usps", "--json").problem() == said


def test_what_is_there_is_not_fetched(cli, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remote = Remote("http://127.0.0.1:1/usps.bz2")
    monkeypatch.setitem(PUBLIC, "usps", replace(PUBLIC["usps"], files=(remote,)))
    (place / "usps").mkdir(parents=True)
    (place / "usps" / "usps.bz2").write_bytes(b"put there by hand")
    done = cli("datasets", "fetch", "usps")
    assert (done.code, done.out) == (0, f"usps is in {place}/usps, verified; as DATA: usps\n")
    assert cli("datasets", "fetch", "usps", "--json").json == {
        "name": "usps",
        "data": ["usps"],
        "files": [str(place / "usps" / "usps.bz2")],
    }
    assert "cannot reach" in cli("datasets", "fetch", "usps", "--force").problem()


@contextmanager
def served(files: dict[str, bytes], folder: Path) -> Iterator[str]:
    """The address of a server of these files, which knows no ranges."""
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_from_the_server_to_a_check_of_the_data(cli, place: Path, tmp_path: Path, digits, monkeypatch) -> None:
    files = {
        f"usps{part}.bz2": made.usps(split.images[:, 6:22, 6:22], split.labels)
        for part, split in (("", digits.train), (".t", digits.test))
    }
    with served(files, tmp_path / "web") as url:
        remotes = tuple(
            Remote(f"{url}/{name}", len(content), f"md5:{hashlib.md5(content).hexdigest()}")
            for name, content in files.items()
        )
        monkeypatch.setitem(PUBLIC, "usps", replace(PUBLIC["usps"], files=remotes))
        assert "usps has not been fetched; run: bruit datasets fetch usps" in cli("check", "usps").problem()
        done = cli("datasets", "fetch", "usps")
    assert (done.code, done.err) == (0, "")
    assert done.out == f"usps is in {place}/usps, verified; as DATA: usps\n"
    checked = cli("check", "usps", "--json").json
    assert checked["n"] == {"train": 600, "test": 200}
    assert cli("convert", "usps", tmp_path / "usps.npz").code == 0
    assert np.array_equal(bruit.load("usps").train.images, digits.train.images[:, 6:22, 6:22])


@pytest.mark.parametrize(
    ("typed", "last", "completed"),
    [(["datasets"], "", ["fetch"]), (["datasets", "fetch"], "us", ["usps"]), (["check"], "em", ["emnist-digits"])],
)
def test_tab_completes_it(typed: list[str], last: str, completed: list[str]) -> None:
    items = ShellComplete(group, {}, "bruit", "_BRUIT_COMPLETE").get_completions(typed, last)
    assert [item.value for item in items] == completed


def test_who_stops_it_hears_how_to_go_on() -> None:
    assert how_to_resume(["datasets", "fetch", "usps", "--force"]) == (
        "stopped; nothing is lost, go on with: bruit datasets fetch usps --force"
    )
    assert how_to_resume(["datasets"]) == "stopped"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("fetch",),
            "with a NAME of mnist-c-archive, n-mnist, emnist-digits, usps, affnist, received fetch",
        ),
        (("fetch", "mnist"), "affnist, received fetch mnist"),
        (("drop", "usps"), "received drop usps"),
        (("--force",), "--force goes with fetch NAME"),
    ],
)
def test_wrong_usage(cli, arguments: tuple[str, ...], said: str) -> None:
    done = cli("datasets", *arguments)
    assert done.code == 2
    assert said in done.err
