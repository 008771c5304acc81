"""The numbered scenarios of the law, each as one story with its own dates.

Not here, for they are no rules: 10 (a payment answered twice or never: the payment's
own effects), 12 (whose certificate it is: a person looks; the shape of numbers is in
test_numbers.py), 13 and 15 (who signs in, and with which account), 17 and 18 (a
suspension for cause and a debt settlement permit: tasks for a person). 16 needs the
kind CCV, which does not exist yet: its term stands in for it.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from rules.agenda import Act, agenda, civil_day_of
from rules.civil_time import ZONE, add_years, at_local, civil_date, start_of
from rules.dossier import Dossier, Exam, Phase, Stage, Term, TransferRequest
from rules.links import unlinked_since
from rules.policy import Policy
from rules.reasons import Allowed, Condition, NotAllowed
from rules.standing import (
    certificate_due,
    ended_certificate,
    last_day_unlinked,
    phase_at,
    renewal_due,
    way_back_until,
)
from rules.transfer import last_day_to_finish, may_transfer
from tests.dossiers import (
    OTHER_PERMIT,
    a_finalizing,
    a_holder,
    a_link,
    a_newcomer,
    a_policy,
    an_expired_certificate,
    finding,
    noon,
    permit_lost,
    with_issue_paid,
    with_renewal_paid,
)

POLICY = a_policy()
WIDE = a_policy(transfer_rule="wide")
BARE = a_policy(delays_extended=False)
ECHEANCE = date(2026, 12, 10)
A_SECOND = timedelta(seconds=1)


def result_of(dossier: Dossier, on: date, policy: Policy = POLICY) -> Exam:
    exam = ended_certificate(dossier, policy, start_of(on))
    assert exam is not None
    return exam


@pytest.mark.parametrize(
    ("starts", "start", "echeance"),
    [
        ("old_echeance", date(2026, 12, 10), date(2028, 12, 10)),
        ("payment", date(2026, 12, 1), date(2028, 12, 1)),
    ],
)
def test_scenario_1_a_renewal_on_time_leaves_no_gap(
    starts: str, start: date, echeance: date
) -> None:
    policy = a_policy(renewed_term_starts=starts)
    paid = with_renewal_paid(a_holder(), noon(date(2026, 12, 1)))
    term = renewal_due(paid, policy)
    assert term is not None
    assert (term.start, term.echeance) == (start, echeance)
    renewed = replace(paid, terms=(*paid.terms, term))
    for at in (start_of(ECHEANCE) - A_SECOND, start_of(ECHEANCE)):
        assert phase_at(renewed, policy, at) is Phase.IN_FORCE
    assert phase_at(renewed, policy, start_of(echeance)) is Phase.EXPIRED


@pytest.mark.parametrize(
    ("captured_at", "timely"),
    [
        (datetime(2026, 12, 10, 4, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 12, 10, 5, 0, 0, tzinfo=UTC), False),
    ],
)
def test_scenario_2_the_second_of_the_capture_decides_however_late_it_is_told(
    captured_at: datetime, timely: bool
) -> None:
    assert phase_at(a_holder(), POLICY, start_of(ECHEANCE)) is Phase.EXPIRED
    # Told after the expiry: the dossier knows the payment only from now on.
    told = with_renewal_paid(a_holder(), captured_at)
    term = renewal_due(told, POLICY)
    assert (term is not None) is timely
    if term is not None:
        honoured = replace(told, terms=(*told.terms, term))
        assert phase_at(honoured, POLICY, start_of(ECHEANCE)) is Phase.IN_FORCE


@pytest.mark.parametrize(
    ("policy", "ground"),
    [
        (POLICY, Condition.LINKED_AT_ECHEANCE),
        (WIDE, Condition.LINKED_WITHIN_TWO_YEARS),
    ],
)
def test_scenario_3_who_was_linked_at_the_end_comes_back_with_the_old_result(
    policy: Policy, ground: Condition
) -> None:
    asked_on = date(2027, 1, 15)
    expired = a_holder(ECHEANCE, passed_on=date(2022, 11, 20))
    exam = result_of(expired, asked_on, policy)
    verdict = may_transfer(exam, asked_on, policy)
    assert isinstance(verdict, Allowed)
    assert verdict.ground is ground
    dossier = a_finalizing(exam.passed_on, here_since=asked_on, takeover=exam.takeover)
    assert phase_at(dossier, policy, noon(asked_on)) is Phase.TO_FINALIZE
    paid = with_issue_paid(dossier, noon(date(2027, 1, 18)))
    assert certificate_due(paid, policy, date(2027, 1, 18)) is None
    linked = paid.with_link(a_link(date(2027, 1, 20)))
    term = certificate_due(linked, policy, date(2027, 1, 20))
    assert term is not None
    assert (term.start, term.echeance) == (date(2027, 1, 20), date(2029, 1, 20))


@pytest.mark.parametrize(
    ("asked_on", "narrow", "wide"),
    [
        (date(2026, 12, 10), Condition.EXAM_STILL_VALID, True),
        (date(2026, 12, 11), None, True),
    ],
)
def test_scenario_4_an_exam_of_exactly_two_years_is_in_and_a_day_more_is_out(
    asked_on: date, narrow: Condition | None, wide: bool
) -> None:
    passed_on = date(2024, 12, 10)
    dossier = a_holder(
        ECHEANCE,
        passed_on=passed_on,
        links=(a_link(passed_on, date(2025, 6, 2)),),
    )
    exam = result_of(dossier, asked_on)
    assert exam.takeover is not None
    assert not exam.takeover.linked_at_echeance
    verdict = may_transfer(exam, asked_on, POLICY)
    assert (verdict.ground if isinstance(verdict, Allowed) else None) is narrow
    by_wide = may_transfer(exam, asked_on, WIDE)
    assert isinstance(by_wide, Allowed) is wide
    # The wider switch says yes on the link of 2025.
    by_link = finding(by_wide.findings, Condition.LINKED_WITHIN_TWO_YEARS)
    assert (by_link.met, by_link.turns_on) == (True, date(2027, 6, 1))


@pytest.mark.parametrize(
    ("finished_on", "extended", "bare"),
    [
        (date(2026, 12, 11), True, True),
        (date(2026, 12, 12), True, True),
        (date(2026, 12, 14), True, False),
        (date(2026, 12, 15), False, False),
    ],
)
def test_scenario_5_two_years_that_end_on_a_saturday_are_timely_on_monday(
    finished_on: date, extended: bool, bare: bool
) -> None:
    dossier = with_issue_paid(
        a_finalizing(
            date(2024, 12, 12),
            here_since=date(2026, 11, 2),
            links=(a_link(finished_on),),
        ),
        noon(finished_on),
    )
    for policy, timely in ((POLICY, extended), (BARE, bare)):
        term = certificate_due(dossier, policy, date(2027, 1, 4))
        assert (term is not None) is timely


@pytest.mark.parametrize(
    ("leap_day_term", "last_valid_day", "echeance"),
    [
        ("february_28", date(2030, 2, 27), date(2030, 2, 28)),
        ("march_1", date(2030, 2, 28), date(2030, 3, 1)),
    ],
)
def test_scenario_6_a_certificate_of_29_february_ends_on_a_day_that_exists(
    leap_day_term: str, last_valid_day: date, echeance: date
) -> None:
    policy = a_policy(leap_day_term=leap_day_term)
    issued = date(2028, 2, 29)
    dossier = with_issue_paid(
        a_finalizing(
            date(2027, 9, 1), here_since=date(2028, 2, 1), links=(a_link(issued),)
        ),
        noon(date(2028, 2, 2)),
    )
    term = certificate_due(dossier, policy, issued)
    assert term is not None
    assert (term.start, term.echeance) == (issued, echeance)
    holder = replace(dossier, terms=(term,))
    assert phase_at(holder, policy, noon(last_valid_day)) is Phase.IN_FORCE
    assert phase_at(holder, policy, start_of(echeance)) is Phase.EXPIRED
    last = [d for d in agenda(holder, policy) if d.notice == "reminder_0"]
    assert [civil_day_of(duty) for duty in last] == [last_valid_day]


@pytest.mark.parametrize(
    ("counted_from", "day"),
    [
        ("last_valid_day", date(2026, 10, 2)),
        ("echeance", date(2026, 10, 3)),
    ],
)
def test_scenario_7_a_last_day_of_25_hours_moves_neither_expiry_nor_reminder(
    counted_from: str, day: date
) -> None:
    dossier = a_holder(date(2026, 11, 2))
    expiry = datetime(2026, 11, 2, 5, tzinfo=UTC)
    assert start_of(date(2026, 11, 2)) == expiry
    assert phase_at(dossier, POLICY, expiry - A_SECOND) is Phase.IN_FORCE
    assert phase_at(dossier, POLICY, expiry) is Phase.EXPIRED
    policy = a_policy(reminders_counted_from=counted_from)
    duties = agenda(dossier, policy)
    assert [d.due_at for d in duties if d.act is Act.EXPIRE] == [expiry]
    (month,) = (d for d in duties if d.notice == "reminder_30")
    (week,) = (d for d in duties if d.notice == "reminder_7")
    assert civil_day_of(month) == day
    assert month.due_at.astimezone(ZONE).hour in {9, 10}
    last = max((d for d in duties if d.ladder == month.ladder), key=lambda d: d.due_at)
    assert civil_day_of(last) == date(2026, 11, 1)
    # The clocks went back between them: a count of 24 hours would be one early.
    days = civil_day_of(last) - civil_day_of(week)
    assert last.due_at - week.due_at == days + timedelta(hours=1)


@pytest.mark.parametrize(
    ("day", "local"),
    [(date(2027, 3, 14), time(2, 30)), (date(2026, 11, 1), time(1, 30))],
)
def test_scenario_8_a_daily_hour_happens_once_on_the_days_clocks_move(
    day: date, local: time
) -> None:
    days = [day + timedelta(days=n) for n in (-1, 0, 1)]
    instants = [at_local(one, local) for one in days]
    assert [civil_date(at) for at in instants] == days
    assert instants == sorted(set(instants))


def test_scenario_9_one_of_two_agents_is_enough_and_losing_both_suspends() -> None:
    start, lost, ended = date(2026, 1, 12), date(2026, 12, 31), date(2027, 3, 1)
    both = replace(
        a_holder(
            date(2028, 1, 12),
            links=(
                a_link(start),
                a_link(start, permit=OTHER_PERMIT, link_id="link-2"),
            ),
        ),
        permit_changes=(permit_lost(lost),),
    )
    assert phase_at(both, POLICY, noon(lost)) is Phase.IN_FORCE
    none = both.with_link(a_link(start, ended, permit=OTHER_PERMIT, link_id="link-2"))
    assert phase_at(none, POLICY, start_of(ended) - A_SECOND) is Phase.IN_FORCE
    assert phase_at(none, POLICY, start_of(ended)) is Phase.SUSPENDED
    assert unlinked_since(none, date(2027, 9, 1)) == ended
    assert last_day_unlinked(ended, POLICY) == date(2029, 3, 1)


def test_scenario_11_the_two_years_run_on_while_missing_items_are_awaited() -> None:
    asked_on, complete_by = date(2026, 11, 24), date(2026, 12, 24)
    expired = an_expired_certificate(
        date(2024, 12, 10), date(2026, 6, 1), linked_at_echeance=False
    )
    dossier = replace(
        a_newcomer(asked_on),
        request=TransferRequest(
            "r1", asked_on, Stage.ITEMS_MISSING, complete_by=complete_by
        ),
    )
    acts = {duty.act: civil_day_of(duty) for duty in agenda(dossier, POLICY)}
    # Asked again after a time, and closed once the last day is over.
    assert acts == {
        Act.WRITE: date(2026, 12, 9),
        Act.CLOSE_REQUEST: date(2026, 12, 25),
    }
    assert last_day_to_finish(expired, POLICY) == date(2026, 12, 10)
    assert isinstance(may_transfer(expired, asked_on, POLICY), Allowed)
    assert isinstance(may_transfer(expired, complete_by, POLICY), NotAllowed)


@pytest.mark.parametrize(
    ("asked_on", "extended", "bare"),
    [
        (date(2021, 1, 1), True, True),
        (date(2022, 11, 19), True, True),
        (date(2022, 11, 20), True, True),  # a Sunday
        (date(2022, 11, 21), True, False),
        (date(2022, 11, 22), False, False),
    ],
)
def test_scenario_14_a_temporary_certificate_gives_its_result_for_two_years(
    asked_on: date, extended: bool, bare: bool
) -> None:
    temporary = replace(
        a_holder(
            date(2021, 1, 1),
            passed_on=date(2020, 11, 20),
            links=(a_link(date(2019, 9, 3), date(2020, 12, 1)),),
        ),
        terms=(Term(date(2019, 9, 3), date(2021, 1, 1)),),
    )
    exam = result_of(temporary, asked_on)
    for policy, allowed in ((POLICY, extended), (BARE, bare)):
        verdict = may_transfer(exam, asked_on, policy)
        assert isinstance(verdict, Allowed) is allowed
        assert finding(verdict.findings, Condition.LINKED_AT_ECHEANCE).met is False
    never_passed = replace(temporary, exam=None)
    assert ended_certificate(never_passed, POLICY, start_of(asked_on)) is None
    assert way_back_until(never_passed, POLICY, start_of(asked_on)) is None


def test_scenario_16_a_term_of_one_year_makes_the_second_ground_help() -> None:
    one_year = a_policy(term_years=1)
    echeance, passed_on = date(2027, 2, 1), date(2026, 1, 20)
    issued = with_issue_paid(
        a_finalizing(
            passed_on,
            here_since=passed_on,
            links=(a_link(date(2026, 2, 1), date(2026, 9, 1)),),
        ),
        noon(date(2026, 2, 1)),
    )
    term = certificate_due(issued, one_year, date(2026, 2, 2))
    assert term is not None
    assert term.echeance == echeance == add_years(term.start, 1)
    asked_on = date(2027, 3, 1)
    exam = result_of(replace(issued, terms=(term,)), asked_on, one_year)
    verdict = may_transfer(exam, asked_on, one_year)
    assert isinstance(verdict, Allowed)
    assert verdict.ground is Condition.EXAM_STILL_VALID
