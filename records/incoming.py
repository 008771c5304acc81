"""Messages that came in: lists of them, what became of each, and who must read it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from records.models import FOR_A_PERSON, Mail, TaskRow
from rules.civil_time import civil_date, delay, end_of

OUTCOMES = ("fact", "task", "set_aside", "ignored")

SET_ASIDE_TOO_LONG = timedelta(days=7)
"""After this, one set aside that nobody looked at is one too many (our policy)."""


@dataclass(frozen=True, slots=True)
class Received:
    """One message of a list, without its text."""

    mail_id: str
    received_at: datetime
    sender: str | None
    subject: str
    outcome: str
    dossier: str | None
    door: str
    copies: int
    understood: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that a person has not dealt with; *since* is its real arrival."""

    mail_id: str
    since: datetime
    due_on: date | None = None


Place = tuple[datetime, str]
"""Where a message stands in a list: its arrival, then its id."""

_COLUMNS = (
    Mail.mail_id,
    Mail.received_at,
    Mail.sender,
    func.coalesce(Mail.understood["subject"].astext, ""),
    Mail.outcome,
    Mail.dossier,
    Mail.door,
    Mail.copies,
    Mail.understood,
)


async def mails_matching(
    session: AsyncSession, outcome: str | None, *, after: Place | None, limit: int
) -> tuple[Received, ...]:
    """List messages, newest first, beyond a place (exclusive)."""
    query = (
        select(*_COLUMNS)
        .order_by(Mail.received_at.desc(), Mail.mail_id.desc())
        .limit(limit)
    )
    if outcome is not None:
        query = query.where(Mail.outcome == outcome)
    if after is not None:
        query = query.where(tuple_(Mail.received_at, Mail.mail_id) < tuple_(*after))
    return tuple(Received(*row) for row in await session.execute(query))


async def mail_numbered(session: AsyncSession, mail_id: str) -> Received | None:
    """Which message is this?"""
    query = select(*_COLUMNS).where(Mail.mail_id == mail_id)
    row = (await session.execute(query)).one_or_none()
    return None if row is None else Received(*row)


async def raw_mail(session: AsyncSession, mail_id: str) -> bytes | None:
    """What were the bytes of this message?"""
    return await session.scalar(select(Mail.raw).where(Mail.mail_id == mail_id))


async def tasks_about(
    session: AsyncSession, ids: Collection[str]
) -> Mapping[str, Sequence[TaskRow]]:
    """Which tasks are about these messages or letters, open ones first?"""
    query = (
        select(TaskRow)
        .where(TaskRow.about.in_(ids))
        .order_by(TaskRow.closed_at.is_not(None), TaskRow.due_on, TaskRow.task_id)
    )
    found: dict[str, list[TaskRow]] = {}
    for task in await session.scalars(query):
        assert task.about is not None
        found.setdefault(task.about, []).append(task)
    return found


async def look_at(
    session: AsyncSession, mail_id: str, *, by: str, at: datetime
) -> bool:
    """Note who looked at a message first; False when it is unknown.

    Looked at again, the first one stays.
    """
    looked = {"looked_at": at.isoformat(), "looked_at_by": by}
    known = await session.scalar(
        select(Mail.mail_id).where(Mail.mail_id == mail_id).with_for_update()
    )
    await session.execute(
        update(Mail)
        .where(Mail.mail_id == mail_id, ~Mail.understood.has_key("looked_at"))
        .values(understood=Mail.understood.concat(looked))
    )
    return known is not None


# ------------------------------------------------------------- what waits for a person


async def mails_with_an_open_task(
    session: AsyncSession, *, now: datetime, limit: int
) -> tuple[Waiting, ...]:
    """List messages whose task is open for more than one working day (R10).

    Counted from the day of arrival, whatever the clock of a dossier says.
    """
    query = (
        select(Mail.mail_id, Mail.received_at, func.min(TaskRow.due_on))
        .join(TaskRow, TaskRow.about == Mail.mail_id)
        .where(
            TaskRow.closed_at.is_(None),
            Mail.received_at < now - timedelta(days=1),
        )
        .group_by(Mail.mail_id, Mail.received_at)
        .order_by(Mail.received_at, Mail.mail_id)
        .limit(limit)
    )
    return tuple(
        waiting
        for waiting in (Waiting(*row) for row in await session.execute(query))
        if end_of_next_working_day(waiting.since) <= now
    )


async def mails_set_aside_unread(
    session: AsyncSession, *, before: datetime, limit: int
) -> tuple[Waiting, ...]:
    """List messages set aside before *before* that nobody has looked at."""
    query = (
        _set_aside_unread()
        .where(Mail.received_at < before)
        .order_by(Mail.received_at, Mail.mail_id)
        .limit(limit)
    )
    return tuple(Waiting(*row) for row in await session.execute(query))


def end_of_next_working_day(at: datetime) -> datetime:
    """Name the end of the working day after the one of *at*."""
    return end_of(delay(civil_date(at), 1, delays_extended=True))


def _set_aside_unread() -> Select[str, datetime]:
    return select(Mail.mail_id, Mail.received_at).where(
        text(FOR_A_PERSON),
        Mail.outcome == "set_aside",
        ~Mail.understood.has_key("looked_at"),
    )


@dataclass(frozen=True, slots=True)
class ForPeople:
    """How many messages wait for a person."""

    with_a_task: int
    set_aside: int


async def mails_for_people(session: AsyncSession) -> ForPeople:
    """How many messages have an open task, how many were set aside and not read?"""
    tasks = (
        select(func.count(Mail.mail_id.distinct()))
        .join(TaskRow, TaskRow.about == Mail.mail_id)
        .where(TaskRow.closed_at.is_(None))
    )
    aside = select(func.count()).select_from(_set_aside_unread().subquery())
    counts = await session.execute(
        select(tasks.scalar_subquery(), aside.scalar_subquery())
    )
    return ForPeople(*counts.one())
