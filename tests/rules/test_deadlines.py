"""The days a person keeps in a calendar: those that hold, and no others."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from rules.deadlines import Deadline, deadlines
from rules.dossier import Dossier, Ending, EndReason, Item, Stage, TransferRequest
from rules.standing import last_day_unlinked, way_back_until
from rules.transfer import last_day_to_finish
from tests.dossiers import (
    TODAY,
    a_finalizing,
    a_holder,
    a_link,
    a_newcomer,
    a_policy,
    noon,
)

ECHEANCE = date(2026, 12, 10)
A_DAY = timedelta(days=1)


def kept(dossier: Dossier, at: datetime) -> dict[str, date]:
    return {one.deadline: one.on for one in deadlines(dossier, a_policy(), at)}


def test_a_holder_keeps_the_last_valid_day() -> None:
    assert kept(a_holder(ECHEANCE), noon(TODAY)) == {
        Deadline.RENEWAL: date(2026, 12, 9)
    }


def test_on_the_last_valid_day_it_still_holds_and_after_it_the_way_back_does() -> None:
    dossier = a_holder(ECHEANCE)
    assert kept(dossier, noon(ECHEANCE - A_DAY)) == {Deadline.RENEWAL: ECHEANCE - A_DAY}
    back = way_back_until(dossier, a_policy(), noon(ECHEANCE))
    assert back is not None
    assert kept(dossier, noon(ECHEANCE)) == {Deadline.RETURN: back}
    assert kept(dossier, noon(back)) == {Deadline.RETURN: back}
    assert kept(dossier, noon(back + A_DAY)) == {}


def test_a_closed_last_day_moves_the_renewal_to_the_next_open_one() -> None:
    """Saturday 9 January 2027 is the last valid day; Monday the 11th is timely."""
    dossier = a_holder(date(2027, 1, 10))
    on_sunday = kept(dossier, noon(date(2027, 1, 10)))
    assert on_sunday[Deadline.RENEWAL] == date(2027, 1, 11)
    assert Deadline.RETURN in on_sunday
    assert Deadline.RENEWAL not in kept(dossier, noon(date(2027, 1, 12)))


def test_a_suspended_holder_keeps_the_day_of_the_link_too() -> None:
    since = TODAY - timedelta(days=10)
    lost = a_link(date(2024, 12, 10), since)
    dossier = a_holder(date(2028, 12, 10), links=(lost,))
    assert kept(dossier, noon(TODAY)) == {
        Deadline.RENEWAL: date(2028, 12, 9),
        Deadline.LINK: last_day_unlinked(since, a_policy()),
    }


def test_the_exam_of_who_finalizes_ends_on_the_day_that_letters_name() -> None:
    dossier = a_finalizing(TODAY - timedelta(days=30), here_since=TODAY)
    assert dossier.exam is not None
    limit = last_day_to_finish(dossier.exam, a_policy())
    assert kept(dossier, noon(TODAY)) == {Deadline.EXAM: limit}
    assert kept(dossier, noon(limit)) == {Deadline.EXAM: limit}
    assert kept(dossier, noon(limit + A_DAY)) == {}


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [
        (
            TransferRequest(
                "r-1",
                TODAY,
                Stage.ITEMS_MISSING,
                missing=(Item.WISH,),
                complete_by=TODAY + A_DAY,
            ),
            {Deadline.ITEMS: TODAY + A_DAY},
        ),
        (
            TransferRequest("r-1", TODAY, Stage.NOTICE_GIVEN, observe_until=TODAY),
            {Deadline.COMMENTS: TODAY},
        ),
        (
            TransferRequest(
                "r-1", TODAY, Stage.NOTICE_GIVEN, observe_until=TODAY, observed=True
            ),
            {},
        ),
        (
            TransferRequest(
                "r-1", TODAY, Stage.NOTICE_GIVEN, observe_until=TODAY - A_DAY
            ),
            {},
        ),
    ],
    ids=["items missing", "may comment", "has commented", "too late to comment"],
)
def test_a_request_under_review_keeps_the_day_of_what_is_asked(
    request_: TransferRequest, wanted: dict[str, date]
) -> None:
    dossier = replace(a_newcomer(), request=request_)
    assert kept(dossier, noon(TODAY)) == wanted


def test_nothing_is_kept_of_who_has_no_exam_yet_nor_of_a_closed_dossier() -> None:
    assert kept(a_newcomer(), noon(TODAY)) == {}
    closed = replace(a_holder(), ending=Ending(EndReason.CANCELLED, TODAY))
    assert kept(closed, noon(TODAY)) == {}
