"""Public data sets that bruit can fetch: where they are, under which licence, how large, and their digests.

What is None was found nowhere. A digest that is not published is made of the first download, and kept beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from bruit.locale import mark


@dataclass(frozen=True)
class Remote:
    """One file of a data set.

    size    bytes
    digest  "sha256:…" or "md5:…"
    facts   who says size and digest
    """

    url: str
    size: int | None = None
    digest: str | None = None
    facts: str | None = None

    @property
    def file(self) -> str:
        """What it is called in the cache."""
        return PurePosixPath(self.url).name


@dataclass(frozen=True)
class PublicSet:
    """A data set that can be fetched.

    summary  what it is, to be translated where it is shown
    source   the page that describes it
    licence  and `licence_by`, who says so
    n        training and test images, of each part if there are parts
    shape    (height, width) in pixels
    files    all of them; where there are as many parts, one for each
    parts    what may follow NAME/, where the set holds several
    """

    name: str
    summary: str
    source: str
    licence: str | None
    n: tuple[int, int]
    shape: tuple[int, int]
    files: tuple[Remote, ...]
    parts: tuple[str, ...] = ()
    licence_by: str | None = None

    @property
    def size(self) -> int | None:
        """Bytes of all files, if all are known."""
        sizes = [file.size for file in self.files if file.size is not None]
        return sum(sizes) if len(sizes) == len(self.files) else None

    @property
    def data(self) -> list[str]:
        """What it is called where a command takes DATA."""
        return [f"{self.name}/{part}" for part in self.parts] or [self.name]


_TFDS = "https://github.com/tensorflow/datasets: tensorflow_datasets/url_checksums"
_AFFNIST = "https://www.cs.toronto.edu/~tijmen/affNIST/32x/transformed/"
_N_MNIST = "https://csc.lsu.edu/~saikat/n-mnist/data/mnist-with-"
_KERAS = mark("a public Keras script that fetches it, as its file_hash")
_USPS = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/"
_TORCHVISION = "torchvision.datasets.USPS"

_ALL = (
    PublicSet(
        "mnist-c-archive",
        mark("MNIST-C as its authors published it: fifteen corruptions and identity"),
        "https://zenodo.org/records/3239543",
        mark("CC BY 4.0"),
        (60_000, 10_000),
        (28, 28),
        (
            Remote(
                "https://zenodo.org/record/3239543/files/mnist_c.zip",
                246_661_575,
                "sha256:af9ee8c6a815870c7fdde5af84c7bf8db0bcfa1f41056db83871037fba70e493",
                f"{_TFDS}/mnist_corrupted.txt",
            ),
        ),
        (
            *("brightness", "canny_edges", "dotted_line", "fog", "glass_blur", "identity", "impulse_noise"),
            *("motion_blur", "rotate", "scale", "shear", "shot_noise", "spatter", "stripe", "translate", "zigzag"),
        ),
        mark("public projects that cite the Zenodo record"),
    ),
    PublicSet(
        "n-mnist",
        mark("n-MNIST as its authors published it: three kinds of noise"),
        "https://csc.lsu.edu/~saikat/n-mnist/",
        None,
        (60_000, 10_000),
        (28, 28),
        (
            Remote(
                f"{_N_MNIST}awgn.gz",
                digest="sha256:f33c8f78534c1e4e0173744183e68f72a360bc28eeaf4f43f07d6d4c4ddb635b",
                facts=_KERAS,
            ),
            Remote(
                f"{_N_MNIST}motion-blur.gz",
                digest="sha256:70a7ccabd53e5b50ba8e7b9358cefadea8ab499a4738eda67caabe66289cb17e",
                facts=_KERAS,
            ),
            Remote(f"{_N_MNIST}reduced-contrast-and-awgn.gz"),
        ),
        ("awgn", "motion-blur", "contrast-awgn"),
    ),
    PublicSet(
        "emnist-digits",
        mark("the digits of EMNIST: four times as many as MNIST has"),
        "https://www.nist.gov/itl/products-and-services/emnist-dataset",
        None,
        (240_000, 40_000),
        (28, 28),
        (
            Remote(
                "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
                561_753_746,
                "sha256:fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
                f"{_TFDS}/emnist.txt",
            ),
        ),
    ),
    PublicSet(
        "usps",
        mark("digits of postcodes, 16 × 16 pixels"),
        "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html#usps",
        None,
        (7_291, 2_007),
        (16, 16),
        (
            Remote(f"{_USPS}usps.bz2", digest="md5:ec16c51db3855ca6c91edd34d0e9b197", facts=_TORCHVISION),
            Remote(f"{_USPS}usps.t.bz2", digest="md5:8ea070ee2aca1ac39742fdd1ef5ed118", facts=_TORCHVISION),
        ),
    ),
    PublicSet(
        "affnist",
        mark("affNIST: MNIST turned, sheared, scaled and moved, 40 × 40 pixels; its validation part is to train on"),
        "https://www.cs.toronto.edu/~tijmen/affNIST/",
        None,
        (320_000, 320_000),
        (40, 40),
        (
            Remote(
                f"{_AFFNIST}validation_batches.zip",
                121_890_491,
                "sha256:c613d7718fd93f1fb2f6a90cc18b97f6ec2b76929559374f79aa7081bdfd358c",
                f"{_TFDS}/affnist.txt",
            ),
            Remote(
                f"{_AFFNIST}test.mat.zip",
                121_743_191,
                "sha256:2cde38ec83ee2ebfd7b901f8be5a09efb17a1bda04771f9b4905751eb945c01a",
                f"{_TFDS}/affnist.txt",
            ),
        ),
    ),
)
PUBLIC = {one.name: one for one in _ALL}


def named(name: str) -> tuple[PublicSet, str] | None:
    """The set and the part that DATA of this name means; the part is empty where none is named."""
    whole, _, part = name.partition("/")
    found = PUBLIC.get(whole)
    return (found, part) if found is not None else None
