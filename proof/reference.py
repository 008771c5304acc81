"""What must come of a history, by the law and the Office's pages; no product code.

Written from domain.md, whose sections are cited ("§7"), and from the values of the
policy by name where our choice decides. Dates are its own. One pass over the instants
at which something was told or a day began: what is known then says what must be sent.
"""

from bisect import insort
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from hashlib import sha256

from proof.histories import NEW, OLD, History, Stretch, Told

DAY, HOUR, FIVE_MINUTES = timedelta(1), timedelta(hours=1), timedelta(minutes=5)
LONG_ENOUGH = 2 * HOUR  # "up for 2 consecutive hours": the promise on mail
LADDER, EXAM_LADDER = (
    (90, 60, 30, 14, 7, 1, 0),
    (90, 30, 14, 7, 1, 0),
)  # policy: reminders, exam_ladder
FEES = {"issue": 18000, "renewal": 18500}  # §0.9
YEAR_AHEAD = timedelta(366)


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


# ------------------------------------------------------------- days and instants (§7)


@cache
def instant(day: date, hour: int = 0) -> datetime:
    """An hour of a civil day in Québec, in UTC; summer time by the law's Sundays."""
    march, november = date(day.year, 3, 8), date(day.year, 11, 1)
    begins = datetime.combine(march + DAY * (6 - march.weekday()), time(7), UTC)
    ends = datetime.combine(november + DAY * (6 - november.weekday()), time(6), UTC)
    at = datetime.combine(day, time(hour), UTC) + 4 * HOUR
    return at if begins <= at < ends else at + HOUR


def civil(at: datetime) -> date:
    """The civil day in Québec of an instant."""
    day = (at - 4 * HOUR).date()
    return day if at >= instant(day) else day - DAY


def months_on(day: date, months: int) -> date:
    """The same day of a later month, or its last (C.p.c. 83)."""
    first = date(
        day.year + (day.month - 1 + months) // 12, (day.month - 1 + months) % 12 + 1, 1
    )
    last = (first + 31 * DAY).replace(day=1) - DAY
    return min(first + DAY * (day.day - 1), last)


