"""Makes tests/noise/mnist_c.npz, the numbers by which our corruptions are compared with the published code of MNIST-C.

    python tools/mnist_c_parity.py published FOLDER IMAGES.npz     run the published code, see below
    python tools/mnist_c_parity.py numbers IMAGES.npz              keep of its images means, variances, histograms, …

FOLDER is a copy of github.com/google-research/mnist-c. The first step needs numpy, scipy, pillow, scikit-image,
opencv-python-headless < 5 and Wand with libmagickwand, beside what `bruit` itself needs. The code is changed in memory
so far that it runs with them: names that NumPy and SciPy dropped, `multichannel=True`, which is now `channel_axis=-1`.
Frost (photographs) and pessimal noise (a matrix) need files of theirs, and are left out.

The second step needs bruit with PyTorch: it also keeps how many of the images `robust` reads.
"""

from __future__ import annotations

import inspect
import os
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bruit.data.builtin import mnist

OUT = Path(__file__).parent.parent / "tests" / "noise" / "mnist_c.npz"
N, N_SLOW, N_EXACT = 1000, 300, 4
CHANGES = {
    "multichannel=True": "channel_axis=-1",
    "np.float_": "np.float64",
    "np.int(": "int(",
    "scipy.ndimage.interpolation": "scipy.ndimage",
    "from pkg_resources import resource_filename": "",
}
LEFT_OUT = ("identity", "frost", "pessimal_noise")
# Those that draw nothing but a sign or two.
SIGNED = ("shear", "rotate", "translate")


def published(folder: Path) -> Any:
    """The published code as a module."""
    source = (folder / "corruptions.py").read_text()
    for old, new in CHANGES.items():
        source = source.replace(old, new)
    module: Any = types.ModuleType("corruptions")
    before = Path.cwd()
    os.chdir(folder)  # it opens a file beside it
    try:
        exec(compile(source, "corruptions.py", "exec"), module.__dict__)
    finally:
        os.chdir(before)
    return module


def make(folder: Path, out: Path) -> None:
    """Every corruption at every severity on the first training images, and each sign of those that have one."""
    code, images, made = published(folder), mnist().train.images, {}

    def run(name: str, severity: int | None, n: int) -> np.ndarray:
        arguments = () if severity is None else (severity,)
        given = (Image.fromarray(image) for image in images[:n])
        return np.array([np.asarray(getattr(code, name)(image, *arguments)).astype(np.uint8) for image in given])

    for name in code.ALL_CORRUPTIONS:
        if name in LEFT_OUT:
            continue
        has_severities = "severity" in inspect.signature(getattr(code, name)).parameters
        for severity in range(1, 6) if has_severities else (None,):
            np.random.seed(severity)  # noqa: NPY002 (what the published code draws from)
            made[f"{name}/{severity}"] = run(name, severity, N_SLOW if name == "glass_blur" else N)
            for sign in (-1, 1) if name in SIGNED else ():
                draw = np.random.choice
                np.random.choice = lambda values, size, sign=sign: np.full(size, sign)
                made[f"{name}/{severity}/{sign}"] = run(name, severity, N_EXACT)
                np.random.choice = draw
        print(name, flush=True)
    np.savez(out, **made)


def spectrum(images: np.ndarray) -> np.ndarray:
    """(14,) the power of the images less their mean image, by whole distances from the middle of the spectrum."""
    power = np.abs(np.fft.fftshift(np.fft.fft2(images - images.mean(axis=0)), axes=(1, 2))) ** 2
    y, x = np.indices(images.shape[1:]) - 14
    ring = np.hypot(y, x).astype(int)
    return (np.bincount(ring.ravel(), power.mean(axis=0).ravel()) / np.bincount(ring.ravel()))[:14]


def numbers(images: Path) -> None:
    import bruit

    robust, labels, kept = bruit.load_model("robust"), mnist().train.labels, {}
    with np.load(images) as made:
        for key in made:
            array = made[key]
            if len(array) == N_EXACT:
                kept[f"{key}/exact"] = array
                continue
            kept[f"{key}/mean"], kept[f"{key}/var"] = (
                value.astype(np.float32) for value in (array.mean(axis=0), array.var(axis=0))
            )
            kept[f"{key}/hist"] = np.bincount(array.ravel(), minlength=256).astype(np.uint32)
            kept[f"{key}/spectrum"] = spectrum(array).astype(np.float32)
            read = robust.probabilities(array).argmax(axis=1) == labels[: len(array)]
            kept[f"{key}/read"] = np.array([read.sum(), len(array)])
            kept[f"{key}/exact"] = array[:N_EXACT]
    np.savez_compressed(OUT, **kept)
    print(f"{OUT}: {OUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    if sys.argv[1] == "published":
        make(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        numbers(Path(sys.argv[2]))
