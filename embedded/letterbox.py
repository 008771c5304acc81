"""Letters on disk: kept before they are acknowledged, found again after a kill."""

import asyncio
import email
import os
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from functools import lru_cache
from pathlib import Path

# What the catcher adds above the message, as a relay would: so that one file is all
# that is known of a letter, and no index can disagree with it.
_FROM = "Return-Path"
_TO = "Delivered-To"
_AT = "X-Received-At"


@dataclass(frozen=True, slots=True)
class Letter:
    """What the list shows of one letter."""

    id: str
    message_id: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    date: str
    received_at: datetime


class Letterbox:
    """The letters of one folder, oldest first."""

    def __init__(self, folder: Path) -> None:
        """Read the folder again, as after a kill."""
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for unfinished in folder.glob(".*.part"):
            unfinished.unlink()
        self._letters: dict[str, Letter] = {}
        self._accepted: dict[str, Letter] = {}
        self._last_ns = 0
        self._naming = threading.Lock()
        for path in sorted(folder.glob("*.eml")):
            self._remember(_letter(path))

    async def keep(
        self, content: bytes, *, sender: str, recipients: Sequence[str]
    ) -> Letter:
        """Write one letter; when this returns it is on the disk."""
        path = await asyncio.to_thread(self._write, content, sender, recipients)
        letter = _letter(path)
        self._remember(letter)
        return letter

    def letters(self, *, after: str = "") -> Iterator[Letter]:
        """Yield the letters that came after that id, newest last."""
        return (letter for key, letter in self._letters.items() if key > after)

    def letter(self, letter_id: str) -> Letter | None:
        """Return one letter."""
        return self._letters.get(letter_id)

    def accepted(self, message_id: str) -> Letter | None:
        """Return the first letter taken with this Message-ID, brackets or not."""
        return self._accepted.get(message_id.strip(" <>"))

    def source(self, letter_id: str) -> str:
        """Return the letter as it was taken; raises KeyError for an unknown id."""
        path = self.folder / f"{self._letters[letter_id].id}.eml"
        return path.read_bytes().decode("utf-8", errors="replace")

    def text(self, letter_id: str) -> str:
        """Return the plain words; raises KeyError for an unknown id."""
        return _text(self.folder / f"{self._letters[letter_id].id}.eml")

    def _remember(self, letter: Letter) -> None:
        self._letters[letter.id] = letter
        self._accepted.setdefault(letter.message_id.strip(" <>"), letter)

    def _write(self, content: bytes, sender: str, recipients: Sequence[str]) -> Path:
        with self._naming:
            # Two letters of one instant must keep their order.
            self._last_ns = max(time.time_ns(), self._last_ns + 1)
            at_ns = self._last_ns
        name = f"{at_ns:020}-{secrets.token_hex(3)}"
        at = datetime.fromtimestamp(at_ns / 1e9, UTC).isoformat(timespec="milliseconds")
        head = [f"{_FROM}: <{sender}>", *(f"{_TO}: {to}" for to in recipients)]
        head.append(f"{_AT}: {at}")
        partial = self.folder / f".{name}.part"
        with partial.open("wb") as file:
            file.write("\r\n".join([*head, ""]).encode() + content)
            file.flush()
            os.fsync(file.fileno())
        path = self.folder / f"{name}.eml"
        partial.rename(path)
        _sync_folder(self.folder)
        return path


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _parsed(path: Path) -> EmailMessage:
    message = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _letter(path: Path) -> Letter:
    message = _parsed(path)
    return Letter(
        id=path.stem,
        message_id=str(message.get("Message-ID", "")).strip(),
        sender=str(message.get(_FROM, "")).strip("<>"),
        recipients=tuple(str(to) for to in message.get_all(_TO, [])),
        subject=str(message.get("Subject", "")),
        date=str(message.get("Date", "")),
        received_at=datetime.fromisoformat(str(message[_AT])),
    )


@lru_cache(maxsize=128)
def _text(path: Path) -> str:
    body = _parsed(path).get_body(("plain", "html"))
    if body is None:
        return ""
    try:
        return str(body.get_content()).replace("\r\n", "\n")
    except (LookupError, UnicodeDecodeError):
        # A charset nobody knows: show what can be shown.
        payload = body.get_payload(decode=True)
        return payload.decode(errors="replace") if isinstance(payload, bytes) else ""
