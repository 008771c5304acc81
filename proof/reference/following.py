"""What is owed to a person when what is so has changed: terms, letters, tasks, fees."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from proof.histories import Stretch
from proof.reference.days import DAY, months_on, open_day
from proof.reference.standing import Bill, Standing, Term


@dataclass(slots=True)
class Duty:
    """One letter: MUST, NONE, TASK or MAY, and when it may leave."""

    value: str
    notice: str
    windows: list[Stretch]


@dataclass(slots=True)
class Expected:
    """What must be there at the end."""

    duties: dict[str, Duty] = field(default_factory=dict)
    tasks: set[str] = field(default_factory=set)
    phases: dict[str, str] = field(default_factory=dict)
    terms: dict[str, list[tuple[date, date]]] = field(default_factory=dict)


@dataclass(slots=True)
class File(Standing):
    """A dossier, and what it makes the Office do."""

    out: Expected = field(default_factory=Expected)
    looked: dict[str, Bill | None] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)
    phase: str = ""

    def write(self, about: object, notice: str, at: datetime) -> None:
        """A letter about an event, once, whenever it can leave."""
        self.out.duties.setdefault(
            f"{self.number}/{about}/{notice}",
            Duty("MUST", notice, [(at, datetime.max.replace(tzinfo=UTC))]),
        )

    def task(self, reason: str, about: object) -> None:
        """A person must look."""
        self.out.tasks.add(f"{self.number}:{reason}:{about}")

    def ask(self, kind: str, renews: date | None = None) -> Bill:
        """Ask a fee, unless it is asked already."""
        for bill in self.bills:
            asked = (bill.kind, bill.renews) == (kind, renews)
            if asked and not bill.paid_on and not bill.void:
                return bill
        self.bills.append(Bill(kind, renews))
        return self.bills[-1]

    def look(self, payment: str) -> None:
        """Open the page where the last fee asked is paid."""
        kind = "renewal" if self.terms else "issue"
        asked = (bill for bill in reversed(self.bills) if bill.kind == kind)
        self.looked[payment] = next(asked, None)

    def grant(self, day: date, at: datetime) -> None:
        """Issue once exam, fee and link are there; renew what was paid in time."""
        if self.closed:
            return
        self._issue(day, at)
        for bill in self.bills:
            if (
                self.terms
                and bill.counts
                and bill.paid_on
                and bill.renews == (x := self.terms[-1].echeance)
                and bill.paid_on <= open_day(x - DAY)
                and not self.ends() <= min(bill.paid_on, x - DAY)
            ):
                self.terms.append(Term(x, months_on(x, 24), bill))
                self.write(months_on(x, 24), "renewed", at)
                break

    def _issue(self, day: date, at: datetime) -> None:
        fee = next((b for b in self.bills if b.counts and b.kind == "issue"), None)
        if self.terms or not (self.exam and fee and fee.paid_on):
            return
        ready = max(self.exam.here_since, fee.paid_on)
        days = sorted({ready, *(d for d in self.dates() if d > ready)})
        start = next((d for d in days if self.linked(d)), date.max)
        if start <= min(day, self.exam.limit):
            self.terms, self.request = [Term(start, months_on(start, 24), fee)], ""
            self.write(start, "certificate_issued", at)

    def follow(self, day: date, at: datetime) -> None:
        """Say what changed since the person was last told."""
        before, self.phase = self.phase, self.phase_on(day)
        if before != self.phase:
            self._say(before, day, at)
            if self.phase in {"closed", "exam_awaited"}:
                for bill in self.bills:
                    bill.void = bill.void or (None if bill.paid_on else day)
        if (
            self.terms
            and not self.closed
            and day < (x := self.terms[-1].echeance)
            and not any(b.renews == x and not b.void for b in self.bills)
            and (opening := self.reminders())
            and at >= opening[0][2]
            and x - 91 * DAY <= day
        ):
            self.ask("renewal", x)

    def _say(self, before: str, day: date, at: datetime) -> None:
        if self.phase == "to_finalize" and self.exam:
            if not self._fees_paid():
                self.ask("issue")
            notice = "transfer_accepted" if self.exam.moved_here else "finalize"
            self.write(self.exam.name, notice, at)
            self.said |= {
                key for key, _, due, until in self.steps() if due <= at < until
            }
        elif self.phase == "exam_awaited" and before == "to_finalize" and self.exam:
            self.write(self.exam.limit, "exam_lapsed", at)
            for bill in self._fees_paid():
                self.task("refund_after_lapse", bill.payment)
        elif self.phase == "suspended":
            self.write(max(a for a, _ in self.gaps() if a <= day), "suspended", at)
        elif self.phase == "in_force" and before == "suspended":
            self.write(day, "reinstated", at)
        elif self.phase == "expired":
            ended = self.ends()
            at_its_end = ended == self.terms[-1].echeance
            self.write(ended, "expired" if at_its_end else "unlinked_too_long", at)

    def _fees_paid(self) -> list[Bill]:
        return [b for b in self.bills if b.counts and b.kind == "issue"]
