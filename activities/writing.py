"""From an order to a letter: the names and words that only the database knows."""

from dataclasses import dataclass
from datetime import date, datetime, time
from email.message import EmailMessage
from typing import Self, cast

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from activities.issuing import NOTHING, Enclosed
from letters.compose import compose, message_id
from letters.facts import ConditionLine, LetterFacts
from letters.proofs import proof_of
from letters.returning import return_path
from letters.wording import Language
from records.invoices import number_of_invoice
from records.models import (
    Agency,
    DossierRow,
    InvoiceRow,
    LinkRow,
    Person,
    WrittenText,
)
from rules.civil_time import ZONE, at_local, civil_date
from rules.dossier import Kind
from rules.notices import CERTIFICATE_REISSUED, TO_AGENCIES, TO_ANOTHER_ADDRESS
from rules.policy import load_policy
from rules.reasons import Finding
from rules.standing import last_day_to_renew
from settings import Settings
from workflows.messages import LetterOrder, ProofPurpose


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What every letter of an installation bears."""

    sender: str
    return_address: str
    intake_address: str
    help_address: str
    public_url: str
    domain: str
    secret: bytes

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Read it from the settings."""
        return cls(
            sender=settings.mail_from,
            return_address=settings.return_address,
            intake_address=settings.intake_address,
            help_address=settings.office_help_address,
            public_url=settings.public_url,
            domain=settings.mail_domain,
            secret=settings.mail_key.get_secret_value().encode(),
        )


@dataclass(frozen=True, slots=True)
class Written:
    """A letter composed for its recipient; it comes back to *return_path*."""

    message: EmailMessage
    recipient: str
    language: Language
    return_path: str


@dataclass(frozen=True, slots=True)
class _Matter:
    """The rows that an order speaks of."""

    person: Person
    kind: Kind
    link: LinkRow | None
    agency: Agency | None
    invoice: InvoiceRow | None
    replaces: str | None  # the number of the invoice whose place it took
    text: str | None


async def write(
    session: AsyncSession,
    order: LetterOrder,
    head: Letterhead,
    enclosed: Enclosed = NOTHING,
) -> Written | None:
    """Compose the letter of *order*; None when there is nobody to write to.

    Raises letters.compose.BadAddress for an address that cannot be written to, and
    LookupError for a dossier without a row.
    """
    matter = await _matter_of(session, order)
    to = matter.agency if order.notice in TO_AGENCIES else matter.person
    if to is None or not to.email.strip():
        return None
    language = cast("Language", to.language)
    recipient = _recipient(order, matter, to.email)
    own_id = message_id(order.key, secret=head.secret, domain=head.domain)
    comes_back_to = return_path(head.return_address, own_id)
    message = compose(
        _facts(order, matter, head, language, enclosed),
        language=language,
        sender=head.sender,
        recipient=recipient.strip(),
        message_id=own_id,
        return_path=comes_back_to,
        attachments=enclosed.files,
    )
    # A receipt speaks of the day of capture; the letter is dated by its own.
    del message["Date"]
    message["Date"] = order.occurred_at.astimezone(ZONE)
    written_to = message["To"].addresses[0].addr_spec
    return Written(message, written_to, language, comes_back_to)


def _recipient(order: LetterOrder, matter: _Matter, on_file: str) -> str:
    """Name where a letter goes: two go to an address that is not on file."""
    if order.notice in TO_ANOTHER_ADDRESS and matter.text is not None:
        return matter.text
    return on_file


async def _matter_of(session: AsyncSession, order: LetterOrder) -> _Matter:
    addressee = (
        select(Person, DossierRow.kind)
        .join(DossierRow, DossierRow.person_id == Person.person_id)
        .where(DossierRow.number == order.dossier)
    )
    found = (await session.execute(addressee)).one_or_none()
    if found is None:
        raise LookupError(f"no row for dossier {order.dossier}")
    person, kind = found
    link = await session.get(LinkRow, order.link_id) if order.link_id else None
    text = await session.get(WrittenText, order.text_id) if order.text_id else None
    return _Matter(
        person=person,
        kind=Kind(kind),
        link=link,
        agency=await session.get(Agency, link.permit) if link else None,
        invoice=await session.get(InvoiceRow, order.invoice_id)
        if order.invoice_id
        else None,
        replaces=await number_of_invoice(session, order.replaces)
        if order.replaces
        else None,
        text=text.text if text else None,
    )


def _facts(
    order: LetterOrder,
    matter: _Matter,
    head: Letterhead,
    language: Language,
    enclosed: Enclosed,
) -> LetterFacts:
    own = order.certificate == order.dossier
    return LetterFacts(
        notice=order.notice,
        dossier=order.dossier,
        occurred_at=_happened_at(order, matter),
        person_name=matter.person.name,
        echeance=order.echeance,
        # A letter that only brings the file speaks of the day that the file says.
        last_valid_day=enclosed.last_valid_day
        if order.notice == CERTIFICATE_REISSUED
        else None,
        edition=enclosed.edition,
        replaced_last_day=enclosed.replaced_last_day,
        act_before=order.act_before,
        renewable_until=_renewable_until(order, matter.kind),
        amount_cents=order.amount_cents,
        amount_confirmed=order.amount_confirmed,
        operation=matter.invoice.operation if matter.invoice else None,
        invoice_number=_number(matter.invoice) or order.invoice_id,
        replaces_invoice=matter.replaces,
        received_cents=order.received_cents,
        received_currency=order.received_currency,
        agency_name=matter.agency.name if matter.agency else None,
        permit_number=matter.link.permit if matter.link else None,
        certificate_number=order.certificate if own else None,
        expired_certificate=None if own else order.certificate,
        missing=order.missing,
        conditions=tuple(_line(finding) for finding in order.findings),
        ground=order.ground,
        reason_text=None if order.notice in TO_ANOTHER_ADDRESS else matter.text,
        remaining=order.remaining,
        corrected=order.corrected,
        expiry_corrected=order.expiry_corrected,
        intake_address=head.intake_address,
        help_address=head.help_address,
        portal_url=f"{head.public_url.rstrip('/')}/{language}/{_page(order)}",
        proof_url=_proof_url(order, head, language),
        copy_of_on=order.copy_of_on,
    )


def _number(invoice: InvoiceRow | None) -> str | None:
    return invoice.number if invoice else None


def _proof_url(order: LetterOrder, head: Letterhead, language: Language) -> str | None:
    if order.notice not in set(ProofPurpose) or order.text_id is None:
        return None
    proof = proof_of(order.text_id, secret=head.secret)
    return f"{head.public_url.rstrip('/')}/{language}/confirmer/{proof}"


def _page(order: LetterOrder) -> str:
    """Name the page where its reader does their part."""
    return "agence" if order.notice in TO_AGENCIES else "dossier"


def _line(finding: Finding) -> ConditionLine:
    return ConditionLine(finding.condition, finding.met, finding.source.text)


def _happened_at(order: LetterOrder, matter: _Matter) -> datetime:
    """Name the instant a letter speaks of: of a receipt, the capture's."""
    if order.happened_on is not None:
        return at_local(order.happened_on, time(12))
    if order.notice == "receipt" and matter.invoice and matter.invoice.captured_at:
        return matter.invoice.captured_at
    return order.occurred_at


def _renewable_until(order: LetterOrder, kind: Kind) -> date | None:
    """Name the last day that still undoes an expiry, if it is not past."""
    if order.notice != "expired" or order.echeance is None:
        return None
    today = civil_date(order.occurred_at)
    limit = last_day_to_renew(order.echeance, load_policy(kind, today))
    return limit if limit >= today else None
