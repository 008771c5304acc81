"""Whole journeys in a real browser: from an expired certificate to the next one."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import delete

from api.language import Language
from embedded.casting import place_cast
from embedded.personas import PERSONAS
from embedded.stack import EmbeddedStack
from embedded.theatre import Theatre
from records.database import make_engine
from records.models import Session
from rules.dossier import Phase
from rules.numbers import DossierNumber
from tests.browser import a_browser, complaints

pytestmark = [pytest.mark.xdist_group("stack"), pytest.mark.timeout(240)]

SAID: dict[Language, dict[str, str]] = {
    "fr": {
        "person": "M'identifier",
        "agency": "Identifier mon agence",
        "open": "Ouvrir un dossier",
        "go_on": "Continuer",
        "open_mine": "Ouvrir mon dossier",
        "transfer": "Demander le transfert de mon résultat",
        "ask_transfer": "Envoyer ma demande",
        "agencies": "Mes liens avec des agences",
        "ask": "Demander",
        "done": "C'est fait",
        "valid": "Votre certificat est valide jusqu'au",
        "answer": "Répondre à la demande",
        "confirm": "Confirmer le lien",
        "other": "English",
        "check": "rien n'est encore envoyé",
    },
    "en": {
        "person": "Sign in as a person",
        "agency": "Sign in for my agency",
        "open": "Open a file",
        "go_on": "Continue",
        "open_mine": "Open my file",
        "transfer": "Ask for the transfer of my result",
        "ask_transfer": "Send my request",
        "agencies": "My affiliations with agencies",
        "ask": "Ask",
        "done": "Done",
        "valid": "Your certificate is valid until",
        "answer": "Answer the request",
        "confirm": "Confirm the affiliation",
        "other": "Français",
        "check": "nothing is sent yet",
    },
}


@dataclass(frozen=True)
class Visit:
    """Somebody at a screen of their own, who reads one language."""

    page: Page
    language: Language
    url: str

    def said(self, key: str) -> str:
        return SAID[self.language][key]

    async def go(self, path: str) -> None:
        await self.page.goto(f"{self.url}/{self.language}{path}")

    async def press(self, key: str) -> None:
        name = re.compile(f"^{re.escape(self.said(key))}$")
        await self.page.get_by_role("button", name=name).click()

    async def follow(self, key: str) -> None:
        await self.page.get_by_role("link", name=self.said(key)).first.click()

    async def reads(self, key: str) -> None:
        await expect(self.page.locator("main")).to_contain_text(self.said(key))

    async def sign_in(self, door: str, subject: str) -> None:
        """Choose a door, then somebody invented at the stand-in."""
        await self.go("/connexion")
        await self.follow(door)
        name = next(each.name for each in PERSONAS if each.subject == subject)
        await self.page.get_by_role("button", name=name).click()
        await self.page.wait_for_url(re.compile(f"/{self.language}/"))

    async def is_fit(self) -> None:
        """Fail on what axe finds here, or on a page wider than its screen."""
        wide = "document.documentElement.scrollWidth > innerWidth"
        assert not await self.page.evaluate(wide), self.page.url
        assert await complaints(self.page) == "", self.page.url

    @property
    def number(self) -> DossierNumber:
        found = re.search(r"/dossier/(CAR\w{12})", self.page.url)
        assert found, self.page.url
        return DossierNumber(found[1])


@asynccontextmanager
async def a_visit(
    browser: Browser,
    stack: EmbeddedStack,
    language: Language,
    *,
    width: int = 1000,
    script: bool = True,
) -> AsyncIterator[Visit]:
    context = await browser.new_context(
        viewport={"width": width, "height": 800},
        java_script_enabled=script,
        # Axe runs as a script of the tests, which no page allows.
        bypass_csp=True,
    )
    page = await context.new_page()
    yield Visit(page, language, stack.settings.public_url.rstrip("/"))
    await context.close()


@pytest.mark.parametrize(
    ("who", "language", "script", "width"),
    [("marc", "fr", False, 320), ("louise", "en", True, 1000)],
)
async def test_an_expired_holder_comes_back_as_far_as_the_certificate(
    stack: EmbeddedStack,
    theatre: Theatre,
    who: str,
    language: Language,
    script: bool,
    width: int,
) -> None:
    await place_cast(theatre)
    async with (
        a_browser() as browser,
        a_visit(browser, stack, language, width=width, script=script) as person,
        a_visit(browser, stack, language, width=width, script=script) as agency,
    ):
        await person.sign_in("person", who)
        await person.follow("open")
        await person.page.locator("#courriel").fill(f"{who}@maison.example")
        await person.press("go_on")
        await person.reads("check")
        await person.press("open_mine")
        await person.reads("done")
        number = person.number
        if script:
            await person.is_fit()

        await person.follow("transfer")
        # One's own expired dossier is proposed, not asked.
        assert (await person.page.locator("#certificat").input_value())[:3] == "CAR"
        await person.press("go_on")
        await person.press("ask_transfer")
        await person.reads("done")
        await theatre.until(number, Phase.TO_FINALIZE)

        await person.go(f"/dossier/{number}")
        await person.follow("agencies")
        await person.page.locator("#permis").fill("ar-1001")
        await person.press("go_on")
        await expect(person.page.locator("main")).to_contain_text("Boréal")
        await person.press("ask")
        await person.reads("done")
        await theatre.pay(number)

        await agency.sign_in("agency", "boreal")
        await agency.follow("answer")
        today = theatre.stage().today
        await agency.page.locator("#jour").fill(today.isoformat())
        await agency.press("confirm")
        await theatre.until(number, Phase.IN_FORCE)

        await person.go(f"/dossier/{number}")
        await person.reads("valid")
        if script:
            await person.is_fit()
        await person.go(f"/{'verifier' if language == 'fr' else 'verify'}/{number}")
        await expect(person.page.locator(".verdict.valid")).to_be_visible()


async def test_impatience_counts_once_and_a_session_that_ended_leads_back(
    stack: EmbeddedStack, theatre: Theatre
) -> None:
    await place_cast(theatre)
    async with a_browser() as browser, a_visit(browser, stack, "fr") as alex:
        await alex.sign_in("person", "alex")
        await alex.go("/nouveau-dossier")
        await alex.page.locator("#courriel").fill("alex@maison.example")
        await alex.press("go_on")
        # Pressed twice; then, from the page before, the browser sends the form again.
        form = await alex.page.locator("main form").evaluate(
            "form => Object.fromEntries(new FormData(form))"
        )
        send = alex.page.get_by_role("button", name=alex.said("open_mine"))
        await send.dblclick()
        await alex.reads("done")
        number = alex.number
        again = await alex.page.request.post(
            f"{alex.url}/fr/nouveau-dossier", form={**form, "step": "send"}
        )
        assert number in again.url

        # Two tabs, each with the form of an agency; both ask the same one.
        tab = Visit(await alex.page.context.new_page(), "fr", alex.url)
        for each in (alex, tab):
            await each.go(f"/dossier/{number}/agence")
            await each.page.locator("#permis").fill("AR-1001")
            await each.press("go_on")
        await alex.press("ask")
        await alex.reads("done")
        await tab.press("ask")
        await expect(tab.page.locator(".summary")).to_be_focused()
        await expect(tab.page).to_have_title(re.compile("^Erreur"))
        assert len((await theatre.state(number))["dossier"]["links"]) == 1

        # The other language, in the middle: the same page of the same dossier.
        await alex.page.get_by_role("link", name="English").click()
        await expect(alex.page.locator("html")).to_have_attribute("lang", "en-CA")
        assert alex.number == number

        # The session ends while a form is open: sign in, and the form is there again.
        await alex.go(f"/dossier/{number}/annulation")
        await alex.page.locator("#raison").fill("Je change de métier.")
        await end_every_session(stack)
        await alex.press("go_on")
        await alex.page.wait_for_url(re.compile("/fr/connexion"))
        await alex.follow("person")
        await alex.page.get_by_role("button", name="Alex Morin").click()
        await alex.page.wait_for_url(re.compile("/annulation$"))
        assert (await theatre.state(number))["phase"] == Phase.EXAM_AWAITED


async def end_every_session(stack: EmbeddedStack) -> None:
    engine = make_engine(stack.settings.database_url)
    async with engine.begin() as connection:
        await connection.execute(delete(Session))
    await engine.dispose()
