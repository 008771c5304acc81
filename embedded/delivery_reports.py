"""What a mail server writes back about a letter: it was delivered, or it was not."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from letters.plain import one_line

SERVER = "courriel.example"
"""The mail server that the invented people of a demo have their mailboxes at."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of a letter, in the words of RFC 3464 and in a person's."""

    action: str
    status: str
    diagnostic: str
    subject: str
    words: str

    def words_of(self, letter: "Reported") -> str:
        """Word the report for a person."""
        named = "\n".join(f"  <{one_line(to)}>" for to in letter.recipients)
        return f"{self.words}\n\n{named}\n"


DELIVERED = Fate(
    "delivered",
    "2.0.0",
    "smtp; 250 2.0.0 Delivered to mailbox",
    "Successful Mail Delivery Report",
    "Your message was delivered to:",
)
FAILED = Fate(
    "failed",
    "5.1.1",
    "smtp; 550 5.1.1 The mailbox does not exist",
    "Undelivered Mail Returned to Sender",
    "Your message could not be delivered, and it will not be tried again, to:",
)


@dataclass(frozen=True, slots=True)
class Reported:
    """The letter that a report speaks of; *envelope_id* is what its sender called it.

    *head* is its headers, which the report gives back.
    """

    return_path: str
    recipients: tuple[str, ...]
    arrived_at: datetime
    head: bytes
    envelope_id: str = ""


def delivery_report(letter: Reported, fate: Fate) -> bytes:
    """Write the report (RFC 3464); it goes to the letter's return path, from <>."""
    report = MIMEMultipart("report", policy=SMTP, report_type="delivery-status")
    report["From"] = f"Mail Delivery System <MAILER-DAEMON@{SERVER}>"
    report["To"] = letter.return_path
    report["Subject"] = fate.subject
    report["Date"] = format_datetime(datetime.now(UTC))
    report["Message-ID"] = make_msgid(domain=SERVER)
    report["Auto-Submitted"] = "auto-replied"
    report.attach(MIMEText(fate.words_of(letter)))
    report.attach(_status(letter, fate))
    report.attach(_head(letter.head))
    return report.as_bytes()


def _status(letter: Reported, fate: Fate) -> MIMEBase:
    of_letter = Message(policy=SMTP)
    of_letter["Reporting-MTA"] = f"dns; {SERVER}"
    if letter.envelope_id:
        of_letter["Original-Envelope-Id"] = letter.envelope_id
    of_letter["Arrival-Date"] = format_datetime(letter.arrived_at)
    groups: list[Message | str] = [of_letter]
    for recipient in letter.recipients:
        of_recipient = Message(policy=SMTP)
        of_recipient["Final-Recipient"] = f"rfc822; {one_line(recipient)}"
        of_recipient["Action"] = fate.action
        of_recipient["Status"] = fate.status
        of_recipient["Diagnostic-Code"] = fate.diagnostic
        groups.append(of_recipient)
    status = MIMEBase("message", "delivery-status", policy=SMTP)
    del status["MIME-Version"]
    status.set_payload(groups)
    return status


def _head(head: bytes) -> MIMEBase:
    """Give the headers back byte by byte: a report must find its letter by them."""
    part = MIMEBase("text", "rfc822-headers", policy=SMTP)
    del part["MIME-Version"]
    part["Content-Transfer-Encoding"] = "8bit"
    part.set_payload(head.decode("ascii", "surrogateescape"))
    return part
