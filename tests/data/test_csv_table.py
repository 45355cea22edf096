"""Tables of pixels."""

import gzip

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bruit.data import csv_table
from bruit.data.sources import load, load_images
from bruit.errors import DataError

HEADER = [f"pixel{i}" for i in range(784)]


def rows_of(part, label=0):
    """The cells of each line; the label in that column, or nowhere if it is None."""
    for image, value in zip(part.images, part.labels, strict=True):
        cells = [str(pixel) for pixel in image.ravel()]
        yield cells if label is None else [*cells[:label], str(value), *cells[label:]]


def table(rows, header=None, delimiter=","):
    rows = [*([header] if header else []), *rows]
    return "".join(delimiter.join(row) + "\n" for row in rows)


@pytest.fixture
def kaggle(small, tmp_path):
    """As Kaggle's digit recognizer has it: no labels in test.csv."""
    (tmp_path / "train.csv").write_text(table(rows_of(small.train), ["label", *HEADER]))
    (tmp_path / "test.csv").write_text(table(rows_of(small.test, None), HEADER))
    (tmp_path / "sample_submission.csv").write_text("ImageId,Label\n1,0\n")
    return tmp_path


def test_kaggles_folder_and_its_test_images_without_labels(kaggle, small, one_split):
    read = load(kaggle)
    one_split(read)
    (found,) = (finding for finding in read.findings if finding.code == "test-unlabelled")
    assert found.severity == "warning"
    assert found.message.startswith("The test images have no labels and were not used: ")
    assert np.array_equal(load_images(kaggle), small.test.images)


def test_one_table_is_one_split(kaggle, one_split):
    read = load(kaggle / "train.csv")
    one_split(read)
    (found,) = (finding for finding in read.findings if finding.code == "set-aside")
    assert (found.severity, found.figure["seed"]) == ("info", 0)


def test_a_table_for_each_split(kaggle, small, the_same):
    (kaggle / "test.csv").write_text(table(rows_of(small.test), ["label", *HEADER]))
    the_same(load(kaggle), small)


@pytest.mark.parametrize(
    "write",
    [
        lambda part: table(rows_of(part)),
        lambda part: table(rows_of(part, 784), [*HEADER, "class"]),
        lambda part: table(rows_of(part, 3), [*HEADER[:3], "Digit", *HEADER[3:]]),
        lambda part: table(rows_of(part), ["label", *(str(i) for i in range(784))]),
        lambda part: table(rows_of(part), ["label", *HEADER], ";"),
        lambda part: table(rows_of(part), ["label", *HEADER], "\t"),
        lambda part: table([[f'"{cell}"' for cell in row] for row in rows_of(part)], ['"label"', *HEADER]),
        lambda part: table([[str(i), *row] for i, row in enumerate(rows_of(part))], ["", "label", *HEADER]),
        lambda part: "\ufeff" + table(rows_of(part), ["label", *HEADER]).replace("\n", "\r\n"),
        lambda part: table(rows_of(part)).replace("\n", "\n\n"),
        lambda part: table([[f"{row[0]}.0", *row[1:]] for row in rows_of(part)]),
    ],
    ids=["bare", "last", "within", "numbered", "semicolon", "tab", "quoted", "counted", "windows", "gaps", "float"],
)
def test_the_ways_in_which_people_write_tables(small, the_same, tmp_path, write):
    (tmp_path / "my_train.csv").write_text(write(small.train), "utf-8")
    (tmp_path / "my_test.csv.gz").write_bytes(gzip.compress(write(small.test).encode()))
    the_same(load(tmp_path), small)


def test_labels_as_words(small, tmp_path):
    words = np.array(["zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf"])
    rows = [[words[int(row[0])], *row[1:]] for row in rows_of(small.train)]
    (tmp_path / "set.csv").write_text(table(rows, ["label", *HEADER]), "utf-8")
    assert load(tmp_path / "set.csv").classes == tuple(sorted(words))


