"""What money changes: a capture counts once, in time, for its own invoice, or not."""

from dataclasses import replace
from datetime import timedelta

from rules.civil_time import civil_date
from rules.dossier import Capture, Invoice, Operation, Term, VoidReason
from rules.fees import amount_on
from rules.policy import PaymentAfterLapse, ReversalAfterIssue
from rules.standing import paid_invoice
from rules.transfer import last_day_to_finish
from workflows.invoicing import (
    ask_fee,
    invoice_id,
    last_day_to_pay,
    remaining,
    serves_on,
    void,
)
from workflows.messages import (
    InvoicePaid,
    PaymentJudged,
    PaymentRefunded,
    PaymentReversed,
    RefundOrdered,
    RefundRefused,
)
from workflows.turn import Turn

CURRENCY = "CAD"

GIVEN_BACK = frozenset(
    {"double_payment", "payment_too_late", "payment_for_closed_dossier"}
)
"""Money that can never serve goes back by itself; all other trouble is a person's."""

# ------------------------------------------------------------------ money comes in


def invoice_paid(turn: Turn, fact: InvoicePaid) -> None:
    """Count a capture, or set it aside with what is wrong about it."""
    if _paid_with(turn, fact.payment_id) is not None:
        return  # the same capture under another fact id
    invoice = _asked_by(turn, fact)
    trouble = _trouble_with_payment(turn, invoice, fact)
    if trouble is not None or invoice is None:
        _set_aside(turn, fact, trouble or "unknown_invoice", invoice)
    else:
        _apply(turn, invoice, fact)
    for later in fact.taken_back:
        if isinstance(later, PaymentReversed):
            payment_reversed(turn, later)
        else:
            payment_refunded(turn, later)


def _apply(turn: Turn, invoice: Invoice, fact: InvoicePaid) -> None:
    capture = Capture(fact.payment_id, fact.occurred_at, fact.amount_cents)
    turn.dossier = turn.dossier.with_invoice(
        replace(invoice, paid=capture, void_on=None, void_why=None)
    )
    for other in _of_the_same_purpose(turn, invoice):
        if other.is_open:
            void(turn, other, VoidReason.PAID_OTHERWISE)
    turn.payments.append(PaymentJudged(payment_id=fact.payment_id, applied=True))
    turn.note(
        "invoice_paid",
        fact.source,
        invoice=invoice.invoice_id,
        captured_at=fact.occurred_at.isoformat(),
        amount_cents=fact.amount_cents,
    )
    issue = invoice.operation is Operation.ISSUE
    turn.write(
        "receipt",
        fact.payment_id,
        invoice_id=invoice.invoice_id,
        amount_cents=fact.amount_cents,
        remaining=remaining(turn) if issue else (),
        act_before=last_day_to_pay(turn, invoice) if issue else None,
    )


def _asked_by(turn: Turn, fact: InvoicePaid) -> Invoice | None:
    """Find the invoice that money is for: of a replaced one, what took its place.

    Captured before the change, it pays the replaced one: the instant of capture
    decides, not that of its telling.
    """
    invoice = turn.dossier.invoice(fact.invoice_id) or _early(turn, fact)
    paid_on = civil_date(fact.occurred_at)
    while (
        invoice is not None
        and invoice.void_on is not None
        and (invoice.paid is not None or paid_on >= invoice.void_on)
        and (present := _replacement_of(turn, invoice)) is not None
    ):
        invoice = present
    return invoice


def _replacement_of(turn: Turn, invoice: Invoice) -> Invoice | None:
    return next(
        (i for i in turn.dossier.invoices if i.replaces == invoice.invoice_id), None
    )


def _early(turn: Turn, fact: InvoicePaid) -> Invoice | None:
    """Accept the first fee told before its invoice: facts arrive in any order."""
    dossier = turn.dossier
    first = not dossier.terms and not dossier.invoices
    if first and fact.invoice_id == invoice_id(dossier, 1):
        return Invoice(fact.invoice_id, Operation.ISSUE, turn.today)
    return None


