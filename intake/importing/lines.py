"""Each line of a file, understood as a holder of a certificate, or refused and why."""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import lru_cache
from hashlib import sha256

from intake.importing.faults import Fault, LineFault
from intake.importing.reading import FORMULA, Column, Line, Sheet
from records.opening import name_key
from rules.civil_time import last_day, term_end
from rules.dossier import Exam, Link, Term
from rules.numbers import (
    BadNumber,
    DossierNumber,
    PermitNumber,
    parse_dossier_number,
    parse_permit_number,
)
from rules.policy import Policy

REGIME_BEGAN_ON = date(2019, 8, 1)
"""No certificate and no exam lies before the regime's first day (OPC, definition)."""

_SEVERAL = "|"
_LONGEST = 200
_LONGEST_EMAIL = 254
_LANGUAGES = frozenset({"fr", "en"})
_EMAIL = re.compile(r"[^@\s<>()\[\],;:\"\\]+@[^@\s<>()\[\],;:\"\\]+\.[^@\s.]{2,}")
_DAY = re.compile(r"([0-9]{4})[-/]([0-9]{2})[-/]([0-9]{2})")
_TWO_WAYS = re.compile(r"[0-9]{1,2}[-/. ][0-9]{1,2}[-/. ][0-9]{2,4}")
# What UTF-8 becomes when it is read as Windows' letters, and read once more.
_BADLY_CONVERTED = re.compile("[ÃÂ][\u0080-\u00bf‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]|\ufffd")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """One holder as a line tells it; whoever tells the same has the same *key*."""

    number: DossierNumber
    name: str
    email: str
    language: str
    exam: Exam
    term: Term
    links: tuple[Link, ...]
    person_key: str  # name and address, as records.opening tells persons apart

    @property
    def key(self) -> str:
        """Identify what is asked by its content: told again, nothing is made again."""
        told = [
            *(self.number, self.name, self.email, self.language),
            *map(str, (self.exam.passed_on, self.term.start, self.term.echeance)),
            *(f"{x.permit} {x.since} {x.until}" for x in self.links),
        ]
        return f"import:{sha256(json.dumps(told).encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Understood:
    """A line as it was understood: *holder* is None where *faults* say why not."""

    at: int
    holder: Holder | None
    faults: tuple[Fault, ...] = ()

    def refused(self, *faults: Fault) -> "Understood":
        """Refuse it after all."""
        return replace(self, holder=None, faults=(*self.faults, *faults))


def understand(sheet: Sheet, policy: Policy, today: date) -> tuple[Understood, ...]:
    """Understand every line as of *today*; of two that exclude each other, the first
    stands.
    """
    numbers: dict[str, int] = {}
    live: dict[str, int] = {}
    return tuple(
        _alone(_understood(sheet, line, policy, today), numbers, live, today)
        for line in sheet.lines
    )


def _alone(
    line: Understood, numbers: dict[str, int], live: dict[str, int], today: date
) -> Understood:
    holder = line.holder
    if holder is None:
        return line
    if holder.number in numbers:
        before = str(numbers[holder.number])
        return line.refused(Fault(LineFault.NUMBER_TWICE, Column.NUMBER, before))
    if holder.term.echeance > today:
        if holder.person_key in live:
            before = str(live[holder.person_key])
            return line.refused(Fault(LineFault.PERSON_TWICE, Column.NAME, before))
        live[holder.person_key] = line.at
    numbers[holder.number] = line.at
    return line


def _understood(sheet: Sheet, line: Line, policy: Policy, today: date) -> Understood:
    if len(line.cells) != len(sheet.headings):
        how_many = Fault(LineFault.CELLS, detail=str(len(line.cells)))
        return Understood(line.at, None, (how_many,))
    reading = _Reading(sheet.cells_of(line), policy, today)
    holder = reading.holder()
    return Understood(line.at, holder, tuple(dict.fromkeys(reading.faults)))


