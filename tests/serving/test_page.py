"""The page in Chromium, as people use it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pictures import png

PATIENCE = 60_000


class Visited:
    """A page that is open, and what its console says."""

    def __init__(self, chromium: Any, url: str, **settings: Any) -> None:
        self.context = chromium.new_context(
            **{"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", **settings}
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.said: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.goto(url, timeout=PATIENCE)

    def ready(self) -> Visited:
        """Once the example that it begins with was read, and its curve drawn."""
        self.reads("4")
        self.page.wait_for_selector("#chart .line", state="attached")
        return self

    def reads(self, text: str) -> None:
        self.page.wait_for_selector(f"#verdict b >> text=/^{text}$/")

    def draw_seven(self) -> None:
        box = self.page.locator("#pad").bounding_box()
        corners = [(0.3, 0.25), (0.7, 0.25), (0.4, 0.8)]
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*point, steps=8)
        self.page.mouse.up()

    def drop(self, name: str, content: bytes) -> None:
        self.page.evaluate(
            """([name, bytes]) => {
                const data = new DataTransfer();
                data.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
                const dropped = new DragEvent("drop", { dataTransfer: data, bubbles: true });
                document.getElementById("pad").dispatchEvent(dropped);
            }""",
            [name, list(content)],
        )


@pytest.fixture
def visit(chromium, served) -> Iterator[Any]:
    """Opens the page; whatever is done there, nothing is complained of, least of all the Content-Security-Policy."""
    visits: list[Visited] = []

    def open_page(path: str = "", **settings: Any) -> Visited:
        visits.append(Visited(chromium, served.url + path, **settings))
        return visits[-1]

    yield open_page
    for visited in visits:
        assert visited.said == []
        visited.context.close()


def test_a_digit_is_drawn_and_read_and_noise_falls_on_it(visit) -> None:
    visited = visit().ready()
    page = visited.page
    assert page.locator("#cards article").count() >= 1
    visited.draw_seven()
    visited.reads("7")
    assert page.locator("#truth").input_value() == "7"
    assert "Robust network reads 7" in page.inner_text("#verdict")
    pixels = "canvas => canvas.toDataURL()"
    before = page.locator("#seen").evaluate(pixels)
    with page.expect_response(lambda answer: "noise=fog&severity=4" in answer.url):
        page.select_option("#kind", "fog")
    with page.expect_response(lambda answer: "noise=fog&severity=5" in answer.url) as look:
        page.locator("#severity").fill("5")
    assert look.value.status == 200
    assert page.inner_text("#severity-said") == "5 of 5"
    page.wait_for_timeout(300)
    assert page.locator("#seen").evaluate(pixels) != before
    page.select_option("#kind", "stripe")
    assert page.locator("#severity").get_attribute("max") == "1"
    page.click("#undo")
    page.wait_for_selector("#verdict >> text=Nothing is drawn.")
    assert page.locator("#undo").is_disabled()


def test_a_network_that_reads_wrongly_is_marked(visit) -> None:
    visited = visit().ready()
    visited.page.select_option("#truth", "9")
    visited.page.wait_for_selector("#summary .wrong")
    assert "reads 4, not 9" in visited.page.inner_text("#cards")
    visited.page.wait_for_selector("#legend >> text=does not read it even without noise")


def test_a_picture_is_dropped(visit, some_digits) -> None:
    visited = visit().ready()
    visited.page.select_option("#kind", "fog")
    visited.drop("five.png", png(some_digits[5]))
    visited.reads("5")
    visited.drop("blank.png", png(np.full((40, 40), 255, np.uint8)))
    visited.page.wait_for_selector("#verdict >> text=no digit found")
    visited.drop("none.png", b"no picture")
    visited.page.wait_for_selector("#problem >> text=This file is no picture")


def test_a_picture_is_chosen(visit, tmp_path: Path, some_digits) -> None:
    visited = visit().ready()
    file = tmp_path / "two.png"
    file.write_bytes(png(some_digits[2]))
    visited.page.locator("#severity").fill("0")
    with visited.page.expect_file_chooser() as chooser:
        visited.page.click("#choose")
    chooser.value.set_files(file)
    visited.reads("2")
    assert visited.page.inner_text("#severity-said") == "none"


def test_several_digits_can_be_looked_at_one_by_one(visit) -> None:
    """The page's part of it: the server here says that there are three."""
    visited = visit()
    pixels = "A" * 1044 + "AA=="
    digits = [
        {"label": label, "box": [10 + 30 * at, 5, 30 + 30 * at, 40], "doubt": None, "seen": pixels,
         "believed": {"robust": [float(str(index) == label) for index in range(10)]}}
        for at, label in enumerate("407")
    ]  # fmt: skip
    answer = json.dumps({"text": "407", "shape": [28, 28], "digits": digits})
    visited.page.route("**/v1/look?**", lambda route: route.fulfill(body=answer, content_type="application/json"))
    curve = json.dumps({"noise": "translate", "label": "4", "draws": 20, "severities": [0], "models": {}})
    visited.page.route("**/v1/curve?**", lambda route: route.fulfill(body=curve, content_type="application/json"))
    visited.page.wait_for_selector("#samples button:nth-child(10)")
    visited.drop("several.png", png(np.full((60, 120), 255, np.uint8)))
    visited.reads("407")
    buttons = visited.page.locator("#digits button")
    assert buttons.all_inner_texts() == ["4", "0", "7"]
    buttons.nth(2).click()
    assert "Digit 3: 7, 100%" in visited.page.inner_text("#verdict")
    assert buttons.nth(2).get_attribute("aria-pressed") == "true"


