"""Civil days in Québec: when a day begins, when a delay ends, which days are closed."""

import calendar
import hashlib
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/Toronto")

_ONE_DAY = timedelta(days=1)
_ONE_SECOND = timedelta(seconds=1)


class LeapDayTerm(StrEnum):
    """Where a term begun on 29 February ends in a common year (our policy, not law)."""

    FEBRUARY_28 = "february_28"
    MARCH_1 = "march_1"


def civil_date(at: datetime) -> date:
    """Name the day in Québec of an instant.

    Raises ValueError for a naive instant: it names no day.

    >>> civil_date(datetime(2026, 12, 10, 4, 59, 59, tzinfo=UTC))
    datetime.date(2026, 12, 9)
    """
    if at.utcoffset() is None:
        raise ValueError("an instant without a zone names no day")
    return at.astimezone(ZONE).date()


def start_of(day: date) -> datetime:
    """Name the UTC instant at which *day* begins in Québec.

    >>> start_of(date(2026, 11, 1)).isoformat(), start_of(date(2026, 11, 2)).isoformat()
    ('2026-11-01T04:00:00+00:00', '2026-11-02T05:00:00+00:00')
    """
    return at_local(day, time.min)


def end_of(day: date) -> datetime:
    """Name the UTC instant at which *day* is over, exclusive: its 24 h 00.

    A delay ends with its last day (C.p.c. s. 83), of 23, 24 or 25 hours.
    """
    return start_of(day + _ONE_DAY)


def at_local(day: date, local: time) -> datetime:
    """Name the UTC instant of an hour in Québec, exactly one even when clocks move.

    An hour that happens twice is its first occurrence. An hour that is skipped is
    counted with the offset in force before the change: 02:30 becomes 03:30.
    Raises ValueError for a time that carries a zone of its own.

    >>> at_local(date(2026, 11, 1), time(1, 30)).isoformat()
    '2026-11-01T05:30:00+00:00'
    >>> at_local(date(2027, 3, 14), time(2, 30)).isoformat()
    '2027-03-14T07:30:00+00:00'
    """
    if local.tzinfo is not None:
        raise ValueError("an hour in Québec carries no zone of its own")
    in_quebec = datetime.combine(day, local.replace(fold=0), tzinfo=ZONE)
    return in_quebec.astimezone(UTC)


def add_years(day: date, years: int) -> date:
    """Name the same day *years* later; 29 February falls on the last day of the month.

    For limits, in calendar years and never in days (C.p.c. s. 83).

    >>> add_years(date(2024, 2, 29), 2)
    datetime.date(2026, 2, 28)
    """
    return add_months(day, 12 * years)


def add_months(day: date, months: int) -> date:
    """Name the same day *months* later.

    A month that has no such day gives its last one (C.p.c. s. 83).

    >>> add_months(date(2026, 12, 31), 2)
    datetime.date(2027, 2, 28)
    """
    year, month = divmod(12 * day.year + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def term_end(start: date, years: int, *, leap_day: LeapDayTerm) -> date:
    """Name the échéance of a term: the first day without validity, exclusive.

    A term is a status, not a delay to act: no holiday moves it. What becomes of
    29 February is our policy, not law: switch leap_day_term.

    >>> term_end(date(2028, 2, 29), 2, leap_day=LeapDayTerm.FEBRUARY_28)
    datetime.date(2030, 2, 28)
    >>> term_end(date(2028, 2, 29), 2, leap_day=LeapDayTerm.MARCH_1)
    datetime.date(2030, 3, 1)
    """
    end = add_years(start, years)
    if leap_day is LeapDayTerm.MARCH_1 and end.day != start.day:
        return end + _ONE_DAY
    return end


def last_day(echeance: date) -> date:
    """Name the last valid day of a term.

    « venaient à échéance le 1er janvier 2021 »: valid until 31 December 2020 (OPC,
    certificat temporaire expiré).
    """
    return echeance - _ONE_DAY


@cache
def holidays(year: int) -> frozenset[date]:
    """List the holidays of *year* that bear a date or a name (I-16 s. 61(23)).

    2 January and 26 December are added for delays the Office supervises (P-40.1
    s. 269). Sundays (I-16 s. 61(23)) and Saturdays (P-40.1 s. 269) are left to
    `is_closed_day`. A day fixed by a proclamation of its own is not known here.
    """
    easter = _easter(year)
    confederation = date(year, 7, 1)
    if confederation.weekday() == calendar.SUNDAY:
        confederation += _ONE_DAY  # the law itself moves this holiday, and no other
    return frozenset(
        {
            date(year, 1, 1),
            date(year, 1, 2),
            easter - timedelta(days=2),  # Good Friday
            easter + timedelta(days=1),  # Easter Monday
            _monday_on_or_before(date(year, 5, 24)),  # the Monday before 25 May
            date(year, 6, 24),
            confederation,
            _monday_on_or_before(date(year, 9, 7)),  # first Monday of September
            _monday_on_or_before(date(year, 10, 14)),  # second Monday of October
            date(year, 12, 25),
            date(year, 12, 26),
        }
    )


def is_closed_day(day: date) -> bool:
    """Answer whether a delay cannot end on *day* (P-40.1 s. 269; I-16 s. 61(23))."""
    return day.weekday() >= calendar.SATURDAY or day in holidays(day.year)


def last_day_to_act(limit: date, *, delays_extended: bool) -> date:
    """Name the last day, inclusive, of a delay whose bare last day is *limit*.

    A delay that would end on a closed day runs to the next open one (P-40.1 s. 269).
    Whether that holds for a given delay is our policy: switch delays_extended.

    >>> last_day_to_act(date(2026, 12, 25), delays_extended=True)
    datetime.date(2026, 12, 28)
    """
    day = limit
    while delays_extended and is_closed_day(day):
        day += _ONE_DAY
    return day


def delay(start: date, days: int, *, delays_extended: bool) -> date:
    """Name the last day, inclusive, of a delay of civil days that *start* sets running.

    The start day is not counted and the last day is (P-40.1 s. 269). Raises
    ValueError for a negative number of days.

    >>> delay(date(2026, 11, 24), 15, delays_extended=True)
    datetime.date(2026, 12, 9)
    """
    if days < 0:
        raise ValueError(f"a delay runs forward, not {days} days")
    return last_day_to_act(
        start + timedelta(days=days), delays_extended=delays_extended
    )


def spread(key: str, window: timedelta) -> timedelta:
    """Place *key* in a window: whole seconds, 0 inclusive to *window* exclusive.

    The same key has the same place for ever, on every machine; a window under one
    second leaves no choice but 0. Raises ValueError for a negative window.

    >>> spread("CAR202400012345/2026-12-10/reminder_30", timedelta(hours=2))
    datetime.timedelta(seconds=2935)
    """
    if window < timedelta(0):
        raise ValueError("a window does not end before it begins")
    places = window // _ONE_SECOND
    if places == 0:
        return timedelta(0)
    digest = hashlib.sha256(key.encode()).digest()
    return timedelta(seconds=int.from_bytes(digest[:8], "big") % places)


def _monday_on_or_before(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _easter(year: int) -> date:
    """Compute Easter Sunday by the Gregorian computus."""
    golden = year % 19
    century, of_century = divmod(year, 100)
    moon = (8 * century + 13) // 25
    epact = (19 * golden + century - century // 4 - moon + 15) % 30
    to_sunday = (
        32 + 2 * (century % 4) + 2 * (of_century // 4) - epact - of_century % 4
    ) % 7
    late = (golden + 11 * epact + 22 * to_sunday) // 451
    month, day = divmod(epact + to_sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)
