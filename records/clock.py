"""What instant it is for a dossier: the database's clock, moved ahead in a demo."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from records.models import Clock


async def database_now(session: AsyncSession) -> datetime:
    """Read the database's clock: one for all processes, UTC, fixed in a transaction."""
    return (await session.execute(select(func.now()))).scalar_one()


async def now_for(
    session: AsyncSession, number: str, *, real_now: datetime
) -> datetime:
    """Name the dossier's own instant: *real_now* unless its clock was moved ahead."""
    moved = select(Clock.ahead).where(Clock.dossier == number)
    ahead = (await session.execute(moved)).scalar_one_or_none()
    return real_now + (ahead or timedelta())


async def set_ahead(session: AsyncSession, number: str, ahead: timedelta) -> None:
    """Say how far ahead a dossier's clock is, once Temporal's has been moved there.

    Embedded stack only. Said too early, letters of the days between look useless.
    """
    row = insert(Clock).values(dossier=number, ahead=ahead)
    await session.execute(
        row.on_conflict_do_update(
            index_elements=[Clock.dossier], set_={"ahead": row.excluded.ahead}
        )
    )
