"""The dossiers of who is signed in: which they are, and that no other one is shown."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response, status
from fastapi.responses import RedirectResponse

from api.access import Caller
from api.errors import Refused
from api.language import Language
from api.pages.rendering import Page, page
from api.parts import TheParts
from api.signin.who import SignedIn, ThePerson
from records.accounts import dossier_of_account, dossiers_of_account
from records.models import DossierRow
from rules.dossier import Phase
from rules.numbers import DossierNumber
from workflows.messages import Refusal

router = APIRouter(route_class=Page, include_in_schema=False)


async def _own_dossier(parts: TheParts, who: ThePerson, number: str) -> DossierRow:
    """Find a dossier of who is signed in.

    Raises Refused for another's just as for one that does not exist: the question is
    put to the records with the account in it.
    """
    async with parts.sessions() as session:
        row = await dossier_of_account(session, who.account, number)
    if row is None:
        raise Refused(Refusal.UNKNOWN_DOSSIER)
    return row


MyDossier = Annotated[DossierRow, Depends(_own_dossier)]
"""The dossier of the address, which is one's own."""


def number_of(row: DossierRow) -> DossierNumber:
    """Name it."""
    return DossierNumber(row.number)


def speaking_for(who: SignedIn) -> Caller:
    """Name who asks as a story knows them."""
    return Caller(who.role, who.account)


@router.get("/{language:fr_or_en}/dossier")
async def follow_letter(language: Language, _who: ThePerson) -> Response:
    """Lead on from the address that every letter bears."""
    return RedirectResponse(f"/{language}/mes-dossiers", status.HTTP_303_SEE_OTHER)


@router.get("/{language:fr_or_en}/mes-dossiers")
async def list_mine(
    request: Request, parts: TheParts, language: Language, who: ThePerson
) -> Response:
    """Lead to the one dossier that is open; else list them, or say how to begin."""
    async with parts.sessions() as session:
        rows = await dossiers_of_account(session, who.account)
    still_open = [row for row in rows if row.phase != Phase.CLOSED]
    if len(still_open) == 1 and "tous" not in request.query_params:
        return RedirectResponse(
            f"/{language}/dossier/{still_open[0].number}", status.HTTP_303_SEE_OTHER
        )
    return page(request, "mine.html", language, rows=rows)
