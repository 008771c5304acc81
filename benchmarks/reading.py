"""Incoming mail: what understanding costs, against the library's parser alone."""

import statistics
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from itertools import chain

from intake.understanding import understand
from tests.intake.corpus import CORPUS, About
from tests.intake.messages import HOUSE, a_page
from tests.intake.written_by_programs import ASKED_HTML

ROUNDS = 9
Rows = AsyncIterator[tuple[str, str, str]]


async def reading() -> Rows:
    """Read the corpus both ways in turns; processor time only.

    Messages beyond a limit are left out: ours stops there, the other one goes on.
    """
    ordinary = (cases for about, cases in CORPUS.items() if about is not About.LIMIT)
    messages = [case.raw for case in chain.from_iterable(ordinary)]
    ours, alone = [], []
    for _ in range(ROUNDS):
        ours.append(_seconds(messages, lambda raw: understand(raw, HOUSE)))
        alone.append(_seconds(messages, _parsed))
    ratios = [o / a for o, a in zip(ours, alone, strict=True)]
    over = f"{len(messages)} messages, {ROUNDS} rounds"
    spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    yield f"CPU to understand, to parse alone ({over})", spread, "at most 1"
    rate = len(messages) / statistics.median(ours)
    yield "messages understood in a second of one core", f"{rate:.0f}", "500"
    bytes_read = sum(map(len, messages)) / len(messages)
    yield "bytes of a message, on average", f"{bytes_read:.0f}", ""
    page = a_page(ASKED_HTML + _PARAGRAPH * 200)
    rounds = [_seconds([page], lambda raw: understand(raw, HOUSE)) for _ in range(9)]
    spent = f"{statistics.median(rounds) * 1000:.1f} ms"
    yield f"CPU to understand a page of {len(page) / 1000:.0f} kB", spent, "20 ms"


# As office programs write one, quotations and all.
_PARAGRAPH = (
    "<p class=MsoNormal style='margin:0'><span lang=FR style='font-size:12pt'>"
    "Une ligne de la lettre de l'Office, avec des mots.<o:p></o:p></span></p>\n"
)


def _seconds(messages: list[bytes], read: Callable[[bytes], object]) -> float:
    begun = time.process_time()
    for raw in messages:
        read(raw)
    return time.process_time() - begun


def _parsed(raw: bytes) -> object:
    """Parse with the standard library, and take the text as it offers it."""
    message = message_from_bytes(raw, EmailMessage, policy=default)
    body = message.get_body(("plain", "html"))
    # It refuses some charsets and headers that people do send.
    with suppress(LookupError, KeyError, ValueError, AttributeError):
        return body.get_content() if body is not None else None
    return None
