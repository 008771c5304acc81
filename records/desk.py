"""What the Office's desk asks of the tables, beside a queue and a list of dossiers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from records.models import (
    DecisionRow,
    Letter,
    TaskRow,
    TimelineEntry,
    WrittenText,
)


@dataclass(frozen=True, slots=True)
class Said:
    """A text that somebody wrote for a dossier; *what* is its line in the history."""

    at: datetime
    what: str
    by: str
    text: str


async def tasks_of(session: AsyncSession, number: str) -> Sequence[TaskRow]:
    """Which tasks of this dossier are open, most urgent first?"""
    query = (
        select(TaskRow)
        .where(TaskRow.dossier == number, TaskRow.closed_at.is_(None))
        .order_by(TaskRow.due_on, TaskRow.task_id)
    )
    return (await session.scalars(query)).all()


async def settle_not_printed(
    session: AsyncSession,
    number: str,
    *,
    first_day: date,
    last_valid_day: date,
    at: datetime,
) -> None:
    """Close the tasks about a certificate of this term that could not be printed."""
    echeance = last_valid_day + timedelta(days=1)
    about = select(Letter.key).where(
        Letter.dossier == number,
        or_(
            Letter.ordered["echeance"].astext == str(echeance),
            Letter.ordered["term_start"].astext == str(first_day),
        ),
    )
    await session.execute(
        update(TaskRow)
        .where(
            TaskRow.reason == "certificate_not_printed",
            TaskRow.closed_at.is_(None),
            TaskRow.about.in_(about),
        )
        .values(closed_at=at)
    )


async def who_gave_notice(session: AsyncSession, number: str) -> str | None:
    """Which officer last told this person of an intended refusal?"""
    query = (
        select(DecisionRow.by)
        .where(DecisionRow.dossier == number, DecisionRow.decided == "intended_refusal")
        .order_by(DecisionRow.at.desc(), DecisionRow.decision_id)
        .limit(1)
    )
    return await session.scalar(query)


async def texts_of(session: AsyncSession, number: str) -> tuple[Said, ...]:
    """What did people write for this dossier, oldest first?"""
    query = (
        select(TimelineEntry.at, TimelineEntry.what, TimelineEntry.by, WrittenText.text)
        .join(WrittenText, WrittenText.text_id == TimelineEntry.text_id)
        .where(TimelineEntry.dossier == number)
        .order_by(TimelineEntry.position)
    )
    return tuple(Said(*row) for row in await session.execute(query))


async def text_named(session: AsyncSession, text_id: str) -> WrittenText | None:
    """What was written under this id?"""
    return await session.get(WrittenText, text_id)
