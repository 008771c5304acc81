"""Cancelling a dossier: what it means first, then a reason, then once more."""

from collections.abc import Mapping
from typing import Any

from fastapi import Response

from api.errors import Refused
from api.pages.asking import form_router
from api.pages.checking import Check
from api.pages.forms import Faults, Written
from api.pages.mine import OwnForm
from api.pages.words import Sentence
from api.v1.dossiers import cancel
from rules.dossier import Phase
from workflows.messages import Refusal

_WHY = "raison"


class Cancelling(OwnForm[str]):
    """What cancelling means and what one can do instead; and why one cancels."""

    template, field = "cancelling.html", _WHY

    async def facts(self) -> Mapping[str, Any]:
        """Say whether a certificate would be lost; a closed dossier is closed."""
        if self.mine.phase == Phase.CLOSED:
            raise Refused(Refusal.WRONG_PHASE)
        holds = self.mine.phase in {Phase.IN_FORCE, Phase.SUSPENDED}
        return {**await super().facts(), "holds": holds}

    async def read(self, written: Written, faults: Faults) -> str | None:
        """Read the reason; there must be one."""
        if not written[_WHY]:
            faults.add(_WHY, "cancelling.fault_why")
        return written[_WHY] or None

    async def check(self, what: str) -> Check:
        """Show once more what would be cancelled."""
        return Check(
            self.path,
            [
                (Sentence("cancelling.row_what"), self.number),
                (Sentence("cancelling.label"), what),
            ],
            [Sentence("cancelling.for_good"), Sentence("cancelling.next")],
            Sentence("cancelling.send"),
            self.back_to_dossier,
        )

    async def send(self, what: str, key: str) -> Response:
        """Cancel it."""
        await cancel(self.asked.parts, self.caller, self.number, what, key=key)
        return self.done("cancel", key)


router = form_router("/dossier/{number}/annulation", Cancelling)
