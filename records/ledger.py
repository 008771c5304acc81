"""What fell due to be said, day by day and notice by notice, and what became of it.

What fell due is a letter ordered, a step of a ladder that a later one replaced, or a
duty that nobody did (`records.missed`). The days are civil days in Québec of the
dossiers' own instants. One thing is not here: a reminder withdrawn before the row of
its letter was made leaves its line in the history of the dossier only.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache, reduce
from typing import Self

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    CompoundSelect,
    Date,
    DateTime,
    Text,
    TextClause,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from records.missed import Missed
from records.models import OPEN_LETTER, Letter, TaskRow, TimelineEntry
from rules.civil_time import civil_date, end_of, start_of

STANDSTILL_AFTER = timedelta(hours=2)
"""A letter that is tried again moves at least every twenty minutes; one that waits for
facts to be heard, every hour. Real hours, whatever the clock of its dossier."""


class Fate(StrEnum):
    """What became of something that fell due to be said."""

    ACCEPTED = "accepted"  # handed over to the relay; nothing was heard since
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    REFUSED = "refused"
    ON_ITS_WAY = "on_its_way"
    WITHDRAWN = "withdrawn"  # its cause was gone before it left
    USELESS = "useless"  # its window was over before it left
    NO_ADDRESS = "no_address"
    SUPERSEDED = "superseded"  # a later step of its ladder replaced it
    STANDSTILL = "standstill"  # on its way, and nothing moves it
    MISSED = "missed"  # no letter was ordered, and nothing says why


HANDED_OVER = frozenset({Fate.ACCEPTED, Fate.DELIVERED, Fate.BOUNCED})
UNEXPLAINED = frozenset({Fate.STANDSTILL, Fate.MISSED})
OF_LETTERS = frozenset(Fate) - {Fate.SUPERSEDED, Fate.MISSED}
"""The fates of which a letter bears the trace."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many of what fell due met each fate; due = handed over + the others."""

    by_fate: Mapping[Fate, int]

    def __getitem__(self, fate: Fate) -> int:
        return self.by_fate.get(fate, 0)

    def __add__(self, other: Self) -> "Count":
        return Count(Counter(self.by_fate) + Counter(other.by_fate))

    @property
    def due(self) -> int:
        """All that fell due."""
        return sum(self.by_fate.values())

    @property
    def handed_over(self) -> int:
        """What the relay took, whatever it said later."""
        return sum(self[fate] for fate in HANDED_OVER)

    @property
    def unexplained(self) -> int:
        """What was not handed over, without a reason."""
        return sum(self[fate] for fate in UNEXPLAINED)


@dataclass(frozen=True, slots=True)
class Tally:
    """The count of one notice on one day."""

    day: date
    notice: str
    count: Count


@dataclass(frozen=True, slots=True)
class Span:
    """Civil days in Québec, both ends inclusive."""

    first: date
    last: date

    @property
    def days(self) -> list[date]:
        """Every day, oldest first."""
        length = (self.last - self.first).days + 1
        return [self.first + timedelta(days=i) for i in range(length)]

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


# ------------------------------------------------------- the fate of a letter, in SQL


def _told_to_a_person() -> ColumnElement[bool]:
    # A limit, so that PostgreSQL asks the index for the few letters in doubt: of a bare
    # "exists" it would read every task.
    task = select(TaskRow.task_id).where(TaskRow.about == Letter.key).limit(1)
    return task.correlate(Letter).scalar_subquery().is_not(None)


def _stands_still() -> ColumnElement[bool]:
    last_moved = func.greatest(Letter.changed_at, Letter.not_before)
    # One in doubt of which a person was told waits for that person.
    with_a_person = and_(Letter.state == "unknown", _told_to_a_person())
    return and_(last_moved < func.now() - STANDSTILL_AFTER, ~with_a_person)


