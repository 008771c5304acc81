"""The only module that speaks SMTP: it hands a letter over and sorts the answer."""

import asyncio
import copy
import re
from dataclasses import dataclass, field
from email.message import EmailMessage
from enum import StrEnum
from typing import Literal
from urllib.parse import quote

import aiosmtplib
import httpx2
from aiosmtplib.protocol import SMTPProtocol, normalize_message_line_endings

from letters.plain import PLAIN_ADDRESS, one_line

_TEXT_LIMIT = 500
_PERMANENT = 5  # the first digit of an answer that will not change
_GOODBYE_SECONDS = 2.0
_LOG_SECONDS = 10.0
_FLUSH_SECONDS = 0.01


class Reply(StrEnum):
    """What the relay's answer means for a letter."""

    ACCEPTED = "accepted"  # the relay has taken responsibility; not yet delivered
    DEFERRED = "deferred"  # nothing was taken; the same letter may be tried again
    REFUSED = "refused"  # nothing was taken and nothing will be; a person must look
    UNKNOWN = "unknown"  # lost after the final dot; ask the relay before trying again


@dataclass(frozen=True, slots=True)
class Relay:
    """How to reach the relay; timeouts in seconds, a file of authorities if private."""

    host: str
    port: int
    tls: Literal["none", "starttls", "implicit"] = "none"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    command_timeout: float = 30.0
    data_timeout: float = 60.0
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The relay's answer: what it means, its code and its words, 500 at most."""

    state: Reply
    code: int | None
    text: str


async def hand_over(
    relay: Relay, message: EmailMessage, *, sender: str, recipient: str
) -> Outcome:
    """Hand one message to the relay for one recipient, and say what became of it.

    Never raises for what a relay or a network does; ValueError for a sender that is no
    plain address. A code counts as a refusal of the
    letter only from MAIL on: a relay that turns us away before (greeting, EHLO, TLS,
    password) has not looked at it, so the letter is deferred.
    """
    if not PLAIN_ADDRESS.fullmatch(sender):
        raise ValueError(f"not an address to send from: {sender!r}")
    if not PLAIN_ADDRESS.fullmatch(recipient):
        return Outcome(Reply.REFUSED, None, f"no address: {one_line(recipient)}")
    payload = _payload(message)
    client = _client(relay, helo=sender.rpartition("@")[2])
    try:
        try:
            await client.connect()
            await _introduce(client)
        except (aiosmtplib.SMTPException, OSError) as error:
            return _deferred(error)
        outcome = await _transaction(client, relay, (sender, recipient), payload)
        if outcome.code is not None:  # whoever fell silent is not waited for again
            await _goodbye(client)
        return outcome
    finally:
        client.close()


async def relay_has(relay_log_url: str, message_id: str) -> bool | None:
    """Ask the relay's log whether it took a Message-ID; None when it cannot tell."""
    url = f"{relay_log_url.rstrip('/')}/{quote(message_id, safe='')}"
    try:
        async with httpx2.AsyncClient(timeout=_LOG_SECONDS, trust_env=False) as client:
            status = (await client.get(url)).status_code
    except (httpx2.HTTPError, httpx2.InvalidURL):
        return None
    return {200: True, 404: False}.get(status)


def _client(relay: Relay, *, helo: str) -> aiosmtplib.SMTP:
    # start_tls is never left open: a relay asked for TLS gives it or gets nothing.
    return aiosmtplib.SMTP(
        hostname=relay.host,
        port=relay.port,
        username=relay.username,
        password=relay.password,
        local_hostname=helo,
        timeout=relay.command_timeout,
        use_tls=relay.tls == "implicit",
        start_tls=relay.tls == "starttls",
        cert_bundle=relay.ca_file,
    )


