"""The private address of a calendar, followed as a calendar program follows it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from html import unescape
from pathlib import Path
from re import findall

import httpx2
import pytest
from icalendar import Calendar, Event
from sqlalchemy import select

from api.calendars import PLACE
from letters.calendar import KIND, sequence_at
from records.calendars import CalendarFeed
from records.clock import database_now
from records.dossiers import stored
from records.models import Agency, DossierRow, LinkRow
from rules.dossier import Dossier, Term
from rules.numbers import DossierNumber
from rules.standing import phase_at
from tests.api.doors import Doors, knocking_at, open_doors, the_settings
from tests.api.knocking import PERMIT, Visitor, furnish
from tests.dossiers import HOLDER, a_finalizing, a_holder, a_policy

SITE = "http://127.0.0.1:1"
OWN, AGENCYS = "/fr/mon-calendrier", "/fr/agence/calendrier"
MARCS = DossierNumber("CAR202600000009")


@pytest.fixture
async def service(database_url: str, tmp_path: Path) -> AsyncIterator[Doors]:
    """Open the doors on Nadia, holder of a certificate and linked to an agency."""
    settings = the_settings(
        database_url,
        tmp_path,
        "127.0.0.1:1",
        ECHEANCE_EMBEDDED="false",
        ECHEANCE_VERIFICATIONS_PER_MINUTE="20",
    )
    async with open_doors(settings) as doors:
        await furnish(doors)
        await now_stands(doors, nadias(doors))
        yield doors


def nadias(doors: Doors, *, days: int = 100) -> Dossier:
    """Give Nadia's dossier, whose certificate ends in so many days."""
    term = Term(date(2024, 12, 10), doors.today + timedelta(days=days + 1))
    return replace(a_holder(), terms=(term,))


async def now_stands(doors: Doors, dossier: Dossier) -> None:
    """Have Nadia's dossier stand so, as its story would have kept it."""
    async with doors.parts.sessions.begin() as session:
        row = await session.get_one(DossierRow, HOLDER)
        row.echeance, row.facts = dossier.echeance, stored(dossier)
        row.phase = phase_at(dossier, a_policy(), await database_now(session))


@dataclass(frozen=True)
class Program:
    """A calendar program: it has an address, and no session."""

    doors: Doors
    address: str

    async def asks(
        self, method: str = "GET", headers: dict[str, str] | None = None
    ) -> httpx2.Response:
        async with knocking_at(self.doors.app) as http:
            path = self.address.removeprefix(SITE)
            return await http.request(method, path, headers=headers)

    async def reads(self) -> dict[str, Event]:
        """Read every entry, by its UID."""
        answer = await self.asks()
        assert answer.status_code == 200, answer.text
        calendar = Calendar.from_ical(answer.content)
        assert isinstance(calendar, Calendar)
        assert not [error for event in calendar.events for error in event.errors]
        return {str(event["UID"]): event for event in calendar.events}


async def made(doors: Doors, who: str = "its person", page: str = OWN) -> Program:
    answer = await Visitor(doors, who).ask("POST", page, {"acte": "creer"})
    assert answer.status_code == 200, answer.text
    (address,) = findall(r"<code>(.+?)</code>", answer.text)
    return Program(doors, unescape(address))


async def uid_of(doors: Doors, what: str, number: str = HOLDER) -> str:
    return f"{number}-{what}@{doors.parts.settings.mail_domain}"


# ------------------------------------------------------------------------ what it says


async def test_a_person_follows_the_last_day_to_renew(service: Doors) -> None:
    program = await made(service)
    answer = await program.asks()
    assert answer.headers["content-type"] == f"{KIND}; charset=utf-8"
    (event,) = (await program.reads()).values()
    assert event["UID"] == await uid_of(service, "renewal")
    assert event.decoded("DTSTART") == service.today + timedelta(days=100)
    assert event.decoded("DTEND") == service.today + timedelta(days=101)
    assert event["CLASS"] == "PRIVATE"
    assert f"{SITE}/fr/dossier/{HOLDER}" in str(event["DESCRIPTION"])
    assert len(event.walk("VALARM")) == 3
    text = answer.content.decode()
    for name in ("Nadia", "Haddad", "Tremblay", PERMIT, "@courriel.example"):
        assert name not in text


