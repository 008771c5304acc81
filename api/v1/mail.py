"""Mail that a provider posts: signed, kept once, answered after the commit."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request

from api.codes import Code
from api.errors import Refused
from api.parts import Parts, TheParts
from api.v1.answers import MailTaken
from intake.arrival import MOST_RECIPIENTS, Door
from intake.signing import Signature

router = APIRouter(tags=["mail"])

PATIENCE_S = 5.0
"""The longest a message waits for its place in memory."""

_A_MESSAGE = {
    "requestBody": {
        "required": True,
        "description": "The whole message as it was sent (MIME), at most 10 MiB.",
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("message/rfc822", "application/octet-stream")
        },
    }
}


def the_signature(
    webhook_id: Annotated[str, Header(description="The sender's id.")] = "",
    webhook_timestamp: Annotated[
        str, Header(description="When it was signed, in seconds since 1970.")
    ] = "",
    webhook_signature: Annotated[
        str,
        Header(
            description="Standard Webhooks (v1) over `id.timestamp.` and the raw bytes "
            "of the body; several may be given, a space between them."
        ),
    ] = "",
) -> Signature:
    """Read the headers of Standard Webhooks; what is missing is empty."""
    return Signature(webhook_id, webhook_timestamp, webhook_signature)


TheSignature = Annotated[Signature, Depends(the_signature)]
EnvelopeTo = Annotated[
    str,
    Header(
        description="For whom the provider took the message: the addresses of the "
        "envelope (RCPT TO), a comma between them. Without it a letter of ours that "
        "came back is known by its content only."
    ),
]


@router.post("/mail", openapi_extra=_A_MESSAGE)
async def take_mail(
    parts: TheParts,
    request: Request,
    signature: TheSignature,
    envelope_to: EnvelopeTo = "",
) -> MailTaken:
    """Take a message to the intake's address, signed by the provider that got it.

    200 says that it is kept, and nothing of what it means. The same message again has
    the same answer. Any other answer: post it again later.
    """
    keys = _keys_for(parts, signature)
    async with _a_place(parts):
        raw = await request.body()
        if not signature.covers(raw, keys):
            raise Refused(Code.MAIL_NOT_SIGNED)
        taken = await parts.mail_room.keep(
            raw,
            received_at=datetime.now(UTC),
            door=Door.WEBHOOK,
            recipients=_addresses(envelope_to),
        )
    parts.mail_room.tell_later(taken)
    return MailTaken(mail_id=taken.mail_id)


def _keys_for(parts: Parts, signature: Signature) -> tuple[bytes, ...]:
    """Return our keys; raises Refused before the body of a stale message is read.

    What is wrong with a signature is not said.
    """
    keys = parts.settings.mail_webhook_keys()
    if not keys:
        raise Refused(Code.NOT_FOUND)
    if not signature.is_fresh(datetime.now(UTC)):
        raise Refused(Code.MAIL_NOT_SIGNED)
    return keys


@asynccontextmanager
async def _a_place(parts: Parts) -> AsyncIterator[None]:
    """Hold one of the few places for a message in memory."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            await parts.mail_places.acquire()
    except TimeoutError:
        raise Refused(Code.MAIL_DOOR_BUSY) from None
    try:
        yield
    finally:
        parts.mail_places.release()


def _addresses(envelope_to: str) -> tuple[str, ...]:
    named = (each.strip(" <>") for each in envelope_to.split(","))
    return tuple(each for each in named if "@" in each)[:MOST_RECIPIENTS]
