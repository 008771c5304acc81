"""Every page in a real browser: fit for everybody, on a phone, by keyboard, and light.

The pages are found from the routes: a new one is looked at without being named here.
"""

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser, Page

from api.language import Language
from api.pages.rendering import static
from letters.wording import LANGUAGES
from rules.dossier import Dossier
from rules.numbers import DossierNumber
from tests.api.doors import Doors, a_port, serve, the_settings
from tests.api.knocking import Visitor, addressed, furnish, heard, routes_of
from tests.api.register import NOBODY, PATHS
from tests.browser import complaints
from tests.dossiers import HOLDER, a_finalizing, a_holder, a_link, a_newcomer

pytestmark = pytest.mark.asyncio(loop_scope="session")

READERS = ("nobody", "its person", "its agency", "decider")
HEAVIEST = 60_000
"""The most bytes a first visit may cost, compressed: page, stylesheet and script."""

STATES = (
    ("nobody", "/connexion?echec=too_weak"),
    ("nobody", "/dossier?numero=CAR2026"),
    ("nobody", f"/{{word}}/{NOBODY}"),
    ("nobody", "/{word}/CAR2026"),
    ("another person", "/mes-dossiers"),
    ("another person", f"/dossier/{HOLDER}/agence"),
    ("its person", f"/dossier/{HOLDER}?fait=transfer&ref=ABCD1234"),
    ("its person", "/dossier/CAR202600000002"),
    ("its person", "/dossier/CAR202600000012"),
    ("its person", "/dossier/CAR202400000022"),
    ("its person", "/dossier/CAR202400000032"),
    ("another agency", "/agence"),
    ("its agency", "/agence?voir=90-jours&fait=confirmer"),
    ("its agency", "/agence/lien/link-2"),
    ("its agency", "/agence/lien/no-such-link"),
    ("decider", "/bureau?fait=settle"),
    ("decider", "/bureau/chercher?q=nobody-at-all"),
)
"""Pages done, empty or refused, behind the language."""

_FORMS_THAT_TAKE_NOTHING = {"sessions", "deconnexion", "session", "{mail_id}"}


@dataclass(frozen=True)
class Shown:
    """A page as one reader comes to it; *sent*: its first form is sent empty."""

    reader: str
    address: str
    sent: bool = False


@asynccontextmanager
async def furnished(database_url: str, folder: Path) -> AsyncIterator[Doors]:
    """Serve the pages on a real port, with somebody of each kind and every phase."""
    async with a_port() as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        settings = the_settings(
            database_url, folder, "127.0.0.1:1", ECHEANCE_PUBLIC_URL=url
        )
        async with serve(settings, listening, url) as doors:
            await furnish(doors)
            for dossier in _of_each_phase(doors):
                await doors.office.place(dossier, "Nadia Haddad")
            yield doors


def _of_each_phase(doors: Doors) -> tuple[Dossier, ...]:
    today = doors.today
    lost = a_link(today - timedelta(days=600), today - timedelta(days=10))
    days = timedelta(days=1)
    return (
        a_newcomer(today),
        replace(
            a_finalizing(today - 30 * days, here_since=today),
            number=DossierNumber("CAR202600000012"),
            opened_on=today,
        ),
        a_holder(
            today + 30 * days, number=DossierNumber("CAR202400000022"), links=(lost,)
        ),
        a_holder(today - 40 * days, number=DossierNumber("CAR202400000032")),
    )


async def every_page(doors: Doors, language: Language) -> list[Shown]:
    """Find every page that is shown, as the first who may read it, and its states."""
    found = [Shown(*state) for state in _states(language)]
    routes = routes_of(doors.app)
    for method, path in sorted(routes):
        if method != "GET" or "{language" not in path:
            continue
        address = addressed(path, language=language, word=PATHS[language])
        for reader in READERS:
            answer = await Visitor(doors, reader).ask("GET", address)
            html = answer.headers.get("content-type", "").startswith("text/html")
            if heard(answer) == "yes" and answer.status_code == 200 and html:
                found.append(Shown(reader, address))
                sends = ("POST", path) in routes
                if sends and path.rpartition("/")[2] not in _FORMS_THAT_TAKE_NOTHING:
                    found.append(Shown(reader, address, sent=True))
                break
    assert len(found) > len(STATES) + 25
    return found


def _states(language: Language) -> list[tuple[str, str]]:
    word = PATHS[language]
    return [(who, f"/{language}{path.format(word=word)}") for who, path in STATES]


@dataclass
class Screen:
    """A browser of one width and one scheme, held by one reader after another."""

    doors: Doors
    browser: Browser
    width: int
    scheme: Literal["light", "dark"] = "light"
    forced: Literal["active", "none"] = "none"
    pages: dict[str, Page] = field(default_factory=dict)
    refused: bool = False  # the form that was last sent

    async def see(self, shown: Shown) -> Page:
        """Show a page; an empty form that was sent shows its faults."""
        if shown.reader not in self.pages:
            self.pages[shown.reader] = await self._held_by(shown.reader)
        page = self.pages[shown.reader]
        await page.goto(shown.address)
        if shown.sent:
            async with page.expect_navigation() as sending:
                await page.eval_on_selector(
                    "main form[method=post]",
                    "form => form.requestSubmit(form.querySelector('button'))",
                )
            answer = await sending.value
            self.refused = answer.status == 422
        return page

    async def _held_by(self, reader: str) -> Page:
        base = self.doors.parts.settings.public_url
        context = await self.browser.new_context(
            viewport={"width": self.width, "height": 700},
            color_scheme=self.scheme,
            forced_colors=self.forced,
            base_url=base,
        )
        value = await Visitor(self.doors, reader).begin()
        if value is not None:
            await context.add_cookies(
                [{"name": "echeance_session", "value": value, "url": base}]
            )
        return await context.new_page()

    async def close(self) -> None:
        for page in self.pages.values():
            await page.context.close()