@cache  # a long expression, and every list of letters asks for several
def is_fate(fate: Fate) -> ColumnElement[bool]:
    """Say in SQL that a letter met *fate*; each letter meets exactly one.

    Of what is superseded or missed no letter bears the trace.
    """
    on_its_way, skipped = text(OPEN_LETTER), Letter.state == "skipped"
    conditions: dict[Fate, ColumnElement[bool]] = {
        Fate.ACCEPTED: Letter.state == "accepted",
        Fate.DELIVERED: Letter.state == "delivered",
        Fate.BOUNCED: Letter.state == "bounced",
        Fate.REFUSED: Letter.state == "refused",
        Fate.WITHDRAWN: Letter.state == "cancelled",
        Fate.NO_ADDRESS: and_(skipped, Letter.answer == NO_ADDRESS),
        Fate.USELESS: and_(skipped, Letter.answer.is_distinct_from(NO_ADDRESS)),
        Fate.STANDSTILL: and_(on_its_way, _stands_still()),
        Fate.ON_ITS_WAY: and_(on_its_way, ~_stands_still()),
    }
    return conditions.get(fate, false())


NO_ADDRESS = "no address"
"""What the sender of letters writes down when there is nobody to write to."""


def fate_of_letter() -> ColumnElement[str]:
    """Name in SQL the fate of a letter."""
    # The cheap conditions come first: only what is on its way asks about tasks.
    first = [f for f in Fate if f in OF_LETTERS - {Fate.STANDSTILL, Fate.ON_ITS_WAY}]
    last = [Fate.STANDSTILL, Fate.ON_ITS_WAY]
    return case(*((is_fate(fate), fate.value) for fate in (*first, *last)))


# --------------------------------------------------------------------- by day and kind


async def tallies(
    session: AsyncSession, span: Span, missed: Iterable[Missed]
) -> tuple[Tally, ...]:
    """Count what fell due in *span* by day and notice, newest day first.

    *missed* are the duties that nobody did, whatever their day; only the records of
    letters and histories are asked here, by their indexes.
    """
    counted: Counter[tuple[date, str, Fate]] = Counter()
    days = span.days
    for bucket, notice, fate, how_many in await session.execute(_counted(span)):
        counted[days[bucket - 1], notice, Fate(fate)] += how_many
    for duty in missed:
        if (day := civil_date(duty.due_at)) in span:
            counted[day, duty.notice, Fate.MISSED] += 1
    by_row: dict[tuple[date, str], dict[Fate, int]] = {}
    for (day, notice, fate), how_many in counted.items():
        by_row.setdefault((day, notice), {})[fate] = how_many
    rows = sorted(by_row.items(), key=lambda row: (-row[0][0].toordinal(), row[0][1]))
    return tuple(Tally(day, notice, Count(fates)) for (day, notice), fates in rows)


def _counted(span: Span) -> CompoundSelect[int, str, str, int]:
    # The days are cut by rules.civil_time: PostgreSQL has hours of its own.
    starts = [start_of(day) for day in span.days]
    thresholds = literal(starts, ARRAY(DateTime(timezone=True)))
    begins, ends = starts[0], end_of(span.last)
    letters = (
        select(
            func.width_bucket(Letter.occurred_at, thresholds).label("bucket"),
            Letter.notice.label("notice"),
            fate_of_letter().label("fate"),
            func.count().label("how_many"),
        )
        .where(Letter.occurred_at >= begins, Letter.occurred_at < ends)
        .group_by("bucket", "notice", "fate")
    )
    due_at = TimelineEntry.detail["due_at"].astext
    replaced = (
        select(
            func.width_bucket(cast(due_at, DateTime(timezone=True)), thresholds),
            TimelineEntry.detail["notice"].astext,
            literal(Fate.SUPERSEDED.value),
            func.count(),
        )
        .where(is_superseded(), due_at >= str(begins), due_at < str(ends))
        .group_by(text("1"), text("2"))
    )
    return union_all(letters, replaced)


def is_superseded() -> TextClause:
    """Say in SQL, word for word as the index does, that a line is of a replaced step.

    The instant in its detail is UTC, to the second and of one width: the order of these
    texts is their order in time.
    """
    return text("what = 'superseded'")


