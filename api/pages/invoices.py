"""One invoice of a dossier, a receipt once it is paid: as a page and as a file."""

import asyncio

from fastapi import APIRouter, HTTPException, Request, Response, status

from api.language import Language
from api.pages.rendering import Page, page
from api.pages.seeing import DossierToRead
from api.parts import Parts, TheParts
from documents.invoice import InvoicePaper, invoice_pdf, invoice_text
from documents.postal import address_lines
from records.invoices import invoice_facts
from rules.numbers import DossierNumber

router = APIRouter(route_class=Page, include_in_schema=False)


@router.get("/{language:fr_or_en}/dossier/{number}/facture/{invoice}.pdf")
async def download(
    parts: TheParts, language: Language, row: DossierToRead, invoice: str
) -> Response:
    """Give an invoice as a file to keep or to print."""
    paper = await _paper(parts, language, row.number, invoice)
    pdf = await asyncio.to_thread(invoice_pdf, paper)
    kept_as = {"Content-Disposition": f'attachment; filename="{paper.number}.pdf"'}
    return Response(pdf, media_type="application/pdf", headers=kept_as)


@router.get("/{language:fr_or_en}/dossier/{number}/facture/{invoice}")
async def see(
    request: Request,
    parts: TheParts,
    language: Language,
    row: DossierToRead,
    invoice: str,
) -> Response:
    """Show an invoice, and what became of it."""
    paper = await _paper(parts, language, row.number, invoice)
    return page(
        request, "invoice.html", language, paper=paper, text=invoice_text(paper)
    )


async def _paper(
    parts: Parts, language: Language, number: str, invoice: str
) -> InvoicePaper:
    """Find an invoice of this dossier; one of another is not found either."""
    async with parts.sessions() as session:
        facts = await invoice_facts(session, invoice.replace("\0", ""))
    if facts is None or facts.dossier != number:
        raise HTTPException(status.HTTP_404_NOT_FOUND)
    settings = parts.settings
    return InvoicePaper(
        language=language,
        number=facts.number,
        dossier=DossierNumber(facts.dossier),
        person_name=facts.person_name,
        operation=facts.operation,
        state=facts.state,
        asked_on=facts.asked_on,
        asked_cents=facts.asked_cents,
        renews=facts.renews,
        replaces=facts.replaces,
        replaced_by=facts.replaced_by,
        payment_id=facts.payment_id,
        captured_at=facts.captured_at,
        paid_cents=facts.paid_cents,
        refunded_cents=facts.refunded_cents,
        office_name=settings.office_name,
        office_address_lines=address_lines(settings.office_address),
    )