def _trouble_with_payment(  # noqa: PLR0911 # one return a trouble
    turn: Turn, invoice: Invoice | None, fact: InvoicePaid
) -> str | None:
    """Say why money cannot count, as the reason of a task; None if it can."""
    if invoice is None:
        return "unknown_invoice"
    if fact.occurred_at > fact.received_at + timedelta(days=1):
        return "date_in_the_future"
    paid_on = civil_date(fact.occurred_at)
    if paid_on < turn.dossier.opened_on:
        return "payment_before_the_dossier"
    if turn.dossier.ending is not None:
        return "payment_for_closed_dossier"
    if any(i.is_paid for i in (invoice, *_of_the_same_purpose(turn, invoice))):
        return "double_payment"
    void_by_then = invoice.void_on is not None and paid_on >= invoice.void_on
    if void_by_then or not serves_on(turn, invoice, paid_on):
        return "payment_too_late"
    if fact.currency != CURRENCY:
        return "wrong_currency"
    fee = amount_on(paid_on, invoice.operation, turn.policy)
    return None if fact.amount_cents == fee.cents else "wrong_amount"


def _of_the_same_purpose(turn: Turn, invoice: Invoice) -> tuple[Invoice, ...]:
    """List the other invoices of the same operation on the same term."""
    return tuple(
        other
        for other in turn.dossier.invoices
        if other.invoice_id != invoice.invoice_id
        and other.operation is invoice.operation
        and other.renews == invoice.renews
    )


def _set_aside(
    turn: Turn, fact: InvoicePaid, why: str, invoice: Invoice | None
) -> None:
    """Let money count for nothing: it goes back, or a person looks at it."""
    turn.note("payment_not_applied", fact.source, payment=fact.payment_id, why=why)
    turn.payments.append(
        PaymentJudged(payment_id=fact.payment_id, applied=False, why=why)
    )
    if why in GIVEN_BACK and fact.currency == CURRENCY and fact.amount_cents > 0:
        _give_back(turn, fact, why, invoice)
        return
    turn.give_to_a_person(why, fact.payment_id)
    if invoice is not None and why in {"wrong_amount", "wrong_currency"}:
        _say_what_is_still_due(turn, fact, invoice)


def _give_back(
    turn: Turn, fact: InvoicePaid, why: str, invoice: Invoice | None
) -> None:
    turn.refunds.append(
        RefundOrdered(
            # One order a payment, however often and for whatever reason it is judged.
            key=f"{fact.payment_id}/whole",
            payment_id=fact.payment_id,
            amount_cents=fact.amount_cents,
            currency=fact.currency,
            why=why,
        )
    )
    turn.write(
        "refund_due",
        fact.payment_id,
        amount_cents=fact.amount_cents,
        invoice_id=invoice.invoice_id if invoice else None,
    )


def _say_what_is_still_due(turn: Turn, fact: InvoicePaid, invoice: Invoice) -> None:
    """Name the whole fee: money that is not the fee counts for no part of it."""
    turn.write(
        "invoice",
        f"{invoice.invoice_id}/{fact.payment_id}",
        invoice_id=invoice.invoice_id,
        received_cents=fact.amount_cents,
        received_currency=fact.currency,
        act_before=last_day_to_pay(turn, invoice),
        **turn.fee(invoice.operation),
    )


# ----------------------------------------------------------------- money goes back


def payment_reversed(turn: Turn, fact: PaymentReversed) -> None:
    """Undo what was paid if that was told in time; else leave it to a person."""
    invoice = _paid_with(turn, fact.payment_id)
    if invoice is None or invoice.paid is None:
        turn.give_to_a_person("unknown_payment_reversed", fact.payment_id)
        return
    if invoice.paid.reversed_on is not None:
        return  # the same reversal under another fact id
    turn.note("payment_reversed", fact.source, payment=fact.payment_id)
    _close_tasks_about(turn, fact.payment_id)
    term = _term_paid_with(turn, invoice)
    undone = turn.policy.reversal_after_issue is ReversalAfterIssue.UNDONE
    capture = replace(invoice.paid, reversed_on=turn.today)
    has_begun = term is not None and turn.today >= term.start
    if turn.dossier.ending is not None or (has_begun and not undone):
        # The certificate or its new term has begun: never silent, never automatic.
        turn.dossier = turn.dossier.with_invoice(replace(invoice, paid=capture))
        turn.give_to_a_person("payment_reversed_after_issue", fact.payment_id)
        _say_reversed(turn, invoice)
        return
    turn.dossier = turn.dossier.with_invoice(
        replace(
            invoice,
            paid=capture,
            void_on=invoice.void_on or turn.today,
            void_why=invoice.void_why or VoidReason.REVERSED,
        )
    )
    if term is not None:
        turn.change(terms=tuple(t for t in turn.dossier.terms if t is not term))
    _say_reversed(turn, invoice, asked_again=_ask_again(turn, invoice))


