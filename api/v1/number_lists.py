"""Lists of numbers as agencies keep them: CSV or plain text in, CSV out."""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from api.codes import Code
from api.errors import Refused
from letters.plain import one_line

LONGEST_LIST = 500
"""In lines that hold something."""

COLUMNS = (
    *("line", "written", "number", "status", "kind", "last_valid_day", "as_of"),
    *("error_code", "error"),
)
_LONGEST_CELL = 60
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# A spreadsheet takes what begins so for a formula, in wide characters too.
_FORMULA = tuple("=+-@\t\r＝＋－＠")


@dataclass(frozen=True, slots=True)
class Written:
    """What stands first on a line of the list; lines are counted from one."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class NumberList:
    """A list that was read, and how its answer is to be written."""

    lines: tuple[Written, ...]
    delimiter: str
    marked: bool  # it bore a byte order mark, as a spreadsheet's file does

    @classmethod
    def read(cls, body: bytes) -> "NumberList":
        """Read the first column; a first line without a digit is a heading.

        Raises Refused for a list that is too long, or that is no list.
        """
        wide = body.startswith(_UTF16)
        text = body.decode("utf-16" if wide else "utf-8-sig", errors="replace")
        delimiter = _delimiter_of(text)
        try:
            lines = tuple(_first_cells(text, delimiter))
        except csv.Error:
            raise Refused(Code.BAD_REQUEST) from None
        if lines and not any(char.isdigit() for char in lines[0].text):
            lines = lines[1:]
        if len(lines) > LONGEST_LIST:
            raise Refused(Code.TOO_MANY_LINES, most=LONGEST_LIST)
        return cls(lines, delimiter, wide or body.startswith(codecs.BOM_UTF8))

    def answered(self, rows: Iterable[Iterable[object]]) -> bytes:
        """Write rows of COLUMNS as a file like the one that was sent."""
        made = io.StringIO(newline="")
        writer = csv.writer(made, delimiter=self.delimiter)
        writer.writerow(COLUMNS)
        writer.writerows([_cell(value) for value in row] for row in rows)
        encoding = "utf-8-sig" if self.marked else "utf-8"
        return made.getvalue().encode(encoding)


def _first_cells(text: str, delimiter: str) -> Iterator[Written]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    for row in reader:
        if row and row[0].strip():
            yield Written(reader.line_num, row[0])


def _delimiter_of(text: str) -> str:
    first = next((line for line in text.splitlines() if line.strip()), "")
    return next((sign for sign in (";", "\t") if sign in first), ",")


def _cell(value: object) -> str:
    """Write a cell that no spreadsheet takes for a formula."""
    text = "" if value is None else one_line(str(value), limit=_LONGEST_CELL * 10)
    return f"'{text}" if text.startswith(_FORMULA) else text


def shown(text: str) -> str:
    """Show what was written, cut where nobody would read on."""
    return one_line(text, limit=_LONGEST_CELL)
