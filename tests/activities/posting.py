"""Letters as a test sends them: by a scripted relay, about one holder's dossier."""

import email
from email.message import EmailMessage
from email.policy import default

import pytest
from temporalio.exceptions import ApplicationError

from activities.issuing import Issuing
from activities.letters import Letters, Post
from tests.activities.attempt import HEAD, a_post
from tests.activities.office import Office, a_record, an_order, run
from tests.activities.relay_log import RelayLog
from tests.dossiers import HOLDER, TODAY, a_holder, noon
from tests.letters.relay import ScriptedRelay, Taken
from workflows.messages import Entry, LetterOrder, Record

KEY = f"{HOLDER}/2026-12-10/reminder_30"
"""The key of the order that `order` gives when nothing else is said."""


def by(office: Office, relay: ScriptedRelay, log: RelayLog | None = None) -> Letters:
    """The effect, with this relay and its log."""
    return sending(office, a_post(relay.port, log.url if log else None))


def sending(office: Office, post: Post, issuing: Issuing | None = None) -> Letters:
    """The effect; its connections are closed with the test."""
    letters = Letters(office.sessions, post, HEAD, issuing)
    office.opened.push_async_callback(letters.connections.close)
    return letters


def order(notice: str = "reminder_30", **says: object) -> LetterOrder:
    return an_order(a_holder(), notice, **says)


def a_withdrawal() -> Record:
    """What a turn keeps that withdraws the letter of `order`."""
    line = Entry(
        at=noon(TODAY), what="letter_withdrawn", by="rule", detail={"letter": KEY}
    )
    return a_record(a_holder(), withdrawn=(KEY,), entries=(line,))


def read(taken: Taken) -> EmailMessage:
    message = email.message_from_bytes(taken.data, policy=default)
    assert isinstance(message, EmailMessage)
    return message


async def failure_of(letters: Letters, ordered: LetterOrder) -> str | None:
    """Send a letter that must be tried again; name why."""
    with pytest.raises(ApplicationError) as problem:
        await run(letters.send_letter, ordered)
    assert not problem.value.non_retryable
    return problem.value.type
