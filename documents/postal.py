"""An e-mail that came back, as a letter ready to print and put into an envelope."""

import re
from dataclasses import dataclass, replace
from datetime import date, time
from enum import StrEnum

from documents.printable import breakable, printable
from documents.typesetting import CannotPrint, Json, typeset
from documents.wording import Language, weekday_date, words_of
from rules.civil_time import at_local
from rules.numbers import DossierNumber

_NO_GLYPH = "□"
_LONGEST_NAME = 80
_LONGEST_ADDRESS_LINE = 60
_MOST_ADDRESS_LINES = 5
_LONGEST_SUBJECT = 200
_LONGEST_PIECE = 6000
_ITEM = re.compile(r" *(?:(-)|(\d{1,3})\.) ")
_QUOTED = "    "


@dataclass(frozen=True, slots=True, kw_only=True)
class PostalLetter:
    """One letter for the post.

    *sent_on* is the day of the e-mail, *written_on* that of the paper. Without address
    lines the paper has room to write them.
    """

    language: Language
    dossier: DossierNumber
    recipient_name: str
    recipient_address_lines: tuple[str, ...] = ()
    sent_on: date
    written_on: date
    subject: str
    body_text: str
    office_name: str
    office_address_lines: tuple[str, ...] = ()


class Piece(StrEnum):
    """What a stretch of a letter's plain text is."""

    PARAGRAPH = "paragraph"
    BULLETS = "bullets"
    NUMBERS = "numbers"
    QUOTATION = "quotation"


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a quotation, or a list with its items; *first* is their number."""

    kind: Piece
    texts: tuple[str, ...]
    first: int = 0

    def followed_by(self, after: "Block") -> "Block | None":
        """Join the next item of the same list; None when *after* is something else."""
        if self.kind is Piece.BULLETS is after.kind:
            return replace(self, texts=self.texts + after.texts)
        goes_on = after.first == self.first + len(self.texts)
        if self.kind is Piece.NUMBERS is after.kind and goes_on:
            return replace(self, texts=self.texts + after.texts)
        return None


@dataclass(slots=True)
class _Open:
    """A piece while its lines are read; *margin* is where its next line begins."""

    kind: Piece
    text: str
    margin: int = 0
    number: int = 0

    def takes(self, line: str) -> bool:
        """Answer whether *line* goes on with this piece."""
        if self.kind is Piece.QUOTATION:
            return line.startswith(_QUOTED)
        if _ITEM.match(line):
            return False
        # An item's own margin may be as wide as a quotation's.
        return not line.startswith(_QUOTED) or _margin(line) == self.margin

    @property
    def block(self) -> Block:
        text = breakable(printable(self.text, limit=_LONGEST_PIECE))
        return Block(self.kind, (text,), self.number)


def postal_letter(letter: PostalLetter) -> bytes:
    """Print a letter: US Letter paper, the address where an envelope's window is.

    A character without a glyph is printed as an empty box: the words around it stay
    readable. The same facts give the same bytes.
    """
    dated = at_local(letter.written_on, time.min)
    facts = _facts(letter)
    try:
        return typeset("postal.typ", facts, dated=dated)
    except CannotPrint as lacking:
        boxed = _boxed(facts, lacking.characters)
        assert isinstance(boxed, dict)
        return typeset("postal.typ", boxed, dated=dated)


def address_lines(written: str | None) -> tuple[str, ...]:
    """Read an address written on one line, as the settings hold the Office's.

    >>> address_lines("5, rue Exemple; Québec (Québec)")
    ('5, rue Exemple', 'Québec (Québec)')
    """
    lines = (line.strip() for line in (written or "").split(";"))
    return tuple(line for line in lines if line)


def _facts(letter: PostalLetter) -> dict[str, Json]:
    language = letter.language
    say = words_of("postal", language)
    address = _lines(letter.recipient_address_lines)
    sent_on = weekday_date(letter.sent_on, language)
    return {
        "language": language,
        "title": printable(letter.subject, limit=_LONGEST_SUBJECT),
        "office": _lines((letter.office_name, *letter.office_address_lines)),
        "dated": say("dated", day=weekday_date(letter.written_on, language)),
        "dossier": say("dossier", number=letter.dossier),
        "name": breakable(printable(letter.recipient_name, limit=_LONGEST_NAME)),
        "address": address,
        "no_address": None if address else say("no_address"),
        "subject": breakable(
            say("subject", subject=printable(letter.subject, limit=_LONGEST_SUBJECT))
        ),
        "blocks": [
            {"kind": block.kind, "texts": list(block.texts), "first": block.first}
            for block in blocks(letter.body_text)
        ],
        "came_back": say("came_back", day=sent_on),
    }


def _lines(lines: tuple[str, ...]) -> list[Json]:
    seen = (printable(line, limit=_LONGEST_ADDRESS_LINE) for line in lines)
    kept: list[Json] = [breakable(line) for line in seen if line]
    return kept[:_MOST_ADDRESS_LINES]


def blocks(text: str) -> tuple[Block, ...]:
    """Read the layout of a letter's plain text back: paragraphs, lists, quotations.

    A blank line ends a paragraph, a dash or a number opens an item, a line set in by
    four spaces is a quotation.
    """
    found: list[Block] = []
    for stretch in re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n")):
        for piece in _pieces(stretch):
            joined = found[-1].followed_by(piece.block) if found else None
            if joined is None:
                found.append(piece.block)
            else:
                found[-1] = joined
    return tuple(block for block in found if any(block.texts))


def _pieces(stretch: str) -> list[_Open]:
    """Split what stands between blank lines; lines that go on are joined."""
    pieces: list[_Open] = []
    for line in stretch.splitlines():
        if not line.strip():
            continue
        if pieces and pieces[-1].takes(line):
            pieces[-1].text += f" {line.strip()}"
        else:
            pieces.append(_opened(line))
    return pieces


def _opened(line: str) -> _Open:
    item = _ITEM.match(line)
    if item is None:
        quoted = line.startswith(_QUOTED)
        return _Open(Piece.QUOTATION if quoted else Piece.PARAGRAPH, line.strip())
    kind = Piece.BULLETS if item[1] else Piece.NUMBERS
    return _Open(kind, line[item.end() :].strip(), item.end(), int(item[2] or 0))


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _boxed(value: Json, lacking: frozenset[str]) -> Json:
    """Put a box in the place of each character that cannot be shown."""
    if isinstance(value, str):
        return "".join(_NO_GLYPH if c in lacking else c for c in value)
    if isinstance(value, list):
        return [_boxed(each, lacking) for each in value]
    if isinstance(value, dict):
        return {name: _boxed(each, lacking) for name, each in value.items()}
    return value
