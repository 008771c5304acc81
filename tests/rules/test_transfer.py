"""Each ground of a transfer: the day before its limit, the day, the day after."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules.civil_time import last_day_to_act
from rules.dossier import Exam
from rules.policy import Policy, TransferRule
from rules.reasons import (
    COUNSELLOR_PAGE,
    EXPIRY_PAGE,
    Allowed,
    Condition,
    NotAllowed,
)
from rules.transfer import (
    bare_last_day_to_finish,
    grounds_on,
    last_day_to_finish,
    may_transfer,
)
from tests.dossiers import a_policy, an_expired_certificate, finding
from tests.rules.lives import exam_of, finalizing, policies

NARROW = a_policy()
WIDE = a_policy(transfer_rule="wide")
BARE = a_policy(delays_extended=False)
LINKED_AT_ECHEANCE = Condition.LINKED_AT_ECHEANCE
LINKED_WITHIN_TWO_YEARS = Condition.LINKED_WITHIN_TWO_YEARS
EXAM_STILL_VALID = Condition.EXAM_STILL_VALID
LONG_AGO = date(2021, 3, 1)
A_DAY = timedelta(days=1)


def linked_at_the_end() -> Exam:
    """Two years after the échéance is Monday 2029-12-10."""
    return an_expired_certificate(LONG_AGO, date(2027, 12, 10))


def recently_passed() -> Exam:
    """Ended before its term; two years after the exam is Thursday 2026-12-10."""
    return an_expired_certificate(
        date(2024, 12, 10), date(2026, 6, 1), linked_at_echeance=False
    )


def linked_for_a_time() -> Exam:
    """Two years after the last linked day is Wednesday 2027-06-02."""
    return an_expired_certificate(
        LONG_AGO,
        date(2026, 12, 10),
        linked_at_echeance=False,
        last_linked_on=date(2025, 6, 2),
    )


@pytest.mark.parametrize(
    ("exam", "policy", "asked_on", "ground"),
    [
        # (OPC, certificat expiré, 2022-05-12) and (OPC, work-stoppage, 2021-05-03)
        (linked_at_the_end(), NARROW, date(2027, 12, 10), LINKED_AT_ECHEANCE),
        (linked_at_the_end(), NARROW, date(2029, 12, 9), LINKED_AT_ECHEANCE),
        (linked_at_the_end(), NARROW, date(2029, 12, 10), LINKED_AT_ECHEANCE),
        (linked_at_the_end(), NARROW, date(2029, 12, 11), None),
        # « pas plus de 2 ans »: the anniversary is in
        (recently_passed(), NARROW, date(2026, 12, 9), EXAM_STILL_VALID),
        (recently_passed(), NARROW, date(2026, 12, 10), EXAM_STILL_VALID),
        (recently_passed(), NARROW, date(2026, 12, 11), None),
        (recently_passed(), WIDE, date(2026, 12, 9), EXAM_STILL_VALID),
        (recently_passed(), WIDE, date(2026, 12, 10), EXAM_STILL_VALID),
        (recently_passed(), WIDE, date(2026, 12, 11), None),
        # the wide rule looks at the last linked day, not at the échéance
        (linked_for_a_time(), NARROW, date(2027, 6, 1), None),
        (linked_for_a_time(), WIDE, date(2027, 6, 1), LINKED_WITHIN_TWO_YEARS),
        (linked_for_a_time(), WIDE, date(2027, 6, 2), LINKED_WITHIN_TWO_YEARS),
        (linked_for_a_time(), WIDE, date(2027, 6, 3), None),
    ],
)
def test_one_ground_is_enough_up_to_its_second_anniversary(
    exam: Exam, policy: Policy, asked_on: date, ground: Condition | None
) -> None:
    verdict = may_transfer(exam, asked_on, policy)
    if ground is None:
        assert isinstance(verdict, NotAllowed)
        assert not any(f.met for f in grounds_on(exam, asked_on, policy))
    else:
        assert isinstance(verdict, Allowed)
        assert verdict.ground is ground
        assert finding(verdict.findings, ground).met is True


def test_the_wide_rule_counts_from_the_last_linked_day_one_before_the_echeance() -> (
    None
):
    exam = linked_at_the_end()
    narrow, wide = (last_day_to_finish(exam, policy) for policy in (NARROW, WIDE))
    # Two years after 2027-12-09 is a Sunday: both rules end on the same Monday.
    assert (narrow, wide) == (date(2029, 12, 10), date(2029, 12, 10))
    assert bare_last_day_to_finish(exam, NARROW) == date(2029, 12, 10)
    assert bare_last_day_to_finish(exam, WIDE) == date(2029, 12, 9)


CLOSED_LIMITS = [
    pytest.param(date(2026, 12, 12), date(2026, 12, 14), id="a Saturday"),
    pytest.param(date(2026, 1, 2), date(2026, 1, 5), id="2 January, a Friday"),
    pytest.param(date(2026, 4, 6), date(2026, 4, 7), id="Easter Monday"),
]


def ends_on(limit: date, ground: Condition) -> tuple[Exam, Policy]:
    """A certificate whose *ground* alone holds, for two years that end on *limit*."""
    before = date(limit.year - 2, limit.month, limit.day)
    match ground:
        case Condition.LINKED_AT_ECHEANCE:
            return an_expired_certificate(LONG_AGO, before), NARROW
        case Condition.LINKED_WITHIN_TWO_YEARS:
            end = before + timedelta(days=30)
            exam = an_expired_certificate(
                LONG_AGO, end, linked_at_echeance=False, last_linked_on=before
            )
            return exam, WIDE
        case _:
            end = before + timedelta(days=30)
            return an_expired_certificate(before, end, linked_at_echeance=False), NARROW


@pytest.mark.parametrize(
    "ground", [LINKED_AT_ECHEANCE, LINKED_WITHIN_TWO_YEARS, EXAM_STILL_VALID]
)
@pytest.mark.parametrize(("limit", "extended"), CLOSED_LIMITS)
def test_two_years_that_end_on_a_closed_day_run_to_the_next_open_one(
    ground: Condition, limit: date, extended: date
) -> None:
    exam, policy = ends_on(limit, ground)
    off = replace(policy, delays_extended=False)
    last_days = {
        switch.delays_extended: [
            day
            for day in (limit - A_DAY, limit, extended, extended + A_DAY)
            if finding(grounds_on(exam, day, switch), ground).met
        ]
        for switch in (policy, off)
    }
    assert last_days == {
        True: [limit - A_DAY, limit, extended],
        False: [limit - A_DAY, limit],
    }
    answer = finding(grounds_on(exam, extended, policy), ground)
    assert answer.turns_on == extended
    assert isinstance(may_transfer(exam, extended, policy), Allowed)
    assert isinstance(may_transfer(exam, extended, off), NotAllowed)


@pytest.mark.parametrize(
    ("asked_on", "ended"),
    [
        (date(2026, 12, 8), False),
        (date(2026, 12, 9), False),
        (date(2026, 12, 10), True),
        (date(2026, 12, 11), True),
    ],
)
def test_a_result_does_not_leave_a_certificate_that_has_not_ended(
    asked_on: date, ended: bool
) -> None:
    verdict = may_transfer(an_expired_certificate(), asked_on, NARROW)
    assert isinstance(verdict, Allowed if ended else NotAllowed)
    answer = finding(verdict.findings, Condition.CERTIFICATE_HAS_ENDED)
    assert (answer.met, answer.turns_on) == (ended, date(2026, 12, 10))


@pytest.mark.parametrize("asked_on", [date(2026, 12, 10), date(2050, 1, 3)])
def test_who_was_never_linked_has_the_exam_alone_under_the_wide_rule(
    asked_on: date,
) -> None:
    exam = an_expired_certificate(LONG_AGO, linked_at_echeance=False)
    answers = grounds_on(exam, asked_on, WIDE)
    by_link = finding(answers, LINKED_WITHIN_TWO_YEARS)
    assert (by_link.met, by_link.turns_on) == (False, None)
    assert isinstance(may_transfer(exam, asked_on, WIDE), NotAllowed)
    # Two years after 2021-03-01, a Wednesday.
    assert last_day_to_finish(exam, WIDE) == date(2023, 3, 1)


def test_an_answer_shows_every_condition_with_its_source() -> None:
    for policy, by_link, page in (
        (NARROW, LINKED_AT_ECHEANCE, EXPIRY_PAGE),
        (WIDE, LINKED_WITHIN_TWO_YEARS, COUNSELLOR_PAGE),
    ):
        verdict = may_transfer(recently_passed(), date(2027, 1, 4), policy)
        assert [f.condition for f in verdict.findings] == [
            Condition.CERTIFICATE_HAS_ENDED,
            by_link,
            EXAM_STILL_VALID,
        ]
        assert [f.source for f in verdict.findings] == [EXPIRY_PAGE, page, EXPIRY_PAGE]


def test_only_the_result_of_a_certificate_is_transferred() -> None:
    with pytest.raises(ValueError, match="expired certificate"):
        may_transfer(Exam("new", LONG_AGO, LONG_AGO), date(2026, 12, 10), NARROW)


@pytest.mark.parametrize(
    ("passed_on", "bare", "extended"),
    [
        (date(2024, 12, 10), date(2026, 12, 10), date(2026, 12, 10)),
        (date(2024, 12, 12), date(2026, 12, 12), date(2026, 12, 14)),
        (date(2024, 2, 29), date(2026, 2, 28), date(2026, 3, 2)),  # C.p.c. s. 83
    ],
)
def test_a_newcomer_has_two_years_from_the_exam_to_finish(
    passed_on: date, bare: date, extended: date
) -> None:
    exam = Exam("new", passed_on, passed_on)
    assert bare_last_day_to_finish(exam, NARROW) == bare
    assert last_day_to_finish(exam, NARROW) == extended
    assert last_day_to_finish(exam, BARE) == bare


def test_after_a_transfer_the_farthest_ground_says_how_long_one_may_finish() -> None:
    by_link = an_expired_certificate(date(2024, 12, 10), date(2026, 6, 1))
    by_exam = an_expired_certificate(date(2026, 5, 4), date(2026, 6, 1))
    assert last_day_to_finish(by_link, NARROW) == date(2028, 6, 1)
    assert last_day_to_finish(by_exam, NARROW) == date(2028, 6, 1)
    assert last_day_to_finish(recently_passed(), NARROW) == date(2026, 12, 10)


@given(finalizing().map(exam_of), policies, st.integers(-3, 3))
@example(recently_passed(), NARROW, 0)
@example(recently_passed(), NARROW, 1)
def test_a_transfer_is_possible_from_the_end_to_the_last_day_to_finish(
    exam: Exam, policy: Policy, days: int
) -> None:
    takeover = exam.takeover
    last = last_day_to_finish(exam, policy)
    assert last == last_day_to_act(
        bare_last_day_to_finish(exam, policy), delays_extended=policy.delays_extended
    )
    if takeover is None:
        return
    for limit in (takeover.echeance, last):
        asked_on = limit + timedelta(days=days)
        verdict = may_transfer(exam, asked_on, policy)
        assert isinstance(verdict, Allowed) is (takeover.echeance <= asked_on <= last)


@given(finalizing().map(exam_of), policies, st.dates(date(2024, 1, 1)))
def test_no_ground_once_lost_comes_back(exam: Exam, policy: Policy, day: date) -> None:
    today = {f.condition for f in grounds_on(exam, day, policy) if f.met}
    earlier = grounds_on(exam, day - timedelta(days=40), policy)
    assert today <= {f.condition for f in earlier if f.met}
    wide = policy.transfer_rule is TransferRule.WIDE
    by_link = LINKED_WITHIN_TWO_YEARS if wide else LINKED_AT_ECHEANCE
    expected = [by_link, EXAM_STILL_VALID] if exam.takeover else [EXAM_STILL_VALID]
    assert [f.condition for f in earlier] == expected
