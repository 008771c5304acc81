"""Dossier and permit numbers: read what a person wrote, or say what is wrong."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import NewType

DossierNumber = NewType("DossierNumber", str)
PermitNumber = NewType("PermitNumber", str)


class NumberProblem(StrEnum):
    """What is wrong with a number, by the key under which letters and pages word it."""

    EMPTY = "empty"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    WRONG_PREFIX = "wrong_prefix"
    WRONG_YEAR = "wrong_year"
    LOOKALIKE = "lookalike"
    WRONG_CHARACTER = "wrong_character"


class BadNumber(ValueError):  # noqa: N818 -- named as the person is told: a bad number
    """A number cannot be read; *detail* is the count, character or part at fault.

    Nothing is ever guessed: the person is asked.
    """

    def __init__(self, problem: NumberProblem, detail: str = "") -> None:
        super().__init__(problem, detail)
        self.problem = problem
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.problem}: {self.detail}" if self.detail else self.problem.value


_LENGTH = 15  # (OPC, exam, 2021-05-03)
_PREFIX = "CAR"
_YEAR = slice(3, 7)
_CENTURY = "20"
_LONGEST_PERMIT = 20

_NOT_A_DIGIT = frozenset("OoIiLl")  # letters that pass for 0 and 1
_NUMBER_CHARACTERS = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_PERMIT_CHARACTERS = _NUMBER_CHARACTERS | frozenset("-./ ")

_OTHER_DASHES = frozenset("\u02d7\u2043\u2212")  # dashes by look, not by class
# Cyrillic, then Greek, then Latin letters that pass for a letter or digit of a number.
_LOOKALIKES = str.maketrans(
    "АВСЕНІЈКМОРЅТУХЗаеорсухіјѕ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧονι" + "ıØø",
    "ABCEHIJKMOPSTYX3aeopcyxijs" + "ABEZHIKMNOPTYXovi" + "iOo",
)


def parse_dossier_number(text: str) -> DossierNumber:
    """Read one number: 15 characters, CAR20, then 2 digits (OPC, exam, 2021-05-03).

    Case, spaces and dashes do not count. Whether the last eight are digits is not
    known, so their letters stay as they are, O and I too. Raises BadNumber.

    >>> parse_dossier_number("car 2026-0001 2345")
    'CAR202600012345'
    """
    written = "".join(c for c in text if not _separates(c))
    if not written:
        raise BadNumber(NumberProblem.EMPTY)
    _check_characters(written, _NUMBER_CHARACTERS)
    if len(written) < _LENGTH:
        raise BadNumber(NumberProblem.TOO_SHORT, str(len(written)))
    if len(written) > _LENGTH:
        raise BadNumber(NumberProblem.TOO_LONG, str(len(written)))
    number = written.upper()
    if not number.startswith(_PREFIX):
        raise BadNumber(NumberProblem.WRONG_PREFIX, number[: len(_PREFIX)])
    _check_year(written[_YEAR])
    return DossierNumber(number)


def parse_permit_number(text: str) -> PermitNumber:
    """Read an agent's permit number: opaque, its shape is not published.

    1 to 20 letters, digits, dashes, dots, slashes and single spaces, in upper case;
    the register of the Office alone knows whether it exists. Raises BadNumber.

    >>> parse_permit_number("  ra 12\u20133 ")
    'RA 12-3'
    """
    visible = (c for c in text if not _is_invisible(c))
    dashed = "".join("-" if _is_dash(c) else c for c in visible)
    number = " ".join(dashed.split())
    if not number:
        raise BadNumber(NumberProblem.EMPTY)
    _check_characters(number, _PERMIT_CHARACTERS)
    if len(number) > _LONGEST_PERMIT:
        raise BadNumber(NumberProblem.TOO_LONG, str(len(number)))
    return PermitNumber(number.upper())


def find_dossier_numbers(text: str) -> tuple[DossierNumber, ...]:
    """List the well-formed numbers of a running text, in order, each once.

    >>> find_dossier_numbers("Mon dossier CAR 2026 0001 2345 et le CAR2024ABCD1234.")
    ('CAR202600012345', 'CAR2024ABCD1234')
    """
    found = (passage.number for passage in _passages(text))
    return tuple(dict.fromkeys(number for number in found if number is not None))


def find_suspicious_numbers(text: str) -> tuple[str, ...]:
    """List what looks like a number and is none, as it was written, each once.

    For asking the person, never for correcting. A number of the sibling kind (CCV)
    is here too.

    >>> find_suspicious_numbers("CAR2O2600012345 ou CAR20260001234 ?")
    ('CAR2O2600012345', 'CAR20260001234')
    """
    return tuple(
        dict.fromkeys(
            passage.text
            for passage in _passages(text)
            if passage.number is None and passage.looks_like_a_number
        )
    )


def _is_invisible(char: str) -> bool:
    # Marks without a width, soft hyphens too, as pasted text carries them.
    return unicodedata.category(char) == "Cf"


def _is_dash(char: str) -> bool:
    return unicodedata.category(char) == "Pd" or char in _OTHER_DASHES


def _separates(char: str) -> bool:
    return char.isspace() or _is_dash(char) or _is_invisible(char)


def _check_characters(written: str, allowed: frozenset[str]) -> None:
    """Raise BadNumber for the first character that is not allowed in either case."""
    for char in written:
        # Only ASCII has a case here: « ı ».upper() would pass for an I.
        if char.isascii() and char.upper() in allowed:
            continue
        if _plain(char) != char:
            raise BadNumber(NumberProblem.LOOKALIKE, char)
        raise BadNumber(NumberProblem.WRONG_CHARACTER, char)


def _check_year(year: str) -> None:
    for char in year:
        if char in _NOT_A_DIGIT:
            raise BadNumber(NumberProblem.LOOKALIKE, char)
    if not (year.isdigit() and year.startswith(_CENTURY)):
        raise BadNumber(NumberProblem.WRONG_YEAR, year)


def _plain(char: str) -> str:
    """Name the ASCII letter or digit that *char* passes for, or *char* itself."""
    if char.isascii():
        return char
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return str(digit)
    plain = unicodedata.normalize("NFKC", char).translate(_LOOKALIKES)
    return plain if len(plain) == 1 and plain.isascii() and plain.isalnum() else char


# In running text a number is made of whole groups of letters and digits. What joins
# two groups decides how much of a stranger the next one may be.


class _Join(Enum):
    """What stands between a group and the one before it."""

    TIGHT = auto()  # a dash alone
    LOOSE = auto()  # a space, or a dash between spaces
    APART = auto()  # anything else: a full stop, a comma, the end of a line


@dataclass(frozen=True, slots=True)
class _Group:
    """A run of letters and digits, and how the text comes to it."""

    text: str
    start: int
    end: int
    before: str

    @property
    def join(self) -> _Join:
        return _join(self.before)

    @property
    def is_word(self) -> bool:
        return not any(char.isdigit() for char in self.text)


@dataclass(frozen=True, slots=True)
class _Passage:
    """A stretch of text that begins as a number does."""

    text: str
    groups: tuple[_Group, ...]

    @property
    def number(self) -> DossierNumber | None:
        """Read the number, unless a word of the sentence may be a part of it."""
        if any(g.join is _Join.LOOSE and g.is_word for g in self.groups[1:]):
            return None
        try:
            return parse_dossier_number(self.text)
        except BadNumber:
            return None

    @property
    def looks_like_a_number(self) -> bool:
        """Tell a number badly written from « car 2026 » and « CAR20 »."""
        first = self.groups[0].text
        written = "".join(group.text for group in self.groups)
        if _GLUED_TO_A_WORD.match(_folded(first)):
            return True
        if not _SHAPE.match(_folded(written)) or len(written) > _FAR_TOO_LONG:
            return False
        if len(first) > len(_PREFIX):
            return len(written) >= _YEAR.stop
        return len(written) > _YEAR.stop and len(self.groups[1].text) >= len("2026")


# A combining mark belongs to its letter; « nº » ends before its number.
_GROUP = re.compile(r"[^\W_ªº](?:[^\W_ªº]|[\u0300-\u036f])*")
_BEGINNING = re.compile(r"(CAR|CCV)(\d|$)")
_SHAPE = re.compile(r"(CAR|CCV)(2[0O]|\d{4})")
_GLUED_TO_A_WORD = re.compile(r".+(CAR|CCV)(2[0O]|\d{4})\w{8,10}$")
_WIDEST_JOIN = 3
_SHORT_GROUP = 2
_SLIP = 2
_FAR_TOO_LONG = 40


def _passages(text: str) -> Iterator[_Passage]:
    groups = list(_groups(text))
    at = 0
    while at < len(groups):
        taken = _taken(groups, at)
        if not taken:
            at += 1
            continue
        at += len(taken)
        passage = text[taken[0].start : taken[-1].end]
        yield _Passage(passage, tuple(taken))


def _groups(text: str) -> Iterator[_Group]:
    end = 0
    for match in _GROUP.finditer(text):
        before = text[end : match.start()]
        end = match.end()
        yield _Group(match.group(), match.start(), end, before)


def _join(between: str) -> _Join:
    on_one_line = " ".join(between.splitlines()) == between and "\t" not in between
    if not between or len(between) > _WIDEST_JOIN or not on_one_line:
        return _Join.APART
    if all(_is_dash(c) or _is_invisible(c) for c in between):
        return _Join.TIGHT
    if all(_separates(c) for c in between):
        return _Join.LOOSE
    return _Join.APART


def _taken(groups: list[_Group], at: int) -> list[_Group]:
    """Take the groups of one passage; none when no number begins at *at*."""
    first = _folded(groups[at].text)
    if _GLUED_TO_A_WORD.match(first):
        return [groups[at]]
    if not _BEGINNING.match(first):
        return []
    taken = [groups[at]]
    while at + len(taken) < len(groups):
        following = groups[at + len(taken)]
        if not _goes_on(taken, following):
            break
        taken.append(following)
    return _without_strangers(taken)


def _goes_on(taken: list[_Group], following: _Group) -> bool:
    size = sum(len(group.text) for group in taken)
    if following.join is _Join.APART or _SHAPE.match(_folded(following.text)):
        return False
    if size >= _LENGTH:  # complete, unless a dash ties one more figure to it
        return (
            size == _LENGTH and following.join is _Join.TIGHT and not following.is_word
        )
    if following.is_word:
        return _word_goes_on(taken, following, size)
    return size + len(following.text) <= _LENGTH + _SLIP


def _word_goes_on(taken: list[_Group], word: _Group, size: int) -> bool:
    """Answer whether letters alone may be a part of the number.

    Tied by a dash, in the number's own case, they are. After a space, four capitals
    are a part or a word: enough to ask, not to believe.
    """
    in_capitals = word.text.isupper()
    if word.join is _Join.LOOSE:
        return in_capitals and len(word.text) == len("ABCD")
    same_case = in_capitals == taken[0].text[: len(_PREFIX)].isupper()
    return same_case and size + len(word.text) <= _LENGTH + _SLIP


def _without_strangers(taken: list[_Group]) -> list[_Group]:
    """Give back to the sentence its own figures and words: « … 2 fois »."""
    last = taken[-1]
    if (
        last.join is _Join.LOOSE
        and len(last.text) <= _SHORT_GROUP
        and len(taken) > 1
        and len(taken[-2].text) != len(last.text)
    ):
        taken = taken[:-1]
    if sum(len(group.text) for group in taken) != _LENGTH:
        for index, group in enumerate(taken):
            if index and group.join is _Join.LOOSE and group.is_word:
                return taken[:index]
    return taken


def _folded(text: str) -> str:
    if text.isascii():
        return text.upper()
    return "".join(_plain(char) for char in text).upper()
