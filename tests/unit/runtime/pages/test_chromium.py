"""The pages in a real browser, offline: they render, fit a phone, are dark where asked, and can be read aloud."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from aifactory_runtime.pages import render
from aifactory_runtime.pages.parts import PAGES
from tests.fixtures import chromium
from tests.fixtures.chromium import PHONE, Browser
from tests.unit.runtime.pages import shown

pytestmark = pytest.mark.slow
MUTE = """[...document.querySelectorAll('svg')].filter(one =>
    one.getAttribute('role') !== 'img' || !one.querySelector(':scope > title').textContent
    || !one.querySelector(':scope > desc').textContent || !one.closest('.card').querySelector('table')).length"""
NOT_DRAWN = """[...document.querySelectorAll('svg')].filter(one => {
    const box = one.getBoundingClientRect();
    return box.width < 200 || box.height < 20 || box.right > innerWidth + 1;
}).length"""
CUT = """[...document.querySelectorAll('svg text')].filter(one => {
    const text = one.getBoundingClientRect(), whole = one.closest('svg').getBoundingClientRect();
    return text.left < whole.left - 1 || text.right > whole.right + 1 || text.bottom > whole.bottom + 1;
}).map(one => one.textContent)"""
SMALL = """[...document.querySelectorAll('svg text')].filter(one => {
    const svg = one.closest('svg'), scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    return parseFloat(getComputedStyle(one).fontSize) * scale < 9.5;
}).length"""
FAINT = """(() => {
    const light = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number).map(one => one / 255)
        .map(one => one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
        .reduce((sum, one, place) => sum + one * [0.2126, 0.7152, 0.0722][place], 0);
    const ground = one => {
        for (let at = one; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if (!colour.startsWith('rgba(0, 0, 0, 0')) return colour;
        }
        return getComputedStyle(document.body).backgroundColor;
    };
    return [...document.querySelectorAll('h1,h2,h3,p,td,th,a,strong,dt,dd,span,svg text')].filter(one => {
        const style = getComputedStyle(one), ink = one.closest('svg') ? style.fill : style.color;
        const [low, high] = [light(ink), light(ground(one))].sort((a, b) => a - b);
        return one.textContent.trim() && (high + 0.05) / (low + 0.05) < 4.5;
    }).map(one => one.textContent.slice(0, 30));
})()"""


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders of pages: of a lively environment, and of an empty one."""
    folder = tmp_path_factory.mktemp("pages")
    found = {"lively": shown.lively(folder / "lively"), "empty": shown.empty(folder / "empty")}
    return {name: render.render(one.project, shown.NOW).parent for name, one in found.items()}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium.started(tmp_path_factory.mktemp("profile")) as made:
        yield made


@pytest.mark.parametrize("life", ["lively", "empty"])
def test_given_pages_when_opened_on_a_phone_then_nothing_is_wrong_cut_fetched_or_wider_than_the_screen(
    places: dict[str, Path], browser: Browser, life: str
) -> None:
    for name in PAGES:
        page = browser.open((places[life] / f"{name}.html").as_uri(), PHONE)
        assert page.said == [], name
        assert {address.partition(":")[0] for address in page.asked} <= {"file", "data"}, name
        assert page.value("document.documentElement.scrollWidth") <= PHONE, f"{name} scrolls sideways"
        wrong = {"mute": page.value(MUTE), "not drawn": page.value(NOT_DRAWN), "small": page.value(SMALL)}
        assert (name, wrong, page.value(CUT)) == (name, dict.fromkeys(wrong, 0), [])
        assert page.value("document.querySelector('nav [aria-current]').textContent") == PAGES[name]


@pytest.mark.parametrize("dark", [False, True])
def test_given_a_browser_that_is_light_or_dark_when_opened_then_all_text_stands_out(
    places: dict[str, Path], browser: Browser, dark: bool
) -> None:
    for name in PAGES:
        page = browser.open((places["lively"] / f"{name}.html").as_uri(), dark=dark)
        ground = page.value("getComputedStyle(document.body).backgroundColor")
        assert ground == ("rgb(20, 23, 27)" if dark else "rgb(246, 247, 249)")
        assert (name, page.value(FAINT)) == (name, [])


def test_given_a_tile_when_followed_then_its_page_opens(places: dict[str, Path], browser: Browser) -> None:
    page = browser.open((places["lively"] / "index.html").as_uri())
    address = page.value("document.querySelector('a.tile:nth-of-type(2)').href")
    assert browser.open(address).value("document.querySelector('h1').innerText").startswith("Which customers leave")
    assert page.value("document.querySelectorAll('a.tile').length") == 6
