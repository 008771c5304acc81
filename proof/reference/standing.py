"""One dossier as far as it was told: what is so on a given day (§3, §9)."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple, Optional

from proof.reference.days import (
    DAY,
    EXAM_LADDER,
    LADDER,
    instant,
    ladder,
    months_on,
    open_day,
    two_years_to_act,
)

Step = tuple[str, str, datetime, datetime]
"""A letter of the calendar: its key, its notice, from when and until when it serves."""


@dataclass(slots=True)
class Bill:
    """A fee that was asked."""

    kind: str
    renews: date | None = None
    payment: str = ""
    paid_on: date | None = None
    void: date | None = None
    next: Optional["Bill"] = None  # what took its place
    owed: bool = False  # taken back once its term had begun: it may be paid again

    @property
    def counts(self) -> bool:
        """Whether money was taken for it, and not taken back."""
        return self.paid_on is not None and self.void is None


class Exam(NamedTuple):
    """A result: since when this dossier has it, and the last day on which it serves."""

    name: str
    passed: date
    here_since: date
    limit: date
    moved_here: bool = False


class Term(NamedTuple):
    """Two years, and the bill that paid them, of a term that began here."""

    start: date
    echeance: date
    bill: Bill | None = None


class Link(NamedTuple):
    """Under an agency's permit, from a day to another, exclusive."""

    permit: str
    since: date
    until: date | None = None


@dataclass(slots=True)
class Standing:
    """What was told of a dossier, and what follows from it on a day."""

    number: str
    opened: date
    spread_s: int
    terms: list[Term] = field(default_factory=list)
    exam: Exam | None = None
    links: dict[str, Link] = field(default_factory=dict)
    permits: list[tuple[str, date, bool]] = field(default_factory=list)
    bills: list[Bill] = field(default_factory=list)
    request: str = ""
    closed: bool = False

    def linked(self, day: date) -> bool:
        """A link that counts: begun, not ended, with a valid permit (§3, §9.9)."""
        return any(
            link.since <= day
            and (link.until is None or day < link.until)
            and self._valid(link.permit, day)
            for link in self.links.values()
        )

    def _valid(self, permit: str, day: date) -> bool:
        told = ((d, v) for p, d, v in self.permits if p == permit and d <= day)
        return max(told, default=(day, True))[1]

    def gaps(self) -> list[tuple[date, date | None]]:
        """Stretches without a link since the first term, told ahead or past."""
        first = self.terms[0].start if self.terms else self.opened
        states = [(d, self.linked(d)) for d in sorted({first, *self._link_days()})]
        edges = [x for n, x in enumerate(states) if n == 0 or states[n - 1][1] != x[1]]
        gaps = [
            (
                day if n else max(day, first),
                edges[n + 1][0] if n + 1 < len(edges) else None,
            )
            for n, (day, on) in enumerate(edges)
            if not on
        ]
        return [
            (since, until) for since, until in gaps if until is None or until > first
        ]

    def _link_days(self) -> set[date]:
        return {d for x in self.links.values() for d in (x.since, x.until) if d} | {
            d for _, d, _ in self.permits
        }

    def _two_years_without(self) -> date:
        """The last day of the first two years without a link, if there are any."""
        for since, until in self.gaps():
            last = two_years_to_act(since)
            if until is None or until > last:
                return last
        return date.max

    def ends(self) -> date:
        """The first day without validity: the échéance, or two years without a link."""
        last = self._two_years_without()
        return min(self.terms[-1].echeance, last if last == date.max else last + DAY)

    def phase_on(self, day: date) -> str:
        """Where it stands (§3)."""
        if self.closed:
            return "closed"
        if self.terms:
            return (
                "expired"
                if day >= self.ends()
                else "in_force"
                if self.linked(day)
                else "suspended"
            )
        if self.exam and day <= self.exam.limit:
            return "to_finalize"
        return "in_review" if self.request else "exam_awaited"

    def steps(self) -> list[Step]:
        """The letters of the calendar, as far as told."""
        if self.closed or not (self.terms or self.exam):
            return []
        if self.terms:
            start, echeance, _ = self.terms[-1]
            ends = instant(self.ends())
            dormant = ladder(
                f"{self.number}/{echeance}",
                (0,),
                months_on(start, 22),
                ends,
                "account_dormant",
                self.spread_s,
            )
            return self.reminders() + [(k[:-1], n[:-1], a, b) for k, n, a, b in dormant]
        assert self.exam
        limit = self.exam.limit
        return ladder(
            f"{self.number}/exam-{limit}",
            EXAM_LADDER,
            limit,
            instant(limit + DAY),
            "exam_ends_",
            self.spread_s,
        )

    def reminders(self) -> list[Step]:
        """The ladder before the échéance of the last term."""
        echeance = self.terms[-1].echeance
        return ladder(
            f"{self.number}/{echeance}",
            LADDER,
            echeance - DAY,
            instant(self.ends()),
            "reminder_",
            self.spread_s,
        )

    def dates(self) -> set[date]:
        """The days on which what was told begins or ends."""
        days = self._link_days()
        if self.terms:
            days |= {self.terms[-1].echeance, self.ends()}
        return days | ({self.exam.limit + DAY} if self.exam else set())

    def last_day_to_pay(self, bill: Bill) -> date:
        """The last day on which money can still serve (§9.2, §9b)."""
        if bill.renews:
            return min(open_day(bill.renews - DAY), self._two_years_without())
        return self.exam.limit if self.exam else date.max
