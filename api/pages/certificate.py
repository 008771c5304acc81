"""One's certificate: on the screen as its file says it, and the file itself."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.codes import Code
from api.errors import Refused
from api.language import Language
from api.pages.rendering import Page, page
from api.pages.seeing import DossierToRead
from api.parts import Parts, TheParts
from documents.certificate import certificate_texts
from documents.issuing import facts_of
from records.documents import newest_document, newest_edition
from records.models import DocumentRow
from rules.civil_time import civil_date

router = APIRouter(route_class=Page, include_in_schema=False)

Start = Annotated[str, Query(alias="debut")]
"""The first day of a term; without it, the last term that has a file."""


@router.get("/{language:fr_or_en}/dossier/{number}/certificat")
async def see(
    request: Request,
    parts: TheParts,
    language: Language,
    row: DossierToRead,
    start: Start = "",
) -> Response:
    """Show the newest copy of a certificate, in the languages of its file."""
    kept = await _newest(parts, row.number, start)
    facts = facts_of(kept.facts)
    return page(
        request,
        "own_certificate.html",
        language,
        number=row.number,
        kept=kept,
        made_on=civil_date(kept.issued_at),
        query=f"?debut={kept.term_start}" if start else "",
        texts=certificate_texts(facts),
        address=facts.address,
    )


@router.get("/{language:fr_or_en}/dossier/{number}/certificat.pdf")
async def download(parts: TheParts, row: DossierToRead, start: Start = "") -> Response:
    """Give the newest copy of a certificate as its signed file."""
    kept = await _newest(parts, row.number, start)
    as_file = {"Content-Disposition": f'attachment; filename="{row.number}.pdf"'}
    return Response(kept.pdf, media_type="application/pdf", headers=as_file)


async def _newest(parts: Parts, number: str, start: str) -> DocumentRow:
    """Find the copy last issued, of one term or of all; raises Refused without one."""
    async with parts.sessions() as session:
        if start:
            found = await newest_edition(session, number, _day(start))
        else:
            found = await newest_document(session, number)
    if found is None:
        raise Refused(Code.NOT_FOUND)
    return found


def _day(written: str) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError as none:
        raise Refused(Code.NOT_FOUND) from none
