"""A letter to hand over, and connections to do it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from typing import Any

from letters.answers import Outcome
from letters.compose import compose
from letters.connections import Connections
from letters.smtp import Relay
from tests.letters.examples import an_example
from tests.letters.relay import ScriptedRelay

SENDER = "bounce+abc@echeance.example"
RECIPIENT = "nadia@courriel.example"
MESSAGE_ID = "<abc@echeance.example>"


def a_letter(message_id: str = MESSAGE_ID) -> EmailMessage:
    return compose(
        an_example("reminder_7"),
        language="fr",
        sender="avis@echeance.example",
        recipient=RECIPIENT,
        message_id=message_id,
        return_path=SENDER,
    )


def reached(relay: ScriptedRelay, **changes: Any) -> Relay:
    """How a relay of the tests is reached: it is waited for very little."""
    ways: dict[str, Any] = {"command_timeout": 0.5, "data_timeout": 0.5} | changes
    return Relay("127.0.0.1", relay.port, **ways)


@asynccontextmanager
async def connections_to(relay: Relay) -> AsyncIterator[Connections]:
    """Connections that are closed with the test."""
    connections = Connections(relay)
    try:
        yield connections
    finally:
        await connections.close()


async def hand_over(
    to: Relay | Connections, letter: EmailMessage | None = None
) -> Outcome:
    """Hand over one letter, over connections of its own if only a relay is named."""
    if isinstance(to, Relay):
        async with connections_to(to) as own:
            return await hand_over(own, letter)
    return await to.hand_over(letter or a_letter(), sender=SENDER, recipient=RECIPIENT)
