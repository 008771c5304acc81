"""The dossiers of who is signed in: which they are, and that no other one is shown."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request, Response, status
from fastapi.responses import RedirectResponse

from api.access import Caller
from api.errors import Refused
from api.language import Language
from api.pages.asking import ByPerson, Form
from api.pages.begun import begun
from api.pages.done import done
from api.pages.rendering import Page, page
from api.pages.words import Sentence
from api.parts import TheParts
from api.signin.who import SignedIn, ThePerson
from records.accounts import dossier_of_account, dossiers_of_account
from records.drafts import unsent_drafts_of
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


_What = TypeVar("_What")


class OwnForm(Form[_What]):
    """A form about one's own dossier."""

    def __init__(self, asked: ByPerson, mine: MyDossier) -> None:
        super().__init__(asked)
        self.mine = mine
        self.number = number_of(mine)
        self.caller = speaking_for(asked.who)
        to_dossier = Sentence("form.back_to", {"number": mine.number})
        self.back_to_dossier = f"/dossier/{mine.number}", to_dossier
        self.back = self.back_to_dossier

    async def facts(self) -> Mapping[str, Any]:
        """Give the dossier to the page."""
        return {"mine": self.mine}

    def done(self, act: str, key: str) -> Response:
        """Lead back to the dossier, which confirms *act*."""
        return done(self.asked.language, self.number, act, key)


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
        drafts = await unsent_drafts_of(session, who.account)
    still_open = [row for row in rows if row.phase != Phase.CLOSED]
    if len(still_open) == 1 and "tous" not in request.query_params:
        return RedirectResponse(
            f"/{language}/dossier/{still_open[0].number}", status.HTTP_303_SEE_OTHER
        )
    closed = {row.number for row in rows if row.phase == Phase.CLOSED}
    left = begun(drafts, closed=closed)
    return page(request, "mine.html", language, rows=rows, begun=left)
