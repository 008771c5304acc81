"""Civil days in Québec: every limit on the day before, the day and the day after."""

import doctest
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules import civil_time
from rules.civil_time import (
    ZONE,
    LeapDayTerm,
    add_months,
    add_years,
    at_local,
    civil_date,
    delay,
    end_of,
    holidays,
    is_closed_day,
    last_day,
    last_day_to_act,
    spread,
    start_of,
    term_end,
)

ONE_DAY = timedelta(days=1)
PARIS = ZoneInfo("Europe/Paris")
days = st.dates(date(2000, 1, 1), date(2100, 12, 31))
leap_days = st.sampled_from(LeapDayTerm)

CLOCKS_GO_FORWARD = [
    date(2026, 3, 8),
    date(2027, 3, 14),
    date(2028, 3, 12),
    date(2029, 3, 11),
]
CLOCKS_GO_BACK = [
    date(2026, 11, 1),
    date(2027, 11, 7),
    date(2028, 11, 5),
    date(2029, 11, 4),
]


def test_every_example_of_the_module_is_true() -> None:
    results = doctest.testmod(civil_time)
    assert results.attempted > 0
    assert results.failed == 0


def test_the_zone_is_the_one_of_quebec() -> None:
    assert ZONE.key == "America/Toronto"


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 12, 10, 4, 59, 59, 999_999, tzinfo=UTC), date(2026, 12, 9)),
        (datetime(2026, 12, 10, 5, tzinfo=UTC), date(2026, 12, 10)),
        (datetime(2026, 7, 1, 3, 59, 59, tzinfo=UTC), date(2026, 6, 30)),
        (datetime(2026, 7, 1, 4, tzinfo=UTC), date(2026, 7, 1)),
        (
            datetime(2026, 12, 10, 6, tzinfo=PARIS),
            date(2026, 12, 10),
        ),
        (datetime(2026, 12, 10, 5, tzinfo=PARIS), date(2026, 12, 9)),
        (
            datetime(2026, 12, 9, 23, 59, 59, tzinfo=timezone(timedelta(hours=-5))),
            date(2026, 12, 9),
        ),
    ],
)
def test_scenario_2_the_day_of_an_instant_is_the_day_in_quebec(
    at: datetime, day: date
) -> None:
    assert civil_date(at) == day


def test_an_instant_without_a_zone_names_no_day() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        civil_date(datetime(2026, 12, 10))  # noqa: DTZ001 -- the refusal of it is tested


def test_scenario_7_a_certificate_outlives_the_25_hours_of_its_last_day() -> None:
    echeance = date(2026, 11, 2)
    assert last_day(echeance) == date(2026, 11, 1)
    assert start_of(echeance) == datetime(2026, 11, 2, 5, tzinfo=UTC)
    assert start_of(date(2026, 11, 1)) == datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert echeance - timedelta(days=30) == date(2026, 10, 3)
    assert at_local(date(2026, 10, 3), time(9)) == datetime(2026, 10, 3, 13, tzinfo=UTC)
    # Multiples of 24 hours before the expiry would be one civil hour late.
    assert start_of(echeance) - 30 * timedelta(hours=24) != start_of(date(2026, 10, 3))


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        *[(day - ONE_DAY, 24) for day in CLOCKS_GO_FORWARD + CLOCKS_GO_BACK],
        *[(day, 23) for day in CLOCKS_GO_FORWARD],
        *[(day, 25) for day in CLOCKS_GO_BACK],
        *[(day + ONE_DAY, 24) for day in CLOCKS_GO_FORWARD + CLOCKS_GO_BACK],
    ],
)
def test_a_day_lasts_23_or_25_hours_only_when_clocks_move(
    day: date, hours: int
) -> None:
    assert end_of(day) - start_of(day) == timedelta(hours=hours)