def test_everything_is_done_by_keyboard(visit) -> None:
    visited = visit().ready()
    page = visited.page
    reached = []
    for _ in range(26):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.parentElement.id"))
    for name in ("pad", "undo", "clear", "choose", "samples", "kind", "severity", "again", "truth"):
        assert name in reached, name
    page.focus("#pad")
    page.keyboard.press("Delete")
    page.wait_for_selector("#verdict >> text=Nothing is drawn.")
    page.locator("#severity").fill("0")
    page.focus("#pad")
    for key, times in (("ArrowUp", 8), (" ", 1), ("ArrowDown", 17), (" ", 1)):
        for _ in range(times):
            page.keyboard.press(key)
    visited.reads("1")
    assert page.inner_text("#pen") == "Pen up"
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Backspace")
    page.wait_for_selector("#verdict >> text=Nothing is drawn.")


@pytest.mark.parametrize("width", [320, 360])
def test_a_phone_shows_it_all_without_scrolling_sideways(visit, width: int) -> None:
    visited = visit(viewport={"width": width, "height": 700}, has_touch=True, is_mobile=True).ready()
    assert visited.page.evaluate("document.documentElement.scrollWidth") <= width
    visited.page.locator("#samples button").nth(8).tap()
    visited.page.wait_for_selector("#samples button:nth-child(9)[aria-pressed=true]")


def test_it_speaks_french(visit) -> None:
    visited = visit(locale="fr-FR").ready()
    page = visited.page
    assert page.evaluate("document.documentElement.lang") == "fr"
    assert "Dessinez un chiffre" in page.inner_text("h1")
    assert "poivre et sel" in page.inner_text("#kind")
    assert "Réseau robuste\N{NO-BREAK SPACE}: lit 4" in page.inner_text("#verdict")
    assert page.locator(".languages [aria-current]").inner_text() == "Français"
    with page.expect_navigation():
        page.click("text=English")
    visited.ready()
    assert "Draw a digit" in page.inner_text("h1")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_the_ground(visit, scheme: str) -> None:
    """A contrast of 4.5 and more, of all that is read."""
    visited = visit(color_scheme=scheme).ready()
    found = visited.page.evaluate(
        """() => {
            const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
            const light = (colour) => {
                const linear = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
                const [r, g, b] = colour.map((c) => linear(c / 255));
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
            };
            const ground = (one) => {
                for (; one; one = one.parentElement) {
                    const colour = rgb(getComputedStyle(one).backgroundColor);
                    if (colour[3] !== 0) return colour.slice(0, 3);
                }
                return [255, 255, 255];
            };
            const says = (one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
            return [...document.querySelectorAll("body *")]
                .filter((one) => one.checkVisibility() && says(one))
                .filter((one) => !one.matches(":disabled, option, noscript"))
                .map((one) => {
                    const style = getComputedStyle(one);
                    const ink = rgb(one instanceof SVGElement ? style.fill : style.color).slice(0, 3);
                    const [low, high] = [light(ink), light(ground(one))].sort((a, b) => a - b);
                    return [(high + 0.05) / (low + 0.05), one.tagName + " " + one.textContent.slice(0, 30)];
                });
        }"""
    )
    assert len(found) > 40
    assert [text for contrast, text in found if contrast < 4.5] == []


def test_what_is_seen_is_told_too(visit) -> None:
    page = visit().ready().page
    assert page.locator("#verdict").get_attribute("aria-live") == "polite"
    chart = page.locator("#chart")
    assert chart.get_attribute("role") == "img"
    assert "digit 4" in chart.get_attribute("aria-label")
    rows = page.locator("#chart-table tbody tr")
    assert rows.count() == page.locator("#cards article").count()
    assert rows.first.locator("td").count() == 6
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("button, select, input, canvas[tabindex], a")]
            .filter((one) => !(one.getAttribute("aria-label") || one.labels?.length || one.textContent.trim()))
            .map((one) => one.outerHTML)"""
    )
    assert unnamed == []


def test_the_description_of_the_interface(visit) -> None:
    page = visit("docs").page
    page.wait_for_selector("h2:has-text('/v1/curve')")
    assert "POST /v1/read" in page.inner_text("main")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_the_page_asks_for_the_token(chromium, serve, token_file) -> None:
    served = serve("--token-file", str(token_file))
    visited = Visited(chromium, served.url)
    visited.page.wait_for_selector("#token[open]")
    visited.page.fill("#token-text", token_file.read_text("utf-8").strip())
    visited.page.keyboard.press("Enter")
    visited.ready()
    assert all("401" in said for said in visited.said)
    visited.context.close()
