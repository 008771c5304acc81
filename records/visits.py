"""How often strangers knock: counted by the minute, for all processes."""

from datetime import datetime, timedelta

from sqlalchemy import Integer, bindparam, delete, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from records.models import Base

_A_MINUTE = timedelta(minutes=1)


class Visit(Base):
    """How often a visitor asked the public register in a minute; '' is everybody.

    A visitor is known by a keyed hash, for as long as the minute lasts.
    """

    __tablename__ = "visits"

    minute: Mapped[datetime] = mapped_column(primary_key=True)
    visitor: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int]

    __table_args__ = ({"prefixes": ["UNLOGGED"]},)


async def count_visit(
    session: AsyncSession,
    visitor: str,
    at: datetime,
    *,
    most: int,
    most_of_all: int,
    door: str = "",
) -> timedelta | None:
    """Count a question of a visitor, and of everybody together, in the minute of *at*.

    Everybody is counted at each *door* apart; the register's has no name.

    None lets it through; else, how long until it may be asked again. Who asks too often
    is not counted for the others. *visitor* is never empty. Each process may give its
    own clock: one that is ahead by seconds begins its minute sooner, no more. To be
    called without a transaction: everybody's count is one row.
    """
    minute = at.replace(second=0, microsecond=0)
    said = {"minute": minute, "visitor": visitor, "most": most, "door": door}
    counted = await session.scalar(_COUNT, said)
    if counted == 1:
        await session.execute(delete(Visit).where(Visit.minute < minute))
    refused = counted is None or counted > most_of_all
    return minute + _A_MINUTE - at if refused else None


_KEY = [Visit.minute, Visit.visitor]
_ONE_MORE = {"count": Visit.count + 1}
_MINUTE = bindparam("minute", type_=Visit.minute.type)
_OWN = (
    insert(Visit)
    .values(minute=_MINUTE, visitor=bindparam("visitor"), count=1)
    .on_conflict_do_update(index_elements=_KEY, set_=_ONE_MORE)
    .returning(Visit.count)
    .cte("own")
)
_LET_THROUGH = select(
    _MINUTE, bindparam("door", type_=Visit.visitor.type), literal(1)
).where(_OWN.c.count <= bindparam("most", type_=Integer))
_OF_ALL = (
    insert(Visit)
    .from_select(["minute", "visitor", "count"], _LET_THROUGH)
    .on_conflict_do_update(index_elements=_KEY, set_=_ONE_MORE)
    .returning(Visit.count)
    .cte("of_all")
)
_COUNT = select(_OF_ALL.c.count)
