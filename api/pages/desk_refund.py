"""An officer gives money back, from the task that asks what becomes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import Response

from api.codes import Code
from api.errors import Refused
from api.pages.asking import ByDecidingOfficer, Form, form_router, led
from api.pages.checking import Check
from api.pages.desk_fees import cents_of
from api.pages.forms import Faults, Written
from api.pages.words import Sentence
from api.v1.telling import keep_text, text_id
from intake.refunding import InHand, TooMuch, in_hand, order_by_officer
from records.models import TaskRow
from records.queries import task_numbered
from workflows.messages import Refusal

_AMOUNT, _WHY = "montant", "texte"


@dataclass(frozen=True, slots=True)
class GivenBack:
    """How much goes back, in cents, and why."""

    cents: int
    why: str


class Refunding(Form[GivenBack]):
    """A capture and what is left of it: how much goes back, and why."""

    template, field = "desk_refund.html", _AMOUNT

    def __init__(self, asked: ByDecidingOfficer, task: TaskRow, found: InHand) -> None:
        super().__init__(asked)
        self.task, self.found = task, found
        self.task_page = f"/bureau/tache/{quote(task.task_id)}"
        self.back = self.task_page, Sentence("desk.back_to_task")

    async def facts(self) -> Mapping[str, Any]:
        """Give the capture; nothing is asked once nothing is left of it."""
        asks = self.found.left_cents > 0 and self.task.closed_at is None
        return {"found": self.found, "asks": asks}

    async def read(self, written: Written, faults: Faults) -> GivenBack | None:
        """Read the amount, at most what is left, and the reasons."""
        cents = cents_of(written[_AMOUNT])
        left = self.found.left_cents
        if not cents:
            faults.add(_AMOUNT, "refunding.fault_amount")
        elif cents > left:
            faults.add(_AMOUNT, "refunding.fault_too_much", left=left)
        if not written[_WHY]:
            faults.add(_WHY, "desk.fault_text")
        return GivenBack(cents, written[_WHY]) if cents and not faults else None

    async def check(self, what: GivenBack) -> Check:
        """Show once more what would go back."""
        amount = Sentence("refunding.cents", {"cents": what.cents})
        return Check(
            self.path,
            [
                (Sentence("refunding.amount"), amount),
                (Sentence("refunding.why"), what.why),
            ],
            [Sentence("refunding.next")],
            Sentence("refunding.send"),
            self.back,
        )

    async def send(self, what: GivenBack, key: str) -> Response:
        """Order it, once for a key; a settled task orders nothing more."""
        asked, payment = self.asked, self.found.payment
        if self.task.closed_at is not None:
            return led(f"/{asked.language}{self.task_page}")
        name = text_id("refund", key)
        try:
            async with asked.parts.sessions.begin() as session:
                await keep_text(
                    session,
                    name=name,
                    dossier=payment.dossier,
                    text=what.why,
                    by=asked.who.account,
                )
                await order_by_officer(
                    session,
                    payment.payment_id,
                    what.cents,
                    by=asked.who.account,
                    text_id=name,
                    key=key,
                )
        except TooMuch as too_much:
            raise Refused(Code.TOO_MUCH_GIVEN_BACK) from too_much
        return led(f"/{asked.language}{self.task_page}?fait=rembourser")

    def note(self, faults: Faults, refused: Refused) -> None:
        """Note a refusal at the field it is about."""
        of_amount = refused.code == Code.TOO_MUCH_GIVEN_BACK
        faults.refused(_AMOUNT if of_amount else _WHY, refused)


async def _of_task(asked: ByDecidingOfficer, task_id: str) -> Refunding:
    """Find a task and its capture; raises Refused where there is none."""
    async with asked.parts.sessions() as session:
        task = await task_numbered(session, task_id.replace("\0", ""))
        found = await in_hand(session, task.about) if task and task.about else None
    if task is None or found is None:
        raise Refused(Refusal.UNKNOWN_TASK)
    return Refunding(asked, task, found)


router = form_router("/bureau/remboursement/{task_id:path}", _of_task)
