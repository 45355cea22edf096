import re

from matplotlib import rc_context
from matplotlib.figure import Figure

from bruit.report import svg
from bruit.report.style import GROUND, INK, RC


def draw(path, digest="d1", label="a <b> $x$"):
    with rc_context(RC):
        figure = Figure(figsize=(3, 2))
        ax = figure.add_subplot()
        ax.plot([1, 2], [3, 4], "o-", color=INK, markerfacecolor=GROUND, label=label)
        ax.set(xlabel=label, ylabel="y")
        ax.legend()
        svg.save(figure, path, digest)
    return path


def test_the_digest_is_read_back_and_needs_the_png_too(tmp_path):
    path = draw(tmp_path / "one.svg")
    assert svg.digest_of(path) == "d1"
    png = path.with_suffix(".png")
    png.write_bytes(png.read_bytes()[:-20])
    assert svg.digest_of(path) is None
    png.unlink()
    assert svg.digest_of(path) is None


def test_a_damaged_or_foreign_svg_has_no_digest(tmp_path):
    path = draw(tmp_path / "one.svg")
    path.write_bytes(path.read_bytes()[:200])
    assert svg.digest_of(path) is None
    path.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    assert svg.digest_of(path) is None


def test_inline_takes_the_colours_of_the_page(tmp_path):
    text = svg.inline(draw(tmp_path / "one.svg"), 'what "it" shows')
    assert INK not in text
    assert GROUND not in text
    assert "currentColor" in text
    assert "var(--ground)" in text
    assert 'fill="white"' not in text
    assert 'aria-label="what &quot;it&quot; shows"' in text


def test_ids_of_two_figures_do_not_collide_and_all_references_resolve(tmp_path):
    texts = [svg.inline(draw(tmp_path / f"{name}.svg"), name) for name in ("one", "two")]
    ids = [re.findall(r' id="([^"]+)"', text) for text in texts]
    assert ids[0]
    assert not set(ids[0]) & set(ids[1])
    for text, known in zip(texts, ids, strict=True):
        assert set(re.findall(r'(?:url\(|href=")#([^)"]+)', text)) == set(known)


def test_labels_are_text_neither_markup_nor_formula(tmp_path):
    assert "a &lt;b&gt; $x$" in draw(tmp_path / "one.svg").read_text()


def test_letters_that_the_font_lacks_do_not_stop_a_figure(tmp_path):
    assert "日本" in draw(tmp_path / "one.svg", label="日本").read_text()
