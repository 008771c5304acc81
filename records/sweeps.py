"""The runs of reconciliation: noted, found again, and forgotten after a while."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from records.imports import forget_old_imports
from records.models import Base
from records.sessions import Session

CLEAN_KEPT = timedelta(days=7)
"""How long a sweep that found nothing is kept."""

FOUND_KEPT = timedelta(days=90)
"""How long a sweep that found something is kept."""

SESSIONS_KEPT = timedelta(days=30)
"""How long a sign-in session is kept after its longest life (our policy, not law)."""

_LONGEST_SESSION = timedelta(hours=12)


class Sweep(Base):
    """One run of reconciliation: what it looked at, found and repaired."""

    __tablename__ = "sweeps"

    sweep_id: Mapped[UUID] = mapped_column(
        primary_key=True, server_default=text("uuidv7()")
    )
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    checked: Mapped[int] = mapped_column(server_default=text("0"))
    repaired: Mapped[int] = mapped_column(server_default=text("0"))
    findings: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))
    skipped: Mapped[list[Any]] = mapped_column(server_default=text("'[]'::jsonb"))

    __table_args__ = (Index("ix_sweeps_started_at", "started_at"),)


class DailyReport(Base):
    """The operator's mail of a civil day about the sweeps; the row exists before it.

    A day has one row, and so one mail: its state is that of a letter.
    """

    __tablename__ = "daily_reports"

    day: Mapped[date] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(server_default="sending")
    message_id: Mapped[str]
    answer: Mapped[str | None]
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())

    __table_args__ = (
        CheckConstraint(
            "state IN ('sending', 'accepted', 'deferred', 'refused', 'unknown')",
            name="state",
        ),
    )


async def last_sweep(session: AsyncSession) -> Sweep | None:
    """Find the sweep that began last, ended or not."""
    newest = select(Sweep).order_by(Sweep.started_at.desc()).limit(1)
    return (await session.scalars(newest)).one_or_none()


async def last_whole_sweep(session: AsyncSession) -> Sweep | None:
    """Find the last sweep that went through to its end."""
    newest = (
        select(Sweep)
        .where(Sweep.ended_at.is_not(None))
        .order_by(Sweep.started_at.desc())
        .limit(1)
    )
    return (await session.scalars(newest)).one_or_none()


async def sweeps_since(session: AsyncSession, since: datetime) -> Sequence[Sweep]:
    """List the sweeps begun since *since* (real) that ended, newest first."""
    found = (
        select(Sweep)
        .where(Sweep.started_at >= since, Sweep.ended_at.is_not(None))
        .order_by(Sweep.started_at.desc())
    )
    return (await session.scalars(found)).all()


@dataclass(frozen=True, slots=True)
class Standing:
    """A thing that sweeps found, once however often they found it again.

    *code* and *values* are what a page words; *mend* is what the last of them did.
    """

    check: str
    about: str
    code: str
    what: str
    values: dict[str, str]
    mend: str
    first_seen_at: datetime
    last_seen_at: datetime


def what_was_found(sweeps: Sequence[Sweep]) -> tuple[Standing, ...]:
    """Put together what these sweeps found; what was seen last comes first."""
    known: dict[tuple[str, str, str], Standing] = {}
    for sweep in sorted(sweeps, key=lambda each: each.started_at):
        for found in sweep.findings:
            code = found.get("code", "")
            key = found["check"], found["about"], code
            first = known[key].first_seen_at if key in known else sweep.started_at
            known[key] = Standing(
                *key,
                what=found["what"],
                values=found.get("values", {}),
                mend=found["mend"],
                first_seen_at=first,
                last_seen_at=sweep.started_at,
            )
    newest = sorted(known.values(), key=lambda each: (each.check, each.about))
    return tuple(sorted(newest, key=lambda each: each.last_seen_at, reverse=True))


async def begin_sweep(session: AsyncSession) -> Sweep:
    """Note that a sweep begins, by the database's clock."""
    sweep = Sweep(started_at=func.clock_timestamp(), checked=0, repaired=0, findings=[])
    session.add(sweep)
    await session.flush()
    await session.refresh(sweep)
    return sweep


async def end_sweep(
    session: AsyncSession,
    sweep: Sweep,
    *,
    ended_at: datetime,
    checked: int,
    repaired: int,
    findings: Sequence[dict[str, object]],
    skipped: Sequence[str] = (),
) -> None:
    """Note what a sweep looked at, found and repaired."""
    await session.execute(
        update(Sweep)
        .where(Sweep.sweep_id == sweep.sweep_id)
        .values(
            ended_at=ended_at,
            checked=checked,
            repaired=repaired,
            findings=list(findings),
            skipped=list(skipped),
        )
    )


async def forget_what_is_old(session: AsyncSession, now: datetime) -> int:
    """Delete old sweeps, sessions and files long ended; say how many rows went."""
    clean = Sweep.findings == []
    old_sweeps = delete(Sweep).where(
        (Sweep.started_at < now - FOUND_KEPT)
        | (clean & (Sweep.started_at < now - CLEAN_KEPT))
    )
    # However it ended, no session lives longer than this.
    old_sessions = delete(Session).where(
        Session.begun_at < now - SESSIONS_KEPT - _LONGEST_SESSION
    )
    old_imports = await forget_old_imports(session, now)
    gone = [
        old_imports,
        len((await session.scalars(old_sweeps.returning(Sweep.sweep_id))).all()),
        len((await session.scalars(old_sessions.returning(Session.session_id))).all()),
    ]
    return sum(gone)
