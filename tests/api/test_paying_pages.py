"""A representative pays: the page, the provider's, the way back, one charge."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from api.language import Language
from letters.wording import LANGUAGES
from payments.simulator import Manner, Simulator
from records.models import FactRow, PaymentSession
from tests.api.doors import Doors, open_doors, the_settings
from tests.api.providers import Browser, a_stand_in
from tests.api.reading import read
from tests.documents.reading import opened
from tests.upkeep.server import a_closed_port, a_server
from worker import workers

ALEX = {"nom": "Alex Morin", "courriel": "alex@courriel.example", "langue": "fr"}


@dataclass
class Payer:
    """Somebody who is signed in and has a dossier whose first invoice is open."""

    doors: Doors
    browser: Browser
    number: str

    async def sent(self, path: str, **answers: str) -> httpx2.Response:
        token = await self.browser.form_token()
        form = {"form_token": token, "step": "send", "key": "abcd1234"}
        return await self.browser.http.post(path, data={**form, **answers})

    def page(self, language: str = "fr") -> str:
        return f"/{language}/dossier/{self.number}/paiement"

    async def at_the_provider(self) -> str:
        """Press the button; name the session the person is led to."""
        led = await self.sent(self.page())
        assert led.status_code == 303, led.text
        return urlsplit(led.headers["location"]).path.rsplit("/", 1)[1]

    async def presses(self, session_id: str, button: str) -> httpx2.Response:
        said = {"button": button, "form_token": await self.browser.form_token()}
        return await self.browser.http.post(f"/fr/simulateur/{session_id}", data=said)

    async def comes_back(
        self, session_id: str, language: str = "fr"
    ) -> httpx2.Response:
        return await self.browser.go(f"/{language}/paiement/{session_id}")

    async def invoices(self) -> list[dict[str, object]]:
        state = await self.doors.heard(self.number)
        found: list[dict[str, object]] = state["dossier"]["invoices"]
        return found


async def a_payer(doors: Doors, subject: str = "alex") -> Payer:
    browser = Browser(doors)
    await browser.sign_in("personne", subject)
    payer = Payer(doors, browser, "")
    answer = await payer.sent("/fr/nouveau-dossier", **ALEX)
    payer.number = answer.headers["location"].split("/")[3].partition("?")[0]
    await doors.an_exam(payer.number)
    await doors.heard(payer.number)
    return payer


@pytest.fixture
async def payer(portal: Doors) -> AsyncIterator[Payer]:
    payer = await a_payer(portal)
    yield payer
    await payer.browser.close()


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_says_what_is_paid_until_when_and_leads_to_the_provider(
    payer: Payer, language: Language
) -> None:
    dossier = await payer.browser.go(f"/{language}/dossier/{payer.number}")
    assert payer.page(language) in dossier.text
    shown = await payer.browser.go(payer.page(language))
    read(shown, language)
    text = unescape(shown.text).replace("\u00a0", " ")
    assert {"fr": "Payer 180,00 $", "en": "Pay $180.00"}[language] in text
    # The amount of that day is not confirmed: it is announced as the last known one.
    assert {"fr": "dernier montant connu", "en": "last known amount"}[language] in text
    assert "F-" in text


async def test_a_message_that_is_lost_is_asked_for_when_the_person_comes_back(
    payer: Payer,
) -> None:
    session_id = await payer.at_the_provider()
    hosted = await payer.browser.go(f"/fr/simulateur/{session_id}")
    read(hosted, "fr")
    back = await payer.presses(session_id, "never")
    assert back.status_code == 303
    assert urlsplit(back.headers["location"]).path == f"/fr/paiement/{session_id}"
    for language in LANGUAGES:
        paid = await payer.comes_back(session_id, language)
        read(paid, language)
        assert "refresh" not in paid.headers
    (invoice,) = await payer.invoices()
    assert invoice["paid"] is not None
    assert (
        payer.page() not in (await payer.browser.go(f"/fr/dossier/{payer.number}")).text
    )
    again = await payer.sent(payer.page())
    assert again.status_code == 409


async def test_a_refused_card_takes_nothing_and_may_be_followed_by_another_try(
    payer: Payer,
) -> None:
    first = await payer.at_the_provider()
    await payer.presses(first, "refuse")
    refused = await payer.comes_back(first)
    read(refused, "fr")
    assert "rien n'a été pris" in unescape(refused.text)
    assert await payer.at_the_provider() != first
    (invoice,) = await payer.invoices()
    assert invoice["paid"] is None


async def test_who_gives_up_goes_on_with_the_same_session(payer: Payer) -> None:
    session_id = await payer.at_the_provider()
    await payer.presses(session_id, "abandon")
    back = await payer.comes_back(session_id)
    read(back, "fr")
    assert back.headers["refresh"] == "20"
    assert f"/fr/simulateur/{session_id}" in back.text
    assert await payer.at_the_provider() == session_id


async def test_two_browsers_that_pay_at_once_are_led_to_one_charge(
    payer: Payer,
) -> None:
    led = await asyncio.gather(*(payer.at_the_provider() for _ in range(6)))
    assert len(set(led)) == 1
    assert len(await payer.doors.office.rows(PaymentSession)) == 1
    await asyncio.gather(*(payer.presses(led[0], "never") for _ in range(3)))
    await asyncio.gather(*(payer.comes_back(led[0]) for _ in range(3)))
    facts = await payer.doors.office.rows(FactRow)
    assert [fact.kind for fact in facts].count("invoice_paid") == 1


async def test_a_receipt_is_a_page_and_a_file_once_the_invoice_is_paid(
    payer: Payer,
) -> None:
    session_id = await payer.at_the_provider()
    await payer.presses(session_id, "never")
    paid = await payer.comes_back(session_id)
    href = next(
        str(a["href"])
        for a in read(paid, "fr").attributes["a"]
        if "/facture/" in str(a.get("href"))
    )
    await payer.invoices()
    receipt = await payer.browser.go(href)
    read(receipt, "fr")
    assert "Reçu, facture F-" in unescape(receipt.text)
    file = await payer.browser.go(f"{href}.pdf")
    assert file.headers["content-type"] == "application/pdf"
    assert "180,00" in opened(file.content).text()
    other = href.replace("/fr/", "/en/")
    assert "Receipt, invoice F-" in (await payer.browser.go(other)).text
    missing = await payer.browser.go(f"/fr/dossier/{payer.number}/facture/F-1999-1")
    assert missing.status_code == 404


async def test_another_persons_try_and_dossier_are_as_unknown_as_none(
    portal: Doors, payer: Payer
) -> None:
    session_id = await payer.at_the_provider()
    stranger = Browser(portal)
    await stranger.sign_in("personne", "samuel")
    answers = [
        await stranger.go(f"/fr/paiement/{session_id}"),
        await stranger.go("/fr/paiement/ps_of_nobody"),
    ]
    assert [a.status_code for a in answers] == [404, 404]
    assert (await stranger.go(payer.page())).status_code == 404
    await stranger.close()


async def test_a_form_of_elsewhere_begins_no_payment(payer: Payer) -> None:
    answer = await payer.browser.http.post(payer.page(), data={"step": "send"})
    assert answer.status_code == 403
    assert await payer.doors.office.rows(PaymentSession) == []


# -------------------------------------------------- a provider that does not answer


@asynccontextmanager
async def a_portal_whose_provider_is_away(
    database_url: str, folder: Path
) -> AsyncIterator[Doors]:
    async with a_server() as client, a_stand_in() as sign_in:
        settings = the_settings(
            database_url,
            folder,
            client.service_client.config.target_host,
            ECHEANCE_PAYMENT_PROVIDER="stripe",
            ECHEANCE_STRIPE_API_KEY="sk_test_of_nobody",
            ECHEANCE_STRIPE_API_URL=f"http://127.0.0.1:{await a_closed_port()}",
            **sign_in,
        )
        async with open_doors(settings) as doors:
            stories, _post = workers(client, doors.parts.sessions, settings)
            async with stories:
                yield doors


async def test_while_the_provider_is_away_no_second_charge_is_offered(
    database_url: str, tmp_path: Path
) -> None:
    async with a_portal_whose_provider_is_away(database_url, tmp_path) as doors:
        payer = await a_payer(doors)
        shown = await payer.browser.go(payer.page())
        # Browsers check where a form ends up: Stripe's pages, and nowhere else.
        policy = shown.headers["content-security-policy"]
        assert "form-action 'self' https://checkout.stripe.com;" in policy
        for _ in range(2):
            answer = await payer.sent(payer.page())
            assert answer.status_code == 503
            assert "revenez dans quelques minutes" in unescape(answer.text)
        (ours,) = await doors.office.rows(PaymentSession)
        back = await payer.comes_back(ours.session_id)
        read(back, "fr")
        assert back.headers["refresh"] == "20"
        assert "Ne payez pas une seconde fois" in unescape(back.text)
        await payer.browser.close()


async def test_money_that_no_story_has_heard_of_yet_stops_a_second_try(
    portal: Doors, payer: Payer
) -> None:
    """The provider captured, we only asked: the page's own state may be older."""
    session_id = await payer.at_the_provider()
    simulator = portal.parts.provider
    assert isinstance(simulator, Simulator)
    await simulator.approve(session_id, Manner.NEVER)
    answer = await payer.sent(payer.page())
    assert answer.status_code == 409
    assert "ne payez pas une seconde fois" in unescape(answer.text)
    (invoice,) = await payer.invoices()
    assert invoice["paid"] is not None
    assert len(await portal.office.rows(PaymentSession)) == 1