def test_fractions_and_more_lines_than_a_chunk(tmp_path, digits):
    images = np.concatenate([digits.train.images[:, 10:18, 10:18]] * 2)
    rows = (
        [str(label), *(f"{pixel / 255:.6f}" for pixel in image.ravel())]
        for image, label in zip(images, np.arange(1200) % 10, strict=True)
    )
    (tmp_path / "set.csv").write_text(table(rows))
    read = csv_table.read(tmp_path / "set.csv")
    assert read.train_images.dtype == np.float32
    assert np.array_equal(np.rint(read.train_images.reshape(1200, 8, 8) * 255), images)
    assert np.array_equal(read.train_labels, np.arange(1200) % 10)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(arrays(np.float64, (4, 9), elements=st.floats(-1e6, 1e6, width=32)), st.sampled_from([np.float64, np.int64]))
def test_any_numbers_come_through(tmp_path, values, kind):
    values = values.astype(kind)
    beyond = ((values < -0.5) | (values > 255.5)).any(axis=1).sum()
    assume(beyond in (0, 3, 4))  # of four images, which are all right or all on another scale
    (tmp_path / "set.csv").write_text(table([["1", *(repr(cell) for cell in row)] for row in values.tolist()]))
    read = csv_table.read(tmp_path / "set.csv").train_images
    np.testing.assert_array_equal(read, values.astype(read.dtype))
    np.testing.assert_allclose(read, values, rtol=1e-6)


# Refused


def changed(folder, line, column, cell):
    """train.csv with another cell; lines count from 1, columns from 0."""
    lines = (folder / "train.csv").read_text().splitlines()
    cells = lines[line - 1].split(",")
    cells[column] = cell
    lines[line - 1] = ",".join(cells)
    (folder / "train.csv").write_text("\n".join(lines))
    return folder / "train.csv"


@pytest.mark.parametrize("cell", ["", "x", "1_0", "12 3", "—", "٣"])
def test_a_cell_that_is_no_number(kaggle, refused, cell):
    file = changed(kaggle, 31, 400, cell)
    with refused(DataError, f"{file}, line 31, column 401: expected a number, received {cell!r}"):
        load(file)


@pytest.mark.parametrize("cell", ["256", "300", "65535", "-3", "1e+30", "nan", "inf"])
def test_a_pixel_beyond_255_is_refused_where_few_images_have_one(kaggle, refused, cell):
    changed(kaggle, 40, 90, cell)
    file = changed(kaggle, 31, 400, cell)
    message = f"{file}, line 31, column 401: expected 0…255, as in most images, received {cell}; repair or remove it"
    with refused(DataError, message):
        load(file)


def test_16_bits_are_read_where_most_images_have_them(tmp_path, small, the_same):
    for split in ("train", "test"):
        part = getattr(small, split)
        wide = part.images.astype(np.uint16) * 257
        rows = ([str(label), *map(str, image.ravel())] for image, label in zip(wide, part.labels, strict=True))
        (tmp_path / f"{split}.csv").write_text(table(rows, ["label", *HEADER]))
    the_same(load(tmp_path), small)


def test_a_missing_label(kaggle, refused):
    file = changed(kaggle, 5, 0, " ")
    with refused(DataError, f"{file}, line 5, column 1: no label; label or remove that image"):
        load(file)


@pytest.mark.parametrize(("cell", "n"), [("1,2", 786), ("1,2,3", 787)])
def test_lines_of_differing_length(kaggle, refused, cell, n):
    file = changed(kaggle, 7, 5, cell)
    with refused(DataError, f"{file}, line 7: {n} columns, the first line has 785; repair or remove it"):
        load(file)


def test_not_finite(kaggle, refused):
    file = changed(kaggle, 12, 30, "nan")
    message = f"{file}, line 12, column 31: expected 0…255, as in most images, received nan; repair or remove it"
    with refused(DataError, message):
        load(file)


