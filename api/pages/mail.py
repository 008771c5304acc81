"""What officers see of letters: due against sent, each one, those for the post.

Sentences first, then numbers; each number leads to its letters.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from api.language import Language
from api.pages.rendering import Page, page
from api.pages.words import Sentence
from api.parts import TheParts
from api.signin.who import TheOfficer
from api.v1.fields import CivilDay, Cursor, Line
from api.v1.mail_answers import DayLine, FatesCounted, NoticeLine, Standing
from api.v1.mail_showing import (
    days_shown,
    letters_shown,
    post_shown,
    unexplained_shown,
)
from records.clock import database_now
from records.ledger import HANDED_OVER, Fate, Span
from rules.civil_time import civil_date

router = APIRouter(route_class=Page, include_in_schema=False)

DAYS = 7
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

LISTED = ("handed_over", *(str(fate) for fate in Fate if fate is not Fate.MISSED))
"""What a list may be narrowed to; the first is three fates at once.

What is missed is neither a letter nor a line: it has a page of its own.
"""

State = Annotated[
    Literal["handed_over"] | Fate | None,
    Query(alias="etat", union_mode="left_to_right"),
]


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
    days = [day for day in shown.days if day.day != shown.today.day]
    rows = shown.days if before else (shown.today, *days)
    return page(
        request,
        "mail.html",
        language,
        sentences=[*_today(shown.today), *_standing(shown.standing)],
        today=shown.today.day,
        days=rows,
        span=Span(shown.days[-1].day, shown.days[0].day) if shown.days else None,
        notices=_by_notice(shown.days),
        columns=_columns([day.count for day in rows]),
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
    state: State = None,
    notice: Annotated[Line | None, Query(alias="sorte")] = None,
    first: Annotated[CivilDay | None, Query(alias="du")] = None,
    last: Annotated[CivilDay | None, Query(alias="au")] = None,
    cursor: Annotated[Cursor, Query(alias="suite")] = None,
) -> Response:
    """List letters, a page at a time; both days are inclusive."""
    span = None if first is None or last is None else Span(first, max(first, last))
    found = await letters_shown(
        parts,
        fates=_fates(state),
        notice=notice,
        span=span,
        cursor=cursor,
        limit=LINES,
    )
    asked = {
        "sorte": notice,
        "du": span and str(span.first),
        "au": span and str(span.last),
    }
    return page(
        request,
        "mail_letters.html",
        language,
        found=found,
        state=state,
        states=LISTED,
        notice=notice,
        span=span,
        asked={name: value for name, value in asked.items() if value},
    )


def _fates(state: str | Fate | None) -> frozenset[Fate]:
    if state is None:
        return frozenset()
    return HANDED_OVER if state == "handed_over" else frozenset({Fate(state)})


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
        today = civil_date(await database_now(session))
    return page(request, "mail_to_post.html", language, found=found, today=today)


# ------------------------------------------------------------------ the sentences


def _today(today: DayLine) -> Iterator[Said]:
    count = today.count
    facts = {
        "due": count.due,
        "handed": count.handed_over,
        "unexplained": count.unexplained,
    }
    leads_to = f"lettres?du={today.day}&au={today.day}"
    if count.unexplained:
        yield Said("no", Sentence("mail.today_unexplained", facts), "inexpliquees")
    elif not count.due:
        yield Said("yes", Sentence("mail.today_none"))
    elif count.due != count.handed_over:
        yield Said("waiting", Sentence("mail.today_explained", facts), leads_to)
    else:
        normal = "mail.today_one" if count.due == 1 else "mail.today_normal"
        yield Said("yes", Sentence(normal, facts), leads_to)


_WAITING = "lettres?etat=on_its_way"
_TASKS = "recus?issue=task"
_ASIDE = "recus?issue=set_aside"


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
