"""The door for letters: LMTP, 250 only once a letter is committed."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from engine import connect
from intake.mail import MailRoom, Taken
from records.database import make_engine, make_sessions
from settings import Settings

MOST_BYTES = 10 * 1024 * 1024
"""A larger letter is refused: `understand` reads no more."""

KEEPING_LIMIT = timedelta(seconds=30)
"""After this the sender is told to come again; a copy kept after all is known."""

_CLOSING_LIMIT = timedelta(seconds=10)

_log = logging.getLogger(__name__)


class Intake:
    """What the LMTP server asks about a recipient and a letter (aiosmtpd handler)."""

    def __init__(self, room: MailRoom, intake_address: str) -> None:
        self._room = room
        self._address = intake_address.casefold()
        self._at_work: set[asyncio.Task[None]] = set()

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd calls
        self,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Take letters to the intake's own address, however it is spelled."""
        if address.casefold() != self._address:
            return "550 5.1.1 Nobody here bears this address"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - the name aiosmtpd calls
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Answer 250 once the letter is committed, 451 when it cannot be."""
        raw = envelope.original_content or b""
        answer = await self._answer(raw, tuple(envelope.rcpt_tos))
        return one_answer_each(answer, envelope)

    async def _answer(self, raw: bytes, recipients: tuple[str, ...]) -> str:
        try:
            async with asyncio.timeout(KEEPING_LIMIT.total_seconds()):
                taken = await self._room.keep(
                    raw, received_at=datetime.now(UTC), recipients=recipients
                )
        except Exception as trouble:  # noqa: BLE001 - the sender must keep its letter
            # No message of the exception: it may quote the letter.
            _log.error("a letter could not be kept: %s", type(trouble).__name__)
            return "451 4.3.0 The letter could not be kept, try again later"
        self._tell_later(taken)
        return f"250 2.0.0 Kept as {taken.mail_id[:32]}"

    def _tell_later(self, taken: Taken) -> None:
        # The answer does not wait for Temporal; a sweep tells what this cannot.
        telling = asyncio.create_task(self._room.tell(taken))
        self._at_work.add(telling)
        telling.add_done_callback(self._at_work.discard)

    async def finish(self) -> None:
        """Let the facts of the last letters be told, for a bounded time."""
        if self._at_work:
            await asyncio.wait(self._at_work, timeout=_CLOSING_LIMIT.total_seconds())


def one_answer_each(answer: str, envelope: Envelope | None) -> str:
    """Repeat an answer for each recipient (RFC 2033, 4.2)."""
    recipients = len(envelope.rcpt_tos) if envelope is not None else 1
    return "\r\n".join([answer] * max(recipients, 1))


class Connection(LMTP):
    """One sender's connection."""

    # A program that breaks no line must not lose its letter for that.
    line_length_limit = MOST_BYTES

    _AFTER_DATA = ("552 Error: Too much mail data", "500 Line too long")

    def __init__(self, intake: Intake, connections: "set[Connection]") -> None:
        super().__init__(
            intake,
            data_size_limit=MOST_BYTES,
            enable_SMTPUTF8=True,
            hostname="echeance",
            ident="Echeance",
            loop=asyncio.get_running_loop(),
        )
        self._connections = connections
        self.keeps = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count this connection among those to be closed at the end."""
        self._connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget this connection."""
        self._connections.discard(self)
        super().connection_lost(error)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        """Take a letter; a stop waits for its answer."""
        self.keeps = True
        try:
            await super().smtp_DATA(arg)
        finally:
            self.keeps = False

    async def push(self, status: str | bytes) -> None:
        """Answer; what aiosmtpd refuses by itself after DATA, once a recipient."""
        answer = status if isinstance(status, str) else status.decode()
        if answer.startswith(self._AFTER_DATA):
            answer = one_answer_each(answer, self.envelope)
        await super().push(answer)


@asynccontextmanager
async def listening(intake: Intake, *, host: str, port: int) -> AsyncIterator[int]:
    """Take letters while the block runs; yield the port, chosen by the system for 0.

    At its end letters under way are answered, for a bounded time.
    """
    connections: set[Connection] = set()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(intake, connections), host, port
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await _close(connections)
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


async def serve(settings: Settings) -> None:
    """Take letters until SIGTERM or SIGINT; touch the ready file once listening."""
    # aiosmtpd writes addresses and whole letters to its log.
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    engine = make_engine(settings.database_url)
    # Lazy: letters are kept while Temporal is away.
    client = await connect(settings, lazy=True)
    room = MailRoom(make_sessions(engine), client, settings)
    intake = Intake(room, settings.intake_address)
    try:
        async with listening(intake, host=settings.lmtp_host, port=settings.lmtp_port):
            if settings.ready_file is not None:
                settings.ready_file.parent.mkdir(parents=True, exist_ok=True)
                settings.ready_file.touch()
            await stop.wait()
    finally:
        await engine.dispose()
