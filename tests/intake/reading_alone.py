"""A process that reads a mailbox and dies right after it has kept a message."""

import asyncio
import os
import signal
import sys
from typing import Any

from intake.delivery import Courier
from intake.imap import reading
from intake.mail import MailRoom, Taken
from intake.mailbox import Mailbox
from records.database import make_engine, make_sessions
from settings import load_settings
from tests.upkeep.server import client_of


class Doomed(MailRoom):
    """A mail room whose process is killed between a commit and the move."""

    left = 0

    async def keep(self, raw: bytes, **said: Any) -> Taken:
        taken = await super().keep(raw, **said)
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return taken


async def read(messages: int) -> None:
    settings = load_settings()
    sessions = make_sessions(make_engine(settings.database_url))
    room = Doomed(sessions, Courier(sessions, await client_of(1)), settings)
    room.left = messages
    mailbox = Mailbox.of(settings)
    assert mailbox is not None
    async with reading(mailbox, room):
        await asyncio.Event().wait()


asyncio.run(read(int(sys.argv[1])))
