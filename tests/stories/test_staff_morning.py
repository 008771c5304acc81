"""An officer's morning in a real browser, on a wide screen and on a phone's width."""

import json
import os
import re
from dataclasses import dataclass
from uuid import uuid4

import httpx2
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from api.access import tokens_file
from embedded.stack import EmbeddedStack
from embedded.theatre import Theatre, address_of
from rules.dossier import Phase
from rules.numbers import DossierNumber
from tests.browser import a_browser
from tests.stories.test_journeys import Visit, a_visit

pytestmark = [pytest.mark.xdist_group("stack"), pytest.mark.timeout(400)]

NARROW = 320
PICTURES = os.environ.get("ECHEANCE_MORNING_PICTURES")
"""A folder for the pictures of a morning, for who wants to look at them."""

WORDS = "Aucun certificat ne porte ce numéro. Vérifiez-le, puis écrivez-nous."


@dataclass(frozen=True)
class Morning:
    """What waits for one officer: a request to decide, a holder to help.

    *found_by* is how the officer types the name of who asks, without its accents.
    """

    asker: str
    found_by: str
    email: str
    request: DossierNumber
    holder_name: str
    holder: DossierNumber


@dataclass(frozen=True)
class Desk:
    """An officer at the desk: found by what the page says, as a person does."""

    visit: Visit
    morning: Morning
    width: int

    @property
    def page(self) -> Page:
        return self.visit.page

    @property
    def main(self) -> Locator:
        return self.page.locator("main")

    async def press(self, name: str) -> None:
        await self.main.get_by_role("button", name=name, exact=True).first.click()

    async def follow(self, name: str) -> None:
        await self.main.get_by_role("link", name=name).first.click()

    async def reads(self, text: str) -> None:
        await expect(self.main).to_contain_text(text)

    async def look(self, name: str) -> None:
        """Find the page fit on a phone's width; keep its picture where one is asked."""
        if self.width == NARROW:
            await self.visit.is_fit()
        if PICTURES:
            path = f"{PICTURES}/{self.width}-{name}.png"
            await self.page.screenshot(path=path, full_page=True)

    # ------------------------------------------------------------ what an officer does

    async def takes_the_request(self) -> None:
        row = self.main.locator("tr", has_text=self.morning.request)
        await self.look("queue")
        await row.get_by_role("button", name=re.compile("^Prendre")).click()
        await self.reads("La tâche est à vous.")
        await self.look("task")
        await self.visit.go("/bureau")
        await self.follow("Les miennes")
        await self.reads(self.morning.request)

    async def opens_the_dossier(self) -> None:
        await self.follow(self.morning.request)
        await self.reads(self.morning.asker)
        await self.look("dossier")

    async def decides(self) -> None:
        """Give notice of a refusal, with the text that the person will read."""
        await self.follow("Transfert : certificat inconnu")
        await self.page.get_by_label("Donner avis d'une intention de refuser").check()
        await self.page.locator("#texte").fill(WORDS)
        await self.press("Continuer")
        await self.reads(WORDS)
        await self.look("check")
        await self.press("Inscrire la décision")
        await self.reads("L'avis est parti")

    async def finds_by_name(self, name: str) -> None:
        await self.visit.go("/bureau")
        await self.page.locator("#q").fill(name)
        await self.press("Chercher")

    async def corrects_and_undoes(self) -> None:
        await self.visit.go(f"/bureau/dossier/{self.morning.holder}")
        before = await self._corrects("2024-11-05")
        await self.reads("La date est corrigée")
        await self.look("corrected")
        await self.follow("Rétablir la date d'avant")
        assert await self.page.locator("#jour").input_value() == before
        await self._gives_the_reason("La première date était la bonne.")
        await self.reads("La date est corrigée")

    async def _corrects(self, day: str) -> str:
        """Correct the day of the exam; name the one before."""
        await self.follow("Corriger une date")
        await self.page.get_by_label("Réussite de l'examen").check()
        before = await self.page.locator("#jour").input_value()
        await self.page.locator("#jour").fill(day)
        await self._gives_the_reason("L'ITHQ a transmis une autre date.")
        undo = self.main.get_by_role("link", name="Rétablir la date d'avant").first
        address = await undo.get_attribute("href") or ""
        return before or address.rpartition("jour=")[2]

    async def _gives_the_reason(self, why: str) -> None:
        await self.page.locator("#raison").fill(why)
        await self.press("Continuer")
        await self.press("Corriger")

    async def gives_the_task_to(self, colleague: str) -> None:
        await self.visit.go("/bureau?qui=moi")
        await self.follow("Transfert : certificat inconnu")
        await self.follow("Confier à un collègue")
        await self.page.get_by_label(colleague).check()
        await self.look("give")
        await self.press("Continuer")
        await self.reads(colleague)
        await self.press("Confier la tâche")
        await self.reads("La tâche est confiée.")
        await self.reads(f"Tâche confiée à {colleague}")

    async def sends_a_letter_again(self) -> None:
        await self.visit.go(f"/bureau/dossier/{self.morning.holder}")
        letter = self.main.locator("tr", has_text="renouvelez maintenant").first
        await letter.get_by_role("link", name="Envoyer de nouveau").click()
        await self.reads(address_of(self.morning.holder_name))
        await self.page.locator("#raison").fill("Elle dit n'avoir rien reçu.")
        await self.look("again")
        await self.press("Continuer")
        await self.press("Envoyer de nouveau")
        await self.reads("La lettre est confiée au courriel une fois de plus")
        await self.reads("Copie de la lettre du")

    async def reads_in_the_inbox(self, inbox: str, to: str, subject: str) -> str:
        """Look into the mail catcher until a letter is there; give its words."""
        link = self.page.get_by_role("link", name=re.compile(subject)).first
        await self.page.goto(f"{inbox}/fr?to={to}")
        while not await link.is_visible():
            await self.page.reload()
        address = await link.get_attribute("href")
        await self.page.goto(f"{inbox}{address}/text")
        return " ".join((await self.page.locator("pre").inner_text()).split())


