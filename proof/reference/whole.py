"""A whole history: each instant in its order, then what every letter must come to."""

from bisect import insort
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count

from proof.histories import History, Stretch, Told
from proof.reference.days import HOUR, SPREAD, civil, instant, two_years_to_act
from proof.reference.following import Duty, Expected, File
from proof.reference.hearing import hear, transfer
from proof.reference.standing import Exam, Link, Step, Term

FIVE_MINUTES = timedelta(minutes=5)
LONG_ENOUGH = 2 * HOUR  # "up for 2 consecutive hours": the promise on mail


def expected(history: History, spread_s: int = SPREAD) -> Expected:
    """Say what must come of a history, letter by letter."""
    return _Whole(history, spread_s).lived()


def _files(history: History, out: Expected, spread_s: int) -> dict[str, File]:
    files: dict[str, File] = {}
    if holder := history.old:
        number = history.old_number
        here, limit = holder.start, two_years_to_act(holder.passed_on)
        files[number] = File(
            number,
            holder.start,
            spread_s,
            terms=[Term(holder.start, holder.echeance)],
            exam=Exam(f"exam-{number}", holder.passed_on, here, limit),
            links={x.link: Link(x.permit, x.since, x.until) for x in holder.links},
            out=out,
        )
    if history.new:
        number = history.new_number
        files[number] = File(number, history.new, spread_s, out=out)
    return files


@dataclass(slots=True)
class _Whole:
    history: History
    spread_s: int
    out: Expected = field(default_factory=Expected)
    windows: dict[str, tuple[str, list[Stretch]]] = field(default_factory=dict)
    files: dict[str, File] = field(init=False)
    instants: list[datetime] = field(init=False)

    def lived(self) -> Expected:
        history, out = self.history, self.out
        self.files = _files(history, out, self.spread_s)
        for file in self.files.values():
            file.phase = file.phase_on(civil(history.begins))
        self.instants = sorted(
            {
                history.begins,
                *(history.heard_at(told) for told in history.told),
                *(told.captured_at for told in self._payments() if told.captured_at),
                *(back for _, back in history.worker_down),
            }
        )
        for position in count():  # each instant may add later ones
            if position == len(self.instants):
                break
            self._instant(position)
        for key, (notice, stretches) in self.windows.items():
            value = _value(history, notice, stretches)
            out.duties[key] = Duty(value, notice, stretches)
        _refused(history, out)
        for number, file in self.files.items():
            out.phases[number] = file.phase
            out.terms[number] = [(term.start, term.echeance) for term in file.terms]
        return out

    def _seen_at(self, at: datetime) -> datetime:
        """When the worker sees what comes: at once, or when it is back."""
        down = self.history.worker_down
        return next((back for gone, back in down if gone <= at < back), at)

    def _payments(self) -> list[Told]:
        return [told for told in self.history.told if told.what == "paid"]

    def _instant(self, position: int) -> None:
        at = self.instants[position]
        for told in self._payments():
            if told.captured_at == at and told.to in self.files:
                self.files[told.to].look(told.about)
        if self._seen_at(at) == at:
            self._hear(at)
        steps = {number: file.steps() for number, file in self.files.items()}
        self._look_ahead(at, steps)
        after = position + 1
        later = self.instants[after : after + 1]
        self._open_windows(steps, at, later[0] if later else self.history.until)

    def _hear(self, at: datetime) -> None:
        day, files, old = civil(at), self.files, self.history.old_number
        seen = (told for told in self.history.told if self.history.heard_at(told) == at)
        now = sorted(seen, key=lambda told: told.at)
        for told in now:
            if told.what not in {"transfer", "moved"}:
                hear(files[told.to], told, day, at)
        if old in files:  # its own news come before what another dossier asks
            files[old].grant(day, at)
            files[old].follow(day, at)
        for told in now:
            if told.what == "transfer":
                transfer(files[told.to], told, day, at, files.get(old))
        for file in files.values():
            file.grant(day, at)
            file.follow(day, at)

    def _look_ahead(self, at: datetime, steps: dict[str, list[Step]]) -> None:
        """Add the instants at which a day told of begins, or a letter becomes due."""
        dates: set[date] = set().union(*(f.dates() for f in self.files.values()))
        ahead = {self._seen_at(instant(d)) for d in dates if d > civil(at)}
        dues = (due for each in steps.values() for _, _, due, _ in each if due > at)
        ahead |= {self._seen_at(due) for due in dues}
        for later in ahead.difference(self.instants):
            if at < later < self.history.until:
                insort(self.instants, later)

    def _open_windows(
        self, steps: dict[str, list[Step]], at: datetime, until: datetime
    ) -> None:
        """From an instant until the next, each letter of the calendar may leave."""
        for number, file in self.files.items():
            for key, notice, due, useless in steps[number]:
                lo, hi = max(due, at), min(useless, until)
                if lo >= hi or key in file.said:
                    continue
                _, stretches = self.windows.setdefault(key, (notice, []))
                if stretches and stretches[-1][1] == lo:
                    stretches[-1] = (stretches[-1][0], hi)
                else:
                    stretches.append((lo, hi))


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