@cache
def open_day(day: date) -> date:
    """The day itself, or the next one that is not closed (P-40.1 s. 269)."""
    year = day.year
    a, b, c = year % 19, year // 100, year % 100
    d = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    e = (32 + 2 * (b % 4) + 2 * (c // 4) - d - c % 4) % 7
    f = d + e - 7 * ((a + 11 * d + 22 * e) // 451) + 114
    easter = date(year, f // 31, f % 31 + 1)
    mondays = [
        x - DAY * x.weekday()
        for x in (date(year, 5, 24), date(year, 9, 7), date(year, 10, 14))
    ]
    canada = date(year, 7, 1 + (date(year, 7, 1).weekday() == 6))
    fixed = [date(year, m, n) for m, n in ((1, 1), (1, 2), (6, 24), (12, 25), (12, 26))]
    closed = {easter - 2 * DAY, easter + DAY, canada, *mondays, *fixed}
    return open_day(day + DAY) if day.weekday() > 4 or day in closed else day


def two_years_to_act(day: date) -> date:
    """The last day of two years to act, the anniversary in, closed days passed over."""
    return open_day(months_on(day, 24))


@lru_cache(1000)
def ladder(
    stem: str, steps: tuple[int, ...], last: date, ends: datetime, word: str
) -> list[tuple[str, str, datetime, datetime]]:
    """Steps from 09:00 on, spread over two hours by the key, until the next (§3.1)."""
    spread = timedelta(
        seconds=int.from_bytes(sha256(stem.encode()).digest()[:8], "big") % 7200
    )
    dues = [instant(last - DAY * n, 9) + spread for n in steps]
    named = zip(steps, dues, [*dues[1:], ends], strict=True)
    return [
        (f"{stem}/{word}{n}", f"{word}{n}", due, min(until, ends))
        for n, due, until in named
        if due < ends
    ]


# --------------------------------------------------------------------- one dossier (§3)


@dataclass(slots=True)
class Bill:
    """A fee that was asked."""

    kind: str
    renews: date | None = None
    payment: str = ""
    paid_on: date | None = None
    void: date | None = None
    next: "Bill | None" = None  # what took its place
    owed: bool = False  # taken back once its term had begun: it may be paid again

    @property
    def counts(self) -> bool:
        """Whether money was taken for it, and not taken back."""
        return self.paid_on is not None and self.void is None


@dataclass(slots=True)
class File:
    """A dossier as far as it was told."""

    number: str
    opened: date
    out: Expected
    terms: list[tuple[date, date, Bill | None]] = field(default_factory=list)
    exam: tuple[str, date, date, date, bool] | None = (
        None  # id, passed, here, limit, moved here
    )
    links: dict[str, tuple[str, date, date | None]] = field(default_factory=dict)
    permits: list[tuple[str, date, bool]] = field(default_factory=list)
    bills: list[Bill] = field(default_factory=list)
    looked: dict[str, Bill | None] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)
    request: str = ""
    closed: bool = False
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

    def linked(self, day: date) -> bool:
        """A link that counts: begun, not ended, with a valid permit (§3, §9.9)."""

        def valid(permit: str) -> bool:
            return max(
                ((d, v) for p, d, v in self.permits if p == permit and d <= day),
                default=(day, True),
            )[1]

        return any(
            a <= day and (b is None or day < b) and valid(p)
            for p, a, b in self.links.values()
        )

    def gaps(self) -> list[tuple[date, date | None]]:
        """Stretches without a link since the first term, told ahead or past."""
        first = self.terms[0][0] if self.terms else self.opened
        days = {
            first,
            *(d for _, d, _ in self.permits),
            *(d for _, a, b in self.links.values() for d in (a, b) if d),
        }
        states = [(day, self.linked(day)) for day in sorted(days)]
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

    def ends(self) -> date:
        """The first day without validity: the échéance, or two years without a link."""
        long = (
            two_years_to_act(a) + DAY
            for a, b in self.gaps()
            if b is None or b > two_years_to_act(a)
        )
        return min(self.terms[-1][1], next(long, date.max))

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
        if self.exam and day <= self.exam[3]:
            return "to_finalize"
        return "in_review" if self.request else "exam_awaited"

    def steps(self) -> list[tuple[str, str, datetime, datetime]]:
        """The letters of the calendar, as far as told."""
        if self.closed or not (self.terms or self.exam):
            return []
        if self.terms:
            start, echeance, _ = self.terms[-1]
            ends, stem = instant(self.ends()), f"{self.number}/{echeance}"
            dormant = ladder(stem, (0,), months_on(start, 22), ends, "account_dormant")
            return ladder(stem, LADDER, echeance - DAY, ends, "reminder_") + [
                (k[:-1], n[:-1], a, b) for k, n, a, b in dormant
            ]
        assert self.exam
        limit = self.exam[3]
        return ladder(
            f"{self.number}/exam-{limit}",
            EXAM_LADDER,
            limit,
            instant(limit + DAY),
            "exam_ends_",
        )

    def grant(self, day: date, at: datetime) -> None:
        """Issue once exam, fee and link are there; renew what was paid in time."""
        fee = next((b for b in self.bills if b.counts and b.kind == "issue"), None)
        if self.closed:
            return
        if not self.terms and self.exam and fee and fee.paid_on:
            ready = max(self.exam[2], fee.paid_on)
            days = sorted({ready, *(d for d in self.dates() if d > ready)})
            start = next((d for d in days if self.linked(d)), date.max)
            if start <= min(day, self.exam[3]):
                self.terms, self.request = [(start, months_on(start, 24), fee)], ""
                self.write(start, "certificate_issued", at)
        for bill in self.bills:
            if (
                self.terms
                and bill.counts
                and bill.paid_on
                and bill.renews == (x := self.terms[-1][1])
                and bill.paid_on <= open_day(x - DAY)
                and not self.ends() <= min(bill.paid_on, x - DAY)
            ):
                self.terms.append((x, months_on(x, 24), bill))
                self.write(months_on(x, 24), "renewed", at)
                break

    def dates(self) -> set[date]:
        """The days on which what was told begins or ends."""
        days = {d for _, a, b in self.links.values() for d in (a, b) if d} | {
            d for _, d, _ in self.permits
        }
        if self.terms:
            days |= {self.terms[-1][1], self.ends()}
        return days | ({self.exam[3] + DAY} if self.exam else set())

    def ask(self, kind: str, renews: date | None = None) -> Bill:
        """Ask a fee, unless it is asked already."""
        for bill in self.bills:
            asked = (bill.kind, bill.renews) == (kind, renews)
            if asked and not bill.paid_on and not bill.void:
                return bill
        self.bills.append(Bill(kind, renews))
        return self.bills[-1]

    def follow(self, day: date, at: datetime) -> None:
        """Say what changed since the person was last told."""
        before, self.phase = self.phase, self.phase_on(day)
        paid = [b for b in self.bills if b.counts and b.kind == "issue"]
        if before != self.phase:
            if self.phase == "to_finalize" and self.exam:
                if not paid:
                    self.ask("issue")
                self.write(
                    self.exam[0],
                    "transfer_accepted" if self.exam[4] else "finalize",
                    at,
                )
                self.said |= {
                    key for key, _, due, until in self.steps() if due <= at < until
                }
            elif self.phase == "exam_awaited" and before == "to_finalize" and self.exam:
                self.write(self.exam[3], "exam_lapsed", at)
                for bill in paid:
                    self.task("refund_after_lapse", bill.payment)
            elif self.phase == "suspended":
                self.write(max(a for a, _ in self.gaps() if a <= day), "suspended", at)
            elif self.phase == "in_force" and before == "suspended":
                self.write(day, "reinstated", at)
            elif self.phase == "expired":
                ended = self.ends()
                self.write(
                    ended,
                    "expired" if ended == self.terms[-1][1] else "unlinked_too_long",
                    at,
                )
        if self.phase in {"closed", "exam_awaited"} and before != self.phase:
            for bill in self.bills:
                bill.void = bill.void or (None if bill.paid_on else day)
        if (
            self.terms
            and not self.closed
            and day < (x := self.terms[-1][1])
            and not any(b.renews == x and not b.void for b in self.bills)
        ):
            opening = ladder(
                f"{self.number}/{x}", LADDER, x - DAY, instant(self.ends()), "r"
            )
            if opening and at >= opening[0][2] and x - 91 * DAY <= day:
                self.ask("renewal", x)

    # ------------------------------------------------------------------ what is told

    def hear(self, told: Told, day: date, at: datetime) -> None:
        """Take in one thing told."""
        if told.what in {"paid", "reversed"} and self.looked.get(told.about) is None:
            return  # no fee was asked: nothing could be paid
        if self.closed and told.what not in {"paid", "reversed"}:
            if told.what not in {"corrected", "cancelled"}:
                self.task("fact_for_closed_dossier", told.fact)
            return
        getattr(self, f"_{told.what}")(told, day, at)

    def _linked(self, told: Told, day: date, at: datetime) -> None:
        assert told.on
        if told.on > day + YEAR_AHEAD:
            self.task("date_in_the_future", told.fact)
        elif told.about not in self.links:
            self.links[told.about] = (told.permit, told.on, None)
            self.write(told.about, "link_confirmed", at)

    def _unlinked(self, told: Told, day: date, at: datetime) -> None:
        assert told.on
        if told.about not in self.links or told.on > day + YEAR_AHEAD:
            self.task("unknown_link", told.fact)
            return
        permit, since, _ = self.links[told.about]
        self.links[told.about] = (permit, since, told.on)
        self.write(f"{told.about}/{told.on}", "link_ended", at)

    def _permit(self, told: Told, day: date, at: datetime) -> None:  # noqa: ARG002
        assert told.on
        self.permits.append((told.permit, told.on, told.valid))

    def _exam(self, told: Told, day: date, at: datetime) -> None:  # noqa: ARG002
        assert told.on
        if told.on > day:
            self.task("date_in_the_future", told.fact)
        elif not self.exam or self.exam[1] < told.on:
            for bill in self.bills:
                if self.exam and bill.counts and day > self.exam[3] and not self.terms:
                    bill.void = day  # refunded: it pays for no other exam
            self.exam, self.request = (
                (
                    told.about,
                    told.on,
                    min(day, civil(told.at)),
                    two_years_to_act(told.on),
                    False,
                ),
                "",
            )

    def _paid(self, told: Told, day: date, at: datetime) -> None:
        bill = self.looked[told.about]
        assert bill
        assert told.captured_at
        on = civil(told.captured_at)
        same = [b for b in self.bills if (b.kind, b.renews) == (bill.kind, bill.renews)]
        # Of a bill that took the place of another, money told late pays the newest.
        while bill.void and (bill.payment or on >= bill.void) and bill.next:
            bill = bill.next
        late = (bill.void and on >= bill.void) or on > self.last_day_to_pay(bill)
        if self.closed or any(b.counts and not b.owed for b in same) or late:
            self.write(told.about, "refund_due", at)  # it goes back by itself
        elif told.cents != FEES[bill.kind]:
            self.task("wrong_amount", told.about)
            bill_id = f"{self.number}-{self.bills.index(bill) + 1}"
            self.write(f"{bill_id}/{told.about}", "invoice", at)
        else:
            bill.payment, bill.paid_on, bill.void = told.about, on, None
            bill.owed = False
            for other in same:
                if other is not bill and not other.paid_on:
                    other.void = other.void or day
            self.write(told.about, "receipt", at)

    def last_day_to_pay(self, bill: Bill) -> date:
        """The last day on which money can still serve (§9.2, §9b)."""
        if bill.renews:
            long = next(
                (
                    two_years_to_act(a)
                    for a, b in self.gaps()
                    if b is None or b > two_years_to_act(a)
                ),
                date.max,
            )
            return min(open_day(bill.renews - DAY), long)
        return self.exam[3] if self.exam else date.max

    def _reversed(self, told: Told, day: date, at: datetime) -> None:
        bill = next((b for b in self.bills if b.payment == told.about), None)
        if bill is None:
            self.task("unknown_payment_reversed", told.about)
            return
        self.write(told.about, "payment_reversed", at)
        term = next((t for t in self.terms if t[2] is bill), None)
        if self.closed or (term and day >= term[0]):
            self.task("payment_reversed_after_issue", told.about)
            bill.owed = True
            return
        bill.void = bill.void or day
        self.terms = [t for t in self.terms if t is not term]
        if day <= self.last_day_to_pay(bill):
            bill.next = self.ask(bill.kind, bill.renews)

    def _mail(self, told: Told, day: date, at: datetime) -> None:  # noqa: ARG002
        self.task("mail_to_read", told.fact)

    def _corrected(self, told: Told, day: date, at: datetime) -> None:
        assert told.on
        if (
            self.terms
            and self.terms[-1][1] != told.on
            and told.on <= day + 4 * YEAR_AHEAD
        ):
            start, _, bill = self.terms[-1]
            self.terms[-1] = (start, told.on, bill)
            self.write(told.fact, "correction_made", at)

    def _cancelled(self, told: Told, day: date, at: datetime) -> None:  # noqa: ARG002
        self.grant(day, at)  # what was earned before stays earned
        self.closed = True
        self.write(day, "cancelled", at)

    def _transfer(
        self, told: Told, day: date, at: datetime, old: "File | None" = None
    ) -> None:
        if self.phase_on(day) != "exam_awaited":
            self.task("mail_to_read", told.fact)
            return
        asked = civil(told.at)
        self.write(told.fact, "transfer_received", at)
        limits: list[date] = []
        if old and old.exam and old.phase_on(day) == "expired" and old.ends() <= asked:
            end = old.ends()
            limits = [two_years_to_act(end)] * old.linked(end - DAY) + [
                two_years_to_act(old.exam[1])
            ]
        if old and old.exam and any(asked <= limit for limit in limits):
            self.exam, old.exam, old.closed = (
                (old.exam[0], old.exam[1], day, max(limits), True),
                None,
                True,
            )
        else:
            self.request = told.fact
            self.task("transfer_not_allowed", told.fact)
            self.write(told.fact, "transfer_under_review", at)


# --------------------------------------------------------------------- a whole history


def expected(history: History) -> Expected:
    """Say what must come of a history, letter by letter."""
    out = Expected()
    files: dict[str, File] = {}
    if history.old:
        holder = history.old
        links = {x.link: (x.permit, x.since, x.until) for x in holder.links}
        exam = (
            f"exam-{OLD}",
            holder.passed_on,
            holder.start,
            two_years_to_act(holder.passed_on),
            False,
        )
        files[OLD] = File(
            OLD, holder.start, out, [(holder.start, holder.echeance, None)], exam, links
        )
    if history.new:
        files[NEW] = File(NEW, history.new, out)
    for file in files.values():
        file.phase = file.phase_on(civil(history.begins))

    def seen_at(at: datetime) -> datetime:
        return next((b for a, b in history.worker_down if a <= at < b), at)

    heard = [(seen_at(t.at), n) for n, t in enumerate(history.told)]
    looks = [
        (t.captured_at, t) for t in history.told if t.what == "paid" and t.captured_at
    ]
    instants = sorted(
        {
            history.begins,
            *(at for at, _ in heard),
            *(at for at, _ in looks),
            *(b for _, b in history.worker_down),
        }
    )
    windows: dict[str, tuple[str, list[Stretch]]] = {}
    position = 0
    while position < len(instants):
        at = instants[position]
        day = civil(at)
        for file in files.values():
            file.looked |= {
                t.about: next(
                    (
                        b
                        for b in reversed(file.bills)
                        if b.kind == ("renewal" if file.terms else "issue")
                    ),
                    None,
                )
                for when, t in looks
                if when == at and t.to == file.number
            }
        if seen_at(at) == at:
            now = sorted(
                (n for when, n in heard if when == at),
                key=lambda n: (history.told[n].at, n),
            )
            for told in (history.told[n] for n in now):
                if told.what not in {"transfer", "moved"}:
                    files[told.to].hear(told, day, at)
            if OLD in files:  # its own news come before what another dossier asks
                files[OLD].grant(day, at)
                files[OLD].follow(day, at)
            for told in (history.told[n] for n in now):
                if told.what != "transfer":
                    continue
                if files[told.to].closed:
                    files[told.to].task("fact_for_closed_dossier", told.fact)
                else:
                    files[told.to]._transfer(told, day, at, files.get(OLD))
            for file in files.values():
                file.grant(day, at)
                file.follow(day, at)
        steps = {n: f.steps() for n, f in files.items()}
        ahead = {
            seen_at(instant(d)) for f in files.values() for d in f.dates() if d > day
        }
        ahead |= {
            seen_at(due) for each in steps.values() for _, _, due, _ in each if due > at
        }
        for new in ahead.difference(instants):
            if at < new < history.until:
                insort(instants, new)
        position += 1
        until = instants[position] if position < len(instants) else history.until
        for file in files.values():
            for key, notice, due, useless in steps[file.number]:
                lo, hi = max(due, at), min(useless, until)
                if lo < hi and key not in file.said:
                    stretches = windows.setdefault(key, (notice, []))[1]
                    if stretches and stretches[-1][1] == lo:
                        stretches[-1] = (stretches[-1][0], hi)
                    else:
                        stretches.append((lo, hi))
    for key, (notice, stretches) in windows.items():
        out.duties[key] = Duty(_value(history, notice, stretches), notice, stretches)
    _refused(history, out)
    out.phases = {n: f.phase for n, f in files.items()}
    out.terms = {n: [(a, b) for a, b, _ in f.terms] for n, f in files.items()}
    return out


def _value(history: History, notice: str, stretches: list[Stretch]) -> str:
    """MUST if there was time enough, NONE if none at all, else MAY."""
    up = stretches
    for down, back in (*history.worker_down, *history.relay_down):
        up = [
            (a, b)
            for lo, hi in up
            for a, b in ((lo, min(hi, down)), (max(lo, back), hi))
            if a < b
        ]
    if not up:
        return "NONE"
    slow = notice in history.mail or any(
        lo == back for lo, _ in up for _, back in history.relay_down
    )
    enough = LONG_ENOUGH if slow else FIVE_MINUTES
    return "MUST" if any(hi - lo >= enough for lo, hi in up) else "MAY"


def _refused(history: History, out: Expected) -> None:
    """A letter that the relay refuses for good is a person's task instead."""
    met: defaultdict[str, int] = defaultdict(int)
    unsure: set[str] = set()
    for key, duty in sorted(out.duties.items(), key=lambda item: item[1].windows[0][0]):
        if "550" not in history.mail.get(duty.notice, ())[met[duty.notice] :]:
            continue
        if duty.value == "MAY" or duty.notice in unsure:
            unsure.add(duty.notice)  # it may have met the refusal, or the next one
            duty.value = "MAY" if duty.value == "MUST" else duty.value
        elif duty.value == "MUST":
            duty.value = "TASK"
            out.tasks.add(f"{key.partition('/')[0]}:letter_refused:{key}")
            met[duty.notice] = history.mail[duty.notice].index("550") + 1
