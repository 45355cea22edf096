"""Make the embedded MNIST, `src/bruit/data/mnist/mnist.zip`, from the four original IDX files.

    python tools/vendor_mnist.py FOLDER     # holds train-images-idx3-ubyte.gz and its three siblings

About 8.0 MB, where the four gzipped files take 11.4 MB. Two things buy that, both undone in `bruit.data.builtin`:
- where the ink is (one bit a pixel) and how dark it is are stored apart, in class order: the masks of one
  digit resemble each other, and bzip2 finds that;
- the values of the inked pixels are grouped by how much ink surrounds them, which the mask tells both
  sides: inside a stroke nearly all are 253 or more, at its edge they are spread out.
"""

import gzip
import hashlib
import sys
import zipfile
from pathlib import Path

import numpy as np

from bruit.data.builtin import MNIST_FILE, ink_around

MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def read_idx(folder: Path, name: str) -> np.ndarray:
    content = gzip.decompress((folder / f"{name}.gz").read_bytes())
    if hashlib.md5(content).hexdigest() != MD5[name]:
        sys.exit(f"{folder / name}.gz is not the original MNIST file: its MD5 differs from the published one.")
    header = 4 + 4 * content[3]
    shape = np.frombuffer(content[4:header], ">u4").astype(int)
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def member(archive: zipfile.ZipFile, name: str, values: np.ndarray, method: int) -> None:
    info = zipfile.ZipInfo(name)  # fixed date, so that the file is the same whenever it is made
    info.compress_type = method
    archive.writestr(info, values.tobytes(), compresslevel=9)


def main(folder: Path) -> None:
    images = np.concatenate([read_idx(folder, f"{part}-images-idx3-ubyte") for part in ("train", "t10k")])
    labels = np.concatenate([read_idx(folder, f"{part}-labels-idx1-ubyte") for part in ("train", "t10k")])
    images = images[np.argsort(labels, kind="stable")]
    ink = images > 0
    whole_bytes = np.pad(ink, ((0, 0), (0, 0), (0, 4)))
    with zipfile.ZipFile(MNIST_FILE, "w") as archive:
        member(archive, "labels", labels, zipfile.ZIP_LZMA)
        member(archive, "ink", np.packbits(whole_bytes, axis=2), zipfile.ZIP_BZIP2)
        member(archive, "values", images[ink][np.argsort(ink_around(ink), kind="stable")], zipfile.ZIP_LZMA)
    content = MNIST_FILE.read_bytes()
    print(f"{MNIST_FILE.name}: {len(content):,} bytes, sha256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
