"""The message that a person sends from the inbox, as a mail program would write it."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from embedded.delivery_reports import SERVER
from embedded.letter_parts import NOTHING, Headers
from letters.plain import one_line
from rules.civil_time import ZONE

_LONGEST_SUBJECT = 500
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,250}>")
_MOST_REFERENCES = 20


@dataclass(frozen=True, slots=True)
class Said:
    """What a person says, and the headers of the letter that they answer."""

    sender: str
    recipient: str
    subject: str
    text: str
    is_robot: bool = False
    answers: Headers = NOTHING

    @property
    def return_path(self) -> str:
        """Where a failure of this message is reported; a robot wants to know none."""
        return "" if self.is_robot else self.sender


def compose(said: Said, at: datetime) -> bytes:
    """Write the message out; both addresses must be plain ones."""
    message = EmailMessage(policy=SMTP)
    message["From"] = said.sender
    message["To"] = said.recipient
    # What looks like an encoded word would be decoded, line ends included.
    message["Subject"] = one_line(said.subject, limit=_LONGEST_SUBJECT).replace(
        "=?", "= ?"
    )
    message["Date"] = format_datetime(at.astimezone(ZONE))
    message["Message-ID"] = make_msgid(domain=SERVER)
    if said.is_robot:
        message["Auto-Submitted"] = "auto-replied"
    for name, ids in _thread(said.answers).items():
        message[name] = " ".join(ids)
    message.set_content(said.text)
    return message.as_bytes()


def _thread(answered: Headers) -> dict[str, list[str]]:
    """Return the headers that tie an answer to its letter (RFC 5322, 3.6.4)."""
    own = _MESSAGE_ID.findall(answered.first("Message-ID"))[:1]
    before = _MESSAGE_ID.findall(answered.first("References"))[-_MOST_REFERENCES:]
    return {"In-Reply-To": own, "References": [*before, *own]} if own else {}


def quoted(text: str) -> str:
    """Set a text apart, line by line, as an answer does with what it answers."""
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())
