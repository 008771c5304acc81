"""The public register: the certificates of some numbers, as far as they are known."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, exists, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

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

    One question, whatever the numbers. A dossier without a certificate is not looked
    at: it cannot be told from a number that nobody bears, not even by the time an
    answer takes.
    """
    rows = (await session.execute(_QUESTION, {"numbers": list(numbers)})).all()
    certificates = {
        row.number: Registered(
            restored(row.facts),
            tuple(row.told or ()),
            row.followed,
            row.now + (row.ahead or _NOT_MOVED),
        )
        for row in rows
        if row.number is not None
    }
    return Register(certificates, rows[0].now)


_Later = aliased(Certificate)
_FOLLOWED = exists().where(
    _Later.person_id == Certificate.person_id,
    _Later.kind == Certificate.kind,
    _Later.start > Certificate.start,
)
_OLDEST_FIRST = aggregate_order_by(FactRow.body, FactRow.stored_at, FactRow.fact_id)
_TOLD = (
    select(func.jsonb_agg(_OLDEST_FIRST))
    .where(
        FactRow.dossier == Certificate.number,
        FactRow.state.in_(("new", "signalled")),
    )
    .scalar_subquery()
)
_INSTANT = select(func.now().label("now")).subquery()
# The instant is there in any case; a certificate stands beside it if there is one.
_QUESTION = (
    select(
        _INSTANT.c.now,
        Certificate.number,
        DossierRow.facts,
        Clock.ahead,
        _FOLLOWED.label("followed"),
        _TOLD.label("told"),
    )
    .select_from(_INSTANT)
    .outerjoin(
        Certificate, Certificate.number.in_(bindparam("numbers", expanding=True))
    )
    .outerjoin(DossierRow, DossierRow.number == Certificate.number)
    .outerjoin(Clock, Clock.dossier == Certificate.number)
)
