"""The inbox in a real browser: fit for everybody, and closed to a hostile letter."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx2
import pytest
from axe_playwright_python.async_playwright import (  # type: ignore[import-untyped]  # it has no types
    Axe,
)
from playwright.async_api import Browser, BrowserContext, async_playwright

from embedded.inbox_pages.words import words
from embedded.ports import LOOPBACK
from letters.wording import LANGUAGES, Language
from tests.embedded.conftest import Inbox
from tests.embedded.correspondence import DOSSIER, LUCE, StandIn, a_letter, send

_ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-gpu",
]
HOSTILE = """
<meta http-equiv="refresh" content="0;url={elsewhere}/refreshed">
<link rel="stylesheet" href="{elsewhere}/style.css">
<style>@import url("{elsewhere}/import.css");
body {{ background: url("{elsewhere}/background.png") }}</style>
<body onload="parent.document.title = 'taken'">
<script>parent.document.title = "taken"; fetch("{elsewhere}/fetch")</script>
<img src="{elsewhere}/pixel.png" onerror="top.location = '{elsewhere}'">
<iframe src="{elsewhere}/frame"></iframe>
<form action="{elsewhere}/form"><button id="send">send</button></form>
<a id="out" href="{elsewhere}/click" target="_top" style="display:block">out</a>
<p id="words">words</p>
"""


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if path is None:
        pytest.skip("no Chromium here: set CHROMIUM to its path")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path, args=_ARGUMENTS
        )
        yield browser
        await browser.close()


@dataclass(frozen=True)
class Look:
    """How a reader looks at a page."""

    width: int
    scheme: str

    async def at(self, browser: Browser) -> BrowserContext:
        return await browser.new_context(
            viewport={"width": self.width, "height": 800},
            color_scheme="dark" if self.scheme == "dark" else "light",
        )


async def pages_of(
    inbox: Inbox, web: httpx2.AsyncClient, language: Language
) -> dict[str, str]:
    """Have letters of each sort; return a path for each page in each state."""
    letter = a_letter(
        f"Dossier {DOSSIER} : {'mot' * 40}", html="<p>Renouvelez</p><a href=''>x</a>"
    )
    letter.add_attachment(
        b"%PDF-1.7", maintype="application", subtype="pdf", filename=f"{'a' * 90}.pdf"
    )
    letter.add_attachment(b"MZ", maintype="a", subtype="b", filename="b.pdf")
    letters = [a_letter(f"Lettre {number}") for number in range(51)]
    send(inbox.smtp, *letters, letter)
    *_, plain, told = (await web.get("/api/messages")).json()
    own = f"/{language}/{told['id']}"
    return {
        "list": f"/{language}",
        "second page": f"/{language}?page=2",
        "filtered": f"/{language}?to={LUCE}&q=mot",
        "nothing found": f"/{language}?q=zzz",
        "letter": own,
        "letter at 320 px": f"{own}?width=320",
        "plain letter": f"/{language}/{plain['id']}",
        "text": f"{own}/text",
        "attachments": f"{own}/attachments",
        "no attachments": f"/{language}/{plain['id']}/attachments",
        "reply": f"{own}/reply?example=transfer",
        "write": f"/{language}/write?example=robot",
        "nothing": f"/{language}/nothing",
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("look", [Look(320, "dark"), Look(1000, "light")], ids=str)
async def test_every_page_is_fit_for_every_reader(
    inbox: Inbox,
    web: httpx2.AsyncClient,
    browser: Browser,
    language: Language,
    look: Look,
) -> None:
    context = await look.at(browser)
    page = await context.new_page()
    for name, path in (await pages_of(inbox, web, language)).items():
        await page.goto(f"{inbox.url}{path}")
        found = await Axe().run(page)
        assert found.violations_count == 0, (name, found.generate_report())
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= look.width, name
    await context.close()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_reply_is_written_without_a_script_and_its_outcome_is_fit_too(
    inbox: Inbox,
    web: httpx2.AsyncClient,
    browser: Browser,
    intake: StandIn,
    language: Language,
) -> None:
    send(inbox.smtp, a_letter())
    *_, told = (await web.get("/api/messages")).json()
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{inbox.url}/{language}/{told['id']}/reply")
    intake.answer = "451 4.3.0 Later"
    await page.get_by_label(words()["write.text"][language], exact=True).fill(
        "Bonjour à vous"
    )
    send_button = page.get_by_role("button", name=words()["write.send"][language])
    await send_button.click()
    assert await page.get_by_role("alert").is_visible()
    text = page.get_by_label(words()["write.text"][language], exact=True)
    assert await text.input_value() == "Bonjour à vous"
    failed = await page.content()
    intake.answer = "250 2.0.0 Kept"
    await send_button.click()
    assert "/sent/" in page.url
    title = words()["sent.title"][language]
    assert await page.get_by_role("heading", level=1).inner_text() == title
    confirmed = page.url
    await context.close()
    with_scripts = await browser.new_page()
    await with_scripts.goto(confirmed)
    assert (await Axe().run(with_scripts)).violations_count == 0
    await with_scripts.set_content(failed)
    assert (await Axe().run(with_scripts)).violations_count == 0
    await with_scripts.close()


async def test_a_hostile_letter_can_do_nothing(
    inbox: Inbox, web: httpx2.AsyncClient, browser: Browser
) -> None:
    connections = 0

    def count(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.close()

    server = await asyncio.start_server(count, LOOPBACK, 0)
    elsewhere = f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
    html = HOSTILE.format(elsewhere=elsewhere)
    send(inbox.smtp, a_letter("hostile", html=html))
    *_, told = (await web.get("/api/messages")).json()
    context = await browser.new_context()
    page = await context.new_page()
    own = f"{inbox.url}/fr/{told['id']}"
    await page.goto(own)
    frame = page.frame_locator("iframe.paper")
    await frame.locator("#words").wait_for()
    await frame.locator("#out").click(force=True)
    await frame.locator("#out").press("Enter")
    await page.reload()
    await frame.locator("#send").click(force=True)
    assert page.url == own
    assert "taken" not in await page.title()
    assert len(context.pages) == 1
    assert connections == 0
    await page.goto(f"{inbox.url}/letters/{told['id']}/html")
    await page.locator("#words").wait_for()
    assert await page.title() == ""
    assert connections == 0
    await context.close()
    server.close()


async def test_the_keyboard_reaches_the_contents_first_and_shows_where_it_is(
    inbox: Inbox, browser: Browser
) -> None:
    page = await browser.new_page()
    await page.goto(f"{inbox.url}/fr")
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name=words()["frame.skip"]["fr"])
    assert await skip.is_visible()
    assert await skip.evaluate("e => e === document.activeElement")
    outline = await skip.evaluate("e => getComputedStyle(e).outlineWidth")
    assert outline == "3px"
    await page.keyboard.press("Enter")
    assert page.url.endswith("#content")
    await page.close()
