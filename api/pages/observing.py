"""Observations before a refusal: what the Office intends, and a person's answer."""

from collections.abc import Mapping
from typing import Any

from fastapi import Response

from api.errors import Refused
from api.pages.asking import form_router
from api.pages.checking import Check
from api.pages.forms import Faults, Written
from api.pages.mine import OwnForm
from api.pages.telling import letters_kept
from api.pages.words import Sentence
from api.v1.dossiers import observe
from api.v1.showing import own_now
from letters.facts import Notice
from records.dossiers import restored
from records.queries import letters_of
from rules.civil_time import civil_date
from rules.dossier import Stage, TransferRequest
from workflows.messages import Refusal

_TEXT = "texte"


class Observing(OwnForm[str]):
    """What is intended, until when one may answer, and the answer."""

    template, field = "observing.html", _TEXT

    async def facts(self) -> Mapping[str, Any]:
        """Give the notice and its delay; raises Refused when nothing is intended."""
        intended = self._intended()
        async with self.asked.parts.sessions() as session:
            today = civil_date(await own_now(session, self.number))
            letters = await letters_of(session, self.number)
        notices = [each for each in letters if each.notice == Notice.INTENDED_REFUSAL]
        return {
            **await super().facts(),
            "until": intended.observe_until,
            "today": today,
            "notices": letters_kept(notices[-1:]),
        }

    def _intended(self) -> TransferRequest:
        request = restored(self.mine.facts).request
        if request is None or request.stage is not Stage.NOTICE_GIVEN:
            raise Refused(Refusal.WRONG_PHASE)
        return request

    async def read(self, written: Written, faults: Faults) -> str | None:
        """Read the text; there must be one."""
        if not written[_TEXT]:
            faults.add(_TEXT, "observing.fault_text")
        return written[_TEXT] or None

    async def check(self, what: str) -> Check:
        """Show the text once more."""
        return Check(
            self.path,
            [(Sentence("observing.label"), what)],
            [Sentence("observing.next")],
            Sentence("observing.send"),
            self.back_to_dossier,
        )

    async def send(self, what: str, key: str) -> Response:
        """Put the text before the officer who decides."""
        await observe(self.asked.parts, self.caller, self.number, what, key=key)
        return self.done("observe", key)


router = form_router("/dossier/{number}/observations", Observing)
