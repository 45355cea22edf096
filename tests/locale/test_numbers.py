import pytest

from bruit.locale import Numbers, printable, translator

EN, FR = Numbers("en"), Numbers("fr")
NBSP, NARROW = "\u00a0", "\u202f"


def test_a_language_without_a_catalogue_speaks_english():
    assert translator("tlh").gettext("Accuracy (%)") == "Accuracy (%)"
    assert translator("en").ngettext("%(n)s fold", "%(n)s folds", 2) == "%(n)s folds"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (EN.integer(60000), "60,000"),
        (FR.integer(60000), f"60{NARROW}000"),
        (EN.decimal(0.04213, 3), "0.042"),
        (EN.plain(0.003), "0.003"),
        (EN.plain(0.00001), "0.00001"),
        (EN.plain(256), "256"),
        (FR.plain(0.5), "0,5"),
        (EN.plain(-5), "−5"),
        (EN.percent(0.98864), "98.86%"),
        (EN.percent(1.0, 1), "100.0%"),
        (FR.percent(0.98864), f"98,86{NBSP}%"),
        (EN.percent_range(0.9863, 0.9905), "98.63–99.05%"),
        (FR.percent_range(0.9863, 0.9905), f"98,63–99,05{NBSP}%"),
        (EN.points(0.0312), "+3.12"),
        (EN.points(-0.0312), "−3.12"),
        (EN.points(-0.00001), "0.00"),
        (EN.points_range(-0.001, 0.0052), "−0.10 to +0.52"),
        (EN.p_value(0.0342), "0.034"),
        (EN.p_value(0.0009), f"<{NBSP}0.001"),
        (EN.p_equation(0.5), f"p{NBSP}={NBSP}0.500"),
        (EN.p_equation(0), f"p{NBSP}<{NBSP}0.001"),
        (FR.p_value(0.0009), f"<{NBSP}0,001"),
        (EN.duration(0.04), f"0.0{NBSP}s"),
        (EN.duration(3.14), f"3.1{NBSP}s"),
        (EN.duration(9.96), f"10{NBSP}s"),
        (EN.duration(59.6), f"1{NBSP}min{NBSP}00{NBSP}s"),
        (EN.duration(133), f"2{NBSP}min{NBSP}13{NBSP}s"),
        (EN.duration(7500), f"2{NBSP}h{NBSP}05{NBSP}min"),
        (EN.duration(3599.7), f"1{NBSP}h{NBSP}00{NBSP}min"),
        (EN.moment("2026-11-23T12:00:00+00:00"), "November 23, 2026, 12:00 UTC"),
        (FR.moment("2026-11-23T12:00:00+00:00"), "23 novembre 2026, 12:00 UTC"),
    ],
)
def test_numbers_are_written_as_their_readers_write_them(written, expected):
    assert written == expected


def test_printable_text_has_no_control_characters_and_an_end():
    assert printable("a\x1b[2J\n\u202eb") == "a\N{REPLACEMENT CHARACTER}[2J" + "\N{REPLACEMENT CHARACTER}" * 2 + "b"
    assert printable(f"13{NBSP}s") == f"13{NBSP}s"
    assert printable("abcdef", 4) == "abc…"
