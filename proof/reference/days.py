"""Days and instants, by the law alone (§7), and the ladder of letters (§3.1)."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from hashlib import sha256

DAY, HOUR = timedelta(1), timedelta(hours=1)
LADDER, EXAM_LADDER = (
    (90, 60, 30, 14, 7, 1, 0),
    (90, 30, 14, 7, 1, 0),
)  # policy: reminders, exam_ladder
SPREAD = 7200  # policy: letters of one morning leave over so many seconds


@cache
def instant(day: date, hour: int = 0) -> datetime:
    """An hour of a civil day in Québec, in UTC; summer time by the law's Sundays."""
    march, november = date(day.year, 3, 8), date(day.year, 11, 1)
    begins = datetime.combine(march + DAY * (6 - march.weekday()), time(7), UTC)
    ends = datetime.combine(november + DAY * (6 - november.weekday()), time(6), UTC)
    at = datetime.combine(day, time(hour), UTC) + 4 * HOUR
    return at if begins <= at < ends else at + HOUR


def civil(at: datetime) -> date:
    """The civil day in Québec of an instant."""
    day = (at - 4 * HOUR).date()
    return day if at >= instant(day) else day - DAY


def months_on(day: date, months: int) -> date:
    """The same day of a later month, or its last (C.p.c. 83)."""
    first = date(
        day.year + (day.month - 1 + months) // 12, (day.month - 1 + months) % 12 + 1, 1
    )
    last = (first + 31 * DAY).replace(day=1) - DAY
    return min(first + DAY * (day.day - 1), last)


@cache
def open_day(day: date) -> date:
    """The day itself, or the next one that is not closed (P-40.1 s. 269)."""
    year = day.year
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    easter = date(year, f // 31, f % 31 + 1)
    mondays = [
        x - DAY * x.weekday()
        for x in (date(year, 5, 24), date(year, 9, 7), date(year, 10, 14))
    ]
    canada = date(year, 7, 1 + (date(year, 7, 1).weekday() == 6))
    fixed = [date(year, m, n) for m, n in ((1, 1), (1, 2), (6, 24), (12, 25), (12, 26))]
    closed = {easter - 2 * DAY, easter + DAY, canada, *mondays, *fixed}
    return open_day(day + DAY) if day.weekday() > 4 or day in closed else day


def two_years_to_act(day: date) -> date:
    """The last day of two years to act, the anniversary in, closed days passed over."""
    return open_day(months_on(day, 24))


@lru_cache(1000)
def ladder(
    stem: str,
    steps: tuple[int, ...],
    last: date,
    ends: datetime,
    word: str,
    spread_s: int = SPREAD,
) -> list[tuple[str, str, datetime, datetime]]:
    """Steps from 09:00 on, spread over two hours by the key, until the next (§3.1)."""
    spread = timedelta(
        seconds=int.from_bytes(sha256(stem.encode()).digest()[:8], "big") % spread_s
    )
    dues = [instant(last - DAY * n, 9) + spread for n in steps]
    named = zip(steps, dues, [*dues[1:], ends], strict=True)
    return [
        (f"{stem}/{word}{n}", f"{word}{n}", due, min(until, ends))
        for n, due, until in named
        if due < ends
    ]
