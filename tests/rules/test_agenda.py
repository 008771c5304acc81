"""What falls due and when: the civil day and the hour of each duty."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from rules.agenda import (
    Act,
    Duty,
    agenda,
    civil_day_of,
    falling_due,
    renewal_opens_on,
)
from rules.civil_time import ZONE, add_years, end_of, start_of
from rules.dossier import (
    Dossier,
    Ending,
    EndReason,
    Stage,
    Task,
    Term,
    TransferRequest,
)
from rules.policy import Policy
from rules.standing import renewal_due
from tests.dossiers import (
    HOLDER,
    NEWCOMER,
    TODAY,
    a_finalizing,
    a_holder,
    a_link,
    a_newcomer,
    a_policy,
    noon,
    permit_lost,
    with_renewal_paid,
)

POLICY = a_policy()
A_DAY = timedelta(days=1)
ECHEANCE = date(2026, 12, 10)
START = date(2024, 12, 10)


def letters(dossier: Dossier, policy: Policy = POLICY) -> dict[str | None, date]:
    return {
        duty.notice: civil_day_of(duty)
        for duty in agenda(dossier, policy)
        if duty.act is Act.WRITE
    }


def duty_of(dossier: Dossier, act: Act, policy: Policy = POLICY) -> Duty:
    (found,) = (duty for duty in agenda(dossier, policy) if duty.act is act)
    return found


def hour_of(duty: Duty) -> time:
    return duty.due_at.astimezone(ZONE).time()


# -------------------------------------------------------------- the term's letters


def test_each_letter_of_a_term_falls_on_its_civil_day() -> None:
    assert letters(a_holder()) == {
        "account_dormant": date(2026, 10, 10),
        "reminder_90": date(2026, 9, 10),
        "reminder_60": date(2026, 10, 10),
        "reminder_30": date(2026, 11, 9),
        "reminder_14": date(2026, 11, 25),
        "reminder_7": date(2026, 12, 2),
        "reminder_1": date(2026, 12, 8),
        "reminder_0": date(2026, 12, 9),
    }


def test_counted_from_the_echeance_the_steps_move_a_day_and_the_last_is_none() -> None:
    moved = letters(a_holder(), a_policy(reminders_counted_from="echeance"))
    assert moved["reminder_90"] == date(2026, 9, 11)
    assert moved["reminder_1"] == date(2026, 12, 9)
    # Its day would be the échéance itself: nothing is left to remind of.
    assert "reminder_0" not in moved


def test_the_last_reminder_leaves_on_the_morning_of_the_last_valid_day() -> None:
    (last,) = (d for d in agenda(a_holder(), POLICY) if d.notice == "reminder_0")
    assert civil_day_of(last) == date(2026, 12, 9)
    assert time(9) <= hour_of(last) < time(11)
    assert last.useless_at == datetime(2026, 12, 10, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "day"),
    [
        (date(2024, 12, 10), date(2026, 10, 10)),
        (date(2025, 4, 30), date(2027, 2, 28)),  # C.p.c. s. 83
        (date(2026, 4, 29), date(2028, 2, 29)),
    ],
)
def test_a_dormant_account_is_told_22_months_after_the_start_of_the_term(
    start: date, day: date
) -> None:
    dossier = a_holder(add_years(start, 2))
    assert letters(dossier)["account_dormant"] == day
    sooner = a_policy(account_dormant_after_months=12)
    assert letters(a_holder(), sooner)["account_dormant"] == date(2025, 12, 10)


def test_the_renewal_opens_with_the_first_reminder() -> None:
    opening = duty_of(a_holder(), Act.OPEN_RENEWAL)
    (first,) = (d for d in agenda(a_holder(), POLICY) if d.notice == "reminder_90")
    assert opening.due_at == first.due_at
    assert renewal_opens_on(ECHEANCE, POLICY) == civil_day_of(opening)


@pytest.mark.parametrize(
    ("echeance", "notice", "day", "offset"),
    [
        (date(2026, 11, 2), "reminder_0", date(2026, 11, 1), -5),
        (date(2026, 11, 2), "reminder_1", date(2026, 10, 31), -4),
        (date(2027, 3, 15), "reminder_0", date(2027, 3, 14), -4),
        (date(2027, 3, 15), "reminder_1", date(2027, 3, 13), -5),
    ],
)
def test_a_letter_keeps_its_hour_in_quebec_on_the_days_clocks_move(
    echeance: date, notice: str, day: date, offset: int
) -> None:
    (duty,) = (d for d in agenda(a_holder(echeance), POLICY) if d.notice == notice)
    at_nine = datetime.combine(day, time(9 - offset), tzinfo=UTC)
    assert at_nine <= duty.due_at < at_nine + timedelta(hours=2)


def test_a_certificate_expires_at_midnight_even_before_a_closed_day() -> None:
    # 2026-12-12 is a Saturday; the term is a status that no holiday moves.
    duty = duty_of(a_holder(date(2026, 12, 12)), Act.EXPIRE)
    assert duty.due_at == datetime(2026, 12, 12, 5, tzinfo=UTC)
    assert duty.useless_at is None


def test_a_renewed_term_has_the_whole_ladder_again() -> None:
    paid = with_renewal_paid(a_holder(), noon(date(2026, 12, 1)))
    before, after = (agenda(d, POLICY) for d in (paid, _renewed(paid, POLICY)))
    assert [d.notice for d in after] == [d.notice for d in before]
    assert not {d.key for d in after} & {d.key for d in before if d.notice}
    assert duty_of(_renewed(paid, POLICY), Act.EXPIRE).due_at == start_of(
        date(2028, 12, 10)
    )


def _renewed(dossier: Dossier, policy: Policy) -> Dossier:
    term = renewal_due(dossier, policy)
    return dossier if term is None else replace(dossier, terms=(*dossier.terms, term))


# ------------------------------------------------------- suspended, finalizing


def test_two_years_without_a_link_end_the_certificate_and_its_letters() -> None:
    since = date(2026, 9, 21)  # two years end on Thursday 2028-09-21
    dossier = replace(
        a_holder(links=(a_link(START, since),)),
        terms=(Term(START, ECHEANCE), Term(ECHEANCE, date(2028, 12, 10))),
    )
    end = duty_of(dossier, Act.END_UNLINKED)
    assert end.key == f"{HOLDER}/2026-09-21/end_unlinked"
    assert end.due_at == end_of(date(2028, 9, 21))
    assert letters(dossier) == {"reminder_90": date(2028, 9, 10)}
    (last,) = (d for d in agenda(dossier, POLICY) if d.notice)
    assert last.useless_at == end.due_at
    assert duty_of(dossier, Act.EXPIRE).due_at == start_of(date(2028, 12, 10))


@pytest.mark.parametrize(
    ("since", "acts"),
    [
        # Two years without a link end the day before the échéance, on it, after it.
        (date(2024, 12, 8), [Act.END_UNLINKED, Act.EXPIRE]),
        (date(2024, 12, 9), [Act.EXPIRE]),
        (date(2024, 12, 10), [Act.EXPIRE]),
    ],
)
def test_a_certificate_whose_term_ends_first_is_ended_by_its_echeance_alone(
    since: date, acts: list[Act]
) -> None:
    dossier = replace(
        a_holder(links=(a_link(date(2022, 12, 10), since),)),
        terms=(Term(date(2022, 12, 10), START), Term(START, ECHEANCE)),
    )
    ends = {Act.EXPIRE, Act.END_UNLINKED}
    assert [d.act for d in agenda(dossier, POLICY) if d.act in ends] == acts


@pytest.mark.parametrize(
    ("back_on", "ends"), [(date(2028, 9, 21), False), (date(2028, 9, 22), True)]
)
def test_a_link_told_ahead_keeps_the_certificate_only_within_the_two_years(
    back_on: date, ends: bool
) -> None:
    dossier = replace(
        a_holder(
            links=(
                a_link(START, date(2026, 9, 21)),
                a_link(back_on, link_id="link-2"),
            )
        ),
        terms=(Term(START, ECHEANCE), Term(ECHEANCE, date(2028, 12, 10))),
    )
    acts = {duty.act for duty in agenda(dossier, POLICY)}
    assert (Act.END_UNLINKED in acts) is ends
    assert ("reminder_0" in letters(dossier)) is not ends


def test_each_letter_before_the_exams_end_falls_on_its_civil_day() -> None:
    # Passed on Monday 2026-11-02: two years end on Thursday 2028-11-02.
    dossier = a_finalizing(date(2026, 11, 2))
    assert letters(dossier) == {
        "exam_ends_90": date(2028, 8, 4),
        "exam_ends_30": date(2028, 10, 3),
        "exam_ends_14": date(2028, 10, 19),
        "exam_ends_7": date(2028, 10, 26),
        "exam_ends_1": date(2028, 11, 1),
        "exam_ends_0": date(2028, 11, 2),
    }
    lapse = duty_of(dossier, Act.LAPSE_EXAM)
    assert lapse.due_at == end_of(date(2028, 11, 2))
    assert lapse.useless_at is None


def test_the_exams_ladder_is_counted_from_the_extended_limit_or_from_the_bare_one() -> (
    None
):
    dossier = a_finalizing(date(2024, 12, 12), here_since=date(2026, 9, 1))
    by_bare = a_policy(exam_ladder_counted_from="bare_limit")
    assert letters(dossier)["exam_ends_0"] == date(2026, 12, 14)
    assert letters(dossier, by_bare)["exam_ends_0"] == date(2026, 12, 12)
    for policy in (POLICY, by_bare):
        lapse = duty_of(dossier, Act.LAPSE_EXAM, policy)
        assert lapse.due_at == end_of(date(2026, 12, 14))
        (last,) = (d for d in agenda(dossier, policy) if d.notice == "exam_ends_0")
        assert last.useless_at == lapse.due_at


# -------------------------------------------------------- requests, tasks, dates


def asking(stage: Stage, **changes: date) -> Dossier:
    request = TransferRequest("r1", TODAY, stage, **changes)  # type: ignore[arg-type] # only dates are changed
    return replace(a_newcomer(), request=request)


def test_missing_items_are_chased_once_and_the_request_is_closed_after_its_delay() -> (
    None
):
    dossier = asking(Stage.ITEMS_MISSING, complete_by=date(2026, 12, 24))
    chase, close = agenda(dossier, POLICY)
    assert (chase.act, chase.notice) == (Act.WRITE, "items_missing")
    assert civil_day_of(chase) == date(2026, 12, 9)
    assert time(9) <= hour_of(chase) < time(11)
    assert (close.act, close.due_at) == (
        Act.CLOSE_REQUEST,
        end_of(date(2026, 12, 24)),
    )
    assert chase.useless_at == close.due_at
    assert chase.about == close.about == "r1"
    assert chase.ladder is None


def test_nothing_is_chased_after_the_request_is_closed() -> None:
    dossier = asking(Stage.ITEMS_MISSING, complete_by=date(2026, 12, 8))
    (close,) = agenda(dossier, POLICY)
    assert close.act is Act.CLOSE_REQUEST


def test_observations_end_with_the_last_day_of_their_delay() -> None:
    dossier = asking(Stage.NOTICE_GIVEN, observe_until=date(2026, 12, 9))
    (duty,) = agenda(dossier, POLICY)
    assert duty.act is Act.END_OBSERVATIONS
    assert duty.due_at == end_of(date(2026, 12, 9))
    for stage in set(Stage) - {Stage.ITEMS_MISSING, Stage.NOTICE_GIVEN}:
        assert agenda(asking(stage, observe_until=date(2026, 12, 9)), POLICY) == ()


def test_a_task_that_nobody_settled_is_escalated_after_its_last_day() -> None:
    task = Task("task-1", "mail_to_read", date(2026, 12, 1))
    (duty,) = agenda(a_newcomer().with_task(task), POLICY)
    assert (duty.act, duty.about) == (Act.ESCALATE, "task-1")
    assert duty.due_at == end_of(date(2026, 12, 1))
    assert duty.key == f"{NEWCOMER}/task-task-1/escalate"


def test_the_dossier_is_looked_at_again_on_each_day_told_ahead() -> None:
    until, lost = date(2026, 6, 1), date(2026, 8, 3)
    dossier = replace(
        a_holder(links=(a_link(START, until), a_link(until, link_id="link-2"))),
        permit_changes=(permit_lost(lost), permit_lost(until)),
    )
    looks = [d for d in agenda(dossier, POLICY) if d.act is Act.LOOK_AGAIN]
    assert [d.due_at for d in looks] == [start_of(day) for day in (START, until, lost)]


def test_a_closed_dossier_has_no_duty_left() -> None:
    assert agenda(a_holder(), POLICY)
    closed = replace(a_holder(), ending=Ending(EndReason.CANCELLED, TODAY))
    assert agenda(closed, POLICY) == ()


def test_after_an_outage_one_reminder_is_sent_and_the_older_are_superseded() -> None:
    duties = agenda(a_holder(), POLICY)
    falling = falling_due(duties, frozenset(), noon(date(2026, 11, 27)))
    assert [d.notice for d in falling.to_do if d.ladder] == [
        "account_dormant",
        "reminder_14",
    ]
    assert [d.notice for d in falling.superseded] == [
        "reminder_90",
        "reminder_60",
        "reminder_30",
    ]
    (next_one,) = (d for d in duties if d.notice == "reminder_7")
    assert falling.next_at == next_one.due_at
    at_the_end = falling_due(duties, frozenset(), start_of(ECHEANCE))
    assert {d.act for d in at_the_end.to_do} == {
        Act.EXPIRE,
        Act.OPEN_RENEWAL,
        Act.LOOK_AGAIN,
    }
    assert at_the_end.next_at is None
