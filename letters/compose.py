"""From facts to a letter: the words in one language, and headers nobody can forge."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import date
from email.errors import HeaderParseError
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from functools import cache, partial
from pathlib import Path
from typing import Literal

from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    meta,
    select_autoescape,
)

from letters import calendar
from letters.calendar import Entry, Publisher, in_calendar, sequence_at
from letters.facts import LetterFacts, Notice
from letters.layout import Document, french_spacing, laid_out, read
from letters.markup import FRAME, marked_up
from letters.plain import PLAIN_ADDRESS, one_line
from letters.wording import FILTERS, LANGUAGES, Language, last_minute, quoted
from rules.civil_time import ZONE, civil_date
from rules.deadlines import Deadline

FOLDER = Path(__file__).parent
_FILES = ("subject.txt", "body.txt")
_NOT_NOTICES = frozenset({"fragments", "__pycache__"})
# Long free texts keep their lines; the template sets them apart itself.
_FREE_TEXTS = frozenset({"reason_text"})
_DERIVED = frozenset({"occurred_on", "last_minute"})
_MESSAGE_ID = re.compile(r"<[0-9A-Za-z.!#$%&'*+/=^_`{|}~-]+@[0-9A-Za-z.-]+>")
# 160 of the 256 bits: beyond guessing, and the header stays on one line.
_ID_BYTES = 20
_LONGEST_LINE = 998
_LINE = 76  # as quoted-printable allows
_FILE_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,80}\.[0-9a-z]{2,5}")
_KIND = re.compile(r"[a-z]+/[0-9a-z][0-9a-z.+-]*")
_PDF = "application/pdf"


class _LetterPolicy(EmailPolicy):
    """SMTP's own policy, but for the folding of headers.

    The standard one leaves an empty first line or doubles a space in some subjects; and
    it takes every header apart to fold it, most of which fit on their line.
    """

    def fold(self, name: str, value: str) -> str:
        line = f"{name}: {value}"
        if len(line) <= _LINE and _is_plain(line):
            return f"{line}{self.linesep}"
        if name != "Subject":
            return str(super().fold(name, value))
        plain = str(value)
        charset = None if plain.isascii() else "utf-8"
        longest = _LONGEST_LINE if plain.isascii() else _LINE
        header = Header(plain, charset, maxlinelen=longest, header_name=name)
        return f"{name}: {header.encode(linesep=self.linesep)}{self.linesep}"

    def fold_binary(self, name: str, value: str) -> bytes:
        return self.fold(name, value).encode("ascii")


def _is_plain(line: str) -> bool:
    # Printable: what was decoded from an encoded word may hold the end of a line.
    return line.isascii() and line.isprintable()


_POLICY = _LetterPolicy(linesep="\r\n", max_line_length=_LINE)


class BadAddress(ValueError):  # noqa: N818  it reads as what was given
    """An address that cannot be written to safely; a person must look at it."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a letter; *kind* is like "application/pdf"."""

    name: str
    kind: str
    content: bytes

    def __post_init__(self) -> None:
        """Refuse a name or a kind that a header could not hold as it is."""
        if not _FILE_NAME.fullmatch(self.name):
            raise ValueError(f"not a plain file name: {self.name!r}")
        if not _KIND.fullmatch(self.kind):
            raise ValueError(f"not a kind of file: {self.kind!r}")


def letter_policy() -> EmailPolicy:
    """Give the policy by which headers of ours are folded."""
    return _POLICY


def plain_address(address: str) -> Address:
    """Read an address that can be written to safely; raises BadAddress."""
    return _address(address)


def known_notices() -> frozenset[str]:
    """Name every notice that has a letter."""
    return frozenset(Notice)


def message_id(key: str, *, secret: bytes, domain: str) -> str:
    """Derive the Message-ID of a letter, angle brackets included, from its key."""
    digest = hmac.new(secret, key.encode(), hashlib.sha256).digest()[:_ID_BYTES]
    return f"<{base64.b32encode(digest).decode().lower()}@{domain}>"


