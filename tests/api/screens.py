"""Every page as it is come to: found from the routes, and shown in a real browser."""

import gzip
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, Page

from api.language import Language
from records.models import TaskRow
from records.money import PaymentRow
from rules.dossier import Dossier
from rules.numbers import DossierNumber
from tests.api.doors import Doors, a_port, serve, the_settings
from tests.api.knocking import Visitor, addressed, furnish, heard, routes_of
from tests.api.register import NOBODY, PATHS
from tests.dossiers import HOLDER, a_finalizing, a_holder, a_link, a_newcomer, noon

READERS = ("nobody", "its person", "its agency", "decider")
REFUND = "/bureau/remboursement/task-of-money"

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
    ("decider", "/bureau?qui=moi"),
    ("decider", "/bureau/tache/task-1?mains=too_late"),
    ("decider", "/bureau/regles?le=x"),
    ("decider", "/bureau/regles?le=2001-01-01"),
    ("decider", REFUND),
)
"""Pages done, empty or refused, behind the language."""

_FORMS_THAT_TAKE_NOTHING = {
    "sessions",
    "deconnexion",
    "session",
    "{mail_id}",
    "{import_id}",
    "mon-calendrier",
    "calendrier",
}


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
            await _a_payment_to_give_back(doors)
            yield doors


async def _a_payment_to_give_back(doors: Doors) -> None:
    at = noon(doors.today)
    await doors.office.add(
        PaymentRow(
            payment_id="pay-odd",
            invoice_id="none",
            dossier=HOLDER,
            amount_cents=12345,
            currency="CAD",
            captured_at=at,
        ),
        TaskRow(
            task_id=REFUND.rpartition("/")[2],
            dossier=HOLDER,
            reason="wrong_amount",
            about="pay-odd",
            due_on=doors.today,
            opened_at=at,
        ),
    )


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
    found.append(Shown("decider", f"/{language}{REFUND}", sent=True))
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
    pages: dict[str, Page] = field(default_factory=dict)
    refused: bool = False  # the form that was last sent
    weight: int = 0  # of the page last opened, compressed

    async def see(self, shown: Shown) -> Page:
        """Show a page; an empty form that was sent shows its faults."""
        if shown.reader not in self.pages:
            self.pages[shown.reader] = await self._held_by(shown.reader)
        page = self.pages[shown.reader]
        opened = await page.goto(shown.address)
        assert opened is not None, shown
        self.weight = len(gzip.compress(await opened.body()))
        self.refused = False
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
) -> AsyncIterator[Screen]:
    async with furnished(database_url, folder) as doors:
        screen = Screen(doors, browser, width, scheme)
        try:
            yield screen
        finally:
            await screen.close()
