"""Every letter as a real browser shows it: narrow and wide, light and dark.

With ECHEANCE_PICTURES=1 the pictures are kept in var/pictures/letters, to be looked at.
They are not compared with those of another day, for fonts differ from machine to
machine; what is compared is the HTML itself, in tests/letters/snapshots.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Request, ViewportSize

from letters.compose import html
from letters.facts import Notice
from letters.wording import LANGUAGES, Language
from tests.browser import complaints
from tests.letters.examples import an_example

PICTURES = Path(__file__).parents[2] / "var" / "pictures" / "letters"
KEPT = os.environ.get("ECHEANCE_PICTURES") == "1"
NARROW, WIDE = 320, 640
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass
class Screen:
    """One page of the browser, in one colour scheme, that notes what it asks for."""

    scheme: str
    page: Page
    asked_for: list[str] = field(default_factory=list)

    def note(self, request: Request) -> None:
        self.asked_for.append(request.url)

    async def show(self, text: str) -> None:
        self.asked_for.clear()
        await self.page.set_content(text)

    async def is_wide(self, width: int) -> None:
        await self.page.set_viewport_size(ViewportSize(width=width, height=640))

    async def overflow(self) -> int:
        seen: int = await self.page.evaluate(
            "document.documentElement.scrollWidth - innerWidth"
        )
        return seen

    async def background(self) -> str:
        seen: str = await self.page.evaluate(
            "getComputedStyle(document.querySelector('.letter')).backgroundColor"
        )
        return seen


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def screens(browser: Browser) -> AsyncIterator[list[Screen]]:
    PICTURES.mkdir(parents=True, exist_ok=True)
    shown = []
    for scheme in SCHEMES:
        screen = Screen(scheme, await browser.new_page(color_scheme=scheme))
        screen.page.on("request", screen.note)
        shown.append(screen)
    yield shown
    for screen in shown:
        await screen.page.context.close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("notice", sorted(Notice))
async def test_a_letter_is_seen_whole_on_any_screen_and_asks_nothing_of_the_network(
    screens: list[Screen], notice: Notice, language: Language
) -> None:
    text = html(an_example(notice), language)
    await asyncio.gather(
        *(_look(screen, text, f"{notice}.{language}") for screen in screens)
    )


async def _look(screen: Screen, text: str, name: str) -> None:
    await screen.show(text)
    for width in (NARROW, WIDE):
        await screen.is_wide(width)
        assert await screen.overflow() <= 0
        if KEPT:
            picture = PICTURES / f"{name}.{screen.scheme}.{width}.png"
            await screen.page.screenshot(full_page=True, path=picture)
    assert not await complaints(screen.page)
    assert screen.asked_for == []


async def test_the_dark_scheme_is_dark(screens: list[Screen]) -> None:
    colours = []
    for screen in screens:
        await screen.show(html(an_example("renewed"), "fr"))
        colours.append(await screen.background())
    assert colours == ["rgb(255, 255, 255)", "rgb(21, 24, 28)"]


async def test_a_word_without_an_end_makes_no_letter_wider_than_the_screen(
    screens: list[Screen],
) -> None:
    endless = "W" * 200
    facts = replace(
        an_example("link_refused"),
        person_name=endless,
        agency_name=endless,
        reason_text=endless,
        portal_url=f"https://echeance.example/{'dossier' * 20}",
    )
    await screens[0].show(html(facts, "fr"))
    await screens[0].is_wide(NARROW)
    assert await screens[0].overflow() <= 0


async def test_these_tests_see_what_they_look_for(screens: list[Screen]) -> None:
    screen = screens[0]
    await screen.show(
        '<p style="width: 700px; color: #eee">trop large et trop pâle</p>'
        '<img src="http://127.0.0.1:9/x.png">'
    )
    await screen.is_wide(NARROW)
    assert await screen.overflow() > 0
    assert "color-contrast" in await complaints(screen.page)
    assert screen.asked_for == ["http://127.0.0.1:9/x.png"]
