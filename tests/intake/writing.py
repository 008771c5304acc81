"""Letters as people write them, and the records they meet."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from typing import Any

from intake.mail import MailRoom, Taken
from records.models import Certificate, FactRow, Letter, TaskRow
from rules.dossier import Dossier, Item, Stage, TransferRequest
from rules.numbers import DossierNumber
from tests.activities.office import Office
from tests.dossiers import HOLDER, NEWCOMER, a_holder, a_newcomer
from workflows.messages import FACTS, EmailReceived, MailWish

INTAKE = "infocertificat@echeance.example"
MARC = "marc@courriel.example"
RECEIVED_AT = datetime(2026, 11, 24, 15, tzinfo=UTC)
UNKNOWN = DossierNumber("CAR202699999999")
OTHER_UNKNOWN = DossierNumber("CAR202388888888")
OUR_LETTER = "<items-missing@echeance.example>"
BOTH = (
    f"Bonjour,\n\nJe désire faire transférer le résultat de mon examen à mon nouveau "
    f"dossier {NEWCOMER}. Mon certificat expiré : {HOLDER}.\n\nMerci,\nMarc Roy"
)


class Listening(MailRoom):
    """A mail room that remembers for whom each letter was."""

    recipients: tuple[str, ...] = ()

    async def keep(self, raw: bytes, **said: Any) -> Taken:
        self.recipients = said["recipients"]
        return await super().keep(raw, **said)


def a_letter(
    text: str,
    *,
    sender: str = f"Marc Roy <{MARC}>",
    subject: str = "Mon dossier",
    **headers: str,
) -> bytes:
    letter = EmailMessage()
    letter["From"] = sender
    letter["To"] = INTAKE
    letter["Subject"] = subject
    letter["Message-ID"] = headers.pop("message_id", "<1@courriel.example>")
    for name, value in headers.items():
        letter[name.replace("_", "-")] = value
    letter.set_content(text)
    return letter.as_bytes()


def an_answer(text: str, **headers: str) -> bytes:
    """A reply to our letter that says what is missing."""
    subject = f"RE: Dossier {NEWCOMER} : il manque un renseignement"
    return a_letter(text, subject=subject, In_Reply_To=OUR_LETTER, **headers)


def a_bounce(message_id: str, status: str = "5.1.1") -> bytes:
    action = "failed" if status.startswith("5") else "delayed"
    return (
        "Return-Path: <>\r\n"
        "From: Mail Delivery System <mailer-daemon@relais.example>\r\n"
        f"To: {INTAKE}\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\n"
        "Auto-Submitted: auto-replied\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status;"
        ' boundary="limite"\r\n\r\n'
        "--limite\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n"
        "--limite\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; relais.example\r\n\r\n"
        f"Final-Recipient: rfc822; {MARC}\r\nAction: {action}\r\n"
        f"Status: {status}\r\n\r\n"
        "--limite\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"From: {INTAKE}\r\nMessage-ID: {message_id}\r\nSubject: Dossier\r\n\r\n"
        "--limite--\r\n"
    ).encode()


def asking_for(*missing: Item, certificate: DossierNumber | None = None) -> Dossier:
    """A newcomer's dossier whose request to transfer lacks something."""
    request = TransferRequest(
        "mail:first", date(2026, 11, 20), Stage.ITEMS_MISSING, certificate, missing
    )
    return replace(a_newcomer(), request=request)


async def take(room: MailRoom, raw: bytes) -> Taken:
    return await room.keep(raw, received_at=RECEIVED_AT)


async def marc_came_back(office: Office) -> None:
    """An expired certificate and the new dossier of the same person."""
    await office.place(a_holder(date(2026, 10, 1)))
    await office.add(await the_certificate(office))
    await office.place(a_newcomer())


async def the_certificate(office: Office) -> Certificate:
    holder = await office.holder_of(HOLDER)
    return Certificate(
        number=HOLDER,
        kind="CAR",
        person_id=holder.person_id,
        status="expired",
        start=date(2024, 10, 1),
        echeance=date(2026, 10, 1),
    )


async def we_wrote(
    office: Office,
    *,
    to: DossierNumber = NEWCOMER,
    notice: str = "items_missing",
    state: str = "accepted",
) -> str:
    """Put a letter of ours among those sent; returns its key."""
    key = f"{to}/1/{notice}"
    letter = Letter(
        key=key,
        dossier=to,
        notice=notice,
        ordered={},
        occurred_at=RECEIVED_AT - timedelta(days=1),
        state=state,
        message_id=OUR_LETTER,
    )
    await office.add(letter)
    return key


async def the_fact(office: Office) -> tuple[str, EmailReceived]:
    [row] = await office.rows(FactRow)
    fact = FACTS.validate_python(row.body)
    assert isinstance(fact, EmailReceived)
    return row.dossier, fact


async def the_task(office: Office) -> TaskRow:
    assert await office.rows(FactRow) == []
    [task] = await office.rows(TaskRow)
    return task


def says(fact: EmailReceived) -> tuple[MailWish, str | None, tuple[Item, ...]]:
    return fact.wish, fact.certificate, fact.missing
