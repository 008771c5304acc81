"""Take a raw message apart within fixed bounds: headers, texts, reports."""

import binascii
import re
import unicodedata
from codecs import getincrementaldecoder
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32

from intake.plain_text import text_of_html

RAW_BYTES = 10 * 1024 * 1024
HEADER_BYTES = 100 * 1024
PARTS = 200
DEPTH = 10
TEXT_CHARACTERS = 200_000
# HTML says little in many bytes; what it says is bounded by TEXT_CHARACTERS.
_ENCODED_BYTES = 4 * TEXT_CHARACTERS
_HEADER_CHARACTERS = 2_000
_BOUNDARY_CHARACTERS = 200

_BLANK_LINE = re.compile(rb"\r?\n\r?\n|\r\r")
_HEADER_LINES = re.compile(rb"(?:(?:From |[!-9;-~]*:|[\t ])[^\r\n]*(?:\r\n?|\n|\Z))*")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060\ufeff]"
)
_SPACES = re.compile("[\t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_LINE_ENDS = re.compile("\r\n|\r|\u2028|\u2029")
_HYPHENS = re.compile("[\u2010-\u2012\u2212]")
# One letter at a time: to compose a whole text is quadratic in a run of accents.
_ACCENTED = re.compile("[A-Za-z][\u0300-\u036f]{1,2}")
_PRIVATE = re.compile("[\ue000-\uf8ff\ud800-\udfff]")
# Only text charsets that mail programs write: some other Python codecs are slow on
# hostile input, and each unknown name would stay in the codec cache for ever.
_CHARSET = re.compile(
    r"utf-?16(le|be)?|iso-?8859-?([2-9]|1[0-1]|1[3-6])|(windows-?|cp)125[0-8]"
    r"|mac-?roman|macintosh|koi8-[ru]|gb2312|gbk|gb18030|big5|shift-jis|euc-(jp|kr)"
    r"|iso-2022-jp",
)
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?]{0,2000})\?=")
_BETWEEN_WORDS = re.compile(r"(?<=\?=)\s+(?==\?[^?\s]+\?[bBqQ]\?[^?]*\?=)")
_KIND = re.compile(r"\s*([\w.+-]+/[\w.+-]+)\s*(?:;|$)")


@dataclass(frozen=True, slots=True)
class Headers:
    """The headers of one message or part; names are asked in lower case."""

    message: Message

    def every(self, name: str, limit: int = _HEADER_CHARACTERS) -> tuple[str, ...]:
        """Return each value of *name* unfolded, cut at *limit* characters."""
        return tuple(
            _unfolded(value, limit)
            for key, value in self.message.raw_items()
            if key.lower() == name
        )

    def first(self, name: str) -> str:
        """Return the first value of *name*, or the empty string."""
        return next(iter(self.every(name)), "")

    def has(self, name: str) -> bool:
        """Tell whether *name* is there, even empty."""
        return name in self.message

    def words(self, name: str) -> str:
        """Return the first value of *name* with its RFC 2047 words decoded."""
        return clean(_decoded_words(self.first(name))).replace("\n", " ").strip()

    def parameter(self, name: str, of: str) -> str:
        """Return a parameter such as `boundary` of the header *of*, or nothing."""
        pattern = rf';\s*{name}\s*=\s*(?:"([^"]*)"|([^\s;"]+))'
        found = re.search(pattern, self.first(of), re.IGNORECASE)
        return (found[1] or found[2] or "").strip() if found else ""


@dataclass(slots=True)
class Parts:
    """What a message holds, in reading order, each text already decoded."""

    headers: Headers
    texts: list[str] = field(default_factory=list)
    reports: list[str] = field(default_factory=list)
    originals: list[Headers] = field(default_factory=list)
    attached: list["Parts"] = field(default_factory=list)
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


def clean(text: str) -> str:
    """Compose accents, make every space plain, and drop what cannot be seen."""
    text = _LINE_ENDS.sub("\n", _PRIVATE.sub("", text))
    text = _HYPHENS.sub("-", _SPACES.sub(" ", text))
    return _ACCENTED.sub(_composed, _INVISIBLE.sub("", text))


def _composed(accented: re.Match[str]) -> str:
    return unicodedata.normalize("NFC", accented[0])


