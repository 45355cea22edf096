"""Folders of image files."""

import os
import shutil

import numpy as np
import pytest
from PIL import Image

from bruit.data.sources import load, load_images
from bruit.errors import DataError


def write(folder, part, form="png", change=lambda image: image):
    """One folder a class, numbered so that sorting keeps the order of the images within a class."""
    for index, (image, label) in enumerate(zip(part.images, part.labels, strict=True)):
        place = folder / str(label)
        place.mkdir(parents=True, exist_ok=True)
        change(Image.fromarray(image)).save(place / f"{index:04}.{form}")
    return folder


def by_class(part):
    """The same images in the order in which the folders are read."""
    return part.subset(np.argsort(part.labels, kind="stable"))


@pytest.fixture
def folder(small, tmp_path):
    """60 training images, one folder a class."""
    return write(tmp_path / "scans", small.train)


@pytest.fixture
def flat(small, tmp_path):
    """60 training images in one folder, and labels.csv."""
    place = tmp_path / "flat"
    place.mkdir()
    lines = ["file,label"]
    for index, (image, label) in enumerate(zip(small.train.images, small.train.labels, strict=True)):
        Image.fromarray(image).save(place / f"{index:04}.png")
        lines.append(f"{index:04}.png,{label}")
    (place / "labels.csv").write_text("\n".join(lines))
    return place


def codes(pair):
    return {finding.code: finding for finding in pair.findings}


@pytest.mark.parametrize("names", [("train", "test"), ("Training", "testing")])
def test_a_folder_for_each_split(small, tmp_path, names):
    for name, part in zip(names, (small.train, small.test), strict=True):
        write(tmp_path / "set" / name, part)
    read = load(tmp_path / "set")
    for ours, theirs in ((read.train, by_class(small.train)), (read.test, by_class(small.test))):
        assert np.array_equal(ours.images, theirs.images)
        assert np.array_equal(ours.labels, theirs.labels)
    assert read.name == "set"
    assert set(codes(read)) == {"scale"}


def test_one_level(folder, small):
    read = load(folder)
    whole = by_class(small.train)
    assert np.array_equal(read.train.images, whole.images[read.train.ids])
    assert np.array_equal(read.test.images, whole.images[read.test.ids])
    assert np.array_equal(read.test.labels, whole.labels[read.test.ids])
    assert set(codes(read)) == {"scale", "set-aside"}


def test_a_table_of_labels(flat, one_split):
    one_split(load(flat))
    text = (flat / "labels.csv").read_text().replace("file,label", "class,filename")
    lines = [text.splitlines()[0], *(";".join(line.split(",")[::-1]) for line in text.splitlines()[1:])]
    (flat / "labels.csv").write_text("\n".join(lines).replace("class,filename", "class;filename"))
    one_split(load(flat))


def test_labels_may_be_words(folder):
    (folder / "3").rename(folder / "three")
    assert load(folder).classes == ("0", "1", "2", "4", "5", "6", "7", "8", "9", "three")


def test_colour_becomes_grey_and_is_said(folder):
    colour = np.random.default_rng(0).integers(0, 256, (28, 28, 3), np.uint8)
    Image.fromarray(colour).save(folder / "0" / "!.png")
    read = load_images(folder)
    assert np.array_equal(read[0], np.asarray(Image.fromarray(colour).convert("L")))
    made_grey = codes(load(folder))["made-grey"]
    assert made_grey.message.startswith("1 of 61 images were in colour or transparent; ")


def test_what_is_passed_over_is_said_but_for_hidden_things(folder):
    (folder / "README.txt").write_text("scanned in May")
    (folder / "3" / "Thumbs.db").write_text("")
    os.mkfifo(folder / "3" / "pipe.png")
    for hidden in (folder / ".DS_Store", folder / "3" / "._0001.png"):
        hidden.write_text("")
    (folder / "__MACOSX").mkdir()
    read = load(folder)
    expected = "Not used of what is there (3 in all): 3/Thumbs.db, 3/pipe.png, README.txt."
    assert codes(read)["not-used"].message == expected


def test_a_third_split_is_passed_over_and_said(folder, tmp_path):
    for split in ("train", "test", "val"):
        shutil.copytree(folder, tmp_path / "all" / split)
    read = load(tmp_path / "all")
    assert codes(read)["not-used"].message == "Not used of what is there (1 in all): val."


