"""What an agency says of one link: it confirms, refuses or ends it.

Nothing here pays, applies or declares for a person: only they may.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import Response

from api import links
from api.errors import Refused
from api.pages.agency import MyAgency
from api.pages.asking import ByAgency, Form, form_router, led
from api.pages.checking import Check, Row
from api.pages.forms import Faults, Written
from api.pages.words import Sentence
from records.agencies import NOTICE_OF_END
from records.models import LinkRow, Person
from records.queries import dossier_numbered
from rules.civil_time import civil_date
from rules.links import ANSWER_WITHIN, answer_by

_ANSWER, _ON, _WHY, _END = "reponse", "jour", "raison", "fin"
_CONFIRMS, _REFUSES, _ENDS = "confirmer", "refuser", "terminer"


@dataclass(frozen=True, slots=True)
class Said:
    """An agency's answer: from or until which day, or why not."""

    answer: str
    day: date | None = None
    why: str | None = None


class Answering(Form[Said]):
    """A request to confirm or refuse; or the first day without a link there is."""

    template, field = "agency_link.html", _ANSWER

    def __init__(self, asked: ByAgency, link: LinkRow, name: str, today: date) -> None:
        super().__init__(asked)
        self.link, self.name, self.today = link, name, today
        self.back = "/agence", Sentence("agency.back")

    async def facts(self) -> Mapping[str, Any]:
        """Give the link, the person's name, and by when a request is answered."""
        link = self.link
        over = link.refused_on is not None or link.until is not None
        return {
            "link": link,
            "name": self.name,
            "today": self.today,
            "answer_by": answer_by(link.asked_on) if link.asked_on else None,
            "within": ANSWER_WITHIN.days,
            "asks": not over,
        }

    def note(self, faults: Faults, refused: Refused) -> None:
        """Note a refusal at the day it is about."""
        faults.refused(_END if self.link.since else _ON, refused)

    async def read(self, written: Written, faults: Faults) -> Said | None:
        """Read the answer, and the day or the reason that goes with it."""
        match written[_ANSWER]:
            case "confirmer" if self.link.since is None:
                day = _day(written, _ON, faults)
                if day is None:
                    return None
                links.has_come(day, self.today)
                return Said(_CONFIRMS, day)
            case "refuser" if self.link.since is None:
                if not written[_WHY]:
                    faults.add(_WHY, "agency.fault_why")
                return Said(_REFUSES, why=written[_WHY])
            case "terminer" if self.link.since is not None:
                day = _day(written, _END, faults)
                if day is None:
                    return None
                links.may_end(self.link, day, self.today)
                return Said(_ENDS, day)
            case "":
                faults.add(_ANSWER, "agency.fault_choose")
            case _:
                faults.add(_ANSWER, "agency.fault_answer")
        return None

    async def check(self, what: Said) -> Check:
        """Show what is said of whom, and what it does."""
        rows: list[Row] = [
            (Sentence("frame.name"), self.name),
            (Sentence("frame.number"), self.link.dossier),
        ]
        return Check(
            self.path,
            [*rows, _row(what)],
            [*self._what_follows(what)],
            _SENDS[what.answer],
            self.back,
        )

    def _what_follows(self, what: Said) -> list[Sentence]:
        if what.answer == _CONFIRMS:
            return [Sentence("agency.confirm_then")]
        if what.day is None:
            return [Sentence("agency.refuse_then")]
        by = what.day + NOTICE_OF_END
        in_time = "agency.end_late" if by < self.today else "agency.end_in_time"
        return [
            Sentence("agency.end_then", {"on": what.day}),
            Sentence(in_time, {"on": by}),
        ]

    async def send(self, what: Said, key: str) -> Response:
        """Tell it: a fact that counts once."""
        del key
        parts, link = self.asked.parts, self.link
        match what.answer, what.day:
            case "confirmer", date() as since:
                await links.confirm(parts, link.link_id, since, permit=link.permit)
            case "terminer", date() as until:
                await links.end(parts, link.link_id, until, permit=link.permit)
            case _:
                await links.refuse(
                    parts,
                    link.link_id,
                    permit=link.permit,
                    reason=what.why,
                    by=self.asked.who.account,
                )
        return led(f"/{self.asked.language}/agence?fait={what.answer}")


_SENDS = {
    _CONFIRMS: Sentence("agency.confirm_go"),
    _REFUSES: Sentence("agency.refuse_go"),
    _ENDS: Sentence("agency.end_go"),
}


def _row(what: Said) -> Row:
    if what.day is None:
        return Sentence("agency.why_label"), what.why or ""
    label = "agency.since_label" if what.answer == _CONFIRMS else "agency.until_label"
    return Sentence(label), Sentence("list.weekday", {"on": what.day})


def _day(written: Written, field: str, faults: Faults) -> date | None:
    """Read a day as its field gives it, or as it is written by hand: 2026-11-26."""
    try:
        return date.fromisoformat(written[field])
    except ValueError:
        faults.add(field, "agency.fault_day")
        return None


async def _of_link(asked: ByAgency, agency: MyAgency, link_id: str) -> Answering:
    """Find a link of one's own agency; another's is told by nothing from none."""
    permit = agency.permit if agency else ""
    async with asked.parts.sessions() as session:
        link, now = await links.found(session, link_id, permit=permit)
        row = await dossier_numbered(session, link.dossier)
        assert row is not None
        person = await session.get_one(Person, row.person_id)
    # By the dossier's own clock, as its story reads it.
    return Answering(asked, link, person.name, civil_date(now))


router = form_router("/agence/lien/{link_id:path}", _of_link)
