"""One letter after another: lists of them, and the steps of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Exists,
    Select,
    and_,
    cast,
    exists,
    func,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from records.ledger import Fate, Span, fate_of_letter, is_fate, is_superseded
from records.models import (
    NOT_DELIVERED,
    Letter,
    LetterEvent,
    TaskRow,
    TimelineEntry,
)
from rules.civil_time import end_of, start_of
from rules.notices import ABOUT_A_RIGHT

TOLD_WITHIN = timedelta(days=1)
"""A letter about a right that did not arrive makes a task within this."""

CAME_BACK_LOOKED_BACK = timedelta(days=30)

IN_DOUBT = ("sending", "unknown")
"""States of a letter that the relay may have taken without our knowing."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One letter of a list, without its text.

    *copy_of_on* is the civil day of the first, of a letter that was sent once more.
    """

    key: str
    dossier: str
    notice: str
    occurred_at: datetime
    state: str
    fate: Fate
    language: str | None
    subject: str | None
    answer: str | None
    changed_at: datetime
    copy_of_on: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a letter, at the dossier's own instant; *answer* is the relay's."""

    key: str
    notice: str
    at: datetime
    state: str
    fence: int
    answer: str | None


@dataclass(frozen=True, slots=True)
class Replaced:
    """A step of a ladder that a later one replaced."""

    dossier: str
    notice: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class ToPost:
    """A letter that did not arrive, and the open task about it."""

    letter: Listed
    task_id: str
    reason: str
    due_on: date
    escalated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterFilter:
    """Which letters a list shows."""

    span: Span
    fates: frozenset[Fate] = frozenset()  # none: whatever became of them
    notice: str | None = None


Place = tuple[datetime, str]
"""Where a letter stands in a list: its instant, then its key."""

_COLUMNS = (
    Letter.key,
    Letter.dossier,
    Letter.notice,
    Letter.occurred_at,
    Letter.state,
    fate_of_letter(),
    Letter.language,
    Letter.subject,
    Letter.answer,
    Letter.changed_at,
    Letter.ordered["copy_of_on"].astext,
)


def _listed(values: Sequence[object]) -> Listed:
    return Listed(*values)  # type: ignore[arg-type] # _COLUMNS, in the same order


# ------------------------------------------------------------------------------ lists


async def letters_matching(
    session: AsyncSession, wanted: LetterFilter, *, after: Place | None, limit: int
) -> tuple[Listed, ...]:
    """List letters, newest first, beyond a place (exclusive)."""
    query = (
        select(*_COLUMNS)
        .where(
            Letter.occurred_at >= start_of(wanted.span.first),
            Letter.occurred_at < end_of(wanted.span.last),
        )
        .order_by(Letter.occurred_at.desc(), Letter.key.desc())
        .limit(limit)
    )
    if wanted.fates:
        query = query.where(or_(*(is_fate(fate) for fate in sorted(wanted.fates))))
    if wanted.notice is not None:
        query = query.where(Letter.notice == wanted.notice)
    if after is not None:
        query = query.where(tuple_(Letter.occurred_at, Letter.key) < tuple_(*after))
    return tuple(_listed(row) for row in await session.execute(query))


async def letters_at_a_standstill(
    session: AsyncSession, *, limit: int
) -> tuple[Listed, ...]:
    """List letters that nothing moves, the longest still first, of any day."""
    query = (
        select(*_COLUMNS)
        .where(is_fate(Fate.STANDSTILL))
        .order_by(Letter.changed_at, Letter.key)
        .limit(limit)
    )
    return tuple(_listed(row) for row in await session.execute(query))