def test_images_alone(folder, small, tmp_path, refused):
    one_class = np.flatnonzero(small.train.labels == 3)
    assert np.array_equal(load_images(folder / "3"), small.train.images[one_class])
    image = folder / "3" / f"{one_class[0]:04}.png"
    assert np.array_equal(load_images(image), small.train.images[one_class[:1]])
    np.save(tmp_path / "scans.npy", small.test.images / 255)
    assert np.array_equal(load_images(tmp_path / "scans.npy"), small.test.images)
    with refused(
        DataError,
        f"{folder / '3'} holds images without labels; put the images into folders by class (7/one.png), or a file of "
        "labels beside those of the images",
    ):
        load(folder / "3")
    with refused(
        DataError, f"{image} is a single image; give the folder of all images, in folders by class: 7/one.png"
    ):
        load(image)


def test_test_images_without_labels(folder, small):
    (folder / "test").mkdir()
    for name in sorted(path.name for path in folder.iterdir() if path.name != "test"):
        (folder / "train").mkdir(exist_ok=True)
        (folder / name).rename(folder / "train" / name)
    for index, image in enumerate(small.test.images):
        Image.fromarray(image).save(folder / "test" / f"{index:04}.png")
    assert codes(load(folder))["test-unlabelled"].severity == "warning"
    assert np.array_equal(load_images(folder), small.test.images)


# Refused


def test_images_of_differing_size(folder, refused):
    odd = folder / "7" / "odd.png"
    Image.new("L", (30, 28)).save(odd)
    first = sorted((folder / "0").iterdir())[0]
    with refused(
        DataError,
        f"expected images of one size, received {first} with 28 × 28 pixels and {odd} with 30 × 28; resize one of them",
    ):
        load(folder)


def test_more_pixels_in_all_than_the_limit(folder, monkeypatch):
    monkeypatch.setenv("BRUIT_MAX_BYTES", "40000")
    with pytest.raises(DataError, match=r"scans holds 47,040 bytes or more when unpacked, the limit is 40,000"):
        load(folder)


def test_more_files_than_the_limit(folder, refused, monkeypatch):
    monkeypatch.setenv("BRUIT_MAX_FILES", "50")
    with refused(
        DataError, f"{folder} holds more than 50 files, the limit; if you trust it, set BRUIT_MAX_FILES higher"
    ):
        load(folder)


def test_images_beside_folders_of_images(folder):
    Image.new("L", (28, 28)).save(folder / "lost.png")
    with pytest.raises(DataError, match=r"holds both images, such as lost\.png, and folders of images, such as 0; put"):
        load(folder)


def test_two_names_for_one_split(folder, tmp_path, refused):
    os.renames(folder, tmp_path / "set" / "train")
    (tmp_path / "set" / "training").mkdir()
    with refused(DataError, f"{tmp_path / 'set'} holds both train and training; keep one of them"):
        load(tmp_path / "set")


def test_an_empty_split(folder, tmp_path):
    os.renames(folder, tmp_path / "set" / "train")
    (tmp_path / "set" / "test").mkdir()
    with pytest.raises(DataError, match=r"set/test holds no images; expected files such as 7/one\.png"):
        load(tmp_path / "set")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0000.png,", "line 62: no label for 0000.png; label that image or remove the line"),
        ("0000.png,3", "line 62: 0000.png is listed twice; keep one of the lines"),
        ("none.png,3", "line 62: there is no file "),
        ("0000.png", "line 62: expected a file and its label, received '0000.png'"),
        ("../flat/0000.png,3", "line 62: expected a file in "),
        ("/etc/passwd,3", "line 62: expected a file in "),
        ("..\\x.png,3", "line 62: expected a file in "),
        (",3", "line 62: expected a file in "),
    ],
)
def test_a_table_of_labels_that_does_not_fit(flat, line, message):
    with (flat / "labels.csv").open("a") as file:
        file.write(f"\n{line}\n")
    with pytest.raises(DataError) as caught:
        load(flat)
    assert str(caught.value).startswith(f"{flat / 'labels.csv'}, {message}")


def test_images_that_the_table_forgot(flat, refused):
    Image.new("L", (28, 28)).save(flat / "new.png")
    with refused(
        DataError,
        f"{flat / 'labels.csv'} has no line for 1 of the images, the first of them new.png; label or remove them",
    ):
        load(flat)


def test_a_table_without_its_columns(flat, refused):
    (flat / "labels.csv").write_text("0000.png,7\n")
    with refused(DataError, f"{flat / 'labels.csv'}, line 1: expected the columns file,label, received '0000.png,7'"):
        load(flat)
