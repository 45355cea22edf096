import shutil

import pytest

from bruit.errors import DataError
from bruit.files import write_npy
from bruit.outside.export import write_to_read
from bruit.training.fit import fit
from bruit.training.member import CHECKPOINT
from bruit.training.stored import FILES, drop_damaged, read_history


@pytest.fixture(scope="module")
def trained(digits, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained") / "dnn"

    def hold_out(model):
        write_npy(folder / "held_out_probs.npy", model.probabilities(digits.test.images))
        write_to_read(model, folder)

    fit("dnn", digits.train, epochs=2, folder=folder, before_stored=hold_out)
    return folder


@pytest.fixture
def folder(trained, tmp_path):
    """A finished training to damage."""
    return shutil.copytree(trained, tmp_path / "dnn")


def names(folder):
    return {path.name for path in folder.iterdir()}


def test_the_history(folder):
    assert [row["epoch"] for row in read_history(folder)] == [1, 2]


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_history_that_cannot_be_read_is_said(folder, damage):
    path = folder / "history.jsonl"
    path.write_bytes(path.read_bytes()[:-20]) if damage == "cut" else path.unlink()
    with pytest.raises(DataError, match=r"(cannot read )?.*history\.jsonl.*; train the model again"):
        read_history(folder)


def test_what_is_whole_stays(folder):
    before = names(folder)
    drop_damaged(folder)
    assert names(folder) == before


DAMAGE = {
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-20]),
    "gone": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
    "one bit": lambda path: path.write_bytes(bytes([path.read_bytes()[0] ^ 1]) + path.read_bytes()[1:]),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", [*FILES, "SHA256SUMS"])
def test_a_training_of_which_a_part_is_missing_or_damaged_is_not_finished(folder, name, damage):
    DAMAGE[damage](folder / name)
    drop_damaged(folder)
    assert "config.json" not in names(folder)


def test_a_damaged_checkpoint_is_begun_again_and_a_whole_one_is_not(folder):
    (folder / "config.json").unlink()
    (folder / "weights.safetensors").rename(folder / CHECKPOINT)
    drop_damaged(folder)
    assert CHECKPOINT in names(folder)
    (folder / CHECKPOINT).write_bytes((folder / CHECKPOINT).read_bytes()[:-20])
    drop_damaged(folder)
    assert CHECKPOINT not in names(folder)


def test_a_folder_that_is_not_there_is_left_so(tmp_path):
    drop_damaged(tmp_path / "none")
    assert list(tmp_path.iterdir()) == []
