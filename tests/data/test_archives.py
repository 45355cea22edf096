"""Public data sets as they are published, in small files of the same form."""

from __future__ import annotations

import bz2
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import public_files as made
import pytest

from bruit.data import archives
from bruit.data.dataset import DataPair
from bruit.data.fetched import read
from bruit.errors import DataError


def splits_of(pair: DataPair) -> made.Splits:
    return {"train": (pair.train.images, pair.train.labels), "test": (pair.test.images, pair.test.labels)}


def small_images(images: np.ndarray, side: int) -> np.ndarray:
    """28 × 28 → 16 × 16, cut out, or 40 × 40, with an edge."""
    return images[:, 6:22, 6:22] if side == 16 else np.pad(images, ((0, 0), (6, 6), (6, 6)))


def sized(pair: DataPair, side: int) -> DataPair:
    from dataclasses import replace

    return replace(
        pair,
        **{one: replace(getattr(pair, one), images=small_images(getattr(pair, one).images, side))
           for one in ("train", "test")},
    )  # fmt: skip


Lay = Callable[..., list[Path]]


@pytest.fixture
def lay(tmp_path: Path) -> Lay:
    def write(*contents: bytes) -> list[Path]:
        paths = [tmp_path / f"file-{number}" for number in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        return paths

    return write


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_mnist_c(small, lay, the_same, method) -> None:
    paths = lay(made.mnist_c(splits_of(small), ("fog", "identity"), method))
    the_same(read("mnist-c-archive", "identity", paths, "x"), small)
    assert archives.mnist_c(paths[0], "fog").train_images.shape == (60, 28, 28, 1)


def test_mnist_c_without_one_of_its_files(small, lay, refused) -> None:
    paths = lay(made.mnist_c({"train": splits_of(small)["train"]}))
    with refused(DataError, f"{paths[0]} holds no mnist_c/fog/test_images.npy; fetch it again"):
        archives.mnist_c(paths[0], "fog")


def test_nothing_in_mnist_c_is_unpickled(small, lay) -> None:
    content = made.mnist_c(splits_of(small))
    with zipfile.ZipFile(lay(content)[0]) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["mnist_c/fog/train_labels.npy"] = made.npy(np.array([{}] * 60, object), allow_pickle=True)
    with pytest.raises(DataError, match="holds Python objects"):
        archives.mnist_c(lay(made.zipped(members))[0], "fog")


def test_emnist_is_put_upright(small, lay, the_same) -> None:
    pair = read("emnist-digits", "", lay(made.emnist(splits_of(small))), "x")
    the_same(pair, small)
    slanted = np.zeros((1, 28, 28), np.uint8)
    slanted[0, 2, 20] = 255  # above and to the right
    content = made.emnist({split: (slanted, np.array([1])) for split in ("train", "test")})
    assert np.argwhere(archives.emnist(lay(content)[0]).train_images[0]).tolist() == [[2, 20]]


@pytest.mark.parametrize("compress", [False, True])
def test_n_mnist(small, lay, the_same, compress) -> None:
    the_same(read("n-mnist", "awgn", lay(made.n_mnist(splits_of(small), compress=compress)), "x"), small)


def test_n_mnist_without_a_mat_file(small, lay, refused) -> None:
    (path,) = lay(made.n_mnist(splits_of(small), name="notes.txt"))
    with refused(DataError, f"{path} holds no .mat file; fetch it again"):
        archives.n_mnist(path)


def test_usps(small, lay, the_same) -> None:
    pair = sized(small, 16)
    files = [made.usps(images, labels) for images, labels in splits_of(pair).values()]
    the_same(read("usps", "", lay(*files), "x"), pair)


def test_what_usps_leaves_out_is_grey(lay) -> None:
    images, labels = archives._libsvm(lay(bz2.compress(b"10 1:-1 256:1\n1\n"))[0])
    assert labels.tolist() == [9, 0]
    assert (images[0, 0, 0], images[0, 15, 15], images[0, 5, 5]) == (0, 255, 128)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0 1:0", ": expected a label in 1…10, received 0; fetch it again"),
        ("11 1:0", ": expected a label in 1…10, received 11; fetch it again"),
        ("1 257:0", ": expected pixels 1 to 256 with values in −1…1; fetch it again"),
        ("1 0:0", ": expected pixels 1 to 256 with values in −1…1; fetch it again"),
        ("1 1:nan", ": expected pixels 1 to 256 with values in −1…1; fetch it again"),
        ("1 1:1.5", ": expected pixels 1 to 256 with values in −1…1; fetch it again"),
        ("1 1", ": expected a label and 1:value 2:value …; fetch it again"),
        ("one 1:0", ": expected a label and 1:value 2:value …; fetch it again"),
    ],
)
def test_bad_lines_of_usps(lay, refused, line: str, said: str) -> None:
    (path,) = lay(bz2.compress(f"1 1:0\n\n{line}\n".encode()))
    with refused(DataError, f"{path}, line 3{said}"):
        archives._libsvm(path)


