"""One's certificate: on the screen as its file says it, and the file itself."""

from fastapi import APIRouter, Request, Response

from api.codes import Code
from api.errors import Refused
from api.language import Language
from api.pages.rendering import Page, page
from api.pages.seeing import DossierToRead
from api.parts import Parts, TheParts
from documents.certificate import certificate_texts
from documents.issuing import facts_of
from records.documents import newest_document
from records.models import DocumentRow

router = APIRouter(route_class=Page, include_in_schema=False)


@router.get("/{language:fr_or_en}/dossier/{number}/certificat")
async def see(
    request: Request, parts: TheParts, language: Language, row: DossierToRead
) -> Response:
    """Show the certificate last issued, in the languages of its file."""
    facts = facts_of((await _newest(parts, row.number)).facts)
    return page(
        request,
        "own_certificate.html",
        language,
        number=row.number,
        texts=certificate_texts(facts),
        address=facts.address,
    )


@router.get("/{language:fr_or_en}/dossier/{number}/certificat.pdf")
async def download(parts: TheParts, row: DossierToRead) -> Response:
    """Give the certificate last issued as its signed file."""
    kept = await _newest(parts, row.number)
    as_file = {"Content-Disposition": f'attachment; filename="{row.number}.pdf"'}
    return Response(kept.pdf, media_type="application/pdf", headers=as_file)


async def _newest(parts: Parts, number: str) -> DocumentRow:
    """Find the certificate last issued; raises Refused where none was."""
    async with parts.sessions() as session:
        found = await newest_document(session, number)
    if found is None:
        raise Refused(Code.NOT_FOUND)
    return found
