"""Having a silent agency reminded of a link: a letter to it, once in a while."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import Response

from api.errors import Refused
from api.pages.asking import ByPerson, form_router
from api.pages.checking import Check
from api.pages.forms import Faults, Step, Written, first_time
from api.pages.mine import MyDossier, OwnForm
from api.pages.seen import Seen
from api.pages.words import Sentence
from api.v1.dossiers import remind_agency
from records.dossiers import restored
from records.models import Agency
from rules.dossier import Link, Phase
from rules.links import answer_by, remindable_from
from workflows.messages import Refusal


@dataclass(frozen=True, slots=True)
class Reminder:
    """A link that waits for its agency; *later_on* while it is too soon to remind."""

    link: Link
    answer_by: date | None
    later_on: date | None
    key: str


def reminders(seen: Seen) -> tuple[Reminder, ...]:
    """List the agencies that a person waits for, and from when each may be reminded."""
    if seen.state.phase in {Phase.CLOSED, Phase.EXPIRED}:
        return ()
    return tuple(
        _reminder(link, remindable_from(link, seen.policy), seen.today)
        for link in seen.dossier.links
        if link.is_waiting
    )


def _reminder(link: Link, from_day: date | None, today: date) -> Reminder:
    return Reminder(
        link,
        answer_by(link.asked_on) if link.asked_on else None,
        from_day if from_day is not None and from_day > today else None,
        first_time().key,
    )


class Reminding(OwnForm[Link]):
    """One button and no question: what is sent is shown by whoever asks to see it."""

    template, field = "reminding.html", "lien"

    def __init__(self, asked: ByPerson, mine: MyDossier, link_id: str) -> None:
        super().__init__(asked, mine)
        link = restored(mine.facts).link(link_id)
        if link is None:
            raise Refused(Refusal.UNKNOWN_LINK)
        self.link = link

    async def facts(self) -> Mapping[str, Any]:
        """Give the link; the page asks nothing."""
        return {**await super().facts(), "link": self.link, "asks": False}

    async def show(self, step: str) -> Response:
        """Show what would be sent; there is nothing to write."""
        del step
        if not self.link.is_waiting:
            return await self._refused(Refused(Refusal.LINK_ANSWERED))
        return await self._judged(first_time(), None)

    async def take(self, written: Written) -> Response:
        """Send it; there is nothing to keep meanwhile."""
        if written.step is not Step.SEND:
            return self.led_here()
        return await self._sent(written)

    async def read(self, written: Written, faults: Faults) -> Link | None:
        """Give the link of the address: nothing is written."""
        del written, faults
        return self.link

    async def check(self, what: Link) -> Check:
        """Show to whom it goes, and about what."""
        async with self.asked.parts.sessions() as session:
            agency = await session.get(Agency, what.permit)
        rows: list[tuple[Sentence, Sentence | str]] = [
            (
                Sentence("linking.asks", {"permit": what.permit}),
                agency.name if agency else str(what.permit),
            )
        ]
        if what.asked_on is not None:
            asked = Sentence("list.weekday", {"on": what.asked_on})
            by = Sentence("list.weekday", {"on": answer_by(what.asked_on)})
            rows += [
                (Sentence("reminding.asked"), asked),
                (Sentence("reminding.by"), by),
            ]
        return Check(
            self.path,
            rows,
            [Sentence("reminding.next")],
            Sentence("reminding.send"),
            self.back_to_dossier,
            can_change=False,
        )

    async def send(self, what: Link, key: str) -> Response:
        """Have the agency reminded, once for a key and once in a while."""
        await remind_agency(
            self.asked.parts, self.caller, self.number, what.link_id, key=key
        )
        return self.done("remind", key)

    async def _refused(self, refused: Refused) -> Response:
        faults = Faults()
        self.note(faults, refused)
        return await self._page(first_time(), faults)


router = form_router("/dossier/{number}/rappel/{link_id:path}", Reminding)
