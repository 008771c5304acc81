"""Take a raw message apart within fixed bounds: headers, texts, reports."""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from intake.characters import clean, decoded, from_base64
from intake.headers import Headers
from intake.pages import text_of_html

RAW_BYTES = 10 * 1024 * 1024
HEADER_BYTES = 100 * 1024
PARTS = 200
DEPTH = 10
TEXT_CHARACTERS = 200_000
ENCLOSED_BYTES = 100_000
# HTML says little in many bytes; what it says is bounded by TEXT_CHARACTERS.
_ENCODED_BYTES = 4 * TEXT_CHARACTERS
_BOUNDARY_CHARACTERS = 200

_BLANK_LINE = re.compile(rb"\r?\n\r?\n|\r\r")
_HEADER_LINES = re.compile(rb"(?:(?:From |[!-9;-~]*:|[\t ])[^\r\n]*(?:\r\n?|\n|\Z))*")
_PACKED = frozenset({"base64", "quoted-printable"})
_CALENDAR_METHOD = re.compile(r"(?im)^method\s*:\s*(\w+)")


class _Page(str):
    """A text in HTML, which costs much to read and is often not the one chosen."""

    __slots__ = ()

    def read(self) -> str:
        return clean(text_of_html(self))


@dataclass(slots=True)
class Parts:
    """
    What a message holds, in reading order, each text already decoded.

    *enclosed* are texts that came as files. *machines* names what only programs
    send: `receipt` (RFC 8098), `calendar:reply` and other methods of calendars.
    """

    headers: Headers
    texts: list[str] = field(default_factory=list)
    enclosed: list[str] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    originals: list[Headers] = field(default_factory=list)
    attached: list["Parts"] = field(default_factory=list)
    machines: set[str] = field(default_factory=set)
    problem: str | None = None


def take_apart(raw: bytes) -> Parts:
    """
    Take *raw* apart; beyond a bound, keep what was read and name the bound.

    The problem is one of `too_large`, `headers_too_large`, `too_deep`,
    `too_many_parts`, `broken`, `text_too_long`; the first one met is kept.
    """
    walk = _Walk()
    if len(raw) > RAW_BYTES:
        walk.trouble("too_large")
        raw = raw[: _end_of_headers(raw, 0, len(raw))[0]]
    parts = walk.message(raw, 0, len(raw), depth=0)
    parts.problem = walk.problem
    return parts


class _Walk:
    """One descent through the parts; counts them and remembers the first trouble.

    Parts are (raw, start, end) and not slices: copies of copies are how a small
    message fills the memory.
    """

    def __init__(self) -> None:
        self.problem: str | None = None
        self._parts = 0
        self._bytes_left = _ENCODED_BYTES
        self._enclosed_left = ENCLOSED_BYTES

    def trouble(self, code: str) -> None:
        self.problem = self.problem or code

    def message(self, raw: bytes, start: int, end: int, *, depth: int) -> Parts:
        headers, body = self._opened(raw, start, end)
        parts = Parts(headers)
        self._entity(parts, headers, raw, body, end, depth)
        parts.texts = [_plain(text) for text in parts.texts]
        parts.enclosed = [_plain(text) for text in parts.enclosed]
        return parts

    def _opened(self, raw: bytes, start: int, end: int) -> tuple[Headers, int]:
        stop, body = _end_of_headers(raw, start, end)
        if stop - start > HEADER_BYTES:
            self.trouble("headers_too_large")
            return Headers.parse(raw[start : start + HEADER_BYTES]), end
        headers = _HEADER_LINES.match(raw, start, stop)
        if headers and headers.end() < stop:
            # Without the blank line, what is no header is the beginning of the body.
            stop = body = headers.end()
        return Headers.parse(raw[start:stop]), body

    def _entity(
        self,
        parts: Parts,
        headers: Headers,
        raw: bytes,
        start: int,
        end: int,
        depth: int,
    ) -> None:
        self._parts += 1
        if self._parts > PARTS or depth > DEPTH:
            self.trouble("too_many_parts" if self._parts > PARTS else "too_deep")
            return
        match headers.kind():
            case "multipart", kind:
                self._multipart(parts, headers, raw, start, end, depth, kind)
            case "message", "rfc822" | "global":
                inner = _unpacked(headers, raw, start, end)
                parts.attached.append(self.message(*inner, depth=depth + 1))
            case "message", "delivery-status" | "global-delivery-status":
                parts.reports.append(self._text(headers, raw, start, end))
            case ("text", "rfc822-headers") | ("message", "global-headers"):
                inner = _unpacked(headers, raw, start, end)
                parts.originals.append(self._opened(*inner)[0])
            case "message", "disposition-notification":
                parts.machines.add("receipt")
            case "text", "calendar":
                parts.machines.add(self._calendar(headers, raw, start, end))
            case "text", "plain" | "html" as kind:
                self._words(parts, headers, raw, start, end, html=kind == "html")
            case _:
                pass

    def _multipart(
        self,
        parts: Parts,
        headers: Headers,
        raw: bytes,
        start: int,
        end: int,
        depth: int,
        kind: str,
    ) -> None:
        boundary = headers.parameter("boundary", "content-type")
        versions: list[list[str]] = []
        whole, parts.texts = parts.texts, []
        for piece_start, piece_end in _pieces(raw, start, end, boundary):
            inner, body = self._opened(raw, piece_start, piece_end)
            self._entity(parts, inner, raw, body, piece_end, depth + 1)
            versions.append(parts.texts)
            parts.texts = []
            if self.problem in {"too_many_parts", "too_deep"}:
                break
        if not versions:
            # A container that does not hold: what is there is read as plain text.
            self.trouble("broken")
            versions = [[self._text(headers, raw, start, end)]]
        if kind == "alternative":
            versions = [_chosen(versions)]
        parts.texts = [*whole, *(text for texts in versions for text in texts)]

    def _words(
        self,
        parts: Parts,
        headers: Headers,
        raw: bytes,
        start: int,
        end: int,
        *,
        html: bool,
    ) -> None:
        if _is_for_reading(headers):
            text = self._text(headers, raw, start, end)
            parts.texts.append(_Page(text) if html else text)
        elif self._enclosed_left > 0:
            # A file may be of any size; the rest of it is for whoever opens it.
            end = min(end, start + self._enclosed_left)
            self._enclosed_left -= end - start
            text = _text_of(headers, raw[start:end], complete=False)
            parts.enclosed.append(_Page(text) if html else text)

    def _calendar(self, headers: Headers, raw: bytes, start: int, end: int) -> str:
        method = headers.parameter("method", "content-type")
        if not method:
            end = min(end, start + HEADER_BYTES)
            text = _text_of(headers, raw[start:end], complete=False)
            method = "".join(_CALENDAR_METHOD.findall(text)[:1])
        return f"calendar:{method.lower()[:20]}"

    def _text(self, headers: Headers, raw: bytes, start: int, end: int) -> str:
        cut = end - start > self._bytes_left
        if cut:
            self.trouble("text_too_long")
            end = start + self._bytes_left
        self._bytes_left -= end - start
        return _text_of(headers, raw[start:end], complete=not cut)


