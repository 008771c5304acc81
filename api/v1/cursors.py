"""Where a page of a list ended, as an opaque text for the next request."""

import base64
import binascii
from datetime import date, datetime

from api.codes import Code
from api.errors import Refused
from rules.numbers import BadNumber, parse_dossier_number

_LARGEST_POSITION = 2**31 - 1


def position_cursor(position: int) -> str:
    """Close a page of a timeline."""
    return _closed(str(position))


def position_after(cursor: str | None) -> int:
    """Name the position of the last line seen; 0 for the first page."""
    if cursor is None:
        return 0
    text = _opened(cursor)
    if not (text.isascii() and text.isdecimal()) or int(text) > _LARGEST_POSITION:
        raise Refused(Code.BAD_CURSOR)
    return int(text)


def number_cursor(number: str) -> str:
    """Close a page of dossiers."""
    return _closed(number)


def number_after(cursor: str | None) -> str:
    """Name the last dossier seen; empty for the first page."""
    if cursor is None:
        return ""
    try:
        return parse_dossier_number(_opened(cursor))
    except BadNumber:
        raise Refused(Code.BAD_CURSOR) from None


def task_cursor(due_on: date, task_id: str) -> str:
    """Close a page of tasks, or of requests to an agency."""
    return _closed(f"{due_on} {task_id}")


def task_after(cursor: str | None) -> tuple[date, str] | None:
    """Name the day and id of the last task seen; None for the first page."""
    if cursor is None:
        return None
    day, _, task_id = _opened(cursor).partition(" ")
    try:
        return date.fromisoformat(day), task_id
    except ValueError:
        raise Refused(Code.BAD_CURSOR) from None


def place_cursor(at: datetime, key: str) -> str:
    """Close a page of letters or messages."""
    return _closed(f"{at.isoformat()} {key}")


def place_after(cursor: str | None) -> tuple[datetime, str] | None:
    """Name the instant and key of the last one seen; None for the first page."""
    if cursor is None:
        return None
    at, _, key = _opened(cursor).partition(" ")
    try:
        instant = datetime.fromisoformat(at)
    except ValueError:
        raise Refused(Code.BAD_CURSOR) from None
    if instant.utcoffset() is None:
        raise Refused(Code.BAD_CURSOR)
    return instant, key


def _closed(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


def _opened(cursor: str) -> str:
    try:
        text = base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise Refused(Code.BAD_CURSOR) from None
    if "\0" in text:
        raise Refused(Code.BAD_CURSOR)
    return text
