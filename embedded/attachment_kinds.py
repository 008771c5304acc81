"""What an attachment is: by what it holds, never by what it is called."""

from enum import StrEnum
from pathlib import PurePath


class Kind(StrEnum):
    """The kinds that are told apart; each has its words in the inbox."""

    PDF = "pdf"
    CALENDAR = "calendar"
    PNG = "png"
    JPEG = "jpeg"
    GIF = "gif"
    WEBP = "webp"
    ZIP = "zip"
    PROGRAM = "program"
    LETTER = "letter"
    HTML = "html"
    TEXT = "text"
    DATA = "data"

    @property
    def extension(self) -> str:
        """The ending of a file of this kind; nothing where it says too much."""
        return _EXTENSIONS.get(self, "")

    @property
    def media_type(self) -> str:
        """As what a browser may open it; all but two are bytes and nothing else."""
        return _MEDIA_TYPES.get(self, "application/octet-stream")


_EXTENSIONS = {
    Kind.PDF: ".pdf",
    Kind.CALENDAR: ".ics",
    Kind.PNG: ".png",
    Kind.JPEG: ".jpg",
    Kind.GIF: ".gif",
    Kind.WEBP: ".webp",
    Kind.ZIP: ".zip",
    Kind.LETTER: ".eml",
    Kind.TEXT: ".txt",
}
_MEDIA_TYPES = {
    Kind.PDF: "application/pdf",
    Kind.CALENDAR: "text/calendar; charset=utf-8",
}
_OPENINGS = (
    (b"%PDF-", Kind.PDF),
    (b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (b"\xff\xd8\xff", Kind.JPEG),
    (b"GIF8", Kind.GIF),
    (b"PK\x03\x04", Kind.ZIP),
    (b"MZ", Kind.PROGRAM),
    (b"\x7fELF", Kind.PROGRAM),
    (b"#!", Kind.PROGRAM),
)
_HTML = (b"<!doctype html", b"<html", b"<script", b"<svg")
# An office document is an archive too, and says the truth by its name.
_NAMES = {
    ".pdf": {Kind.PDF},
    ".ics": {Kind.CALENDAR},
    ".png": {Kind.PNG},
    ".jpg": {Kind.JPEG},
    ".jpeg": {Kind.JPEG},
    ".gif": {Kind.GIF},
    ".webp": {Kind.WEBP},
    ".zip": {Kind.ZIP},
    ".docx": {Kind.ZIP},
    ".xlsx": {Kind.ZIP},
    ".txt": {Kind.TEXT},
    ".csv": {Kind.TEXT},
    ".eml": {Kind.LETTER, Kind.TEXT},
}


def kind_of(content: bytes, declared: str) -> Kind:
    """Tell the kind from the first bytes; *declared* only tells letters from texts."""
    for opening, kind in _OPENINGS:
        if content.startswith(opening):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return Kind.WEBP
    if declared == "message/rfc822":
        return Kind.LETTER
    return _kind_of_text(content)


def lies(name: str, kind: Kind) -> bool:
    """Say whether a name promises something else than what is inside."""
    promised = _NAMES.get(PurePath(name).suffix.lower())
    return promised is not None and kind not in promised


def _kind_of_text(content: bytes) -> Kind:
    opening = content[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if opening.startswith(b"begin:vcalendar"):
        return Kind.CALENDAR
    if opening.startswith(_HTML):
        return Kind.HTML
    return Kind.TEXT if _reads_as_text(content) else Kind.DATA


def _reads_as_text(content: bytes) -> bool:
    if b"\0" in content:
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