def _end_of_headers(raw: bytes, start: int, end: int) -> tuple[int, int]:
    """Return where the headers stop and where the body starts."""
    for empty in (b"\r\n", b"\n"):
        if raw.startswith(empty, start, end):
            return start, start + len(empty)
    found = _BLANK_LINE.search(raw, start, min(end, start + HEADER_BYTES + 4))
    return found.span() if found else (end, end)


def _pieces(
    raw: bytes, start: int, end: int, boundary: str
) -> Iterator[tuple[int, int]]:
    """Yield each part between two delimiters; a missing last one ends with *end*."""
    if not boundary or len(boundary) > _BOUNDARY_CHARACTERS:
        return
    word = re.escape(boundary.encode())
    delimiter = re.compile(rb"(?<![^\n\r])--" + word + rb"(--)?[ \t]*(?:\r?\n|\r|\Z)")
    opened: int | None = None
    for found in delimiter.finditer(raw, start, end):
        if opened is not None:
            yield opened, max(opened, _before_line_end(raw, found.start()))
        if found[1]:
            return
        opened = found.end()
    if opened is not None:
        yield opened, end


def _before_line_end(raw: bytes, at: int) -> int:
    return at - 2 if raw.endswith(b"\r\n", 0, at) else at - 1


def _is_for_reading(headers: Headers) -> bool:
    disposition = headers.first("content-disposition").lower()
    return not disposition.startswith("attachment") and "filename" not in disposition


def _plain(text: str) -> str:
    return text.read() if isinstance(text, _Page) else text


def _chosen(versions: list[list[str]]) -> list[str]:
    """
    Choose among the same text said several ways, the plainest first.

    A plain version that is empty, or that names no file while a richer one does
    ("your program cannot show this message"), is not the message.
    """
    said = [texts for texts in versions if "".join(texts).strip()]
    naming = (texts for texts in said if _names_a_file(texts))
    return next(naming, next(iter(said), []))


def _names_a_file(texts: list[str]) -> bool:
    if "CAR" not in "".join(texts).upper():
        return False
    return "CAR" in "".join(map(_plain, texts)).upper()


def _unpacked(
    headers: Headers, raw: bytes, start: int, end: int
) -> tuple[bytes, int, int]:
    """Undo what made an inner message fit for transport; without it, copy nothing."""
    if headers.first("content-transfer-encoding").lower() not in _PACKED:
        return raw, start, end
    inner = _transported(headers, raw[start : min(end, start + 2 * _ENCODED_BYTES)])
    return inner, 0, len(inner)


def _transported(headers: Headers, content: bytes) -> bytes:
    match headers.first("content-transfer-encoding").lower():
        case "base64":
            return from_base64(content[: 2 * _ENCODED_BYTES])
        case "quoted-printable":
            return binascii.a2b_qp(content[: 2 * _ENCODED_BYTES])
        case _:
            return content


def _text_of(headers: Headers, content: bytes, *, complete: bool) -> str:
    charset = headers.parameter("charset", "content-type")
    text = clean(decoded(_transported(headers, content), charset, complete=complete))
    if headers.parameter("format", "content-type").lower() == "flowed":
        text = _unflowed(text, headers)
    return text


def _unflowed(text: str, headers: Headers) -> str:
    """Join the lines that only the sender's program had broken (RFC 3676)."""
    if headers.parameter("delsp", "content-type").lower() == "yes":
        return re.sub(r"(?m)(?<!^--) \n(?!>)", "", text)
    return re.sub(r"(?m)(?<!^--) \n(?!>)", " ", text)
