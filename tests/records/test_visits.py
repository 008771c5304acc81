"""The count of questions: shared, by the minute, forgotten after it."""

import asyncio
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from records.database import Sessions
from records.visits import Visit, count_visit

MOST, MOST_OF_ALL = 30, 100


AT = datetime(2026, 12, 10, 15, 4, 48, tzinfo=UTC)
WAIT = timedelta(seconds=12)


async def visit(
    sessions: Sessions,
    visitor: str = "a",
    *,
    at: datetime = AT,
    most_of_all: int = MOST_OF_ALL,
) -> timedelta | None:
    async with sessions.begin() as session:
        return await count_visit(
            session, visitor, at, most=MOST, most_of_all=most_of_all
        )


async def test_thirty_at_once_are_let_through_and_no_more(sessions: Sessions) -> None:
    waits = await asyncio.gather(*(visit(sessions) for _ in range(80)))
    assert waits.count(None) == MOST
    assert set(waits) == {None, WAIT}
    assert await visit(sessions, "b") is None


async def test_everybody_together_has_a_limit_too(sessions: Sessions) -> None:
    waits = [await visit(sessions, str(n), most_of_all=5) for n in range(8)]
    assert [wait is None for wait in waits] == [True] * 5 + [False] * 3


async def test_who_asks_too_often_takes_nothing_from_the_others(
    sessions: Sessions,
) -> None:
    for _ in range(MOST_OF_ALL + 50):
        await visit(sessions, "greedy")
    assert await visit(sessions, "patient") is None


async def test_a_new_minute_begins_anew_and_the_old_one_is_forgotten(
    sessions: Sessions,
) -> None:
    for _ in range(MOST + 1):
        await visit(sessions)
    assert await visit(sessions, at=AT + WAIT - timedelta(microseconds=1))
    assert await visit(sessions, at=AT + WAIT) is None
    async with sessions() as session:
        rows = (await session.scalars(select(Visit))).all()
    assert sorted((row.visitor, row.count) for row in rows) == [("", 1), ("a", 1)]
