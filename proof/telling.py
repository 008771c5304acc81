"""From what a history tells to the facts and commands of the product."""

from datetime import datetime

from proof.histories import OLD, Told
from rules.numbers import DossierNumber, PermitNumber
from workflows.messages import (
    AgencyLinked,
    AgencyUnlinked,
    AnyCommand,
    AnyFact,
    Cancel,
    Correct,
    Correctable,
    EmailReceived,
    ExamPassed,
    InvoicePaid,
    MailWish,
    PaymentReversed,
    PermitChanged,
    Source,
)


def fact_of(told: Told, invoice_id: str, now: datetime) -> AnyFact | None:  # noqa: PLR0911 # one a kind
    """Name the fact; None for what is no fact. *now* is when it is told."""
    when = {"fact_id": told.fact, "occurred_at": told.at, "received_at": told.at}
    match told.what:
        case "paid":
            when["occurred_at"] = told.captured_at or now
            return InvoicePaid(
                **when,
                source=Source.PAYMENT_PROVIDER,
                invoice_id=invoice_id,
                payment_id=told.about,
                amount_cents=told.cents,
            )
        case "reversed":
            return PaymentReversed(
                **when, source=Source.PAYMENT_PROVIDER, payment_id=told.about
            )
        case "linked":
            assert told.on is not None
            return AgencyLinked(
                **when,
                source=Source.AGENCY,
                link_id=told.about,
                permit=PermitNumber(told.permit),
                since=told.on,
            )
        case "unlinked":
            assert told.on is not None
            return AgencyUnlinked(
                **when, source=Source.AGENCY, link_id=told.about, until=told.on
            )
        case "permit":
            assert told.on is not None
            return PermitChanged(
                **when,
                source=Source.PERMIT_REGISTER,
                permit=PermitNumber(told.permit),
                valid=told.valid,
                effective_on=told.on,
            )
        case "exam":
            assert told.on is not None
            return ExamPassed(
                **when,
                source=Source.EXAM_BODY,
                result_id=told.about,
                passed_on=told.on,
            )
        case "transfer" | "mail":
            transfer = told.what == "transfer"
            return EmailReceived(
                **when,
                source=Source.MAIL,
                mail_id=told.fact,
                wish=MailWish.TRANSFER if transfer else MailWish.OTHER,
                certificate=DossierNumber(told.about or OLD) if transfer else None,
            )
    return None


def command_of(told: Told) -> AnyCommand | None:
    """Name the command; None for what is none."""
    match told.what:
        case "corrected":
            assert told.on is not None
            return Correct(
                command_id=told.fact,
                by="officer",
                what=Correctable.ECHEANCE,
                value=told.on,
            )
        case "cancelled":
            return Cancel(command_id=told.fact, by="person")
    return None