@pytest.mark.parametrize("compress", [False, True])
def test_affnist(small, lay, the_same, compress) -> None:
    pair = sized(small, 40)
    images, labels = splits_of(pair)["train"]
    sources = np.arange(60) // 2 + 1
    batches = {
        f"validation_batches/{number}.mat": made.affnist_mat(
            images[part], labels[part], sources[part], do_compression=compress
        )
        for number, part in ((10, slice(40, 60)), (9, slice(40)))
    }
    test = made.affnist_mat(pair.test.images, pair.test.labels, np.arange(20), do_compression=compress)
    paths = lay(made.zipped(batches | {"notes.txt": b""}), made.zipped({"test.mat": test}))
    read_pair = read("affnist", "", paths, "x")
    the_same(read_pair, pair)
    assert read_pair.train.ids.tolist() == (sources - 1).tolist()
    assert read_pair.test.ids.tolist() == list(range(30, 50))


def test_affnist_of_another_form(small, lay, refused) -> None:
    images, labels = small.test.images, small.test.labels
    (path,) = lay(made.zipped({"test.mat": made.affnist_mat(images, labels, labels)}))
    with refused(
        DataError,
        f"expected an image of 40 × 40 pixels in test.mat in {path} for each of 20 labels, received shape (784, 20); "
        "fetch it again",
    ):
        archives._batches(path)
    (path,) = lay(made.zipped({"test.mat": made.mat({"other": {"image": images}})}))
    with refused(DataError, f"test.mat in {path} does not begin with a struct called affNISTdata; fetch it again"):
        archives._batches(path)
    (path,) = lay(made.zipped({"test.mat": made.mat({"affNISTdata": {"image": images}})}))
    with refused(DataError, f"test.mat in {path} has no label_int; fetch it again"):
        archives._batches(path)
    (path,) = lay(made.zipped({"test.mat": made.mat({"affNISTdata": {"image": "a", "label_int": labels}})}))
    with refused(DataError, f"image in test.mat in {path} is text; save it as a full array of numbers"):
        archives._batches(path)
    (path,) = lay(made.zipped({"others/readme.txt": b""}))
    with refused(DataError, f"{path} holds no .mat file; fetch it again"):
        archives._batches(path)


READERS = {
    "mnist_c": (lambda splits: made.mnist_c(splits), lambda path: archives.mnist_c(path, "fog")),
    "emnist": (made.emnist, archives.emnist),
    "n_mnist": (made.n_mnist, archives.n_mnist),
    "usps": (lambda splits: made.usps(small_images(splits["test"][0], 16), splits["test"][1]), archives._libsvm),
    "affnist": (
        lambda splits: made.zipped(
            {"1.mat": made.affnist_mat(small_images(splits["test"][0], 40), splits["test"][1], splits["test"][1])}
        ),
        archives._batches,
    ),
}


@pytest.mark.parametrize("name", READERS)
def test_what_is_cut_off_is_one_line(name: str, small, lay) -> None:
    make, reader = READERS[name]
    content = make(splits_of(small))
    (path,) = lay(content)
    reader(path)
    for size in (0, 1, 40, len(content) // 3, len(content) // 2, len(content) - 30):
        path.write_bytes(content[:size])
        with pytest.raises(DataError, match=str(path)) as caught:
            reader(path)
        assert "\n" not in str(caught.value)
    path.unlink()
    with pytest.raises(DataError, match="there is no such file"):
        reader(path)
