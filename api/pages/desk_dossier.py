"""A dossier on the Office's desk: the story's present beside what the records hold."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request, Response
from markupsafe import Markup

from api.codes import Code
from api.errors import Refused
from api.language import Language
from api.pages.desk import waiting
from api.pages.desk_hands import hand_lines, hands_of, named_in
from api.pages.desk_renaming import UNDONE
from api.pages.dossier import conditions, see
from api.pages.naming import Named
from api.pages.rendering import Page, mail_link, page
from api.pages.seeing import LookingOfficer
from api.pages.seen import headline
from api.pages.telling import Coming, Kept, letters_kept, what_comes, what_happened
from api.pages.trail import by_letter, is_told_by_steps, lines
from api.pages.words import Sentence, Voice, words
from api.parts import TheParts
from api.postal import PDF, may_be_posted, postal_copy
from api.resending import may_be_sent_again
from api.v1.cursors import position_after, position_cursor
from api.v1.showing import known, own_now
from records.accounts import names_of_accounts
from records.desk import tasks_of, texts_of
from records.documents import copies_of
from records.hands import hands_in_dossier
from records.looks import looks_of
from records.models import Letter, Person, TimelineEntry
from records.names import NameChange, name_changes, names_corrected
from records.queries import letters_of, timeline_of
from records.trails import (
    Step,
    instant_of_line,
    letter_numbered,
    steps_in_dossier,
    steps_of,
)
from rules.agenda import Act
from rules.civil_time import civil_date
from rules.numbers import DossierNumber
from workflows.messages import Correctable, Decision, DutyView

router = APIRouter(route_class=Page, include_in_schema=False)
AT_ONCE = 200
"""How many lines of a history a page shows."""

LOOKS_SHOWN = 50
"""How many readings by officers, and changes of hands, a page shows."""


@dataclass(frozen=True, slots=True)
class Undo:
    """A link that undoes a correction: its address from the dossier's, its words."""

    to: str
    said: Sentence


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the history, with who is behind it; *query* opens a letter.

    *undo* fills in the form that puts what stood before a correction back.
    """

    at: datetime
    what: Markup
    by: Markup | str
    query: str | None = None
    undo: Undo | None = None
    change: NameChange | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """The name that stands, and how names were corrected, by the id of each reason."""

    present: str
    changes: Mapping[str, NameChange]


@dataclass(frozen=True, slots=True)
class Posted:
    """One letter, with the relay's last words; it may be printed if it came back."""

    kept: Kept
    answer: str | None
    printable: bool
    again: str | None  # the address of the page that sends it once more


