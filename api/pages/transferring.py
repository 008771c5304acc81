"""Asking for the exam result of an expired certificate: the web twin of the e-mail."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Response

from api.pages.asking import form_router
from api.pages.checking import Check
from api.pages.forms import Faults, Written
from api.pages.mine import OwnForm
from api.pages.words import Sentence
from api.v1.telling import ask, command_id
from records.accounts import dossiers_of_account
from rules.dossier import Phase
from rules.numbers import DossierNumber
from workflows.messages import RequestTransfer

_FIELD = "certificat"


class Transferring(OwnForm[DossierNumber]):
    """The number of the expired certificate, asked once; one's own is proposed."""

    template, field = "transfer.html", _FIELD

    async def known(self) -> Mapping[str, str]:
        """Propose one's own expired dossier, if there is one."""
        own = await self._own_expired()
        return {_FIELD: own[0]} if len(own) == 1 else {}

    async def facts(self) -> Mapping[str, Any]:
        """Name one's own expired dossiers."""
        return {**await super().facts(), "own": await self._own_expired()}

    async def _own_expired(self) -> Sequence[str]:
        async with self.asked.parts.sessions() as session:
            rows = await dossiers_of_account(session, self.asked.who.account)
        return [row.number for row in rows if row.phase == Phase.EXPIRED]

    async def read(self, written: Written, faults: Faults) -> DossierNumber | None:
        """Read the number as people write it."""
        return faults.dossier_number(_FIELD, written[_FIELD])

    async def check(self, what: DossierNumber) -> Check:
        """Show the wish as it would be sent."""
        return Check(
            self.path,
            [
                (Sentence("transfer.row_new"), self.number),
                (Sentence("transfer.row_wish"), Sentence("transfer.wish")),
                (Sentence("transfer.row_old"), what),
            ],
            [Sentence("transfer.next")],
            Sentence("transfer.send"),
            self.back_to_dossier,
        )

    async def send(self, what: DossierNumber, key: str) -> Response:
        """Ask the story."""
        command = RequestTransfer(
            command_id=command_id("request_transfer", key),
            by=self.asked.who.account,
            certificate=what,
        )
        await ask(self.asked.parts, self.caller, self.number, command, key=key)
        return self.done("transfer", key)


router = form_router("/dossier/{number}/transfert", Transferring)
