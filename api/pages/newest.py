"""The newest dossiers, for whoever tries the embedded stack out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from records.models import DossierRow, Person
from rules.civil_time import last_day
from rules.dossier import Phase

HOW_MANY = 10


@dataclass(frozen=True, slots=True)
class Newest:
    """One line of the list."""

    number: str
    name: str
    phase: Phase
    last_valid_day: date | None


async def newest_dossiers(session: AsyncSession) -> Sequence[Newest]:
    """Which dossiers came last, newest first?

    A dossier's own day may be moved ahead; its person's row bears the real hour.
    """
    query = (
        select(DossierRow, Person.name)
        .join(Person, Person.person_id == DossierRow.person_id)
        .order_by(
            Person.created_at.desc(),
            DossierRow.opened_on.desc(),
            DossierRow.number.desc(),
        )
        .limit(HOW_MANY)
    )
    return [
        Newest(
            row.number,
            name,
            Phase(row.phase),
            None if row.echeance is None else last_day(row.echeance),
        )
        for row, name in await session.execute(query)
    ]
