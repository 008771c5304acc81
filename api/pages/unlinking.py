"""Ending one's link with an agency: within 15 days, and what that does."""

from dataclasses import replace
from datetime import date

from fastapi import APIRouter, Depends, Request, Response

from api import links
from api.errors import Refused
from api.language import Language
from api.pages.checking import Check, check_page
from api.pages.done import done
from api.pages.forms import Faults, FormWritten, Step, Written, first_time
from api.pages.mine import MyDossier
from api.pages.rendering import Page, page
from api.pages.words import Sentence
from api.parts import Parts, TheParts
from api.signin.who import own_form
from api.v1.showing import own_now
from records.dossiers import restored
from records.models import DossierRow
from rules.civil_time import civil_date
from rules.dossier import Dossier, Link
from rules.links import is_linked, last_day_to_report
from rules.policy import load_policy
from workflows.messages import Refusal, Source

router = APIRouter(route_class=Page, include_in_schema=False)
_ON = "jour"


@router.get("/{language:fr_or_en}/dossier/{number}/agence/fin/{link_id:path}")
async def write(
    request: Request,
    language: Language,
    mine: MyDossier,
    link_id: str,
) -> Response:
    """Ask for the first day without the link."""
    return _form(request, language, mine, _link(mine, link_id), first_time(), Faults())


@router.post(
    "/{language:fr_or_en}/dossier/{number}/agence/fin/{link_id:path}",
    dependencies=[Depends(own_form)],
)
async def take(
    request: Request,
    parts: TheParts,
    language: Language,
    mine: MyDossier,
    link_id: str,
    written: FormWritten,
) -> Response:
    """Show what the end would do; then tell it, a fact that counts once."""
    link, faults = _link(mine, link_id), Faults()
    until = _day(written, faults)
    if until is None or written.step is Step.WRITE:
        shown = faults if written.step is not Step.WRITE else Faults()
        return _form(request, language, mine, link, written, shown)
    try:
        if written.step is Step.CHECK:
            check = await _check(parts, mine, link, until)
            return check_page(request, language, check, written)
        await links.end(
            parts, link.link_id, until, permit=link.permit, told_by=Source.PERSON
        )
    except Refused as refused:
        faults.refused(_ON, refused)
        return _form(request, language, mine, link, written, faults)
    return done(language, mine.number, "unlink", written.key)


def _link(mine: DossierRow, link_id: str) -> Link:
    """Find a link of this dossier that was confirmed and is not ended."""
    link = restored(mine.facts).link(link_id)
    if link is None or link.since is None or link.until is not None:
        raise Refused(Refusal.UNKNOWN_LINK)
    return link


def _day(written: Written, faults: Faults) -> date | None:
    try:
        return date.fromisoformat(written[_ON])
    except ValueError:
        faults.add(_ON, "agency.fault_day")
        return None


async def _check(parts: Parts, mine: DossierRow, link: Link, until: date) -> Check:
    async with parts.sessions() as session:
        today = civil_date(await own_now(session, mine.number))
    dossier = restored(mine.facts)
    links.is_plausible(until, today)
    policy = load_policy(dossier.kind, today)
    told_by = last_day_to_report(until, delays_extended=policy.delays_extended)
    late = [Sentence("unlinking.late", {"until": told_by})] if told_by < today else []
    left = (
        Sentence("unlinking.left_other")
        if _another(dossier, link, max(until, today))
        else Sentence("unlinking.left_none")
    )
    return Check(
        f"/dossier/{mine.number}/agence/fin/{link.link_id}",
        [
            (Sentence("linking.permit"), str(link.permit)),
            (Sentence("unlinking.label"), Sentence("list.weekday", {"on": until})),
        ],
        [*late, left, Sentence("unlinking.next")],
        Sentence("unlinking.send"),
        mine.number,
    )


def _another(dossier: Dossier, ended: Link, day: date) -> bool:
    """Answer whether a link with another agency still counts on *day*."""
    left = tuple(link for link in dossier.links if link.link_id != ended.link_id)
    return is_linked(replace(dossier, links=left), day)


def _form(
    request: Request,
    language: Language,
    mine: DossierRow,
    link: Link,
    written: Written,
    faults: Faults,
) -> Response:
    return page(
        request,
        "unlinking.html",
        language,
        422 if faults else 200,
        mine=mine,
        link=link,
        written=written,
        faults=faults,
    )