async def test_lines_are_folded_and_texts_are_escaped(service: Doors) -> None:
    answer = await (await made(service)).asks()
    lines = answer.content.split(b"\r\n")
    assert max(len(line) for line in lines) <= 75
    assert b"\n" not in b"".join(lines)
    assert b"au plus tard ce jour-l\xc3\xa0\\, \xc3\xa0" in answer.content.replace(
        b"\r\n ", b""
    )
    calendar = Calendar.from_ical(answer.content)
    assert "Échéance" in str(calendar["NAME"])
    assert calendar["NAME"] == calendar["X-WR-CALNAME"]
    assert calendar.decoded("REFRESH-INTERVAL") == timedelta(hours=6)


async def test_it_speaks_the_language_of_the_person(service: Doors) -> None:
    program = await made(service)
    nadia = await service.office.holder_of(HOLDER)
    async with service.parts.sessions.begin() as session:
        (await session.merge(nadia)).language = "en"
    (event,) = (await program.reads()).values()
    assert str(event["SUMMARY"]).startswith("Last day to renew certificate")
    assert event["SUMMARY"].params["LANGUAGE"] == "en-CA"


async def test_a_day_that_changes_moves_its_entry_and_one_that_does_not_stays(
    service: Doors,
) -> None:
    program, uid = await made(service), await uid_of(service, "renewal")
    first = (await program.reads())[uid]
    assert first == (await program.reads())[uid]
    assert first.decoded("SEQUENCE") >= sequence_at(first.decoded("LAST-MODIFIED"))

    await now_stands(service, nadias(service, days=830))
    moved = (await program.reads())[uid]
    assert moved.decoded("DTSTART") == service.today + timedelta(days=830)
    assert moved.decoded("SEQUENCE") > first.decoded("SEQUENCE")
    assert moved.decoded("LAST-MODIFIED") >= first.decoded("LAST-MODIFIED")

    await now_stands(service, nadias(service))
    back = (await program.reads())[uid]
    assert back.decoded("SEQUENCE") > moved.decoded("SEQUENCE")


async def test_the_end_of_an_exam_takes_the_place_of_what_holds_no_more(
    service: Doors,
) -> None:
    program = await made(service)
    exam = a_finalizing(service.today - timedelta(days=30), here_since=service.today)
    await now_stands(service, replace(exam, number=HOLDER, opened_on=service.today))
    (event,) = (await program.reads()).values()
    assert event["UID"] == await uid_of(service, "exam")
    assert "résultat d’examen" in str(event["SUMMARY"])


# ----------------------------------------------------------------------- an agency's


async def test_an_agency_follows_its_people_until_their_link_ends(
    service: Doors,
) -> None:
    others = replace(nadias(service, days=20), number=MARCS)
    await service.office.place(others, "Marc Roy")
    await service.office.add(
        LinkRow(
            link_id="link-of-marc",
            dossier=MARCS,
            permit="AR-2002",
            since=date(2024, 12, 10),
        )
    )
    program = await made(service, "its agency", AGENCYS)
    (event,) = (await program.reads()).values()
    assert event["UID"] == await uid_of(service, "renewal")
    assert str(event["SUMMARY"]).endswith("à renouveler")
    assert HOLDER in str(event["SUMMARY"])
    assert "/fr/agence" in str(event["URL"])
    assert "Nadia" not in event.to_ical().decode()

    async with service.parts.sessions.begin() as session:
        (await session.get_one(LinkRow, "link-1")).until = service.today
    assert await program.reads() == {}


async def test_who_only_asks_for_a_link_is_not_in_the_agencys_calendar(
    service: Doors,
) -> None:
    async with service.parts.sessions.begin() as session:
        (await session.get_one(LinkRow, "link-1")).since = None
    program = await made(service, "its agency", AGENCYS)
    assert await program.reads() == {}


async def test_another_agencys_address_tells_nothing_of_this_ones(
    service: Doors,
) -> None:
    program = await made(service, "another agency", AGENCYS)
    assert await program.reads() == {}