class _Walk:
    """One descent through the parts; counts them and remembers the first trouble.

    Parts are (raw, start, end) and not slices: copies of copies are how a small
    message fills the memory.
    """

    def __init__(self) -> None:
        self.problem: str | None = None
        self._parts = 0
        self._bytes_left = _ENCODED_BYTES

    def trouble(self, code: str) -> None:
        self.problem = self.problem or code

    def message(self, raw: bytes, start: int, end: int, *, depth: int) -> Parts:
        headers, body = self._opened(raw, start, end)
        parts = Parts(headers)
        self._entity(parts, headers, raw, body, end, depth)
        return parts

    def _opened(self, raw: bytes, start: int, end: int) -> tuple[Headers, int]:
        stop, body = _end_of_headers(raw, start, end)
        if stop - start > HEADER_BYTES:
            self.trouble("headers_too_large")
            stop, body = start + HEADER_BYTES, end
        headers = _HEADER_LINES.match(raw, start, stop)
        if headers and headers.end() < stop:
            # Without the blank line, what is no header is the beginning of the body.
            stop = body = headers.end()
        message = BytesHeaderParser(policy=compat32).parsebytes(raw[start:stop])
        return Headers(message), body

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
        match _kind(headers).split("/"):
            case ["multipart", kind]:
                self._multipart(parts, headers, raw, start, end, depth, kind)
            case ["message", "rfc822" | "global"]:
                inner = _transported(headers, raw[start : min(end, start + RAW_BYTES)])
                message = self.message(inner, 0, len(inner), depth=depth + 1)
                parts.attached.append(message)
            case ["message", "delivery-status" | "global-delivery-status"]:
                parts.reports.append(self._text(headers, raw, start, end))
            case ["text", "rfc822-headers"] | ["message", "global-headers"]:
                parts.originals.append(self._opened(raw, start, end)[0])
            case ["text", "plain" | "html" as kind] if _is_for_reading(headers):
                text = self._text(headers, raw, start, end)
                html = kind == "html"
                parts.texts.append(clean(text_of_html(text)) if html else text)
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
        for piece_start, piece_end in _pieces(raw, start, end, boundary):
            inner, body = self._opened(raw, piece_start, piece_end)
            inside = Parts(headers, [], parts.reports, parts.originals, parts.attached)
            self._entity(inside, inner, raw, body, piece_end, depth + 1)
            versions.append(inside.texts)
            if self.problem in {"too_many_parts", "too_deep"}:
                break
        if not versions:
            # A container that does not hold: what is there is read as plain text.
            self.trouble("broken")
            versions = [[self._text(headers, raw, start, end)]]
        if kind == "alternative":
            versions = [_chosen(versions)]
        parts.texts.extend(text for texts in versions for text in texts)

    def _text(self, headers: Headers, raw: bytes, start: int, end: int) -> str:
        cut = end - start > self._bytes_left
        if cut:
            self.trouble("text_too_long")
            end = start + self._bytes_left
        self._bytes_left -= end - start
        content = _transported(headers, raw[start:end])
        charset = headers.parameter("charset", "content-type")
        text = clean(_decoded(content, charset, complete=not cut))
        if headers.parameter("format", "content-type").lower() == "flowed":
            text = _unflowed(text, headers)
        return text


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


def _kind(headers: Headers) -> str:
    found = _KIND.match(headers.first("content-type"))
    return found[1].lower() if found else "text/plain"


def _is_for_reading(headers: Headers) -> bool:
    disposition = headers.first("content-disposition").strip().lower()
    return not disposition.startswith("attachment") and "filename" not in disposition


def _chosen(versions: list[list[str]]) -> list[str]:
    """
    Choose among the same text said several ways, the plainest first.

    A plain version that is empty, or that names no file while a richer one does
    ("your program cannot show this message"), is not the message.
    """
    said = [texts for texts in versions if "".join(texts).strip()]
    naming = [texts for texts in said if "CAR" in "".join(texts).upper()]
    return next(iter(naming or said), [])


def _transported(headers: Headers, content: bytes) -> bytes:
    match headers.first("content-transfer-encoding").strip().lower():
        case "base64":
            return _from_base64(content[: 2 * _ENCODED_BYTES])
        case "quoted-printable":
            return binascii.a2b_qp(content[: 2 * _ENCODED_BYTES])
        case _:
            return content


def _from_base64(content: bytes) -> bytes:
    """Decode what can be; a cut or dirty base64 keeps its beginning."""
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", content)
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def _decoded(content: bytes, charset: str, *, complete: bool = True) -> str:
    """
    Decode by what the bytes say first, then by what the sender declared.

    Accented Latin-1 is almost never valid UTF-8, so valid UTF-8 is believed over
    a header that lies; the last resort is Windows-1252, which refuses nothing.
    """
    name = charset.strip().lower().replace("_", "-")
    if _CHARSET.fullmatch(name):
        try:
            return content.decode(name)
        except (UnicodeError, LookupError):
            pass
    try:
        return getincrementaldecoder("utf-8")().decode(content, final=complete)
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _unfolded(value: str, limit: int) -> str:
    sent = str(value)[:limit].encode("utf-8", "surrogateescape")
    return re.sub(r"\n+[ ]*", " ", clean(_decoded(sent, ""))).strip()


def _decoded_words(value: str) -> str:
    """Decode RFC 2047 words; a word that cannot be decoded stays as it was sent."""

    def decoded(found: re.Match[str]) -> str:
        charset, way, word = found[1].split("*")[0], found[2].lower(), found[3]
        sent = word.encode("utf-8", "replace")
        if way == "b":
            return _decoded(_from_base64(sent), charset)
        return _decoded(binascii.a2b_qp(sent, header=True), charset)

    return _ENCODED_WORD.sub(decoded, _BETWEEN_WORDS.sub("", value))


def _unflowed(text: str, headers: Headers) -> str:
    """Join the lines that only the sender's program had broken (RFC 3676)."""
    if headers.parameter("delsp", "content-type").lower() == "yes":
        return re.sub(r"(?m)(?<!^--) \n(?!>)", "", text)
    return re.sub(r"(?m)(?<!^--) \n(?!>)", " ", text)
