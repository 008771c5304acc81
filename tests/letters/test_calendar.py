"""The renewal day in a person's calendar, read back as a calendar would."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage

import pytest
from icalendar import Calendar, Event

from letters.calendar import FILE_NAMES, NOTICES
from letters.compose import compose, plain_of
from letters.facts import LetterFacts, Notice
from letters.wording import LANGUAGES, Language
from tests.letters.examples import an_example

each_language = pytest.mark.parametrize("language", LANGUAGES)
each_notice = pytest.mark.parametrize("notice", sorted(NOTICES))


def composed(facts: LetterFacts, language: Language = "fr") -> EmailMessage:
    return compose(
        facts,
        language=language,
        sender="avis@echeance.example",
        recipient="nadia@courriel.example",
        message_id="<abc@echeance.example>",
    )


def calendars_of(message: EmailMessage) -> list[EmailMessage]:
    return [
        part
        for part in message.iter_attachments()
        if isinstance(part, EmailMessage) and part.get_content_type() == "text/calendar"
    ]


def event_of(message: EmailMessage) -> Event:
    (part,) = calendars_of(message)
    content = part.get_content()
    calendar = Calendar.from_ical(content)
    assert isinstance(calendar, Calendar)
    assert calendar["METHOD"] == part.get_param("method") == "PUBLISH"
    assert calendar["VERSION"] == "2.0"
    (event,) = calendar.events
    return event


@each_language
@each_notice
def test_a_letter_that_tells_a_new_last_day_bears_it_for_a_calendar(
    notice: Notice, language: Language
) -> None:
    message = composed(an_example(notice), language)
    event = event_of(message)
    days = [event.decoded("DTSTART"), event.decoded("DTEND")]
    assert days == [date(2028, 12, 9), date(2028, 12, 10)]
    assert event["TRANSP"] == "TRANSPARENT"
    (part,) = calendars_of(message)
    assert part.get_filename() == FILE_NAMES[language]
    assert FILE_NAMES[language] in plain_of(message)


@pytest.mark.parametrize("notice", sorted(set(Notice) - NOTICES))
def test_no_other_letter_bears_a_calendar_nor_speaks_of_one(notice: Notice) -> None:
    message = composed(an_example(notice))
    assert not calendars_of(message)
    assert ".ics" not in plain_of(message)


@each_notice
def test_one_is_reminded_60_30_and_7_days_before_at_nine(notice: Notice) -> None:
    event = event_of(composed(an_example(notice)))
    midnight = datetime(2028, 12, 9)  # noqa: DTZ001  an all-day event has no zone
    alarms = event.walk("VALARM")
    assert [midnight + alarm.decoded("TRIGGER") for alarm in alarms] == [
        datetime(2028, 10, 10, 9),  # noqa: DTZ001
        datetime(2028, 11, 9, 9),  # noqa: DTZ001
        datetime(2028, 12, 2, 9),  # noqa: DTZ001
    ]
    assert {alarm["ACTION"] for alarm in alarms} == {"DISPLAY"}


@each_language
def test_the_event_says_what_to_do_by_when_and_where(language: Language) -> None:
    event = event_of(composed(an_example("renewed"), language))
    text = f"{event['SUMMARY']} {event['DESCRIPTION']}".replace("\u00a0", " ")
    zone = {"fr": "23 h 59 (heure de Montréal)", "en": "11:59 p.m. (Montréal time)"}
    assert "CAR202400012345" in text
    assert zone[language] in text
    assert "https://echeance.example/fr/dossier" in text
    assert event["SUMMARY"].params["LANGUAGE"] == f"{language}-CA"


@each_language
@each_notice
def test_nobody_is_named_in_a_calendar_that_others_may_see(
    notice: Notice, language: Language
) -> None:
    facts = replace(an_example(notice), agency_name="Agence Boréale")
    content = event_of(composed(facts, language)).to_ical().decode()
    for name in ("Nadia", "Tremblay", "nadia@", "Boréale"):
        assert name not in content


def test_a_renewal_moves_the_event_of_the_certificate() -> None:
    issued = event_of(
        composed(replace(an_example("certificate_issued"), certificate_number=None))
    )
    renewed_facts = replace(
        an_example("renewed"),
        dossier=an_example("certificate_issued").dossier,
        echeance=date(2030, 12, 10),
        occurred_at=datetime(2028, 11, 20, 15, tzinfo=UTC),
    )
    renewed = event_of(composed(renewed_facts))
    assert renewed["UID"] == issued["UID"]
    assert renewed.decoded("SEQUENCE") > issued.decoded("SEQUENCE")
    assert renewed.decoded("DTSTART") == date(2030, 12, 9)


def test_a_later_letter_also_brings_the_day_forward() -> None:
    facts = an_example("renewed")
    minute_later = facts.occurred_at + timedelta(minutes=1)
    forward = replace(facts, echeance=date(2028, 11, 1), occurred_at=minute_later)
    first, second = (event_of(composed(said)) for said in (facts, forward))
    assert second.decoded("SEQUENCE") > first.decoded("SEQUENCE")


def test_two_certificates_are_two_events() -> None:
    one = event_of(composed(an_example("renewed")))
    other = event_of(composed(an_example("certificate_issued")))
    assert one["UID"] != other["UID"]


def test_the_same_letter_is_the_same_file_again() -> None:
    first, again = (composed(an_example("renewed")) for _ in range(2))
    assert first.as_bytes() == again.as_bytes()
