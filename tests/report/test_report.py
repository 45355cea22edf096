import copy
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bruit.errors import RunError
from bruit.report import figures, write

VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """What the tests ask of a page: its elements with their attributes, its text, and that it is well nested."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def run(study, tmp_path_factory) -> Path:
    folder = study.save(tmp_path_factory.mktemp("run"))
    assert write(folder, study.results) == folder / "report.html"
    return folder


@pytest.fixture(scope="module")
def page(run) -> Page:
    return Page((run / "report.html").read_text(encoding="utf-8"))


@pytest.fixture
def known(run, tmp_path) -> Path:
    """A run folder of the same study, the figures of which are drawn."""
    return Path(shutil.copytree(run, tmp_path / "known"))


def in_progress(study, models: int, test: bool = False, folds: int = 0):
    """The same study as it was when it knew less."""
    results = copy.deepcopy(study.results)
    known = list(results["models"])[-models:] if models else []
    results |= {"status": "in progress", "models": {name: results["models"][name] for name in known}}
    for key in ("winner", "comparison", "crossval_comparison", "learning_curve", "conclusion", "seconds"):
        del results[key]
    if not test:
        for entry in results["models"].values():
            del entry["test"]
    crossval = results.pop("crossval")
    if folds:
        entry = crossval["cnn-plus"]
        results["crossval"] = {"cnn-plus": {"k": 5, "folds": entry["folds"][:folds]}}
    return results


def test_sections_come_in_the_order_of_the_walk_through(page):
    anchors = [section["id"] for section in page.all("section")]
    assert anchors == [
        "data", "model-dnn", "model-dnn-plus", "model-cnn", "model-cnn-plus", "baselines", "crossval", "learning-curve",
        "comparison", "conclusion", "made",
    ]  # fmt: skip


def test_every_link_of_the_page_leads_to_a_place_in_it(page):
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [link["href"] for link in page.all("a")]
    assert len(links) >= 16
    assert {link.removeprefix("#") for link in links} <= set(ids)


def test_the_answer_stands_first_with_its_interval(page, study):
    winner = study.results["models"][study.results["winner"]]
    headline = page.text[: page.text.index("Contents")]
    assert f"{winner['title']} reads {winner['test']['accuracy']:.2%} of the 1,000 test images" in headline
    low, high = winner["test"]["accuracy_ci95"]
    assert f"{100 * low:.2f}–{high:.2%}" in headline


def test_the_table_of_models_says_what_the_results_say(run, study):
    table = re.search(r'<table class="models">.*?</table>', (run / "report.html").read_text(), re.S)[0]
    rows = [" ".join(Page(row).text.split()) for row in re.findall(r"<tr.*?</tr>", table, re.S)[1:]]
    ranked = sorted(study.results["models"].values(), key=lambda entry: -entry["test"]["accuracy"])
    assert len(rows) == len(ranked) == 6
    for row, entry in zip(rows, ranked, strict=True):
        test = entry["test"]
        assert row.startswith(entry["title"])
        assert f" {test['accuracy']:.2%} " in row
        errors = round(1000 * (1 - test["accuracy"]))
        assert f" {errors} {test['nll']:.3f} {test['ece']:.2%} {entry['parameters']:,} " in row
    assert [("winner" in row) for row in rows] == [entry is study.results["models"]["cnn-plus"] for entry in ranked]


def test_every_finding_is_said(page, study):
    for finding in study.results["dataset"]["findings"]:
        assert finding["message"] in page.text


def test_every_network_shows_all_that_is_known_of_it(page, study):
    labels = [svg["aria-label"] for svg in page.all("svg")]
    for name in ("dnn", "dnn-plus", "cnn", "cnn-plus"):
        entry = study.results["models"][name]
        for label in (
            "Accuracy of {} in training and validation, epoch by epoch",
            "Loss of {} in training and validation, epoch by epoch",
            "Confusion matrix of {} on the test images",
            "Reliability diagram of {}",
        ):
            assert label.format(entry["title"]) in labels
        worst = entry["test"]["worst_mistakes"]
        mistakes = [f"a {mistake['true']} read as {mistake['predicted']}" for mistake in worst]
        shown = [image["alt"] for image in page.all("img")]
        assert mistakes
        assert set(mistakes) <= set(shown)
    for fold in study.results["crossval"]["cnn-plus"]["folds"]:
        assert f"{fold['accuracy']:.2%}" in page.text


def test_every_figure_is_a_file_on_white_ground_too(run, page):
    svgs = {path.stem for path in (run / "figures").glob("*.svg")}
    assert svgs == {path.stem for path in (run / "figures").glob("*.png")}
    assert {"accuracy", "examples", "class-means", "cnn-plus-mistakes", "crossval-cnn-plus-loss", "differences"} <= svgs
    assert all('fill="white"' in (run / "figures" / f"{name}.svg").read_text() for name in svgs)
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in page.all("svg"))


def test_the_page_is_one_small_file_that_runs_and_loads_nothing(run, page):
    html = (run / "report.html").read_text()
    assert len(html) < 2_000_000
    assert page.all("script") == page.all("link") == page.all("iframe") == []
    for tag, attributes in page.elements:
        assert not [key for key in attributes if key.startswith("on")]
        for key in ("src", "href", "xlink:href", "srcset", "action"):
            assert (attributes.get(key) or "#").startswith(("#", "data:image/png;base64,")), (tag, attributes)
    assert "@import" not in html
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "https://" not in html
    assert not re.search(r"url\((?!#)", html)


def test_tables_name_their_heads_and_have_captions(run, page):
    html = (run / "report.html").read_text()
    tables = re.findall(r"<table.*?</table>", html, re.S)
    assert len(tables) >= 15
    assert all("<caption>" in table for table in tables)
    assert all(head.get("scope") in ("row", "col") for head in page.all("th"))


def test_a_finished_page_does_not_reload(run):
    assert 'http-equiv="refresh"' not in (run / "report.html").read_text()


def test_same_results_same_bytes(study, run, known):
    names = ("cnn-confusion", "accuracy", "crossval-cnn-plus-loss", "examples")
    for name in names:
        (known / "figures" / f"{name}.svg").unlink()
    write(known, study.results)
    for name in ["report.html", *(f"figures/{name}.{kind}" for name in names for kind in ("svg", "png"))]:
        assert (known / name).read_bytes() == (run / name).read_bytes()


def test_only_changed_figures_are_drawn_again(study, known, monkeypatch):
    drawn = []
    draw = figures._draw
    monkeypatch.setattr(figures, "_draw", lambda plot, *to: (drawn.append(plot.name), draw(plot, *to)))
    results = copy.deepcopy(study.results)
    write(known, results)
    assert drawn == []
    results["models"]["cnn"]["history"][-1]["validation_loss"] += 0.01
    (known / "figures" / "class-counts.png").unlink()
    write(known, results)
    assert drawn == ["class-counts", "cnn-loss"]


@pytest.mark.parametrize(
    ("models", "test", "folds"), [(0, False, 0), (2, False, 0), (6, False, 2), (6, True, 5), (3, True, 0)]
)
def test_in_progress_is_readable_and_says_so(study, known, models, test, folds):
    results = in_progress(study, models, test, folds)
    html = write(known, results).read_text()
    page = Page(html)
    assert 'http-equiv="refresh"' in html
    assert "In progress" in page.text
    assert ("once, at the end. This page grows" in page.text) == (not test)
    split = "test" if test else "validation"
    for entry in results["models"].values():
        assert f"{entry[split]['accuracy']:.2%}" in page.text
    assert ("So far" in page.text) == (models > 0 and not test)
    assert ("crossval" in [section["id"] for section in page.all("section")]) == (folds > 0)
    assert "comparison" not in [section["id"] for section in page.all("section")]


def test_a_model_from_outside_does_not_lead(study, known):
    results = in_progress(study, 2)
    brought = {"title": "x.keras", "family": "outside", "outside": {"format": "keras", "scale": "0-1"}}
    brought["validation"] = results["models"]["cnn-plus"]["validation"] | {"accuracy": 1.0}
    plan = {"models": list(study.results["models"]), "crossval": [], "outside": ["x.keras"]}
    text = Page(
        write(known, results | {"plan": plan, "models": results["models"] | {"x.keras": brought}}).read_text()
    ).text
    assert "In progress: 3 of 7 models evaluated." in text
    assert f"So far {study.results['models']['cnn-plus']['title']} leads" in text
    assert "x.keras from outside 100.00%" in text
    assert "If it has seen the validation or the test images, its figures flatter it" in text


def test_in_progress_counts_against_the_plan(study, known):
    plan = {"models": list(study.results["models"]), "crossval": ["dnn-plus", "cnn-plus"]}
    results = in_progress(study, 2) | {"plan": plan}
    text = Page(write(known, results).read_text()).text
    assert "In progress: 2 of 6 models evaluated. 0 of 2 cross-validations finished." in text


def test_a_model_still_training_shows_its_curves(study, tmp_path):
    results = in_progress(study, 1)
    entry = results["models"]["cnn-plus"]
    results["models"]["cnn-plus"] = {key: entry[key] for key in ("title", "family")} | {"history": entry["history"][:1]}
    page = Page(write(tmp_path, results).read_text())
    assert "No model has been evaluated yet." in page.text
    assert len(page.all("svg")) == 4


def test_curves_of_a_model_that_averages_views_say_that_they_are_of_each_image_alone(study, tmp_path):
    alone = "They are of each image alone, the other figures of the mean of its views."
    assert alone not in Page(write(tmp_path, study.results).read_text()).text
    results = copy.deepcopy(study.results)
    results["models"]["cnn-plus"]["recipe"]["views"] = 9
    assert Page(write(tmp_path, results).read_text()).text.count(alone) == 1


def test_names_in_the_data_are_text_and_nothing_else(make, tmp_path):
    hostile = ("<script>alert(1)</script>", '$\\frac$ "a" & --><img src=x onerror=y>\x00')
    study = make(classes=hostile, side=16, n=60)
    results = study.results
    results["dataset"]["name"] = 'it\'s <b>"quoted"</b>.npy'
    results["dataset"]["findings"][0]["message"] = "</style><script>alert(2)</script>"
    results["command"] = "bruit study '<script>'"
    hostile_model = {"title": "<script>t</script> $x$", "family": "new"}
    results["models"]["../../<i>x"] = results["models"].pop("cnn") | hostile_model
    results["comparison"], results["conclusion"] = [], []
    folder = study.save(tmp_path / "run")
    html = write(folder, results).read_text(encoding="utf-8")
    page = Page(html)
    assert page.all("script") == []
    assert [image for image in page.all("img") if "onerror" in image or not image["src"].startswith("data:")] == []
    assert "<script>alert(1)</script>" in page.text
    assert 'it\'s <b>"quoted"</b>.npy' in page.text
    assert "\x00" not in html
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    written = "".join(path.read_text() for path in (folder / "figures").glob("*.svg"))
    assert "<script" not in written
    assert "&lt;script" in written
    assert "$\\frac$" in written


def test_a_model_unknown_to_the_table_of_colours_has_one_of_its_own(study, known):
    results = copy.deepcopy(study.results)
    results["models"]["vit-tiny"] = results["models"]["cnn"] | {"title": "Transformer", "family": "attention"}
    page = Page(write(known, results).read_text())
    assert "model-vit-tiny" in [section["id"] for section in page.all("section")]
    assert (known / "figures" / "vit-tiny-confusion.svg").is_file()


def test_twenty_six_classes(make, tmp_path):
    study = make(classes=[chr(65 + i) for i in range(26)], side=32, n=520)
    size_of_others = len(write(study.save(tmp_path), in_progress(study, 0)).read_bytes())
    models = {"cnn": study.results["models"]["cnn"]}
    results = study.results | {"models": models, "crossval": {}, "learning_curve": {}}
    results |= {"comparison": [], "conclusion": []}
    page = write(tmp_path, results)
    assert size_of_others + 6 * (page.stat().st_size - size_of_others) < 3_000_000
    assert Page(page.read_text()).text.count(" Z ") >= 4


def test_the_language_of_numbers_follows(study, tmp_path):
    text = Page(write(study.save(tmp_path), in_progress(study, 1), lang="fr").read_text()).text
    accuracy = study.results["models"]["cnn-plus"]["validation"]["accuracy"]
    assert f"{100 * accuracy:.2f}".replace(".", ",") in text


def test_damaged_pictures_are_said_so(study, tmp_path):
    (tmp_path / "samples.npz").write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(RunError, match=r"samples\.npz.*--resume"):
        write(tmp_path, study.results)


def test_findings_come_with_their_remedy_and_pictures(study, tmp_path):
    results, samples = copy.deepcopy(study.results), dict(study.samples)
    examples = [{"split": "train", "index": 17, "note": "4"}, {"split": "test", "index": 3, "note": "<9>"}]
    results["dataset"]["findings"].append(
        {
            **{"code": "near-repeated", "severity": "error", "split": "both", "message": "Two are alike."},
            **{"figure": {}, "remedy": "Remove one & keep the other.", "examples": examples},
        }
    )
    samples["findings/2"] = samples["examples"][0, :2]
    folder = study._replace(samples=samples).save(tmp_path / "found")
    html = write(folder, results).read_text("utf-8")
    page = Page(html)
    assert "Two are alike. Remove one & keep the other. 4 training 17 <9> test 3" in page.text
    pictures = {image["alt"]: image["src"] for image in page.all("img")}
    assert pictures["training image 17"] != pictures["test image 3"]
    assert {"error"} <= {item.get("class") for item in page.all("li")}
    # Without the pictures the finding is said all the same.
    (folder / "samples.npz").unlink()
    plain = Page(write(folder, results).read_text("utf-8"))
    assert "Two are alike. Remove one & keep the other." in plain.text
    assert "training image 17" not in {image["alt"] for image in plain.all("img")}