async def steps_replaced(
    session: AsyncSession, wanted: LetterFilter, *, after: Place | None, limit: int
) -> tuple[Replaced, ...]:
    """List steps that a later one replaced, by the day they fell due, newest first.

    A place is an instant and a dossier.
    """
    due_at = TimelineEntry.detail["due_at"].astext
    notice = TimelineEntry.detail["notice"].astext
    query = (
        select(TimelineEntry.dossier, notice, cast(due_at, DateTime(timezone=True)))
        .where(
            is_superseded(),
            due_at >= str(start_of(wanted.span.first)),
            due_at < str(end_of(wanted.span.last)),
        )
        .order_by(due_at.desc(), TimelineEntry.dossier.desc())
        .limit(limit)
    )
    if wanted.notice is not None:
        query = query.where(notice == wanted.notice)
    if after is not None:
        at, dossier = str(after[0].astimezone(UTC)), after[1]
        query = query.where(tuple_(due_at, TimelineEntry.dossier) < tuple_(at, dossier))
    return tuple(Replaced(*row) for row in await session.execute(query))


# ----------------------------------------------------------------- what did not arrive


def _about_a_right() -> ColumnElement[bool]:
    return and_(text(NOT_DELIVERED), Letter.notice.in_(ABOUT_A_RIGHT))


def _key_of_bounce() -> ColumnElement[str]:
    """Name the letter a task is about; of a closed dossier it is about the bounce."""
    return func.regexp_replace(TaskRow.about, "^bounce:", "")


