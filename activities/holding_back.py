"""What keeps a letter from leaving: facts not heard yet, or a window that is over."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio import activity
from temporalio.exceptions import ApplicationError

from records.clock import database_now, now_for
from records.models import FactRow
from workflows.messages import LetterOrder

_FACTS_PATIENCE = timedelta(hours=1)
_FACTS_PAUSE = timedelta(seconds=10)


async def let_the_story_hear_first(session: AsyncSession, order: LetterOrder) -> None:
    """Let the story hear first: a fact on its way may make a reminder false.

    The patience begins when the letter meets the fact, however long ago that was told:
    after an outage the story and the mail come back at the same instant.

    Raises ApplicationError of type FactsWait: tried again in ten seconds.
    """
    if order.cause is None:
        return
    waiting = select(FactRow.fact_id).where(
        FactRow.dossier == order.dossier, FactRow.state.in_(("new", "signalled"))
    )
    if await session.scalar(waiting.limit(1)) is None:
        return
    if activity.info().started_time - _facts_met_at() < _FACTS_PATIENCE:
        raise ApplicationError(
            "facts wait", type="FactsWait", next_retry_delay=_FACTS_PAUSE
        )


def _facts_met_at() -> datetime:
    """Name when this letter met facts that wait; handed on from attempt to attempt."""
    info = activity.info()
    met_at = info.started_time
    if info.heartbeat_details:
        met_at = datetime.fromtimestamp(info.heartbeat_details[0], UTC)
    activity.heartbeat(met_at.timestamp())
    return met_at


async def useless_in(session: AsyncSession, order: LetterOrder) -> timedelta | None:
    """Say how long a letter still serves, by its dossier's clock; None: for ever."""
    if order.useless_at is None:
        return None
    real_now = await database_now(session)
    return order.useless_at - await now_for(session, order.dossier, real_now=real_now)
