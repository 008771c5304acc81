"""Every page in a real browser: fit for everybody, on a phone, by keyboard, and light.

The pages are found from the routes: a new one is looked at without being named here.
Each is opened once on either screen, a narrow one and a wide one; what is noted then
is judged test by test.
"""

import gzip
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page
from playwright.async_api import TimeoutError as PlaywrightTimeout

from api.pages.rendering import static
from embedded.postgres import Cluster
from tests.api.screens import Shown, a_screen, every_page
from tests.browser import complaints
from tests.conftest import a_database

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(400)]
# One process opens all the pages of a screen, once.
on_the_narrow = pytest.mark.xdist_group("every page, narrow")
on_the_wide = pytest.mark.xdist_group("every page, wide")

NARROW = 320
WIDE = 1000
HEAVIEST = 60_000
"""The most bytes a first visit may cost, compressed: page, stylesheet and script."""


@dataclass
class Noted:
    """What was found while every page was opened on one screen; a line each."""

    unfit: list[str] = field(default_factory=list)
    unreached: list[str] = field(default_factory=list)
    unannounced: list[str] = field(default_factory=list)
    refused: int = 0
    weights: dict[Shown, int] = field(default_factory=dict)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def narrow(
    cluster: Cluster,
    migrated_template: str,
    tmp_path_factory: pytest.TempPathFactory,
    browser: Browser,
) -> Noted:
    """Open every page in French on a phone, in the dark."""
    noted, folder = Noted(), tmp_path_factory.mktemp("narrow")
    with a_database(cluster, migrated_template) as url:
        async with a_screen(browser, url, folder, NARROW, "dark") as screen:
            for shown in await every_page(screen.doors, "fr"):
                page = await screen.see(shown)
                noted.weights[shown] = screen.weight
                if screen.refused:
                    noted.refused += 1
                    noted.unannounced += await unannounced(page, shown)
                noted.unfit += await unfit(page, shown, NARROW)
                noted.unfit += [f"{shown}: {text}" for text in await lost(page)]
    return noted


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def wide(
    cluster: Cluster,
    migrated_template: str,
    tmp_path_factory: pytest.TempPathFactory,
    browser: Browser,
) -> Noted:
    """Open every page in English at a desk, in the light, and go through it by key."""
    noted, folder = Noted(), tmp_path_factory.mktemp("wide")
    with a_database(cluster, migrated_template) as url:
        async with a_screen(browser, url, folder, WIDE) as screen:
            for shown in await every_page(screen.doors, "en"):
                page = await screen.see(shown)
                noted.unfit += await unfit(page, shown, WIDE)
                noted.unreached += await unreached(page, shown)
    return noted


# --------------------------------------------------------------- fit for every reader


@on_the_narrow
async def test_every_page_is_fit_for_every_reader_on_a_phone_in_the_dark(
    narrow: Noted,
) -> None:
    assert not narrow.unfit, "\n".join(narrow.unfit)


@on_the_wide
async def test_every_page_is_fit_for_every_reader_at_a_desk_in_the_light(
    wide: Noted,
) -> None:
    assert not wide.unfit, "\n".join(wide.unfit)


async def unfit(page: Page, shown: Shown, width: int) -> list[str]:
    """Say what axe has against a page, and whether it is wider than its screen."""
    wrong = []
    if found := await complaints(page):
        wrong.append(f"{shown}: {found}")
    if (found_width := await width_of(page)) > width:
        wrong.append(f"{shown}: {found_width} px wide")
    return wrong


async def width_of(page: Page) -> int:
    width: int = await page.evaluate("document.documentElement.scrollWidth")
    return width


async def lost(page: Page) -> list[str]:
    """Name what is told by a background alone once the reader's colours are forced."""
    await page.emulate_media(forced_colors="active")
    found: list[str] = await page.evaluate(_EDGELESS)
    if (width := await width_of(page)) > NARROW:
        found.append(f"{width} px wide")
    await page.emulate_media(forced_colors="none")
    return found


_EDGELESS = """
[...document.querySelectorAll("button, input, textarea, .action")]
  .filter((one) => !["hidden", "radio", "checkbox"].includes(one.type))
  .filter((one) => one.offsetWidth && getComputedStyle(one).borderTopWidth === "0px")
  .map((one) => one.outerHTML.slice(0, 90))
"""


# ------------------------------------------------------------------------ by keyboard

