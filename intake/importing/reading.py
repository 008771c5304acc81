"""A file of certificates, read as it was written: never guessed at, never mended."""

import codecs
import csv
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from intake.importing.faults import FileFault, FileRefused

MOST_BYTES = 10 * 1024 * 1024
"""The largest file that is read."""

MOST_LINES = 50_000
"""The most lines that one file may hold, its headings apart."""

REFUSAL = "refus"
"""The column of reasons in a file of refused lines; it may be left in when mended."""

_MARK = codecs.BOM_UTF8
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SEPARATORS = (";", ",")
# A spreadsheet takes what begins so for a formula.
FORMULA = tuple("=+-@\t")


class Column(StrEnum):
    """The columns of the file, by their first name."""

    NUMBER = "numero"
    NAME = "nom"
    EMAIL = "courriel"
    LANGUAGE = "langue"
    PASSED_ON = "reussite_examen"
    START = "debut"
    VALID_UNTIL = "valide_jusqu_au"
    PERMITS = "permis"
    LINKED_SINCE = "lie_depuis"
    LINKED_UNTIL = "lie_jusqu_au"


_NEEDED = frozenset(Column) - {
    Column.LANGUAGE,
    Column.LINKED_SINCE,
    Column.LINKED_UNTIL,
}
_IN_ENGLISH = {
    "number": Column.NUMBER,
    "name": Column.NAME,
    "email": Column.EMAIL,
    "language": Column.LANGUAGE,
    "exam_passed": Column.PASSED_ON,
    "start": Column.START,
    "valid_until": Column.VALID_UNTIL,
    "permits": Column.PERMITS,
    "linked_since": Column.LINKED_SINCE,
    "linked_until": Column.LINKED_UNTIL,
}
_REASONS = frozenset({REFUSAL, "refusal"})


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file; *at* is where it ends in it, counted from one."""

    at: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file that was read: *content* is its bytes in UTF-8, whatever they were."""

    content: bytes
    separator: str
    headings: tuple[str, ...]
    columns: tuple[Column | None, ...]
    lines: tuple[Line, ...]

    @property
    def import_id(self) -> str:
        """Name the import of this file: the same file is the same import."""
        return sha256(self.content).hexdigest()

    def cells_of(self, line: Line) -> dict[Column, str]:
        """Name the cells of a line that has as many as there are headings."""
        return {
            column: cell.strip()
            for column, cell in zip(self.columns, line.cells, strict=True)
            if column is not None
        }

    def refused_file(self, reasons: dict[int, str]) -> bytes:
        """Write the lines of *reasons* as a file that can be mended and given again."""
        made = io.StringIO(newline="")
        writer = csv.writer(made, delimiter=self.separator)
        kept = [place for place, column in enumerate(self.columns) if column]
        writer.writerow([*(self.headings[place] for place in kept), REFUSAL])
        for line in self.lines:
            if line.at in reasons:
                whole = [*line.cells, *[""] * len(self.columns)]
                cells = [_cell(whole[place]) for place in kept]
                # What no heading announces stands behind the reasons, and is not lost.
                beyond = map(_cell, line.cells[len(self.columns) :])
                writer.writerow([*cells, reasons[line.at], *beyond])
        return _MARK + made.getvalue().encode()


def read_sheet(body: bytes, encoding: str = "utf-8") -> Sheet:
    """
    Read a file of bytes; *encoding* is "utf-8" (a mark may stand first) or "cp1252".

    Raises FileRefused: what is not certain is asked of the person.
    """
    if len(body) > MOST_BYTES:
        raise FileRefused(FileFault.TOO_LARGE, str(MOST_BYTES // 1024 // 1024))
    text = _text(body, encoding)
    if not text.strip():
        raise FileRefused(FileFault.EMPTY)
    separator = _separator(text)
    lines = tuple(_lines(text, separator))
    headings, columns = _headings(lines[0])
    return Sheet(text.encode(), separator, headings, columns, lines[1:])


def _text(body: bytes, encoding: str) -> str:
    if body.startswith(_WIDE):
        raise FileRefused(FileFault.ENCODING, "1")
    try:
        text = body.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as wrong:
        at = body.count(b"\n", 0, wrong.start) + 1
        raise FileRefused(FileFault.ENCODING, str(at)) from None
    if "\0" in text:
        at = text[: text.index("\0")].count("\n") + 1
        raise FileRefused(FileFault.ENCODING, str(at))
    return text


def _separator(text: str) -> str:
    first = next(line for line in text.splitlines() if line.strip())
    found = [sign for sign in _SEPARATORS if sign in first]
    if len(found) != 1:
        raise FileRefused(FileFault.SEPARATOR)
    return found[0]


def _lines(text: str, separator: str) -> Iterator[Line]:
    # Strict: a quote left open would swallow the lines behind it.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    held = 0
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                held += 1
                if held > MOST_LINES + 1:
                    raise FileRefused(FileFault.TOO_MANY_LINES, str(MOST_LINES))
                yield Line(reader.line_num, tuple(cells))
    except csv.Error:
        raise FileRefused(FileFault.QUOTES, str(reader.line_num)) from None


def _headings(line: Line) -> tuple[tuple[str, ...], tuple[Column | None, ...]]:
    columns = tuple(_column(heading) for heading in line.cells)
    known = [column for column in columns if column is not None]
    for column in known:
        if known.count(column) > 1:
            raise FileRefused(FileFault.TWICE_A_COLUMN, column)
    if lacking := sorted(_NEEDED - set(known)):
        raise FileRefused(FileFault.LACKS_A_COLUMN, ", ".join(lacking))
    return line.cells, columns


def _column(heading: str) -> Column | None:
    """Read a heading without case, accents or apostrophes; None for the reasons."""
    apart = unicodedata.normalize("NFKD", heading.strip().casefold())
    bare = "".join(c for c in apart if not unicodedata.combining(c))
    name = "_".join("".join(c if c.isalnum() else " " for c in bare).split())
    if name in _REASONS:
        return None
    if name in set(Column):
        return Column(name)
    if name in _IN_ENGLISH:
        return _IN_ENGLISH[name]
    raise FileRefused(FileFault.UNKNOWN_COLUMN, heading.strip())


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
