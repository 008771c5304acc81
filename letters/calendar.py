"""The last day to renew, as one event that a person keeps in a calendar."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial

from icalendar import Alarm, Calendar, Event, vCalAddress, vText, vUri

from letters.facts import Notice
from letters.wording import Language, last_minute

NOTICES = frozenset({Notice.CERTIFICATE_ISSUED, Notice.RENEWED})
"""The letters that tell a new last day, and bear the event."""

FILE_NAMES: dict[Language, str] = {"fr": "renouvellement.ics", "en": "renewal.ics"}
"""As the words of those letters name the file."""

KIND = "text/calendar"
METHOD = "PUBLISH"

_DAYS_BEFORE = (60, 30, 7)
# An event of a whole day begins at midnight; nobody is reminded at that hour.
_HOUR = timedelta(hours=9)
_FIRST_MINUTE = datetime(2019, 8, 1, tzinfo=UTC)

_SUMMARY = {
    "fr": "Dernier jour pour renouveler le certificat {certificate}",
    "en": "Last day to renew certificate {certificate}",
}
_DESCRIPTION = {
    "fr": "Renouvelez votre certificat au plus tard ce jour-là, à {last_minute} : "
    "{portal_url}",
    "en": "Renew your certificate by that day, at {last_minute}: {portal_url}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalDay:
    """What the event says; nobody is named in it, for calendars are shared.

    *told_at* is the instant of the letter: of two letters about one certificate, the
    later one decides, also when it brings the day forward.
    """

    certificate: str
    last_valid_day: date
    told_at: datetime
    portal_url: str
    organizer: str
    domain: str


def in_calendar(day: RenewalDay, language: Language) -> bytes:
    """Write the event as a file of RFC 5545, the same for the same facts.

    Its identity is that of the certificate, so that a renewal moves the event.
    """
    calendar = Calendar()
    calendar.add("PRODID", "-//Echeance//renewals//FR")
    calendar.add("VERSION", "2.0")
    calendar.add("METHOD", METHOD)
    calendar.add_component(_event(day, language))
    content: bytes = calendar.to_ical()
    return content


def _event(day: RenewalDay, language: Language) -> Event:
    said = partial(_said, day, language)
    event = Event()
    event.add("UID", f"{day.certificate}-renewal@{day.domain}")
    event.add("SEQUENCE", (day.told_at - _FIRST_MINUTE) // timedelta(minutes=1))
    event.add("DTSTAMP", day.told_at.astimezone(UTC))
    event.add("DTSTART", day.last_valid_day)
    event.add("DTEND", day.last_valid_day + timedelta(days=1))
    event.add("SUMMARY", said(_SUMMARY))
    event.add("DESCRIPTION", said(_DESCRIPTION))
    event.add("URL", vUri(day.portal_url))
    event.add("ORGANIZER", vCalAddress(f"mailto:{day.organizer}"))
    event.add("TRANSP", "TRANSPARENT")  # the day stays free for anything else
    for days_before in _DAYS_BEFORE:
        alarm = Alarm()
        alarm.add("ACTION", "DISPLAY")
        alarm.add("TRIGGER", _HOUR - timedelta(days=days_before))
        alarm.add("DESCRIPTION", said(_SUMMARY))
        event.add_component(alarm)
    return event


def _said(day: RenewalDay, language: Language, words: dict[str, str]) -> vText:
    text = words[language].format(
        certificate=day.certificate,
        last_minute=last_minute(language),
        portal_url=day.portal_url,
    )
    return vText(text, params={"LANGUAGE": f"{language}-CA"})
