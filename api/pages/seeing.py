"""Who may look into a dossier: its person, and officers of the Office.

An officer's look is noted, whatever is shown of the dossier.
"""

from typing import Annotated

from fastapi import Depends, Request

from api.access import Role
from api.errors import Refused
from api.parts import TheParts
from api.signin.who import SignedIn, TheOfficer, TheReader
from records.accounts import dossier_of_account
from records.looks import note_look
from records.models import DossierRow
from records.queries import dossier_numbered
from rules.numbers import BadNumber, parse_dossier_number
from workflows.messages import Refusal


async def _dossier_to_read(
    request: Request, parts: TheParts, who: TheReader, number: str
) -> DossierRow:
    """Find a dossier to look into: an officer any, a person their own.

    Raises Refused for another person's just as for one that does not exist.
    """
    try:
        number = parse_dossier_number(number)
    except BadNumber as none:
        raise Refused(Refusal.UNKNOWN_DOSSIER) from none
    async with parts.sessions.begin() as session:
        if who.role is Role.OFFICER:
            row = await dossier_numbered(session, number)
            await note_look(session, number, who.account, _what(request))
        else:
            row = await dossier_of_account(session, who.account, number)
    if row is None:
        raise Refused(Refusal.UNKNOWN_DOSSIER)
    return row


DossierToRead = Annotated[DossierRow, Depends(_dossier_to_read)]
"""The dossier of the address, for its person or for an officer."""


async def _looking_officer(
    request: Request, parts: TheParts, who: TheOfficer, number: str
) -> SignedIn:
    async with parts.sessions.begin() as session:
        await note_look(session, number.replace("\0", ""), who.account, _what(request))
    return who


LookingOfficer = Annotated[SignedIn, Depends(_looking_officer)]
"""An officer at a page of the dossier of the address."""


def _what(request: Request) -> str:
    """Name what is looked at, by the address."""
    parts = request.url.path.split("/")
    if "lettre" in parts:
        return "letter"
    return "invoice" if "facture" in parts else "dossier"
