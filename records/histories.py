"""All histories at once: each follows, each hash is true, and none lost its end."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from records.models import TimelineEntry
from records.timeline import BEFORE_THE_FIRST, hash_of_entry


@dataclass(frozen=True, slots=True)
class Head:
    """The last line of a dossier's history: its hash covers all the others."""

    dossier: str
    position: int
    hash: str


async def timeline_breaks(
    session: AsyncSession, *, limit: int
) -> tuple[tuple[str, int], ...]:
    """List dossier and position where a history does not follow the line before.

    Reads every line but recomputes no hash: `verify_timeline` does, for one dossier.
    """
    lines = select(
        TimelineEntry.dossier,
        TimelineEntry.position,
        TimelineEntry.previous_hash,
        func.lag(TimelineEntry.hash, 1, BEFORE_THE_FIRST)
        .over(partition_by=TimelineEntry.dossier, order_by=TimelineEntry.position)
        .label("hash_before"),
        func.row_number()
        .over(partition_by=TimelineEntry.dossier, order_by=TimelineEntry.position)
        .label("place"),
    ).subquery()
    broken = or_(
        lines.c.previous_hash != lines.c.hash_before,
        lines.c.position != lines.c.place,
    )
    rows = await session.execute(
        select(lines.c.dossier, lines.c.position)
        .where(broken)
        .order_by(lines.c.dossier, lines.c.position)
        .limit(limit)
    )
    return tuple((row.dossier, row.position) for row in rows)


async def dossiers_with_a_history(
    session: AsyncSession, *, after: str, limit: int
) -> Sequence[str]:
    """List the numbers that have a history beyond *after*, in their order."""
    page = (
        select(TimelineEntry.dossier)
        .where(TimelineEntry.dossier > after, TimelineEntry.position == 1)
        .order_by(TimelineEntry.dossier)
        .limit(limit)
    )
    return (await session.scalars(page)).all()


async def false_hashes(
    session: AsyncSession, numbers: Sequence[str]
) -> tuple[tuple[str, int], ...]:
    """Compute each hash of these histories anew; name the first false line of each.

    What is out of place or missing shows as well, but for an end that was cut off.
    """
    lines = await session.stream_scalars(
        select(TimelineEntry)
        .where(TimelineEntry.dossier.in_(numbers))
        .order_by(TimelineEntry.dossier, TimelineEntry.position)
        .execution_options(populate_existing=True, yield_per=500)
    )
    broken: dict[str, int] = {}
    dossier, position, previous = "", 0, BEFORE_THE_FIRST
    async for entry in lines:
        if entry.dossier != dossier:
            dossier, position, previous = entry.dossier, 0, BEFORE_THE_FIRST
        position += 1
        stored = (entry.position, entry.previous_hash, entry.hash)
        if stored != (position, previous, hash_of_entry(entry, previous)):
            broken.setdefault(dossier, position)
        previous = entry.hash
    return tuple(broken.items())


async def heads(session: AsyncSession) -> tuple[Head, ...]:
    """Name the last line of every history, in the order of their numbers."""
    rows = await session.execute(
        select(TimelineEntry.dossier, TimelineEntry.position, TimelineEntry.hash)
        .ext(distinct_on(TimelineEntry.dossier))
        .order_by(TimelineEntry.dossier, TimelineEntry.position.desc())
    )
    return tuple(Head(*row) for row in rows)


async def heads_no_longer_there(
    session: AsyncSession, known: Mapping[str, Head]
) -> tuple[Head, ...]:
    """Which of these lines are gone, or say something else than they did?"""
    gone: list[Head] = []
    for page in _pages(tuple(known.values())):
        asked = [(head.dossier, head.position) for head in page]
        rows = await session.execute(
            select(TimelineEntry.dossier, TimelineEntry.hash).where(
                tuple_(TimelineEntry.dossier, TimelineEntry.position).in_(asked)
            )
        )
        there = {row.dossier: row.hash for row in rows}
        gone += [head for head in page if there.get(head.dossier) != head.hash]
    return tuple(gone)


_PAGE = 500


def _pages(heads: Sequence[Head]) -> Iterator[Sequence[Head]]:
    for start in range(0, len(heads), _PAGE):
        yield heads[start : start + _PAGE]
