"""The intake process: it takes letters by LMTP, and reads a mailbox if there is one."""

import asyncio
import logging
import signal
from contextlib import AsyncExitStack

from engine import connect
from intake.arrival import House
from intake.delivery import Courier
from intake.imap import reading
from intake.lmtp import Intake, listening
from intake.mail import MailRoom
from intake.mailbox import Mailbox
from records.database import make_engine, make_sessions
from settings import Settings

_log = logging.getLogger(__name__)


async def serve(settings: Settings) -> None:
    """Take letters until SIGTERM or SIGINT; touch the ready file once listening."""
    # aiosmtpd writes addresses, and whole lines that it did not expect, to its log.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    engine = make_engine(settings.database_url)
    try:
        # Lazy: letters are kept while Temporal is away.
        client = await connect(settings, lazy=True)
        sessions = make_sessions(engine)
        courier = Courier(sessions, client)
        await _take(settings, MailRoom(sessions, courier, settings), stop)
        await courier.close()
    finally:
        await engine.dispose()


async def _take(settings: Settings, room: MailRoom, stop: asyncio.Event) -> None:
    """Hold the doors open until *stop*; a mailbox that is away does not close LMTP."""
    async with AsyncExitStack() as doors:
        intake = Intake(room, House.of(settings))
        lmtp = listening(intake, host=settings.lmtp_host, port=settings.lmtp_port)
        port = await doors.enter_async_context(lmtp)
        if (mailbox := Mailbox.of(settings)) is not None:
            await doors.enter_async_context(reading(mailbox, room))
        if settings.ready_file is not None:
            settings.ready_file.parent.mkdir(parents=True, exist_ok=True)
            settings.ready_file.touch()
        _log.info("ready: letters are taken by LMTP on port %s", port)
        await stop.wait()
        _log.info("stopping: letters under way are answered, nothing new is taken")
