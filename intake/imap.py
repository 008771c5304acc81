"""The door that is a mailbox: what its folder holds is kept, and only then moved."""

import asyncio
import logging
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from intake.arrival import Door
from intake.mail import KEEPING_LIMIT, MailRoom, Taken
from intake.mailbox import (
    Fetched,
    Mailbox,
    MailboxError,
    OpenFolder,
    StuckError,
    WrongPasswordError,
)

LOOK_EVERY = timedelta(minutes=1)
"""The folder is looked at this often even when the server says nothing.

IDLE only makes a look come sooner, and is begun anew each time: a connection that a
firewall forgot is noticed, and no server sees us silent for half an hour (RFC 2177).
"""

LONGEST_PAUSE = timedelta(minutes=1)
"""Between two tries, each twice as long as the last, while something is away."""

_FIRST_PAUSE = timedelta(seconds=1)
_CLOSING_LIMIT = timedelta(seconds=5)

_log = logging.getLogger(__name__)


class Reader:
    """Reads one mailbox, in a thread of its own, until it is told to stop."""

    def __init__(
        self,
        mailbox: Mailbox,
        room: MailRoom,
        *,
        look_every: timedelta = LOOK_EVERY,
        longest_pause: timedelta = LONGEST_PAUSE,
    ) -> None:
        self._mailbox = mailbox
        self._room = room
        self._look_every = look_every
        self._longest_pause = longest_pause
        self._pause = min(_FIRST_PAUSE, longest_pause)
        self._loop = asyncio.get_running_loop()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mailbox", daemon=True)
        self._open: OpenFolder | None = None
        # Kept and not moved yet: the server may refuse to move for a long time.
        self._kept: set[tuple[str, str]] = set()

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    async def stop(self) -> None:
        """Finish with the message under way; a server that hangs is not waited for."""
        self._stop.set()
        limit = _CLOSING_LIMIT.total_seconds()
        await asyncio.to_thread(self._thread.join, limit)
        if self._thread.is_alive() and (folder := self._open) is not None:
            folder.cut()
            await asyncio.to_thread(self._thread.join, limit)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with self._mailbox.opened() as folder:
                    self._open = folder
                    self._read(folder)
            except Exception as trouble:  # noqa: BLE001 - this door must open again
                self._open = None
                self._rest(trouble)

    def _rest(self, trouble: Exception) -> None:
        """Say what is wrong, and wait before the next try."""
        if self._stop.is_set():
            return
        pause = self._next_pause(trouble)
        why = _sentence(trouble)
        _log.warning("the mailbox is not read: %s; next try in %.0f s", why, pause)
        self._stop.wait(pause)

    def _next_pause(self, trouble: Exception) -> float:
        # A server may lock an account that knocks too often.
        wrong = isinstance(trouble, WrongPasswordError)
        pause = self._longest_pause if wrong else self._pause
        self._pause = min(2 * pause, self._longest_pause)
        return pause.total_seconds()

    def _read(self, folder: OpenFolder) -> None:
        when = "as its mail comes" if folder.speaks_first else "every minute"
        _log.info("the mailbox is read, %s", when)
        while not self._stop.is_set():
            if not self._look(folder):
                folder.wait(self._stop, self._look_every)

    def _look(self, folder: OpenFolder) -> bool:
        """Keep and move what the folder holds; say whether it held anything.

        Raises StuckError at the end for what is stuck: the others go on.
        """
        uids, stuck = folder.unread(), 0
        self._kept &= {(folder.validity, uid) for uid in uids}
        for uid in uids:
            if self._stop.is_set():
                return True
            try:
                self._take(folder, uid)
            except StuckError:
                stuck += 1
        if stuck:
            raise StuckError(f"{stuck} of its messages cannot be read or moved")
        self._pause = min(_FIRST_PAUSE, self._longest_pause)
        return bool(uids)

    def _take(self, folder: OpenFolder, uid: str) -> None:
        """Keep a message, and move it once that is committed."""
        known = (folder.validity, uid)
        if known not in self._kept:
            fetched = folder.fetch(uid)
            if fetched is None:
                return  # another reader was faster
            self._keep(fetched)
            self._kept.add(known)
        folder.move(uid, self._mailbox.kept_folder)
        self._kept.discard(known)

    def _keep(self, fetched: Fetched) -> None:
        keeping = asyncio.run_coroutine_threadsafe(self._kept_by(fetched), self._loop)
        keeping.result()

    async def _kept_by(self, fetched: Fetched) -> Taken:
        async with asyncio.timeout(KEEPING_LIMIT.total_seconds()):
            taken = await self._room.keep(
                fetched.headers if fetched.too_large else fetched.raw,
                received_at=fetched.received_at,
                door=Door.IMAP,
                recipients=fetched.recipients(),
                headers_only=fetched.too_large,
            )
        self._room.tell_later(taken)
        return taken


@asynccontextmanager
async def reading(mailbox: Mailbox, room: MailRoom) -> AsyncIterator[None]:
    """Read a mailbox while the block runs."""
    reader = Reader(mailbox, room)
    reader.start()
    try:
        yield
    finally:
        await reader.stop()
        await room.finish()


def _sentence(trouble: Exception) -> str:
    """Say for the operator what is wrong: nothing of a letter, nothing secret."""
    match trouble:
        case MailboxError():
            return str(trouble)
        case SQLAlchemyError():
            return "the database is away, the messages wait"
        case ssl.SSLError():
            return f"no trusted TLS connection ({trouble.reason})"
        case TimeoutError():
            return "no answer in time"
        case _:
            return type(trouble).__name__
