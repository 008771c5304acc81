"""The laws that hold for the agenda of any dossier under any policy."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from rules.agenda import (
    Act,
    Duty,
    Falling,
    agenda,
    falling_due,
)
from rules.civil_time import ZONE, add_years, end_of, start_of
from rules.dossier import (
    Dossier,
    Term,
)
from rules.policy import Policy
from rules.standing import last_day_unlinked, phase_at, renewal_due
from rules.transfer import last_day_to_finish
from tests.dossiers import (
    TODAY,
    a_holder,
    a_link,
    a_policy,
    noon,
    with_renewal_paid,
)
from tests.rules.lives import (
    dossiers,
    echeances,
    exam_of,
    finalizing,
    holders,
    ladders,
    policies,
)

POLICY = a_policy()
A_DAY = timedelta(days=1)
A_SECOND = timedelta(seconds=1)
STORED = TypeAdapter(Dossier)


def duty_of(dossier: Dossier, act: Act, policy: Policy = POLICY) -> Duty:
    (found,) = (duty for duty in agenda(dossier, policy) if duty.act is act)
    return found


def hour_of(duty: Duty) -> time:
    return duty.due_at.astimezone(ZONE).time()


def _renewed(dossier: Dossier, policy: Policy) -> Dossier:
    term = renewal_due(dossier, policy)
    return dossier if term is None else replace(dossier, terms=(*dossier.terms, term))


WHEN = st.tuples(st.integers(0, 30), st.sampled_from([-A_SECOND, 0 * A_SECOND, A_DAY]))


def instant(duties: tuple[Duty, ...], when: tuple[int, timedelta]) -> datetime:
    """Choose an instant about a duty, where something may change."""
    position, shift = when
    if not duties:
        return noon(TODAY) + shift
    return duties[position % len(duties)].due_at + shift


@given(dossiers, policies)
@example(a_holder(date(2028, 2, 29)), POLICY)
@example(a_holder(date(2096, 2, 29)), POLICY)
def test_an_agenda_is_sorted_and_each_key_is_there_once(
    dossier: Dossier, policy: Policy
) -> None:
    duties = agenda(dossier, policy)
    assert [d.due_at for d in duties] == sorted(d.due_at for d in duties)
    assert len({d.key for d in duties}) == len(duties)
    assert all(d.key.startswith(f"{dossier.number}/") for d in duties)
    assert all(d.due_at.utcoffset() == timedelta(0) for d in duties)


@given(holders(), policies)
@example(a_holder(date(2028, 2, 29)), POLICY)
def test_no_reminder_falls_at_or_after_the_echeance_or_the_end(
    dossier: Dossier, policy: Policy
) -> None:
    duties = agenda(dossier, policy)
    ends = [d.due_at for d in duties if d.act in {Act.EXPIRE, Act.END_UNLINKED}]
    for duty in duties:
        if duty.act in {Act.WRITE, Act.OPEN_RENEWAL}:
            assert duty.due_at < min(ends)
        if duty.useless_at is not None:
            assert duty.due_at < duty.useless_at <= min(ends)


@given(echeances, st.integers(-90, -1), policies)
@example(date(2028, 2, 29), -1, POLICY)
def test_a_paid_renewal_removes_every_later_reminder_of_the_old_echeance(
    echeance: date, days: int, policy: Policy
) -> None:
    paid_at = noon(echeance + timedelta(days=days))
    dossier = with_renewal_paid(a_holder(echeance), paid_at)
    old = {d.key for d in agenda(dossier, policy) if d.due_at > paid_at and d.notice}
    renewed = _renewed(dossier, policy)
    new = agenda(renewed, policy)
    assert renewed != dossier
    assert not old & {d.key for d in new}
    assert not [d for d in new if f"/{echeance}/" in d.key]


@given(dossiers, policies, WHEN, WHEN, st.sets(st.integers(0, 30)))
def test_the_clock_changes_which_duties_are_past_never_which_exist(
    dossier: Dossier,
    policy: Policy,
    one: tuple[int, timedelta],
    two: tuple[int, timedelta],
    done: set[int],
) -> None:
    duties = agenda(dossier, policy)
    settled = frozenset(d.key for n, d in enumerate(duties) if n in done)
    unsettled = {d.key for d in duties} - settled
    earlier, later = sorted((instant(duties, one), instant(duties, two)))
    for now in (earlier, later):
        falling = falling_due(duties, settled, now)
        waiting = {d.key for d in duties if d.key not in settled and d.due_at > now}
        assert _sorted_apart(falling, waiting) == sorted(unsettled)
        dues = [d.due_at for d in duties if d.key in waiting]
        assert falling.next_at == min(dues, default=None)
    past = {d.key for d in duties if d.due_at <= earlier}
    assert past <= {d.key for d in duties if d.due_at <= later}


def _sorted_apart(falling: Falling, waiting: set[str]) -> list[str]:
    """Every key with its repetitions: a key in two parts would show twice."""
    parts = [d.key for d in (*falling.to_do, *falling.superseded)]
    return sorted([*parts, *waiting])


@given(dossiers, policies, WHEN)
def test_at_any_instant_at_most_one_step_of_a_ladder_is_to_do(
    dossier: Dossier, policy: Policy, when: tuple[int, timedelta]
) -> None:
    duties = agenda(dossier, policy)
    now = instant(duties, when)
    to_do = [d.ladder for d in falling_due(duties, frozenset(), now).to_do if d.ladder]
    assert len(set(to_do)) == len(to_do)


@given(dossiers, policies)
def test_the_windows_of_a_ladder_follow_one_another_up_to_its_end(
    dossier: Dossier, policy: Policy
) -> None:
    duties = agenda(dossier, policy)
    ends = [
        d.due_at
        for d in duties
        if d.act in {Act.EXPIRE, Act.END_UNLINKED, Act.LAPSE_EXAM}
    ]
    for steps in ladders(duties).values():
        begins = [step.due_at for step in steps]
        assert [step.useless_at for step in steps] == [*begins[1:], min(ends)]
        assert begins == sorted(set(begins))


@given(dossiers, policies, st.lists(WHEN, min_size=1, max_size=8))
def test_a_settled_duty_never_comes_back_and_none_is_forgotten(
    dossier: Dossier, policy: Policy, walk: list[tuple[int, timedelta]]
) -> None:
    duties = agenda(dossier, policy)
    settled: list[str] = []
    instants = sorted(instant(duties, when) for when in walk)
    for now in [*instants, *(d.due_at + 400 * A_DAY for d in duties[-1:])]:
        falling = falling_due(duties, frozenset(settled), now)
        settled += [d.key for d in (*falling.to_do, *falling.superseded)]
        again = falling_due(duties, frozenset(settled), now)
        assert (again.to_do, again.superseded) == ((), ())
    assert sorted(settled) == sorted(d.key for d in duties)


@given(dossiers, policies)
def test_a_stored_dossier_has_the_same_duties_when_it_is_read_again(
    dossier: Dossier, policy: Policy
) -> None:
    again = STORED.validate_json(STORED.dump_json(dossier))
    assert again == dossier
    assert agenda(again, policy) == agenda(dossier, policy)


@given(dossiers, policies)
@example(a_holder(date(2026, 11, 2)), POLICY)
@example(a_holder(date(2027, 3, 15)), POLICY)
@example(a_holder(date(2027, 3, 16)), POLICY)
def test_every_letter_leaves_between_nine_and_eleven_in_quebec(
    dossier: Dossier, policy: Policy
) -> None:
    for duty in agenda(dossier, policy):
        if duty.act is Act.WRITE:
            assert time(9) <= hour_of(duty) < time(11)


@given(holders() | finalizing(), policies)
def test_a_dossier_changes_phase_only_when_a_duty_falls_due(
    dossier: Dossier, policy: Policy
) -> None:
    """Who sleeps until the next duty wakes at each change."""
    dues = {d.due_at for d in agenda(dossier, policy)}
    first = dossier.terms[0].start if dossier.terms else dossier.opened_on
    phase = phase_at(dossier, policy, start_of(first))
    for n in range(1, 1500):
        at = start_of(first + n * A_DAY)
        if (now := phase_at(dossier, policy, at)) is not phase:
            assert at in dues
        phase = now


@given(finalizing(), policies)
def test_an_exam_lapses_at_the_end_of_the_last_day_to_finish(
    dossier: Dossier, policy: Policy
) -> None:
    lapse = duty_of(dossier, Act.LAPSE_EXAM, policy)
    assert lapse.due_at == end_of(last_day_to_finish(exam_of(dossier), policy))


@given(st.dates(date(2024, 1, 1), date(2100, 12, 31)), policies)
def test_the_end_of_two_years_falls_on_the_last_day_to_come_back(
    since: date, policy: Policy
) -> None:
    terms = (Term(since - A_DAY, add_years(since, 3)),)
    dossier = replace(a_holder(links=(a_link(since - A_DAY, since),)), terms=terms)
    duty = duty_of(dossier, Act.END_UNLINKED, policy)
    assert duty.due_at == end_of(last_day_unlinked(since, policy))
