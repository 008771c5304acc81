"""Sending a letter once more, to the address on file today, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response

from api.errors import Refused
from api.language import Language
from api.pages.asking import Asked, Form, form_router, led
from api.pages.checking import Check
from api.pages.forms import Faults, Written
from api.pages.mine import speaking_for
from api.pages.telling import Kept, letters_kept
from api.pages.words import Sentence
from api.parts import Parts, TheParts
from api.resending import (
    address_today,
    letter_to_send_again,
    order_of,
    send_again,
    why_not,
)
from api.signin.who import TheDecidingOfficer
from api.v1.showing import agenda_shown, own_now, shown
from records.looks import note_look
from records.models import Letter
from records.queries import letters_of
from workflows.messages import LetterOrder
from workflows.resending import Present, refusal_of_sending_again

_WHY = "raison"


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """A letter that may be sent once more, and where it would go.

    *hindrance* says why it may not leave now, *copies* what was sent again before.
    """

    letter: Letter
    kept: Kept
    to: str | None
    copies: Sequence[Kept]
    hindrance: Refused | None

    @property
    def address_failed(self) -> bool:
        """Whether it would go to the very address that did not take it."""
        failed = self.letter.state in {"bounced", "refused"}
        return failed and self.to == self.letter.recipient


class Resending(Form[str]):
    """Why a letter is sent once more."""

    template, field = "desk_resending.html", _WHY

    def __init__(self, asked: Asked, found: Again) -> None:
        super().__init__(asked)
        self.found = found
        number = found.letter.dossier
        to_dossier = Sentence("form.back_to", {"number": number})
        self.back = f"/bureau/dossier/{number}", to_dossier

    async def facts(self) -> Mapping[str, Any]:
        """Give the letter, and whether it may leave."""
        return {"found": self.found, "asks": self.found.hindrance is None}

    async def read(self, written: Written, faults: Faults) -> str | None:
        """Read the reason."""
        if not written[_WHY]:
            faults.add(_WHY, "resending.fault_why")
        return written[_WHY] or None

    async def check(self, what: str) -> Check:
        """Show where it goes; raises Refused for a letter that may not leave."""
        if self.found.hindrance is not None:
            raise self.found.hindrance
        subject = self.found.kept.subject
        return Check(
            self.path,
            [
                (Sentence("resending.letter"), subject or Sentence(_NOT_WRITTEN)),
                (
                    Sentence("resending.first"),
                    Sentence("list.weekday", {"on": self.found.kept.on}),
                ),
                (Sentence("resending.to"), self.found.to or Sentence(_NOBODY)),
                (Sentence("resending.why"), what),
            ],
            [Sentence("resending.next")],
            Sentence("resending.send"),
            self.back,
        )

    async def send(self, what: str, key: str) -> Response:
        """Have the story send it."""
        asked, letter = self.asked, self.found.letter
        who = speaking_for(asked.who)
        await send_again(asked.parts, who, letter, text=what, key=key)
        return led(f"/{asked.language}/bureau/dossier/{letter.dossier}?fait=resent")


_NOT_WRITTEN, _NOBODY = "letters.not_written", "resending.nobody"


async def _hindrance(
    parts: Parts, letter: Letter, order: LetterOrder, to: str | None
) -> Refused | None:
    """Say why a letter may not leave now; its story judges again when it is sent."""
    refused = why_not(letter, to)
    if refused is not None:
        return refused
    state = await shown(parts, letter.dossier)
    duties = (await agenda_shown(parts, letter.dossier)).duties
    async with parts.sessions() as session:
        now = await own_now(session, letter.dossier)
    present = Present(
        dossier=state.dossier,
        phase=state.phase,
        duties={duty.key for duty in duties},
        now=now,
    )
    refusal = refusal_of_sending_again(order, present)
    return None if refusal is None else Refused(refusal)


async def _of_letter(
    request: Request,
    parts: TheParts,
    language: Language,
    who: TheDecidingOfficer,
    key: str,
) -> Resending:
    letter = await letter_to_send_again(parts, key)
    order = order_of(letter)
    first = order.copy_of or order.key
    async with parts.sessions.begin() as session:
        await note_look(session, letter.dossier, who.account, "letter")
        to = await address_today(session, order)
        rows = await letters_of(session, letter.dossier)
    (kept,) = letters_kept([letter])
    found = Again(
        letter=letter,
        kept=kept,
        to=to,
        copies=letters_kept(r for r in rows if r.ordered.get("copy_of") == first),
        hindrance=await _hindrance(parts, letter, order, to),
    )
    return Resending(Asked(request, parts, language, who), found)


router = form_router("/bureau/renvoi/{key:path}", _of_letter)
