"""What officers see of letters and messages: due against sent, each one, what came in.

Sentences first, then numbers; each number leads to its letters.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response, status
from fastapi.responses import RedirectResponse

from api.language import Language
from api.pages.rendering import Page, page
from api.pages.words import Sentence
from api.parts import TheParts
from api.signin.who import TheOfficer, own_form
from api.v1.fields import CivilDay, Cursor, Line
from api.v1.ledger import MailId, Outcome, as_download
from api.v1.mail_answers import DayLine, FatesCounted, NoticeLine, Standing
from api.v1.mail_showing import (
    days_shown,
    letters_shown,
    message_shown,
    messages_shown,
    post_shown,
    unexplained_shown,
)
from records.clock import database_now
from records.incoming import look_at, raw_mail
from records.ledger import Fate, Span

router = APIRouter(route_class=Page, include_in_schema=False)

DAYS = 14
LINES = 50
COLUMNS = (
    "handed_over",
    "delivered",
    "bounced",
    "refused",
    "on_its_way",
    "withdrawn",
    "useless",
    "no_address",
    "superseded",
    "unexplained",
)
"""What a count shows, in this order, after what was due."""

ALWAYS_SHOWN = frozenset({"handed_over", "bounced", "on_its_way", "unexplained"})
"""Columns that are there even when they hold nothing but zeros."""

_ONE_FATE = frozenset(str(fate) for fate in Fate)


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence on how the mail does; its mood has a shape beside the colour."""

    mood: str  # yes, waiting, no
    what: Sentence
    leads_to: str | None = None


@router.get("/{language:fr_or_en}/bureau/courriel")
async def ledger(
    request: Request,
    parts: TheParts,
    language: Language,
    _who: TheOfficer,
    before: Annotated[CivilDay | None, Query(alias="avant")] = None,
) -> Response:
    """Say how the mail does, then count what fell due by day and by kind."""
    shown = await days_shown(parts, before=before, how_many=DAYS)
    totals = _by_notice(shown.days)
    return page(
        request,
        "mail.html",
        language,
        sentences=[*_today(shown.today), *_standing(shown.standing)],
        days=shown.days,
        notices=totals,
        columns=_columns([day.count for day in shown.days]),
        links=_ONE_FATE,
        older=shown.next_before,
        before=before,
        embedded_clocks=parts.settings.embedded,
    )


@router.get("/{language:fr_or_en}/bureau/courriel/lettres")
async def letters(
    request: Request,
    parts: TheParts,
    language: Language,
    _who: TheOfficer,
    state: Annotated[Fate | None, Query(alias="etat")] = None,
    notice: Annotated[Line | None, Query(alias="sorte")] = None,
    day: Annotated[CivilDay | None, Query(alias="jour")] = None,
    cursor: Annotated[Cursor, Query(alias="suite")] = None,
) -> Response:
    """List letters, a page at a time."""
    span = None if day is None else Span(day, day)
    found = await letters_shown(
        parts, state=state, notice=notice, span=span, cursor=cursor, limit=LINES
    )
    asked = {"etat": state or "", "sorte": notice or "", "jour": str(day or "")}
    return page(
        request,
        "mail_letters.html",
        language,
        found=found,
        state=state,
        notice=notice,
        day=day,
        asked={name: value for name, value in asked.items() if value},
    )


@router.get("/{language:fr_or_en}/bureau/courriel/inexpliquees")
async def unexplained(
    request: Request, parts: TheParts, language: Language, _who: TheOfficer
) -> Response:
    """List what is due and not handed over without a reason: normally nothing."""
    found = await unexplained_shown(parts)
    return page(request, "mail_unexplained.html", language, found=found)


@router.get("/{language:fr_or_en}/bureau/courriel/a-poster")
async def to_post(
    request: Request,
    parts: TheParts,
    language: Language,
    _who: TheOfficer,
    cursor: Annotated[Cursor, Query(alias="suite")] = None,
) -> Response:
    """List letters about a right that did not arrive."""
    found = await post_shown(parts, cursor=cursor, limit=LINES)
    async with parts.sessions() as session:
        now = await database_now(session)
    return page(request, "mail_to_post.html", language, found=found, now=now)


@router.get("/{language:fr_or_en}/bureau/courriel/recus")
async def received(
    request: Request,
    parts: TheParts,
    language: Language,
    _who: TheOfficer,
    outcome: Annotated[Outcome, Query(alias="suite_donnee")] = None,
    cursor: Annotated[Cursor, Query(alias="suite")] = None,
) -> Response:
    """List messages that came in, senders masked."""
    found = await messages_shown(parts, outcome=outcome, cursor=cursor, limit=LINES)
    return page(request, "mail_received.html", language, found=found, outcome=outcome)


