"""A dossier on the Office's desk: the story's present beside what the records hold."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from markupsafe import Markup

from api.codes import Code
from api.errors import Refused
from api.language import Language
from api.pages.desk import waiting
from api.pages.dossier import conditions, see
from api.pages.rendering import Page, mail_link, page
from api.pages.seen import headline
from api.pages.telling import Coming, Kept, letters_kept, what_comes, what_happened
from api.pages.words import Sentence, Voice, words
from api.parts import TheParts
from api.postal import PDF, may_be_posted, postal_copy
from api.signin.who import TheOfficer
from api.v1.cursors import position_after, position_cursor
from api.v1.showing import known, own_now
from records.desk import tasks_of, texts_of
from records.models import Letter, Person, TimelineEntry
from records.queries import letters_of, timeline_of
from records.trails import letter_numbered
from rules.agenda import Act
from rules.civil_time import civil_date
from rules.numbers import DossierNumber
from workflows.messages import Decision, DutyView

router = APIRouter(route_class=Page, include_in_schema=False)
AT_ONCE = 200
"""How many lines of a history a page shows."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the history, with who is behind it."""

    at: datetime
    what: Markup
    by: Markup | str


@dataclass(frozen=True, slots=True)
class Posted:
    """One letter, with the relay's last words; it may be printed if it came back."""

    kept: Kept
    answer: str | None
    printable: bool


@router.get("/{language:fr_or_en}/bureau/dossier/{number}")
async def see_dossier(
    request: Request,
    parts: TheParts,
    language: Language,
    _who: TheOfficer,
    number: str,
    further: Annotated[str | None, Query(alias="suite")] = None,
) -> Response:
    """Show the present, what comes, why, what happened, the letters and the tasks."""
    async with parts.sessions() as session:
        row = await known(session, number)
        person = await session.get_one(Person, row.person_id)
    seen, duties = await see(parts, DossierNumber(row.number))
    async with parts.sessions() as session:
        tasks = await tasks_of(session, number)
        texts = await texts_of(session, number)
        letters = await letters_of(session, number)
        lines = await timeline_of(
            session, number, after=position_after(further), limit=AT_ONCE + 1
        )
        today = civil_date(await own_now(session, number))
    say = Voice(language)
    last = lines[AT_ONCE - 1].position if len(lines) > AT_ONCE else None
    return page(
        request,
        "desk_dossier.html",
        language,
        row=row,
        person=person,
        address=mail_link(person.email),
        seen=seen,
        headline=headline(seen),
        tasks=[waiting(task, None, today) for task in tasks],
        coming=_coming(duties, seen.at),
        conditions=conditions(seen, language),
        history=_history(lines[:AT_ONCE], say),
        more=last and urlencode({"suite": position_cursor(last)}),
        texts=[(said, _who_is(said.by, say)) for said in texts],
        letters=_letters(letters),
        said=_decided(request),
    )


def _coming(duties: Iterable[DutyView], at: datetime) -> list[Coming]:
    """Word what falls due after *at*; the Office's own reminders are told here."""
    lines: list[Coming] = []
    for duty in duties:
        if duty.settled or duty.due_at <= at:
            continue
        if duty.act == Act.ESCALATE:
            source = duty.source.rpartition(", ")[0]
            lines.append(Coming(duty.due_on, Sentence("desk.escalates"), source))
        else:
            lines += what_comes([duty])
    return lines


def _history(lines: Iterable[TimelineEntry], say: Voice) -> list[Line]:
    return [
        Line(entry.at, _what(entry, say), _who_is(entry.by, say)) for entry in lines
    ]


def _what(entry: TimelineEntry, say: Voice) -> Markup:
    key = f"desk.line_{entry.what}"
    if key not in words():
        (told,) = what_happened([entry])
        return say.say(told.what)
    reason = say.named("desk.reason", str(entry.detail.get("reason")))
    return say(key, reason=reason)


def _who_is(by: str, say: Voice) -> Markup | str:
    """Name who did it; an account of the Office is named as the records know it."""
    key = f"desk.by_{by}"
    return say(key) if key in words() else by


def _letters(letters: Iterable[Letter]) -> list[Posted]:
    rows = list(letters)
    return [
        Posted(kept, letter.answer, may_be_posted(letter))
        for kept, letter in zip(letters_kept(rows), rows, strict=True)
    ]


def _decided(request: Request) -> Decision | None:
    """Read from the address what was just decided, to confirm it."""
    said = request.query_params.get("fait", "")
    return Decision(said) if said in set(Decision) else None


# ------------------------------------------------------------------ one of its letters


@router.get("/{language:fr_or_en}/bureau/dossier/{number}/lettre")
async def see_letter(
    request: Request,
    parts: TheParts,
    language: Language,
    _who: TheOfficer,
    number: str,
    key: str = "",
) -> Response:
    """Show the text of one letter, and the relay's last words about it."""
    async with parts.sessions() as session:
        letter = await letter_numbered(session, key.replace("\0", ""))
    if letter is None or letter.dossier != number:
        raise Refused(Code.NOT_FOUND)
    (posted,) = _letters([letter])
    return page(
        request,
        "desk_letter.html",
        language,
        number=number,
        letter=posted,
        text=letter.body,
    )


@router.get("/{language:fr_or_en}/bureau/dossier/{number}/lettre/postale")
async def print_letter(
    parts: TheParts,
    _who: TheOfficer,
    number: str,
    key: str = "",
) -> Response:
    """Give a letter that did not arrive as a file to print."""
    copy = await postal_copy(parts, key.replace("\0", ""), number=number)
    return Response(copy.pdf, media_type=PDF, headers=copy.headers)
