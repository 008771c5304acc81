"""Printing a certificate again: what it will say, which copy it is, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Response

from api.errors import Refused
from api.pages.asking import Asked, ByDecidingOfficer, form_router
from api.pages.checking import Check
from api.pages.desk_of_dossier import OfDossier, looked_at
from api.pages.forms import Faults, Written
from api.pages.mine import speaking_for
from api.pages.words import Sentence
from api.reissuing import NewCopy, copies_to_print, reissue, try_to_print
from workflows.messages import Refusal

_WHICH, _WHY = "certificat", "raison"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A certificate to print again, and why."""

    copy: NewCopy
    why: str


class Reissuing(OfDossier[Wanted]):
    """Which certificate, where two are in their terms, and the reason."""

    template, field = "desk_reissuing.html", _WHY

    def __init__(self, asked: Asked, number: str, copies: Sequence[NewCopy]) -> None:
        super().__init__(asked, number)
        self.copies = {str(copy.facts.first_day): copy for copy in copies}

    async def facts(self) -> Mapping[str, Any]:
        """Give the certificates that may be printed again."""
        return {"copies": self.copies, "asks": bool(self.copies)}

    async def read(self, written: Written, faults: Faults) -> Wanted | None:
        """Read which certificate and the reason; raises Refused where none is left."""
        copies = self.copies
        if not copies:
            raise Refused(Refusal.NO_CERTIFICATE_IN_TERM)
        copy = copies.get(written[_WHICH])
        if copy is None and len(copies) == 1:
            (copy,) = copies.values()
        if copy is None:
            faults.add(_WHICH, "reissuing.fault_which")
        if not written[_WHY]:
            faults.add(_WHY, "reissuing.fault_why")
        return None if copy is None or faults else Wanted(copy, written[_WHY])

    async def check(self, what: Wanted) -> Check:
        """Show what will be printed; raises Refused for a name that cannot be."""
        await try_to_print(what.copy)
        facts = what.copy.facts
        return Check(
            self.path,
            [
                (Sentence("desk.dossier"), self.number),
                (Sentence("reissuing.holder"), facts.printed_name),
                (Sentence("reissuing.first_day"), _day(facts.first_day)),
                (Sentence("reissuing.last_day"), _day(facts.last_valid_day)),
                (Sentence("reissuing.copy"), _which(facts.edition)),
                (Sentence("reissuing.languages"), _IN[facts.language]),
                (Sentence("reissuing.why"), what.why),
            ],
            [Sentence("reissuing.next")],
            Sentence("reissuing.send"),
            self.back,
            look_twice=[Sentence("reissuing.same")] if what.copy.says_the_same else [],
        )

    async def send(self, what: Wanted, key: str) -> Response:
        """Have the story order it."""
        await reissue(
            self.asked.parts,
            speaking_for(self.asked.who),
            self.number,
            what.copy.facts.first_day,
            text=what.why,
            key=key,
        )
        return self.done("reissued")


_IN = {"fr": Sentence("reissuing.in_fr"), "en": Sentence("reissuing.in_en")}


def _day(on: object) -> Sentence:
    return Sentence("list.weekday", {"on": on})


def _which(edition: int) -> Sentence:
    if edition == 1:
        return Sentence("reissuing.copy_first")
    return Sentence("reissuing.copy_next", {"edition": edition})


async def _of_dossier(asked: ByDecidingOfficer, number: str) -> Reissuing:
    row = await looked_at(asked, number)
    return Reissuing(asked, row.number, await copies_to_print(asked.parts, row.number))


router = form_router("/bureau/dossier/{number}/exemplaire", _of_dossier)
