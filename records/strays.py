"""What no rule allows to be open: two dossiers of one person, a story without one."""

from collections.abc import Collection, Sequence

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from records.models import OPEN_LETTER, DossierRow, FactRow, Letter, TaskRow
from rules.dossier import Phase

_IN_USE = DossierRow.phase.not_in((Phase.CLOSED, Phase.EXPIRED))
"""An expired dossier stays open beside the one that takes its exam result over."""


async def opened_twice(session: AsyncSession, *, limit: int) -> Sequence[str]:
    """Which dossiers are open beside an older one of the same person and kind?

    What an officer has as a task already is left out.
    """
    looked_at = select(TaskRow.dossier).where(
        TaskRow.closed_at.is_(None),
        TaskRow.reason == "second_certificate",
        TaskRow.dossier.is_not(None),
    )
    ranked = (
        select(
            DossierRow.number,
            func.row_number()
            .over(
                partition_by=(DossierRow.person_id, DossierRow.kind),
                order_by=(DossierRow.opened_on, DossierRow.number),
            )
            .label("place"),
        )
        .where(_IN_USE, DossierRow.number.not_in(looked_at))
        .subquery()
    )
    rows = await session.scalars(
        select(ranked.c.number)
        .where(ranked.c.place > 1)
        .order_by(ranked.c.number)
        .limit(limit)
    )
    return rows.all()


async def may_still_run(
    session: AsyncSession, numbers: Collection[str]
) -> frozenset[str]:
    """Which of these may have a running story: open, or with something to end?

    A closed dossier lives on until its letters have left and what it was told is heard.
    """
    known = await session.scalars(
        select(DossierRow.number).where(
            DossierRow.number.in_(numbers), DossierRow.phase != Phase.CLOSED
        )
    )
    writes = await session.scalars(
        select(Letter.dossier).where(Letter.dossier.in_(numbers), text(OPEN_LETTER))
    )
    hears = await session.scalars(
        select(FactRow.dossier).where(
            FactRow.dossier.in_(numbers), FactRow.state.in_(("new", "signalled"))
        )
    )
    return frozenset((*known, *writes, *hears))


async def kept_states(
    session: AsyncSession, numbers: Collection[str]
) -> dict[str, tuple[str, bool]]:
    """Tell the phase of these dossiers, and whether they need a person."""
    rows = await session.execute(
        select(DossierRow.number, DossierRow.phase, DossierRow.needs_staff).where(
            DossierRow.number.in_(numbers)
        )
    )
    return {number: (phase, needs_staff) for number, phase, needs_staff in rows}