def compose(
    facts: LetterFacts,
    *,
    language: Language,
    sender: str,
    recipient: str,
    message_id: str,
    return_path: str | None = None,
    attachments: tuple[Attachment, ...] = (),
) -> EmailMessage:
    """Compose one letter to one recipient: text, HTML, and the files it bears.

    A letter that tells a new last day to renew also bears it for a calendar; one that
    bears a PDF says so. *return_path* is kept in the message as the address bounces go
    to; the client of letters.smtp does not put that header on the wire. Replies go to
    the intake.
    Raises jinja2.UndefinedError for a fact the letter needs and does not have,
    BadAddress for an address, ValueError for an unknown notice or a bad Message-ID.
    """
    if not _MESSAGE_ID.fullmatch(message_id):
        raise ValueError(f"not a Message-ID: {message_id!r}")
    facts = replace(
        facts, certificate_attached=any(file.kind == _PDF for file in attachments)
    )
    document, title = _document(facts, language), subject(facts, language)
    letter = EmailMessage(policy=_POLICY)
    letter["From"] = _address(sender)
    letter["To"] = _address(recipient)
    if facts.intake_address is not None:
        letter["Reply-To"] = _address(facts.intake_address)
    if return_path is not None:
        letter["Return-Path"] = f"<{_address(return_path).addr_spec}>"
    letter["Subject"] = title
    letter["Date"] = facts.occurred_at.astimezone(ZONE)
    letter["Message-ID"] = message_id
    letter["Auto-Submitted"] = "auto-generated"
    letter["X-Echeance-Letter"] = facts.notice
    # Quoted-printable passes a relay that knows neither 8BITMIME nor SMTPUTF8, and
    # leaves it nothing to recode, which would break a signature.
    letter.set_content(laid_out(document), charset="utf-8", cte="quoted-printable")
    letter.add_alternative(
        _marked_up(facts, language, document, title),
        subtype="html",
        charset="utf-8",
        cte="quoted-printable",
    )
    if facts.notice in calendar.NOTICES:
        attachments += (_for_calendar(facts, language, sender, message_id),)
    for file in attachments:
        _attach(letter, file)
    _set_boundaries(letter)
    letter["Content-Language"] = f"{language}-CA"  # set_content drops Content-* headers
    return letter


def plain_of(message: EmailMessage) -> str:
    """Read back the text of a composed letter."""
    return _part_of(message, "plain")


def html_of(message: EmailMessage) -> str:
    """Read back the HTML of a composed letter."""
    return _part_of(message, "html")


def subject(facts: LetterFacts, language: Language) -> str:
    """Word the subject: one line, the dossier number and the point."""
    line = one_line(_rendered(facts, language, "subject.txt"))
    # The standard library decodes what looks like an encoded word of RFC 2047, line
    # ends included, and would write them out as new headers.
    return line.replace("=?", "= ?")


def body(facts: LetterFacts, language: Language) -> str:
    """Word the plain text, laid out for 76 columns."""
    return laid_out(_document(facts, language))


def html(facts: LetterFacts, language: Language) -> str:
    """Word the same letter as a page of HTML."""
    title = subject(facts, language)
    return _marked_up(facts, language, _document(facts, language), title)


def check_templates(folder: Path = FOLDER) -> None:
    """Raise, naming the file, when a letter could not be composed for want of words.

    FileNotFoundError for a missing file, jinja2.TemplateSyntaxError for a broken one,
    ValueError for a folder without a notice or a variable that is no fact.
    """
    found = {p.name for p in folder.iterdir() if p.is_dir()} - _NOT_NOTICES
    if strangers := sorted(found - known_notices()):
        raise ValueError(f"no notice has this name: {folder / strangers[0]}")
    for notice in sorted(known_notices()):
        for language in LANGUAGES:
            for name in _FILES:
                path = folder / notice / language / name
                if not path.is_file():
                    raise FileNotFoundError(f"a letter lacks its words: {path}")
    if not (frame := folder / FRAME.name).is_file():
        raise FileNotFoundError(f"the letters lack their frame: {frame}")
    for path in sorted(folder.rglob("*.txt")):
        _check_variables(path)


def _check_variables(path: Path) -> None:
    known = {f.name for f in fields(LetterFacts)} | _DERIVED
    environment = _environment("fr")
    tree = environment.parse(path.read_text(encoding="utf-8"), filename=str(path))
    if unknown := sorted(meta.find_undeclared_variables(tree) - known):
        raise ValueError(f"{path} says {unknown[0]!r}, which is no fact of a letter")


def _document(facts: LetterFacts, language: Language) -> Document:
    text = _rendered(facts, language, "body.txt")
    return read(french_spacing(text) if language == "fr" else text)


