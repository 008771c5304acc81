"""A mailbox as a mail server holds it: reached, opened, and emptied one by one."""

import imaplib
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Self

from imap_tools.errors import MailboxFolderSelectError, MailboxLoginError
from imap_tools.idle import get_socket_poller
from imap_tools.mailbox import BaseMailBox, MailBox, MailBoxUnencrypted
from imap_tools.utils import encode_folder
from pydantic import SecretStr

from intake.arrival import MOST_BYTES, MOST_RECIPIENTS
from intake.headers import Headers
from intake.parts import HEADER_BYTES
from settings import Settings

ANSWER_LIMIT = timedelta(seconds=30)
"""The longest the server may take for one answer."""

_SLICE_S = 0.2
"""How long a stop may go unseen while the server is waited for."""

_BLANK_LINE = re.compile(rb"\r?\n\r?\n|\r\r")
_WRITTEN_BY_OUR_SERVER = ("delivered-to", "x-original-to", "envelope-to")
_ADDRESS = re.compile(r"[^\s<>,;]+@[^\s<>,;]+")


class MailboxError(RuntimeError):
    """The mailbox cannot be opened as it is set; the text is for the operator."""


class WrongPasswordError(MailboxError):
    """The server does not know our user name or password."""


class StuckError(MailboxError):
    """A message stays where it is: it cannot be read or moved."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Where a mailbox is, and which of its folders are ours."""

    host: str
    port: int
    tls: Literal["none", "starttls", "implicit"]
    username: str
    password: SecretStr
    folder: str
    kept_folder: str

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """Read it from the settings; None where no mailbox is to be read."""
        if not settings.imap_host:
            return None
        return cls(
            host=settings.imap_host,
            port=settings.imap_port,
            tls=settings.imap_tls,
            username=settings.imap_username or "",
            password=settings.imap_password or SecretStr(""),
            folder=settings.imap_folder,
            kept_folder=settings.imap_kept_folder,
        )

    @contextmanager
    def opened(self) -> Iterator["OpenFolder"]:
        """Sign in and open the folder while the block runs.

        Raises MailboxError for what an operator must mend, OSError and imaplib's errors
        for a server that is away.
        """
        box = self._connected()
        try:
            self._secure(box)
            self._enter(box)
            yield OpenFolder.of(box)
            with suppress(OSError, imaplib.IMAP4.error):
                box.client.logout()
        finally:
            _close(box)

    def _connected(self) -> BaseMailBox:
        limit = ANSWER_LIMIT.total_seconds()
        if self.tls == "implicit":
            trusted = ssl.create_default_context()
            return MailBox(self.host, self.port, limit, ssl_context=trusted)
        return MailBoxUnencrypted(self.host, self.port, limit)

    def _secure(self, box: BaseMailBox) -> None:
        """Begin TLS where it was not there from the start; nothing secret goes before.

        Raises MailboxError where the server does not offer it: never with less.
        """
        if self.tls != "starttls":
            return
        if "STARTTLS" not in box.client.capabilities:
            raise MailboxError("the server offers no STARTTLS")
        box.client.starttls(ssl.create_default_context())

    def _enter(self, box: BaseMailBox) -> None:
        """Sign in, and open the folder; the one for what is kept is made if missing."""
        password = self.password.get_secret_value()
        try:
            if (self.username + password).isascii():
                box.login(self.username, password, initial_folder=None)
            else:
                box.login_utf8(self.username, password, initial_folder=None)
        except imaplib.IMAP4.abort:
            raise
        except (MailboxLoginError, imaplib.IMAP4.error):
            # The server's own words may repeat what it was told.
            raise WrongPasswordError("the user name or the password is wrong") from None
        if not box.folder.exists(self.kept_folder):
            box.folder.create(self.kept_folder)
            box.folder.subscribe(self.kept_folder, True)
        try:
            box.folder.set(self.folder)
        except MailboxFolderSelectError:
            raise MailboxError(f"there is no folder {self.folder}") from None


