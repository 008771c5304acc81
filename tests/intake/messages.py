"""Messages as mail programs write them, and what each should be read as."""

import base64
import quopri
from dataclasses import dataclass, fields, replace

from intake.arrival import House
from intake.understanding import Fate, Nature, Proof, Understood, Wish
from intake.wishes import Language
from rules.numbers import DossierNumber

INTAKE = "infocertificat@echeance.example"
HOUSE = House(
    intake_address=INTAKE,
    return_address="retour@echeance.example",
    mail_domain="echeance.example",
    authserv_id="mx.echeance.example",
)
MARIE = "marie.lavoie@courriel.example"
NEW = DossierNumber("CAR202700012345")
OLD = DossierNumber("CAR202100067890")
OTHER = DossierNumber("CAR202300055555")
OUR_LETTER = "<items-missing.7f3a@echeance.example>"
ITS_RETURN_PATH = "retour+items-missing.7f3a@echeance.example"


@dataclass(frozen=True, slots=True)
class Reading:
    """What the office needs to know of a message; the plain transfer by default."""

    wish: Wish = Wish.TRANSFER
    new_dossier: DossierNumber | None = None
    expired_certificate: DossierNumber | None = None
    numbers: tuple[DossierNumber, ...] = ()
    language: Language = "fr"
    suspicious: tuple[str, ...] = ()
    contradictory: bool = False
    nature: Nature = Nature.PERSON
    authenticated: Proof = Proof.NONE
    spam: bool = False
    gives_an_address: bool = False
    for_another: bool = False
    letter: str | None = None
    fate: Fate | None = None
    read_no_more: bool = False
    problem: str | None = None

    @classmethod
    def of(cls, mail: Understood) -> "Reading":
        return cls(**{each.name: getattr(mail, each.name) for each in fields(cls)})


@dataclass(frozen=True, slots=True)
class Case:
    """One message and its one right reading."""

    name: str
    raw: bytes
    reading: Reading


BOTH_GIVEN = Reading(new_dossier=NEW, expired_certificate=OLD, numbers=(NEW, OLD))
BOTH_GIVEN_OLD_FIRST = replace(BOTH_GIVEN, numbers=(OLD, NEW))


def in_english(reading: Reading) -> Reading:
    return replace(reading, language="en")


def a_message(
    text: str,
    *,
    subject: str = "Bonjour",
    sender: str = f"Marie Lavoie <{MARIE}>",
    to: str = INTAKE,
    return_path: str = MARIE,
    top: str = "",
    headers: str = "",
    kind: str = "text/plain",
    charset: str = "utf-8",
    declared: str | None = None,
    encoding: str = "8bit",
) -> bytes:
    """
    Write a one-part message; *declared* is the charset the header claims.

    *top* are the lines that servers have put above those of the writer.
    """
    body = text.encode(charset)
    if encoding == "quoted-printable":
        body = quopri.encodestring(body)
    elif encoding == "base64":
        body = base64.encodebytes(body)
    claims = charset if declared is None else declared
    parameter = f'; charset="{claims}"' if claims else ""
    head = (
        f"Return-Path: <{return_path}>\n{top}From: {sender}\nTo: {to}\n"
        f"Subject: {subject}\nDate: Fri, 15 Jan 2027 10:12:00 -0500\n"
        f"Message-ID: <a1@courriel.example>\n"
        f"{headers}MIME-Version: 1.0\nContent-Type: {kind}{parameter}\n"
        f"Content-Transfer-Encoding: {encoding}\n\n"
    )
    return (head.encode() + body).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def a_page(html: str, **rest: str) -> bytes:
    """Write a message that has no plain text."""
    return a_message(html, kind="text/html", **rest)


def an_answer(text: str, **rest: str) -> bytes:
    """Write a reply to our letter that says what is missing."""
    rest.setdefault("subject", f"RE: Dossier {NEW} : il manque un renseignement")
    return a_message(text, headers=f"In-Reply-To: {OUR_LETTER}\n", **rest)


def a_part(text: str, kind: str = "text/plain; charset=utf-8", *headers: str) -> str:
    lines = (f"Content-Type: {kind}", "Content-Transfer-Encoding: 8bit", *headers)
    return "\n".join(lines) + "\n\n" + text + "\n"


def in_parts(
    *parts: str, container: str = "mixed", headers: str = "", **rest: str
) -> bytes:
    """Write a message of several parts, made by `a_part`."""
    body = "".join(f"--=_b7\n{part}" for part in parts) + "--=_b7--\n"
    kind = f'multipart/{container}; boundary="=_b7"'
    return a_message(body, kind=kind, declared="", headers=headers, **rest)


def a_report(
    *,
    status: str,
    action: str,
    copy: str = f"Message-ID: {OUR_LETTER}\nSubject: Rappel\n",
    sender: str = "Mail Delivery System <MAILER-DAEMON@relais.example>",
) -> bytes:
    """Write a delivery report (RFC 3464) about a letter of ours."""
    report = (
        "Reporting-MTA: dns; relais.example\n\n"
        f"Final-Recipient: rfc822; {MARIE}\nAction: {action}\nStatus: {status}\n"
        "Diagnostic-Code: smtp; 550 no such user\n"
    )
    return in_parts(
        a_part(f"Your message about {NEW} could not be delivered."),
        a_part(report, "message/delivery-status"),
        a_part(copy, "text/rfc822-headers"),
        container="report; report-type=delivery-status",
        headers="Auto-Submitted: auto-replied\n",
        sender=sender,
        subject="Undelivered Mail Returned to Sender",
    )
