"""Correcting a person's name: the one before, the one after, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Response

from api.errors import Refused
from api.pages.asking import Asked, ByDecidingOfficer, form_router
from api.pages.checking import Check
from api.pages.desk_of_dossier import OfDossier, looked_at
from api.pages.forms import Faults, Written
from api.pages.mine import speaking_for
from api.pages.opening import LONGEST_NAME
from api.pages.words import Sentence
from api.reissuing import copies_to_print
from api.renaming import correct_name
from records.models import Person
from records.names import name_changes
from workflows.messages import Refusal

_NAME, _WHY, UNDONE = "nom", "raison", "retablir"


@dataclass(frozen=True, slots=True)
class Right:
    """A name in the place of a wrong one, and why."""

    name: str
    why: str


class Renaming(OfDossier[Right]):
    """The name as it must be written, and the reason that the person will read."""

    template, field = "desk_renaming.html", _NAME

    def __init__(
        self, asked: Asked, number: str, person: Person, *, has_file: bool
    ) -> None:
        super().__init__(asked, number)
        self.person = person
        self.has_file = has_file
        self.begins_anew = UNDONE in asked.request.query_params

    async def known(self) -> Mapping[str, str]:
        """Fill in the name that stands, or the one before a correction to undo.

        The link names the correction: an address may be kept where no name belongs.
        """
        undone = self.asked.request.query_params.get(UNDONE, "").replace("\0", "")
        async with self.asked.parts.sessions() as session:
            change = (await name_changes(session, [undone])).get(undone)
        # A link made by hand shows the names of nobody else.
        own = change is not None and self.person.name == change.after
        return {_NAME: change.before if change and own else self.person.name}

    async def facts(self) -> Mapping[str, Any]:
        """Give the name that stands, and whether a file bears a name."""
        return {
            "number": self.number,
            "person": self.person,
            "has_file": self.has_file,
        }

    async def read(self, written: Written, faults: Faults) -> Right | None:
        """Read the name and the reason; what opens a dossier is taken, no more."""
        name = written[_NAME]
        if not name:
            faults.add(_NAME, "renaming.fault_none")
        elif "\n" in name or len(name) > LONGEST_NAME:
            faults.add(_NAME, "renaming.fault_name")
        if not written[_WHY]:
            faults.add(_WHY, "renaming.fault_why")
        return None if faults else Right(name, written[_WHY])

    async def check(self, what: Right) -> Check:
        """Show the name before and the one after; raises Refused for the same."""
        if what.name == self.person.name:
            raise Refused(Refusal.NOTHING_TO_CORRECT)
        follows = [Sentence("renaming.next")]
        if self.has_file:
            follows.append(Sentence("renaming.file"))
        return Check(
            self.path,
            [
                (Sentence("desk.dossier"), self.number),
                (Sentence("renaming.before"), self.person.name),
                (Sentence("renaming.after"), what.name),
                (Sentence("renaming.why"), what.why),
            ],
            follows,
            Sentence("renaming.send"),
            self.back,
        )

    def note(self, faults: Faults, refused: Refused) -> None:
        """Say of a name that stands already that it is the same."""
        if refused.code == Refusal.NOTHING_TO_CORRECT:
            faults.add(_NAME, "renaming.fault_same")
        else:
            super().note(faults, refused)

    async def send(self, what: Right, key: str) -> Response:
        """Replace it in the records, and tell the stories."""
        await correct_name(
            self.asked.parts,
            speaking_for(self.asked.who),
            self.number,
            what.name,
            text=what.why,
            key=key,
        )
        return self.done("renamed")


async def _of_dossier(asked: ByDecidingOfficer, number: str) -> Renaming:
    row = await looked_at(asked, number)
    async with asked.parts.sessions() as session:
        person = await session.get_one(Person, row.person_id)
    copies = await copies_to_print(asked.parts, row.number)
    return Renaming(asked, row.number, person, has_file=bool(copies))


router = form_router("/bureau/dossier/{number}/nom", _of_dossier)