async def letters_to_post(
    session: AsyncSession, *, after: tuple[date, str] | None, limit: int
) -> tuple[ToPost, ...]:
    """List letters about a right that did not arrive, most urgent task first.

    A letter leaves the list when its task is settled. *after* is a task (exclusive).
    """
    query = (
        select(
            TaskRow.task_id,
            TaskRow.reason,
            TaskRow.due_on,
            TaskRow.escalated,
            *_COLUMNS,
        )
        .join(Letter, Letter.key == _key_of_bounce())
        .where(TaskRow.closed_at.is_(None), _about_a_right())
        .order_by(TaskRow.due_on, TaskRow.task_id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(TaskRow.due_on, TaskRow.task_id) > tuple_(*after))
    return tuple(
        ToPost(_listed(values), task_id, reason, due_on, escalated)
        for task_id, reason, due_on, escalated, *values in await session.execute(query)
    )


@dataclass(frozen=True, slots=True)
class ForPeople:
    """How many letters about a right did not arrive: with a task, and without one."""

    to_post: int
    nobody_told: int


async def letters_for_people(session: AsyncSession, *, now: datetime) -> ForPeople:
    """How many letters do the two lists hold, `to_post` and `nobody_was_told_of`?

    *now* is the real instant.
    """
    # A limit, so that PostgreSQL asks for the letter of each open task: of a join it
    # would read every letter that ever came back.
    letter = (
        select(Letter.key)
        .where(Letter.key == _key_of_bounce(), _about_a_right())
        .correlate(TaskRow)
        .limit(1)
    )
    with_a_task = (
        select(func.count())
        .select_from(TaskRow)
        .where(TaskRow.closed_at.is_(None), letter.scalar_subquery().is_not(None))
    )
    without = select(func.count()).select_from(Letter).where(_nobody_was_told(now))
    counts = await session.execute(
        select(with_a_task.scalar_subquery(), without.scalar_subquery())
    )
    return ForPeople(*counts.one())


async def letters_nobody_was_told_of(
    session: AsyncSession, *, now: datetime, limit: int
) -> tuple[Listed, ...]:
    """List letters about a right that did not arrive and made no task within a day.

    *now* is the real instant. A letter refused once its cause was gone needs nobody.
    """
    query = (
        select(*_COLUMNS)
        .where(_nobody_was_told(now))
        .order_by(Letter.occurred_at, Letter.key)
        .limit(limit)
    )
    return tuple(_listed(row) for row in await session.execute(query))


def _nobody_was_told(now: datetime) -> ColumnElement[bool]:
    told = exists().where(TaskRow.about.in_((Letter.key, "bounce:" + Letter.key)))
    return and_(
        _about_a_right(),
        Letter.occurred_at >= now - CAME_BACK_LOOKED_BACK,
        Letter.changed_at < now - TOLD_WITHIN,
        ~told,
        ~_withdrawn(),
    )


async def is_withdrawn(session: AsyncSession, key: str) -> bool:
    """Is this letter, by its dossier's history, one that must not leave any more?"""
    query = select(Letter.key).where(Letter.key == key, _withdrawn())
    return await session.scalar(query) is not None


def _withdrawn() -> Exists:
    """Whether a letter was withdrawn since its last order: its cause may come back."""
    return exists().where(
        TimelineEntry.dossier == Letter.dossier,
        TimelineEntry.what == "letter_withdrawn",
        TimelineEntry.at >= Letter.occurred_at,
        TimelineEntry.detail["letter"].astext == Letter.key,
    )


async def withdrawn_in_doubt(
    session: AsyncSession, *, before: datetime, limit: int
) -> tuple[tuple[str, str], ...]:
    """List letters that were withdrawn while the relay may have taken them.

    Each with its Message-ID; unchanged since *before*, a real instant, so that no
    attempt is under way any more.
    """
    query = (
        select(Letter.key, Letter.message_id)
        .where(
            Letter.state.in_(IN_DOUBT),
            Letter.changed_at < before,
            Letter.message_id.is_not(None),
            _withdrawn(),
        )
        .order_by(Letter.changed_at, Letter.key)
        .limit(limit)
    )
    return tuple((key, own or "") for key, own in await session.execute(query))


async def end_withdrawn(
    session: AsyncSession, key: str, *, state: str, why: str
) -> bool:
    """Write how a letter withdrawn in doubt ended; False if it moved meanwhile."""
    ended = await session.execute(
        update(Letter)
        .where(Letter.key == key, Letter.state.in_(IN_DOUBT), _withdrawn())
        .values(state=state, answer=why, changed_at=func.now())
        .returning(Letter.key)
    )
    return ended.one_or_none() is not None


# ------------------------------------------------------------------------- their steps


async def letter_numbered(session: AsyncSession, key: str) -> Letter | None:
    """Which letter is this?"""
    return await session.get(Letter, key)


async def fate_numbered(session: AsyncSession, key: str) -> Fate:
    """What became of this letter?"""
    fate = select(fate_of_letter()).where(Letter.key == key)
    return Fate((await session.execute(fate)).scalar_one())


def _own_instant() -> ColumnElement[datetime]:
    """Name in SQL the dossier's own instant of a step.

    A demo moves a dossier's clock first and says so after: what happened on the way is
    stamped before the order. No step comes before its letter was ordered.
    """
    return func.greatest(LetterEvent.at, Letter.occurred_at)


def _steps() -> Select[str, str, datetime, str, int, str | None]:
    return (
        select(
            Letter.key,
            Letter.notice,
            _own_instant(),
            LetterEvent.state,
            LetterEvent.fence,
            LetterEvent.answer,
        )
        .join(LetterEvent, LetterEvent.letter == Letter.key)
        .order_by(_own_instant(), LetterEvent.event_id)
    )


async def steps_of(session: AsyncSession, key: str) -> tuple[Step, ...]:
    """What happened to this letter, step by step?"""
    rows = await session.execute(_steps().where(Letter.key == key))
    return tuple(Step(*row) for row in rows)


async def steps_in_dossier(
    session: AsyncSession,
    number: str,
    *,
    after: datetime | None = None,
    until: datetime | None = None,
) -> tuple[Step, ...]:
    """What happened to every letter of this dossier, in the order of instants?

    Beyond *after* (exclusive) and up to *until* (inclusive), where they are given.
    """
    query, at = _steps().where(Letter.dossier == number), _own_instant()
    if after is not None:
        query = query.where(at > after)
    if until is not None:
        query = query.where(at <= until)
    return tuple(Step(*row) for row in await session.execute(query))


async def instant_of_line(
    session: AsyncSession, number: str, position: int
) -> datetime | None:
    """When was this line of a history; None before the first one?"""
    at = select(TimelineEntry.at).where(
        TimelineEntry.dossier == number, TimelineEntry.position == position
    )
    return await session.scalar(at)
