"""One's links with agencies: declared by permit number, confirmed by the agency."""

from fastapi import APIRouter, Depends, Request, Response

from api.errors import Refused
from api.language import Language
from api.pages.done import done
from api.pages.forms import Faults, FormWritten, Step, Written, first_time
from api.pages.mine import MyDossier, number_of, speaking_for
from api.pages.rendering import Page, page
from api.parts import Parts, TheParts
from api.signin.who import ThePerson, own_form
from api.v1.dossiers import agency_to_link, ask_link
from records.clock import database_now
from records.dossiers import restored
from records.models import DossierRow
from rules.civil_time import civil_date

router = APIRouter(route_class=Page, include_in_schema=False)
_PERMIT = "permis"


@router.get("/{language:fr_or_en}/dossier/{number}/agence")
async def write(
    request: Request, parts: TheParts, language: Language, mine: MyDossier
) -> Response:
    """List the links, and ask for the permit number of another agency."""
    return await _form(request, parts, language, mine, first_time(), Faults())


@router.post(
    "/{language:fr_or_en}/dossier/{number}/agence", dependencies=[Depends(own_form)]
)
async def take(
    request: Request,
    parts: TheParts,
    language: Language,
    who: ThePerson,
    mine: MyDossier,
    written: FormWritten,
) -> Response:
    """Show the agency's name before anything is asked of it; then ask, once."""
    faults = Faults()
    permit = faults.permit_number(_PERMIT, written[_PERMIT])
    if permit is None or written.step is Step.WRITE:
        return await _form(request, parts, language, mine, written, faults)
    try:
        agency = await agency_to_link(parts, mine.number, permit)
        if written.step is Step.CHECK:
            return page(
                request,
                "linking_check.html",
                language,
                mine=mine,
                agency=agency,
                written=Written({_PERMIT: permit}, Step.CHECK, written.key),
            )
        await ask_link(
            parts, speaking_for(who), number_of(mine), agency, key=written.key
        )
    except Refused as refused:
        faults.refused(_PERMIT, refused)
        return await _form(request, parts, language, mine, written, faults)
    return done(language, mine.number, "link", written.key)


async def _form(
    request: Request,
    parts: Parts,
    language: Language,
    mine: DossierRow,
    written: Written,
    faults: Faults,
) -> Response:
    async with parts.sessions() as session:
        today = civil_date(await database_now(session))
    return page(
        request,
        "linking.html",
        language,
        422 if faults else 200,
        mine=mine,
        links=restored(mine.facts).links,
        today=today,
        written=written,
        faults=faults,
    )
