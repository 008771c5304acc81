"""What a letter holds: headers, words, HTML, attachments; read without trust."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser

from embedded.attachment_kinds import Kind, kind_of, lies
from letters.plain import one_line

_MOST_PARTS = 200
_DEEPEST = 20
_FOLD = re.compile(r"\r?\n[ \t]+")
_HEAD_END = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Headers:
    """The headers of a letter, in their order, not yet decoded."""

    lines: tuple[tuple[str, str], ...] = ()

    def first(self, name: str) -> str:
        """Return the words of the first header of that name; nothing without it."""
        return next(iter(self.every(name)), "")

    def every(self, name: str) -> list[str]:
        """Return the words of each header of that name."""
        wanted = name.lower()
        return [_words(value) for key, value in self.lines if key.lower() == wanted]


NOTHING = Headers()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part that is neither the words nor the HTML of its letter."""

    name: str
    kind: Kind
    name_lies: bool
    content: bytes

    @property
    def size_bytes(self) -> int:
        """The size of what is inside."""
        return len(self.content)


@dataclass(frozen=True, slots=True)
class Opened:
    """A letter taken apart; *readable* is false where that could not be done.

    *language* is "fr", "en" or another tag of two letters; empty where none is told.
    """

    headers: Headers = NOTHING
    text: str | None = None
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()
    language: str = ""
    readable: bool = True


def head_of(raw: bytes) -> bytes:
    """Return the headers of *raw* byte by byte, without what follows them."""
    end = _HEAD_END.search(raw)
    return raw[: end.start()] + b"\r\n" if end else raw


def headers_of(raw: bytes) -> Headers:
    """Read the headers at the head of *raw*."""
    message = BytesHeaderParser(policy=policy.compat32).parsebytes(head_of(raw))
    return Headers(tuple(message.raw_items()))


def open_letter(raw: bytes) -> Opened:
    """Take a letter apart; whatever its bytes, never raise."""
    try:
        message = BytesParser(policy=policy.compat32).parsebytes(raw)
        return _opened(message)
    except Exception:  # noqa: BLE001 - a hostile letter must not hide the others
        return Opened(headers_of(raw), readable=False)


def _opened(message: Message) -> Opened:
    text = html = None
    attachments: list[Attachment] = []
    for part in _leaves(message):
        if len(attachments) == _MOST_PARTS:
            break
        kind = part.get_content_type()
        if text is None and kind == "text/plain" and not _is_attached(part):
            text = _decoded(part)
        elif html is None and kind == "text/html" and not _is_attached(part):
            html = _decoded(part)
        else:
            attachments.append(_attachment(part, number=len(attachments) + 1))
    return Opened(
        Headers(tuple(message.raw_items())),
        text,
        html,
        tuple(attachments),
        _language(message),
    )


def _language(message: Message) -> str:
    """Read the language where it is told: on the letter, or on one of its parts."""
    told = (part.get("Content-Language") for part in _all(message, _DEEPEST))
    return next((str(tag).strip().lower()[:2] for tag in told if tag), "")


def _leaves(message: Message) -> Iterator[Message]:
    """Yield the parts that hold something; a letter within a letter stays whole."""
    return (part for part in _all(message, _DEEPEST) if not _is_made_of_parts(part))


def _all(message: Message, depth: int) -> Iterator[Message]:
    """Yield a letter and its parts, in their order."""
    yield message
    if depth and _is_made_of_parts(message):
        for part in message.get_payload():
            if isinstance(part, Message):
                yield from _all(part, depth - 1)


def _is_made_of_parts(message: Message) -> bool:
    is_list = isinstance(message.get_payload(), list)
    return is_list and message.get_content_maintype() == "multipart"


def _is_attached(part: Message) -> bool:
    return part.get_content_disposition() == "attachment"


def _attachment(part: Message, *, number: int) -> Attachment:
    content = _content(part)
    kind = kind_of(content, part.get_content_type())
    written = part.get_filename()
    # Only the last step of a path, as one line without tricks of writing.
    name = one_line(re.split(r"[/\\]", _words(written))[-1]) if written else ""
    return Attachment(
        name=name or f"{number}{kind.extension}",
        kind=kind,
        name_lies=lies(name, kind),
        content=content,
    )


def _content(part: Message) -> bytes:
    inner = part.get_payload()
    if isinstance(inner, list):
        return b"\r\n".join(bytes(each) for each in inner if isinstance(each, Message))
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _decoded(part: Message) -> str:
    content = _content(part)
    try:
        text = content.decode(part.get_content_charset("utf-8"), errors="replace")
    except LookupError:
        # A charset nobody knows: show what can be shown.
        text = content.decode(errors="replace")
    return text.replace("\r\n", "\n")


def _words(value: str) -> str:
    """Decode a header as it stands in a letter: folded, encoded, or plain bytes."""
    line = _FOLD.sub(" ", value).encode(errors="surrogateescape")
    plain = line.decode(errors="replace").strip()
    try:
        return str(make_header(decode_header(plain)))
    except (LookupError, ValueError, HeaderParseError):
        return plain
