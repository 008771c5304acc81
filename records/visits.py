"""How often the public register is asked: counted by the minute, for all processes."""

from datetime import datetime, timedelta

from sqlalchemy import delete, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from records.models import Visit

_EVERYBODY = ""
_KEY = [Visit.minute, Visit.visitor]
_ONE_MORE = {"count": Visit.count + 1}
_A_MINUTE = timedelta(minutes=1)


async def count_visit(
    session: AsyncSession, visitor: str, at: datetime, *, most: int, most_of_all: int
) -> timedelta | None:
    """Count a question of a visitor, and of everybody together, in the minute of *at*.

    None lets it through; else, how long until it may be asked again. Who asks too often
    is not counted for the others. *visitor* is never empty. Each process may give its
    own clock: one that is ahead by seconds begins its minute sooner, no more.
    """
    minute = at.replace(second=0, microsecond=0)
    own = (
        insert(Visit)
        .values(minute=minute, visitor=visitor, count=1)
        .on_conflict_do_update(index_elements=_KEY, set_=_ONE_MORE)
        .returning(Visit.count)
        .cte("own")
    )
    let_through = select(
        literal(minute, Visit.minute.type), literal(_EVERYBODY), literal(1)
    ).where(own.c.count <= most)
    of_all = (
        insert(Visit)
        .from_select(["minute", "visitor", "count"], let_through)
        .on_conflict_do_update(index_elements=_KEY, set_=_ONE_MORE)
        .returning(Visit.count)
        .cte("of_all")
    )
    counted = await session.scalar(select(of_all.c.count))
    if counted == 1:
        await session.execute(delete(Visit).where(Visit.minute < minute))
    refused = counted is None or counted > most_of_all
    return minute + _A_MINUTE - at if refused else None
