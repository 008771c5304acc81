"""Whole journeys in a real browser: from an expired certificate to the next one."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import func, update

from api.language import Language
from embedded.casting import place_cast
from embedded.personas import PERSONAS
from embedded.stack import EmbeddedStack
from embedded.theatre import Theatre
from records.database import make_engine
from records.sessions import Session
from rules.dossier import Phase
from rules.numbers import DossierNumber
from tests.browser import a_browser, complaints, go_back

pytestmark = [pytest.mark.xdist_group("stack"), pytest.mark.timeout(240)]

SAID: dict[Language, dict[str, str]] = {
    "fr": {
        "person": "M'identifier",
        "agency": "Identifier mon agence",
        "office": "M'identifier à l'Office",
        "open": "Ouvrir un dossier",
        "go_on": "Continuer",
        "open_mine": "Ouvrir mon dossier",
        "transfer": "Demander le transfert de mon résultat",
        "ask_transfer": "Envoyer ma demande",
        "agencies": "Ajouter un lien contractuel",
        "ask": "Demander la confirmation",
        "done": "C'est fait",
        "valid": "Votre certificat est valide jusqu'au",
        "answer": "Répondre à la demande",
        "confirm": "Confirmer le lien",
        "other": "English",
        "check": "rien n'est encore envoyé",
        "pay": "Payer",
        "paid": "Votre paiement est reçu",
        "certificate": "Mon certificat",
    },
    "en": {
        "person": "Sign in as a person",
        "agency": "Sign in for my agency",
        "office": "Sign in at the Office",
        "open": "Open a file",
        "go_on": "Continue",
        "open_mine": "Open my file",
        "transfer": "Ask for the transfer of my result",
        "ask_transfer": "Send my request",
        "agencies": "Add a contractual relationship",
        "ask": "Ask for confirmation",
        "done": "Done",
        "valid": "Your certificate is valid until",
        "answer": "Answer the request",
        "confirm": "Confirm the affiliation",
        "other": "Français",
        "check": "nothing is sent yet",
        "pay": "Pay",
        "paid": "Your payment is received",
        "certificate": "My certificate",
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

    async def finds(self, key: str) -> None:
        """Look again until the link is there: a letter makes the file it leads to."""
        link = self.page.get_by_role("link", name=self.said(key)).first
        while not await link.is_visible():
            await self.page.reload()

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

        await person.go(f"/dossier/{number}/paiement")
        await person.page.locator("main button").click()
        await person.press("pay")
        await person.reads("paid")

        await agency.sign_in("agency", "boreal")
        await agency.follow("answer")
        today = theatre.stage().today
        await agency.page.locator("#reponse-confirmer").check()
        await agency.page.locator("#jour").fill(today.isoformat())
        await agency.press("go_on")
        await agency.press("confirm")
        await theatre.until(number, Phase.IN_FORCE)

        await person.go(f"/dossier/{number}")
        await person.reads("valid")
        if script:
            await person.is_fit()
        await person.finds("certificate")
        await person.follow("certificate")
        await expect(person.page.locator(".certificate").first).to_contain_text(number)
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
        # In the middle of it, the other language takes along what is written.
        await go_back(alex.page)
        await alex.page.locator("#nom").fill("Alex Morin-Roy")
        await alex.page.get_by_role("button", name="English").click()
        await expect(alex.page.locator("#nom")).to_have_value("Alex Morin-Roy")
        await alex.page.get_by_role("button", name="Français").click()
        await alex.press("go_on")
        # Pressed twice, on a slow line; then, as if from the page before, once more.
        await slow(alex.page)
        form = await alex.page.locator("main form").evaluate(
            "form => Object.fromEntries(new FormData(form))"
        )
        send = alex.page.get_by_role("button", name=alex.said("open_mine"))
        await send.dblclick()
        await alex.reads("done")
        number = alex.number
        # Back, no browser asks to send anything again: it is done.
        await go_back(alex.page)
        await alex.reads("done")
        assert alex.number == number
        again = await alex.page.request.post(
            f"{alex.url}/fr/nouveau-dossier", form={**form, "step": "send"}
        )
        assert number in again.url

        # Two tabs of one form, which is one wish: sent from both, it counts once.
        tab = Visit(await alex.page.context.new_page(), "fr", alex.url)
        for each in (alex, tab):
            await each.go(f"/dossier/{number}/agence")
            await each.page.locator("#permis").fill("AR-1001")
            await each.press("go_on")
        await alex.press("ask")
        await alex.reads("done")
        await tab.press("ask")
        await tab.reads("done")
        assert len((await theatre.state(number))["dossier"]["links"]) == 1

        # The other language, in the middle: the same page of the same dossier.
        await alex.page.get_by_role("link", name="English").click()
        await expect(alex.page.locator("html")).to_have_attribute("lang", "en-CA")
        assert alex.number == number

        # The session ends while a form is open: sign in, and what was typed is there.
        await alex.go(f"/dossier/{number}/annulation")
        await alex.page.locator("#raison").fill("Je change de métier.")
        await end_every_session(stack)
        await alex.press("go_on")
        await alex.page.wait_for_url(re.compile("/fr/connexion"))
        await alex.follow("person")
        await alex.page.get_by_role("button", name="Alex Morin").click()
        await alex.page.wait_for_url(re.compile("/annulation"))
        await alex.reads("check")
        await expect(alex.page.locator("main")).to_contain_text("Je change de métier.")
        assert (await theatre.state(number))["phase"] == Phase.EXAM_AWAITED


async def slow(page: Page) -> None:
    """Make every answer late, as on a poor line."""
    wire = await page.context.new_cdp_session(page)
    line = {"offline": False, "latency": 300, "downloadThroughput": 50_000}
    await wire.send(
        "Network.emulateNetworkConditions", {**line, "uploadThroughput": 20_000}
    )


async def end_every_session(stack: EmbeddedStack) -> None:
    """Let the time of every session run out."""
    engine = make_engine(stack.settings.database_url)
    long_ago = func.now() - timedelta(hours=2)
    async with engine.begin() as connection:
        await connection.execute(update(Session).values(seen_at=long_ago))
    await engine.dispose()
