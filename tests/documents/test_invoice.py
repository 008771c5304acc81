"""Invoices and receipts: what they say of themselves, for every reader."""

from dataclasses import replace
from datetime import date

import pytest

from documents.invoice import InvoicePaper, invoice_pdf, invoice_text
from documents.typesetting import CannotPrint
from documents.wording import Language, words
from records.invoices import InvoiceState
from rules.dossier import Operation
from tests.documents.reading import CLAIMS, opened, squeezed
from tests.dossiers import HOLDER, noon

LANGUAGES: tuple[Language, ...] = ("fr", "en")
OPEN = InvoicePaper(
    language="fr",
    number="F-2026-000123",
    dossier=HOLDER,
    person_name="Nadia Tremblay-Côté",
    operation=Operation.RENEWAL,
    state=InvoiceState.OPEN,
    asked_on=date(2026, 9, 10),
    asked_cents=18500,
    renews=date(2026, 12, 10),
    replaces=None,
    replaced_by=None,
    payment_id=None,
    captured_at=None,
    paid_cents=None,
    refunded_cents=0,
    office_name="Office de la protection du consommateur",
    office_address_lines=("100, rue Exemple", "Québec (Québec) G1B 1B1"),
)
PAID = replace(
    OPEN,
    state=InvoiceState.PAID,
    payment_id="pay_1",
    captured_at=noon(date(2026, 11, 24)),
    paid_cents=18500,
)


def plain(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("paper", [OPEN, PAID], ids=["invoice", "receipt"])
def test_the_file_says_what_the_page_says_and_can_be_read_aloud(
    paper: InvoicePaper, language: Language
) -> None:
    paper = replace(paper, language=language)
    text = invoice_text(paper)
    document = opened(invoice_pdf(paper))
    assert document.language == f"{language}-CA"
    assert document.title == text.title
    assert document.claims >= CLAIMS
    told = squeezed(document.text())
    for label, content in text.rows:
        assert squeezed(label) in told
        assert squeezed(content) in told
    assert "/Table" in document.roles


def test_an_invoice_names_the_last_day_of_what_it_renews() -> None:
    rows = dict(invoice_text(OPEN).rows)
    assert "mercredi 9 décembre 2026" in rows["Pour"]
    assert plain(rows["Montant demandé"]) == "185,00 $"
    assert "Montant payé" not in rows


def test_a_receipt_names_the_day_of_the_capture_and_its_reference() -> None:
    text = invoice_text(replace(PAID, language="en"))
    rows = dict(text.rows)
    assert text.title == "Receipt, invoice F-2026-000123"
    assert rows["Paid on"] == "Tuesday, November 24, 2026, by card"
    assert rows["Payment reference"] == "pay_1"


def test_a_replaced_invoice_names_the_one_that_took_its_place() -> None:
    replaced = replace(OPEN, state=InvoiceState.REPLACED, replaced_by="F-2027-000007")
    assert "F-2027-000007" in dict(invoice_text(replaced).rows)["État"]
    new = replace(OPEN, replaces="F-2026-000122")
    assert "F-2026-000122" in dict(invoice_text(new).rows)["Remplace"]


def test_money_that_went_back_is_on_the_receipt() -> None:
    back = replace(PAID, state=InvoiceState.PARTLY_REFUNDED, refunded_cents=500)
    assert plain(dict(invoice_text(back).rows)["Remboursé"]) == "5,00 $"


@pytest.mark.parametrize("state", InvoiceState)
def test_every_state_has_its_words(state: InvoiceState) -> None:
    assert f"state_{state}" in words()["invoice"]


def test_the_same_facts_give_the_same_bytes() -> None:
    assert invoice_pdf(PAID) == invoice_pdf(PAID)


def test_a_name_that_no_font_can_show_is_a_persons_to_look_at() -> None:
    with pytest.raises(CannotPrint):
        invoice_pdf(replace(OPEN, person_name="Nadia \U00020000"))
