"""The public register: the certificates of some numbers, as far as they are known."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from records.clock import database_now
from records.dossiers import restored
from records.models import Certificate, Clock, DossierRow, FactRow
from rules.dossier import Dossier

_NOT_MOVED = timedelta()


@dataclass(frozen=True, slots=True)
class Registered:
    """A certificate, at its dossier's own instant *now*.

    *told* holds the facts, as JSON, that its story has not applied yet, oldest first.
    *followed* says that the same person was issued a later one of its kind.
    """

    dossier: Dossier
    told: tuple[dict[str, Any], ...]
    followed: bool
    now: datetime


@dataclass(frozen=True, slots=True)
class Register:
    """What the register knows of the numbers asked, at the database's instant *now*."""

    certificates: Mapping[str, Registered]
    now: datetime


async def certificates_numbered(
    session: AsyncSession, numbers: Collection[str]
) -> Register:
    """Which certificates bear these numbers, and what was told of them?

    A dossier without a certificate is not looked at: it cannot be told from a number
    that nobody bears, not even by the time an answer takes.
    """
    now = await database_now(session)
    later = aliased(Certificate)
    followed = exists().where(
        later.person_id == Certificate.person_id,
        later.kind == Certificate.kind,
        later.start > Certificate.start,
    )
    query = (
        select(Certificate.number, DossierRow.facts, Clock.ahead, followed)
        .join(DossierRow, DossierRow.number == Certificate.number)
        .outerjoin(Clock, Clock.dossier == Certificate.number)
        .where(Certificate.number.in_(numbers))
    )
    rows = (await session.execute(query)).all()
    told = await _told(session, [number for number, *_ in rows])
    certificates = {
        number: Registered(
            restored(facts),
            tuple(told[number]),
            is_followed,
            now + (ahead or _NOT_MOVED),
        )
        for number, facts, ahead, is_followed in rows
    }
    return Register(certificates, now)


async def _told(
    session: AsyncSession, numbers: Collection[str]
) -> Mapping[str, list[dict[str, Any]]]:
    """Find the facts that were told to each dossier and not yet applied."""
    told: Mapping[str, list[dict[str, Any]]] = defaultdict(list)
    query = (
        select(FactRow.dossier, FactRow.body)
        .where(FactRow.dossier.in_(numbers), FactRow.state.in_(("new", "signalled")))
        .order_by(FactRow.stored_at, FactRow.fact_id)
    )
    for number, body in await session.execute(query):
        told[number].append(body)
    return told
