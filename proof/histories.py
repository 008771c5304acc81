"""A history: what the world tells one life, what fails meanwhile; kept as JSON."""

import json
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

OLD = "CAR202400000001"
NEW = "CAR202600000002"

Stretch = tuple[datetime, datetime]
"""From an instant to another, exclusive."""


@dataclass(frozen=True, slots=True)
class LinkGiven:
    """A link the holder has when the story is taken over."""

    link: str
    permit: str
    since: date
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Holder:
    """A certificate that exists when the story is taken over."""

    start: date
    echeance: date
    passed_on: date
    links: tuple[LinkGiven, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """
    One thing told at an instant, and perhaps told *again*.

    *what* is paid, reversed, linked, unlinked, permit, exam, transfer, mail, corrected,
    cancelled or moved (a new address). *about* names the payment, link, permit or
    result, of a transfer the old dossier; *on* is the civil day it speaks of.
    """

    fact: str
    at: datetime
    what: str
    to: str = OLD
    about: str = ""
    on: date | None = None
    captured_at: datetime | None = None
    cents: int = 0
    permit: str = ""
    valid: bool = False
    again: tuple[datetime, ...] = ()


COMMANDS = frozenset({"corrected", "cancelled"})
"""What is asked for and answered; while the worker is down it is refused."""

ASKED_AGAIN_IN = timedelta(minutes=1)
"""So long after the worker is back: the facts that were kept are heard before."""


@dataclass(frozen=True, slots=True)
class History:
    """One life: who there is, what is told, what is down, how each letter is met.

    *mail* gives, notice by notice, what the attempts meet: "450", "550", "lost" (taken,
    its answer lost), "dies before", "dies after" (the worker, about the relay's answer)
    or "bounces" (taken, comes back a day later). Then all is well.
    """

    name: str
    begins: datetime
    until: datetime
    old: Holder | None = None
    new: date | None = None
    told: tuple[Told, ...] = ()
    worker_down: tuple[Stretch, ...] = ()
    relay_down: tuple[Stretch, ...] = ()
    mail: dict[str, tuple[str, ...]] = field(default_factory=dict)
    old_number: str = OLD
    new_number: str = NEW

    def heard_at(self, told: Told) -> datetime:
        """Say when a thing told is heard: at once, or after the worker is back."""
        at = told.at
        for gone, back in sorted(self.worker_down):
            if gone <= at < back:
                at = back + ASKED_AGAIN_IN if told.what in COMMANDS else back
        return at

    @property
    def numbers(self) -> tuple[str, ...]:
        """The dossiers of this life."""
        old = (self.old_number,) if self.old else ()
        return (*old, self.new_number) if self.new else old


def as_text(history: History) -> str:
    """Write a history as JSON."""
    return json.dumps(asdict(history), indent=1, default=_plain) + "\n"


def from_text(text: str) -> History:
    """Read a history back."""
    raw: dict[str, Any] = json.loads(text)
    old = raw["old"]
    return History(
        name=raw["name"],
        begins=_instant(raw["begins"]),
        until=_instant(raw["until"]),
        old=old and _holder(old),
        new=_day(raw["new"]),
        told=tuple(_told(told) for told in raw["told"]),
        worker_down=tuple((_instant(a), _instant(b)) for a, b in raw["worker_down"]),
        relay_down=tuple((_instant(a), _instant(b)) for a, b in raw["relay_down"]),
        mail={notice: tuple(meets) for notice, meets in raw["mail"].items()},
        old_number=raw.get("old_number", OLD),
        new_number=raw.get("new_number", NEW),
    )


def kept_in(folder: Path) -> tuple[History, ...]:
    """Read every history kept in a folder."""
    return tuple(from_text(file.read_text()) for file in sorted(folder.glob("*.json")))


def _plain(value: object) -> str:
    assert isinstance(value, date)
    return value.isoformat()


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _holder(raw: dict[str, Any]) -> Holder:
    days = {name: _day(raw[name]) for name in ("start", "echeance", "passed_on")}
    links = tuple(
        LinkGiven(
            x["link"], x["permit"], date.fromisoformat(x["since"]), _day(x["until"])
        )
        for x in raw["links"]
    )
    return Holder(**days, links=links)  # type: ignore[arg-type] # none of them is None


def _told(raw: dict[str, Any]) -> Told:
    captured = raw["captured_at"]
    return Told(
        **raw
        | {
            "at": _instant(raw["at"]),
            "on": _day(raw["on"]),
            "captured_at": captured and _instant(captured),
            "again": tuple(_instant(at) for at in raw["again"]),
        }
    )
