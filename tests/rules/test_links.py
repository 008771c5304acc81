"""Links alive on a day: several agencies, permits that come and go."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given

from rules.dossier import Dossier, Link, PermitChange
from rules.links import (
    answer_by,
    is_linked,
    last_linked_on,
    linked_from,
    permit_is_valid,
    remindable_from,
    unlinked_since,
    unlinked_stretches,
)
from tests.dossiers import (
    OTHER_PERMIT,
    PERMIT,
    TODAY,
    a_holder,
    a_link,
    a_newcomer,
    a_policy,
    noon,
    permit_back,
    permit_lost,
)
from tests.rules.lives import holders

START = date(2024, 12, 10)
A_DAY = timedelta(days=1)


def linked(*links: Link, changes: tuple[PermitChange, ...] = ()) -> Dossier:
    return replace(a_holder(links=links), permit_changes=changes)


@pytest.mark.parametrize(
    ("day", "alive"),
    [
        (date(2025, 2, 28), False),
        (date(2025, 3, 1), True),
        (date(2025, 3, 2), True),
        (date(2026, 6, 29), True),
        (date(2026, 6, 30), False),
        (date(2026, 7, 1), False),
    ],
)
def test_a_link_lives_from_its_first_day_to_the_day_before_its_end(
    day: date, alive: bool
) -> None:
    dossier = linked(a_link(date(2025, 3, 1), date(2026, 6, 30)))
    assert is_linked(dossier, day) is alive


def test_a_link_that_was_only_asked_for_or_was_refused_counts_for_nothing() -> None:
    asked = Link("asked", PERMIT, asked_on=START)
    refused = Link("refused", OTHER_PERMIT, asked_on=START, refused_on=TODAY)
    dossier = linked(asked, refused)
    assert not is_linked(dossier, TODAY)
    assert linked_from(dossier, START) is None
    assert unlinked_since(dossier, TODAY) == START


def test_a_link_counts_only_while_the_agency_holds_a_valid_permit() -> None:
    # (OPC, work-stoppage, 2021-05-03)
    dossier = linked(
        a_link(), changes=(permit_back(date(2026, 3, 2)), permit_lost(date(2026, 2, 2)))
    )
    days = [date(2026, 2, 1), date(2026, 2, 2), date(2026, 3, 1), date(2026, 3, 2)]
    assert [is_linked(dossier, day) for day in days] == [True, False, False, True]
    assert unlinked_since(dossier, date(2026, 3, 1)) == date(2026, 2, 2)
    assert unlinked_since(dossier, date(2026, 3, 2)) is None
    assert linked_from(dossier, date(2026, 2, 2)) == date(2026, 3, 2)
    assert unlinked_stretches(dossier) == ((date(2026, 2, 2), date(2026, 3, 2)),)


def test_a_permit_is_valid_until_told_and_another_agency_is_not_concerned() -> None:
    dossier = linked(a_link(), changes=(permit_lost(date(2026, 2, 2)),))
    assert permit_is_valid(dossier, PERMIT, date(2026, 2, 1))
    assert not permit_is_valid(dossier, PERMIT, date(2026, 2, 2))
    assert permit_is_valid(dossier, OTHER_PERMIT, date(2026, 2, 2))


@pytest.mark.parametrize("back_first", [True, False])
def test_a_permit_lost_and_back_on_one_day_is_valid_in_either_order_told(
    back_first: bool,
) -> None:
    day = date(2026, 2, 2)
    changes = (permit_back(day), permit_lost(day))
    dossier = linked(a_link(), changes=changes if back_first else changes[::-1])
    assert is_linked(dossier, day)
    assert unlinked_since(dossier, day) is None


def test_one_of_several_agencies_is_enough() -> None:
    dossier = linked(
        a_link(START, date(2025, 6, 2)),
        a_link(START, date(2026, 1, 5), permit=OTHER_PERMIT, link_id="link-2"),
    )
    assert unlinked_since(dossier, date(2025, 6, 2)) is None
    assert unlinked_since(dossier, date(2026, 1, 4)) is None
    assert unlinked_since(dossier, date(2026, 1, 5)) == date(2026, 1, 5)
    assert unlinked_since(dossier, date(2026, 9, 1)) == date(2026, 1, 5)
    assert last_linked_on(dossier, date(2026, 9, 1)) == date(2026, 1, 4)


def test_one_agency_that_follows_another_without_a_day_between_leaves_no_gap() -> None:
    change = date(2025, 6, 2)
    dossier = linked(
        a_link(START, change),
        a_link(change, permit=OTHER_PERMIT, link_id="link-2"),
    )
    assert unlinked_stretches(dossier) == ()
    a_day_later = linked(
        a_link(START, change),
        a_link(change + A_DAY, permit=OTHER_PERMIT, link_id="link-2"),
    )
    assert unlinked_stretches(a_day_later) == ((change, change + A_DAY),)


def test_who_was_never_linked_is_so_since_the_term_or_the_opening() -> None:
    assert unlinked_since(linked(), TODAY) == START
    assert unlinked_since(a_newcomer(), TODAY + A_DAY) == TODAY
    assert last_linked_on(linked(), TODAY) is None
    assert last_linked_on(linked(a_link()), TODAY) == TODAY


def test_a_link_told_ahead_is_found_on_its_first_day() -> None:
    ahead = date(2027, 1, 4)
    dossier = linked(
        a_link(START, date(2026, 1, 5)),
        a_link(ahead, permit=OTHER_PERMIT, link_id="link-2"),
    )
    assert linked_from(dossier, TODAY) == ahead
    assert linked_from(dossier, ahead) == ahead
    assert linked_from(dossier, date(2025, 12, 1)) == date(2025, 12, 1)


@given(holders())
def test_the_stretches_without_a_link_are_exactly_the_days_without_one(
    dossier: Dossier,
) -> None:
    start = dossier.terms[0].start
    stretches = unlinked_stretches(dossier)
    for n in range(0, 800, 7):
        day = start + n * A_DAY
        inside = [s for s in stretches if s.since <= day and not _ended(s.until, day)]
        since = unlinked_since(dossier, day)
        assert is_linked(dossier, day) is (since is None) is (not inside)
        assert [s.since for s in inside] == ([] if since is None else [since])


def _ended(until: date | None, day: date) -> bool:
    return until is not None and until <= day


@given(holders())
def test_the_first_linked_day_is_linked_and_no_day_before_it_is(
    dossier: Dossier,
) -> None:
    day = dossier.terms[0].start - 100 * A_DAY
    first = linked_from(dossier, day)
    before = (first - day).days if first is not None else 1500
    assert first is None or is_linked(dossier, first)
    assert not any(is_linked(dossier, day + n * A_DAY) for n in range(0, before, 5))
    if before:
        assert not is_linked(dossier, day + (before - 1) * A_DAY)


@pytest.mark.parametrize(
    ("link", "from_day"),
    [
        (Link("asked", PERMIT), None),
        (Link("asked", PERMIT, asked_on=date(2026, 11, 2)), date(2026, 11, 9)),
        (
            Link(
                "reminded",
                PERMIT,
                asked_on=date(2026, 11, 2),
                reminded_at=noon(date(2026, 11, 10)),
            ),
            date(2026, 11, 17),
        ),
    ],
)
def test_an_agency_is_reminded_a_week_after_what_it_was_last_written(
    link: Link, from_day: date | None
) -> None:
    assert remindable_from(link, a_policy()) == from_day


def test_an_agency_answers_within_ten_days() -> None:
    assert answer_by(date(2026, 11, 20)) == date(2026, 11, 30)