def _marked_up(
    facts: LetterFacts, language: Language, document: Document, title: str
) -> str:
    addresses: dict[str, str] = {}
    if facts.portal_url is not None:
        addresses[facts.portal_url] = facts.portal_url
    if facts.proof_url is not None:
        addresses[facts.proof_url] = facts.proof_url
    if facts.intake_address is not None:
        addresses[facts.intake_address] = f"mailto:{facts.intake_address}"
    if facts.help_address is not None:
        # Who asks for help forgets the number; the subject has it already.
        about = f"mailto:{facts.help_address}?subject={facts.dossier}"
        addresses[facts.help_address] = about
    return marked_up(document, title=title, language=language, addresses=addresses)


def _rendered(facts: LetterFacts, language: Language, name: str) -> str:
    if facts.notice not in known_notices():
        raise ValueError(f"no letter for this notice: {facts.notice!r}")
    template = _environment(language).get_template(f"{facts.notice}/{language}/{name}")
    return template.render(_sayable(facts, language))


@cache
def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        autoescape=select_autoescape(enabled_extensions=("html",), default=False),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    for name, word in FILTERS.items():
        environment.filters[name] = partial(_worded, word, language)
    environment.filters["quoted"] = quoted
    return environment


def _worded(word: Callable[..., str], language: Language, value: object) -> str:
    if isinstance(value, StrictUndefined):
        return str(value)  # raises UndefinedError, which names the fact
    return word(value, language)


def _sayable(facts: LetterFacts, language: Language) -> dict[str, object]:
    """Give a template what is known only: what is not must fail, never print None."""
    occurred_on = civil_date(facts.occurred_at)
    said: dict[str, object] = {
        "occurred_on": occurred_on,
        "last_minute": last_minute(language),
    }
    for field in fields(facts):
        value = getattr(facts, field.name)
        if isinstance(value, str) and field.name not in _FREE_TEXTS:
            value = one_line(value)
        if value is not None and value not in ("", ()):
            said[field.name] = value
    said.setdefault("certificate_number", facts.dossier)
    if (last := facts.last_day()) is not None:
        said["last_valid_day"] = last
    limit = facts.act_before or said.get("last_valid_day")
    if isinstance(limit, date):
        said.setdefault("days_left", (limit - occurred_on).days)
    return said


def _for_calendar(
    facts: LetterFacts, language: Language, sender: str, message_id: str
) -> Attachment:
    """Make the file of the renewal day; the words of the letter need the same facts."""
    last_valid_day = facts.last_day()
    assert last_valid_day is not None
    assert facts.portal_url is not None
    entry = Entry(
        deadline=Deadline.RENEWAL,
        number=facts.certificate_number or facts.dossier,
        on=last_valid_day,
        changed_at=facts.occurred_at,
        sequence=sequence_at(facts.occurred_at),
        url=facts.portal_url,
    )
    publisher = Publisher(sender, message_id.rpartition("@")[2].rstrip(">"))
    return Attachment(
        calendar.FILE_NAMES[language],
        calendar.KIND,
        in_calendar(entry, language, publisher),
    )


def _attach(letter: EmailMessage, file: Attachment) -> None:
    kind, _, subkind = file.kind.partition("/")
    # A calendar says in its header what it is for (RFC 6047 s. 2.4).
    params = {"charset": "utf-8", "method": calendar.METHOD}
    letter.add_attachment(
        file.content,
        maintype=kind,
        subtype=subkind,
        filename=file.name,
        params=params if file.kind == calendar.KIND else None,
    )


def _set_boundaries(letter: EmailMessage) -> None:
    """Derive them from the Message-ID: the same letter is the same bytes again.

    No encoded part can hold "=_".
    """
    token = hashlib.sha256(letter["Message-ID"].encode()).hexdigest()[:32]
    parts = (part for part in letter.walk() if part.is_multipart())
    for number, part in enumerate(parts):
        part.set_boundary(f"=_{number}_{token}")


def _part_of(message: EmailMessage, subtype: Literal["plain", "html"]) -> str:
    part = message.get_body((subtype,))
    if part is None:
        raise ValueError(f"not a composed letter: no {subtype} part")
    return str(part.get_content()).replace("\r\n", "\n")


def _address(text: str) -> Address:
    """Accept one plain address; its domain may be international, its name not."""
    name, _, domain = text.rpartition("@")
    try:
        plain = f"{name}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError as error:
        raise BadAddress(f"not an address to write to: {text!r}") from error
    if not PLAIN_ADDRESS.fullmatch(plain):
        raise BadAddress(f"not an address to write to: {text!r}")
    try:
        return Address(addr_spec=plain)
    except (HeaderParseError, ValueError, IndexError) as error:
        raise BadAddress(f"not an address to write to: {text!r}") from error
