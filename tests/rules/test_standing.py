"""Where a dossier stands: in force, suspended, expired; and how it is explained."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules.civil_time import add_years, end_of, start_of
from rules.dossier import (
    Dossier,
    Ending,
    EndReason,
    Phase,
    Stage,
    Term,
    TransferRequest,
)
from rules.policy import Policy
from rules.reasons import Condition, Finding
from rules.standing import (
    ended_certificate,
    ended_on,
    explain,
    last_day_unlinked,
    phase_at,
    terms_to_print,
    unlinked_too_long_since,
    way_back_until,
)
from tests.dossiers import (
    OTHER_PERMIT,
    TODAY,
    a_finalizing,
    a_holder,
    a_link,
    a_newcomer,
    a_policy,
    an_expired_certificate,
    finding,
    noon,
    permit_back,
    permit_lost,
    with_issue_paid,
)
from tests.rules.lives import holders, policies

POLICY = a_policy()
A_DAY = timedelta(days=1)
A_SECOND = timedelta(seconds=1)
ECHEANCE = date(2026, 12, 10)
START = date(2024, 12, 10)
LAST_SECOND = datetime(2026, 12, 10, 4, 59, 59, tzinfo=UTC)
MIDNIGHT = datetime(2026, 12, 10, 5, tzinfo=UTC)

# ------------------------------------------------------------- the end of a term


@pytest.mark.parametrize(
    ("at", "phase"),
    [
        (LAST_SECOND, Phase.IN_FORCE),
        (MIDNIGHT, Phase.EXPIRED),
        (MIDNIGHT + timedelta(days=300), Phase.EXPIRED),
    ],
)
def test_a_certificate_expires_at_midnight_in_quebec(
    at: datetime, phase: Phase
) -> None:
    assert phase_at(a_holder(), POLICY, at) is phase
    assert start_of(ECHEANCE) == MIDNIGHT


@pytest.mark.parametrize(
    ("until", "linked", "last_linked_on"),
    [
        pytest.param(date(2026, 12, 8), False, date(2026, 12, 7), id="two days before"),
        pytest.param(date(2026, 12, 9), False, date(2026, 12, 8), id="last valid day"),
        pytest.param(date(2026, 12, 10), True, date(2026, 12, 9), id="the echeance"),
        pytest.param(date(2026, 12, 11), True, date(2026, 12, 9), id="the day after"),
        pytest.param(None, True, date(2026, 12, 9), id="no end"),
    ],
)
def test_linked_at_the_echeance_means_linked_on_the_last_valid_day(
    until: date | None, linked: bool, last_linked_on: date
) -> None:
    dossier = a_holder(links=(a_link(START, until),))
    exam = ended_certificate(dossier, POLICY, MIDNIGHT)
    assert exam is not None
    assert exam.takeover is not None
    assert exam.takeover.echeance == ECHEANCE
    assert exam.takeover.linked_at_echeance is linked
    assert exam.takeover.last_linked_on == last_linked_on
    assert ended_certificate(dossier, POLICY, LAST_SECOND) is None


def test_a_result_that_went_elsewhere_cannot_be_given_again() -> None:
    dossier = a_holder()
    assert ended_certificate(replace(dossier, exam=None), POLICY, MIDNIGHT) is None
    closed = replace(dossier, ending=Ending(EndReason.RESULT_MOVED, ECHEANCE))
    assert ended_certificate(closed, POLICY, MIDNIGHT) is None
    assert way_back_until(closed, POLICY, MIDNIGHT) is None
    # Two years after the échéance is a Sunday.
    assert way_back_until(dossier, POLICY, MIDNIGHT) == date(2028, 12, 11)


@given(
    st.dates(date(2024, 1, 1), date(2100, 12, 31)),
    st.lists(st.integers(-700 * 86400, 900 * 86400), min_size=2, max_size=6),
)
@example(date(2028, 2, 29), [-1, 0])
@example(date(2026, 11, 2), [-1, 0])  # the last valid day has 25 hours
@example(date(2027, 3, 15), [-1, 0])  # the last valid day has 23 hours
def test_when_nothing_is_told_time_leads_from_in_force_to_expired_and_never_back(
    echeance: date, seconds: list[int]
) -> None:
    dossier = a_holder(echeance)
    for n in sorted(seconds):
        at = start_of(echeance) + timedelta(seconds=n)
        expected = Phase.IN_FORCE if n < 0 else Phase.EXPIRED
        assert phase_at(dossier, POLICY, at) is expected


@given(holders(), policies)
def test_an_expired_certificate_stays_so_whatever_was_told_ahead(
    dossier: Dossier, policy: Policy
) -> None:
    start = dossier.terms[0].start
    phases = [
        phase_at(dossier, policy, noon(start + timedelta(days=n)))
        for n in range(0, 2400, 12)
    ]
    assert phases[-1] is Phase.EXPIRED
    first = phases.index(Phase.EXPIRED)
    assert set(phases[first:]) == {Phase.EXPIRED}
    assert set(phases[:first]) <= {Phase.IN_FORCE, Phase.SUSPENDED}


@given(holders(), policies)
def test_a_certificate_ends_on_one_day_which_every_answer_agrees_on(
    dossier: Dossier, policy: Policy
) -> None:
    long_after = start_of(add_years(dossier.terms[-1].echeance, 10))
    end = ended_on(dossier, policy, long_after)
    assert phase_at(dossier, policy, start_of(end)) is Phase.EXPIRED
    assert phase_at(dossier, policy, start_of(end) - A_SECOND) is not Phase.EXPIRED
    assert ended_on(dossier, policy, start_of(end)) == end
    exam = ended_certificate(dossier, policy, start_of(end))
    assert exam is not None
    assert exam.takeover is not None
    assert exam.takeover.echeance == end
    assert exam.takeover.linked_at_echeance is (
        exam.takeover.last_linked_on == end - A_DAY
    )


# ------------------------------------------------------ suspended for two years


def unlinked_from(since: date, *later: date) -> Dossier:
    """A holder renewed until 2030-12-10, unlinked from *since*, linked again later."""
    links = [a_link(START, since)]
    links += [a_link(day, permit=OTHER_PERMIT, link_id=f"back-{day}") for day in later]
    first = Term(START, ECHEANCE)
    second = Term(ECHEANCE, date(2028, 12, 10))
    third = Term(date(2028, 12, 10), date(2030, 12, 10))
    return replace(a_holder(links=tuple(links)), terms=(first, second, third))


@pytest.mark.parametrize(
    ("since", "last"),
    [
        pytest.param(date(2025, 6, 2), date(2027, 6, 2), id="a Wednesday"),
        pytest.param(date(2025, 6, 5), date(2027, 6, 7), id="a Saturday, s. 269"),
        pytest.param(date(2025, 1, 1), date(2027, 1, 4), id="1 January, s. 269"),
        pytest.param(date(2025, 3, 29), date(2027, 3, 30), id="Easter Monday, s. 269"),
    ],
)
def test_two_years_suspended_are_the_most_their_anniversary_included(
    since: date, last: date
) -> None:
    # « not affiliated for more than 2 years » (OPC, work-stoppage, 2021-05-03)
    dossier = unlinked_from(since)
    assert last_day_unlinked(since, POLICY) == last
    assert phase_at(dossier, POLICY, start_of(since) - A_SECOND) is Phase.IN_FORCE
    assert phase_at(dossier, POLICY, start_of(since)) is Phase.SUSPENDED
    assert phase_at(dossier, POLICY, end_of(last) - A_SECOND) is Phase.SUSPENDED
    assert phase_at(dossier, POLICY, end_of(last)) is Phase.EXPIRED
    assert ended_on(dossier, POLICY, end_of(last)) == last + A_DAY
    exam = ended_certificate(dossier, POLICY, end_of(last))
    assert exam is not None
    assert exam.takeover is not None
    assert exam.takeover.echeance == last + A_DAY
    assert not exam.takeover.linked_at_echeance
    assert exam.takeover.last_linked_on == since - A_DAY


def test_without_the_extension_the_bare_anniversary_is_the_last_day() -> None:
    bare = a_policy(delays_extended=False)
    dossier = unlinked_from(date(2025, 6, 5))
    assert last_day_unlinked(date(2025, 6, 5), bare) == date(2027, 6, 5)
    assert phase_at(dossier, bare, end_of(date(2027, 6, 5))) is Phase.EXPIRED
    assert phase_at(dossier, POLICY, end_of(date(2027, 6, 5))) is Phase.SUSPENDED


@pytest.mark.parametrize(
    ("linked_again", "phase"),
    [
        (date(2027, 6, 4), Phase.IN_FORCE),
        (date(2027, 6, 7), Phase.IN_FORCE),
        (date(2027, 6, 8), Phase.EXPIRED),
        (date(2028, 1, 3), Phase.EXPIRED),
    ],
)
def test_a_link_brings_back_a_suspended_certificate_never_an_ended_one(
    linked_again: date, phase: Phase
) -> None:
    since = date(2025, 6, 5)  # two years end on Monday 2027-06-07
    dossier = unlinked_from(since, linked_again)
    assert phase_at(dossier, POLICY, noon(linked_again)) is phase
    assert phase_at(dossier, POLICY, noon(date(2028, 6, 1))) is phase
    ends = since if phase is Phase.EXPIRED else None
    assert unlinked_too_long_since(dossier, POLICY) == ends


def test_a_term_that_ends_before_the_two_years_ends_the_certificate_first() -> None:
    dossier = a_holder(links=(a_link(START, date(2025, 6, 2)),))
    assert phase_at(dossier, POLICY, LAST_SECOND) is Phase.SUSPENDED
    assert phase_at(dossier, POLICY, MIDNIGHT) is Phase.EXPIRED
    assert ended_on(dossier, POLICY, MIDNIGHT) == ECHEANCE


def test_a_permit_lost_suspends_and_its_return_reinstates() -> None:
    lost, back = date(2026, 2, 2), date(2026, 3, 2)
    dossier = replace(a_holder(), permit_changes=(permit_lost(lost), permit_back(back)))
    assert [
        phase_at(dossier, POLICY, at)
        for day in (lost, back)
        for at in (start_of(day) - A_SECOND, start_of(day))
    ] == [Phase.IN_FORCE, Phase.SUSPENDED, Phase.SUSPENDED, Phase.IN_FORCE]


# ------------------------------------------------------------------ explanations


def test_each_phase_explains_itself_by_its_own_conditions() -> None:
    here, paid, linked, in_time = (
        Condition.EXAM_RESULT_IS_HERE,
        Condition.INVOICE_PAID,
        Condition.AGENCY_LINKED,
        Condition.BEFORE_THE_LIMIT,
    )
    running, ended = Condition.TERM_IS_RUNNING, Condition.CERTIFICATE_HAS_ENDED
    by_link, by_exam = Condition.LINKED_AT_ECHEANCE, Condition.EXAM_STILL_VALID
    in_review = replace(
        a_newcomer(),
        request=TransferRequest(
            "r", TODAY, Stage.WITH_STAFF, findings=explained(a_holder(), MIDNIGHT)
        ),
    )
    closed = replace(a_holder(), ending=Ending(EndReason.CANCELLED, TODAY))
    now = noon(TODAY)
    for dossier, at, phase, answers in (
        (a_newcomer(), now, Phase.EXAM_AWAITED, [(here, False)]),
        (
            in_review,
            now,
            Phase.IN_REVIEW,
            [(ended, True), (by_link, True), (by_exam, False)],
        ),
        (
            a_finalizing(),
            now,
            Phase.TO_FINALIZE,
            [(here, True), (paid, None), (linked, None), (in_time, True)],
        ),
        (a_holder(), now, Phase.IN_FORCE, [(running, True), (linked, True)]),
        (
            a_holder(links=()),
            now,
            Phase.SUSPENDED,
            [(running, True), (linked, False)],
        ),
        (
            a_holder(links=()),
            MIDNIGHT,
            Phase.EXPIRED,
            [(ended, True), (by_link, False), (by_exam, False)],
        ),
        (replace(a_holder(), exam=None), MIDNIGHT, Phase.EXPIRED, [(ended, True)]),
        (closed, now, Phase.CLOSED, []),
    ):
        assert phase_at(dossier, POLICY, at) is phase
        found = [(f.condition, f.met) for f in explained(dossier, at)]
        assert found == answers


def explained(dossier: Dossier, at: datetime) -> tuple[Finding, ...]:
    return explain(dossier, POLICY, at)


def test_finalizing_shows_what_is_done_and_until_when_the_rest_may_be() -> None:
    limit = date(2028, 11, 1)  # two years after the exam
    waiting = explained(a_finalizing(), noon(TODAY))
    for condition in (
        Condition.INVOICE_PAID,
        Condition.AGENCY_LINKED,
        Condition.BEFORE_THE_LIMIT,
    ):
        assert finding(waiting, condition).turns_on == limit
    paid = with_issue_paid(a_finalizing(), noon(date(2026, 11, 25)))
    answer = finding(explained(paid, noon(TODAY)), Condition.INVOICE_PAID)
    assert (answer.met, answer.turns_on) == (True, date(2026, 11, 25))
    linked = explained(a_finalizing(links=(a_link(TODAY),)), noon(TODAY))
    assert finding(linked, Condition.AGENCY_LINKED).met is True


def test_an_exam_that_lapsed_is_not_said_to_be_missing() -> None:
    dossier = a_finalizing(passed_on=date(2024, 12, 12))
    before, after = end_of(date(2026, 12, 14)) - A_SECOND, end_of(date(2026, 12, 14))
    assert phase_at(dossier, POLICY, before) is Phase.TO_FINALIZE
    assert phase_at(dossier, POLICY, after) is Phase.EXAM_AWAITED
    answers = explained(dossier, after)
    assert finding(answers, Condition.EXAM_RESULT_IS_HERE).met is True
    lapsed = finding(answers, Condition.BEFORE_THE_LIMIT)
    assert (lapsed.met, lapsed.turns_on) == (False, date(2026, 12, 14))


def test_a_running_term_shows_its_last_valid_day_and_since_when_no_link_lives() -> None:
    answers = explained(a_holder(links=(a_link(START, date(2026, 3, 2)),)), noon(TODAY))
    running = finding(answers, Condition.TERM_IS_RUNNING)
    assert running.turns_on == date(2026, 12, 9)
    assert finding(answers, Condition.AGENCY_LINKED).turns_on == date(2026, 3, 2)
    answers = explained(unlinked_from(date(2025, 6, 5)), noon(TODAY))
    # Two years without a link end the certificate before its échéance.
    running = finding(answers, Condition.TERM_IS_RUNNING)
    assert running.turns_on == date(2027, 6, 7)


def test_a_transferred_result_is_finished_within_the_time_of_its_ground() -> None:
    takeover = an_expired_certificate().takeover
    dossier = a_finalizing(date(2022, 11, 20), takeover=takeover)
    last = date(2028, 12, 11)  # two years after the échéance end on a Sunday
    assert phase_at(dossier, POLICY, end_of(last) - A_SECOND) is Phase.TO_FINALIZE
    assert phase_at(dossier, POLICY, end_of(last)) is Phase.EXAM_AWAITED


PRESENT = Term(date(2024, 12, 10), date(2026, 12, 10))
TO_COME = Term(date(2026, 12, 10), date(2028, 12, 10))


@pytest.mark.parametrize(
    ("changes", "on", "starts"),
    [
        ({}, date(2026, 12, 9), [PRESENT.start]),
        ({}, date(2026, 12, 10), []),
        (
            {"terms": (PRESENT, TO_COME)},
            date(2026, 12, 9),
            [PRESENT.start, TO_COME.start],
        ),
        ({"terms": (PRESENT, TO_COME)}, date(2026, 12, 10), [TO_COME.start]),
        ({"terms": (PRESENT, TO_COME)}, date(2028, 12, 9), [TO_COME.start]),
        ({"terms": (PRESENT, TO_COME)}, date(2028, 12, 10), []),
        ({"links": ()}, date(2026, 12, 9), [PRESENT.start]),
        ({"ending": Ending(EndReason.CANCELLED, TODAY)}, date(2026, 12, 9), []),
        ({"terms": ()}, date(2026, 12, 9), []),
    ],
    ids=[
        *("last valid day", "échéance", "renewed, last day of the first term"),
        *("renewed, first day of the second", "last valid day of the second"),
        *("échéance of the second", "suspended", "cancelled", "no term"),
    ],
)
def test_a_certificate_is_printed_again_while_its_term_runs_or_is_to_come(
    changes: dict[str, object], on: date, starts: list[date]
) -> None:
    dossier = replace(a_holder(), **changes)  # type: ignore[arg-type] # fields of a Dossier
    found = terms_to_print(dossier, POLICY, end_of(on) - timedelta(seconds=1))
    assert [term.start for term in found] == starts


def test_two_years_without_a_link_end_what_may_be_printed() -> None:
    dossier = replace(
        a_holder(links=(a_link(until=date(2025, 1, 10)),)),
        terms=(PRESENT, TO_COME),
    )
    last = last_day_unlinked(date(2025, 1, 10), POLICY)
    assert terms_to_print(dossier, POLICY, end_of(last) - timedelta(seconds=1))
    assert not terms_to_print(dossier, POLICY, end_of(last))
