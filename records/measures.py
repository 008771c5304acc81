"""What a scraper counts: everything in one statement, by the indexes of each table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Double,
    Select,
    SQLColumnExpression,
    case,
    cast,
    extract,
    func,
    literal,
    null,
    select,
    text,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from records.ledger import Fate, is_fate
from records.models import OPEN_LETTER, DossierRow, FactRow, Letter, Mail, TaskRow
from records.sweeps import Sweep
from rules.civil_time import end_of, start_of
from rules.dossier import Phase

WEEK = timedelta(days=7)
"""How far back letters and messages are counted, this day included for letters."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One number: of what, told apart by at most three names."""

    what: str
    names: tuple[str | None, str | None, str | None]
    value: float


@dataclass(frozen=True, slots=True)
class LastSweep:
    """The last sweep that ended, and what it found, by check and mend."""

    ended_at: datetime
    found: Sequence[tuple[str, str]]


async def measures(session: AsyncSession, today: date) -> tuple[Measure, ...]:
    """Count, in one statement; *today* is the civil day in Québec."""
    rows = await session.execute(_everything(today))
    return tuple(Measure(what, (a, b, c), n or 0.0) for what, a, b, c, n in rows)


async def last_ended_sweep(session: AsyncSession) -> LastSweep | None:
    """Find the last sweep that went through to its end."""
    query = (
        select(Sweep.ended_at, Sweep.findings)
        .where(Sweep.ended_at.is_not(None))
        .order_by(Sweep.sweep_id.desc())
        .limit(1)
    )
    row = (await session.execute(query)).one_or_none()
    if row is None:
        return None
    ended_at, findings = row
    assert ended_at is not None
    return LastSweep(ended_at, [(f["check"], f["mend"]) for f in findings])


_Rows = Select[*tuple[Any, ...]]
"""Rows of: what, three names at most, a number."""

_Column = SQLColumnExpression[Any]


def _everything(today: date) -> CompoundSelect[*tuple[Any, ...]]:
    return union_all(
        _letters(today),
        _measure("letters_waiting", func.count())
        .select_from(Letter)
        .where(text(OPEN_LETTER)),
        _measure("oldest_letter", _age(Letter.queued_at)).where(text(OPEN_LETTER)),
        _measure("letters_at_a_standstill", func.count()).where(
            is_fate(Fate.STANDSTILL)
        ),
        _mails(today),
        *_tasks(),
        *_facts(),
        _dossiers(),
    )


def _measure(what: str, value: _Column, *names: _Column) -> _Rows:
    told = [*names, *([null()] * (3 - len(names)))]
    return select(literal(what), *told, cast(value, Double))


def _age(since: _Column) -> _Column:
    """Count the seconds since the first of *since*; a clock moved ahead makes none."""
    return func.greatest(extract("epoch", func.now() - func.min(since)), 0)


def _letters(today: date) -> _Rows:
    window = case((Letter.occurred_at >= start_of(today), "today"), else_="before")
    return (
        _measure("letters", func.count(), Letter.notice, Letter.state, window)
        .where(
            Letter.occurred_at >= start_of(today - WEEK + timedelta(days=1)),
            Letter.occurred_at < end_of(today),
        )
        .group_by(text("2"), text("3"), text("4"))
    )


def _mails(today: date) -> _Rows:
    return (
        _measure("mails", func.count(), Mail.outcome, Mail.door)
        .where(Mail.received_at >= start_of(today - WEEK + timedelta(days=1)))
        .group_by(Mail.outcome, Mail.door)
    )


def _tasks() -> tuple[_Rows, ...]:
    waiting = TaskRow.closed_at.is_(None)
    return (
        _measure("tasks", func.count(), TaskRow.reason)
        .where(waiting)
        .group_by(TaskRow.reason),
        _measure("oldest_task", _age(TaskRow.opened_at), TaskRow.reason)
        .where(waiting)
        .group_by(TaskRow.reason),
    )


def _facts() -> tuple[_Rows, ...]:
    waiting = text("state IN ('new', 'signalled')")  # as the index says it
    return (
        _measure("facts_waiting", func.count()).select_from(FactRow).where(waiting),
        _measure("oldest_fact", _age(FactRow.stored_at)).where(waiting),
    )


def _dossiers() -> _Rows:
    return (
        _measure("dossiers", func.count(), DossierRow.phase)
        .where(DossierRow.phase != Phase.CLOSED)
        .group_by(DossierRow.phase)
    )
