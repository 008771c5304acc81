"""Letters and messages for officers: due against sent, by day, one by one."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response, status

from api.access import Officer
from api.codes import Code
from api.errors import Refused
from api.parts import TheParts
from api.postal import PDF, postal_copy
from api.resending import letter_to_send_again, send_again
from api.v1.answers import CommandTaken
from api.v1.fields import (
    CivilDay,
    Cursor,
    Limit,
    Line,
    NameInPath,
    SendingAgain,
)
from api.v1.looking import note_reading
from api.v1.mail_answers import (
    DueList,
    LetterShown,
    MailDays,
    MailList,
    MailShown,
    PostList,
    Unexplained,
)
from api.v1.mail_showing import (
    days_shown,
    letter_shown,
    letters_shown,
    message_shown,
    messages_shown,
    post_shown,
    unexplained_shown,
)
from api.v1.telling import Key
from records.clock import database_now
from records.incoming import look_at, raw_mail
from records.ledger import Fate, Span

router = APIRouter(prefix="/staff", tags=["staff"])

MESSAGE = "message/rfc822"

MailId = Annotated[
    str, Path(pattern="^[0-9a-f]{1,64}$", description="The hash that names a message.")
]
Outcome = Annotated[
    str | None,
    Query(
        pattern="^(fact|task|set_aside|ignored)$",
        description="What became of it: fact, task, set_aside or ignored.",
    ),
]


@router.get("/mail/days")
async def list_mail_days(
    parts: TheParts,
    _caller: Officer,
    before: Annotated[CivilDay | None, Query(description="Exclusive.")] = None,
    days: Annotated[int, Query(ge=1, le=31)] = 14,
) -> MailDays:
    """Count what fell due and what became of it, by day and notice, newest first."""
    return await days_shown(parts, before=before, how_many=days)


@router.get("/mail/unexplained")
async def list_unexplained(parts: TheParts, _caller: Officer) -> Unexplained:
    """List what is due and not handed over without a reason; normally nothing."""
    return await unexplained_shown(parts)


@router.get("/mail/to-post")
async def list_letters_to_post(
    parts: TheParts, _caller: Officer, cursor: Cursor = None, limit: Limit = 50
) -> PostList:
    """List letters about a right that did not arrive, most urgent task first."""
    return await post_shown(parts, cursor=cursor, limit=limit)


@router.get("/letters")
async def list_letters(
    parts: TheParts,
    _caller: Officer,
    state: Annotated[Fate | None, Query(description="What became of it.")] = None,
    notice: Line | None = None,
    day: Annotated[
        CivilDay | None, Query(description="The civil day it fell due.")
    ] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> DueList:
    """List letters, newest first; without a day, those of the last ninety days on.

    Those superseded have no letter; those missed are listed as unexplained.
    """
    span = None if day is None else Span(day, day)
    fates = frozenset() if state is None else frozenset({state})
    return await letters_shown(
        parts, fates=fates, notice=notice, span=span, cursor=cursor, limit=limit
    )


# Before the letter itself, whose key takes every further part of an address.
@router.get(
    "/letters/{key:path}/postal.pdf",
    response_class=Response,
    responses={status.HTTP_200_OK: {"content": {PDF: {}}}},
)
async def print_letter(parts: TheParts, caller: Officer, key: NameInPath) -> Response:
    """Give a letter that came back or was refused as a file to print for the post."""
    copy = await postal_copy(parts, key)
    await note_reading(parts, caller, copy.number)
    return Response(copy.pdf, media_type=PDF, headers=copy.headers)


@router.post("/letters/{letter:path}/copies")
async def send_letter_again(
    parts: TheParts, caller: Officer, letter: NameInPath, asked: SendingAgain, key: Key
) -> CommandTaken:
    """Send a letter once more, while what it says is true, to the address of today."""
    found = await letter_to_send_again(parts, letter)
    return await send_again(parts, caller, found, text=asked.text, key=key)


@router.get("/letters/{key:path}")
async def read_letter(parts: TheParts, caller: Officer, key: NameInPath) -> LetterShown:
    """Show a letter with each of its steps and the tasks about it."""
    shown = await letter_shown(parts, key)
    await note_reading(parts, caller, shown.dossier)
    return shown


# ----------------------------------------------------------------- what comes in


@router.get("/mail/incoming")
async def list_messages(
    parts: TheParts,
    _caller: Officer,
    outcome: Outcome = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> MailList:
    """List messages that came in, newest first, senders masked."""
    return await messages_shown(parts, outcome=outcome, cursor=cursor, limit=limit)


@router.get("/mail/incoming/{mail_id}")
async def read_message(parts: TheParts, _caller: Officer, mail_id: MailId) -> MailShown:
    """Show a message as it was read, and what was understood."""
    return await message_shown(parts, mail_id)


@router.get(
    "/mail/incoming/{mail_id}/raw",
    response_class=Response,
    responses={status.HTTP_200_OK: {"content": {MESSAGE: {}}}},
)
async def download_message(
    parts: TheParts, _caller: Officer, mail_id: MailId
) -> Response:
    """Give the message byte for byte, to be saved and never shown."""
    async with parts.sessions() as session:
        raw = await raw_mail(session, mail_id)
    if raw is None:
        raise Refused(Code.NOT_FOUND)
    return as_download(raw, mail_id)


def as_download(raw: bytes, mail_id: str) -> Response:
    """Hand over a message as a file; a browser saves it and runs nothing of it."""
    named = f'attachment; filename="{mail_id[:16]}.eml"'
    return Response(raw, media_type=MESSAGE, headers={"Content-Disposition": named})


@router.post("/mail/incoming/{mail_id}/look")
async def look_at_message(
    parts: TheParts, caller: Officer, mail_id: MailId
) -> MailShown:
    """Note that a message set aside was looked at; the first who looked stays."""
    async with parts.sessions.begin() as session:
        at = await database_now(session)
        known = await look_at(session, mail_id, by=caller.subject, at=at)
    if not known:
        raise Refused(Code.NOT_FOUND)
    return await message_shown(parts, mail_id)