@pytest.mark.parametrize("day", CLOCKS_GO_FORWARD)
def test_scenario_8_a_skipped_hour_is_one_instant_an_hour_later_on_the_clock(
    day: date,
) -> None:
    at = at_local(day, time(2, 30))
    assert at.astimezone(ZONE).time() == time(3, 30)
    assert at == at_local(day, time(3, 30))
    assert at - at_local(day, time(1, 59)) == timedelta(minutes=31)


@pytest.mark.parametrize("day", CLOCKS_GO_BACK)
@pytest.mark.parametrize("fold", [0, 1])
def test_scenario_8_an_hour_that_happens_twice_is_its_first_occurrence(
    day: date, fold: int
) -> None:
    at = at_local(day, time(1, 30, fold=fold))
    assert at - start_of(day) == timedelta(hours=1, minutes=30)
    assert at_local(day, time(2, 30)) - at == timedelta(hours=2)


def test_an_hour_of_another_zone_is_not_taken_for_an_hour_in_quebec() -> None:
    with pytest.raises(ValueError, match="zone of its own"):
        at_local(date(2026, 12, 10), time(9, tzinfo=UTC))


@given(days)
def test_a_civil_day_survives_the_way_to_an_instant_and_back(day: date) -> None:
    assert start_of(day).utcoffset() == timedelta(0)
    assert civil_date(start_of(day)) == day
    assert civil_date(start_of(day) - timedelta(microseconds=1)) == day - ONE_DAY
    assert civil_date(end_of(day) - timedelta(microseconds=1)) == day


@given(days)
def test_days_follow_one_another_without_gap_in_23_24_or_25_hours(day: date) -> None:
    assert end_of(day) == start_of(day + ONE_DAY)
    assert end_of(day) - start_of(day) in {timedelta(hours=h) for h in (23, 24, 25)}


@given(days, st.times())
@example(date(2027, 3, 14), time(2, 30))
@example(date(2026, 11, 1), time(1, 30))
def test_an_hour_in_quebec_falls_on_its_own_day(day: date, local: time) -> None:
    assert civil_date(at_local(day, local)) == day


@pytest.mark.parametrize(
    ("day", "years", "then"),
    [
        (date(2024, 12, 10), 2, date(2026, 12, 10)),
        (date(2024, 2, 28), 2, date(2026, 2, 28)),
        (date(2024, 2, 29), 2, date(2026, 2, 28)),
        (date(2024, 3, 1), 2, date(2026, 3, 1)),
        (date(2024, 2, 29), 4, date(2028, 2, 29)),
        (date(2026, 2, 28), 2, date(2028, 2, 28)),
        (date(2096, 2, 29), 4, date(2100, 2, 28)),
        (date(2020, 2, 29), 0, date(2020, 2, 29)),
    ],
)
def test_a_limit_in_years_falls_on_the_same_day_or_the_last_of_the_month(
    day: date, years: int, then: date
) -> None:
    assert add_years(day, years) == then


@pytest.mark.parametrize(
    ("day", "months", "then"),
    [
        (date(2026, 12, 30), 2, date(2027, 2, 28)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2027, 1, 1), 2, date(2027, 3, 1)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 8, 31), 1, date(2026, 9, 30)),
        (date(2024, 12, 10), 22, date(2026, 10, 10)),
        (date(2026, 11, 30), 1, date(2026, 12, 30)),
        (date(2027, 1, 31), -1, date(2026, 12, 31)),
        (date(2027, 3, 31), -1, date(2027, 2, 28)),
    ],
)
def test_a_delay_in_months_ends_on_the_same_day_or_the_last_of_the_month(
    day: date, months: int, then: date
) -> None:
    assert add_months(day, months) == then


@given(days, st.integers(0, 1200))
def test_a_delay_in_months_never_leaves_its_month(day: date, months: int) -> None:
    then = add_months(day, months)
    apart = 12 * (then.year - day.year) + then.month - day.month
    assert apart == months
    assert then.day == day.day or (
        then.day < day.day and (then + ONE_DAY).month != then.month
    )


