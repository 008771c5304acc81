"""What may be paid, on the last day and on the day after."""

from dataclasses import replace
from datetime import date

import pytest

from payments.due import Hindrance, NotPayable, ToPay, invoice_to_pay
from rules.dossier import Dossier, Ending, EndReason, Invoice, Operation, Term
from rules.standing import last_day_to_renew
from rules.transfer import last_day_to_finish
from tests.dossiers import (
    TODAY,
    a_finalizing,
    a_holder,
    a_link,
    a_newcomer,
    a_policy,
    noon,
    with_renewal_paid,
)

ECHEANCE = date(2026, 12, 10)


def a_holder_asked_to_renew(echeance: date = ECHEANCE) -> Dossier:
    dossier = a_holder(echeance)
    invoice = Invoice("renewal-1", Operation.RENEWAL, TODAY, renews=echeance)
    return dossier.with_invoice(invoice)


def why(dossier: Dossier, day: date) -> Hindrance | None:
    answer = invoice_to_pay(dossier, a_policy(), noon(day))
    return answer.why if isinstance(answer, NotPayable) else None


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 12, 8), None),
        (date(2026, 12, 9), None),  # the last valid day, a Wednesday
        (date(2026, 12, 10), Hindrance.TOO_LATE_TO_RENEW),
    ],
)
def test_a_renewal_is_paid_until_the_last_valid_day(
    day: date, expected: Hindrance | None
) -> None:
    assert why(a_holder_asked_to_renew(), day) is expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 12, 13), None),  # Sunday: the last valid day
        (date(2026, 12, 14), None),  # Monday: timely by P-40.1 s. 269
        (date(2026, 12, 15), Hindrance.TOO_LATE_TO_RENEW),
    ],
)
def test_a_closed_last_day_runs_to_the_next_open_one(
    day: date, expected: Hindrance | None
) -> None:
    assert why(a_holder_asked_to_renew(date(2026, 12, 14)), day) is expected


def test_the_last_day_that_has_passed_is_named() -> None:
    answer = invoice_to_pay(a_holder_asked_to_renew(), a_policy(), noon(ECHEANCE))
    assert isinstance(answer, NotPayable)
    assert answer.last_day == last_day_to_renew(ECHEANCE, a_policy())


def test_a_renewal_already_paid_is_not_paid_twice() -> None:
    dossier = with_renewal_paid(a_holder(), noon(TODAY))
    assert why(dossier, TODAY) is Hindrance.NOTHING_TO_PAY


def test_a_renewal_is_not_sold_to_who_was_unlinked_for_too_long() -> None:
    # An échéance corrected to a later day leaves more than two years without a link.
    dossier = a_holder_asked_to_renew()
    gone = a_link(since=date(2022, 1, 1), until=date(2022, 1, 2))
    dossier = replace(dossier, links=(gone,), terms=(long_term(dossier),))
    assert why(dossier, TODAY) is Hindrance.UNLINKED_TOO_LONG


def long_term(dossier: Dossier) -> Term:
    return replace(dossier.terms[0], start=date(2021, 12, 10))


@pytest.mark.parametrize(("after", "payable"), [(-1, True), (0, True), (1, False)])
def test_the_first_invoice_is_paid_while_the_exam_can_serve(
    after: int, payable: bool
) -> None:
    dossier = a_finalizing()
    assert dossier.exam is not None
    limit = last_day_to_finish(dossier.exam, a_policy())
    day = date.fromordinal(limit.toordinal() + after)
    expected = None if payable else Hindrance.EXAM_LAPSED
    assert why(dossier, day) is expected


def test_money_after_a_lapse_is_taken_where_the_policy_keeps_it() -> None:
    policy = a_policy(payment_after_exam_lapsed="kept_for_new_exam")
    answer = invoice_to_pay(a_finalizing(), policy, noon(date(2030, 1, 2)))
    assert isinstance(answer, ToPay)


@pytest.mark.parametrize(
    ("day", "cents"), [(date(2024, 6, 30), 16100), (date(2024, 7, 1), 18500)]
)
def test_the_fee_is_that_of_the_day_of_payment(day: date, cents: int) -> None:
    dossier = a_holder_asked_to_renew()
    answer = invoice_to_pay(dossier, a_policy(), noon(day))
    assert isinstance(answer, ToPay)
    assert answer.fee.cents == cents


@pytest.mark.parametrize(
    "dossier",
    [
        a_newcomer(),
        replace(a_finalizing(), ending=Ending(EndReason.CANCELLED, TODAY)),
        replace(a_finalizing(), invoices=()),
        a_holder(),
    ],
    ids=["newcomer", "cancelled", "no invoice", "renewal not open"],
)
def test_nothing_is_sold_to_who_owes_nothing(dossier: Dossier) -> None:
    assert why(dossier, TODAY) is Hindrance.NOTHING_TO_PAY
