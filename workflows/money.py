"""What money changes: a capture counts once, in time, for its own invoice, or not."""

from dataclasses import replace
from datetime import date, timedelta

from rules.civil_time import civil_date, last_day
from rules.dossier import Capture, Dossier, Invoice, Operation
from rules.fees import amount_on
from rules.policy import PaymentAfterLapse, ReversalAfterIssue
from rules.standing import (
    last_day_to_renew,
    last_day_unlinked,
    paid_invoice,
    unlinked_too_long_since,
)
from rules.transfer import last_day_to_finish
from workflows.messages import InvoicePaid, PaymentReversed
from workflows.turn import Turn


def invoice_paid(turn: Turn, fact: InvoicePaid) -> None:
    """Count a capture, or give it to a person with what is wrong about it."""
    invoice = turn.dossier.invoice(fact.invoice_id) or _early(turn, fact)
    trouble = _trouble_with_payment(turn, invoice, fact)
    if trouble is not None or invoice is None:
        turn.note(
            "payment_not_applied", fact.source, payment=fact.payment_id, why=trouble
        )
        turn.give_to_a_person(trouble or "unknown_invoice", fact.payment_id)
        return
    if invoice.paid is not None and invoice.paid.payment_id == fact.payment_id:
        return  # the same capture under another fact id
    capture = Capture(fact.payment_id, fact.occurred_at, fact.amount_cents)
    turn.dossier = turn.dossier.with_invoice(
        replace(invoice, paid=capture, void_on=None)
    )
    turn.note(
        "invoice_paid",
        fact.source,
        invoice=invoice.invoice_id,
        captured_at=fact.occurred_at.isoformat(),
        amount_cents=fact.amount_cents,
    )
    turn.write(
        "receipt",
        fact.payment_id,
        invoice_id=invoice.invoice_id,
        amount_cents=fact.amount_cents,
    )


def _early(turn: Turn, fact: InvoicePaid) -> Invoice | None:
    """Accept the first fee told before its invoice: facts arrive in any order."""
    dossier = turn.dossier
    first = not dossier.terms and not dossier.invoices
    if first and fact.invoice_id == invoice_id(dossier, 1):
        return Invoice(fact.invoice_id, Operation.ISSUE, turn.today)
    return None


def invoice_id(dossier: Dossier, position: int) -> str:
    """Name the invoice of a dossier by its position, the first being 1."""
    return f"{dossier.number}-{position}"


def _trouble_with_payment(  # noqa: PLR0911 # one return a trouble
    turn: Turn, invoice: Invoice | None, fact: InvoicePaid
) -> str | None:
    """Say why money cannot count, as the reason of a task; None if it can."""
    if invoice is None:
        return "unknown_invoice"
    if fact.occurred_at > fact.received_at + timedelta(days=1):
        return "date_in_the_future"
    if invoice.paid is not None and invoice.paid.payment_id != fact.payment_id:
        turn.write("refund_due", fact.payment_id, amount_cents=fact.amount_cents)
        return "double_payment"
    paid_on = civil_date(fact.occurred_at)
    if paid_on < turn.dossier.opened_on:
        return "payment_before_the_dossier"
    fee = amount_on(paid_on, invoice.operation, turn.policy)
    if fact.currency != "CAD" or fact.amount_cents != fee.cents:
        return "wrong_amount"
    void = invoice.void_on is not None and paid_on >= invoice.void_on
    if void or not _can_still_serve(turn, invoice, paid_on):
        turn.write("refund_due", fact.payment_id, amount_cents=fact.amount_cents)
        return "payment_too_late"
    return None


def _can_still_serve(turn: Turn, invoice: Invoice, paid_on: date) -> bool:
    dossier, policy = turn.dossier, turn.policy
    if invoice.operation is Operation.RENEWAL:
        since = unlinked_too_long_since(dossier, policy)
        return (
            invoice.renews is not None
            and (since is None or paid_on <= last_day_unlinked(since, policy))
            and paid_on <= last_day_to_renew(invoice.renews, policy)
        )
    if policy.payment_after_exam_lapsed is PaymentAfterLapse.KEPT_FOR_NEW_EXAM:
        return True
    return dossier.exam is None or paid_on <= last_day_to_finish(dossier.exam, policy)


def payment_reversed(turn: Turn, fact: PaymentReversed) -> None:
    """Undo what was paid if that was told in time; else leave it to a person."""
    invoice = next(
        (
            i
            for i in turn.dossier.invoices
            if i.paid is not None and i.paid.payment_id == fact.payment_id
        ),
        None,
    )
    if invoice is None or invoice.paid is None:
        turn.give_to_a_person("unknown_payment_reversed", fact.payment_id)
        return
    turn.note("payment_reversed", fact.source, payment=fact.payment_id)
    term = next(
        (t for t in turn.dossier.terms if t.invoice_id == invoice.invoice_id), None
    )
    undone = turn.policy.reversal_after_issue is ReversalAfterIssue.UNDONE
    if term is not None and not undone and turn.today >= term.start:
        # The certificate or its new term has begun: never silent, never automatic.
        turn.give_to_a_person("payment_reversed_after_issue", fact.payment_id)
        return
    reversed_capture = replace(invoice.paid, reversed_on=turn.today)
    turn.dossier = turn.dossier.with_invoice(
        replace(invoice, paid=reversed_capture, void_on=turn.today)
    )
    if term is not None:
        turn.change(terms=tuple(t for t in turn.dossier.terms if t is not term))
    ask_fee(turn, invoice.operation, renews=invoice.renews)
    turn.write(
        "payment_reversed",
        fact.payment_id,
        invoice_id=invoice.invoice_id,
        amount_cents=invoice.paid.amount_cents,
        act_before=_last_day_to_pay(turn, invoice),
    )


def _last_day_to_pay(turn: Turn, invoice: Invoice) -> date | None:
    if invoice.renews is not None:
        return last_day(invoice.renews)
    exam = turn.dossier.exam
    return None if exam is None else last_day_to_finish(exam, turn.policy)


def ask_fee(turn: Turn, operation: Operation, renews: date | None = None) -> Invoice:
    """Open the invoice of an operation, or find the one already open."""
    open_already = turn.dossier.open_invoice(operation)
    if open_already is not None and open_already.renews == renews:
        return open_already
    invoice = Invoice(
        invoice_id(turn.dossier, len(turn.dossier.invoices) + 1),
        operation,
        turn.today,
        renews,
    )
    turn.dossier = turn.dossier.with_invoice(invoice)
    turn.note("invoice_opened", "rule", invoice=invoice.invoice_id, operation=operation)
    return invoice


def release_spent_fee(turn: Turn) -> None:
    """Let no fee of a lapsed exam pay for a new one, where it is refunded."""
    exam, paid = turn.dossier.exam, paid_invoice(turn.dossier, Operation.ISSUE)
    if exam is None or paid is None or turn.dossier.terms:
        return
    refunded = turn.policy.payment_after_exam_lapsed is PaymentAfterLapse.REFUNDED
    if refunded and turn.today > last_day_to_finish(exam, turn.policy):
        turn.dossier = turn.dossier.with_invoice(replace(paid, void_on=turn.today))
