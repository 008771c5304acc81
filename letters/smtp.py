"""The only module that speaks SMTP: one letter over one connection."""

import asyncio
import copy
import re
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Literal

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol, normalize_message_line_endings

from letters.answers import (
    CLOSING,
    Limit,
    Outcome,
    Reply,
    answered,
    deferred,
    words,
)
from letters.returning import token_of

FAILURES = (aiosmtplib.SMTPException, OSError, ValueError)
"""What a relay or a network can do to us; ValueError, for a challenge it misspells."""

_PERMANENT = 5  # the first digit of an answer that will not change
_GOODBYE_SECONDS = 2.0
_FLUSH_SECONDS = 0.01
_NOT_XTEXT = re.compile(r"[^!-*,-<>-~]")


@dataclass(frozen=True, slots=True)
class Relay:
    """How to reach the relay; timeouts in seconds, a file of authorities if private.

    *connections* is the most there are at once; each is closed after *kept_seconds*
    without a letter, and after *letters_each*.
    """

    host: str
    port: int
    tls: Literal["none", "starttls", "implicit"] = "none"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    command_timeout: float = 30.0
    data_timeout: float = 60.0
    ca_file: str | None = None
    connections: int = 4
    kept_seconds: float = 30.0
    letters_each: int = 100


@dataclass(slots=True)
class Ready:
    """A letter as it goes over the wire; and whether its last dot was written there."""

    sender: str
    recipient: str
    token: str
    payload: bytes
    dot_written: bool = False

    @property
    def sender_domain(self) -> str:
        """The name under which we introduce ourselves."""
        return self.sender.rpartition("@")[2]


class Stale(Exception):  # noqa: N818  it is no error: a fresh connection is taken
    """A kept connection ended before the relay had said a word about the letter."""


def ready(message: EmailMessage, *, sender: str, recipient: str) -> Ready:
    """Flatten a message for the wire: 7 bits, CRLF, dots stuffed.

    Without its Return-Path, which is the relay's to write.
    """
    outgoing = copy.copy(message)
    seven_bit = message.policy.clone(cte_type="7bit", linesep="\r\n")
    del outgoing["Return-Path"]
    wire = normalize_message_line_endings(outgoing.as_bytes(policy=seven_bit))
    payload = re.sub(rb"(?m)^\.", b"..", wire)
    return Ready(sender, recipient, token_of(str(message["Message-ID"])), payload)


async def introduced(relay: Relay, *, helo: str) -> aiosmtplib.SMTP:
    """Open a connection, up to where a letter can begin; raises one of FAILURES."""
    client = aiosmtplib.SMTP(
        hostname=relay.host,
        port=relay.port,
        username=relay.username,
        password=relay.password,
        local_hostname=helo,
        timeout=relay.command_timeout,
        use_tls=relay.tls == "implicit",
        # Never left open: a relay asked for TLS gives it or gets nothing.
        start_tls=relay.tls == "starttls",
        cert_bundle=relay.ca_file,
    )
    try:
        await client.connect()
        await _introduce(client)
    except BaseException:
        drop(client)
        raise
    return client


async def _introduce(client: aiosmtplib.SMTP) -> None:
    """Say who we are, in the old way to a relay that only knows that."""
    if not client.is_ehlo_or_helo_needed:
        return  # said before the password
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError as error:
        if error.code // 100 != _PERMANENT or not client.is_connected:
            raise
        await client.helo()


async def transaction(
    client: aiosmtplib.SMTP, letter: Ready, relay: Relay, *, was_kept: bool
) -> Outcome:
    """Drive MAIL, RCPT and DATA one by one, to know on which side of the dot we are.

    Raises Stale if the relay ends a kept connection at MAIL: not because of the letter.
    """
    try:
        await _mail(client, letter, was_kept=was_kept)
        await client.rcpt(letter.recipient, options=_reports_on(client, letter))
        go_on = await client.execute_command(b"DATA")
        if go_on.code != aiosmtplib.SMTPStatus.start_input:
            return answered(go_on.code, go_on.message, otherwise=Reply.DEFERRED)
        protocol = client.protocol
        if protocol is None:
            return Outcome(Reply.DEFERRED, None, "connection lost before the message")
        async with asyncio.timeout(relay.data_timeout):
            await _flushed(protocol, letter.payload)
    except aiosmtplib.SMTPRecipientRefused as refusal:
        return answered(refusal.code, refusal.message, otherwise=Reply.DEFERRED)
    except aiosmtplib.SMTPSenderRefused as refusal:
        return answered(
            refusal.code,
            refusal.message,
            otherwise=Reply.DEFERRED,
            whose=Limit.RELAY,
        )
    except (aiosmtplib.SMTPException, OSError) as error:
        return deferred(error)
    return await _after_the_dot(protocol, letter, relay)


async def _mail(client: aiosmtplib.SMTP, letter: Ready, *, was_kept: bool) -> None:
    options = (
        ["RET=HDRS", f"ENVID={_xtext(letter.token)}"] if _offers_reports(client) else []
    )
    try:
        await client.mail(letter.sender, options=options)
    except aiosmtplib.SMTPServerDisconnected as ended:
        if was_kept:
            raise Stale from ended
        raise
    except aiosmtplib.SMTPSenderRefused as refusal:
        if was_kept and refusal.code == CLOSING:
            raise Stale from refusal
        raise


def _offers_reports(client: aiosmtplib.SMTP) -> bool:
    """Say whether the relay reports what became of a letter (RFC 3461)."""
    return client.supports_extension("dsn")


def _reports_on(client: aiosmtplib.SMTP, letter: Ready) -> list[str]:
    if not _offers_reports(client):
        return []
    original = f"ORCPT=rfc822;{_xtext(letter.recipient)}"
    return ["NOTIFY=SUCCESS,FAILURE,DELAY", original]


def _xtext(text: str) -> str:
    """Spell a value as RFC 3461 does: +XX for '+', '=' and what is not printable."""
    return _NOT_XTEXT.sub(lambda found: f"+{ord(found[0]):02X}", text)


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


async def _after_the_dot(
    protocol: SMTPProtocol, letter: Ready, relay: Relay
) -> Outcome:
    try:
        protocol.write(b".\r\n")
    except aiosmtplib.SMTPServerDisconnected as error:
        return deferred(error)  # the dot was not written
    letter.dot_written = True
    try:
        answer = await protocol.read_response(timeout=relay.data_timeout)
    except (aiosmtplib.SMTPException, OSError) as error:
        return Outcome(Reply.UNKNOWN, None, words(str(error)))
    return answered(answer.code, answer.message, otherwise=Reply.UNKNOWN)


async def goodbye(client: aiosmtplib.SMTP) -> None:
    """Take leave politely; what the relay answers changes nothing any more."""
    try:
        await client.quit(timeout=_GOODBYE_SECONDS)
    except (aiosmtplib.SMTPException, OSError):
        return
    finally:
        drop(client)


def drop(client: aiosmtplib.SMTP) -> None:
    """Close without a word; what is still here of a letter does not trickle out."""
    transport = client.transport
    client.close()
    if (
        isinstance(transport, asyncio.WriteTransport)
        and transport.get_write_buffer_size() > 0
    ):
        transport.abort()
