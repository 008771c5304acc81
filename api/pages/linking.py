"""One's links with agencies: declared by permit number, confirmed by the agency."""

import re
from collections.abc import Sequence

from fastapi import APIRouter, Depends, Request, Response

from api.errors import Refused
from api.language import Language
from api.pages.checking import Check, check_page
from api.pages.done import done
from api.pages.forms import Faults, FormWritten, Step, Written, first_time
from api.pages.mine import MyDossier, number_of, speaking_for
from api.pages.rendering import Page, page
from api.pages.words import Sentence
from api.parts import Parts, TheParts
from api.signin.who import ThePerson, own_form
from api.v1.dossiers import agency_to_link, ask_link
from api.v1.showing import own_now
from records.dossiers import restored
from records.models import Agency, DossierRow
from rules.civil_time import civil_date
from rules.numbers import BadNumber, PermitNumber, parse_permit_number

router = APIRouter(route_class=Page, include_in_schema=False)
_PERMIT = "permis"
MOST_AT_ONCE = 10


@router.get("/{language:fr_or_en}/dossier/{number}/agence")
async def write(
    request: Request, parts: TheParts, language: Language, mine: MyDossier
) -> Response:
    """List the links, and ask for the permit numbers of other agencies."""
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
    """Show the agencies' names before anything is asked of them; then ask, once."""
    faults = Faults()
    if written.step is Step.WRITE:
        return await _form(request, parts, language, mine, written, faults)
    agencies = await _agencies(parts, mine, written, faults)
    if faults:
        return await _form(request, parts, language, mine, written, faults)
    if written.step is Step.CHECK:
        return check_page(request, language, _check(mine, agencies), written)
    for agency in agencies:
        key = f"{written.key}-{agency.permit}"
        try:
            await ask_link(parts, speaking_for(who), number_of(mine), agency, key=key)
        except Refused as refused:
            _note(faults, agency.permit, refused, alone=len(agencies) == 1)
            return await _form(request, parts, language, mine, written, faults)
    return done(language, mine.number, "link", written.key)


async def _agencies(
    parts: Parts, mine: DossierRow, written: Written, faults: Faults
) -> Sequence[Agency]:
    """Look each permit up, or note what is wrong with the first that is."""
    pieces = re.split(r"[\n,;]+", written[_PERMIT])
    asked = list(dict.fromkeys(piece.strip() for piece in pieces if piece.strip()))
    if not asked:
        faults.add(_PERMIT, "linking.fault_none")
    if len(asked) > MOST_AT_ONCE:
        faults.add(_PERMIT, "linking.fault_many", most=MOST_AT_ONCE)
        return ()
    found: dict[str, Agency] = {}
    for piece in asked:
        try:
            permit = _permit(piece)
            found[permit] = await agency_to_link(parts, mine.number, permit)
        except Refused as refused:
            _note(faults, piece, refused, alone=len(asked) == 1)
            return ()
    return tuple(found.values())


def _permit(piece: str) -> PermitNumber:
    try:
        return parse_permit_number(piece)
    except BadNumber as wrong:
        raise Refused(f"number_{wrong.problem}", detail=wrong.detail) from wrong


def _note(faults: Faults, permit: str, refused: Refused, *, alone: bool) -> None:
    """Say why; and of which number, where there are several."""
    if alone:
        faults.refused(_PERMIT, refused)
    else:
        faults.add(_PERMIT, "linking.fault_one", permit=permit, why=refused)


def _check(mine: DossierRow, agencies: Sequence[Agency]) -> Check:
    return Check(
        f"/dossier/{mine.number}/agence",
        [
            (Sentence("linking.asks", {"permit": agency.permit}), agency.name)
            for agency in agencies
        ],
        [Sentence("linking.next")],
        Sentence("linking.send"),
        mine.number,
    )


async def _form(
    request: Request,
    parts: Parts,
    language: Language,
    mine: DossierRow,
    written: Written,
    faults: Faults,
) -> Response:
    async with parts.sessions() as session:
        today = civil_date(await own_now(session, mine.number))
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
