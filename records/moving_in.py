"""Holders of existing certificates put in place by the hundred, in one transaction."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Text, cast, func, insert, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from records.dossiers import LIVE_STATUSES, certificate_status, stored
from records.models import (
    Agency,
    Certificate,
    DossierRow,
    ExamResult,
    LinkRow,
    Person,
    TimelineEntry,
)
from records.opening import name_key
from records.timeline import Line, first_line
from rules.dossier import Dossier, Phase


@dataclass(frozen=True, slots=True)
class Permit:
    """What the register says of a permit; *changed_on* is its last change's day."""

    valid: bool
    changed_on: date | None


@dataclass(frozen=True, slots=True)
class Known:
    """A person of a name and address: who it is, and what they hold that runs.

    *has_account* says that somebody signs in as this person: a file proves nothing, so
    it adds nothing to an account.
    """

    person_id: UUID
    has_account: bool
    holds: str | None


@dataclass(frozen=True, slots=True)
class Arrival:
    """One holder as they come in: the dossier, where it stands, what is settled."""

    key: str
    person_key: str
    name: str
    email: str
    language: str
    dossier: Dossier
    phase: Phase
    settled: tuple[str, ...]
    next_due_at: datetime | None


async def keys_of_dossiers(
    session: AsyncSession, numbers: Collection[str]
) -> Mapping[str, str | None]:
    """Which of these numbers are taken, and by the opening of which key?"""
    rows = await session.execute(
        select(DossierRow.number, DossierRow.opening_key).where(
            DossierRow.number.in_(numbers)
        )
    )
    return {row.number: row.opening_key for row in rows}


async def open_under(session: AsyncSession, keys: Collection[str]) -> Sequence[str]:
    """Which dossiers were opened under these keys, and are not closed?"""
    query = (
        select(DossierRow.number)
        .where(DossierRow.opening_key.in_(keys), DossierRow.phase != Phase.CLOSED)
        .order_by(DossierRow.number)
    )
    return (await session.scalars(query)).all()


async def permits_known(
    session: AsyncSession, permits: Collection[str]
) -> Mapping[str, Permit]:
    """Which of these permits are in the register, and are they valid?"""
    rows = await session.execute(
        select(Agency.permit, Agency.permit_valid, Agency.permit_changed_on).where(
            Agency.permit.in_(permits)
        )
    )
    return {permit: Permit(valid, changed_on) for permit, valid, changed_on in rows}


async def people_known(
    session: AsyncSession, emails: Collection[str]
) -> Mapping[str, Sequence[Known]]:
    """Who has one of these addresses, by "address, line end, folded name"?"""
    rows = await session.execute(
        select(
            Person.email,
            Person.name_key,
            Person.person_id,
            Person.sign_in_subject.is_not(None),
            Certificate.number,
        )
        .outerjoin(
            Certificate,
            (Certificate.person_id == Person.person_id)
            & Certificate.status.in_(LIVE_STATUSES),
        )
        .where(func.lower(Person.email).in_({email.lower() for email in emails}))
        .order_by(Person.created_at, Person.person_id)
    )
    found: defaultdict[str, list[Known]] = defaultdict(list)
    for email, folded, person_id, has_account, holds in rows:
        known = Known(person_id, has_account, holds)
        found[f"{email.lower()}\n{folded}"].append(known)
    return found


async def hold_people(session: AsyncSession, person_keys: Collection[str]) -> None:
    """Keep every other door from adding these persons until the transaction ends."""
    # One statement for one order: nobody waits for whoever waits for us.
    keys = select(
        func.unnest(cast(sorted(person_keys), ARRAY(Text))).label("key")
    ).subquery()
    await session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(keys.c.key, 0)))
    )


async def put_in_place(
    session: AsyncSession,
    arrivals: Sequence[Arrival],
    known: Mapping[str, Sequence[Known]],
    *,
    at: datetime,
    policy_version: str,
    by: str,
) -> None:
    """
    Keep holders as they stand at *at*: the first record of each, its line by *by*.

    Raises sqlalchemy.exc.IntegrityError where another door was quicker: a number was
    taken, a certificate was issued.
    """
    if not arrivals:
        return
    owners = await _owners(session, arrivals, known)
    await session.execute(
        insert(DossierRow),
        [
            {
                "number": each.dossier.number,
                "kind": each.dossier.kind,
                "person_id": owners[each.person_key],
                "opened_on": each.dossier.opened_on,
                "opening_key": each.key,
                "phase": each.phase,
                "echeance": each.dossier.echeance,
                "next_due_at": each.next_due_at,
                "version": 1,
                "kept_at": at,
                "policy_version": policy_version,
                "facts": stored(each.dossier),
                "settled": list(each.settled),
            }
            for each in arrivals
        ],
    )
    await session.execute(
        insert(Certificate),
        [
            {
                "number": each.dossier.number,
                "kind": each.dossier.kind,
                "person_id": owners[each.person_key],
                "status": certificate_status(each.dossier, each.phase),
                "start": each.dossier.terms[0].start,
                "echeance": each.dossier.terms[-1].echeance,
            }
            for each in arrivals
        ],
    )
    await _keep_exams_and_links(session, [each.dossier for each in arrivals])
    await session.execute(
        insert(TimelineEntry),
        [first_line(each.dossier.number, _line(each, at, by)) for each in arrivals],
    )


async def _owners(
    session: AsyncSession,
    arrivals: Sequence[Arrival],
    known: Mapping[str, Sequence[Known]],
) -> Mapping[str, UUID]:
    """Find or add the person of each, by the key of name and address."""
    owners: dict[str, UUID] = {}
    new: dict[str, Arrival] = {}
    for each in arrivals:
        nobodys = [k for k in known.get(each.person_key, ()) if not k.has_account]
        if nobodys:
            owners[each.person_key] = nobodys[0].person_id
        else:
            new.setdefault(each.person_key, each)
    if new:
        added = await session.scalars(
            insert(Person).returning(Person.person_id, sort_by_parameter_order=True),
            [
                {
                    "name": each.name,
                    "name_key": name_key(each.name),
                    "email": each.email,
                    "language": each.language,
                }
                for each in new.values()
            ],
        )
        owners |= zip(new, added, strict=True)
    return owners


async def _keep_exams_and_links(
    session: AsyncSession, dossiers: Sequence[Dossier]
) -> None:
    await session.execute(
        insert(ExamResult),
        [
            {
                "result_id": dossier.exam.result_id,
                "passed_on": dossier.exam.passed_on,
                "home": dossier.number,
            }
            for dossier in dossiers
            if dossier.exam is not None
        ],
    )
    await session.execute(
        insert(LinkRow),
        [
            {
                "link_id": link.link_id,
                "dossier": dossier.number,
                "permit": link.permit,
                "asked_on": link.asked_on,
                "since": link.since,
                "until": link.until,
                "refused_on": link.refused_on,
            }
            for dossier in dossiers
            for link in dossier.links
        ],
    )


def _line(arrival: Arrival, at: datetime, by: str) -> Line:
    term = arrival.dossier.terms[-1]
    told = {"start": str(term.start), "echeance": str(term.echeance)}
    return Line("imported", at, by, told)
