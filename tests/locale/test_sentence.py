import errno
import os
import pickle

import pytest

from bruit.errors import BruitError, DataError
from bruit.locale import Counted, Sentence, translator
from bruit.locale.sentence import REASONS

NBSP, NARROW = "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("sentence", "english", "french"),
    [
        (Sentence("{n:,}", n=1234567), "1,234,567", f"1{NARROW}234{NARROW}567"),
        (Sentence("{x:.2f}", x=0.5), "0.50", "0,50"),
        (Sentence("{x:.1%}", x=0.125), "12.5%", f"12,5{NBSP}%"),
        (Sentence("{n}", n=2026), "2026", "2026"),
        (Sentence("{text:>5}", text="1.5"), "  1.5", "  1.5"),
        (Sentence("{one.shape[0]}", one=type("Image", (), {"shape": (3, 4)})), "3", "3"),
        (Sentence("{{}} {n}", n=1), "{} 1", "{} 1"),
        (Sentence("{}"), "{}", "{}"),
        (Sentence(""), "", ""),
        (Sentence("{said!r}", said="x"), "'x'", "'x'"),
    ],
)
def test_values_are_said_as_the_language_writes_them(sentence, english, french):
    assert str(sentence) == english
    assert sentence.said("fr") == french


def test_a_value_may_be_a_sentence_or_an_error(monkeypatch):
    inner = DataError("{n:,} images", n=5000)
    assert Sentence("{a}; {b}", a=inner, b=Sentence("{x:.1f}", x=0.5)).said("fr") == f"5{NARROW}000 images; 0,5"


def test_one_thing_is_said_in_the_singular():
    assert [str(Counted("{n} fold", "{n} folds", n=n)) for n in (0, 1, 2)] == ["0 folds", "1 fold", "2 folds"]
    zero, one, two = (Counted("about {n} minute", "about {n} minutes", n=n).said("fr") for n in (0, 1, 2))
    assert (zero[-1], one[-1], two[-1]) == ("e", "e", "s")


def test_an_error_is_english_unless_it_is_asked_otherwise():
    error = DataError("cannot read {path}: {error.strerror}", path="x", error=PermissionError(13, "Permission denied"))
    assert str(error) == "cannot read x: Permission denied"
    french = translator("fr").gettext
    assert error.said("fr").endswith(french("Permission denied"))
    assert error.said("fr") != str(error)


def test_an_error_crosses_processes():
    error = pickle.loads(pickle.dumps(DataError("{n:,} images", n=5000)))
    assert isinstance(error, BruitError)
    assert str(error) == "5,000 images"


def test_what_the_system_says_is_said_so_by_it():
    assert set(REASONS) <= {os.strerror(code) for code in errno.errorcode}
