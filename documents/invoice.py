"""An invoice, a receipt once it is paid: what it says, and its PDF."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from documents.printable import breakable, printable
from documents.typesetting import Json, typeset
from documents.wording import Language, Words, money, weekday_date, words_of
from rules.civil_time import at_local, civil_date, last_day
from rules.dossier import Operation
from rules.numbers import DossierNumber

_LONGEST_LINE = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoicePaper:
    """
    All that an invoice says; *paid_cents* makes it a receipt.

    *asked_cents* is None for an invoice of before amounts were kept. *state* is one of
    records.invoices.InvoiceState.
    """

    language: Language
    number: str
    dossier: DossierNumber
    person_name: str
    operation: Operation
    state: str
    asked_on: date
    asked_cents: int | None
    renews: date | None
    replaces: str | None
    replaced_by: str | None
    payment_id: str | None
    captured_at: datetime | None
    paid_cents: int | None
    refunded_cents: int
    office_name: str
    office_address_lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InvoiceText:
    """What an invoice says in its language, form left aside."""

    title: str
    rows: tuple[tuple[str, str], ...]
    note: str | None


def invoice_text(paper: InvoicePaper) -> InvoiceText:
    """Word an invoice; the page and the file say the same."""
    say = words_of("invoice", paper.language)
    is_receipt = paper.paid_cents is not None
    kind = "receipt" if is_receipt else "invoice"
    notes = {"open": say("changes"), "paid": say("keep")}
    return InvoiceText(
        title=say(f"title_{kind}", number=paper.number),
        rows=(*_asked(paper, say), *(_paid(paper, say) if is_receipt else ())),
        note=notes.get(paper.state),
    )


def invoice_pdf(paper: InvoicePaper) -> bytes:
    """Print an invoice: accessible and archival; the same facts give the same bytes.

    Raises CannotPrint for a name with a character that no font has.
    """
    text = invoice_text(paper)
    say = words_of("invoice", paper.language)
    office = (paper.office_name, *paper.office_address_lines)
    told: dict[str, Json] = {
        "language": paper.language,
        "title": text.title,
        "head": [say("entry"), say("content")],
        "rows": [[label, breakable(content)] for label, content in text.rows],
        "note": text.note,
        "office": [breakable(printable(x, limit=_LONGEST_LINE)) for x in office],
    }
    dated = paper.captured_at or at_local(paper.asked_on, time.min)
    return typeset("invoice.typ", told, dated=dated)


def _asked(paper: InvoicePaper, say: Words) -> Iterator[tuple[str, str]]:
    language = paper.language
    yield say("number"), paper.number
    yield say("person"), printable(paper.person_name, limit=_LONGEST_LINE)
    yield say("dossier"), paper.dossier
    yield say("what_for"), _what_for(paper, say)
    yield say("asked_on"), weekday_date(paper.asked_on, language)
    yield (
        say("asked"),
        say("asked_today")
        if paper.asked_cents is None
        else money(paper.asked_cents, language),
    )
    yield say("state"), say(f"state_{paper.state}", replaced_by=paper.replaced_by or "")
    if paper.replaces is not None:
        yield say("replaces"), say("replaces_which", number=paper.replaces)


def _paid(paper: InvoicePaper, say: Words) -> Iterator[tuple[str, str]]:
    language = paper.language
    assert paper.paid_cents is not None
    yield say("paid"), money(paper.paid_cents, language)
    if paper.captured_at is not None:
        day = weekday_date(civil_date(paper.captured_at), language)
        yield say("paid_on"), say("by_card", day=day)
    if paper.payment_id is not None:
        yield say("reference"), paper.payment_id
    if paper.refunded_cents:
        yield say("refunded"), money(paper.refunded_cents, language)


def _what_for(paper: InvoicePaper, say: Words) -> str:
    if paper.operation is Operation.RENEWAL and paper.renews is not None:
        last = weekday_date(last_day(paper.renews), paper.language)
        return say("for_renewal", last_day=last)
    return say("for_issue")
