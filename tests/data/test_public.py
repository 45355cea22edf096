"""Public data sets by their names: the table of them, and what DATA means by one."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import public_files as made
import pytest

from bruit.data import cache
from bruit.data.public import PUBLIC, PublicSet, Remote
from bruit.data.sources import NAMES, load
from bruit.errors import ConfigError, DataError


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def nobody(*arguments: object) -> None:
        raise AssertionError("reading fetches nothing")

    monkeypatch.setattr("bruit.data.transfer._open", nobody)
    monkeypatch.setenv("BRUIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def lay(monkeypatch: pytest.MonkeyPatch, name: str, *contents: bytes) -> PublicSet:
    """Put files where those of a set belong, as if they were the published ones."""
    files = tuple(replace(file, digest=None) for file in PUBLIC[name].files)
    one = replace(PUBLIC[name], files=files)
    monkeypatch.setitem(PUBLIC, name, one)
    for remote, content in zip(files, contents, strict=False):
        path = cache.place(one, remote)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return one


@pytest.mark.parametrize("one", PUBLIC.values(), ids=PUBLIC)
def test_the_table_is_in_order(one: PublicSet) -> None:
    assert PUBLIC[one.name] is one
    assert one.source.startswith("https://")
    assert len({file.file for file in one.files}) == len(one.files)
    assert len(one.files) in (1, 2, len(one.parts))
    for file in one.files:
        assert file.url.startswith("https://")
        assert file.digest is None or re.fullmatch("sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}", file.digest)
        assert (file.digest is None and file.size is None) == (file.facts is None)
    assert (one.licence is None) == (one.licence_by is None)


def test_the_size_of_a_set_is_known_if_that_of_each_file_is() -> None:
    one = replace(PUBLIC["affnist"], files=PUBLIC["affnist"].files)
    assert one.size == 121_890_491 + 121_743_191
    assert replace(one, files=(*one.files, Remote("https://example.org/x"))).size is None


@pytest.mark.parametrize("name", sorted({name.partition("/")[0] for name in NAMES} & set(PUBLIC)))
def test_the_names_of_data_are_those_of_sets(name: str) -> None:
    assert set(PUBLIC[name].data) & set(NAMES)
    assert set(PUBLIC) <= {one.partition("/")[0] for one in NAMES}


def test_a_set_that_was_not_fetched_says_how(refused, tmp_path) -> None:
    url = "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"
    message = (
        f"emnist-digits has not been fetched; run: bruit datasets fetch emnist-digits, or download {url} on another "
        f"machine and put it as {tmp_path}/cache/emnist-digits/gzip.zip"
    )
    for said in ("emnist-digits", "emnist-digits+course"):
        with refused(DataError, message):
            load(said)


def test_another_file_in_its_place(monkeypatch, tmp_path) -> None:
    path = cache.place(PUBLIC["usps"], PUBLIC["usps"].files[0])
    path.parent.mkdir(parents=True)
    path.write_bytes(b"BZh9")
    expected = f"{path} is not what was published: expected md5:ec16c51db3855ca6c91edd34d0e9b197, received md5:"
    with pytest.raises(DataError, match=re.escape(expected)):
        load("usps")


def test_a_part_by_its_name(small, monkeypatch, the_same) -> None:
    splits = {"train": (small.train.images, small.train.labels), "test": (small.test.images, small.test.labels)}
    lay(monkeypatch, "n-mnist", b"", made.n_mnist(splits))
    pair = load("n-mnist/motion-blur")
    assert pair.name == "n-mnist/motion-blur"
    the_same(pair, small)
    with pytest.raises(DataError, match=r"awgn\.gz is an empty file"):
        load("n-mnist/awgn")
    with pytest.raises(DataError, match=r"n-mnist has not been fetched; .*reduced-contrast-and-awgn"):
        load("n-mnist/contrast-awgn")


def test_a_recipe_on_it(small, monkeypatch) -> None:
    splits = {"train": (small.train.images, small.train.labels), "test": (small.test.images, small.test.labels)}
    lay(monkeypatch, "mnist-c-archive", made.mnist_c(splits))
    clean, noisy = load("mnist-c-archive/fog"), load("mnist-c-archive/fog+course", seed=1)
    assert clean.train.fingerprint() != noisy.train.fingerprint()
    assert np.array_equal(clean.train.labels, noisy.train.labels)


def test_several_sets_and_none(refused) -> None:
    with refused(
        DataError, "n-mnist is several data sets; name one of them, as n-mnist/awgn: awgn, motion-blur, contrast-awgn"
    ):
        load("n-mnist")
    with pytest.raises(DataError, match="mnist-c-archive has no snow; choose one of brightness, canny_edges"):
        load("mnist-c-archive/snow")
    with refused(DataError, "usps has no parts; leave out /train"):
        load("usps/train")


def test_a_folder_that_is_called_alike_comes_first(npy_folder, monkeypatch) -> None:
    folder = npy_folder(folder="usps")
    monkeypatch.chdir(folder.parent)
    assert load("usps").train.shape == (28, 28)


def test_labels_that_are_missing(small, monkeypatch, refused) -> None:
    content = made.mat({"train_x": small.train.images})
    monkeypatch.setattr(made, "mat", lambda *arguments, **named: content)
    lay(monkeypatch, "n-mnist", made.n_mnist({}))
    with refused(DataError, "n-mnist/awgn holds no labels; fetch it again"):
        load("n-mnist/awgn")


def test_without_pooch_there_is_a_folder_only_if_it_is_named(monkeypatch, refused, tmp_path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pooch", None)
    assert cache.root() == tmp_path / "cache"
    monkeypatch.delenv("BRUIT_CACHE")
    with refused(
        ConfigError, "public data sets need pooch; install it, in the folder of bruit: pip install -e '.[datasets]'"
    ):
        load("usps")
