"""Damaged files of every format: read, or refused in one line, and never with more memory than the limit allows."""

import gzip
import io
import struct
import tracemalloc

import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from bruit.data.sources import load
from bruit.errors import BruitError

N, SIDE = 12, 4
IMAGES = np.random.default_rng(0).integers(0, 256, (N, SIDE, SIDE), np.uint8)
LABELS = np.arange(N) % 2
LIMIT = 2**20


def made_by(save, *args, **named):
    file = io.BytesIO()
    save(file, *args, **named)
    return file.getvalue()


def mat(**named):
    return made_by(scipy.io.savemat, {"X": IMAGES, "y": LABELS}, **named)


def image(form, mode="L", index=0):
    return made_by(Image.fromarray(IMAGES[index]).convert(mode).save, form)


IDX = struct.pack(">HBB3I", 0, 8, 3, *IMAGES.shape) + IMAGES.tobytes()
IDX_LABELS = struct.pack(">HBBI", 0, 8, 1, N) + LABELS.astype(np.uint8).tobytes()
ROWS = "\n".join(f"{label},{','.join(map(str, one.ravel()))}" for one, label in zip(IMAGES, LABELS, strict=True))
OTHERS = {f"{i % 2}/{i}.bmp": image("BMP", index=i) for i in range(2, 8)}
TABLE = {f"{i}.bmp": image("BMP", index=i) for i in range(8)}
# The file that is damaged, what is in it, and what stands whole beside it.
CASES = {
    "npy": ("images.npy", made_by(np.save, IMAGES), {"labels.npy": made_by(np.save, LABELS)}),
    "npz": ("set.npz", made_by(np.savez, x=IMAGES, y=LABELS), {}),
    "npz-packed": ("set.npz", made_by(np.savez_compressed, x=IMAGES, y=LABELS), {}),
    "mat": ("set.mat", mat(), {}),
    "mat-packed": ("set.mat", mat(do_compression=True), {}),
    "idx": ("images-idx3-ubyte", IDX, {"labels-idx1-ubyte": IDX_LABELS}),
    "idx-labels": ("labels-idx1-ubyte", IDX_LABELS, {"images-idx3-ubyte": IDX}),
    "idx-gz": ("images-idx3-ubyte.gz", gzip.compress(IDX), {"labels-idx1-ubyte": IDX_LABELS}),
    "csv": ("train.csv", f"label,{','.join(f'p{i}' for i in range(16))}\n{ROWS}\n".encode(), {}),
    "csv-gz": ("train.csv.gz", gzip.compress(ROWS.encode()), {}),
    "labels.csv": ("labels.csv", "\n".join(["file,label", *(f"{i}.bmp,{i % 2}" for i in range(8))]).encode(), TABLE),
    **{
        form: (f"1/1.{form}", image(form, mode), OTHERS)
        for form, mode in (("png", "L"), ("tiff", "L"), ("bmp", "P"), ("gif", "P"), ("webp", "RGB"), ("jpeg", "L"))
    },
}
INTERESTING = st.sampled_from([0, 1, 0x7F, 0x80, 0xFE, 0xFF, 0x2C, 0x0A])
DAMAGE = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.integers(0, 2**16), st.one_of(INTERESTING, st.integers(0, 255))),
        st.tuples(st.just("cut"), st.integers(0, 2**16), st.integers(1, 40)),
        st.tuples(st.just("insert"), st.integers(0, 2**16), st.integers(0, 255)),
        st.tuples(st.just("end"), st.integers(0, 2**16), st.just(0)),
        st.tuples(st.just("ones"), st.integers(0, 2**16), st.integers(1, 8)),
    ),
    max_size=4,
)


def damaged(content, damage):
    content = bytearray(content)
    for kind, at, value in damage:
        at %= len(content) + 1
        if kind == "set" and at < len(content):
            content[at] = value
        elif kind == "cut":
            del content[at : at + value]
        elif kind == "insert":
            content.insert(at, value)
        elif kind == "end":
            del content[at:]
        elif kind == "ones":
            content[at : at + value] = b"\xff" * value
    return bytes(content)


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=DAMAGE)
@example(damage=[])
@example(damage=[("ones", 33, 1)])  # a chunk of 4 GB, for a PNG
def test_any_damage_is_read_or_refused_in_one_line(tmp_path_factory, case, damage):
    name, content, others = CASES[case]
    folder = tmp_path_factory.mktemp(case.replace("/", "-"))
    for other, whole in {**others, name: damaged(content, damage)}.items():
        (folder / other).parent.mkdir(exist_ok=True)
        (folder / other).write_bytes(whole)
    data = folder if others or name.startswith("train") else folder / name
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRUIT_MAX_BYTES", str(LIMIT))
        patch.setenv("BRUIT_MAX_PIXELS", "1M")
        tracemalloc.start()
        try:
            refused = None if load(data) else "nothing"
        except BruitError as error:
            refused = str(error)
        finally:
            _, most = tracemalloc.get_traced_memory()
            tracemalloc.stop()
    assert refused is None or damage
    assert "\n" not in (refused or "")
    assert most < 24 * LIMIT
