"""Last days as entries of a calendar: in a file with a letter, or under an address."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

from icalendar import Alarm, Calendar, Event, vCalAddress, vText, vUri

from letters.facts import Notice
from letters.layout import french_spacing
from letters.wording import Language, last_minute
from rules.deadlines import Deadline

NOTICES = frozenset({Notice.CERTIFICATE_ISSUED, Notice.RENEWED})
"""The letters that tell a new last day, and bear the event."""

FILE_NAMES: dict[Language, str] = {"fr": "renouvellement.ics", "en": "renewal.ics"}
"""As the words of those letters name the file."""

KIND = "text/calendar"
METHOD = "PUBLISH"
ASK_AGAIN = timedelta(hours=6)
"""How often a calendar program should look again; many look once a day at most."""

_PRODUCT = "-//Echeance//renewals//FR"
_DAYS_BEFORE: Mapping[Deadline, tuple[int, ...]] = {
    Deadline.RENEWAL: (60, 30, 7),
    Deadline.LINK: (30, 7, 1),
    Deadline.EXAM: (60, 30, 7),
    Deadline.RETURN: (60, 30, 7),
    Deadline.ITEMS: (7, 1),
    Deadline.COMMENTS: (7, 1),
}
# An event of a whole day begins at midnight; nobody is reminded at that hour.
_HOUR = timedelta(hours=9)
_FIRST_MINUTE = datetime(2019, 8, 1, tzinfo=UTC)


def sequence_at(told_at: datetime) -> int:
    """Number what is told at an instant, so that what is told later has more."""
    return (told_at - _FIRST_MINUTE) // timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What an entry says; nobody is named in it, for calendars are shared.

    *number* is that of the dossier, which is its certificate's. Of two entries about
    the same deadline of one number the one with the higher *sequence* decides, also
    when it brings the day forward. *changed_at* is when it was last changed.
    """

    deadline: Deadline
    number: str
    on: date
    changed_at: datetime
    sequence: int
    url: str
    to_agency: bool = False


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes: an e-mail address, and the domain of what is named after us."""

    organizer: str
    domain: str


def in_calendar(entry: Entry, language: Language, publisher: Publisher) -> bytes:
    """Write one entry as a file of RFC 5545, the same for the same facts.

    Its identity is that of the certificate, so that a renewal moves the event.
    """
    calendar = _calendar()
    calendar.add_component(_event(entry, language, publisher))
    return bytes(calendar.to_ical())


def feed(
    entries: Iterable[Entry],
    language: Language,
    publisher: Publisher,
    *,
    to_agency: bool,
) -> bytes:
    """Write all entries of an address, the same bytes for the same facts.

    What holds no more is not there any more: a program that follows an address shows
    what it last read there, and an entry marked as cancelled would go on telling an
    agency of somebody who has left it.
    """
    words = _words()["agency_feed" if to_agency else "feed"][language]
    calendar = _calendar()
    # The first is RFC 7986, the second what programs knew before it.
    for name in ("NAME", "X-WR-CALNAME"):
        calendar.add(name, _said(words["name"], language))
    for name in ("DESCRIPTION", "X-WR-CALDESC"):
        calendar.add(name, _said(words["description"], language))
    calendar.add("REFRESH-INTERVAL", ASK_AGAIN, {"VALUE": "DURATION"})
    calendar.add("X-PUBLISHED-TTL", f"PT{ASK_AGAIN // timedelta(hours=1)}H")
    for entry in entries:
        calendar.add_component(_event(entry, language, publisher))
    return bytes(calendar.to_ical())


def _calendar() -> Calendar:
    calendar = Calendar()
    calendar.add("PRODID", _PRODUCT)
    calendar.add("VERSION", "2.0")
    calendar.add("CALSCALE", "GREGORIAN")
    calendar.add("METHOD", METHOD)
    return calendar


def _event(entry: Entry, language: Language, publisher: Publisher) -> Event:
    who = "agency_" if entry.to_agency else ""
    words = _words()[f"{who}{entry.deadline}"][language]
    facts = {
        "number": entry.number,
        "last_minute": last_minute(language),
        "url": entry.url,
    }
    summary = _said(words["summary"].format(**facts), language)
    event = Event()
    event.add("UID", f"{entry.number}-{entry.deadline}@{publisher.domain}")
    event.add("SEQUENCE", entry.sequence)
    event.add("DTSTAMP", entry.changed_at.astimezone(UTC))
    event.add("LAST-MODIFIED", entry.changed_at.astimezone(UTC))
    # A day in Québec, wherever the calendar is read: no hour, so no time zone.
    event.add("DTSTART", entry.on)
    event.add("DTEND", entry.on + timedelta(days=1))
    event.add("SUMMARY", summary)
    event.add("DESCRIPTION", _said(words["description"].format(**facts), language))
    event.add("URL", vUri(entry.url))
    event.add("ORGANIZER", vCalAddress(f"mailto:{publisher.organizer}"))
    event.add("CLASS", "PRIVATE")
    event.add("TRANSP", "TRANSPARENT")  # the day stays free for anything else
    for days_before in _DAYS_BEFORE[entry.deadline]:
        alarm = Alarm()
        alarm.add("ACTION", "DISPLAY")
        alarm.add("TRIGGER", _HOUR - timedelta(days=days_before))
        alarm.add("DESCRIPTION", summary)
        event.add_component(alarm)
    return event


def _said(text: str, language: Language) -> vText:
    spaced = french_spacing(text) if language == "fr" else text
    return vText(spaced, params={"LANGUAGE": f"{language}-CA"})


@cache
def _words() -> Mapping[str, Mapping[Language, Mapping[str, str]]]:
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