def _payload(message: EmailMessage) -> bytes:
    """Flatten for the wire: 7 bits, CRLF, dots stuffed; Return-Path is the relay's."""
    outgoing = copy.copy(message)
    seven_bit = message.policy.clone(cte_type="7bit", linesep="\r\n")
    del outgoing["Return-Path"]
    wire = normalize_message_line_endings(outgoing.as_bytes(policy=seven_bit))
    return re.sub(rb"(?m)^\.", b"..", wire)


async def _introduce(client: aiosmtplib.SMTP) -> None:
    """Say who we are, in the old way to a relay that only knows that."""
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError as error:
        if error.code // 100 != _PERMANENT or not client.is_connected:
            raise
        await client.helo()


async def _transaction(
    client: aiosmtplib.SMTP, relay: Relay, envelope: tuple[str, str], payload: bytes
) -> Outcome:
    """Drive MAIL, RCPT and DATA one by one, to know on which side of the dot we are."""
    try:
        await client.mail(envelope[0])
        await client.rcpt(envelope[1])
        ready = await client.execute_command(b"DATA")
        if ready.code != aiosmtplib.SMTPStatus.start_input:
            return _answered(ready.code, ready.message, otherwise=Reply.DEFERRED)
        protocol = client.protocol
        if protocol is None:
            return Outcome(Reply.DEFERRED, None, "connection lost before the message")
        async with asyncio.timeout(relay.data_timeout):
            await _flushed(protocol, payload)
    except (
        aiosmtplib.SMTPSenderRefused,
        aiosmtplib.SMTPRecipientRefused,
    ) as refusal:
        return _answered(refusal.code, refusal.message, otherwise=Reply.DEFERRED)
    except (aiosmtplib.SMTPException, OSError) as error:
        return _deferred(error)
    return await _after_the_dot(protocol, relay)


async def _flushed(protocol: SMTPProtocol, payload: bytes) -> None:
    """Give the whole message but its final dot to the network."""
    protocol.write(payload)
    # asyncio only tells when its buffer is below a mark, never when it is empty; and
    # while something of the message is still here, no dot can have been read there.
    while (transport := protocol.transport) is not None:
        if not isinstance(transport, asyncio.WriteTransport):
            break
        if transport.get_write_buffer_size() == 0:
            return
        await asyncio.sleep(_FLUSH_SECONDS)
    raise aiosmtplib.SMTPServerDisconnected("connection lost within the message")


async def _after_the_dot(protocol: SMTPProtocol, relay: Relay) -> Outcome:
    try:
        protocol.write(b".\r\n")
    except aiosmtplib.SMTPServerDisconnected as error:
        return _deferred(error)  # the dot was not written
    try:
        answer = await protocol.read_response(timeout=relay.data_timeout)
    except (aiosmtplib.SMTPException, OSError) as error:
        return Outcome(Reply.UNKNOWN, None, one_line(str(error), limit=_TEXT_LIMIT))
    return _answered(answer.code, answer.message, otherwise=Reply.UNKNOWN)


async def _goodbye(client: aiosmtplib.SMTP) -> None:
    """Take leave politely; what the relay answers changes nothing any more."""
    try:
        await client.quit(timeout=_GOODBYE_SECONDS)
    except (aiosmtplib.SMTPException, OSError):
        return


def _answered(code: int, text: str, *, otherwise: Reply) -> Outcome:
    states = {2: Reply.ACCEPTED, 4: Reply.DEFERRED, _PERMANENT: Reply.REFUSED}
    state = states.get(code // 100, otherwise)
    if state is Reply.ACCEPTED and otherwise is Reply.DEFERRED:
        state = otherwise  # a 2xx before the dot accepts nothing
    return Outcome(state, code, one_line(text, limit=_TEXT_LIMIT))


def _deferred(error: Exception) -> Outcome:
    code = getattr(error, "code", None)
    said = getattr(error, "message", None) or str(error) or type(error).__name__
    text = one_line(str(said), limit=_TEXT_LIMIT)
    return Outcome(Reply.DEFERRED, code if isinstance(code, int) else None, text)
