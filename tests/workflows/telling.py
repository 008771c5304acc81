"""What the world tells and asks in tests, with the ids a test need not care about."""

from datetime import date, datetime

from rules.dossier import Item
from rules.numbers import DossierNumber
from tests.dossiers import HOLDER, PERMIT
from workflows.messages import (
    AgencyLinked,
    AgencyUnlinked,
    EmailReceived,
    ExamPassed,
    InvoicePaid,
    MailWish,
    PaymentReversed,
    PermitChanged,
    Source,
)


def paid(
    invoice_id: str,
    at: datetime,
    *,
    cents: int = 18000,
    payment_id: str = "pay-1",
    told_at: datetime | None = None,
) -> InvoicePaid:
    return InvoicePaid(
        fact_id=f"{payment_id}:captured",
        source=Source.PAYMENT_PROVIDER,
        occurred_at=at,
        received_at=told_at or at,
        invoice_id=invoice_id,
        payment_id=payment_id,
        amount_cents=cents,
    )


def reversed_payment(at: datetime, payment_id: str = "pay-1") -> PaymentReversed:
    return PaymentReversed(
        fact_id=f"{payment_id}:reversed",
        source=Source.PAYMENT_PROVIDER,
        occurred_at=at,
        received_at=at,
        payment_id=payment_id,
    )


def linked(at: datetime, since: date, *, link_id: str = "link-new") -> AgencyLinked:
    return AgencyLinked(
        fact_id=f"{link_id}:linked:{since}",
        source=Source.AGENCY,
        occurred_at=at,
        received_at=at,
        link_id=link_id,
        permit=PERMIT,
        since=since,
    )


def unlinked(at: datetime, until: date, *, link_id: str = "link-1") -> AgencyUnlinked:
    return AgencyUnlinked(
        fact_id=f"{link_id}:unlinked:{until}",
        source=Source.AGENCY,
        occurred_at=at,
        received_at=at,
        link_id=link_id,
        until=until,
    )


def permit(at: datetime, on: date, *, valid: bool) -> PermitChanged:
    return PermitChanged(
        fact_id=f"permit:{on}:{valid}",
        source=Source.PERMIT_REGISTER,
        occurred_at=at,
        received_at=at,
        permit=PERMIT,
        valid=valid,
        effective_on=on,
    )


def exam(at: datetime, passed_on: date, result_id: str = "exam-new") -> ExamPassed:
    return ExamPassed(
        fact_id=f"{result_id}:passed",
        source=Source.EXAM_BODY,
        occurred_at=at,
        received_at=at,
        result_id=result_id,
        passed_on=passed_on,
    )


def mail(
    at: datetime,
    *,
    wish: MailWish = MailWish.TRANSFER,
    certificate: DossierNumber | None = HOLDER,
    missing: tuple[Item, ...] = (),
    mail_id: str = "mail-1",
) -> EmailReceived:
    return EmailReceived(
        fact_id=mail_id,
        source=Source.MAIL,
        occurred_at=at,
        received_at=at,
        mail_id=mail_id,
        wish=wish,
        certificate=certificate,
        missing=missing,
    )