@pytest.mark.parametrize(
    ("start", "leap_day", "echeance"),
    [
        (date(2028, 2, 28), LeapDayTerm.FEBRUARY_28, date(2030, 2, 28)),
        (date(2028, 2, 29), LeapDayTerm.FEBRUARY_28, date(2030, 2, 28)),
        (date(2028, 3, 1), LeapDayTerm.FEBRUARY_28, date(2030, 3, 1)),
        (date(2028, 2, 28), LeapDayTerm.MARCH_1, date(2030, 2, 28)),
        (date(2028, 2, 29), LeapDayTerm.MARCH_1, date(2030, 3, 1)),
        (date(2028, 3, 1), LeapDayTerm.MARCH_1, date(2030, 3, 1)),
    ],
)
def test_scenario_6_a_term_begun_on_29_february_ends_as_the_switch_says(
    start: date, leap_day: LeapDayTerm, echeance: date
) -> None:
    assert term_end(start, 2, leap_day=leap_day) == echeance


@pytest.mark.parametrize("leap_day", LeapDayTerm)
def test_scenario_6_a_term_between_two_leap_years_keeps_29_february(
    leap_day: LeapDayTerm,
) -> None:
    assert term_end(date(2028, 2, 29), 4, leap_day=leap_day) == date(2032, 2, 29)


@given(days, st.integers(1, 10), leap_days)
def test_a_term_ends_on_its_own_anniversary_or_beside_29_february(
    start: date, years: int, leap_day: LeapDayTerm
) -> None:
    end = term_end(start, years, leap_day=leap_day)
    assert end.year == start.year + years
    if (start.month, start.day) == (2, 29):
        assert (end.month, end.day) in {(2, 28), (2, 29), (3, 1)}
    else:
        assert (end.month, end.day) == (start.month, start.day)


def test_scenario_14_the_day_before_the_echeance_is_the_last_valid_one() -> None:
    assert last_day(date(2021, 1, 1)) == date(2020, 12, 31)


# Domain, section 7, with the fixed days (I-16 s. 61(23)) and the two of P-40.1 s. 269.
HOLIDAYS = {
    2026: "01-01 01-02 04-03 04-06 05-18 06-24 07-01 09-07 10-12 12-25 12-26",
    2027: "01-01 01-02 03-26 03-29 05-24 06-24 07-01 09-06 10-11 12-25 12-26",
    2028: "01-01 01-02 04-14 04-17 05-22 06-24 07-01 09-04 10-09 12-25 12-26",
    # 1 July 2029 is a Sunday: the 2nd is the holiday.
    2029: "01-01 01-02 03-30 04-02 05-21 06-24 07-02 09-03 10-08 12-25 12-26",
}


@pytest.mark.parametrize(("year", "expected"), HOLIDAYS.items())
def test_the_holidays_of_a_year_are_those_of_the_law(year: int, expected: str) -> None:
    found = sorted(f"{day:%m-%d}" for day in holidays(year) if day.year == year)
    assert found == expected.split()
    assert len(holidays(year)) == len(found)


@pytest.mark.parametrize(
    "easter",
    [
        date(2000, 4, 23),
        date(2008, 3, 23),
        date(2019, 4, 21),
        date(2024, 3, 31),
        date(2025, 4, 20),
        date(2038, 4, 25),
        date(2049, 4, 18),
        date(2076, 4, 19),
        date(2285, 3, 22),
    ],
)
def test_good_friday_and_easter_monday_stand_around_easter(easter: date) -> None:
    spring = {day for day in holidays(easter.year) if day.month in {3, 4}}
    assert spring == {easter - timedelta(days=2), easter + timedelta(days=1)}


