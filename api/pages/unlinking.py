"""Ending one's link with an agency: within 15 days, and what that does."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from fastapi import Response

from api import links
from api.errors import Refused
from api.pages.asking import ByPerson, form_router
from api.pages.checking import Check
from api.pages.forms import Faults, Written
from api.pages.mine import MyDossier, OwnForm
from api.pages.words import Sentence
from api.v1.showing import own_now
from records.dossiers import restored
from records.models import DossierRow
from rules.civil_time import civil_date
from rules.dossier import Dossier, Link
from rules.links import is_linked, last_day_to_report
from rules.policy import load_policy
from workflows.messages import Refusal, Source

_ON = "jour"


class Unlinking(OwnForm[date]):
    """The first day without the link."""

    template, field = "unlinking.html", _ON

    def __init__(self, asked: ByPerson, mine: MyDossier, link_id: str) -> None:
        super().__init__(asked, mine)
        self.link = _link(mine, link_id)
        self.back = f"/dossier/{mine.number}/agence", Sentence("unlinking.back")

    async def facts(self) -> Mapping[str, Any]:
        """Give the link to the page."""
        return {**await super().facts(), "link": self.link}

    async def read(self, written: Written, faults: Faults) -> date | None:
        """Read the day."""
        try:
            return date.fromisoformat(written[_ON])
        except ValueError:
            faults.add(_ON, "agency.fault_day")
            return None

    async def check(self, what: date) -> Check:
        """Show what the end would do."""
        async with self.asked.parts.sessions() as session:
            today = civil_date(await own_now(session, self.number))
        dossier = restored(self.mine.facts)
        links.is_plausible(what, today)
        policy = load_policy(dossier.kind, today)
        by = last_day_to_report(what, delays_extended=policy.delays_extended)
        late = [Sentence("unlinking.late", {"until": by})] if by < today else []
        left = (
            Sentence("unlinking.left_other")
            if _another(dossier, self.link, max(what, today))
            else Sentence("unlinking.left_none")
        )
        return Check(
            self.path,
            [
                (Sentence("linking.permit"), str(self.link.permit)),
                (Sentence("unlinking.label"), Sentence("list.weekday", {"on": what})),
            ],
            [*late, left, Sentence("unlinking.next")],
            Sentence("unlinking.send"),
            self.back_to_dossier,
        )

    async def send(self, what: date, key: str) -> Response:
        """Tell the end, a fact that counts once."""
        await links.end(
            self.asked.parts,
            self.link.link_id,
            what,
            permit=self.link.permit,
            told_by=Source.PERSON,
        )
        return self.done("unlink", key)


def _link(mine: DossierRow, link_id: str) -> Link:
    """Find a link of this dossier that was confirmed and is not ended."""
    link = restored(mine.facts).link(link_id)
    if link is None or link.since is None or link.until is not None:
        raise Refused(Refusal.UNKNOWN_LINK)
    return link


def _another(dossier: Dossier, ended: Link, day: date) -> bool:
    """Answer whether a link with another agency still counts on *day*."""
    left = tuple(link for link in dossier.links if link.link_id != ended.link_id)
    return is_linked(replace(dossier, links=left), day)


router = form_router("/dossier/{number}/agence/fin/{link_id:path}", Unlinking)
