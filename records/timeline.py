"""A dossier's history: lines are only added, and each hash covers the line before."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from records.models import TimelineEntry

BEFORE_THE_FIRST = "0" * 64
"""What the first line names as the hash of the line before."""

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Line:
    """What is added: what happened, when for the dossier, by whom, why."""

    what: str
    at: datetime
    by: str
    detail: Mapping[str, str]
    text_id: str | None = None


async def append(session: AsyncSession, number: str, lines: Sequence[Line]) -> None:
    """Add *lines*. The caller holds the lock of the dossier's row."""
    newest = (
        select(TimelineEntry.position, TimelineEntry.hash)
        .where(TimelineEntry.dossier == number)
        .order_by(TimelineEntry.position.desc())
        .limit(1)
    )
    last = (await session.execute(newest)).one_or_none()
    position, previous = (last.position, last.hash) if last else (0, BEFORE_THE_FIRST)
    rows = []
    for line in lines:
        position += 1
        rows.append(_row(number, position, line, previous))
        previous = rows[-1]["hash"]
    if rows:
        await session.execute(insert(TimelineEntry), rows)


def first_line(number: str, line: Line) -> dict[str, Any]:
    """Write the first line of a history that does not exist yet, as its row."""
    return _row(number, 1, line, BEFORE_THE_FIRST)


def _row(number: str, position: int, line: Line, previous: str) -> dict[str, Any]:
    return {
        "dossier": number,
        "position": position,
        "what": line.what,
        "at": line.at,
        "by": line.by,
        "detail": dict(line.detail),
        "text_id": line.text_id,
        "previous_hash": previous,
        "hash": _hash(number, position, line, previous),
    }


async def verify_timeline(session: AsyncSession, number: str) -> int | None:
    """Name the position of the first line that is changed, missing or out of place.

    None for a sound history. Lines cut off at the end leave no trace in it: only a
    hash kept elsewhere tells.
    """
    position, previous = 0, BEFORE_THE_FIRST
    while entries := await _after(session, number, position):
        for entry in entries:
            position += 1
            expected = hash_of_entry(entry, previous)
            stored = (entry.position, entry.previous_hash, entry.hash)
            if stored != (position, previous, expected):
                return position
            previous = expected
    return None


def hash_of_entry(entry: TimelineEntry, previous: str) -> str:
    """Compute what the hash of a stored line must be, after that of the one before."""
    line = Line(entry.what, entry.at, entry.by, entry.detail, entry.text_id)
    return _hash(entry.dossier, entry.position, line, previous)


async def _after(
    session: AsyncSession, number: str, position: int
) -> Sequence[TimelineEntry]:
    page = (
        select(TimelineEntry)
        .where(TimelineEntry.dossier == number, TimelineEntry.position > position)
        .order_by(TimelineEntry.position)
        .limit(_PAGE)
        # A row this session has already read may have been changed since.
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(page)).all()


def _hash(number: str, position: int, line: Line, previous: str) -> str:
    said = {
        "dossier": number,
        "position": position,
        "what": line.what,
        "at": line.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "by": line.by,
        "detail": dict(line.detail),
        "text_id": line.text_id,
    }
    canonical = json.dumps(
        said, ensure_ascii=False, sort_keys=True, separators=(",", ":")
    )
    return hashlib.sha256(f"{previous}{canonical}".encode()).hexdigest()
