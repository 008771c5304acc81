"""Correcting a date of a dossier: the one before, the one after, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import Response

from api.correcting import correct
from api.pages.asking import Asked, ByDecidingOfficer, form_router
from api.pages.checking import Check
from api.pages.desk_of_dossier import OfDossier, looked_at
from api.pages.forms import Faults, Written
from api.pages.mine import speaking_for
from api.pages.words import Sentence
from api.v1.showing import shown
from rules.dossier import Dossier
from workflows.messages import Correctable

_WHAT, _DAY, _WHY = "quoi", "jour", "raison"


@dataclass(frozen=True, slots=True)
class Wrong:
    """A date that stands in a dossier, and may be wrong; *link_id* for a link's."""

    what: Correctable
    before: date
    link_id: str | None = None
    permit: str | None = None

    @property
    def name(self) -> str:
        """Name it in a form."""
        return f"{self.what}:{self.link_id}" if self.link_id else str(self.what)

    @property
    def said(self) -> Sentence:
        """Say which date it is, and the one that stands."""
        facts = {"on": self.before, "permit": self.permit}
        return Sentence(f"correcting.{self.what}", facts)


@dataclass(frozen=True, slots=True)
class Right:
    """A date in the place of a wrong one, and why."""

    wrong: Wrong
    day: date
    why: str


class Correcting(OfDossier[Right]):
    """Which date is wrong, the right one, and the reason that the person will read."""

    template, field = "desk_correcting.html", _DAY

    def __init__(self, asked: Asked, dossier: Dossier) -> None:
        super().__init__(asked, dossier.number)
        self.dossier = dossier
        self.dates = _dates(dossier)
        self.begins_anew = _WHAT in asked.request.query_params

    async def known(self) -> Mapping[str, str]:
        """Fill in what a link asks for: to undo a correction."""
        asked = self.asked.request.query_params
        return {name: asked.get(name, "") for name in (_WHAT, _DAY)}

    async def facts(self) -> Mapping[str, Any]:
        """Give the dates that stand."""
        return {"dates": self.dates, "asks": bool(self.dates)}

    async def read(self, written: Written, faults: Faults) -> Right | None:
        """Read which date, the right one and the reason."""
        wrong = next((d for d in self.dates if d.name == written[_WHAT]), None)
        if wrong is None:
            faults.add(_WHAT, "correcting.fault_what")
        try:
            day = date.fromisoformat(written[_DAY])
        except ValueError:
            day = None
            faults.add(_DAY, "agency.fault_day")
        if not written[_WHY]:
            faults.add(_WHY, "correcting.fault_why")
        if wrong is None or day is None or faults:
            return None
        return Right(wrong, day, written[_WHY])

    async def check(self, what: Right) -> Check:
        """Show the date before and the one after."""
        return Check(
            self.path,
            [
                (Sentence("desk.dossier"), self.number),
                (Sentence("correcting.before"), what.wrong.said),
                (Sentence("correcting.after"), _day(what.day)),
                (Sentence("correcting.why"), what.why),
            ],
            [Sentence("correcting.next")],
            Sentence("correcting.send"),
            self.back,
        )

    async def send(self, what: Right, key: str) -> Response:
        """Have the story replace it."""
        await correct(
            self.asked.parts,
            speaking_for(self.asked.who),
            self.dossier.number,
            what.wrong.what,
            what.day,
            link_id=what.wrong.link_id,
            text=what.why,
            key=key,
        )
        return self.done("corrected")


def _day(on: date) -> Sentence:
    return Sentence("list.weekday", {"on": on})


def _dates(dossier: Dossier) -> Sequence[Wrong]:
    """List the dates that an officer may correct; a closed dossier has none."""
    if dossier.ending is not None:
        return ()
    found = []
    if dossier.exam is not None:
        found.append(Wrong(Correctable.EXAM_PASSED_ON, dossier.exam.passed_on))
    if dossier.echeance is not None:
        found.append(Wrong(Correctable.ECHEANCE, dossier.echeance))
    for link in dossier.links:
        for what, day in (
            (Correctable.LINK_SINCE, link.since),
            (Correctable.LINK_UNTIL, link.until),
        ):
            if day is not None:
                found.append(Wrong(what, day, link.link_id, str(link.permit)))
    return tuple(found)


async def _of_dossier(asked: ByDecidingOfficer, number: str) -> Correcting:
    row = await looked_at(asked, number)
    state = await shown(asked.parts, row.number)
    return Correcting(asked, state.dossier)


router = form_router("/bureau/dossier/{number}/correction", _of_dossier)
