"""One's links with agencies: declared by permit number, confirmed by the agency."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Response

from api.errors import Refused
from api.pages.asking import form_router
from api.pages.checking import Check
from api.pages.forms import Faults, Written
from api.pages.mine import OwnForm
from api.pages.words import Sentence
from api.v1.dossiers import agency_to_link, ask_link
from api.v1.showing import own_now
from records.dossiers import restored
from records.models import Agency
from rules.civil_time import civil_date
from rules.numbers import BadNumber, PermitNumber, parse_permit_number

_PERMIT = "permis"
MOST_AT_ONCE = 10


class Linking(OwnForm[Sequence[Agency]]):
    """The links there are, and the permit numbers of other agencies."""

    template, field = "linking.html", _PERMIT
    _about: str | None = None  # the number in hand, where there are several

    async def facts(self) -> Mapping[str, Any]:
        """Give the links of the dossier, and today."""
        async with self.asked.parts.sessions() as session:
            today = civil_date(await own_now(session, self.number))
        links = restored(self.mine.facts).links
        return {**await super().facts(), "links": links, "today": today}

    async def read(self, written: Written, faults: Faults) -> Sequence[Agency] | None:
        """Look each permit up, or note what is wrong with the first that is."""
        pieces = re.split(r"[\n,;]+", written[_PERMIT])
        asked = list(dict.fromkeys(piece.strip() for piece in pieces if piece.strip()))
        if not asked:
            faults.add(_PERMIT, "linking.fault_none")
        if len(asked) > MOST_AT_ONCE:
            faults.add(_PERMIT, "linking.fault_many", most=MOST_AT_ONCE)
            return None
        found: dict[str, Agency] = {}
        for piece in asked:
            self._about = piece if len(asked) > 1 else None
            permit = _permit(piece)
            found[permit] = await agency_to_link(self.asked.parts, self.number, permit)
        return tuple(found.values())

    async def check(self, what: Sequence[Agency]) -> Check:
        """Show the agencies' names before anything is asked of them."""
        return Check(
            self.path,
            [
                (Sentence("linking.asks", {"permit": agency.permit}), agency.name)
                for agency in what
            ],
            [Sentence("linking.next")],
            Sentence("linking.send"),
            self.back_to_dossier,
        )

    async def send(self, what: Sequence[Agency], key: str) -> Response:
        """Ask each of them, once."""
        for agency in what:
            self._about = agency.permit if len(what) > 1 else None
            await ask_link(
                self.asked.parts,
                self.caller,
                self.number,
                agency,
                key=f"{key}-{agency.permit}",
            )
        return self.done("link", key)

    def note(self, faults: Faults, refused: Refused) -> None:
        """Say why; and of which number, where there are several."""
        if self._about is None:
            super().note(faults, refused)
        else:
            faults.add(_PERMIT, "linking.fault_one", permit=self._about, why=refused)


def _permit(piece: str) -> PermitNumber:
    try:
        return parse_permit_number(piece)
    except BadNumber as wrong:
        raise Refused(f"number_{wrong.problem}", detail=wrong.detail) from wrong


router = form_router("/dossier/{number}/agence", Linking)
