"""The door for letters: LMTP, 250 only once a letter is committed."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from intake.arrival import MOST_BYTES, MOST_RECIPIENTS, Door, House
from intake.mail import KEEPING_LIMIT, MailRoom

_CLOSING_LIMIT = timedelta(seconds=10)

_TOO_LARGE = f"552 5.3.4 The letter is larger than {MOST_BYTES} bytes"
_LONE_DOT = b"\r\n.\r\n"
_SMALL_BYTES = 256 * 1024
# More than asyncio ever holds for us: a read of so much leaves nothing behind it.
_ALL_THAT_CAME = 4 * 1024 * 1024

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What this door bears at once; beyond it a sender waits or comes again.

    A letter of more than 256 KB is large: few are in memory at once, and the next ones
    wait for *patience* where they are, at their senders.
    """

    connections: int = 100
    recipients: int = MOST_RECIPIENTS
    large_letters: int = 2
    patience: timedelta = timedelta(minutes=2)
    idle: timedelta = timedelta(minutes=5)


USUAL = Limits()


class Intake:
    """What every connection asks about a recipient and a letter (aiosmtpd handler)."""

    def __init__(self, room: MailRoom, house: House, limits: Limits = USUAL) -> None:
        self.limits = limits
        self.connections: set[Connection] = set()
        self._large = asyncio.Semaphore(limits.large_letters)
        self._room = room
        self._house = house

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd calls
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Take what is for the intake, and what comes back to a letter of ours."""
        if not self._house.takes(address):
            return "550 5.1.1 Nobody here bears this address"
        if len(envelope.rcpt_tos) >= self.limits.recipients:
            return "452 4.5.3 Too many recipients at once"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    def space(self) -> "_Space":
        """Make the place of one letter."""
        return _Space(self._large, self.limits.patience)

    async def handle_exception(self, error: Exception) -> str:
        """Answer for a mistake of ours: the sender keeps its letter."""
        # No message of the exception: it may quote the letter.
        _log.error("a connection was at fault: %s", type(error).__name__)
        return "451 4.3.0 A mistake of ours, try again later"

    async def keep(self, raw: bytes, recipients: tuple[str, ...]) -> str:
        """Answer 250 once the letter is committed, 451 when it cannot be."""
        try:
            async with asyncio.timeout(KEEPING_LIMIT.total_seconds()):
                taken = await self._room.keep(
                    raw,
                    received_at=datetime.now(UTC),
                    door=Door.LMTP,
                    recipients=recipients,
                )
        except Exception as trouble:  # noqa: BLE001 - the sender must keep its letter
            _log.error("a letter could not be kept: %s", type(trouble).__name__)
            return "451 4.3.0 The letter could not be kept, try again later"
        # The answer does not wait for Temporal.
        self._room.tell_later(taken)
        return f"250 2.0.0 Kept as {taken.mail_id[:32]}"

    async def finish(self) -> None:
        """Let the facts of the last letters be told, for a bounded time."""
        await self._room.finish()


class Connection(LMTP):
    """One sender's connection."""

    def __init__(self, intake: Intake) -> None:
        super().__init__(
            intake,
            data_size_limit=MOST_BYTES,
            enable_SMTPUTF8=True,
            hostname="echeance",
            ident="Echeance",
            timeout=intake.limits.idle.total_seconds(),
            loop=asyncio.get_running_loop(),
        )
        self._intake = intake
        self._turned_away = False
        self.keeps = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count this connection, or turn it away where there are too many."""
        if len(self._intake.connections) >= self._intake.limits.connections:
            assert isinstance(transport, asyncio.Transport)
            self._turned_away = True
            transport.write(b"421 4.3.2 Too many connections, try again later\r\n")
            transport.close()
            return
        self._intake.connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget this connection."""
        self._intake.connections.discard(self)
        if not self._turned_away:
            super().connection_lost(error)

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        """Take a letter and answer for each recipient; a stop waits for that.

        In place of aiosmtpd's own, which holds each line as an object: a letter of
        short lines would fill the memory many times over.
        """
        if await self.check_helo_needed("LHLO"):
            return
        assert self.envelope is not None
        if arg or not self.envelope.rcpt_tos:
            await self.push(
                "501 Syntax: DATA" if arg else "503 Error: need RCPT command"
            )
            return
        self.keeps = True
        try:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            recipients = tuple(self.envelope.rcpt_tos)
            answer = await self._answer_for_letter(recipients)
            self.envelope = Envelope()
            # One answer for each recipient (RFC 2033, 4.2).
            await self.push("\r\n".join([answer] * len(recipients)))
        finally:
            self.keeps = False

    async def _answer_for_letter(self, recipients: tuple[str, ...]) -> str:
        with self._intake.space() as space:
            raw = await self._dictated(space)
            if isinstance(raw, str):
                return raw
            return await self._intake.keep(raw, recipients)

    async def _dictated(self, space: "_Space") -> bytes | str:
        """Read a letter up to its lone dot; or say why not, once it is all read."""
        # With an empty line before it, a first line is like any other.
        text, seen, refusal = bytearray(b"\r\n"), 0, ""
        while (end := text.find(_LONE_DOT, seen)) < 0:
            refusal = refusal or await space.refusal(len(text))
            if refusal:
                del text[: -len(_LONE_DOT)]
            seen = max(0, len(text) - len(_LONE_DOT))
            came = await self._reader.read(_ALL_THAT_CAME)
            if not came:
                raise ConnectionResetError
            text += came
        if after := bytes(text[end + len(_LONE_DOT) :]):
            self._reader.feed_data(after)  # a sender may write ahead (RFC 2920)
        if refusal or end > MOST_BYTES:
            return refusal or _TOO_LARGE
        del text[end + 2 :]
        letter = text.replace(b"\r\n.", b"\r\n")
        return bytes(memoryview(letter)[2:])


class _Space:
    """The place of one letter in memory: a large one waits for its own."""

    def __init__(self, large: asyncio.Semaphore, patience: timedelta) -> None:
        self._large = large
        self._patience = patience
        self._taken = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        if self._taken:
            self._large.release()

    async def refusal(self, size: int) -> str:
        """Say why a letter that has grown to *size* must grow no more, or nothing."""
        if size > MOST_BYTES + 2 * len(_LONE_DOT):
            return _TOO_LARGE
        if size > _SMALL_BYTES and not self._taken:
            try:
                async with asyncio.timeout(self._patience.total_seconds()):
                    await self._large.acquire()
            except TimeoutError:
                return "451 4.3.2 Too many large letters at once, try again later"
            self._taken = True
        return ""


@asynccontextmanager
async def listening(intake: Intake, *, host: str, port: int) -> AsyncIterator[int]:
    """Take letters while the block runs; yield the port, chosen by the system for 0.

    At its end letters under way are answered, for a bounded time.
    """
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(intake), host, port
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await _close(intake.connections)
        await intake.finish()


async def _close(connections: set[Connection]) -> None:
    """Close idle connections at once, the others once they have their answer."""
    closing_at = asyncio.get_running_loop().time() + _CLOSING_LIMIT.total_seconds()
    while connections:
        overdue = asyncio.get_running_loop().time() > closing_at
        for connection in list(connections):
            if connection.transport is not None and (overdue or not connection.keeps):
                connection.transport.close()
        await asyncio.sleep(0.02)
