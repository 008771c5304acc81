"""Which looks of a sweep are due: a sweep comes each minute, some looks less often."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from rules.civil_time import civil_date

DAY_BEGINS = timedelta(hours=6)
"""The daily looks are taken by the first sweep after six in the morning in Québec."""


@dataclass(frozen=True, slots=True)
class Due:
    """The looks that are due, by how often they are taken."""

    five_minutes: bool = True
    quarter: bool = True
    hour: bool = True
    day: bool = True
    week: bool = True


def due_since(previous_at: datetime | None, now: datetime) -> Due:
    """Say which looks are due at *now*; all of them when nothing went before."""
    if previous_at is None:
        return Due()
    days = _day(previous_at), _day(now)
    return Due(
        five_minutes=_other_period(previous_at, now, timedelta(minutes=5)),
        quarter=_other_period(previous_at, now, timedelta(minutes=15)),
        hour=_other_period(previous_at, now, timedelta(hours=1)),
        day=days[0] != days[1],
        week=days[0].isocalendar()[:2] != days[1].isocalendar()[:2],
    )


def _other_period(before: datetime, now: datetime, every: timedelta) -> bool:
    length = every.total_seconds()
    return before.timestamp() // length != now.timestamp() // length


def _day(at: datetime) -> date:
    return civil_date(at - DAY_BEGINS)
