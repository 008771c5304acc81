"""Who may look into a dossier: its person, and officers of the Office."""

from typing import Annotated

from fastapi import Depends

from api.access import Role
from api.errors import Refused
from api.parts import TheParts
from api.signin.who import TheReader
from records.accounts import dossier_of_account
from records.models import DossierRow
from records.queries import dossier_numbered
from rules.numbers import BadNumber, parse_dossier_number
from workflows.messages import Refusal


async def _dossier_to_read(parts: TheParts, who: TheReader, number: str) -> DossierRow:
    """Find a dossier to look into: an officer any, a person their own.

    Raises Refused for another person's just as for one that does not exist.
    """
    try:
        number = parse_dossier_number(number)
    except BadNumber as none:
        raise Refused(Refusal.UNKNOWN_DOSSIER) from none
    async with parts.sessions() as session:
        row = (
            await dossier_numbered(session, number)
            if who.role is Role.OFFICER
            else await dossier_of_account(session, who.account, number)
        )
    if row is None:
        raise Refused(Refusal.UNKNOWN_DOSSIER)
    return row


DossierToRead = Annotated[DossierRow, Depends(_dossier_to_read)]
"""The dossier of the address, for its person or for an officer."""