@router.get("/{language:fr_or_en}/bureau/courriel/recus/{mail_id}")
async def message(
    request: Request,
    parts: TheParts,
    language: Language,
    _who: TheOfficer,
    mail_id: MailId,
) -> Response:
    """Show one message as text, never its HTML, and how it was understood."""
    shown = await message_shown(parts, mail_id)
    return page(request, "mail_message.html", language, shown=shown)


@router.post(
    "/{language:fr_or_en}/bureau/courriel/recus/{mail_id}",
    dependencies=[Depends(own_form)],
)
async def look(
    parts: TheParts, language: Language, who: TheOfficer, mail_id: MailId
) -> Response:
    """Note that an officer has looked at a message that was set aside."""
    async with parts.sessions.begin() as session:
        at = await database_now(session)
        await look_at(session, mail_id, by=who.account, at=at)
    here = f"/{language}/bureau/courriel/recus/{mail_id}"
    return RedirectResponse(here, status.HTTP_303_SEE_OTHER)


@router.get("/{language:fr_or_en}/bureau/courriel/recus/{mail_id}/brut")
async def raw(parts: TheParts, _who: TheOfficer, mail_id: MailId) -> Response:
    """Give a message byte for byte, to be saved and never shown."""
    async with parts.sessions() as session:
        found = await raw_mail(session, mail_id)
    return as_download(found or b"", mail_id)


# ------------------------------------------------------------------ the sentences


def _today(today: DayLine) -> Iterator[Said]:
    count = today.count
    facts = {
        "due": count.due,
        "handed": count.handed_over,
        "unexplained": count.unexplained,
    }
    if count.unexplained:
        yield Said("no", Sentence("mail.today_unexplained", facts), "inexpliquees")
    elif not count.due:
        yield Said("yes", Sentence("mail.today_none"))
    elif count.due != count.handed_over:
        yield Said("waiting", Sentence("mail.today_explained", facts))
    else:
        normal = "mail.today_one" if count.due == 1 else "mail.today_normal"
        yield Said("yes", Sentence(normal, facts))


_WAITING = "lettres?etat=on_its_way"
_TASKS = "recus?suite_donnee=task"
_ASIDE = "recus?suite_donnee=set_aside"


def _standing(standing: Standing) -> Iterator[Said]:
    for mood, key, number, leads_to in (
        ("no", "mail.standstill", standing.standstill, "inexpliquees"),
        ("no", "mail.nobody_told", standing.nobody_told, "inexpliquees"),
        ("waiting", "mail.deferred", standing.deferred, _WAITING),
        ("waiting", "mail.leaving", standing.leaving, _WAITING),
        ("waiting", "mail.in_doubt", standing.in_doubt, _WAITING),
        ("waiting", "mail.came_back", standing.to_post, "a-poster"),
        ("waiting", "mail.messages", standing.messages_with_a_task, _TASKS),
        ("waiting", "mail.set_aside", standing.messages_set_aside, _ASIDE),
    ):
        if number:
            facts = {"count": number, "since": standing.oldest_waiting_since}
            yield Said(
                mood, Sentence(key if number > 1 else f"{key}_one", facts), leads_to
            )
    yield _swept(standing)


def _swept(standing: Standing) -> Said:
    if standing.swept_at is None:
        return Said("waiting", Sentence("mail.never_swept"))
    found = standing.findings_for_a_person
    facts = {"at": standing.swept_at, "count": found}
    if not found:
        return Said("yes", Sentence("mail.swept", facts))
    key = "mail.swept_found_one" if found == 1 else "mail.swept_found"
    return Said("no", Sentence(key, facts))


# -------------------------------------------------------------------- the numbers


def _by_notice(days: tuple[DayLine, ...]) -> list[NoticeLine]:
    """Add the days of each kind of letter, in the order of their names."""
    sums: dict[str, FatesCounted] = {}
    for day in days:
        for line in day.notices:
            before = sums.get(line.notice)
            sums[line.notice] = _sum(before, line.count) if before else line.count
    return [NoticeLine(notice=name, count=sums[name]) for name in sorted(sums)]


def _sum(one: FatesCounted, other: FatesCounted) -> FatesCounted:
    first, second = one.model_dump(), other.model_dump()
    return FatesCounted(**{name: first[name] + second[name] for name in first})


def _columns(counts: list[FatesCounted]) -> tuple[str, ...]:
    """Leave out the columns that hold nothing, but for those one looks for."""
    return tuple(
        name
        for name in COLUMNS
        if name in ALWAYS_SHOWN or any(getattr(count, name) for count in counts)
    )
