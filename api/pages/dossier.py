"""One dossier's page and its letters; on the embedded stack only, without sign-in."""

import asyncio
from datetime import datetime

from fastapi import APIRouter, Depends, Request, Response, status
from fastapi.responses import RedirectResponse

from api.language import Language
from api.pages.finding import read_number
from api.pages.own_host import asked_by_own_name
from api.pages.rendering import InLanguage, Page, mail_link, page, sorry
from api.pages.seen import Seen, headline
from api.pages.steps import steps
from api.pages.telling import letters_kept, what_comes, what_happened
from api.pages.turns import turns
from api.pages.words import Voice
from api.parts import Parts, TheParts, parts_of
from api.v1.discretion import LINES_OF_THE_OFFICE
from api.v1.showing import (
    agenda_shown,
    explanation_shown,
    known,
    own_now,
    policy_for,
    shown,
)
from letters.facts import ConditionLine
from letters.wording import condition
from records.models import Person
from records.queries import letters_of, timeline_of
from rules.agenda import Act
from rules.civil_time import civil_date
from rules.numbers import DossierNumber
from rules.reasons import Finding
from workflows.messages import DutyView

router = APIRouter(
    route_class=Page,
    include_in_schema=False,
    dependencies=[Depends(asked_by_own_name)],
)
_LINES = 500
JUMPS = (1, 7, 30, 90)
"""How many days a dossier's clock may be moved ahead at once."""


@router.get("/{language}/dossier/{number}")
async def see_dossier(
    request: Request, parts: TheParts, language: InLanguage, number: str
) -> Response:
    """Show where a dossier stands, what is missing, until when and why."""
    read = await read_number(request, language, number)
    if isinstance(read, Response):
        return read
    if read != number:
        return RedirectResponse(
            f"/{language}/dossier/{read}", status.HTTP_303_SEE_OTHER
        )
    return await _dossier_page(request, parts, language, read)


@router.get("/{language}/dossier/{number}/lettre")
async def see_letter(
    request: Request, parts: TheParts, language: InLanguage, number: str, key: str = ""
) -> Response:
    """Show the text of one letter."""
    async with parts.sessions() as session:
        await known(session, number)
        rows = await letters_of(session, number)
    row = next((row for row in rows if row.key == key), None)
    if row is None:
        told = Voice(language)("sorry.no_such_letter")
        return sorry(request, told, status.HTTP_404_NOT_FOUND)
    (letter,) = letters_kept([row])
    return page(
        request, "letter.html", language, number=number, letter=letter, text=row.body
    )


async def _dossier_page(
    request: Request, parts: Parts, language: Language, number: DossierNumber
) -> Response:
    seen, duties = await see(parts, number)
    async with parts.sessions() as session:
        row = await known(session, number)
        person = await session.get_one(Person, row.person_id)
        lines = await timeline_of(
            session, number, after=0, limit=_LINES, without=LINES_OF_THE_OFFICE
        )
        letters = await letters_of(session, number)
        today = civil_date(await own_now(session, number))
    coming = still_to_come(duties, seen.at)
    addresses = {"intake": mail_link(parts.settings.intake_address)}
    return page(
        request,
        "dossier.html",
        language,
        seen=seen,
        name=person.name,
        headline=headline(seen),
        turns=turns(seen, coming, addresses),
        steps=steps(seen),
        coming=what_comes(coming),
        conditions=_worded(seen.explanation.findings, language),
        history=what_happened(lines),
        letters=letters_kept(letters),
        today=today,
        jumps=JUMPS if _can_move(request) else (),
    )


async def see(parts: Parts, number: DossierNumber) -> tuple[Seen, list[DutyView]]:
    """Ask the story once for all it shows; what it does not tell was last kept."""
    state, agenda, explanation = await asyncio.gather(
        shown(parts, number),
        agenda_shown(parts, number),
        explanation_shown(parts, number),
    )
    async with parts.sessions() as session:
        now = await own_now(session, number)
    at = now if state.live else state.as_of
    policy = policy_for(state.dossier, at)
    return Seen(state, explanation, policy, at), list(agenda.duties)


def still_to_come(duties: list[DutyView], at: datetime) -> tuple[DutyView, ...]:
    """Keep what falls due after *at* and is the person's to know."""
    return tuple(
        duty
        for duty in duties
        if duty.due_at > at and not duty.settled and duty.act != Act.ESCALATE
    )


def _worded(findings: tuple[Finding, ...], language: Language) -> list[tuple[str, str]]:
    """Word each condition as letters do, after the key of its answer."""
    answers = {True: "yes", False: "no", None: "waiting"}
    return [
        (
            answers[f.met],
            condition(ConditionLine(f.condition, f.met, f.source.text), language),
        )
        for f in findings
    ]


def _can_move(request: Request) -> bool:
    return parts_of(request).settings.embedded and request.app.state.mover is not None
