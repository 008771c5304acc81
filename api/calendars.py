"""Private addresses that calendar programs follow: a person's days, or an agency's.

Whoever has the address reads it, without a session: it bears a secret of 256 bits, of
which only the hash is kept. A revoked or replaced one leads where an unknown one leads.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from fastapi import APIRouter, Request, Response, status
from sqlalchemy.ext.asyncio import AsyncSession

from api.codes import Code
from api.errors import Refused
from api.language import Language
from api.parts import Parts, TheParts
from api.signin.cookies import hash_of
from api.v1.verification import NOT_INDEXED
from api.visitors import admit_calendar
from letters.calendar import KIND, Entry, Publisher, feed, sequence_at
from records.agencies import View, people_of
from records.calendars import (
    CalendarFeed,
    Told,
    clocks_ahead,
    days_told,
    dossiers_of_person,
    feed_with,
    note_reading,
)
from records.clock import database_now
from records.dossiers import restored
from records.fees import policy_in_force
from records.models import Agency, Person
from rules.civil_time import civil_date, last_day
from rules.deadlines import Deadline, deadlines
from rules.dossier import Phase

router = APIRouter(include_in_schema=False)
PLACE = "/calendrier/"
"""Where the addresses begin; what follows is nobody else's to read."""

MOST_PEOPLE = 5_000
"""Of an agency, those whose certificates end soonest; far above any agency we know."""

_FORM = "1"  # of what we write; a new one makes programs read again
_HOLDS = frozenset({Phase.IN_FORCE, Phase.SUSPENDED})
_HEADERS = {
    # Asked again each time, so that nothing outlives a revocation in between.
    "Cache-Control": "private, no-cache",
    "Content-Disposition": 'inline; filename="echeance.ics"',
    **NOT_INDEXED,
}


@dataclass(frozen=True, slots=True)
class _Days:
    """What an address tells, before it is written as a calendar."""

    entries: Sequence[Entry]
    language: Language
    publisher: Publisher
    to_agency: bool

    @property
    def etag(self) -> str:
        """Name the content, without writing it."""
        return f'"{hashlib.sha256(f"{_FORM}{self!r}".encode()).hexdigest()[:32]}"'

    def written(self) -> bytes:
        return feed(
            self.entries, self.language, self.publisher, to_agency=self.to_agency
        )


def address_of(parts: Parts, secret: str) -> str:
    """Write the address that bears this secret."""
    return f"{parts.settings.public_url.rstrip('/')}{PLACE}{secret}.ics"


@router.api_route("/calendrier/{secret}.ics", methods=["GET", "HEAD"])
async def follow(request: Request, parts: TheParts, secret: str) -> Response:
    """Give the days of who has this address, or say that they are the same still."""
    known = hash_of(secret)
    async with parts.sessions() as session:
        is_known = await feed_with(session, known) is not None
    await admit_calendar(request, known if is_known else None)
    async with parts.sessions.begin() as session:
        row = await feed_with(session, known)
        if row is None:
            raise Refused(Code.NOT_FOUND)
        await note_reading(session, known)
        days = await _days(session, parts, row)
    headers = {**_HEADERS, "ETag": days.etag}
    if _has_it(request, days.etag):
        return Response(status_code=status.HTTP_304_NOT_MODIFIED, headers=headers)
    headers["Content-Language"] = f"{days.language}-CA"
    return Response(
        days.written(), media_type=f"{KIND}; charset=utf-8", headers=headers
    )


def _has_it(request: Request, etag: str) -> bool:
    """Compare weakly, as a conditional GET does (RFC 9110 s. 13.1.2)."""
    asked = ",".join(request.headers.getlist("if-none-match"))
    told = {one.strip().removeprefix("W/") for one in asked.split(",")}
    return "*" in told or etag in told


async def _days(session: AsyncSession, parts: Parts, row: CalendarFeed) -> _Days:
    settings = parts.settings
    entries_of = partial(_entries, session)
    site = settings.public_url.rstrip("/")
    publisher = Publisher(settings.mail_from, settings.mail_domain)
    if row.person_id is not None:
        person = await session.get_one(Person, row.person_id)
        language = _language(person.language)
        entries = await entries_of(
            await _told_to_person(session, row), f"{site}/{language}/dossier"
        )
        return _Days(entries, language, publisher, to_agency=False)
    agency = await session.get_one(Agency, row.permit)
    language = _language(agency.language)
    told = await _told_to_agency(session, agency.permit)
    entries = await entries_of(told, f"{site}/{language}/agence", to_agency=True)
    return _Days(entries, language, publisher, to_agency=True)


def _language(kept: str) -> Language:
    return "en" if kept == "en" else "fr"


async def _told_to_person(session: AsyncSession, row: CalendarFeed) -> list[Told]:
    assert row.person_id is not None
    dossiers = list(await dossiers_of_person(session, row.person_id))
    ahead = await clocks_ahead(session, [dossier.number for dossier in dossiers])
    now = await database_now(session)
    told: list[Told] = []
    for kept in dossiers:
        at = now + ahead.get(kept.number, timedelta())
        dossier = restored(kept.facts)
        policy = await policy_in_force(session, dossier.kind, civil_date(at))
        told += (
            Told(kept.number, one.deadline, one.on, at, sequence_at(at))
            for one in deadlines(dossier, policy, at)
        )
    return told


async def _told_to_agency(session: AsyncSession, permit: str) -> list[Told]:
    """Tell the last valid day of who is linked: what the agency's own list shows."""
    now = await database_now(session)
    people = [
        one
        for one in await people_of(
            session, permit, View.ALL, today=civil_date(now), limit=MOST_PEOPLE
        )
        if not one.is_to_confirm and one.phase in _HOLDS and one.echeance
    ]
    ahead = await clocks_ahead(session, {one.number for one in people})
    told: dict[str, Told] = {}  # somebody may be linked twice
    for one in people:
        at = now + ahead.get(one.number, timedelta())
        assert one.echeance is not None
        if (on := last_day(one.echeance)) >= civil_date(at):
            told[one.number] = Told(
                one.number, Deadline.RENEWAL, on, at, sequence_at(at)
            )
    return list(told.values())


async def _entries(
    session: AsyncSession, told: Sequence[Told], place: str, *, to_agency: bool = False
) -> list[Entry]:
    known = await days_told(session, told)
    return [
        Entry(
            deadline=Deadline(one.deadline),
            number=one.dossier,
            on=one.on,
            changed_at=(kept := known[one.dossier, one.deadline]).changed_at,
            sequence=kept.sequence,
            url=place if to_agency else f"{place}/{one.dossier}",
            to_agency=to_agency,
        )
        for one in sorted(told, key=lambda one: (one.on, one.dossier, one.deadline))
    ]