def _say_reversed(
    turn: Turn, invoice: Invoice, *, asked_again: Invoice | None = None
) -> None:
    assert invoice.paid is not None
    turn.write(
        "payment_reversed",
        invoice.paid.payment_id,
        invoice_id=invoice.invoice_id,
        amount_cents=invoice.paid.amount_cents,
        act_before=last_day_to_pay(turn, asked_again) if asked_again else None,
    )


def _ask_again(turn: Turn, invoice: Invoice) -> Invoice | None:
    """Ask the fee again, unless paying it would lead to nothing any more."""
    if not serves_on(turn, invoice, turn.today):
        return None
    return ask_fee(turn, invoice.operation, invoice.renews, replaces=invoice.invoice_id)


def payment_refunded(turn: Turn, fact: PaymentRefunded) -> None:
    """Note that money went back; a fee given back whole pays for nothing any more."""
    turn.note(
        "payment_refunded",
        fact.source,
        payment=fact.payment_id,
        amount_cents=fact.refunded_cents,
    )
    if fact.refunded_cents >= fact.captured_cents:
        _close_tasks_about(turn, fact.payment_id)
    # The same letter as when the refund was ordered by rule: it leaves once.
    turn.write("refund_due", fact.payment_id, amount_cents=fact.refunded_cents)
    invoice = _paid_with(turn, fact.payment_id)
    if invoice is None or invoice.paid is None:
        return  # money that counted for nothing
    refunded = max(invoice.paid.refunded_cents, fact.refunded_cents)
    invoice = replace(invoice, paid=replace(invoice.paid, refunded_cents=refunded))
    turn.dossier = turn.dossier.with_invoice(invoice)
    whole = refunded >= fact.captured_cents
    if whole and invoice.is_paid and _term_paid_with(turn, invoice) is None:
        turn.dossier = turn.dossier.with_invoice(
            replace(invoice, void_on=turn.today, void_why=VoidReason.REFUNDED)
        )
        _ask_again(turn, invoice)


def refund_refused(turn: Turn, fact: RefundRefused) -> None:
    """Leave to a person the money that its provider will not give back."""
    turn.note("refund_refused", fact.source, payment=fact.payment_id)
    turn.give_to_a_person("refund_refused", fact.payment_id)
    invoice = _paid_with(turn, fact.payment_id)
    if invoice is not None and invoice.paid is not None:
        paid = replace(invoice.paid, refunded_cents=fact.refunded_cents)
        turn.dossier = turn.dossier.with_invoice(replace(invoice, paid=paid))


def release_spent_fee(turn: Turn) -> None:
    """Let no fee of a lapsed exam pay for a new one, where it is refunded."""
    exam, paid = turn.dossier.exam, paid_invoice(turn.dossier, Operation.ISSUE)
    if exam is None or paid is None or turn.dossier.terms:
        return
    refunded = turn.policy.payment_after_exam_lapsed is PaymentAfterLapse.REFUNDED
    if refunded and turn.today > last_day_to_finish(exam, turn.policy):
        turn.dossier = turn.dossier.with_invoice(
            replace(paid, void_on=turn.today, void_why=VoidReason.EXAM_LAPSED)
        )


def _paid_with(turn: Turn, payment_id: str) -> Invoice | None:
    return next(
        (
            invoice
            for invoice in turn.dossier.invoices
            if invoice.paid is not None and invoice.paid.payment_id == payment_id
        ),
        None,
    )


def _term_paid_with(turn: Turn, invoice: Invoice) -> Term | None:
    return next(
        (t for t in turn.dossier.terms if t.invoice_id == invoice.invoice_id), None
    )


def _close_tasks_about(turn: Turn, payment_id: str) -> None:
    """Close what was asked of a person about money that is gone."""
    for task in turn.dossier.tasks:
        if task.task_id.endswith(f":{payment_id}"):
            turn.close_task(task.task_id)
