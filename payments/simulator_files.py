"""What the simulated provider keeps, as a real one would keep it elsewhere: files."""

import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

from payments.provider import SessionOrder, SessionState

_NAME = re.compile(r"[A-Za-z0-9_-]{8,80}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptSession:
    """One try to pay, and all that happened to its money since."""

    order: SessionOrder
    created_at: datetime
    state: SessionState = SessionState.OPEN
    captured_at: datetime | None = None
    refunds: tuple[tuple[str, int], ...] = ()  # key and cents, each key once
    reversed_at: datetime | None = None

    @property
    def payment_id(self) -> str:
        """The name of its money; a session is captured once."""
        return payment_of(self.order.session_id)

    @property
    def refunded_cents(self) -> int:
        """What was given back in all."""
        return sum(cents for _, cents in self.refunds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message on its way to our own endpoint; *due_at* is a real instant."""

    message_id: str
    body: str
    first_due_at: datetime
    due_at: datetime
    tries: int = 0
    copy: int = 1  # the same message may be sent twice on purpose

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.message_id}-{self.copy}"


_SESSIONS: TypeAdapter[KeptSession] = TypeAdapter(KeptSession)
_MESSAGES: TypeAdapter[Message] = TypeAdapter(Message)
_Kept = TypeVar("_Kept", KeptSession, Message)


def payment_of(session_id: str) -> str:
    """Name the payment of a session."""
    return f"pay_{hashlib.sha256(session_id.encode()).hexdigest()[:24]}"


class SimulatorFiles:
    """Sessions and outgoing messages in a folder; two processes may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._sessions = folder / "sessions"
        self._messages = folder / "messages"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes out while a session is read and written."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def session(self, session_id: str) -> KeptSession | None:
        """Read a session; None for a name that is none of ours."""
        if not _NAME.fullmatch(session_id):
            return None
        return _read(self._sessions / f"{session_id}.json", _SESSIONS)

    def sessions(self) -> Iterator[KeptSession]:
        """Read every session."""
        for file in sorted(self._sessions.glob("*.json")):
            if (kept := _read(file, _SESSIONS)) is not None:
                yield kept

    def keep_session(self, kept: KeptSession) -> None:
        """Write a session over what was kept of it."""
        _write(self._sessions, kept.order.session_id, _SESSIONS.dump_json(kept))

    def messages(self) -> list[Message]:
        """Read the messages on their way, those due first in front."""
        read = (_read(f, _MESSAGES) for f in self._messages.glob("*.json"))
        return sorted((m for m in read if m), key=lambda m: (m.due_at, m.name))

    def keep_message(self, message: Message) -> None:
        """Write a message that must be sent, or sent again."""
        _write(self._messages, message.name, _MESSAGES.dump_json(message))

    def forget_message(self, message: Message) -> None:
        """Send a message no more."""
        (self._messages / f"{message.name}.json").unlink(missing_ok=True)


def _read(file: Path, shape: TypeAdapter[_Kept]) -> _Kept | None:
    try:
        return shape.validate_json(file.read_bytes())
    except FileNotFoundError:
        return None


def _write(folder: Path, name: str, text: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f".{name}.{os.getpid()}"
    with partial.open("wb") as writing:
        writing.write(text)
        writing.flush()
        os.fsync(writing.fileno())
    partial.replace(folder / f"{name}.json")
