"""The bytes of every letter: as the standard library writes them, but for subjects."""

from email import message_from_bytes
from email.policy import SMTP as STANDARD

import pytest

from letters.compose import compose
from letters.facts import LetterFacts
from letters.smtp import ready
from letters.wording import LANGUAGES, Language
from tests.letters.examples import every_letter
from tests.letters.handing import MESSAGE_ID, RECIPIENT, SENDER

LETTERS = [
    (facts, language) for facts in every_letter().values() for language in LANGUAGES
]


def bytes_of(facts: LetterFacts, language: Language) -> tuple[bytes, bytes]:
    """A letter as it goes over the wire, and as the standard policy writes it."""
    letter = compose(
        facts,
        language=language,
        sender="avis@echeance.example",
        recipient=RECIPIENT,
        message_id=MESSAGE_ID,
        return_path=SENDER,
    )
    ours = ready(letter, sender=SENDER, recipient=RECIPIENT).payload
    del letter["Return-Path"]
    standard = letter.as_bytes(
        policy=STANDARD.clone(cte_type="7bit", max_line_length=76)
    )
    return ours.replace(b"\r\n..", b"\r\n."), standard


@pytest.mark.parametrize(
    ("facts", "language"), LETTERS, ids=lambda value: getattr(value, "notice", value)
)
def test_every_header_is_written_as_the_standard_library_does(
    facts: LetterFacts, language: Language
) -> None:
    ours, standard = bytes_of(facts, language)
    assert _but_the_subject(ours) == _but_the_subject(standard)
    subjects = [
        message_from_bytes(each, policy=STANDARD)["Subject"]
        for each in (ours, standard)
    ]
    assert " ".join(subjects[0].split()) == " ".join(subjects[1].split())


def _but_the_subject(wire: bytes) -> list[bytes]:
    """The lines of a letter without those of its subject."""
    head, end, rest = wire.partition(b"\r\n\r\n")
    headers = head.replace(b"\r\n ", b"\0 ").split(b"\r\n")
    kept = [line for line in headers if not line.startswith(b"Subject:")]
    return [*kept, end, rest]