@given(st.integers(1950, 2200))
def test_the_holidays_of_every_year_fall_where_the_law_puts_them(year: int) -> None:
    named = holidays(year)
    assert len(named) == 11
    mondays = [day for day in named if day.month in {5, 9, 10}]
    assert [day.weekday() for day in mondays] == [0, 0, 0]
    assert {day.month: (day.day - 1) // 7 for day in mondays if day.month > 5} == {
        9: 0,
        10: 1,
    }
    (sovereign,) = (day for day in named if day.month == 5)
    assert timedelta(1) <= date(year, 5, 25) - sovereign <= timedelta(7)
    (confederation,) = (day for day in named if day.month == 7)
    assert confederation.weekday() != 6


@pytest.mark.parametrize(
    ("day", "closed"),
    [
        (date(2026, 12, 24), False),
        (date(2026, 12, 25), True),
        (date(2026, 12, 26), True),  # a Saturday, and named by s. 269
        (date(2026, 12, 27), True),
        (date(2026, 12, 28), False),
        (date(2028, 12, 26), True),  # a Tuesday: s. 269 alone closes it
        (date(2028, 12, 27), False),
        (date(2026, 1, 1), True),
        (date(2026, 1, 2), True),  # a Friday: s. 269 alone closes it
        (date(2026, 1, 5), False),
        (date(2026, 4, 2), False),
        (date(2026, 4, 3), True),
        (date(2026, 4, 6), True),
        (date(2026, 4, 7), False),
        (date(2029, 6, 29), False),
        (date(2029, 6, 30), True),
        (date(2029, 7, 1), True),
        (date(2029, 7, 2), True),
        (date(2029, 7, 3), False),
        (date(2026, 5, 25), False),
        (date(2026, 9, 30), False),  # no holiday of I-16 s. 61(23)
        (date(2026, 11, 11), False),  # no holiday of I-16 s. 61(23)
    ],
)
def test_an_office_day_is_no_saturday_no_sunday_and_no_holiday(
    day: date, closed: bool
) -> None:
    assert is_closed_day(day) is closed


@pytest.mark.parametrize(
    ("limit", "last"),
    [
        (date(2026, 12, 11), date(2026, 12, 11)),
        (date(2026, 12, 12), date(2026, 12, 14)),  # scenario 5: a Saturday
        (date(2026, 12, 13), date(2026, 12, 14)),
        (date(2026, 12, 14), date(2026, 12, 14)),
        (date(2022, 11, 20), date(2022, 11, 21)),  # scenario 14: a Sunday
        (date(2026, 12, 24), date(2026, 12, 24)),
        (date(2026, 12, 25), date(2026, 12, 28)),
        (date(2026, 12, 31), date(2026, 12, 31)),
        (date(2027, 1, 1), date(2027, 1, 4)),
        (date(2026, 4, 2), date(2026, 4, 2)),
        (date(2026, 4, 3), date(2026, 4, 7)),
        (date(2028, 12, 23), date(2028, 12, 27)),  # Saturday to Tuesday, all closed
    ],
)
def test_a_delay_that_ends_on_a_closed_day_runs_to_the_next_open_one(
    limit: date, last: date
) -> None:
    assert last_day_to_act(limit, delays_extended=True) == last
    assert last_day_to_act(limit, delays_extended=False) == limit


@pytest.mark.parametrize(
    ("finished_on", "timely"),
    [
        (date(2026, 12, 11), True),
        (date(2026, 12, 12), True),
        (date(2026, 12, 14), True),
        (date(2026, 12, 15), False),
    ],
)
def test_scenario_5_two_years_that_end_on_a_saturday_run_to_monday(
    finished_on: date, timely: bool
) -> None:
    limit = add_years(date(2024, 12, 12), 2)
    assert (finished_on <= last_day_to_act(limit, delays_extended=True)) is timely


