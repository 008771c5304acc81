"""The certificate: what it says, in words for every form, and its PDF."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO

import segno

from documents.printable import breakable, printable
from documents.typesetting import Json, typeset
from documents.wording import Language, Words, weekday_date, words_of
from rules.civil_time import civil_date
from rules.dossier import Kind
from rules.numbers import DossierNumber

_LONGEST_NAME = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """All that a certificate says; nothing about the person but the name.

    *language* is the holder's: "en" adds an English text to the French one. *trial*
    says that the key that will sign it proves nothing elsewhere. *issued_at* is of this
    copy; of a later one, *first_issued_at* is when the certificate was issued.
    """

    language: Language
    kind: Kind
    number: DossierNumber
    holder_name: str
    first_day: date
    last_valid_day: date
    issued_at: datetime
    edition: int
    office_name: str
    public_url: str
    trial: bool
    first_issued_at: datetime | None = None

    @property
    def printed_name(self) -> str:
        """The holder's name as it is printed."""
        return printable(self.holder_name, limit=_LONGEST_NAME)

    @property
    def address(self) -> str:
        """Where the register answers for this certificate."""
        return verification_address(self.public_url, self.number)


@dataclass(frozen=True, slots=True)
class CertificateText:
    """What a certificate says in one language, form left aside."""

    language: Language
    title: str
    joined: str | None
    head: tuple[str, str]
    rows: tuple[tuple[str, str], ...]
    check_title: str
    check: str
    scan: str
    code: str
    signed: str
    trial: str | None


def verification_address(public_url: str, number: DossierNumber) -> str:
    """Name the short address under which anybody may check a certificate."""
    return f"{public_url.rstrip('/')}/v/{number}"


def certificate_texts(facts: CertificateFacts) -> tuple[CertificateText, ...]:
    """Word a certificate: in French, and then in English for who is written to in it.

    What the Administration issues is French; English may be joined for a person
    entitled to it (docs/decisions/0005).
    """
    french = _text(facts, "fr")
    return (french,) if facts.language == "fr" else (french, _text(facts, "en"))


def certificate_pdf(facts: CertificateFacts) -> bytes:
    """Print a certificate, not yet signed: one page, accessible and archival.

    The same facts give the same bytes. Raises CannotPrint for a name with a character
    that no font has: a person must look at it.
    """
    told: dict[str, Json] = {
        "texts": [_told(text) for text in certificate_texts(facts)],
        "number": facts.number,
        "address": facts.address,
        "shown_address": breakable(facts.address.partition("://")[2]),
        "code": code_picture(facts.address),
        "office": breakable(printable(facts.office_name, limit=_LONGEST_NAME)),
    }
    return typeset("certificate.typ", told, dated=facts.issued_at)


def code_picture(address: str) -> str:
    """Draw the QR code of an address, as SVG of one unit a module, its margin in."""
    drawn = BytesIO()
    segno.make(address, error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, svgns=True, nl=False
    )
    return drawn.getvalue().decode()


def _text(facts: CertificateFacts, language: Language) -> CertificateText:
    say = words_of("certificate", language)
    return CertificateText(
        language=language,
        title=say(f"title_{facts.kind}"),
        joined=say("joined") or None,
        head=(say("entry"), say("content")),
        rows=tuple(_rows(facts, language, say)),
        check_title=say("check_title"),
        check=say("check"),
        scan=say("scan"),
        code=say("code", address=facts.address),
        signed=say("signed"),
        trial=say("trial") if facts.trial else None,
    )


def _rows(
    facts: CertificateFacts, language: Language, say: Words
) -> Iterator[tuple[str, str]]:
    issued_at = facts.first_issued_at or facts.issued_at
    issued_on = weekday_date(civil_date(issued_at), language)
    last_day = weekday_date(facts.last_valid_day, language)
    office = printable(facts.office_name, limit=_LONGEST_NAME)
    yield say("number"), facts.number
    yield say("holder"), facts.printed_name
    yield say("first_day"), weekday_date(facts.first_day, language)
    yield say("last_day"), say("inclusive", day=last_day)
    yield say("allows"), say(f"allows_{facts.kind}")
    yield say("issued"), say("issued_by", office=office, day=issued_on)
    if facts.edition > 1:
        made_on = weekday_date(civil_date(facts.issued_at), language)
        yield say("copy"), say("copy_replaces", edition=facts.edition, day=made_on)


def _told(text: CertificateText) -> dict[str, Json]:
    return {
        "language": text.language,
        "title": text.title,
        "joined": text.joined,
        "head": list(text.head),
        "rows": [[label, breakable(content)] for label, content in text.rows],
        "check_title": text.check_title,
        "check": text.check,
        "scan": text.scan,
        "code": text.code,
        "signed": text.signed,
        "trial": text.trial,
    }
