"""The operator's mail of a day about the sweeps: due once, claimed once."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from records.sweeps import DailyReport, sweeps_since, what_was_found
from rules.civil_time import civil_date

DUE_AT = timedelta(hours=6)
"""The mail of a day leaves after the first sweep past six in the morning in Québec."""

_ENDED = ("accepted", "refused", "unknown")


@dataclass(frozen=True, slots=True)
class Tally:
    """What the sweeps of a stretch of time did, in numbers.

    *most_checked* is what the most thorough one looked at; *checks* counts what was
    found by each check.
    """

    sweeps: int
    most_checked: int
    found: int
    repaired: int
    for_a_person: int
    skipped: tuple[str, ...]
    checks: tuple[tuple[str, int], ...]


async def day_to_report(session: AsyncSession, now: datetime) -> date | None:
    """Name the civil day whose mail is due and has not ended, at *now* (real)."""
    day = civil_date(now - DUE_AT)
    state = await session.scalar(
        select(DailyReport.state).where(DailyReport.day == day)
    )
    return None if state in _ENDED else day


async def tally(session: AsyncSession, *, since: datetime) -> Tally:
    """Add up the sweeps begun since *since* (real) that ended.

    What one sweep after the other finds again counts once.
    """
    rows = await sweeps_since(session, since)
    found = what_was_found(rows)
    checks: dict[str, int] = {}
    skipped: dict[str, None] = {}
    for each in found:
        checks[each.check] = checks.get(each.check, 0) + 1
    for row in rows:
        skipped |= dict.fromkeys(row.skipped)
    mends = [each.mend for each in found]
    return Tally(
        sweeps=len(rows),
        most_checked=max((row.checked for row in rows), default=0),
        found=len(found),
        repaired=mends.count("repaired"),
        for_a_person=mends.count("for_a_person"),
        skipped=tuple(skipped),
        checks=tuple(sorted(checks.items())),
    )


async def claim_report(session: AsyncSession, day: date, message_id: str) -> str | None:
    """Begin a day's mail; None if it is ours to send, else the state it is in.

    One that the relay put off is ours again.
    """
    ours = (
        insert(DailyReport)
        .values(day=day, message_id=message_id)
        .on_conflict_do_update(
            index_elements=[DailyReport.day],
            set_={"state": "sending", "changed_at": func.now()},
            where=DailyReport.state == "deferred",
        )
        .returning(DailyReport.day)
    )
    if await session.scalar(ours) is not None:
        return None
    found = select(DailyReport.state).where(DailyReport.day == day)
    return await session.scalar(found)


async def end_report(
    session: AsyncSession, day: date, state: str, answer: str | None
) -> None:
    """Note how a try ended, unless it is known already."""
    await session.execute(
        update(DailyReport)
        .where(DailyReport.day == day, DailyReport.state == "sending")
        .values(state=state, answer=answer, changed_at=func.now())
    )
