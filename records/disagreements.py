"""Where what was told, what is kept and what is being done do not agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import DateTime, and_, func, literal, or_, select, text, union
from sqlalchemy.ext.asyncio import AsyncSession

from records.models import OPEN_LETTER, Clock, DossierRow, FactRow, Letter
from records.sweeps import Sweep
from rules.dossier import Phase

_IS_OPEN = DossierRow.phase != Phase.CLOSED


@dataclass(frozen=True, slots=True)
class FactLeft:
    """A fact that no story has applied."""

    fact_id: str
    dossier: str
    state: str
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class DutyPast:
    """A dossier whose next duty should have been done; *due_at* by its own clock."""

    dossier: str
    due_at: datetime
    late_by: timedelta


@dataclass(frozen=True, slots=True)
class LetterStuck:
    """A letter whose handing over never ended."""

    key: str
    dossier: str
    since: datetime


async def facts_not_applied(
    session: AsyncSession,
    *,
    new_before: datetime,
    signalled_before: datetime,
    limit: int,
) -> tuple[FactLeft, ...]:
    """List facts stored, or last told, before these real instants; oldest first."""
    left = or_(
        and_(FactRow.state == "new", FactRow.stored_at < new_before),
        and_(FactRow.state == "signalled", FactRow.changed_at < signalled_before),
    )
    rows = await session.execute(
        select(FactRow.fact_id, FactRow.dossier, FactRow.state, FactRow.stored_at)
        .where(FactRow.state.in_(("new", "signalled")), left)
        .order_by(FactRow.stored_at, FactRow.fact_id)
        .limit(limit)
    )
    return tuple(FactLeft(*row) for row in rows)


async def open_dossiers(
    session: AsyncSession, *, after: str = "", limit: int
) -> Sequence[str]:
    """List the numbers of open dossiers beyond *after*, in their order."""
    page = (
        select(DossierRow.number)
        .where(_IS_OPEN, DossierRow.number > after)
        .order_by(DossierRow.number)
        .limit(limit)
    )
    return (await session.scalars(page)).all()


async def how_many_open_dossiers(session: AsyncSession) -> int:
    """Count the dossiers that must have a running workflow."""
    counted = select(func.count()).select_from(DossierRow).where(_IS_OPEN)
    return (await session.execute(counted)).scalar_one()


async def some_open_dossiers(
    session: AsyncSession, *, seed: str, limit: int
) -> Sequence[str]:
    """Draw open dossiers; another *seed* draws others."""
    drawn = (
        select(DossierRow.number)
        .where(_IS_OPEN)
        .order_by(func.md5(DossierRow.number.concat(seed)))
        .limit(limit)
    )
    return (await session.scalars(drawn)).all()


async def kept_state(session: AsyncSession, number: str) -> tuple[int, str]:
    """Tell the version and the phase of the last record of a dossier; 0 for none."""
    kept = select(DossierRow.version, DossierRow.phase).where(
        DossierRow.number == number
    )
    row = (await session.execute(kept)).one_or_none()
    return (0, "") if row is None else (row.version, row.phase)


async def duties_past(
    session: AsyncSession, *, now: datetime, grace: timedelta, limit: int
) -> tuple[DutyPast, ...]:
    """List open dossiers whose next duty is past by more than *grace*, latest first.

    *now* is the real instant; a dossier moved ahead is judged by its own clock.
    """
    # Clocks are moved on the embedded stack only; elsewhere the table is empty.
    its_now = now + func.coalesce(Clock.ahead, timedelta())
    late_by = its_now - DossierRow.next_due_at
    # The index finds what is past by the real clock, the other half what was moved.
    past = select(DossierRow.number).where(DossierRow.next_due_at < now - grace)
    rows = await session.execute(
        select(DossierRow.number, DossierRow.next_due_at, late_by)
        .outerjoin(Clock, Clock.dossier == DossierRow.number)
        .where(
            DossierRow.number.in_(union(past, select(Clock.dossier))),
            _IS_OPEN,
            late_by > grace,
        )
        .order_by(late_by.desc(), DossierRow.number)
        .limit(limit)
    )
    return tuple(
        DutyPast(number, due_at, late)
        for number, due_at, late in rows
        if due_at is not None
    )


async def letters_stuck_in_sending(
    session: AsyncSession, *, before: datetime, limit: int
) -> tuple[LetterStuck, ...]:
    """List letters claimed before *before* (real), of which nothing was heard since."""
    rows = await session.execute(
        select(Letter.key, Letter.dossier, Letter.changed_at)
        .where(Letter.state == "sending", Letter.changed_at < before)
        .order_by(Letter.changed_at, Letter.key)
        .limit(limit)
    )
    return tuple(LetterStuck(*row) for row in rows)


@dataclass(frozen=True, slots=True)
class LetterAtTheRelay:
    """A letter that a relay may have taken; *left* says what we believe of that."""

    key: str
    message_id: str
    state: str
    left: bool


async def letters_at_the_relay(
    session: AsyncSession,
    *,
    since: datetime,
    settled_before: datetime,
    seed: str,
    limit: int,
) -> tuple[LetterAtTheRelay, ...]:
    """Draw letters of which the relay's log must agree with us (R7).

    Due after *since*, and unchanged since *settled_before*, a real instant: a log may
    lag behind. One that was never tried has no Message-ID and is not drawn.
    """
    left = Letter.state.in_(("accepted", "delivered", "bounced"))
    ended = Letter.state.in_(("refused", "skipped", "cancelled"))
    rows = await session.execute(
        select(Letter.key, Letter.message_id, Letter.state, left)
        .where(
            Letter.occurred_at >= since,
            Letter.changed_at < settled_before,
            Letter.message_id.is_not(None),
            left | ended,
        )
        .order_by(func.md5(Letter.key.concat(seed)))
        .limit(limit)
    )
    return tuple(
        LetterAtTheRelay(key, message_id, state, took)
        for key, message_id, state, took in rows
        if message_id is not None
    )


async def database_clock(session: AsyncSession) -> datetime:
    """Read the database's clock as it runs, not as of the transaction's beginning."""
    now: datetime = (
        await session.execute(select(func.clock_timestamp(type_=DateTime(True))))
    ).scalar_one()
    return now


async def stored_ahead(
    session: AsyncSession, *, since: datetime
) -> tuple[tuple[str, datetime], ...]:
    """Name what bears an instant after *since*, of the database's own clock (R13).

    Such a clock was ahead once, and has gone back: the newest of each kind is named.
    """
    sweep = select(literal("sweeps"), Sweep.started_at).order_by(
        Sweep.started_at.desc()
    )
    fact = (
        select(FactRow.fact_id, FactRow.stored_at)
        .where(FactRow.state.in_(("new", "signalled")))
        .order_by(FactRow.stored_at.desc())
    )
    letter = (
        select(Letter.key, Letter.changed_at)
        .where(text(OPEN_LETTER))
        .order_by(Letter.changed_at.desc())
    )
    newest = [
        (await session.execute(query.limit(1))).one_or_none()
        for query in (sweep, fact, letter)
    ]
    return tuple((row[0], row[1]) for row in newest if row and row[1] > since)