@dataclass(slots=True)
class _Reading:
    """One line as it is read: every fault is found, not only the first."""

    cells: Mapping[Column, str]
    policy: Policy
    today: date
    faults: list[Fault] = field(default_factory=list)

    def holder(self) -> Holder | None:
        self._look_at_text()
        number = self._number()
        name = self._needed(Column.NAME)
        email = self._email()
        language = self._language()
        term = self._term()
        exam = self._exam(term, number)
        links = self._links(term, number)
        if self.faults or term is None or exam is None or number is None:
            return None
        name = " ".join(name.split())
        return Holder(
            number=number,
            name=name,
            email=email,
            language=language,
            exam=exam,
            term=term,
            links=links,
            person_key=f"{email.lower()}\n{name_key(name)}",
        )

    def _wrong(self, code: LineFault, column: Column, detail: object = "") -> None:
        self.faults.append(Fault(code, column, str(detail)))

    def _look_at_text(self) -> None:
        for column, cell in self.cells.items():
            if not _is_text(cell):
                self._wrong(LineFault.BAD_TEXT, column)
            if cell.removeprefix("'").startswith(FORMULA):
                self._wrong(LineFault.FORMULA, column, cell.removeprefix("'")[0])
            if len(cell) > _LONGEST:
                self._wrong(LineFault.TOO_LONG, column, _LONGEST)

    def _needed(self, column: Column) -> str:
        cell = self.cells[column]
        if not cell:
            self._wrong(LineFault.MISSING, column)
        return cell

    def _number(self) -> DossierNumber | None:
        if not (written := self._needed(Column.NUMBER)):
            return None
        try:
            return parse_dossier_number(written)
        except BadNumber:
            self._wrong(LineFault.BAD_NUMBER, Column.NUMBER, written[:60])
            return None

    def _email(self) -> str:
        written = self._needed(Column.EMAIL)
        if written and (not _EMAIL.fullmatch(written) or len(written) > _LONGEST_EMAIL):
            self._wrong(LineFault.BAD_EMAIL, Column.EMAIL, written[:60])
        return written

    def _language(self) -> str:
        """French unless another language is asked for."""
        written = self.cells.get(Column.LANGUAGE, "").lower() or "fr"
        if written not in _LANGUAGES:
            self._wrong(LineFault.BAD_LANGUAGE, Column.LANGUAGE, written[:60])
        return written

    def _day(self, column: Column, written: str) -> date | None:
        if not written:
            return None
        if read := _DAY.fullmatch(written):
            try:
                return date(int(read[1]), int(read[2]), int(read[3]))
            except ValueError:
                pass
        two_ways = _TWO_WAYS.fullmatch(written)
        code = LineFault.AMBIGUOUS_DATE if two_ways else LineFault.BAD_DATE
        self._wrong(code, column, written[:60])
        return None

    def _needed_day(self, column: Column) -> date | None:
        return self._day(column, self._needed(column))

    def _term(self) -> Term | None:
        start = self._needed_day(Column.START)
        valid_until = self._needed_day(Column.VALID_UNTIL)
        if start is None or valid_until is None:
            return None
        if start < REGIME_BEGAN_ON:
            self._wrong(LineFault.BEFORE_THE_REGIME, Column.START, start)
        if start > self.today:
            self._wrong(LineFault.STARTS_AHEAD, Column.START, start)
        if valid_until < start:
            self._wrong(LineFault.TERM_BACKWARDS, Column.VALID_UNTIL, valid_until)
            return None
        longest = term_end(
            start, self.policy.term_years, leap_day=self.policy.leap_day_term
        )
        # « valide jusqu'au » : that day is in; the échéance is the day after.
        if valid_until >= longest:
            latest = last_day(longest)
            self._wrong(LineFault.TERM_TOO_LONG, Column.VALID_UNTIL, latest)
            return None
        return Term(start, valid_until + timedelta(days=1))

    def _exam(self, term: Term | None, number: str | None) -> Exam | None:
        passed_on = self._needed_day(Column.PASSED_ON)
        if passed_on is None:
            return None
        if passed_on > self.today:
            self._wrong(LineFault.EXAM_AHEAD, Column.PASSED_ON, passed_on)
        elif passed_on < REGIME_BEGAN_ON:
            self._wrong(LineFault.BEFORE_THE_REGIME, Column.PASSED_ON, passed_on)
        elif term is not None and passed_on > term.start:
            self._wrong(LineFault.EXAM_AFTER_START, Column.PASSED_ON, passed_on)
        if term is None:
            return None
        return Exam(f"{number}-exam", passed_on, here_since=term.start)

    def _links(self, term: Term | None, number: str | None) -> tuple[Link, ...]:
        permits = tuple(self._permits())
        since = self._days_of_links(Column.LINKED_SINCE, len(permits))
        until = self._days_of_links(Column.LINKED_UNTIL, len(permits))
        if term is None or len(permits) != len(since) or len(permits) != len(until):
            return ()
        links = tuple(
            Link(f"{number}-{place}", permit, begun, since=begun, until=ended)
            for place, (permit, begun, ended) in enumerate(
                zip(permits, (day or term.start for day in since), until, strict=True),
                1,
            )
        )
        for link in links:
            assert link.since is not None
            backwards = link.until is not None and link.until < link.since
            if backwards or link.since > max(self.today, term.start):
                column = Column.LINKED_UNTIL if backwards else Column.LINKED_SINCE
                self._wrong(LineFault.LINK_BACKWARDS, column, link.permit)
        return links

    def _permits(self) -> Iterator[PermitNumber]:
        for written in self._needed(Column.PERMITS).split(_SEVERAL):
            try:
                yield _permit(written)
            except BadNumber:
                if written.strip():
                    detail = written.strip()[:60]
                    self._wrong(LineFault.BAD_PERMIT, Column.PERMITS, detail)

    def _days_of_links(self, column: Column, links: int) -> list[date | None]:
        """Read one day for all links, or one a link; an empty one tells nothing."""
        written = [day.strip() for day in self.cells.get(column, "").split(_SEVERAL)]
        if len(written) not in {1, links}:
            self._wrong(LineFault.LINKS_APART, column, len(written))
            return []
        days = [self._day(column, day) for day in written]
        return days if len(days) == links else days * links


def _is_text(cell: str) -> bool:
    """Answer whether a cell is what somebody typed; most need only one look."""
    if not cell.isprintable() and any(
        unicodedata.category(c) in {"Cc", "Cs", "Cf"} for c in cell
    ):
        return False
    return cell.isascii() or not _BADLY_CONVERTED.search(cell)


@lru_cache(maxsize=1000)
def _permit(written: str) -> PermitNumber:
    """Read a permit number; a file repeats a few of them."""
    return parse_permit_number(written)