# ----------------------------------------------------------------- a secret, kept well


async def test_only_the_hash_of_the_secret_is_kept_and_the_page_forgets_it(
    service: Doors,
) -> None:
    program = await made(service)
    secret = program.address.rpartition("/")[2].removesuffix(".ics")
    assert len(secret) * 6 >= 128
    async with service.parts.sessions() as session:
        (row,) = await session.scalars(select(CalendarFeed))
    assert secret not in str(vars(row))
    again = await Visitor(service, "its person").ask("GET", OWN)
    assert secret not in again.text
    assert "Aucun agenda ne l'a encore lue" in unescape(again.text)
    await program.asks()
    again = await Visitor(service, "its person").ask("GET", OWN)
    assert "Lue pour la dernière fois" in unescape(again.text)


async def test_a_replaced_and_a_revoked_address_lead_where_an_unknown_one_does(
    service: Doors,
) -> None:
    old = await made(service)
    new = await made(service)
    replaced = await old.asks()
    assert (await new.asks()).status_code == 200
    await Visitor(service, "its person").ask("POST", OWN, {"acte": "revoquer"})
    revoked = await new.asks()
    unknown = await Program(service, f"{PLACE}nobodys.ics").asks()
    assert unknown.status_code == 404
    for answer in (replaced, revoked):
        assert (answer.status_code, answer.headers) == (404, unknown.headers)
        said = answer.text.replace(answer.request.url.path, "")
        assert said == unknown.text.replace(unknown.request.url.path, "")
    async with service.parts.sessions() as session:
        assert not (await session.scalars(select(CalendarFeed))).all()


async def test_what_one_reader_revokes_is_their_own_only(service: Doors) -> None:
    program = await made(service)
    agencys = await made(service, "its agency", AGENCYS)
    another = Visitor(service, "another agency")
    await another.ask("POST", AGENCYS, {"acte": "revoquer"})
    await made(service, "another agency", AGENCYS)
    assert (await program.asks()).status_code == 200
    assert (await agencys.asks()).status_code == 200
    await Visitor(service, "its agency").ask("POST", AGENCYS, {"acte": "revoquer"})
    assert (await program.asks()).status_code == 200
    assert (await agencys.asks()).status_code == 404


async def test_a_form_that_another_site_sends_makes_no_address(service: Doors) -> None:
    await Visitor(service, "its person").ask(
        "POST", OWN, {"acte": "creer"}, {"sec-fetch-site": "cross-site"}
    )
    async with service.parts.sessions() as session:
        assert not (await session.scalars(select(CalendarFeed))).all()


async def test_programs_that_ask_again_are_told_that_nothing_changed(
    service: Doors,
) -> None:
    program = await made(service)
    first = await program.asks()
    etag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["x-robots-tag"] == "noindex, nofollow"
    head = await program.asks("HEAD")
    assert (head.status_code, head.headers["etag"]) == (200, etag)
    for told in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = await program.asks(headers={"if-none-match": told})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
    await now_stands(service, nadias(service, days=200))
    changed = await program.asks(headers={"if-none-match": etag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != etag


async def test_who_tries_addresses_is_made_to_wait_and_an_address_in_use_is_not(
    service: Doors,
) -> None:
    program = await made(service)
    guess = Program(service, f"{PLACE}guess.ics")
    heard = [(await guess.asks()).status_code for _ in range(25)]
    assert set(heard[:20]) == {404}
    # Unless a new minute began meanwhile.
    assert 429 in heard
    waits = await guess.asks()
    assert waits.status_code in {404, 429}
    assert (await program.asks()).status_code == 200


async def test_an_account_without_a_permit_is_told_so(service: Doors) -> None:
    async with service.parts.sessions.begin() as session:
        (await session.get_one(Agency, PERMIT)).sign_in_subject = None
    agency = Visitor(service, "its agency")
    for method in ("GET", "POST"):
        answer = await agency.ask(method, AGENCYS, {"acte": "creer"})
        assert "rattaché à aucun permis" in unescape(answer.text)