@pytest.mark.parametrize(
    ("asked_on", "timely"),
    [
        (date(2022, 11, 20), True),
        (date(2022, 11, 21), True),
        (date(2022, 11, 22), False),
    ],
)
def test_scenario_14_two_years_that_end_on_a_sunday_run_to_monday(
    asked_on: date, timely: bool
) -> None:
    limit = add_years(date(2020, 11, 20), 2)
    assert (asked_on <= last_day_to_act(limit, delays_extended=True)) is timely


@pytest.mark.parametrize(
    ("start", "bare", "extended"),
    [
        (date(2026, 11, 26), date(2026, 12, 11), date(2026, 12, 11)),
        (date(2026, 11, 27), date(2026, 12, 12), date(2026, 12, 14)),
        (date(2026, 11, 28), date(2026, 12, 13), date(2026, 12, 14)),
        (date(2026, 11, 29), date(2026, 12, 14), date(2026, 12, 14)),
        (date(2026, 12, 10), date(2026, 12, 25), date(2026, 12, 28)),
        (date(2026, 10, 20), date(2026, 11, 4), date(2026, 11, 4)),  # clocks go back
    ],
)
def test_a_delay_of_15_days_leaves_out_its_first_day_and_counts_its_last(
    start: date, bare: date, extended: date
) -> None:
    assert delay(start, 15, delays_extended=False) == bare
    assert delay(start, 15, delays_extended=True) == extended


def test_a_delay_of_no_day_ends_on_its_own_day_and_none_runs_backward() -> None:
    assert delay(date(2026, 11, 24), 0, delays_extended=True) == date(2026, 11, 24)
    with pytest.raises(ValueError, match="-1 days"):
        delay(date(2026, 11, 24), -1, delays_extended=True)


@given(days, st.booleans())
def test_an_extended_limit_is_the_first_open_day_from_the_bare_one(
    limit: date, extended: bool
) -> None:
    last = last_day_to_act(limit, delays_extended=extended)
    assert last >= limit
    assert last_day_to_act(last, delays_extended=extended) == last
    passed_over = [limit + n * ONE_DAY for n in range((last - limit).days)]
    assert all(is_closed_day(day) for day in passed_over)
    assert len(passed_over) <= 4  # Good Friday to Easter Monday
    if extended:
        assert not is_closed_day(last)


@given(days, days)
def test_a_later_limit_never_gives_an_earlier_last_day(one: date, two: date) -> None:
    earlier, later = sorted((one, two))
    assert last_day_to_act(earlier, delays_extended=True) <= last_day_to_act(
        later, delays_extended=True
    )


@pytest.mark.parametrize(
    ("key", "seconds"),
    [
        ("", 52),
        ("CAR202400012345/2026-12-10/reminder_30", 2935),
        ("CAR202400012346/2026-12-10/reminder_30", 4731),
        ("échéance", 1480),
    ],
)
def test_a_key_keeps_its_place_for_ever_or_waiting_letters_would_move(
    key: str, seconds: int
) -> None:
    assert spread(key, timedelta(hours=2)) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "window", [timedelta(0), timedelta(microseconds=1), timedelta(seconds=1)]
)
def test_a_window_of_a_second_or_less_leaves_one_place(window: timedelta) -> None:
    assert spread("any", window) == timedelta(0)


def test_a_window_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="window"):
        spread("any", timedelta(seconds=-1))


@given(st.text(), st.timedeltas(timedelta(microseconds=1), timedelta(days=400)))
def test_a_key_falls_inside_its_window_on_a_whole_second(
    key: str, window: timedelta
) -> None:
    place = spread(key, window)
    assert timedelta(0) <= place < window
    assert place.microseconds == 0
    assert spread(key, window) == place


def test_a_thousand_keys_fill_their_window_and_do_not_crowd_one_minute() -> None:
    places = [
        spread(f"CAR2024{n:08}", timedelta(hours=2)).seconds // 60 for n in range(1000)
    ]
    crowd = max(places.count(minute) for minute in range(120))
    assert crowd < 30
    assert len(set(places)) > 110
