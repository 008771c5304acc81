"""Letters that fell due and were never ordered: the law's agenda against the records.

Asks no workflow: what the law says was due is computed anew from what was kept.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from sqlalchemy import select, union
from sqlalchemy.ext.asyncio import AsyncSession

from records.dossiers import restored
from records.models import Clock, DossierRow, Letter, TimelineEntry
from rules.agenda import Act, Duty, agenda
from rules.civil_time import civil_date
from rules.dossier import Kind, Phase
from rules.policy import Policy, load_policy

DUTY_GRACE = timedelta(minutes=30)
"""A duty may be this late before anybody speaks of it."""

WAVE_GRACE = timedelta(hours=2)
"""A letter of a large wave may wait this long before its row is made."""

LOOKED_BACK = timedelta(days=7)

_IS_OPEN = DossierRow.phase != Phase.CLOSED


@dataclass(frozen=True, slots=True)
class Missed:
    """A letter that was due at *due_at*, by the dossier's own clock; *key* is its."""

    key: str
    dossier: str
    notice: str
    due_at: datetime


@dataclass(frozen=True, slots=True)
class _Known:
    """An open dossier as it was last kept, and what instant it is for it."""

    row: DossierRow
    own_now: datetime


async def missed_letters(
    session: AsyncSession, *, now: datetime, limit: int
) -> tuple[Missed, ...]:
    """List the letters of at most *limit* dossiers whose next duty is past (R5).

    *now* is the real instant; a dossier moved ahead is judged by its own clock.
    """
    past = select(DossierRow.number).where(DossierRow.next_due_at < now - DUTY_GRACE)
    # Clocks are moved on the embedded stack only; elsewhere the table is empty.
    numbers = union(past, select(Clock.dossier)).subquery()
    page = (await session.scalars(select(numbers).limit(limit))).all()
    if not page:
        return ()
    late = [
        known
        for known in await _known(session, page, now)
        if known.row.next_due_at is not None
        and known.row.next_due_at < known.own_now - DUTY_GRACE
    ]
    return await _without_a_trace(session, late, DUTY_GRACE)


async def letters_without_a_trace(
    session: AsyncSession, numbers: Sequence[str], *, now: datetime
) -> tuple[Missed, ...]:
    """List the letters of the last days that *numbers* should have had, and have not.

    Believes no "next duty" that was written down: the whole agenda is looked through.
    """
    known = await _known(session, numbers, now)
    return await _without_a_trace(session, known, WAVE_GRACE, LOOKED_BACK)


async def _known(
    session: AsyncSession, numbers: Sequence[str], now: datetime
) -> list[_Known]:
    rows = await session.execute(
        select(DossierRow, Clock.ahead)
        .outerjoin(Clock, Clock.dossier == DossierRow.number)
        # Before its first record a story has not begun: another check starts it.
        .where(_IS_OPEN, DossierRow.number.in_(numbers), DossierRow.version > 0)
        .order_by(DossierRow.number)
    )
    return [_Known(row, now + (ahead or timedelta())) for row, ahead in rows]


async def _without_a_trace(
    session: AsyncSession,
    dossiers: Sequence[_Known],
    grace: timedelta,
    back: timedelta | None = None,
) -> tuple[Missed, ...]:
    due = [missed for known in dossiers for missed in _due_letters(known, grace, back)]
    traced = await _traced(session, due) if due else frozenset()
    return tuple(missed for missed in due if missed.key not in traced)


def _due_letters(
    known: _Known, grace: timedelta, back: timedelta | None
) -> Iterator[Missed]:
    row, latest = known.row, known.own_now - grace
    for duty in _duties(row):
        if duty.act is not Act.WRITE or duty.key in row.settled:
            continue
        is_due = duty.due_at <= latest
        if is_due and (back is None or duty.due_at > known.own_now - back):
            assert duty.notice is not None
            yield Missed(duty.key, row.number, duty.notice, duty.due_at)


def _duties(row: DossierRow) -> tuple[Duty, ...]:
    """Lay out the agenda under the policy in force when the dossier was last kept.

    Later rules are not its own yet: a story takes them up by itself.
    """
    assert row.kept_at is not None
    dossier = restored(row.facts)
    return agenda(dossier, _policy_on(dossier.kind, civil_date(row.kept_at)))


@lru_cache(maxsize=2000)
def _policy_on(kind: Kind, day: date) -> Policy:
    """Read a policy once a day asked for: many dossiers were kept on the same days."""
    return load_policy(kind, day)


async def _traced(session: AsyncSession, due: Iterable[Missed]) -> frozenset[str]:
    """Keep the keys that have a letter, or a line that says it was withdrawn."""
    keys = [missed.key for missed in due]
    numbers = {missed.dossier for missed in due}
    written = await session.scalars(select(Letter.key).where(Letter.key.in_(keys)))
    withdrawn = await session.scalars(
        select(TimelineEntry.detail["letter"].astext).where(
            TimelineEntry.dossier.in_(numbers),
            TimelineEntry.what == "letter_withdrawn",
        )
    )
    return frozenset((*written, *withdrawn))
