"""Terms begun and renewed: what is due once paid and linked, and from which day."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import permutations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules.civil_time import add_years, at_local, start_of
from rules.dossier import (
    Capture,
    Dossier,
    Phase,
    Term,
)
from rules.policy import LateRenewal, Policy, RenewedTermStarts
from rules.standing import (
    certificate_due,
    last_day_to_renew,
    phase_at,
    renewal_due,
)
from tests.dossiers import (
    OTHER_PERMIT,
    a_finalizing,
    a_holder,
    a_link,
    a_newcomer,
    a_policy,
    noon,
    with_issue_paid,
    with_renewal_paid,
)
from tests.rules.lives import policies

POLICY = a_policy()
A_DAY = timedelta(days=1)
A_SECOND = timedelta(seconds=1)
ECHEANCE = date(2026, 12, 10)
START = date(2024, 12, 10)
LAST_SECOND = datetime(2026, 12, 10, 4, 59, 59, tzinfo=UTC)
MIDNIGHT = datetime(2026, 12, 10, 5, tzinfo=UTC)

# ------------------------------------------------------------ the first certificate

RESULT_HERE = date(2026, 11, 24)
OCCURRENCES = [date(2026, 12, 1), date(2026, 12, 7), date(2026, 12, 16)]


def finalized(
    here_since: date, captured_on: date, linked_on: date, *, passed_on: date
) -> Dossier:
    dossier = a_finalizing(passed_on, here_since=here_since, links=(a_link(linked_on),))
    return with_issue_paid(dossier, noon(captured_on))


@pytest.mark.parametrize("days", list(permutations(OCCURRENCES)))
def test_a_certificate_begins_on_the_day_of_the_last_condition_whichever_it_is(
    days: tuple[date, date, date],
) -> None:
    dossier = finalized(*days, passed_on=date(2026, 11, 1))
    last = max(OCCURRENCES)
    term = Term(last, date(2028, 12, 16), dossier.invoices[0].invoice_id)
    assert certificate_due(dossier, POLICY, last - A_DAY) is None
    assert certificate_due(dossier, POLICY, last) == term
    assert certificate_due(dossier, POLICY, last + timedelta(days=40)) == term


@pytest.mark.parametrize("told_on", [date(2026, 12, 16), date(2027, 1, 20)])
def test_by_the_other_switch_a_certificate_begins_on_the_day_it_is_told(
    told_on: date,
) -> None:
    dossier = finalized(*OCCURRENCES, passed_on=date(2026, 11, 1))
    told = a_policy(first_day_of_certificate="told")
    term = certificate_due(dossier, told, told_on)
    assert term is not None
    assert (term.start, term.echeance) == (told_on, add_years(told_on, 2))


@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize(
    ("last_on", "due"),
    [
        (date(2026, 12, 11), True),
        (date(2026, 12, 14), True),  # two years end on Saturday 2026-12-12
        (date(2026, 12, 15), False),
    ],
)
def test_a_condition_met_after_the_last_day_to_finish_gives_no_certificate(
    position: int, last_on: date, due: bool
) -> None:
    days = [date(2026, 12, 1)] * 3
    days[position] = last_on
    dossier = finalized(*days, passed_on=date(2024, 12, 12))
    term = certificate_due(dossier, POLICY, date(2027, 2, 1))
    assert (term is not None) is due
    if term is not None:
        assert term.start == last_on


def test_a_link_lost_before_the_payment_does_not_count_a_later_one_does() -> None:
    paid = date(2026, 12, 7)
    lost = a_link(date(2026, 11, 25), paid)
    again = a_link(date(2026, 12, 21), permit=OTHER_PERMIT, link_id="link-2")
    dossier = with_issue_paid(a_finalizing(links=(lost,)), noon(paid))
    assert certificate_due(dossier, POLICY, date(2027, 1, 20)) is None
    term = certificate_due(dossier.with_link(again), POLICY, date(2027, 1, 20))
    assert term is not None
    assert term.start == date(2026, 12, 21)


def test_no_certificate_without_result_payment_or_agency_nor_a_second_one() -> None:
    dossier = finalized(*OCCURRENCES, passed_on=date(2026, 11, 1))
    told_on = date(2027, 1, 20)
    term = certificate_due(dossier, POLICY, told_on)
    assert term is not None
    for without in (
        replace(dossier, exam=None),
        replace(dossier, invoices=()),
        a_finalizing(links=dossier.links),
        replace(dossier, links=()),
        replace(dossier, terms=(term,)),
        _payment_reversed(dossier, date(2027, 1, 4)),
    ):
        assert certificate_due(without, POLICY, told_on) is None


def _payment_reversed(dossier: Dossier, on: date) -> Dossier:
    invoice = dossier.invoices[-1]
    assert invoice.paid is not None
    return dossier.with_invoice(
        replace(invoice, paid=replace(invoice.paid, reversed_on=on))
    )


# ------------------------------------------------------------------- renewals


@pytest.mark.parametrize(
    ("captured_at", "timely"),
    [
        (LAST_SECOND - timedelta(days=60), True),
        (LAST_SECOND, True),
        (MIDNIGHT, False),
        (MIDNIGHT + A_SECOND, False),
    ],
)
def test_a_renewal_is_timely_up_to_the_last_second_of_the_last_day(
    captured_at: datetime, timely: bool
) -> None:
    dossier = with_renewal_paid(a_holder(), captured_at)
    term = renewal_due(dossier, POLICY)
    assert (term is not None) is timely
    if term is not None:
        assert term == Term(
            ECHEANCE, date(2028, 12, 10), dossier.invoices[0].invoice_id
        )


@pytest.mark.parametrize(
    ("captured_on", "extended", "bare"),
    [
        (date(2026, 12, 12), True, True),  # the last valid day, a Saturday
        (date(2026, 12, 13), True, False),  # the échéance, a Sunday
        (date(2026, 12, 14), True, False),
        (date(2026, 12, 15), False, False),
    ],
)
def test_a_renewal_on_the_open_day_after_a_closed_last_day_undoes_the_expiry(
    captured_on: date, extended: bool, bare: bool
) -> None:
    echeance = date(2026, 12, 13)
    captured_at = at_local(captured_on, time(23, 59, 59))
    dossier = with_renewal_paid(a_holder(echeance), captured_at)
    assert (renewal_due(dossier, POLICY) is not None) is extended
    for other in (
        a_policy(late_renewal="no_extension"),
        a_policy(delays_extended=False),
    ):
        assert (renewal_due(dossier, other) is not None) is bare
        assert last_day_to_renew(echeance, other) == date(2026, 12, 12)
    # The certificate turns expired at the échéance in every case.
    assert last_day_to_renew(echeance, POLICY) == date(2026, 12, 14)
    assert phase_at(dossier, POLICY, start_of(echeance)) is Phase.EXPIRED
    term = renewal_due(dossier, POLICY)
    if term is not None:
        renewed = replace(dossier, terms=(*dossier.terms, term))
        assert phase_at(renewed, POLICY, start_of(echeance)) is Phase.IN_FORCE


def test_a_renewed_term_starts_at_the_old_echeance_or_at_the_payment() -> None:
    dossier = with_renewal_paid(a_holder(), noon(date(2026, 12, 1)))
    by_default = renewal_due(dossier, POLICY)
    by_payment = renewal_due(dossier, a_policy(renewed_term_starts="payment"))
    assert by_default is not None
    assert by_payment is not None
    assert (by_default.start, by_default.echeance) == (ECHEANCE, date(2028, 12, 10))
    assert (by_payment.start, by_payment.echeance) == (
        date(2026, 12, 1),
        date(2028, 12, 1),
    )


def test_money_that_went_back_or_was_for_another_term_renews_nothing() -> None:
    paid = with_renewal_paid(a_holder(), noon(date(2026, 12, 1)))
    assert renewal_due(paid, POLICY) is not None
    invoice = paid.invoices[0]
    for nothing in (
        a_holder(),
        a_newcomer(),
        _payment_reversed(paid, date(2026, 12, 3)),
        paid.with_invoice(replace(invoice, void_on=date(2026, 12, 3))),
        paid.with_invoice(replace(invoice, renews=START)),
        paid.with_invoice(replace(invoice, paid=None)),
    ):
        assert renewal_due(nothing, POLICY) is None


def test_a_second_payment_renews_when_the_first_was_reversed() -> None:
    paid = with_renewal_paid(a_holder(), noon(date(2026, 12, 1)))
    first = _payment_reversed(paid, date(2026, 12, 3))
    second = replace(
        first.invoices[0],
        invoice_id="second",
        paid=Capture("pay-2", noon(date(2026, 12, 8)), 18500),
    )
    term = renewal_due(first.with_invoice(second), POLICY)
    assert term is not None
    assert term.invoice_id == "second"


def test_a_granted_renewal_is_not_granted_twice() -> None:
    paid = with_renewal_paid(a_holder(), noon(date(2026, 12, 1)))
    term = renewal_due(paid, POLICY)
    assert term is not None
    assert renewal_due(replace(paid, terms=(*paid.terms, term)), POLICY) is None


@pytest.mark.parametrize(
    ("captured_on", "renewed"),
    [
        (date(2028, 9, 20), True),  # two years without a link end that day
        (date(2028, 9, 21), False),
        (date(2028, 12, 9), False),
    ],
)
def test_a_suspended_certificate_is_renewed_an_ended_one_is_not(
    captured_on: date, renewed: bool
) -> None:
    dossier = a_holder(date(2028, 12, 10), links=(a_link(START, date(2026, 9, 20)),))
    dossier = replace(dossier, terms=(Term(START, date(2028, 12, 10)),))
    paid = with_renewal_paid(dossier, noon(captured_on))
    term = renewal_due(paid, POLICY)
    assert (term is not None) is renewed
    if term is not None:
        later = replace(paid, terms=(*paid.terms, term))
        assert phase_at(later, POLICY, noon(captured_on)) is Phase.SUSPENDED


@given(
    st.dates(date(2024, 1, 1), date(2100, 12, 31)),
    st.integers(-90, 6),
    policies,
)
@example(date(2028, 2, 29), 0, POLICY)
def test_a_renewal_never_shortens_and_never_leaves_a_day_out_when_paid_in_the_term(
    echeance: date, days: int, policy: Policy
) -> None:
    paid_on = echeance + timedelta(days=days)
    term = renewal_due(with_renewal_paid(a_holder(echeance), noon(paid_on)), policy)
    if days < 0:
        assert term is not None
    if term is None:
        assert days >= 0
        return
    assert term.echeance > echeance
    assert term.start <= max(echeance, paid_on)
    if days >= 0:
        assert policy.late_renewal is LateRenewal.TIMELY_IN_EXTENDED_DELAY
    if policy.renewed_term_starts is RenewedTermStarts.OLD_ECHEANCE:
        assert term.start == echeance
