"""A dossier's invoices: asked, replaced when their amount changes, void in vain."""

from dataclasses import replace
from datetime import date

from rules.civil_time import last_day
from rules.dossier import Dossier, Invoice, Operation, VoidReason
from rules.fees import amount_on, replaced_on
from rules.links import is_linked
from rules.policy import PaymentAfterLapse
from rules.standing import (
    last_day_to_renew,
    last_day_unlinked,
    paid_invoice,
    unlinked_too_long_since,
)
from rules.transfer import last_day_to_finish
from workflows.turn import Turn


def invoice_id(dossier: Dossier, position: int) -> str:
    """Name the invoice of a dossier by its position, the first being 1."""
    return f"{dossier.number}-{position}"


def ask_fee(
    turn: Turn,
    operation: Operation,
    renews: date | None = None,
    *,
    replaces: str | None = None,
) -> Invoice:
    """Open the invoice of an operation, or find the one already open."""
    open_already = turn.dossier.open_invoice(operation)
    if open_already is not None and open_already.renews == renews:
        return open_already
    if open_already is not None:
        # The échéance was corrected: what is asked for the old one is asked in vain.
        void(turn, open_already, VoidReason.REPLACED)
        replaces = replaces or open_already.invoice_id
    invoice = Invoice(
        invoice_id(turn.dossier, len(turn.dossier.invoices) + 1),
        operation,
        turn.today,
        renews,
        asked_cents=amount_on(turn.today, operation, turn.policy).cents,
        replaces=replaces,
    )
    turn.dossier = turn.dossier.with_invoice(invoice)
    turn.note(
        "invoice_opened",
        "rule",
        invoice=invoice.invoice_id,
        operation=operation,
        replaces=replaces,
    )
    return invoice


def void(
    turn: Turn, invoice: Invoice, why: VoidReason, *, on: date | None = None
) -> None:
    """Let an open invoice not be paid any more, from *on* (today) on."""
    turn.dossier = turn.dossier.with_invoice(
        replace(invoice, void_on=on or turn.today, void_why=why)
    )
    replaced = why is VoidReason.REPLACED
    what = "invoice_replaced" if replaced else "invoice_void"
    turn.note(what, "rule", invoice=invoice.invoice_id, why=why)


def void_open_invoices(
    turn: Turn, why: VoidReason, operation: Operation | None = None
) -> None:
    """Let no open invoice be paid in vain; those of one operation, if one is named."""
    for invoice in turn.dossier.invoices:
        if invoice.is_open and operation in {None, invoice.operation}:
            void(turn, invoice, why)


def replace_if_its_amount_changed(turn: Turn, about: str | None) -> None:
    """Ask the amount of today in place of one that no longer holds, and say so."""
    invoice = _open(turn, about)
    if invoice is None or not serves_on(turn, invoice, turn.today):
        return  # what can serve no more is made void, not asked again
    changed_on = replaced_on(invoice, turn.policy)
    if changed_on is None or changed_on > turn.today:
        return
    void(turn, invoice, VoidReason.REPLACED, on=changed_on)
    new = ask_fee(turn, invoice.operation, invoice.renews, replaces=invoice.invoice_id)
    turn.write(
        "invoice",
        new.invoice_id,
        invoice_id=new.invoice_id,
        replaces=invoice.invoice_id,
        act_before=last_day_to_pay(turn, new),
        **turn.fee(new.operation),
    )


def end_renewal(turn: Turn, about: str | None) -> None:
    """Let nobody pay a renewal once the extended delay is over."""
    invoice = _open(turn, about)
    if invoice is not None and not serves_on(turn, invoice, turn.today):
        void(turn, invoice, VoidReason.RENEWAL_OVER)


def _open(turn: Turn, about: str | None) -> Invoice | None:
    invoice = None if about is None else turn.dossier.invoice(about)
    return invoice if invoice is not None and invoice.is_open else None


def serves_on(turn: Turn, invoice: Invoice, paid_on: date) -> bool:
    """Answer whether a payment on *paid_on* could still lead to a certificate."""
    dossier, policy = turn.dossier, turn.policy
    if dossier.ending is not None:
        return False
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


def remaining(turn: Turn) -> tuple[str, ...]:
    """Name what still lacks for a certificate, as letters word it."""
    lacks = [] if turn.dossier.exam is not None else ["exam"]
    if paid_invoice(turn.dossier, Operation.ISSUE) is None:
        lacks.append("invoice")
    if not is_linked(turn.dossier, turn.today):
        lacks.append("agency")
    return tuple(lacks)


def last_day_to_pay(turn: Turn, invoice: Invoice) -> date | None:
    """Name the last day, inclusive, on which a payment is timely; None without one."""
    if invoice.renews is not None:
        own = last_day(invoice.renews)
        extended = last_day_to_renew(invoice.renews, turn.policy)
        return own if turn.today <= own else extended
    exam = turn.dossier.exam
    return None if exam is None else last_day_to_finish(exam, turn.policy)
