"""Which invoice may be paid now, and how much: nothing is charged in vain."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from rules.civil_time import civil_date, end_of, last_day, start_of
from rules.dossier import Dossier, Invoice, Operation, Phase
from rules.fees import amount_on, holds_until
from rules.policy import Fee, PaymentAfterLapse, Policy
from rules.standing import ended_on, last_day_to_renew, phase_at
from rules.transfer import last_day_to_finish


class Hindrance(StrEnum):
    """Why nothing may be paid; api/errors.py words it."""

    NOTHING_TO_PAY = "nothing_to_pay"
    TOO_LATE_TO_RENEW = "too_late_to_renew"
    EXAM_LAPSED = "exam_lapsed"
    UNLINKED_TOO_LONG = "unlinked_too_long"


@dataclass(frozen=True, slots=True)
class ToPay:
    """An open invoice and its fee, that of the day of payment.

    *last_day* (inclusive) is the last on which paying serves. From *holds_until* on
    another amount is known.
    """

    invoice: Invoice
    fee: Fee
    last_day: date
    holds_until: date | None

    @property
    def bears_todays_fee(self) -> bool:
        """Whether the invoice asks what is paid; if not, it is about to be replaced."""
        return self.invoice.asked_cents in {None, self.fee.cents}

    @property
    def payable_until(self) -> datetime:
        """The instant from which nobody may pay this amount for this invoice."""
        ends = [end_of(self.last_day)]
        if self.holds_until is not None:
            ends.append(start_of(self.holds_until))
        return min(ends)


@dataclass(frozen=True, slots=True)
class NotPayable:
    """A payment would not lead to a certificate; *last_day* (inclusive) has passed."""

    why: Hindrance
    last_day: date | None = None


def invoice_to_pay(
    dossier: Dossier, policy: Policy, at: datetime
) -> ToPay | NotPayable:
    """
    Name the invoice a person may pay at *at*, the dossier's own instant.

    What could no longer lead to a certificate is refused here, before the charge.
    """
    if dossier.ending is not None:
        return NotPayable(Hindrance.NOTHING_TO_PAY)
    if dossier.terms:
        return _renewal_to_pay(dossier, policy, at)
    return _issue_to_pay(dossier, policy, civil_date(at))


def _renewal_to_pay(
    dossier: Dossier, policy: Policy, at: datetime
) -> ToPay | NotPayable:
    today, echeance = civil_date(at), dossier.terms[-1].echeance
    limit = last_day_to_renew(echeance, policy)
    invoice = dossier.open_invoice(Operation.RENEWAL)
    if today > limit:
        return NotPayable(Hindrance.TOO_LATE_TO_RENEW, limit)
    if phase_at(dossier, policy, at) is Phase.EXPIRED and today < echeance:
        # Over two years without an agency: a renewal would not bring it back.
        ended = last_day(ended_on(dossier, policy, at))
        return NotPayable(Hindrance.UNLINKED_TOO_LONG, ended)
    if invoice is None or invoice.renews != echeance:
        return NotPayable(Hindrance.NOTHING_TO_PAY)
    return _to_pay(invoice, policy, today, limit)


def _issue_to_pay(dossier: Dossier, policy: Policy, today: date) -> ToPay | NotPayable:
    if dossier.exam is None:
        return NotPayable(Hindrance.NOTHING_TO_PAY)
    limit = last_day_to_finish(dossier.exam, policy)
    kept = policy.payment_after_exam_lapsed is PaymentAfterLapse.KEPT_FOR_NEW_EXAM
    if today > limit and not kept:
        return NotPayable(Hindrance.EXAM_LAPSED, limit)
    invoice = dossier.open_invoice(Operation.ISSUE)
    if invoice is None:
        return NotPayable(Hindrance.NOTHING_TO_PAY)
    return _to_pay(invoice, policy, today, max(limit, today))


def _to_pay(invoice: Invoice, policy: Policy, today: date, last_day: date) -> ToPay:
    return ToPay(
        invoice,
        amount_on(today, invoice.operation, policy),
        last_day,
        holds_until(today, invoice.operation, policy),
    )
