import pytest

from bruit.errors import RunError
from bruit.files import read_json
from bruit.training.claim import RECORDS, claim, remove

REQUEST = {"model": "cnn", "seed": 0, "fingerprint": "abc"}


def claimed(folder, *, resume=False, force=False, **changes):
    with claim(folder, "training.json", REQUEST | changes, resume=resume, force=force):
        pass


@pytest.fixture
def folder(tmp_path):
    """A folder that was claimed, with what a training left in it."""
    claimed(tmp_path / "out")
    (tmp_path / "out" / "weights.safetensors").write_bytes(b"")
    return tmp_path / "out"


@pytest.mark.parametrize("there", [True, False])
def test_an_empty_or_a_new_folder_is_taken(tmp_path, there):
    if there:
        (tmp_path / "out").mkdir()
    claimed(tmp_path / "out")
    assert read_json(tmp_path / "out" / "training.json") == REQUEST


def test_one_that_is_taken_is_given_to_the_same_request_only_if_asked_for(folder, refused):
    with refused(RunError, f"{folder} holds a training already; add --resume to go on with it, --force to replace it"):
        claimed(folder)
    claimed(folder, resume=True)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"seed": 1}, "another --seed; repeat it"),
        ({"model": "dnn"}, "another model; repeat it"),
        ({"fingerprint": "def"}, "other data; repeat them"),
        ({"fingerprint": "def", "seed": 1}, "another --seed; repeat it"),
    ],
)
def test_another_request_is_told_what_differs(folder, refused, changes, what):
    with refused(RunError, f"{folder} was begun with {what}, or choose another --out"):
        claimed(folder, resume=True, **changes)
    assert read_json(folder / "training.json") == REQUEST


def test_force_replaces_what_was_asked_for(folder):
    claimed(folder, force=True, seed=1)
    assert read_json(folder / "training.json")["seed"] == 1


@pytest.mark.parametrize("settings", [{}, {"resume": True}, {"force": True}])
def test_a_folder_of_somebody_else_is_never_taken(tmp_path, refused, settings):
    (tmp_path / "thesis.tex").touch()
    with refused(RunError, f"{tmp_path} holds other files (thesis.tex); give --out an empty or a new folder"):
        claimed(tmp_path, **settings)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_is_no_folder(tmp_path, refused):
    (tmp_path / "out").touch()
    with refused(RunError, f"{tmp_path / 'out'} is a file; give --out a folder"):
        claimed(tmp_path / "out")


def test_temporary_files_of_a_killed_training_go_and_others_stay(folder):
    (folder / "fold-0").mkdir()
    for name in (".config.json.ab12_x9z", "fold-0/.SHA256SUMS.abcdefgh", ".notes", ".my.notes.json"):
        (folder / name).write_text("half")
    claimed(folder, resume=True)
    assert sorted(path.name for path in folder.rglob(".*")) == [".my.notes.json", ".notes"]


def test_what_was_killed_while_it_claimed_is_nobodys(tmp_path):
    (tmp_path / ".training.json.x7f").write_text("{")
    claimed(tmp_path)
    assert read_json(tmp_path / "training.json") == REQUEST


@pytest.mark.parametrize("content", ["{", "[1]", "null", '"seed"'])
def test_a_damaged_record_is_not_trusted(folder, refused, content):
    (folder / "training.json").write_text(content)
    with refused(RunError, f"{folder / 'training.json'} is damaged; add --force, or choose another --out"):
        claimed(folder, resume=True)


@pytest.mark.parametrize("settings", [{}, {"resume": True}, {"force": True}])
def test_a_second_training_is_kept_out_while_the_first_one_runs(folder, refused, settings):
    message = f"another study or training is writing into {folder}; wait for it, or choose another --out"
    with claim(folder, "training.json", REQUEST, resume=True), refused(RunError, message):
        claimed(folder, **settings)
    claimed(folder, resume=True)


def test_the_folder_is_free_after_an_error(folder):
    with pytest.raises(ValueError, match="within"), claim(folder, "training.json", REQUEST, resume=True):
        raise ValueError("within")
    claimed(folder, resume=True)


@pytest.mark.parametrize("record", RECORDS)
def test_a_folder_inside_another_run_is_refused(tmp_path, refused, record):
    (tmp_path / record).touch()
    inner = tmp_path / "models" / "mine"
    with refused(RunError, f"{inner} lies inside {tmp_path.resolve()}, where another run is; choose another --out"):
        claimed(inner)
    assert not inner.parent.exists()


def test_a_link_is_removed_and_what_it_leads_to_stays(tmp_path):
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "run" / "real").mkdir(parents=True)
    for link in ("link", "real/link"):
        (tmp_path / "run" / link).symlink_to(tmp_path / "elsewhere")
    remove(tmp_path / "run", ["link", "real", "missing"])
    assert list((tmp_path / "run").iterdir()) == []
    assert (tmp_path / "elsewhere" / "deep").is_dir()


def test_what_cannot_be_removed_is_said(tmp_path, refused, monkeypatch):
    (tmp_path / "models").mkdir()

    def fail(path):
        raise PermissionError(13, "Permission denied", "models")

    monkeypatch.setattr("shutil.rmtree", fail)
    path = tmp_path / "models"
    with refused(RunError, f"cannot delete {path}: Permission denied; make it writable, or choose another --out"):
        remove(tmp_path, ["models"])
