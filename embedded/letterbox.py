"""Letters on disk: kept before they are acknowledged, found again after a kill."""

import asyncio
import os
import re
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from embedded.letter_parts import NOTHING, Headers, Opened, headers_of, open_letter
from intake.plain_text import fold
from rules.civil_time import ZONE
from rules.numbers import find_dossier_numbers

# What the catcher adds above the message, as a relay would: so that one file is all
# that is known of a letter, and no index can disagree with it.
_FROM = "Return-Path"
_TO = "Delivered-To"
_AT = "X-Received-At"
# The last of these lines ends them: a letter may bear lines of the same names.
_TRACE_END = re.compile(rf"^{_AT}: [^\r\n]*\r\n".encode(), re.MULTILINE)
_NAMES = "[0-9]*-*.eml"
_HEAD_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Letter:
    """What is known of a letter without opening it.

    *return_path* and *recipients* are the envelope's. *dated* is the letter's own
    date, in Québec: in a demo, that of its dossier's clock; None where it has none.
    """

    id: str
    message_id: str
    return_path: str
    recipients: tuple[str, ...]
    subject: str
    date: str
    dated: datetime | None
    received_at: datetime
    sought: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Glance:
    """What a list says of a letter that only opening it tells."""

    language: str
    attached: int


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
        self._glances: dict[str, Glance] = {}
        self._last_ns = 0
        self._naming = threading.Lock()
        for path in sorted(folder.glob(_NAMES)):
            with path.open("rb") as file:
                self._remember(_letter(path.stem, file.read(_HEAD_BYTES)))

    async def keep(
        self, content: bytes, *, return_path: str, recipients: Sequence[str]
    ) -> Letter:
        """Write one letter; when this returns it is on the disk."""
        letter = await asyncio.to_thread(self._write, content, return_path, recipients)
        self._remember(letter)
        return letter

    def letters(self, *, after: str = "") -> Iterator[Letter]:
        """Yield the letters that came after that id, newest last."""
        return (letter for key, letter in self._letters.items() if key > after)

    def found(self, *, recipient: str, words: str) -> list[Letter]:
        """Return the letters to *recipient* that say *words*, newest first.

        Nothing asked means every letter. A number counts however it is spaced.
        """
        wanted = _wanted(words)
        return [
            letter
            for letter in reversed(self._letters.values())
            if (not recipient or _is_to(letter, recipient))
            and all(word in letter.sought for word in wanted)
        ]

    def letter(self, letter_id: str) -> Letter | None:
        """Return one letter."""
        return self._letters.get(letter_id)

    def accepted(self, message_id: str) -> Letter | None:
        """Return the first letter taken with this Message-ID, brackets or not."""
        return self._accepted.get(message_id.strip(" <>"))

    def source(self, letter: Letter) -> bytes:
        """Return a letter as it was taken, our lines above it."""
        return (self.folder / f"{letter.id}.eml").read_bytes()

    def sent(self, letter: Letter) -> bytes:
        """Return a letter as it was sent."""
        return _parted(self.source(letter))[1]

    def opened(self, letter: Letter) -> Opened:
        """Take a letter apart."""
        return open_letter(self.sent(letter))

    def glance(self, letter: Letter) -> Glance:
        """Say in short what a letter holds; it is opened for this once."""
        if letter.id not in self._glances:
            opened = self.opened(letter)
            glance = Glance(opened.language, len(opened.attachments))
            self._glances[letter.id] = glance
        return self._glances[letter.id]

    def _remember(self, letter: Letter) -> None:
        self._letters[letter.id] = letter
        self._accepted.setdefault(letter.message_id.strip(" <>"), letter)

    def _write(
        self, content: bytes, return_path: str, recipients: Sequence[str]
    ) -> Letter:
        with self._naming:
            # Two letters of one instant must keep their order.
            self._last_ns = max(time.time_ns(), self._last_ns + 1)
            at_ns = self._last_ns
        name = f"{at_ns:020}-{secrets.token_hex(3)}"
        at = datetime.fromtimestamp(at_ns / 1e9, UTC).isoformat(timespec="milliseconds")
        head = [f"{_FROM}: <{return_path}>", *(f"{_TO}: {to}" for to in recipients)]
        head.append(f"{_AT}: {at}")
        raw = "\r\n".join([*head, ""]).encode() + content
        partial = self.folder / f".{name}.part"
        with partial.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(self.folder / f"{name}.eml")
        _sync_folder(self.folder)
        return _letter(name, raw[:_HEAD_BYTES])


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _parted(raw: bytes) -> tuple[Headers, bytes]:
    """Part our own lines from the letter as it was sent."""
    end = _TRACE_END.search(raw)
    if end is None:
        return NOTHING, raw
    return headers_of(raw[: end.end()]), raw[end.end() :]


def _letter(letter_id: str, raw: bytes) -> Letter:
    trace, sent = _parted(raw)
    headers = headers_of(sent)
    subject, recipients = headers.first("Subject"), tuple(trace.every(_TO))
    date = headers.first("Date")
    return Letter(
        id=letter_id,
        message_id=headers.first("Message-ID"),
        return_path=trace.first(_FROM).strip("<>"),
        recipients=recipients,
        subject=subject,
        date=date,
        dated=_instant(date),
        received_at=datetime.fromisoformat(trace.first(_AT)),
        sought=fold(" ".join((subject, *recipients))),
    )


def _instant(date: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(date)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(ZONE)
    except (ValueError, TypeError, OverflowError):
        return None


def _is_to(letter: Letter, recipient: str) -> bool:
    wanted = recipient.casefold()
    return any(address.casefold() == wanted for address in letter.recipients)


def _wanted(words: str) -> list[str]:
    """Return what must be found: whole numbers first, then words that are no piece."""
    numbers = [fold(number) for number in find_dossier_numbers(words)]
    pieces = "".join(numbers)
    return [
        *numbers,
        *(
            word
            for word in fold(words).split()
            if not pieces or word.replace("-", "") not in pieces
        ),
    ]