def test_numbered_columns_are_read_by_their_numbers(kaggle, small, one_split):
    order = np.random.default_rng(0).permutation(784)
    for names in (HEADER, [f"{1 + i // 28}x{1 + i % 28}" for i in range(784)]):
        flat = small.train.images.reshape(len(small.train), -1)[:, order]
        rows = ([str(label), *map(str, pixels)] for label, pixels in zip(small.train.labels, flat, strict=True))
        (kaggle / "train.csv").write_text(table(rows, ["label", *(names[i] for i in order)]))
        one_split(load(kaggle / "train.csv"))


def test_columns_in_two_orders(tmp_path, refused):
    for split, names in (("train", "abcd"), ("test", "abdc")):
        (tmp_path / f"{split}.csv").write_text(table([["0", *"1234"], ["1", *"5678"]], ["label", *names]))
    train, test = (tmp_path / f"{split}.csv" for split in ("train", "test"))
    with refused(DataError, f"{train} and {test} have their columns in different orders; give both the same"):
        load(tmp_path)


def test_a_table_without_labels(kaggle, refused):
    with refused(DataError, f"{kaggle / 'test.csv'} holds images without labels; add a column called label"):
        load(kaggle / "test.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\n\n", "holds no lines but empty ones; expected one an image: label,pixel0,pixel1,…"),
        (b"label,pixel0,pixel1\n", "holds a header and no images; expected one image a line below it"),
        (b"\xff\xfel\x00a\x00", "line 1: not text in UTF-8; save it as CSV in UTF-8"),
        (b"label,pixel0\n1,\x00\n", "line 2: not text, it holds zero bytes; save it as CSV in UTF-8"),
        (b"1,2,3,4,5,6,7\n", "line 1: expected a label and the pixels of a square image, as 785 columns for 28 × 28"),
        (b"label,class,p0\n", "line 1: the columns label and class could both be labels; keep one of them"),
        (b"label\n", "line 1: no columns of pixels; expected label,pixel0,pixel1,…"),
        (b"what,p0,p1,p2,p3\n1,2,3,4,5\n", "line 1: no column is called label; rename the one that holds the labels"),
    ],
)
def test_what_is_no_table_of_images(tmp_path, content, message):
    (tmp_path / "set.csv").write_bytes(content)
    with pytest.raises(DataError) as caught:
        load(tmp_path / "set.csv")
    assert str(tmp_path / "set.csv") in str(caught.value)
    assert message in str(caught.value)


def test_a_line_without_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr("bruit.data.streams.MAX_LINE", 1000)
    (tmp_path / "set.csv").write_bytes(b"1," * 5000)
    with pytest.raises(DataError, match=r"line 1: longer than 1,000 bytes; is it a table, with line breaks\?"):
        load(tmp_path / "set.csv")


def test_a_bomb(tmp_path, monkeypatch):
    monkeypatch.setenv("BRUIT_MAX_BYTES", "100K")
    (tmp_path / "set.csv.gz").write_bytes(gzip.compress(b"0,0,0,0,0\n" * 20_000))
    with pytest.raises(
        DataError, match=r"set\.csv\.gz holds 102,410 bytes or more when unpacked, the limit is 102,400"
    ):
        load(tmp_path / "set.csv.gz")


def test_a_truncated_gzip_file(tmp_path, kaggle):
    (tmp_path / "set.csv.gz").write_bytes(gzip.compress((kaggle / "train.csv").read_bytes())[:-20])
    with pytest.raises(DataError, match=r"set\.csv\.gz is damaged or not a CSV table; copy it again"):
        load(tmp_path / "set.csv.gz")


def test_an_empty_file(tmp_path, refused):
    (tmp_path / "set.csv").touch()
    with refused(DataError, f"{tmp_path / 'set.csv'} is an empty file (0 bytes); copy it again"):
        load(tmp_path / "set.csv")


def test_several_tables_of_one_split(kaggle, refused):
    (kaggle / "train2.csv").write_text("")
    with refused(
        DataError,
        f"{kaggle} holds several files of one split (train.csv, train2.csv); keep one, or give a single file",
    ):
        load(kaggle)