async def a_morning(
    stack: EmbeddedStack,
    theatre: Theatre,
    *,
    asker: str,
    found_by: str,
    email: str,
    holder_name: str,
) -> Morning:
    """Place somebody whose request needs a person, and a holder who lost a letter."""
    request = await asked_for_a_transfer(stack, asker, email)
    holder = await theatre.place_holder(theatre.stage(), holder_name, days_left=28)
    await theatre.until(request, Phase.IN_REVIEW)
    await theatre.settled([request, holder])
    return Morning(asker, found_by, email, request, holder_name, holder)


async def asked_for_a_transfer(
    stack: EmbeddedStack, name: str, email: str
) -> DossierNumber:
    """Open a dossier and name a certificate that does not exist."""
    tokens = json.loads(tokens_file(stack.settings).read_text(encoding="utf-8"))
    url = f"{stack.settings.public_url.rstrip('/')}/api/v1/dossiers"
    said = {"Authorization": f"Bearer {tokens['representative']}"}
    async with httpx2.AsyncClient(timeout=30, headers=said) as http:
        opened = await http.post(
            url,
            json={"name": name, "email": email, "language": "fr"},
            headers={"Idempotency-Key": str(uuid4())},
        )
        number = DossierNumber(opened.json()["number"])
        asked = await http.post(
            f"{url}/{number}/transfer-request",
            json={"certificate": "CAR202100067890"},
            headers={"Idempotency-Key": str(uuid4())},
        )
        assert asked.is_success, asked.text
    return number


async def lived(
    browser: Browser,
    stack: EmbeddedStack,
    morning: Morning,
    *,
    officer: str,
    colleague: str,
    width: int,
) -> None:
    inbox = f"http://127.0.0.1:{stack.ports.inbox}"
    async with a_visit(browser, stack, "fr", width=width) as visit:
        desk = Desk(visit, morning, width)
        await visit.sign_in("office", officer)
        await desk.reads("Les tâches ouvertes")
        await desk.takes_the_request()
        await desk.opens_the_dossier()
        await desk.decides()
        await desk.corrects_and_undoes()
        await desk.finds_by_name(morning.found_by)
        await desk.reads(morning.asker)
        await desk.look("found")
        await desk.gives_the_task_to(colleague)
        await desk.sends_a_letter_again()
        letter = await desk.reads_in_the_inbox(
            inbox, morning.email, "nous pensons refuser|refus"
        )
        assert WORDS in letter
        copy = await desk.reads_in_the_inbox(
            inbox, address_of(morning.holder_name), "renouvelez maintenant"
        )
        assert "Nous vous envoyons de nouveau notre lettre du" in copy


async def test_a_morning_at_the_desk_wide_and_narrow(
    stack: EmbeddedStack, theatre: Theatre
) -> None:
    wide = await a_morning(
        stack,
        theatre,
        asker="Zoé Lévesque-Côté",
        found_by="levesque cote",
        email="zoe@courriel.example",
        holder_name="Nadia Haddad",
    )
    narrow = await a_morning(
        stack,
        theatre,
        asker="Hélène Gagné",
        found_by="HELENE gagne",
        email="helene@courriel.example",
        holder_name="Marc Pelletier",
    )
    async with a_browser() as browser:
        async with a_visit(browser, stack, "fr") as denis:
            await denis.sign_in("office", "denis")
        await lived(
            browser,
            stack,
            wide,
            officer="claire",
            colleague="Denis Lavoie",
            width=1200,
        )
        await lived(
            browser,
            stack,
            narrow,
            officer="denis",
            colleague="Claire Fortin",
            width=NARROW,
        )
