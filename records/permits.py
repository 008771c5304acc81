"""The register of permits against what the dossiers were told of it (R11).

The table of agencies is our copy of the register. A door changes it and tells each
dossier in one transaction; an import, a hand or a restored copy changes it alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from records.dossiers import restored
from records.models import Agency, DossierRow, FactRow, LinkRow
from rules.dossier import Phase
from rules.links import permit_is_valid
from rules.numbers import PermitNumber


@dataclass(frozen=True, slots=True)
class PermitUntold:
    """A dossier that was not told what the register says of its agency.

    *effective_on* is None for a permit that is no longer valid since an unknown day.
    *known* says that the agency is still in the register.
    """

    dossier: str
    permit: str
    valid: bool
    effective_on: date | None
    known: bool = True


async def permits_untold(
    session: AsyncSession, *, today: date, limit: int
) -> tuple[PermitUntold, ...]:
    """List open dossiers that believe something else than the register of a permit.

    Whatever is on its way to them as a fact is left to the check of facts.
    """
    changed = or_(
        Agency.permit.is_(None),
        Agency.permit_changed_on.is_not(None),
        Agency.permit_valid.is_(False),
    )
    pairs = await session.execute(
        select(
            LinkRow.dossier,
            LinkRow.permit,
            Agency.permit.is_not(None),
            Agency.permit_valid,
            Agency.permit_changed_on,
            DossierRow.facts,
        )
        .join(DossierRow, DossierRow.number == LinkRow.dossier)
        .outerjoin(Agency, Agency.permit == LinkRow.permit)
        .where(changed, DossierRow.phase != Phase.CLOSED)
        .order_by(LinkRow.dossier, LinkRow.permit)
        .distinct()
        .limit(limit)
    )
    untold = []
    for number, permit, known, valid, changed_on, facts in pairs:
        if not known:
            untold.append(PermitUntold(number, permit, False, None, known=False))
            continue
        on = changed_on or today
        if permit_is_valid(restored(facts), PermitNumber(permit), on) is not valid:
            untold.append(PermitUntold(number, permit, valid, changed_on))
    waiting = await _waiting(session, [each.dossier for each in untold])
    return tuple(each for each in untold if each.dossier not in waiting)


async def date_the_change(session: AsyncSession, permit: str, day: date) -> None:
    """Give a change without a day the day on which it was seen."""
    await session.execute(
        update(Agency)
        .where(Agency.permit == permit, Agency.permit_changed_on.is_(None))
        .values(permit_changed_on=day)
    )


async def _waiting(session: AsyncSession, numbers: Sequence[str]) -> frozenset[str]:
    """Which of these dossiers have not heard yet of a permit's change?"""
    rows = await session.scalars(
        select(FactRow.dossier).where(
            FactRow.dossier.in_(numbers),
            FactRow.kind == "permit_changed",
            FactRow.state.in_(("new", "signalled")),
        )
    )
    return frozenset(rows)
