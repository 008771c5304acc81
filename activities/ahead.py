"""Temporal's clock jumped ahead: nothing is kept or sent before its day."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.exceptions import ApplicationError

from records.clock import clock_that_decides

CLOCKS_TOO_FAR = timedelta(minutes=5)
"""Further apart than this, no letter leaves: its day might be another."""

ANY_CLOCK = timedelta.max
"""For a server whose whole clock is skipped ahead: a story is always believed."""


async def see_it_is_time(
    session: AsyncSession, number: str, at: datetime, *, most: timedelta
) -> None:
    """Compare a story's instant with the database's clock, which decides the day.

    A dossier whose clock was moved on purpose is believed.

    Raises ApplicationError of type AheadOfTime: tried again, the effect comes at its
    own instant, and what it says is then true.
    """
    if most == ANY_CLOCK:
        return
    now = await clock_that_decides(session, number)
    if now is not None and at - now > most:
        raise ApplicationError("not yet, by the database's clock", type="AheadOfTime")