@asynccontextmanager
async def a_screen(
    browser: Browser,
    database_url: str,
    folder: Path,
    width: int,
    scheme: Literal["light", "dark"] = "light",
    forced: Literal["active", "none"] = "none",
) -> AsyncIterator[Screen]:
    async with furnished(database_url, folder) as doors:
        screen = Screen(doors, browser, width, scheme, forced)
        try:
            yield screen
        finally:
            await screen.close()


async def width_of(page: Page) -> int:
    width: int = await page.evaluate("document.documentElement.scrollWidth")
    return width


# --------------------------------------------------------------- fit for every reader


@pytest.mark.parametrize(
    ("language", "width", "scheme"),
    [("fr", 320, "dark"), ("en", 320, "light"), ("fr", 1000, "light")],
)
async def test_every_page_is_fit_for_every_reader(
    database_url: str,
    tmp_path: Path,
    browser: Browser,
    language: Language,
    width: int,
    scheme: Literal["light", "dark"],
) -> None:
    wrong = []
    async with a_screen(browser, database_url, tmp_path, width, scheme) as screen:
        for shown in await every_page(screen.doors, language):
            page = await screen.see(shown)
            if found := await complaints(page):
                wrong.append(f"{shown}: {found}")
            if (found_width := await width_of(page)) > width:
                wrong.append(f"{shown}: {found_width} px wide")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_no_page_is_lost_in_forced_colours(
    database_url: str, tmp_path: Path, browser: Browser, language: Language
) -> None:
    """Nothing is told by a background alone, and what is pressed keeps an edge."""
    wrong = []
    async with a_screen(
        browser, database_url, tmp_path, 320, forced="active"
    ) as screen:
        for shown in await every_page(screen.doors, language):
            page = await screen.see(shown)
            wrong += [f"{shown}: {text}" for text in await page.evaluate(_EDGELESS)]
            if (found_width := await width_of(page)) > 320:
                wrong.append(f"{shown}: {found_width} px wide")
    assert not wrong, "\n".join(wrong)


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
  .filter((one) => one.type !== "hidden" && one.checkVisibility())
  .filter((one) => one.type !== "radio" || one.checked || !document.querySelector(
    `input[name="${one.name}"]:checked`))
  .map((one, place) => one.dataset.place = place).length
"""
_FOCUSED = """
() => {
  const one = document.activeElement, style = getComputedStyle(one);
  return [one.dataset.place ?? "", parseFloat(style.outlineWidth), one.className,
    one.getBoundingClientRect().width];
}
"""


async def test_everything_that_can_be_pressed_is_reached_with_the_tab_key_alone(
    database_url: str, tmp_path: Path, browser: Browser
) -> None:
    wrong = []
    async with a_screen(browser, database_url, tmp_path, 1000) as screen:
        for shown in await every_page(screen.doors, "fr"):
            page = await screen.see(shown)
            reachable = await page.evaluate(_REACHABLE)
            reached = set()
            within = await page.locator("input[type=date]").count() * _PARTS_OF_A_DATE
            for _ in range(reachable + within + 2):
                await page.keyboard.press("Tab")
                place, ring, *_ = await page.evaluate(_FOCUSED)
                if place and ring < 3:
                    wrong.append(f"{shown}: no ring around {place}")
                reached.add(place)
            if missed := set(map(str, range(reachable))) - reached:
                wrong.append(f"{shown}: {missed} not reached")
    assert not wrong, "\n".join(wrong)


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


async def test_what_is_wrong_has_the_focus_and_the_title_says_error(
    database_url: str, tmp_path: Path, browser: Browser
) -> None:
    async with a_screen(browser, database_url, tmp_path, 320) as screen:
        refused = 0
        for shown in await every_page(screen.doors, "fr"):
            if not shown.sent:
                continue
            page = await screen.see(shown)
            if not screen.refused:
                continue  # what was proposed can be sent as it is
            refused += 1
            assert (await page.title()).startswith("Erreur"), shown
            _place, _ring, name, _width = await page.evaluate(_FOCUSED)
            assert name == "summary", shown
        assert refused >= 4


# ------------------------------------------------------------------------------ light


async def test_a_first_visit_to_any_page_is_light(
    database_url: str, tmp_path: Path
) -> None:
    shared = sum(len(gzip.compress(static(f"portal.{kind}"))) for kind in ("css", "js"))
    async with furnished(database_url, tmp_path) as doors:
        for shown in await every_page(doors, "fr"):
            answer = await Visitor(doors, shown.reader).ask("GET", shown.address)
            weight = shared + len(gzip.compress(answer.content))
            assert weight < HEAVIEST, (shown, weight)


async def test_these_tests_see_what_they_look_for(browser: Browser) -> None:
    page = await browser.new_page(viewport={"width": 320, "height": 700})
    await page.set_content("<p style='color:#999'>pale</p><img src=''><button>")
    assert "color-contrast" in await complaints(page)
    await page.set_content("<p style='width:900px'>wide</p>")
    assert await width_of(page) > 320
    await page.set_content("<button style='border:0'>bare</button>")
    assert await page.evaluate(_EDGELESS)
    await page.close()
