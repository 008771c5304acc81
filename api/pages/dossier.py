"""One dossier's page and its letters, for its person and for officers."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter

from fastapi import APIRouter, Request, Response, status
from fastapi.responses import RedirectResponse

from api.access import Role
from api.language import Language
from api.pages.begun import begun
from api.pages.done import what_was_done
from api.pages.mine import number_of
from api.pages.reminding import Reminder, reminders
from api.pages.rendering import Page, mail_link, page, sorry, spaced
from api.pages.seeing import DossierToRead
from api.pages.seen import Seen, headline
from api.pages.steps import steps
from api.pages.telling import letters_kept, what_comes, what_happened
from api.pages.turns import turns
from api.pages.words import Voice
from api.parts import Parts, TheParts, parts_of
from api.signin.who import SignedIn
from api.v1.answers import StateAnswer
from api.v1.discretion import LINES_OF_THE_OFFICE
from api.v1.showing import (
    agenda_shown,
    explanation_shown,
    own_now,
    policy_for,
    shown,
)
from letters.facts import ConditionLine, Notice
from letters.wording import answered
from payments.due import ToPay, invoice_to_pay
from records.documents import copies_of
from records.drafts import unsent_drafts_of
from records.models import DossierRow, Person
from records.names import name_changes, names_corrected
from records.queries import invoices_of, letters_of, timeline_of
from records.trails import steps_in_dossier, steps_of
from rules.agenda import Act
from rules.civil_time import civil_date
from rules.dossier import Phase, Stage
from rules.numbers import DossierNumber
from rules.reasons import Condition, Finding
from workflows.messages import DutyView

router = APIRouter(route_class=Page, include_in_schema=False)
_LINES = 500
JUMPS = (1, 7, 30, 90)
"""How many days a dossier's clock may be moved ahead at once."""


@router.get("/{language:fr_or_en}/dossier/{number}")
async def see_dossier(
    request: Request,
    parts: TheParts,
    language: Language,
    row: DossierToRead,
    number: str,
) -> Response:
    """Show where a dossier stands, what is missing, until when and why."""
    if row.number != number:  # as people write it: with spaces, in small letters
        return RedirectResponse(
            f"/{language}/dossier/{row.number}", status.HTTP_303_SEE_OTHER
        )
    return await _dossier_page(request, parts, language, row)


@router.get("/{language:fr_or_en}/dossier/{number}/lettre")
async def see_letter(
    request: Request,
    parts: TheParts,
    language: Language,
    row: DossierToRead,
    key: str = "",
) -> Response:
    """Show the text of one letter."""
    async with parts.sessions() as session:
        rows = await letters_of(session, row.number)
        steps = await steps_of(session, key)
    found = next((each for each in rows if each.key == key), None)
    if found is None:
        told = Voice(language)("sorry.no_such_letter")
        return sorry(request, told, status.HTTP_404_NOT_FOUND)
    (letter,) = letters_kept([found], steps)
    return page(
        request,
        "letter.html",
        language,
        number=row.number,
        letter=letter,
        did_not_arrive=found.state in {"bounced", "refused"},
        # What only the new mailbox may know is not read here.
        text=None if found.notice == Notice.ADDRESS_TO_CONFIRM else found.body,
    )


async def _dossier_page(
    request: Request, parts: Parts, language: Language, row: DossierRow
) -> Response:
    number = number_of(row)
    seen, duties = await see(parts, number)
    async with parts.sessions() as session:
        person = await session.get_one(Person, row.person_id)
        lines = await timeline_of(
            session, number, after=0, limit=_LINES, without=LINES_OF_THE_OFFICE
        )
        changes = await name_changes(session, names_corrected(lines))
        letters = await letters_of(session, number)
        invoices = await invoices_of(session, number)
        copies = await copies_of(session, number)
        drafts = await unsent_drafts_of(session, _account_of(request))
        steps_of_letters = await steps_in_dossier(session, number)
        today = civil_date(await own_now(session, number))
    coming = still_to_come(duties, seen.at)
    addresses = {"intake": mail_link(parts.settings.intake_address)}
    return page(
        request,
        "dossier.html",
        language,
        seen=seen,
        done=what_was_done(request),
        doable=_doable(request, seen),
        name=person.name,
        headline=headline(seen),
        turns=[
            (whose, list(things))
            for whose, things in groupby(
                turns(seen, coming, addresses), key=attrgetter("whose")
            )
        ],
        steps=steps(seen),
        coming=what_comes(coming),
        conditions=conditions(seen, language),
        history=what_happened(
            lines,
            steps_of_letters,
            {text_id: change.why for text_id, change in changes.items()},
        ),
        letters=letters_kept(letters, steps_of_letters),
        invoices=invoices,
        copies=copies,
        begun=begun(drafts, number, _closed(seen)),
        today=today,
        jumps=JUMPS if _can_move(request, seen) else (),
    )


