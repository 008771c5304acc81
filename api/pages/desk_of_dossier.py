"""What the desk's forms about one dossier share: the look noted, and the way back."""

from typing import TypeVar

from fastapi import Response

from api.pages.asking import Asked, Form, led
from api.pages.words import Sentence
from api.v1.showing import known
from records.looks import note_look
from records.models import DossierRow

_What = TypeVar("_What")


class OfDossier(Form[_What]):
    """A form of the desk that begins and ends at the page of a dossier."""

    def __init__(self, asked: Asked, number: str) -> None:
        super().__init__(asked)
        self.number = number
        to_dossier = Sentence("form.back_to", {"number": number})
        self.back = f"/bureau/dossier/{number}", to_dossier

    def done(self, what: str) -> Response:
        """Lead to the dossier, which says that it is done."""
        home = f"/{self.asked.language}/bureau/dossier/{self.number}"
        return led(f"{home}?fait={what}")


async def looked_at(asked: Asked, number: str) -> DossierRow:
    """Read a dossier, and note who looked; raises Refused for an unknown number."""
    async with asked.parts.sessions.begin() as session:
        row = await known(session, number.replace("\0", ""))
        await note_look(session, row.number, asked.who.account, "dossier")
    return row
