"""What instant it is for a dossier: the database's clock, moved ahead in a demo."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from records.database import Sessions
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


async def clock_that_decides(session: AsyncSession, number: str) -> datetime | None:
    """Read the database's clock; None for a dossier whose own was moved."""
    moved = select(Clock.dossier).where(Clock.dossier == number)
    now = select(func.now()).where(~moved.exists())
    return (await session.execute(now)).scalar_one_or_none()


def clock_of(sessions: Sessions) -> Callable[[str], Awaitable[datetime]]:
    """Make what answers, for any dossier, what instant it is for it now."""

    async def now(number: str) -> datetime:
        async with sessions() as session:
            return await now_for(session, number, real_now=await database_now(session))

    return now


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
