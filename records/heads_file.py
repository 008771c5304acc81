"""The heads of all histories in a signed file, kept where the database is not.

Whoever can change the database can cut off the end of a history without a trace in it.
The file of an earlier day tells: the line that it names is gone.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from records.histories import Head

KEPT_FILES = 90
"""One a day; older ones say nothing that a newer one does not."""


class BadHeads(ValueError):  # noqa: N818  it reads as what was found
    """A file of heads that we did not write, or that was changed."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What one file says in short: as the daily mail repeats it."""

    at: str
    dossiers: int
    lines: int
    sha256: str
    signature: str


def write_heads(
    folder: Path, heads: Iterable[Head], *, at: datetime, day: date, secret: bytes
) -> None:
    """Write the file of a civil day, whole or not at all; the last one of a day counts.

    *at* is the real instant. Raises OSError where the folder cannot be written.
    """
    known = sorted(heads, key=lambda head: head.dossier)
    body = "".join(f"{h.dossier} {h.position} {h.hash}\n" for h in known)
    digest = hashlib.sha256(body.encode()).hexdigest()
    counted = {
        "at": at.isoformat(),
        "dossiers": len(known),
        "lines": sum(head.position for head in known),
        "sha256": digest,
    }
    signature = _signature(counted, secret)
    folder.mkdir(parents=True, exist_ok=True)
    first = json.dumps(counted | {"signature": signature})
    partial = folder / ".heads"
    partial.write_text(f"{first}\n{body}", encoding="utf-8")
    partial.replace(folder / f"{day.isoformat()}.heads")
    for old in _files(folder)[:-KEPT_FILES]:
        old.unlink(missing_ok=True)


def newest_heads(folder: Path, *, secret: bytes) -> dict[str, Head]:
    """Read the newest file; nothing if there is none yet. Raises BadHeads, OSError."""
    files = _files(folder)
    if not files:
        return {}
    first, _, body = files[-1].read_text(encoding="utf-8").partition("\n")
    try:
        counted = json.loads(first)
        signature = str(counted.pop("signature"))
        known = [
            Head(number, int(position), own)
            for number, position, own in map(str.split, body.splitlines())
        ]
    except (ValueError, KeyError, AttributeError, TypeError):
        raise BadHeads(files[-1].name) from None
    digest = hashlib.sha256(body.encode()).hexdigest()
    signed = hmac.compare_digest(signature, _signature(counted, secret))
    if not signed or counted.get("sha256") != digest:
        raise BadHeads(files[-1].name)
    return {head.dossier: head for head in known}


def newest_summary(folder: Path) -> Summary | None:
    """Read what the newest file says in short, for people; None without one."""
    files = _files(folder)
    if not files:
        return None
    first = files[-1].read_text(encoding="utf-8").partition("\n")[0]
    try:
        return Summary(**json.loads(first))
    except (ValueError, TypeError):
        return None


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.heads"))


def _signature(counted: Mapping[str, object], secret: bytes) -> str:
    # The key of the mail is ours alone; this use of it is told apart by its name.
    own = hmac.new(secret, b"heads of histories", hashlib.sha256).digest()
    said = json.dumps(counted, sort_keys=True, separators=(",", ":")).encode()
    return hmac.new(own, said, hashlib.sha256).hexdigest()