@dataclass(slots=True)
class OpenFolder:
    """One connection to a mailbox; *validity* is that of the folder's numbers (UID)."""

    box: BaseMailBox
    skills: frozenset[str]
    validity: str

    @classmethod
    def of(cls, box: BaseMailBox) -> Self:
        """Ask what the server can do, once signed in: before, it does not tell all."""
        _, words = box.client.capability()
        _, validity = box.client.response("UIDVALIDITY")
        skills = frozenset(words[0].decode("ascii", "replace").upper().split())
        return cls(box, skills, str(validity[0]))

    @property
    def speaks_first(self) -> bool:
        """Say whether the server tells what comes, by itself (IDLE)."""
        return "IDLE" in self.skills

    def unread(self) -> list[str]:
        """List what the folder holds, oldest first; not what somebody deleted."""
        return self.box.uids("UNDELETED", charset=None)

    def fetch(self, uid: str) -> "Fetched | None":
        """Read a message, and no more of it than a door takes; None if it is gone."""
        asked = f"(INTERNALDATE BODY.PEEK[]<0.{MOST_BYTES + 1}>)"
        status, answer = self.box.client.uid("FETCH", uid, asked)
        if status != "OK":
            raise StuckError("a message cannot be read")
        texts = [text for text in answer if isinstance(text, tuple)]
        said = b" ".join(t[0] if isinstance(t, tuple) else t or b"" for t in answer)
        if b"BODY[" not in said or b"<0> NIL" in said:
            return None
        raw = texts[0][1] if texts else b""  # an empty message is no literal, but ""
        arrived = imaplib.Internaldate2tuple(said)
        return Fetched(raw, _instant(arrived))

    def move(self, uid: str, folder: str) -> None:
        """Move one message and nothing else.

        Without MOVE: a copy, then a mark of deletion, then the removal of that message
        alone; a server that cannot remove one alone keeps it, marked.
        """
        client, to = self.box.client, encode_folder(folder).decode("ascii")
        if "MOVE" in self.skills:
            _done(client.uid("MOVE", uid, to))
            return
        _done(client.uid("COPY", uid, to))
        _done(client.uid("STORE", uid, "+FLAGS", r"(\Deleted)"))
        if "UIDPLUS" in self.skills:
            _done(client.uid("EXPUNGE", uid))

    def wait(self, stop: threading.Event, at_most: timedelta) -> None:
        """Wait until something comes, until it is time to look, or until *stop*."""
        if not self.speaks_first:
            stop.wait(at_most.total_seconds())
            return
        until = time.monotonic() + at_most.total_seconds()
        with self.box.idle:
            spoken = self._has_spoken()
            while not (spoken or stop.is_set() or time.monotonic() > until):
                held = get_socket_poller(
                    self.box.client.sock,
                    _SLICE_S,  # type: ignore[arg-type] # a part of a second will do
                )
                spoken = bool(held)

    def cut(self) -> None:
        """Cut the connection: whoever waits for the server's answer waits no more."""
        with suppress(OSError):
            self.box.client.sock.shutdown(socket.SHUT_RDWR)

    def _has_spoken(self) -> bool:
        """Say whether a line came already: one that Python holds wakes no poller."""
        client = self.box.client
        client.sock.settimeout(0)
        try:
            return bool(client.file.peek(1))  # type: ignore[union-attr] # is buffered
        except OSError:
            return False
        finally:
            client.sock.settimeout(ANSWER_LIMIT.total_seconds())


@dataclass(frozen=True, slots=True)
class Fetched:
    """A message as the server holds it; longer than MOST_BYTES, it is cut."""

    raw: bytes
    received_at: datetime

    @property
    def too_large(self) -> bool:
        """Say whether only its headers can be kept."""
        return len(self.raw) > MOST_BYTES

    @property
    def headers(self) -> bytes:
        """Return its headers alone."""
        blank = _BLANK_LINE.search(self.raw, 0, HEADER_BYTES)
        return self.raw[: blank.end() if blank else HEADER_BYTES]

    def recipients(self) -> tuple[str, ...]:
        """Name those the envelope named, where our server wrote it on the letter.

        A server writes above what it was given, so the first line of a kind is its own.
        """
        headers = Headers.parse(self.headers)
        lines = [headers.first(name) for name in _WRITTEN_BY_OUR_SERVER]
        found = (address for line in lines for address in _ADDRESS.findall(line))
        return tuple(dict.fromkeys(found))[:MOST_RECIPIENTS]


def _close(box: BaseMailBox) -> None:
    with suppress(OSError):
        box.client.shutdown()


def _done(answer: tuple[str, list[Any]]) -> None:
    if answer[0] != "OK":
        raise StuckError("a message cannot be moved")


def _instant(told: time.struct_time | None) -> datetime:
    """Return the hour of arrival that the server told; never one to come."""
    now = datetime.now(UTC)
    return min(now, datetime.fromtimestamp(time.mktime(told), UTC)) if told else now
