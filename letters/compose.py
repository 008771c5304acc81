"""From facts to a letter: the words in one language, and headers nobody can forge."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import fields
from datetime import date, timedelta
from email.errors import HeaderParseError
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from functools import cache, partial
from pathlib import Path

from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    meta,
    select_autoescape,
)

from letters.facts import LetterFacts, Notice
from letters.layout import french_spacing, laid_out
from letters.plain import PLAIN_ADDRESS, one_line
from letters.wording import FILTERS, LANGUAGES, Language, last_minute, quoted
from rules.civil_time import ZONE, civil_date

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


class _LetterPolicy(EmailPolicy):
    """SMTP's own policy, but for the folding of a subject.

    The standard one leaves an empty first line or doubles a space in some subjects.
    """

    def fold(self, name: str, value: str) -> str:
        if name != "Subject":
            return str(super().fold(name, value))
        plain = str(value)
        charset = None if plain.isascii() else "utf-8"
        longest = _LONGEST_LINE if plain.isascii() else self.max_line_length
        header = Header(plain, charset, maxlinelen=longest, header_name=name)
        return f"{name}: {header.encode(linesep=self.linesep)}{self.linesep}"

    def fold_binary(self, name: str, value: str) -> bytes:
        if name != "Subject":
            return super().fold_binary(name, value)
        return self.fold(name, value).encode("ascii")


# Quoted-printable allows lines of 76.
_POLICY = _LetterPolicy(linesep="\r\n", max_line_length=76)


class BadAddress(ValueError):  # noqa: N818  it reads as what was given
    """An address that cannot be written to safely; a person must look at it."""


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
) -> EmailMessage:
    """Compose one letter to one recipient.

    *return_path* is kept in the message as the address bounces go to; the client
    of letters.smtp does not put that header on the wire. Replies go to the intake.
    Raises jinja2.UndefinedError for a fact the letter needs and does not have,
    BadAddress for an address, ValueError for an unknown notice or a bad Message-ID.
    """
    if not _MESSAGE_ID.fullmatch(message_id):
        raise ValueError(f"not a Message-ID: {message_id!r}")
    letter = EmailMessage(policy=_POLICY)
    letter["From"] = _address(sender)
    letter["To"] = _address(recipient)
    if facts.intake_address is not None:
        letter["Reply-To"] = _address(facts.intake_address)
    if return_path is not None:
        letter["Return-Path"] = f"<{_address(return_path).addr_spec}>"
    letter["Subject"] = subject(facts, language)
    letter["Date"] = facts.occurred_at.astimezone(ZONE)
    letter["Message-ID"] = message_id
    letter["Auto-Submitted"] = "auto-generated"
    letter["X-Echeance-Letter"] = facts.notice
    # Quoted-printable passes a relay that knows neither 8BITMIME nor SMTPUTF8.
    letter.set_content(body(facts, language), charset="utf-8", cte="quoted-printable")
    letter["Content-Language"] = f"{language}-CA"  # set_content drops Content-* headers
    return letter


def subject(facts: LetterFacts, language: Language) -> str:
    """Word the subject: one line, the dossier number and the point."""
    line = one_line(_rendered(facts, language, "subject.txt"))
    # The standard library decodes what looks like an encoded word of RFC 2047, line
    # ends included, and would write them out as new headers.
    return line.replace("=?", "= ?")


def body(facts: LetterFacts, language: Language) -> str:
    """Word the plain text, laid out for 76 columns."""
    text = _rendered(facts, language, "body.txt")
    return laid_out(french_spacing(text) if language == "fr" else text)


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
    for path in sorted(folder.rglob("*.txt")):
        _check_variables(path)


def _check_variables(path: Path) -> None:
    known = {f.name for f in fields(LetterFacts)} | _DERIVED
    environment = _environment("fr")
    tree = environment.parse(path.read_text(encoding="utf-8"), filename=str(path))
    if unknown := sorted(meta.find_undeclared_variables(tree) - known):
        raise ValueError(f"{path} says {unknown[0]!r}, which is no fact of a letter")


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
    if facts.echeance is not None:
        said.setdefault("last_valid_day", facts.echeance - timedelta(days=1))
    limit = facts.act_before or said.get("last_valid_day")
    if isinstance(limit, date):
        said.setdefault("days_left", (limit - occurred_on).days)
    return said


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
