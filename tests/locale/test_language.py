import pytest

from bruit.cli.language import asked_for
from bruit.locale import language

VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr"}, "fr"),
        ({"LANG": "fr_CA@euro"}, "fr"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8", "LC_MESSAGES": "en_GB.UTF-8"}, "en"),
        ({"LANG": "en_GB.UTF-8", "LC_ALL": "fr_FR.UTF-8"}, "fr"),
        ({"LANGUAGE": "fr:en", "LANG": "en_GB.UTF-8"}, "fr"),
        ({"LANGUAGE": "", "LANG": "fr_BE.UTF-8"}, "fr"),
        ({"LANGUAGE": "de:fr", "LANG": "en_US.UTF-8"}, "fr"),
    ],
)
def test_the_environment_says_which_language(monkeypatch, environment, expected):
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    assert language() == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["study", "--lang", "fr"], "fr"),
        (["--lang=en", "study"], "en"),
        (["study", "--lang", "de"], None),
        (["study", "--lang"], None),
        (["study"], None),
        (["--lang", "fr", "study", "--lang", "en"], "en"),
    ],
)
def test_the_option_is_found_before_the_arguments_are_read(arguments, expected):
    assert asked_for(arguments) == expected
