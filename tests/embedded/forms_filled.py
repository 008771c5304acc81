"""The inbox's forms, filled in and sent as a browser does, and what came of them."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape

import httpx2
from aiosmtpd.smtp import Envelope

from embedded.inbox_pages.words import words
from intake.arrival import House
from intake.understanding import Understood, understand
from tests.embedded.conftest import Inbox
from tests.embedded.correspondence import (
    INTAKE_ADDRESS,
    LUCE,
    a_letter,
    send,
)

HOUSE = House(INTAKE_ADDRESS)
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}


async def the_letter(
    inbox: Inbox, web: httpx2.AsyncClient, letter: EmailMessage | None = None
) -> str:
    """Have a letter in the inbox; return the path of its page."""
    send(inbox.smtp, letter or a_letter())
    *_, told = (await web.get("/api/messages")).json()
    return f"/fr/{told['id']}"


def a_reply(**changed: str) -> dict[str, str]:
    reply = {"from": LUCE, "subject": "Re: dernier jour", "text": "Bonjour\r\nLuce"}
    return {**reply, **changed}


async def handed_in(
    web: httpx2.AsyncClient, path: str, form: dict[str, str]
) -> httpx2.Response:
    answer = await web.post(path, data=form, headers=OWN_PAGE)
    assert answer.status_code == 303, answer.text
    return await web.get(answer.headers["location"])


def seen(answer: httpx2.Response) -> str:
    return unescape(answer.text).replace("\u00a0", " ")


def said(key: str, language: str = "fr") -> str:
    return words()[key][language].replace("\u00a0", " ")


def message_of(envelope: Envelope) -> EmailMessage:
    message = message_from_bytes(
        envelope.original_content or b"", policy=policy.default
    )
    assert isinstance(message, EmailMessage)
    return message


def read(envelope: Envelope) -> Understood:
    return understand(envelope.original_content or b"", HOUSE)