def _closed(seen: Seen) -> tuple[str, ...]:
    closed = seen.state.phase is Phase.CLOSED
    return (seen.state.number,) if closed else ()


def _account_of(request: Request) -> str:
    who: SignedIn | None = request.state.signed_in
    return who.account if who else ""


async def see(parts: Parts, number: DossierNumber) -> tuple[Seen, list[DutyView]]:
    """Ask the story once for all it shows; what it does not tell was last kept."""
    state, agenda, explanation = await asyncio.gather(
        shown(parts, number),
        agenda_shown(parts, number),
        explanation_shown(parts, number),
    )
    async with parts.sessions() as session:
        now = await own_now(session, number)
        at = now if state.live else _held_until(state, now)
        policy = await policy_for(session, state.dossier, at)
    return Seen(state, explanation, policy, at), list(agenda.duties)


def _held_until(state: StateAnswer, now: datetime) -> datetime:
    """Name the last instant, *now* at most, for which what was kept still holds.

    Nothing changes by itself before the next thing falls due: days are counted from
    today, even where the last record is months old.
    """
    due = state.next_due_at
    return max(state.as_of, now if due is None else min(now, due - _JUST_BEFORE))


_JUST_BEFORE = timedelta(seconds=1)


def still_to_come(duties: list[DutyView], at: datetime) -> tuple[DutyView, ...]:
    """Keep what falls due after *at* and is the person's to know."""
    return tuple(
        duty
        for duty in duties
        if duty.due_at > at and not duty.settled and duty.act != Act.ESCALATE
    )


@dataclass(frozen=True, slots=True)
class Doable:
    """The pages on which a person does their part: what is due now, and the rest."""

    now: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    comes_back: bool = False
    is_over: bool = False
    pays_by_mail: bool = False
    reminders: tuple[Reminder, ...] = ()


def _doable(request: Request, seen: Seen) -> Doable:
    """Name the pages, to a person who is signed in; an officer does nothing here."""
    who: SignedIn | None = request.state.signed_in
    if who is None or who.role is not Role.REPRESENTATIVE:
        return Doable()
    if seen.state.phase is Phase.CLOSED:
        return Doable(is_over=True)
    due = invoice_to_pay(seen.state.dossier, seen.policy, seen.at)
    pays, online = isinstance(due, ToPay), parts_of(request).provider is not None
    to_pay = ("paiement",) if pays and online else ()
    if seen.state.phase is Phase.EXPIRED:
        may_still_renew = seen.still_renewable_until is not None
        comes_back = not may_still_renew and seen.dossier.result_promised_to is None
        return Doable(to_pay, ("annulation",), comes_back, pays and not online)
    now = to_pay + _due_now(seen)
    again = ("observations",) if _may_add_observations(seen) else ()
    rest = tuple(each for each in (*again, "agence", "annulation") if each not in now)
    by_mail = pays and not online
    return Doable(now, rest, pays_by_mail=by_mail, reminders=reminders(seen))


def _due_now(seen: Seen) -> tuple[str, ...]:
    asked = seen.dossier.request
    if asked is not None and asked.stage is Stage.NOTICE_GIVEN:
        return () if asked.observed else ("observations",)
    if seen.state.phase is Phase.EXAM_AWAITED:
        return ("transfert",)
    linked_or_asked = seen.is_linked or seen.pending_link or seen.coming_link
    waits_for_link = seen.state.phase in {Phase.TO_FINALIZE, Phase.SUSPENDED}
    return ("agence",) if waits_for_link and not linked_or_asked else ()


def _may_add_observations(seen: Seen) -> bool:
    """Tell whether somebody who has commented may still say more."""
    asked = seen.dossier.request
    return asked is not None and asked.stage is Stage.NOTICE_GIVEN and asked.observed


_ANSWERS: Mapping[bool | None, str] = {True: "yes", False: "no", None: "waiting"}


def conditions(seen: Seen, language: Language) -> list[tuple[str, str, str]]:
    """Word each condition as letters do, between its answer's key and its source's."""
    lines = [
        ConditionLine(f.condition, _met(f, seen.state.phase), f.source.text)
        for f in seen.explanation.findings
    ]
    return [
        (_ANSWERS[line.met], spaced(answered(line, language), language), line.source)
        for line in lines
    ]


def _met(finding: Finding, phase: Phase) -> bool | None:
    """Name the answer; a limit ahead is awaited, not met, while something is missing.

    Its words for yes say that everything was done.
    """
    awaited = (
        finding.condition is Condition.BEFORE_THE_LIMIT and phase is Phase.TO_FINALIZE
    )
    return None if awaited and finding.met else finding.met


def _can_move(request: Request, seen: Seen) -> bool:
    """Answer whether the clock can be moved: a closed dossier has none any more."""
    return request.app.state.mover is not None and seen.state.phase is not Phase.CLOSED
