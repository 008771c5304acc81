"""How persons, agencies and dossiers come in: opened here, or brought along."""

import secrets
import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from records.dossiers import certificate_status, stored
from records.models import (
    Agency,
    Certificate,
    DossierRow,
    ExamResult,
    LinkRow,
    Person,
)
from rules.civil_time import civil_date
from rules.dossier import Dossier, Exam, Kind, Link, Phase, Term
from rules.numbers import DossierNumber, PermitNumber
from rules.policy import load_policy
from rules.standing import phase_at

_JOINED_LETTERS = str.maketrans({"œ": "oe", "æ": "ae"})
_TRIES = 20


def name_key(name: str) -> str:
    """Fold a name for searching: no marks, no case, no joined letters, single spaces.

    >>> name_key("Zoé  Lœuvre-Côté")
    'zoe loeuvre-cote'
    """
    apart = unicodedata.normalize("NFKD", name)
    bare = "".join(c for c in apart if not unicodedata.combining(c))
    return " ".join(bare.casefold().translate(_JOINED_LETTERS).split())


async def find_or_add_person(
    session: AsyncSession,
    *,
    name: str,
    email: str,
    language: str,
    sign_in_subject: str | None = None,
) -> UUID:
    """Find a person, or add one; what is known of a person found is left as it is.

    Somebody signed in is found by *sign_in_subject* alone, since a name and an address
    prove nothing; anybody else by both, without case or accents.
    """
    key = name_key(name)
    # Two doors that add the same person at once would make two.
    alone = sign_in_subject or f"{email.lower()}\n{key}"
    await session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(alone, 0)))
    )
    same = (
        (Person.sign_in_subject == sign_in_subject,)
        if sign_in_subject is not None
        else (func.lower(Person.email) == func.lower(email), Person.name_key == key)
    )
    known = select(Person.person_id).where(*same).order_by(Person.created_at).limit(1)
    person_id = await session.scalar(known)
    if person_id is not None:
        return person_id
    person = Person(
        name=name,
        name_key=key,
        email=email,
        language=language,
        sign_in_subject=sign_in_subject,
    )
    session.add(person)
    await session.flush()
    return person.person_id


async def add_agency(
    session: AsyncSession,
    *,
    permit: PermitNumber,
    name: str,
    email: str,
    language: str,
) -> None:
    """Add an agency, or correct what is known of it; its permit stays as it is."""
    row = insert(Agency).values(
        permit=permit, name=name, email=email, language=language
    )
    await session.execute(
        row.on_conflict_do_update(
            index_elements=[Agency.permit],
            set_={
                "name": row.excluded.name,
                "email": row.excluded.email,
                "language": row.excluded.language,
            },
        )
    )


def _eight_digits() -> str:
    return f"{secrets.randbelow(10**8):08d}"


async def open_dossier(
    session: AsyncSession,
    *,
    person_id: UUID,
    at: datetime,
    kind: Kind = Kind.CAR,
    key: str | None = None,
    draw: Callable[[], str] = _eight_digits,
) -> DossierNumber:
    """Open an empty dossier on the civil day of *at*; its number cannot be foreseen.

    Asked again with the same *key* for the same person, it answers the same number.
    """
    opened_on = civil_date(at)
    opening_key = None if key is None else f"{person_id}:{key}"
    opened = select(DossierRow.number).where(DossierRow.opening_key == opening_key)
    if key is not None and (before := await session.scalar(opened)) is not None:
        return DossierNumber(before)
    for _ in range(_TRIES):
        number = DossierNumber(f"{kind}{opened_on.year}{draw()}")
        dossier = Dossier(number=number, kind=kind, opened_on=opened_on)
        row = insert(DossierRow).values(
            number=number,
            kind=kind,
            person_id=person_id,
            opened_on=opened_on,
            opening_key=opening_key,
            phase=Phase.EXAM_AWAITED,
            facts=stored(dossier),
        )
        taken = row.on_conflict_do_nothing(index_elements=[DossierRow.number])
        if await session.scalar(taken.returning(DossierRow.number)) is not None:
            return number
    raise RuntimeError(f"no free number among {_TRIES} of {opened_on.year}")


async def register_holder(
    session: AsyncSession,
    *,
    person_id: UUID,
    number: DossierNumber,
    term: Term,
    exam: Exam,
    links: Sequence[Link],
    at: datetime,
    kind: Kind = Kind.CAR,
) -> None:
    """Put the holder of an existing certificate in place, as it stands at *at*.

    Raises sqlalchemy.exc.IntegrityError for a number that is taken, or a person who
    already holds a live certificate of this kind.
    """
    dossier = Dossier(
        number=number,
        kind=kind,
        opened_on=term.start,
        exam=exam,
        terms=(term,),
        links=tuple(links),
    )
    phase = phase_at(dossier, load_policy(kind, civil_date(at)), at)
    session.add(
        DossierRow(
            number=number,
            kind=kind,
            person_id=person_id,
            opened_on=dossier.opened_on,
            phase=phase,
            echeance=term.echeance,
            facts=stored(dossier),
        )
    )
    await session.flush()
    session.add_all(
        [
            Certificate(
                number=number,
                kind=kind,
                person_id=person_id,
                status=certificate_status(dossier, phase),
                start=term.start,
                echeance=term.echeance,
            ),
            ExamResult(result_id=exam.result_id, passed_on=exam.passed_on, home=number),
            *(
                LinkRow(
                    link_id=link.link_id,
                    dossier=number,
                    permit=link.permit,
                    asked_on=link.asked_on,
                    since=link.since,
                    until=link.until,
                    refused_on=link.refused_on,
                )
                for link in links
            ),
        ]
    )
    await session.flush()