@router.get("/{language:fr_or_en}/bureau/dossier/{number}")
async def see_dossier(
    request: Request,
    parts: TheParts,
    language: Language,
    who: LookingOfficer,
    number: str,
    further: Annotated[str | None, Query(alias="suite")] = None,
) -> Response:
    """Show the present, what comes, why, what happened, the letters and the tasks."""
    async with parts.sessions() as session:
        row = await known(session, number)
        person = await session.get_one(Person, row.person_id)
    seen, duties = await see(parts, DossierNumber(row.number))
    after = position_after(further)
    async with parts.sessions() as session:
        tasks = await tasks_of(session, number)
        texts = await texts_of(session, number)
        letters = await letters_of(session, number)
        copies = await copies_of(session, number)
        entries = await timeline_of(session, number, after=after, limit=AT_ONCE + 1)
        steps = await steps_in_dossier(
            session,
            number,
            after=await instant_of_line(session, number, after),
            until=entries[AT_ONCE - 1].at if len(entries) > AT_ONCE else None,
        )
        names = Names(
            person.name, await name_changes(session, names_corrected(entries))
        )
        looks = await looks_of(session, number, limit=LOOKS_SHOWN)
        changes = await hands_in_dossier(session, number, limit=LOOKS_SHOWN)
        holds = await named_in(session, tasks, changes, language)
        by = {*(e.by for e in entries), *(t.by for t in texts), *(x.by for x in looks)}
        who_is = Named(await names_of_accounts(session, by), Voice(language))
        today = civil_date(await own_now(session, number))
    last = entries[AT_ONCE - 1].position if len(entries) > AT_ONCE else None
    return page(
        request,
        "desk_dossier.html",
        language,
        row=row,
        person=person,
        address=mail_link(person.email),
        seen=seen,
        headline=headline(seen),
        tasks=[
            waiting(task, None, today, hands_of(task, who, holds)) for task in tasks
        ],
        changes=hand_lines(reversed(changes), holds),
        coming=_coming(duties, seen.at),
        conditions=conditions(seen, language),
        history=_history(entries[:AT_ONCE], steps, who_is, names),
        more=last and urlencode({"suite": position_cursor(last)}),
        texts=[(said, who_is(said.by)) for said in texts],
        looks=[(look, who_is(look.by)) for look in looks],
        letters=_letters(letters),
        copies=copies,
        today=today,
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


def _history(
    entries: Iterable[TimelineEntry],
    steps: Sequence[Step],
    who_is: Named,
    names: Names,
) -> list[Line]:
    """Word the history with the steps of its letters, in the order of instants."""
    say = who_is.say
    of_letters = by_letter(steps)
    noted = [
        Line(
            entry.at,
            _what(entry, say),
            who_is(entry.by),
            undo=_undo(entry, names),
            change=names.changes.get(entry.text_id or ""),
        )
        for entry in entries
        if not is_told_by_steps(entry, of_letters)
    ]
    stepped = [
        Line(
            step.at,
            say.say(step.line),
            say(
                "desk.by_relay" if step.state in _TOLD_BY_THE_RELAY else "desk.by_rule"
            ),
            step.query,
        )
        for step in lines(steps)
    ]
    return sorted([*noted, *stepped], key=attrgetter("at"))


_TOLD_BY_THE_RELAY = frozenset(
    {"accepted", "deferred", "refused", "unknown", "delivered", "bounced"}
)


def _undo(entry: TimelineEntry, names: Names) -> Undo | None:
    """Name what puts a date or a name back.

    Of a link's date the line does not say which link; a name that was corrected once
    more since is no longer there to be undone.
    """
    detail, change = entry.detail, names.changes.get(entry.text_id or "")
    if change is not None and change.after == names.present:
        query = urlencode({UNDONE: entry.text_id})
        return Undo(f"nom?{query}", Sentence("renaming.undo"))
    if entry.what != "corrected" or detail.get("what") not in _UNDONE:
        return None
    query = urlencode({"quoi": detail["what"], "jour": detail["before"]})
    return Undo(f"correction?{query}", Sentence("correcting.undo"))


_UNDONE = frozenset({Correctable.EXAM_PASSED_ON, Correctable.ECHEANCE})


def _what(entry: TimelineEntry, say: Voice) -> Markup:
    key = f"desk.line_{entry.what}"
    if key not in words():
        (told,) = what_happened([entry])
        return say.say(told.what)
    reason = say.named("desk.reason", str(entry.detail.get("reason")))
    return say(key, reason=reason)


def _letters(letters: Iterable[Letter], steps: Iterable[Step] = ()) -> list[Posted]:
    rows = list(letters)
    return [
        Posted(kept, letter.answer, may_be_posted(letter), _again(letter))
        for kept, letter in zip(letters_kept(rows, steps), rows, strict=True)
    ]


def _again(letter: Letter) -> str | None:
    return quote(letter.key) if may_be_sent_again(letter) else None


_DONE = frozenset({"corrected", "renamed", "resent", "reissued"})


def _decided(request: Request) -> str | None:
    """Read from the address what was just done, to confirm it."""
    said = request.query_params.get("fait", "")
    return said if said in {*Decision, *_DONE} else None


# ------------------------------------------------------------------ one of its letters


@router.get("/{language:fr_or_en}/bureau/dossier/{number}/lettre")
async def see_letter(
    request: Request,
    parts: TheParts,
    language: Language,
    _who: LookingOfficer,
    number: str,
    key: str = "",
) -> Response:
    """Show the text of one letter and its steps, with the relay's words at each."""
    async with parts.sessions() as session:
        letter = await letter_numbered(session, key.replace("\0", ""))
        steps = await steps_of(session, key.replace("\0", ""))
    if letter is None or letter.dossier != number:
        raise Refused(Code.NOT_FOUND)
    (posted,) = _letters([letter], steps)
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
    _who: LookingOfficer,
    number: str,
    key: str = "",
) -> Response:
    """Give a letter that did not arrive as a file to print."""
    copy = await postal_copy(parts, key.replace("\0", ""), number=number)
    return Response(copy.pdf, media_type=PDF, headers=copy.headers)
