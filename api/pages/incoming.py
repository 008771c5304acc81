"""What officers see of messages that came in: lists, and each one as it was read."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response, status
from fastapi.responses import RedirectResponse
from markupsafe import Markup

from api.codes import Code
from api.errors import Refused
from api.language import Language
from api.pages.rendering import Page, page
from api.pages.words import Voice
from api.parts import TheParts
from api.signin.who import TheOfficer, own_form
from api.v1.fields import Cursor
from api.v1.ledger import MailId, Outcome, as_download
from api.v1.mail_showing import message_shown, messages_shown
from records.clock import database_now
from records.incoming import OUTCOMES, look_at, raw_mail

router = APIRouter(route_class=Page, include_in_schema=False)

LINES = 50


@router.get("/{language:fr_or_en}/bureau/courriel/recus")
async def received(
    request: Request,
    parts: TheParts,
    language: Language,
    _who: TheOfficer,
    outcome: Annotated[Outcome, Query(alias="issue")] = None,
    cursor: Annotated[Cursor, Query(alias="suite")] = None,
) -> Response:
    """List messages that came in, senders masked."""
    found = await messages_shown(parts, outcome=outcome, cursor=cursor, limit=LINES)
    return page(
        request,
        "mail_received.html",
        language,
        found=found,
        outcome=outcome,
        outcomes=OUTCOMES,
    )


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
    reading = list(_reading(shown.understood, Voice(language)))
    return page(request, "mail_message.html", language, shown=shown, reading=reading)


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
    if found is None:
        raise Refused(Code.NOT_FOUND)
    return as_download(found, mail_id)


# ------------------------------------------------------------- what was understood

Row = tuple[Markup, Markup | str]


def _reading(understood: Mapping[str, Any], say: Voice) -> Iterator[Row]:
    """Word what was understood; an older message may not have been asked everything."""
    for name, key in (
        ("nature", "nature"),
        ("proof", "authenticated"),
        ("wish", "wish"),
    ):
        if told := understood.get(key):
            yield say(f"incoming.{name}"), say.named(f"incoming.{name}", str(told))
    for name in ("numbers", "new_dossier", "expired_certificate", "suspicious"):
        if told := understood.get(name):
            listed = [told] if isinstance(told, str) else told
            yield say(f"incoming.{name}"), ", ".join(map(str, listed))
    for name in ("contradictory", "gives_an_address", "for_another", "spam"):
        if understood.get(name):
            yield say("incoming.besides"), say(f"incoming.{name}")
    if told := understood.get("problem"):
        yield say("incoming.problem"), say.named("incoming.problem", str(told))
    if reason := understood.get("became", {}).get("reason"):
        yield say("incoming.why"), say.named("incoming.why", str(reason))
