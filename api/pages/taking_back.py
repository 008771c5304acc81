"""Taking back an old dossier instead of opening a second one.

The number alone proves nothing, and tells nothing: the answer is the same for every
number, and what follows goes to the address on file.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import Response
from starlette.background import BackgroundTask

from api.pages.asking import Form, form_router
from api.pages.checking import Check
from api.pages.done import led_to, what_was_done
from api.pages.forms import Faults, Written
from api.pages.words import Sentence
from api.proofs import ask_for_proof, wish_id
from api.v1.telling import keep_text
from api.visitors import admit
from records.queries import dossier_numbered
from records.taking_back import person_without_account
from rules.dossier import Phase
from rules.numbers import DossierNumber
from workflows.messages import ProofPurpose

_NUMBER = "numero"
QUESTIONS_A_MINUTE = 3
"""How many numbers one account may give in a minute (our policy, not law)."""


class TakingBack(Form[DossierNumber]):
    """The number of the old dossier; or what to do with the letter."""

    template, field = "taking_back.html", _NUMBER
    back = "/mes-dossiers?tous", Sentence("address.back")

    async def facts(self) -> Mapping[str, Any]:
        """Say whether a letter has just been sent."""
        return {"done": what_was_done(self.asked.request)}

    async def read(self, written: Written, faults: Faults) -> DossierNumber | None:
        """Read the number as people write it."""
        return faults.dossier_number(_NUMBER, written[_NUMBER])

    async def check(self, what: DossierNumber) -> Check:
        """Show the number once more."""
        return Check(
            self.path,
            [(Sentence("taking_back.label"), what)],
            [Sentence("taking_back.next")],
            Sentence("taking_back.send"),
        )

    async def send(self, what: DossierNumber, key: str) -> Response:
        """Have a link sent to the address on file, if there is one to send it to."""
        parts, account = self.asked.parts, self.asked.who.account
        await admit(parts, f"numbers of {account}", most=QUESTIONS_A_MINUTE)
        told = await self._ask(what, key)
        answer = led_to(f"/{self.asked.language}/reprendre", "take_back", key)
        # After the answer, so that its hour tells nothing of the number.
        answer.background = BackgroundTask(parts.courier.tell, told)
        return answer

    async def _ask(self, number: DossierNumber, key: str) -> list[str]:
        name = wish_id(ProofPurpose.TAKE_BACK, key)
        async with self.asked.parts.sessions.begin() as session:
            await keep_text(
                session,
                name=name,
                dossier=number,
                text=number,
                by=self.asked.who.account,
            )
            row = await dossier_numbered(session, number)
            person = await person_without_account(session, number)
            if row is None or row.phase == Phase.CLOSED or person is None:
                return []
            return [await ask_for_proof(session, number, ProofPurpose.TAKE_BACK, name)]


router = form_router("/reprendre", TakingBack)