async def days_with_letters(
    session: AsyncSession, *, before: date | None, how_many: int
) -> tuple[date, ...]:
    """List the newest days on which something fell due, before a day (exclusive)."""
    days: list[date] = []
    while len(days) < how_many:
        newest = await _newest(session, before)
        if newest is None:
            break
        day = civil_date(newest)
        before = day - _WINDOW
        days += await _days_in(session, Span(before, day), how_many - len(days))
    return tuple(days)


_WINDOW = timedelta(days=20)
"""How many days are asked about at once; where letters are rare it takes several."""


async def _days_in(session: AsyncSession, span: Span, how_many: int) -> Iterable[date]:
    """List the newest days of *span* on which something fell due."""
    days = span.days
    starts = [start_of(day) for day in (*days, span.last + timedelta(days=1))]
    instants, texts = ARRAY(DateTime(timezone=True)), ARRAY(Text)
    texts_of = [str(at) for at in starts]
    day = (
        func.unnest(
            literal(days, ARRAY(Date)),
            literal(starts[:-1], instants),
            literal(starts[1:], instants),
            literal(texts_of[:-1], texts),
            literal(texts_of[1:], texts),
        )
        .table_valued("day", "begins", "ends", "begins_text", "ends_text")
        .render_derived()
    )
    due_at = TimelineEntry.detail["due_at"].astext
    written = select(Letter.key).where(
        Letter.occurred_at >= day.c.begins, Letter.occurred_at < day.c.ends
    )
    replaced = select(TimelineEntry.dossier).where(
        is_superseded(), due_at >= day.c.begins_text, due_at < day.c.ends_text
    )
    found = (
        select(day.c.day)
        .where(or_(written.exists(), replaced.exists()))
        .order_by(day.c.day.desc())
        .limit(how_many)
    )
    return await session.scalars(found)


async def _newest(session: AsyncSession, before: date | None) -> datetime | None:
    due_at = TimelineEntry.detail["due_at"].astext
    letters = select(func.max(Letter.occurred_at))
    replaced = select(func.max(due_at)).where(is_superseded())
    if before is not None:
        letters = letters.where(Letter.occurred_at < start_of(before))
        replaced = replaced.where(due_at < str(start_of(before)))
    replaced_at = cast(replaced.scalar_subquery(), DateTime(timezone=True))
    return await session.scalar(
        select(func.greatest(letters.scalar_subquery(), replaced_at))
    )


def together(counts: Iterable[Count]) -> Count:
    """Add counts up."""
    return reduce(Count.__add__, counts, Count({}))


# ------------------------------------------------------------------------ just now


@dataclass(frozen=True, slots=True)
class OnTheirWay:
    """Letters not yet handed over, by what holds them; *oldest_at* is a real instant.

    Those that nothing moves are in *standstill* alone, and do not count as oldest.
    """

    leaving: int = 0
    deferred: int = 0
    in_doubt: int = 0
    standstill: int = 0
    oldest_at: datetime | None = None

    @property
    def waiting(self) -> int:
        """All that still goes its way."""
        return self.leaving + self.deferred + self.in_doubt


async def letters_on_their_way(session: AsyncSession) -> OnTheirWay:
    """Count the letters not yet handed over, of any day."""
    how = case(
        (is_fate(Fate.STANDSTILL), "standstill"),
        (Letter.state == "deferred", "deferred"),
        (Letter.state == "unknown", "in_doubt"),
        else_="leaving",
    )
    rows = await session.execute(
        select(how.label("how"), func.count(), func.min(Letter.queued_at))
        .where(text(OPEN_LETTER))
        .group_by("how")
    )
    found = {how: (count, oldest) for how, count, oldest in rows}
    moving = [oldest for how, (_, oldest) in found.items() if how != "standstill"]
    counts = {how: count for how, (count, _) in found.items()}
    return OnTheirWay(**counts, oldest_at=min(moving, default=None))