_PARTS_OF_A_DATE = 4
_REACHABLE = """
[...document.querySelectorAll("a[href], button, input, textarea, select, summary")]
  .filter((one) => one.type !== "hidden" && one.checkVisibility() && one.tabIndex >= 0)
  .filter((one) => one.type !== "radio" || one === (document.querySelector(
    `input[name="${one.name}"]:checked`) ?? document.getElementsByName(one.name)[0]))
  .map((one, place) => one.dataset.place = place).length
"""
_NOTED = """
(window.reached = [], addEventListener("focusin", ({target}) => reached.push(
  [target.dataset.place ?? "", parseFloat(getComputedStyle(target).outlineWidth)])))
"""
_FOCUSED = """
() => {
  const one = document.activeElement, style = getComputedStyle(one);
  return [one.dataset.place ?? "", parseFloat(style.outlineWidth), one.className,
    one.getBoundingClientRect().width];
}
"""


@on_the_wide
async def test_everything_that_can_be_pressed_is_reached_with_the_tab_key_alone(
    wide: Noted,
) -> None:
    assert not wide.unreached, "\n".join(wide.unreached)


async def unreached(page: Page, shown: Shown) -> list[str]:
    """Go through a page by Tab; say what was not come to, or shows no ring."""
    reachable = await page.evaluate(_REACHABLE)
    within = await page.locator("input[type=date]").count() * _PARTS_OF_A_DATE
    await page.evaluate(_NOTED)
    reached = await tabbed(page, reachable + within + 2)
    if not every_place(reachable) <= {place for place, _ in reached}:
        # A page that sets the focus itself begins in its middle, and the
        # browser's own bar takes a stop of its own at the turn.
        reached = await tabbed(page, reachable + within + 2)
    wrong = [
        f"{shown}: no ring around {place}"
        for place, ring in reached
        if place and ring < 3
    ]
    if missed := every_place(reachable) - {place for place, _ in reached}:
        wrong.append(f"{shown}: {missed} not reached")
    return wrong


async def tabbed(page: Page, times: int) -> list[tuple[str, float]]:
    """Press Tab so many times; answer each place it came to since the page opened."""
    for _ in range(times):
        await page.keyboard.down("Tab")  # held, it goes on to the next
    await page.keyboard.up("Tab")
    reached: list[tuple[str, float]] = await page.evaluate("reached")
    return reached


def every_place(reachable: int) -> set[str]:
    return set(map(str, range(reachable)))


async def test_the_first_key_skips_to_the_content(
    database_url: str, tmp_path: Path, browser: Browser
) -> None:
    async with a_screen(browser, database_url, tmp_path, 320) as screen:
        page = await screen.see(Shown("nobody", "/fr"))
        await page.keyboard.press("Tab")
        _place, _ring, name, width = await page.evaluate(_FOCUSED)
        assert (name, width > 0) == ("skip", True)
        await page.keyboard.press("Enter")
        assert page.url.endswith("#content")


@on_the_narrow
async def test_what_is_wrong_has_the_focus_and_the_title_says_error(
    narrow: Noted,
) -> None:
    assert not narrow.unannounced, "\n".join(narrow.unannounced)
    assert narrow.refused >= 4


async def unannounced(page: Page, shown: Shown) -> list[str]:
    """Say what hides the faults of a form that was refused."""
    wrong = []
    if not (title := await page.title()).startswith("Erreur"):
        wrong.append(f"{shown}: its title is {title}")
    try:  # the focus comes with the first picture, after the page was loaded
        await page.wait_for_function(_SUMMARY_HAS_FOCUS, timeout=5000)
    except PlaywrightTimeout:
        _place, _ring, name, _width = await page.evaluate(_FOCUSED)
        wrong.append(f"{shown}: {name!r} has the focus")
    return wrong


_SUMMARY_HAS_FOCUS = "document.activeElement.className === 'summary'"


# ------------------------------------------------------------------------------ light


@on_the_narrow
async def test_a_first_visit_to_any_page_is_light(narrow: Noted) -> None:
    shared = sum(len(gzip.compress(static(f"portal.{kind}"))) for kind in ("css", "js"))
    heavy = {
        shown: shared + weight
        for shown, weight in narrow.weights.items()
        if shared + weight >= HEAVIEST
    }
    assert not heavy


async def test_these_tests_see_what_they_look_for(browser: Browser) -> None:
    page = await browser.new_page(viewport={"width": 320, "height": 700})
    await page.set_content("<p style='color:#999'>pale</p><img src=''><button>")
    assert "color-contrast" in await complaints(page)
    await page.set_content("<p style='width:900px'>wide</p>")
    assert await width_of(page) > 320
    await page.set_content("<button style='border:0'>bare</button>")
    assert await page.evaluate(_EDGELESS)
    await page.close()
